/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Netlink by hand, for benches: messages written and read without any library
 * and without what the firewall of ours does, so that it can be measured
 * against this.  One transaction at a time, in one buffer.
 */

#ifndef TRAPLINE_TESTS_BENCH_BARE_H
#define TRAPLINE_TESTS_BENCH_BARE_H

#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "engine/change.h"
#include "engine/log.h"

#define BARE_LIST 2000 /* elements in one message */

static struct {
	int fd;
	uint32_t seq;
	size_t used;
	uint8_t bytes[1 << 20];
} bare_out;

/* Runs a program in this namespace and ends with it when it fails. */
static inline void
bare_run(const char *const *argv)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) == -1 || status != 0)
		fatalx("%s %s: failed", argv[0], argv[1]);
}

static inline void
bare_nft(const char *text)
{
	const char *const argv[] = {"nft", text, NULL};

	bare_run(argv);
}

/* A table with the set and the rule that the firewall's has. */
static inline void
bare_table(void)
{
	bare_nft("add table inet bare; add set inet bare hosts { type "
		 "ipv4_addr; size 2000000; flags timeout; }; add chain inet "
		 "bare enforce { type filter hook prerouting priority raw; }; "
		 "add rule inet bare enforce ip saddr @hosts counter drop");
}

static inline int
bare_socket(void)
{
	int size = 32 << 20;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd == -1)
		fatal("netlink");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

static inline void
bare_open(void)
{
	bare_out.fd = bare_socket();
}

static inline size_t
bare_put(uint16_t type, const void *bytes, size_t len)
{
	struct nlattr a = {.nla_len = (uint16_t)(sizeof(a) + len),
	    .nla_type = type};
	size_t at = bare_out.used;

	memcpy(bare_out.bytes + bare_out.used, &a, sizeof(a));
	if (len > 0)
		memcpy(bare_out.bytes + bare_out.used + sizeof(a), bytes, len);
	bare_out.used += NLA_ALIGN(sizeof(a) + len);
	return at;
}

static inline void
bare_close_nest(size_t at)
{
	uint16_t len = (uint16_t)(bare_out.used - at);

	memcpy(bare_out.bytes + at, &len, sizeof(len));
}

static inline size_t
bare_message(uint16_t type, uint16_t flags, uint8_t family, uint16_t resource)
{
	struct nlmsghdr h = {.nlmsg_type = type,
	    .nlmsg_flags = NLM_F_REQUEST | flags,
	    .nlmsg_seq = bare_out.seq++};
	struct nfgenmsg g = {.nfgen_family = family, .res_id = htons(resource)};
	size_t at = bare_out.used;

	h.nlmsg_len = sizeof(h) + sizeof(g);
	memcpy(bare_out.bytes + at, &h, sizeof(h));
	memcpy(bare_out.bytes + at + sizeof(h), &g, sizeof(g));
	bare_out.used += h.nlmsg_len;
	return at;
}

static inline void
bare_close_message(size_t at)
{
	uint32_t len = (uint32_t)(bare_out.used - at);

	memcpy(bare_out.bytes + at, &len, sizeof(len));
}

/* Sends the buffer to fd and reads the one answer that was asked for. */
static inline void
bare_ask(int fd, const char *what)
{
	union {
		struct nlmsghdr header;
		uint8_t bytes[512];
	} answer;
	struct nlmsgerr e;

	if (send(fd, bare_out.bytes, bare_out.used, 0) == -1)
		fatal("%s", what);
	if (recv(fd, &answer, sizeof(answer), 0) == -1)
		fatal("%s", what);
	memcpy(&e, answer.bytes + sizeof(answer.header), sizeof(e));
	if (answer.header.nlmsg_type != NLMSG_ERROR || e.error != 0)
		fatalx("%s: %s", what, strerror(-e.error));
}

static inline void
bare_put_element(const struct change *c)
{
	uint64_t timeout = htobe64((uint64_t)c->remaining_ms);
	size_t element = bare_put(NFTA_LIST_ELEM | NLA_F_NESTED, NULL, 0);
	size_t key = bare_put(NFTA_SET_ELEM_KEY | NLA_F_NESTED, NULL, 0);

	bare_put(NFTA_DATA_VALUE, c->prefix.addr.bytes + 12, 4);
	bare_close_nest(key);
	bare_put(NFTA_SET_ELEM_TIMEOUT, &timeout, sizeof(timeout));
	bare_close_nest(element);
}

/* Adds n elements in one transaction, which the kernel confirms. */
static inline void
bare_apply(const struct change *c, size_t n)
{
	size_t at, list, i, end;

	bare_out.used = 0;
	bare_message(NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES);
	for (i = 0; i < n; i = end) {
		end = n - i < BARE_LIST ? n : i + BARE_LIST;
		at = bare_message((NFNL_SUBSYS_NFTABLES << 8) |
				      NFT_MSG_NEWSETELEM,
		    NLM_F_CREATE | (end == n ? NLM_F_ACK : 0), NFPROTO_INET, 0);
		bare_put(NFTA_SET_ELEM_LIST_TABLE, "bare", 5);
		bare_put(NFTA_SET_ELEM_LIST_SET, "hosts", 6);
		list = bare_put(NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED,
		    NULL, 0);
		for (; i < end; i++)
			bare_put_element(&c[i]);
		bare_close_nest(list);
		bare_close_message(at);
	}
	bare_message(NFNL_MSG_BATCH_END, 0, 0, NFNL_SUBSYS_NFTABLES);
	bare_ask(bare_out.fd, "bare transaction");
}

/* Changes that hold n different hosts of 10.0.0.0/8 in no order. */
static inline struct change *
bare_changes(size_t first, size_t n)
{
	struct change *changes = calloc(n, sizeof(*changes));
	size_t i;

	if (changes == NULL)
		fatal("changes");
	for (i = 0; i < n; i++) {
		uint32_t bits = (uint32_t)(first + i) * UINT32_C(2654435761);
		const uint8_t bytes[4] = {10, (uint8_t)(bits >> 16),
		    (uint8_t)(bits >> 8), (uint8_t)bits};
		struct addr addr = addr_from_ipv4(bytes);

		changes[i].prefix = prefix_host(&addr);
		changes[i].remaining_ms = 3600000 + (int64_t)i;
	}
	return changes;
}

/* The payload of the first attribute of that type; NULL if there is none. */
static inline const uint8_t *
bare_find(const uint8_t *bytes, size_t len, uint16_t type, size_t *out_len)
{
	struct nlattr a;
	size_t step;

	while (bytes != NULL && len >= sizeof(a)) {
		memcpy(&a, bytes, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > len)
			return NULL;
		if ((a.nla_type & NLA_TYPE_MASK) == type) {
			*out_len = a.nla_len - sizeof(a);
			return bytes + sizeof(a);
		}
		step = NLA_ALIGN(a.nla_len);
		if (step > len)
			return NULL;
		bytes += step;
		len -= step;
	}
	return NULL;
}

static inline int
bare_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

struct bare_figures {
	double median_us, p99_us;
};

/* Sorts the times, nanoseconds. */
static inline struct bare_figures
bare_figures(int64_t *ns, size_t n)
{
	struct bare_figures f;

	qsort(ns, n, sizeof(ns[0]), bare_compare);
	f.median_us = (double)ns[n / 2] / 1e3;
	f.p99_us = (double)ns[n * 99 / 100] / 1e3;
	return f;
}

#endif
