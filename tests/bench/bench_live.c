/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * From the packet to the kernel's set: a real traplined in a namespace of its
 * own, sources in another that connect until they are over the limit, one
 * after the other.  The time runs from the kernel's own stamp of the packet
 * that is one too many, which a log rule of this bench's asks for, to the
 * kernel's notice that the element is there, as it arrives here.  Beside each
 * offender stands one bare transaction of a single element, and at the end
 * the price of what no design of several processes can do without: the packet
 * to a reader, a message from process to process.
 *
 *	bench_live [TRAPLINED]
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink_log.h>

#include "engine/clock.h"
#include "engine/log.h"
#include "tests/bench/bare.h"
#include "tests/bench/bench.h"
#include "tests/bench/daemon.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

#define OFFENDERS 200
#define WARM_UP   20
#define LIMIT     3
#define GROUP     9 /* of this bench's log rule */
#define PORT      22
#define INNOCENT  23 /* a port that no rule watches */
#define WAIT_MS   5000
#define PATIENCE  50 /* tries until the sensor listens */

static const char statements[] = "table <bad> expire 6w enforce block\n"
				 "firewall nft\n"
				 "sensor nflog group 5 seen passed log new\n"
				 "watch in seen passed proto tcp to port 22 "
				 "(max-src-conn-rate 3/60, overload <bad>)\n";

/* The firewall's log rule comes right behind this one. */
static const char log_rule[] =
    "add table inet bench; add chain inet bench observe { type filter hook "
    "prerouting priority mangle - 1; }; add rule inet bench observe ct state "
    "new tcp dport 22-23 log group 9 snaplen 64 queue-threshold 1";

static int logged = -1, notices = -1;
static int to_attacker; /* one byte there, one back */
static uint64_t drained;

static int64_t
now_ns(void)
{
	struct timespec ts;

	timespec_get(&ts, TIME_UTC);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* --- the attacker's namespace ------------------------------------------- */

/* Connections from 198.18.1.HOST, all held open until the last stands. */
static void
attack(uint8_t host, uint16_t port, int n)
{
	struct sockaddr_in from = {.sin_family = AF_INET},
			   to = {.sin_family = AF_INET,
			       .sin_port = htons(port)};
	struct linger reset = {.l_onoff = 1};
	struct timeval most = {.tv_sec = 1};
	int fds[16], i;

	from.sin_addr.s_addr = htonl(UINT32_C(0xc6120100) | host);
	to.sin_addr.s_addr = htonl(UINT32_C(0xc6120001));
	for (i = 0; i < n; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &reset,
		    sizeof(reset));
		setsockopt(fds[i], SOL_SOCKET, SO_SNDTIMEO, &most,
		    sizeof(most));
		if (bind(fds[i], (struct sockaddr *)&from, sizeof(from)) == -1)
			fatal("bind");
		/* Of a source that is held already it comes to nothing. */
		(void)connect(fds[i], (struct sockaddr *)&to, sizeof(to));
	}
	for (i = 0; i < n; i++)
		close(fds[i]);
}

struct order {
	uint16_t port;
	uint8_t host;
	uint8_t n; /* connections; 0: none, just answer */
};

static void
attacker(int fd)
{
	static const char *const setup[][10] = {
	    {"ip", "link", "set", "lo", "up"},
	    {"ip", "link", "set", "out0", "up"},
	    {"ip", "address", "add", "198.18.0.2/24", "dev", "out0"},
	    {"ip", "route", "add", "local", "198.18.1.0/24", "dev", "lo"},
	};
	struct order order;
	size_t i;

	if (unshare(CLONE_NEWNET) == -1 || write(fd, "u", 1) != 1 ||
	    read(fd, &order, sizeof(order)) != sizeof(order))
		fatal("attacker");
	for (i = 0; i < sizeof(setup) / sizeof(setup[0]); i++)
		bare_run(setup[i]);
	do {
		if (order.n > 0)
			attack(order.host, order.port, order.n);
		if (write(fd, "d", 1) != 1)
			break;
	} while (read(fd, &order, sizeof(order)) == sizeof(order));
	_exit(0);
}

static void
tell_attacker(uint8_t host, uint16_t port, uint8_t n)
{
	struct order order = {.port = port, .host = host, .n = n};

	if (write(to_attacker, &order, sizeof(order)) != sizeof(order))
		fatal("attacker");
}

static void
await_attacker(void)
{
	char done;

	if (read(to_attacker, &done, 1) != 1)
		fatalx("the attacker ended");
}

