/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The live NFLOG sensor against the running kernel, in a network namespace of
 * its own: new connections reach it through the rule that the nft firewall
 * makes for "log new", other packets through the test's own rules.
 */

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actuators/actuator.h"
#include "engine/clock.h"
#include "sensors/sensor.h"
#include "tests/unit/netns.h"

#define GROUP 5

static const struct sensor_ops *ops;

static const struct sensor_conf conf = {
    .text = "nflog group 5 seen passed",
    .type = SENSOR_NFLOG,
    .group = GROUP,
    .seen = OBS_PASSED,
    .log_new = true,
    .index = 3,
};

/* What the sink was handed. */
struct seen {
	struct observation last;
	size_t n;
};

static void
keep(void *arg, const struct observation *o, size_t n)
{
	struct seen *seen = arg;

	seen->last = o[n - 1];
	seen->n += n;
}

static struct sensor *
open_sensor(void)
{
	struct sensor *s = NULL;

	assert_int_equal(ops->open(&conf, &s), 0);
	return s;
}

/* Reads until n observations came. */
static struct seen
await(struct sensor *s, size_t n)
{
	struct pollfd p = {.fd = ops->fd(s), .events = POLLIN};
	struct seen seen = {.n = 0};

	while (seen.n < n) {
		assert_int_equal(poll(&p, 1, 5000), 1);
		assert_int_equal(ops->read(s, wall_read(), keep, &seen), 0);
	}
	return seen;
}

/* Reads what is there now. */
static struct seen
drain(struct sensor *s)
{
	struct seen seen = {.n = 0};
	size_t before;

	do {
		before = seen.n;
		assert_int_equal(ops->read(s, wall_read(), keep, &seen), 0);
	} while (seen.n > before);
	return seen;
}

static struct sensor_stats
stats_of(struct sensor *s)
{
	struct sensor_stats stats;

	ops->stats(s, &stats);
	return stats;
}

/* A rule of the operator's own. */
static void
log_by(const char *what)
{
	assert_non_null(nft("add", "table", "inet", "own", NULL, NULL));
	assert_non_null(nft("add", "chain", "inet", "own", "logs",
	    "{ type filter hook prerouting priority 0; }"));
	assert_non_null(nft("add", "rule", "inet", "own", "logs", what));
}

static int
clean(void **state)
{
	(void)state;
	assert_non_null(nft("flush", "ruleset", NULL, NULL, NULL, NULL));
	return 0;
}

static void
a_logged_packet_becomes_an_observation(void **state)
{
	struct sensor *s = open_sensor();
	uint16_t port;
	int fd = receiver(AF_INET, &port);
	struct prefix source;
	struct wall now;
	struct seen seen;

	(void)state;
	log_by("meta l4proto udp log group 5");
	now = wall_read();
	send_from("127.7.7.7", port);
	seen = await(s, 1);
	prefix_parse("127.7.7.7", &source);
	assert_int_equal(seen.n, 1);
	assert_true(addr_equal(&seen.last.src, &source.addr));
	assert_int_equal(seen.last.kind, OBS_PASSED);
	assert_int_equal(seen.last.proto, IPPROTO_UDP);
	assert_int_equal(seen.last.dst_port, ntohs(port));
	assert_int_equal(seen.last.dir, OBS_DIR_IN);
	assert_int_equal(seen.last.sensor, 3);
	assert_string_equal(seen.last.ifname, "lo");
	assert_in_range(seen.last.time.ms, now.ms - 2, now.ms + 5000);
	assert_int_equal(stats_of(s).packets, 1);
	assert_int_equal(stats_of(s).observations, 1);
	close(fd);
	ops->close(s);
}

static void
a_packet_comes_at_once_with_its_own_time(void **state)
{
	struct sensor *s = open_sensor();
	struct seen seen = {.n = 0};
	struct pollfd p = {.fd = ops->fd(s), .events = POLLIN};
	uint16_t port;
	int fd = receiver(AF_INET, &port);

	(void)state;
	log_by("meta l4proto udp log group 5 queue-threshold 100");
	send_from("127.7.7.7", port);
	/* At once: the kernel's own time-out would be a second. */
	assert_int_equal(poll(&p, 1, 800), 1);
	/* As if it were read an hour later. */
	ops->read(s, (struct wall){wall_read().ms + 3600000}, keep, &seen);
	assert_int_equal(seen.n, 1);
	assert_true(seen.last.time.ms <= wall_read().ms);
	close(fd);
	ops->close(s);
}

/* Opens a TCP connection without waiting for it. */
static void
connect_to(const char *host, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t len = socket_address(host, htons(port), &to);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)connect(fd, (struct sockaddr *)&to, len);
	close(fd);
}

/*
 * The far end of the pair: connects once its interface was moved to it, and
 * stays until told, since its going takes the pair and the name along.
 */
