/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The capture sensor on live interfaces, in a network namespace of its own.
 * Skips where none can be made.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>

#include "engine/log.h"
#include "sensors/registry.h"
#include "tests/unit/captures.h"
#include "tests/unit/netns.h"

static struct sensor_conf
conf_on(enum sensor_type type, const char *ifname)
{
	struct sensor_conf conf = {.type = type, .index = 4};

	snprintf(conf.text, sizeof(conf.text), "test on %s", ifname);
	snprintf(conf.ifname, sizeof(conf.ifname), "%s", ifname);
	return conf;
}

static struct sensor *
capture_on(const char *ifname)
{
	struct sensor_conf conf = conf_on(SENSOR_CAPTURE, ifname);
	struct sensor *s = NULL;

	assert_int_equal(sensor_capture.open(&conf, &s), 0);
	return s;
}

/* Reads until n observations are there. */
static void
await(struct sensor *s, struct seen *seen, size_t n)
{
	struct pollfd p = {.fd = sensor_capture.fd(s), .events = POLLIN};

	while (seen->n < n) {
		assert_int_equal(poll(&p, 1, 5000), 1);
		assert_int_equal(
		    sensor_capture.read(s, wall_read(), seen_sink, seen), 0);
	}
}

/* Connects to itself over the loopback interface and hangs up. */
static void
connect_and_close(void)
{
	struct sockaddr_storage address;
	struct sockaddr *name = (struct sockaddr *)&address;
	socklen_t len = socket_address("127.0.0.1", htons(2222), &address);
	int server = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	int accepted;

	assert_int_equal(bind(server, name, len), 0);
	assert_int_equal(listen(server, 1), 0);
	assert_int_equal(connect(client, name, len), 0);
	accepted = accept(server, NULL, NULL);
	assert_int_not_equal(accepted, -1);
	close(client);
	close(accepted);
	close(server);
}

static void
a_connection_is_seen_from_its_syn_to_its_end(void **state)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct sensor *s = capture_on("lo");
	struct sensor_stats stats;
	const struct observation *o;
	size_t i;

	(void)state;
	assert_non_null(seen);
	connect_and_close();
	await(s, seen, 3);
	assert_int_equal(seen->n, 3);
	for (i = 0; i < 3; i++) {
		o = &seen->observations[i];
		assert_int_equal(o->dst_port, 2222);
		assert_int_equal(o->sensor, 4);
		assert_string_equal(o->ifname, "lo");
	}
	assert_int_equal(seen->observations[0].kind, OBS_OPENED);
	assert_int_equal(seen->observations[1].kind, OBS_ESTABLISHED);
	assert_int_equal(seen->observations[2].kind, OBS_CLOSED);
	sensor_capture.stats(s, &stats);
	assert_int_equal(stats.observations, 3);
	assert_int_equal(stats.undecodable, 0);
	assert_int_equal(stats.flows, 0);
	assert_true(stats.packets >= 6);
	sensor_capture.close(s);
	free(seen);
}

static void
time_moves_on_while_nothing_comes(void **state)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct sensor *s = capture_on("lo");
	struct sockaddr_storage address;
	socklen_t len = socket_address("192.0.2.1", htons(9), &address);
	struct wall later = wall_add_s(wall_read(), 1000);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	const char *const route[] = {"ip", "route", "add", "192.0.2.0/24",
	    "dev", "lo", NULL};

	(void)state;
	assert_non_null(seen);
	if (run(route) == NULL) {
		printf("skipped: no ip\n");
		skip();
	}
	assert_int_equal(connect(fd, (struct sockaddr *)&address, len), -1);
	await(s, seen, 1);
	assert_int_equal(seen->observations[0].kind, OBS_OPENED);
	close(fd);
	/* Whatever of the SYN's repeats is there comes first. */
	while (seen->n < 2)
		assert_int_equal(sensor_capture.read(s, later, seen_sink, seen),
		    0);
	assert_int_equal(seen->observations[1].kind, OBS_CLOSED);
	sensor_capture.close(s);
	free(seen);
}

static void
a_missing_interface_is_to_be_tried_again(void **state)
{
	struct sensor_conf conf = conf_on(SENSOR_CAPTURE, "nosuch0");
	struct sensor *s = NULL;

	(void)state;
	assert_int_equal(sensor_capture.open(&conf, &s), 1);
	assert_null(s);
	conf.type = SENSOR_PFLOG;
	assert_int_equal(sensor_pflog.open(&conf, &s), 1);
	assert_null(s);
}

static void
pflog_wants_a_pflog_device(void **state)
{
	struct sensor_conf conf = conf_on(SENSOR_PFLOG, "lo");
	struct sensor *s = NULL;

	(void)state;
	assert_int_equal(sensor_pflog.open(&conf, &s), -1);
	assert_null(s);
}

static void
an_interface_that_goes_away_ends_the_sensor(void **state)
{
	const char *const add[] = {"ip", "link", "add", "span0", "type", "veth",
	    "peer", "name", "span1", NULL};
	const char *const up[] = {"ip", "link", "set", "span0", "up", NULL};
	const char *const del[] = {"ip", "link", "del", "span0", NULL};
	struct seen *seen = calloc(1, sizeof(*seen));
	struct pollfd p = {.events = POLLIN};
	struct sensor *s;
	int i, status = 0;

	(void)state;
	assert_non_null(seen);
	if (run(add) == NULL || run(up) == NULL) {
		printf("skipped: no veth interface can be made\n");
		skip();
	}
	s = capture_on("span0");
	assert_non_null(run(del));
	p.fd = sensor_capture.fd(s);
	for (i = 0; i < 100 && status == 0; i++) {
		assert_int_equal(poll(&p, 1, 5000), 1);
		status = sensor_capture.read(s, wall_read(), seen_sink, seen);
	}
	assert_int_equal(status, -1);
	sensor_capture.close(s);
	free(seen);
}

static void
the_registry_knows_its_sensors(void **state)
{
	(void)state;
	assert_ptr_equal(sensor_find(SENSOR_PFLOG), &sensor_pflog);
	assert_ptr_equal(sensor_find(SENSOR_CAPTURE), &sensor_capture);
	assert_string_equal(sensor_find(SENSOR_CAPTURE)->name, "capture");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_connection_is_seen_from_its_syn_to_its_end),
	    cmocka_unit_test(time_moves_on_while_nothing_comes),
	    cmocka_unit_test(a_missing_interface_is_to_be_tried_again),
	    cmocka_unit_test(pflog_wants_a_pflog_device),
	    cmocka_unit_test(an_interface_that_goes_away_ends_the_sensor),
	    cmocka_unit_test(the_registry_knows_its_sensors),
	};

	log_init(LOG_TO_TERMINAL, "test", false);
	if (namespace_enter() == -1) {
		printf("skipped: no network namespace: %s\n", strerror(errno));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
