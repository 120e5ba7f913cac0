/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Addresses and prefixes.  Everything that names a host in trapline goes
 * through here; the v4-mapped form is made in addr_from_ipv4() and undone in
 * the two format functions, and nowhere else.
 */

#include "engine/prefix.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct addr
addr_from_ipv4(const uint8_t *bytes)
{
	struct addr a;

	memcpy(a.bytes, mapped, sizeof(mapped));
	memcpy(a.bytes + sizeof(mapped), bytes, 4);
	return a;
}

struct addr
addr_from_ipv6(const uint8_t *bytes)
{
	struct addr a;

	memcpy(a.bytes, bytes, sizeof(a.bytes));
	return a;
}

bool
addr_is_ipv4(const struct addr *a)
{
	return memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

int
addr_cmp(const struct addr *a, const struct addr *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

const char *
addr_format(const struct addr *a, char *out, size_t size)
{
	const char *done;

	if (addr_is_ipv4(a))
		done = inet_ntop(AF_INET, a->bytes + 12, out, (socklen_t)size);
	else
		done = inet_ntop(AF_INET6, a->bytes, out, (socklen_t)size);
	if (done == NULL && size > 0)
		out[0] = '\0';
	return out;
}

int
addr_parse(const char *text, struct addr *out)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1) {
		*out = addr_from_ipv4(bytes);
		return 0;
	}
	if (inet_pton(AF_INET6, text, bytes) == 1) {
		*out = addr_from_ipv6(bytes);
		return 0;
	}
	return -1;
}

struct prefix
prefix_make(const struct addr *addr, unsigned int len)
{
	struct prefix p = {.addr = *addr, .len = (uint8_t)len};
	unsigned int whole = len / 8;

	if (len >= 128) {
		p.len = 128;
		return p;
	}
	p.addr.bytes[whole] &= (uint8_t)(0xff00U >> (len % 8));
	memset(p.addr.bytes + whole + 1, 0, sizeof(p.addr.bytes) - whole - 1);
	return p;
}

struct prefix
prefix_host(const struct addr *addr)
{
	struct prefix p = {.addr = *addr, .len = 128};

	return p;
}

bool
prefix_is_ipv4(const struct prefix *p)
{
	return p->len >= PREFIX_V4_BASE && addr_is_ipv4(&p->addr);
}

bool
prefix_is_host(const struct prefix *p)
{
	return p->len == 128;
}

/* The length as people write it: 0 to 32 for IPv4, 0 to 128 for IPv6. */
static unsigned int
mask_bits(const struct prefix *p)
{
	return prefix_is_ipv4(p) ? p->len - PREFIX_V4_BASE : p->len;
}

bool
prefix_contains(const struct prefix *p, const struct addr *a)
{
	unsigned int whole = p->len / 8, rest = p->len % 8;

	if (memcmp(p->addr.bytes, a->bytes, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	return ((p->addr.bytes[whole] ^ a->bytes[whole]) & (0xff00U >> rest) &
		   0xff) == 0;
}

bool
prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	return outer->len <= inner->len && prefix_contains(outer, &inner->addr);
}

bool
prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_equal(&a->addr, &b->addr);
}

int
prefix_cmp(const struct prefix *a, const struct prefix *b)
{
	int order = addr_cmp(&a->addr, &b->addr);

	if (order != 0)
		return order;
	return (int)a->len - (int)b->len;
}

struct addr
prefix_last(const struct prefix *p)
{
	struct addr last = p->addr;
	unsigned int whole = p->len / 8;

	if (p->len >= 128)
		return last;
	last.bytes[whole] |= (uint8_t)(0xffU >> (p->len % 8));
	memset(last.bytes + whole + 1, 0xff, sizeof(last.bytes) - whole - 1);
	return last;
}

static uint64_t
mix(uint64_t a, uint64_t b)
{
	a ^= b;
	a *= 0x9e3779b97f4a7c15ULL;
	a ^= a >> 29;
	a *= 0xbf58476d1ce4e5b9ULL;
	return a ^ (a >> 32);
}

uint64_t
prefix_hash(const struct prefix *p, uint64_t seed)
{
	uint64_t high, low;

	memcpy(&high, p->addr.bytes, sizeof(high));
	memcpy(&low, p->addr.bytes + 8, sizeof(low));
	return mix(mix(seed ^ p->len, high), low);
}

int
prefix_parse(const char *text, struct prefix *out)
{
	char host[PREFIX_STRLEN];
	const char *slash = strchr(text, '/');
	const char *error;
	struct addr addr;
	size_t host_len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	long long bits, most;

	if (host_len >= sizeof(host))
		return -1;
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (addr_parse(host, &addr) == -1)
		return -1;
	if (slash == NULL) {
		*out = prefix_host(&addr);
		return 0;
	}
	/* A mask behind dots counts IPv4 bits; "::ffff:1.2.3.4/120" is none. */
	most = strchr(host, ':') == NULL ? 32 : 128;
	if (slash[1] < '0' || slash[1] > '9')
		return -1;
	bits = strtonum(slash + 1, 0, most, &error);
	if (error != NULL)
		return -1;
	if (most == 32)
		bits += PREFIX_V4_BASE;
	*out = prefix_make(&addr, (unsigned int)bits);
	return 0;
}

const char *
prefix_format(const struct prefix *p, char *out, size_t size)
{
	size_t used;

	addr_format(&p->addr, out, size);
	if (prefix_is_host(p))
		return out;
	/* A network wider than the mapped block is IPv6, whatever its bytes. */
	if (!prefix_is_ipv4(p) && addr_is_ipv4(&p->addr))
		inet_ntop(AF_INET6, p->addr.bytes, out, (socklen_t)size);
	used = strlen(out);
	snprintf(out + used, size - used, "/%u", mask_bits(p));
	return out;
}