static void
far_end(int go)
{
	static const char *const address[] = {"ip", "addr", "add",
	    "192.0.2.9/24", "dev", "far", NULL};
	static const char *const up[] = {"ip", "link", "set", "far", "up",
	    NULL};
	struct sockaddr_storage to;
	socklen_t len = socket_address("192.0.2.1", htons(2222), &to);
	char byte;

	if (unshare(CLONE_NEWNET) == -1 || write(go, "r", 1) != 1 ||
	    read(go, &byte, 1) != 1 || run(address) == NULL || run(up) == NULL)
		_exit(1);
	/* Refused, since nobody listens: then the SYN was there. */
	(void)connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to,
	    len);
	_exit(read(go, &byte, 1) == 1 ? 0 : 1);
}

static void
log_new_reports_connections_but_not_loopback(void **state)
{
	static const char *const pair[] = {"ip", "link", "add", "near", "type",
	    "veth", "peer", "name", "far", NULL};
	static const char *const address[] = {"ip", "addr", "add",
	    "192.0.2.1/24", "dev", "near", NULL};
	static const char *const up[] = {"ip", "link", "set", "near", "up",
	    NULL};
	char number[16];
	const char *const move[] = {"ip", "link", "set", "far", "netns", number,
	    NULL};
	const struct actuator_ops *firewalls = actuator_find(FIREWALL_NFT);
	struct actuator_conf firewall = {.sensors = &conf, .nsensors = 1};
	struct actuator *a = NULL;
	struct sensor *s = open_sensor();
	struct seen seen;
	int go[2], status;
	pid_t pid;
	char byte;

	(void)state;
	assert_int_equal(firewalls->open(&firewall, &a), 0);
	connect_to("127.0.0.1", 2222);
	assert_non_null(run(pair));
	assert_non_null(run(address));
	assert_non_null(run(up));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, go), 0);
	pid = fork();
	if (pid == 0) {
		close(go[0]);
		far_end(go[1]);
	}
	assert_int_equal(read(go[0], &byte, 1), 1);
	snprintf(number, sizeof(number), "%d", (int)pid);
	assert_non_null(run(move));
	assert_int_equal(write(go[0], "g", 1), 1);
	do {
		seen = await(s, 1);
	} while (seen.last.proto != IPPROTO_TCP);
	assert_int_equal(seen.last.dst_port, 2222);
	assert_int_equal(seen.last.flags, 0);
	assert_string_equal(seen.last.ifname, "near");
	assert_int_equal(write(go[0], "g", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(go[0]);
	close(go[1]);
	firewalls->close(a);
	ops->close(s);
}

static void
a_taken_group_is_refused(void **state)
{
	struct sensor *s = open_sensor(), *second = NULL;

	(void)state;
	assert_int_equal(ops->open(&conf, &second), -1);
	ops->close(s);
	/* The kernel frees it with the socket, and numbers from 0 again. */
	s = open_sensor();
	ops->close(s);
}

static void
one_packet_logged_twice_counts_once(void **state)
{
	struct sensor *s = open_sensor();

	(void)state;
	log_by("tcp flags syn log group 5 log group 5");
	connect_to("127.0.0.1", 9);
	assert_int_equal(await(s, 1).n, 1);
	(void)drain(s);
	assert_int_equal(stats_of(s).duplicates, 1);
	ops->close(s);
}

static void
losses_are_counted_by_their_number(void **state)
{
	struct sensor *s = open_sensor();
	int size = 65536;
	uint16_t port;
	int fd = receiver(AF_INET, &port), i;
	struct sensor_stats stats;

	(void)state;
	setsockopt(ops->fd(s), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	log_by("meta l4proto udp log group 5");
	for (i = 0; i < 2000; i++)
		send_from("127.7.7.7", port);
	(void)drain(s);
	send_from("127.7.7.7", port);
	(void)await(s, 1);
	stats = stats_of(s);
	assert_int_not_equal(stats.overruns, 0);
	assert_int_not_equal(stats.lost_kernel, 0);
	assert_int_equal(stats.packets + stats.lost_kernel, 2001);
	close(fd);
	ops->close(s);
}

static void
nothing_lost_is_nothing_counted(void **state)
{
	struct sensor *s = open_sensor();
	uint16_t port;
	int fd = receiver(AF_INET, &port), i;
	struct sensor_stats stats;

	(void)state;
	log_by("meta l4proto udp log group 5");
	for (i = 0; i < 8000; i++)
		send_from("127.7.7.7", port);
	while (stats_of(s).packets < 8000)
		(void)await(s, 1);
	stats = stats_of(s);
	assert_int_equal(stats.overruns, 0);
	assert_int_equal(stats.lost_kernel, 0);
	close(fd);
	ops->close(s);
}

#define TEST(name) cmocka_unit_test_setup(name, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_logged_packet_becomes_an_observation),
	    TEST(a_packet_comes_at_once_with_its_own_time),
	    TEST(log_new_reports_connections_but_not_loopback),
	    TEST(a_taken_group_is_refused),
	    TEST(one_packet_logged_twice_counts_once),
	    TEST(losses_are_counted_by_their_number),
	    TEST(nothing_lost_is_nothing_counted),
	};

	ops = sensor_find(SENSOR_NFLOG);
	if (ops == NULL || namespace_enter() == -1) {
		printf("skipped: %s\n",
		    ops == NULL ? "built without nflog"
				: "may not make a network namespace");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
