/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_PREFIX_H
#define TRAPLINE_ENGINE_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An address of either family in network byte order.  IPv4 is kept in its
 * v4-mapped form ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2), so that a host
 * is one host however it was written or seen.
 */
struct addr {
	uint8_t bytes[16];
};

/*
 * A network.  len counts bits of the 128-bit form: the IPv4 prefix
 * 192.0.2.0/24 has len 120.  Bits behind len are zero.
 */
struct prefix {
	struct addr addr;
	uint8_t len;
};

/* What an IPv4 prefix length is larger by in struct prefix. */
#define PREFIX_V4_BASE 96
/* Longest text of a prefix with its terminating NUL. */
#define PREFIX_STRLEN 50

/* bytes: 4, network byte order. */
struct addr addr_from_ipv4(const uint8_t *bytes);
/* bytes: 16, network byte order. */
struct addr addr_from_ipv6(const uint8_t *bytes);
bool addr_is_ipv4(const struct addr *);
bool addr_equal(const struct addr *, const struct addr *);
/* Orders by bytes; less than, equal to or greater than zero as memcmp(). */
int addr_cmp(const struct addr *, const struct addr *);
/* Writes the text form; size of PREFIX_STRLEN always suffices.  Returns out. */
const char *addr_format(const struct addr *, char *out, size_t size);
/* Reads a numeric IPv4 or IPv6 address.  0, or -1 for anything else. */
int addr_parse(const char *text, struct addr *out);

/* Masks addr to len bits (0 to 128 of the 128-bit form). */
struct prefix prefix_make(const struct addr *, unsigned int len);
struct prefix prefix_host(const struct addr *);
/* True for an IPv4 address or network (v4-mapped and len >= 96). */
bool prefix_is_ipv4(const struct prefix *);
/* True for one single address. */
bool prefix_is_host(const struct prefix *);
bool prefix_contains(const struct prefix *, const struct addr *);
/* True when every address of inner is in outer; equal prefixes cover. */
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);
bool prefix_equal(const struct prefix *, const struct prefix *);
/* Orders by address, then the wider first. */
int prefix_cmp(const struct prefix *, const struct prefix *);
/* The last address of the prefix. */
struct addr prefix_last(const struct prefix *);
/* Hash for tables; the seed keeps strangers from choosing collisions. */
uint64_t prefix_hash(const struct prefix *, uint64_t seed);

/*
 * Reads "192.0.2.1", "192.0.2.0/24", "2001:db8::/32".  Host bits behind the
 * mask are cleared.  0, or -1 when it is no address or the mask is out of
 * range.
 */
int prefix_parse(const char *text, struct prefix *out);
/*
 * Writes the text form, hosts without a mask (DESIGN 6).  size of
 * PREFIX_STRLEN always suffices.  Returns out.
 */
const char *prefix_format(const struct prefix *, char *out, size_t size);

#endif