static void
start_attacker(void)
{
	char pid_text[16];
	const char *const setup[][12] = {
	    {"ip", "link", "set", "lo", "up"},
	    {"ip", "link", "add", "fw0", "type", "veth", "peer", "name", "out0",
		"netns", pid_text},
	    {"ip", "link", "set", "fw0", "up"},
	    {"ip", "address", "add", "198.18.0.1/24", "dev", "fw0"},
	    {"ip", "route", "add", "198.18.1.0/24", "via", "198.18.0.2"},
	};
	int ends[2];
	pid_t pid;
	size_t i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		fatal("socketpair");
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		attacker(ends[1]);
	}
	close(ends[1]);
	to_attacker = ends[0];
	await_attacker();
	snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
	for (i = 0; i < sizeof(setup) / sizeof(setup[0]); i++)
		bare_run(setup[i]);
	tell_attacker(0, 0, 0);
	await_attacker();
}

/* --- the firewall's namespace ------------------------------------------- */

/* Connections are accepted by the kernel; nobody takes them. */
static void
listen_here(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
	    .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&here, sizeof(here)) == -1 ||
	    listen(fd, 4096) == -1)
		fatal("listen");
}

static void
open_log(void)
{
	struct nfulnl_msg_config_mode mode = {.copy_range = htonl(64),
	    .copy_mode = NFULNL_COPY_PACKET};
	uint32_t threshold = htonl(1);
	uint8_t bind_it = NFULNL_CFG_CMD_BIND;
	size_t at;

	logged = bare_socket();
	bare_out.used = 0;
	at = bare_message((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG,
	    NLM_F_ACK, AF_UNSPEC, GROUP);
	bare_put(NFULA_CFG_CMD, &bind_it, sizeof(bind_it));
	bare_put(NFULA_CFG_MODE, &mode, sizeof(mode));
	bare_put(NFULA_CFG_QTHRESH, &threshold, sizeof(threshold));
	bare_close_message(at);
	bare_ask(logged, "nflog");
}

static void
open_notices(void)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	int group = NFNLGRP_NFTABLES;

	notices = bare_socket();
	if (bind(notices, (struct sockaddr *)&self, sizeof(self)) == -1 ||
	    setsockopt(notices, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		sizeof(group)) == -1)
		fatal("notices");
}

/* One datagram within that time: its first message's body, or NULL. */
static const uint8_t *
receive(int fd, int wait_ms, uint16_t *type, size_t *len)
{
	static union {
		struct nlmsghdr header;
		uint8_t bytes[65536];
	} in;
	const size_t skip = sizeof(in.header) + sizeof(struct nfgenmsg);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	if (poll(&p, 1, wait_ms) != 1)
		return NULL;
	n = recv(fd, &in, sizeof(in), 0);
	if (n < (ssize_t)skip || in.header.nlmsg_len > (size_t)n)
		fatalx("netlink: a short message");
	*type = in.header.nlmsg_type;
	*len = in.header.nlmsg_len - skip;
	return in.bytes + skip;
}

/* Is this notice about an element with that key, in a table's sets? */
static bool
is_about(const uint8_t *body, size_t len, const char *table, uint32_t key)
{
	size_t n;
	const uint8_t *at = bare_find(body, len, NFTA_SET_ELEM_LIST_TABLE, &n);

	if (at == NULL || n != strlen(table) + 1 || memcmp(at, table, n) != 0)
		return false;
	at = bare_find(body, len, NFTA_SET_ELEM_LIST_ELEMENTS, &n);
	at = bare_find(at, n, NFTA_LIST_ELEM, &n);
	at = bare_find(at, n, NFTA_SET_ELEM_KEY, &n);
	at = bare_find(at, n, NFTA_DATA_VALUE, &n);
	return at != NULL && n == sizeof(key) && memcmp(at, &key, n) == 0;
}

