/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What the nft firewall costs over bare netlink: one change as a transaction
 * of its own, and a bulk load, against messages that are written here by hand
 * for a set of the same kind.  Everything happens in a network namespace of
 * its own.  The bare side runs before the firewall is opened, so that nobody
 * listens to the kernel's notices then.
 */

#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "actuators/actuator.h"
#include "engine/clock.h"
#include "engine/log.h"
#include "tests/bench/bench.h"

#define SINGLES 5000
#define CHUNK   4096
#define LIST    2000 /* elements in one bare message */
#define HOUR_MS (3600 * INT64_C(1000))

static struct change *changes;
static size_t bulk = 100000;

/* The bare side: a buffer that is filled by hand. */
static struct {
	int fd;
	uint32_t seq;
	size_t used;
	uint8_t bytes[1 << 20];
} bare;

static size_t
put(uint16_t type, const void *bytes, size_t len)
{
	struct nlattr a = {.nla_len = (uint16_t)(sizeof(a) + len),
	    .nla_type = type};
	size_t at = bare.used;

	memcpy(bare.bytes + bare.used, &a, sizeof(a));
	if (len > 0)
		memcpy(bare.bytes + bare.used + sizeof(a), bytes, len);
	bare.used += NLA_ALIGN(sizeof(a) + len);
	return at;
}

static void
close_nest(size_t at)
{
	uint16_t len = (uint16_t)(bare.used - at);

	memcpy(bare.bytes + at, &len, sizeof(len));
}

static size_t
message(uint16_t type, uint16_t flags, uint8_t family, uint16_t resource)
{
	struct nlmsghdr h = {.nlmsg_type = type,
	    .nlmsg_flags = NLM_F_REQUEST | flags,
	    .nlmsg_seq = bare.seq++};
	struct nfgenmsg g = {.nfgen_family = family, .res_id = htons(resource)};
	size_t at = bare.used;

	h.nlmsg_len = sizeof(h) + sizeof(g);
	memcpy(bare.bytes + at, &h, sizeof(h));
	memcpy(bare.bytes + at + sizeof(h), &g, sizeof(g));
	bare.used += h.nlmsg_len;
	return at;
}

static void
close_message(size_t at)
{
	uint32_t len = (uint32_t)(bare.used - at);

	memcpy(bare.bytes + at, &len, sizeof(len));
}

static void
put_element(const struct change *c)
{
	uint64_t timeout = htobe64((uint64_t)c->remaining_ms);
	size_t element = put(NFTA_LIST_ELEM | NLA_F_NESTED, NULL, 0);
	size_t key = put(NFTA_SET_ELEM_KEY | NLA_F_NESTED, NULL, 0);

	put(NFTA_DATA_VALUE, c->prefix.addr.bytes + 12, 4);
	close_nest(key);
	put(NFTA_SET_ELEM_TIMEOUT, &timeout, sizeof(timeout));
	close_nest(element);
}

