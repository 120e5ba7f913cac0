/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Messages between processes: who may say what, how long, with what in it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/conf.h"
#include "engine/msg.h"

static struct msg m;

static int
judge(enum msg_type type, size_t len, enum process from, enum process to)
{
	struct decode_error err;

	m.header.type = type;
	m.header.len = (uint32_t)len;
	return msg_check(&m, sizeof(m.header) + len, from, to, &err);
}

static void
every_message_fits_a_packet(void **state)
{
	(void)state;
	assert_true(sizeof(struct msg) <= MSG_MAX);
}

static void
a_sensor_may_not_change_the_kernel(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	assert_int_equal(judge(MSG_CHANGES, msg_changes_len(0), PROCESS_ENGINE,
			     PROCESS_PARENT),
	    0);
	assert_int_equal(judge(MSG_CHANGES, msg_changes_len(0), PROCESS_SENSOR,
			     PROCESS_ENGINE),
	    -1);
	assert_int_equal(judge(MSG_CHANGES, msg_changes_len(0), PROCESS_PARENT,
			     PROCESS_ENGINE),
	    -1);
}

static void
a_count_must_fit_the_length(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	m.u.changes.n = 2;
	assert_int_equal(judge(MSG_CHANGES, msg_changes_len(1), PROCESS_ENGINE,
			     PROCESS_PARENT),
	    -1);
	assert_int_equal(judge(MSG_CHANGES, msg_changes_len(2), PROCESS_ENGINE,
			     PROCESS_PARENT),
	    0);
	m.u.changes.n = UINT32_MAX;
	assert_int_equal(judge(MSG_CHANGES, msg_changes_len(2), PROCESS_ENGINE,
			     PROCESS_PARENT),
	    -1);
}

static void
a_prefix_has_no_host_bits(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	m.u.changes.n = 1;
	m.u.changes.changes[0].prefix.len = 24;
	assert_int_equal(judge(MSG_CHANGES, msg_changes_len(1), PROCESS_ENGINE,
			     PROCESS_PARENT),
	    0);
	m.u.changes.changes[0].prefix.addr.bytes[3] = 1;
	assert_int_equal(judge(MSG_CHANGES, msg_changes_len(1), PROCESS_ENGINE,
			     PROCESS_PARENT),
	    -1);
	m.u.changes.changes[0].prefix.len = 129;
	assert_int_equal(judge(MSG_CHANGES, msg_changes_len(1), PROCESS_ENGINE,
			     PROCESS_PARENT),
	    -1);
}

static void
an_observation_is_of_one_known_kind(void **state)
{
	static const struct {
		uint16_t kind;
		int want;
	} cases[] = {{0, -1}, {OBS_PASSED, 0}, {OBS_PASSED | OBS_BLOCKED, -1},
	    {OBS_LISTED, 0}, {OBS_LISTED << 1, -1}};
	size_t i;

	(void)state;
	memset(&m, 0, sizeof(m));
	m.u.observations.n = 1;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		m.u.observations.observations[0].kind = cases[i].kind;
		assert_int_equal(judge(MSG_OBSERVATIONS,
				     msg_observations_len(1), PROCESS_SENSOR,
				     PROCESS_ENGINE),
		    cases[i].want);
	}
	m.u.observations.observations[0].kind = OBS_PASSED;
	m.u.observations.observations[0].sensor = SENSORS_MAX;
	assert_int_equal(judge(MSG_OBSERVATIONS, msg_observations_len(1),
			     PROCESS_SENSOR, PROCESS_ENGINE),
	    -1);
}

static void
a_text_without_an_end_is_refused(void **state)
{
	(void)state;
	memset(&m, 'x', sizeof(m));
	assert_int_equal(judge(MSG_POLICY_LOAD, sizeof(m.u.policy_load),
			     PROCESS_PARENT, PROCESS_ENGINE),
	    -1);
	m.u.policy_load.path[MSG_PATH_LEN - 1] = '\0';
	assert_int_equal(judge(MSG_POLICY_LOAD, sizeof(m.u.policy_load),
			     PROCESS_PARENT, PROCESS_ENGINE),
	    0);
}

static void
a_piece_lies_within_its_file(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	m.u.policy_file.total = 10;
	m.u.policy_file.offset = 8;
	m.u.policy_file.n = 2;
	assert_int_equal(judge(MSG_POLICY_FILE, msg_policy_file_len(2),
			     PROCESS_PARENT, PROCESS_ENGINE),
	    0);
	m.u.policy_file.offset = 9;
	assert_int_equal(judge(MSG_POLICY_FILE, msg_policy_file_len(2),
			     PROCESS_PARENT, PROCESS_ENGINE),
	    -1);
}

static void
a_name_comes_from_the_resolver_with_addresses_within_bounds(void **state)
{
	struct host_name_answer *name = &m.u.name;

	(void)state;
	memset(&m, 0, sizeof(m));
	name->family = 4;
	name->n = HOST_NAME_ADDRS_MAX;
	assert_int_equal(
	    judge(MSG_NAME, sizeof(*name), PROCESS_RESOLVER, PROCESS_ENGINE),
	    0);
	assert_int_equal(
	    judge(MSG_NAME, sizeof(*name), PROCESS_SENSOR, PROCESS_ENGINE), -1);
	assert_int_equal(judge(MSG_OBSERVATIONS, msg_observations_len(0),
			     PROCESS_RESOLVER, PROCESS_ENGINE),
	    -1);
	assert_int_equal(judge(MSG_NAME, sizeof(*name) - 1, PROCESS_RESOLVER,
			     PROCESS_ENGINE),
	    -1);
	name->n++;
	assert_int_equal(
	    judge(MSG_NAME, sizeof(*name), PROCESS_RESOLVER, PROCESS_ENGINE),
	    -1);
	name->n = 1;
	name->result = HOST_NAME_NONE;
	assert_int_equal(
	    judge(MSG_NAME, sizeof(*name), PROCESS_RESOLVER, PROCESS_ENGINE),
	    -1);
	name->n = 0;
	assert_int_equal(
	    judge(MSG_NAME, sizeof(*name), PROCESS_RESOLVER, PROCESS_ENGINE),
	    0);
	name->result = HOST_NAME_FAILED + 1;
	assert_int_equal(
	    judge(MSG_NAME, sizeof(*name), PROCESS_RESOLVER, PROCESS_ENGINE),
	    -1);
	name->result = HOST_NAME_FAILED;
	name->family = 5;
	assert_int_equal(
	    judge(MSG_NAME, sizeof(*name), PROCESS_RESOLVER, PROCESS_ENGINE),
	    -1);
	name->family = 6;
	memset(name->name, 'x', sizeof(name->name));
	assert_int_equal(
	    judge(MSG_NAME, sizeof(*name), PROCESS_RESOLVER, PROCESS_ENGINE),
	    -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_message_fits_a_packet),
	    cmocka_unit_test(a_sensor_may_not_change_the_kernel),
	    cmocka_unit_test(a_count_must_fit_the_length),
	    cmocka_unit_test(a_prefix_has_no_host_bits),
	    cmocka_unit_test(an_observation_is_of_one_known_kind),
	    cmocka_unit_test(a_text_without_an_end_is_refused),
	    cmocka_unit_test(a_piece_lies_within_its_file),
	    cmocka_unit_test(
		a_name_comes_from_the_resolver_with_addresses_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