/* When the notice of that element came; -1: it did not. */
static int64_t
await_element(const char *table, uint32_t key, int wait_ms)
{
	const uint8_t *body;
	uint16_t type;
	size_t len;
	int64_t at;

	while ((body = receive(notices, wait_ms, &type, &len)) != NULL) {
		at = now_ns();
		if (type ==
			((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWSETELEM) &&
		    is_about(body, len, table, key))
			return at;
	}
	return -1;
}

/* The kernel's stamp on a logged packet. */
static int64_t
stamp(const uint8_t *body, size_t len)
{
	struct nfulnl_msg_packet_timestamp t;
	size_t n;
	const uint8_t *at = bare_find(body, len, NFULA_TIMESTAMP, &n);

	if (at == NULL || n != sizeof(t))
		fatalx("a logged packet has no time stamp");
	memcpy(&t, at, sizeof(t));
	return (int64_t)be64toh(t.sec) * 1000000000 +
	       (int64_t)be64toh(t.usec) * 1000;
}

/* The stamp of the last of n logged packets. */
static int64_t
last_stamp(int n)
{
	int64_t at = 0;
	const uint8_t *body;
	uint16_t type;
	size_t len;

	while (n-- > 0) {
		body = receive(logged, WAIT_MS, &type, &len);
		if (body == NULL)
			fatalx("a packet was not logged");
		at = stamp(body, len);
	}
	return at;
}

static uint32_t
offender_key(uint8_t host)
{
	return htonl(UINT32_C(0xc6120100) | host);
}

/* From the packet that is one too many to the element, in nanoseconds. */
static int64_t
measure_offender(uint8_t host)
{
	int64_t there;

	tell_attacker(host, PORT, LIMIT + 1);
	there = await_element("trapline", offender_key(host), WAIT_MS);
	if (there == -1)
		fatalx("198.18.1.%u was not held", host);
	await_attacker();
	return there - last_stamp(LIMIT + 1);
}

/* One bare transaction: until it is confirmed, until its notice came. */
static void
measure_bare(const struct change *c, int64_t *to_ack, int64_t *to_notice)
{
	struct mono began = mono_read();
	int64_t began_ns = now_ns();
	uint32_t key;

	bare_apply(c, 1);
	*to_ack = mono_read().ns - began.ns;
	memcpy(&key, c->prefix.addr.bytes + 12, sizeof(key));
	*to_notice = await_element("bare", key, WAIT_MS) - began_ns;
}

/* From a packet's stamp until a reader that waits for it has it. */
static int64_t
measure_reader(uint8_t host)
{
	const uint8_t *body;
	uint16_t type;
	int64_t at;
	size_t len;

	tell_attacker(host, INNOCENT, 1);
	body = receive(logged, WAIT_MS, &type, &len);
	at = now_ns();
	if (body == NULL)
		fatalx("a packet was not logged");
	await_attacker();
	return at - stamp(body, len);
}

/* A message to another process, half of there and back. */
static int64_t
measure_hop(void)
{
	struct mono began = mono_read();

	tell_attacker(0, 0, 0);
	await_attacker();
	return (mono_read().ns - began.ns) / 2;
}

/* The sensor may begin to listen after the daemon is ready. */
static void
await_sensor(void)
{
	uint16_t type;
	size_t len;
	int tries = PATIENCE;

	do {
		if (tries-- == 0)
			fatalx("nobody is held");
		tell_attacker(254, PORT, LIMIT + 1);
		await_attacker();
	} while (await_element("trapline", offender_key(254), 100) == -1);
	while (receive(logged, 0, &type, &len) != NULL)
		drained++;
}

static void
print(const char *what, int64_t *ns, size_t n)
{
	struct bare_figures f = bare_figures(ns, n);

	printf("%-44s median %7.1f us, p99 %7.1f us\n", what, f.median_us,
	    f.p99_us);
}

static void
run(void)
{
	static int64_t live[OFFENDERS], ack[OFFENDERS], notice[OFFENDERS],
	    reader[OFFENDERS], hop[OFFENDERS];
	struct change *changes = bare_changes(0, OFFENDERS);
	uint8_t host = 1;
	size_t i;

	for (i = 0; i < WARM_UP; i++)
		(void)measure_offender(host++);
	for (i = 0; i < OFFENDERS; i++) {
		live[i] = measure_offender(host++);
		measure_bare(&changes[i], &ack[i], &notice[i]);
	}
	for (i = 0; i < OFFENDERS; i++) {
		reader[i] = measure_reader(253);
		hop[i] = measure_hop();
	}
	free(changes);
	print("packet's stamp to element in the set:", live, OFFENDERS);
	print("bare transaction, to its confirmation:", ack, OFFENDERS);
	print("bare transaction, to its notice here:", notice, OFFENDERS);
	print("packet's stamp to any reader of the log:", reader, OFFENDERS);
	print("one message from process to process:", hop, OFFENDERS);
	printf("ratio to a bare transaction, medians: %.1f x; to what cannot "
	       "be done without (reader, two messages, transaction with "
	       "notice): %.2f x\n",
	    (double)live[OFFENDERS / 2] / (double)ack[OFFENDERS / 2],
	    (double)live[OFFENDERS / 2] /
		(double)(reader[OFFENDERS / 2] + 2 * hop[OFFENDERS / 2] +
			 notice[OFFENDERS / 2]));
}

int
main(int argc, char **argv)
{
	const char *program =
	    argc > 1 ? argv[1] : "build/release/engine/traplined";
	static struct daemon d;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (access(program, X_OK) == -1 || unshare(CLONE_NEWNET) == -1) {
		printf("skipped: no %s here, or no namespace\n", program);
		return 0;
	}
	bench_load("from a packet to the kernel's set, live");
	start_attacker();
	listen_here();
	bare_open();
	bare_table();
	bare_nft(log_rule);
	open_log();
	open_notices();
	daemon_make(&d, program, statements);
	printf("ready after %.1f ms\n", (double)daemon_start(&d) / 1e6);
	await_sensor();
	run();
	return 0;
}
