/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The bounded pool of sources: keys, counts, what is forgotten when. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sources.h"

static struct prefix
host(uint32_t n)
{
	const uint8_t bytes[4] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8),
	    (uint8_t)n};
	struct addr a = addr_from_ipv4(bytes);

	return prefix_host(&a);
}

static struct source *
touch(struct sources *s, uint32_t rule, uint32_t n, int64_t ms)
{
	struct prefix p = host(n);
	bool is_new;

	return sources_touch(s, rule, &p, (struct wall){ms}, &is_new);
}

static bool
is_there(struct sources *s, uint32_t rule, uint32_t n)
{
	struct prefix p = host(n);

	return sources_find(s, rule, &p) != NULL;
}

static void
a_new_node_is_zeroed_and_dated(void **state)
{
	struct sources *s = sources_new(10, 1);
	struct prefix p = host(1);
	struct source *source;
	bool is_new;

	(void)state;
	assert_null(sources_find(s, 7, &p));
	source = sources_touch(s, 7, &p, (struct wall){1234}, &is_new);
	assert_true(is_new);
	assert_int_equal(source->first.ms, 1234);
	assert_int_equal(source->last.ms, 1234);
	assert_int_equal(source->conn, 0);
	assert_int_equal(source->states, 0);
	assert_int_equal(source->rule, 7);
	source->conn = 3;
	source = sources_touch(s, 7, &p, (struct wall){5678}, &is_new);
	assert_false(is_new);
	assert_int_equal(source->first.ms, 1234);
	assert_int_equal(source->last.ms, 5678);
	assert_int_equal(source->conn, 3);
	assert_ptr_equal(source, sources_find(s, 7, &p));
	sources_free(s);
}

static void
rule_and_length_are_part_of_the_key(void **state)
{
	struct sources *s = sources_new(10, 1);
	struct addr zero;
	struct prefix wide, narrow;
	bool is_new;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	wide = prefix_make(&zero, 64);
	narrow = prefix_make(&zero, 128);
	sources_touch(s, 1, &wide, (struct wall){1}, &is_new);
	assert_true(is_new);
	sources_touch(s, 1, &narrow, (struct wall){1}, &is_new);
	assert_true(is_new);
	sources_touch(s, UINT32_MAX, &wide, (struct wall){1}, &is_new);
	assert_true(is_new);
	assert_int_equal(sources_count(s), 3);
	assert_int_equal(sources_count_rule(s, 1), 2);
	assert_int_equal(sources_count_rule(s, UINT32_MAX), 1);
	assert_int_equal(sources_count_rule(s, 2), 0);
	sources_free(s);
}

static void
the_stalest_is_forgotten_for_a_new_one(void **state)
{
	struct sources *s = sources_new(3, 1);

	(void)state;
	touch(s, 1, 1, 1);
	touch(s, 1, 2, 1);
	touch(s, 2, 3, 1);
	touch(s, 1, 1, 1);
	touch(s, 1, 4, 1);
	assert_false(is_there(s, 1, 2));
	assert_true(is_there(s, 1, 1));
	assert_int_equal(sources_count(s), 3);
	assert_int_equal(sources_count_rule(s, 1), 2);
	assert_int_equal(sources_forgotten(s), 1);
	touch(s, 1, 5, 1);
	assert_false(is_there(s, 2, 3));
	assert_int_equal(sources_count_rule(s, 2), 0);
	sources_free(s);
}

static void
a_lower_limit_keeps_the_freshest(void **state)
{
	struct sources *s = sources_new(20, 1);
	uint32_t i;

	(void)state;
	for (i = 0; i < 20; i++)
		touch(s, 1, i, 1);
	touch(s, 1, 0, 1);
	sources_set_limit(s, 2);
	assert_int_equal(sources_count(s), 2);
	assert_true(is_there(s, 1, 0));
	assert_true(is_there(s, 1, 19));
	sources_free(s);
}

static void
idle_ones_without_connections_expire(void **state)
{
	struct sources *s = sources_new(20, 1);

	(void)state;
	touch(s, 1, 1, 1000)->conn = 1;
	touch(s, 1, 2, 1000);
	touch(s, 1, 3, 1001)->states = 1;
	touch(s, 1, 4, 1001);
	touch(s, 1, 5, 1002);
	sources_expire(s, (struct wall){11001}, 100, 10);
	assert_true(is_there(s, 1, 1));
	assert_false(is_there(s, 1, 2));
	assert_true(is_there(s, 1, 3));
	assert_false(is_there(s, 1, 4));
	assert_true(is_there(s, 1, 5));
	assert_int_equal(sources_forgotten(s), 0);
	/* The clock may stand behind: nothing is idle then. */
	sources_expire(s, (struct wall){0}, 100, 10);
	assert_int_equal(sources_count(s), 3);
	sources_free(s);
}

static void
a_dropped_rule_leaves_the_others_in_their_order(void **state)
{
	struct sources *s = sources_new(100, 1);
	uint32_t i;

	(void)state;
	for (i = 0; i < 50; i++) {
		touch(s, 1, i, 1);
		touch(s, 2, i, 1);
	}
	sources_drop_rule(s, 1);
	assert_int_equal(sources_count_rule(s, 1), 0);
	assert_int_equal(sources_count(s), 50);
	sources_set_limit(s, 10);
	for (i = 0; i < 50; i++)
		assert_int_equal(is_there(s, 2, i), i >= 40);
	sources_free(s);
}

static void
many_steps_are_numbered_from_the_start_again(void **state)
{
	struct sources *s = sources_new(3, 1);
	struct prefix p = host(1);
	bool is_new;
	uint32_t i;

	(void)state;
	/* With this bound each touch is a step, and steps have 24 bits. */
	touch(s, 1, 9, 1);
	for (i = 0; i < (1U << 24) + 5000; i++)
		sources_touch(s, 1, &p, (struct wall){1}, &is_new);
	touch(s, 1, 2, 1);
	touch(s, 1, 3, 1);
	assert_false(is_there(s, 1, 9));
	touch(s, 1, 4, 1);
	assert_false(is_there(s, 1, 1));
	assert_true(is_there(s, 1, 2));
	sources_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_node_is_zeroed_and_dated),
	    cmocka_unit_test(rule_and_length_are_part_of_the_key),
	    cmocka_unit_test(the_stalest_is_forgotten_for_a_new_one),
	    cmocka_unit_test(a_lower_limit_keeps_the_freshest),
	    cmocka_unit_test(idle_ones_without_connections_expire),
	    cmocka_unit_test(a_dropped_rule_leaves_the_others_in_their_order),
	    cmocka_unit_test(many_steps_are_numbered_from_the_start_again),
	};

	sources_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