static void
bare_apply(const struct change *c, size_t n)
{
	size_t at, list, i, end;
	uint8_t answer[512];

	bare.used = 0;
	message(NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES);
	for (i = 0; i < n; i = end) {
		end = n - i < LIST ? n : i + LIST;
		at = message((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWSETELEM,
		    NLM_F_CREATE, NFPROTO_INET, 0);
		put(NFTA_SET_ELEM_LIST_TABLE, "bare", 5);
		put(NFTA_SET_ELEM_LIST_SET, "hosts", 6);
		list = put(NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED, NULL, 0);
		for (; i < end; i++)
			put_element(&c[i]);
		close_nest(list);
		close_message(at);
	}
	message(NFNL_MSG_BATCH_END, 0, 0, NFNL_SUBSYS_NFTABLES);
	if (send(bare.fd, bare.bytes, bare.used, 0) == -1)
		fatal("send");
	if (recv(bare.fd, answer, sizeof(answer), MSG_DONTWAIT) != -1)
		fatalx("the kernel refused the bare transaction");
}

static void
bare_open(void)
{
	int size = 32 << 20;

	bare.fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	setsockopt(bare.fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
}

static void
nft(const char *text)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execlp("nft", "nft", text, (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) == -1 || status != 0)
		fatalx("nft %s", text);
}

/* A bare table with the set and the rule that the firewall's has. */
static void
bare_table(void)
{
	nft("add table inet bare; add set inet bare hosts { type ipv4_addr; "
	    "size 2000000; flags timeout; }; add chain inet bare enforce { "
	    "type filter hook prerouting priority raw; }; add rule inet bare "
	    "enforce ip saddr @hosts counter drop");
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

struct figures {
	double median_us, p99_us;
	double bulk_s;
};

/* One change at a time, and everything in chunks. */
static struct figures
measure(const struct actuator_ops *ops, struct actuator *a)
{
	static int64_t took[SINGLES];
	struct figures f;
	int64_t start;
	size_t i;

	start = mono_read().ns;
	for (i = 0; i < bulk; i += CHUNK) {
		size_t n = bulk - i < CHUNK ? bulk - i : CHUNK;

		if (a == NULL)
			bare_apply(changes + i, n);
		else if (ops->apply(a, changes + i, n) != n)
			fatalx("not everything was taken");
	}
	f.bulk_s = (double)(mono_read().ns - start) / 1e9;
	for (i = 0; i < SINGLES; i++) {
		start = mono_read().ns;
		if (a == NULL)
			bare_apply(changes + bulk + i, 1);
		else if (ops->apply(a, changes + bulk + i, 1) != 1)
			fatalx("not taken");
		took[i] = mono_read().ns - start;
	}
	qsort(took, SINGLES, sizeof(took[0]), compare);
	f.median_us = (double)took[SINGLES / 2] / 1e3;
	f.p99_us = (double)took[SINGLES * 99 / 100] / 1e3;
	return f;
}

static void
changes_make(void)
{
	uint32_t i;

	changes = calloc(bulk + SINGLES, sizeof(*changes));
	if (changes == NULL)
		fatal("changes");
	for (i = 0; i < bulk + SINGLES; i++) {
		uint32_t bits = i * UINT32_C(2654435761);
		const uint8_t bytes[4] = {(uint8_t)(bits >> 24),
		    (uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
		struct addr addr = addr_from_ipv4(bytes);

		changes[i].prefix = prefix_host(&addr);
		changes[i].remaining_ms = HOUR_MS + i;
	}
}

static void
report(const struct figures *raw, const struct figures *ours)
{
	char what[64];

	bench_ratio("one change, median", ours->median_us, raw->median_us,
	    "us");
	bench_ratio("one change, p99", ours->p99_us, raw->p99_us, "us");
	snprintf(what, sizeof(what), "%zu in chunks", bulk);
	bench_ratio(what, ours->bulk_s, raw->bulk_s, "s");
}

int
main(int argc, char **argv)
{
	static struct table_conf table = {.name = "bruteforce",
	    .enforce = ENFORCE_BLOCK};
	struct actuator_conf conf = {.tables = &table,
	    .ntables = 1,
	    .source_len_inet = 128,
	    .source_len_inet6 = 64,
	    .limit_entries = 2000000};
	const struct actuator_ops *ops = actuator_find(FIREWALL_NFT);
	struct actuator *a = NULL;
	struct figures raw, ours;

	if (argc > 1)
		bulk = strtoul(argv[1], NULL, 10);
	if (ops == NULL || unshare(CLONE_NEWNET) == -1) {
		printf("skipped: no nftables here, or no namespace\n");
		return 0;
	}
	bench_load("changes to the kernel's sets against raw netlink");
	changes_make();
	bare_open();
	bare_table();
	raw = measure(NULL, NULL);
	nft("delete table inet bare");
	if (ops->open(&conf, &a) == -1)
		return 1;
	ours = measure(ops, a);
	report(&raw, &ours);
	ops->close(a);
	free(changes);
	return 0;
}
