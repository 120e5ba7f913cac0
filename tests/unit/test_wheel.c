/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The expiry wheel: order, long horizons, when to wake. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/wheel.h"

#define ITEMS  20000
#define SECOND INT64_C(1000)
#define WEEK   (7 * 86400 * SECOND)
#define START  (INT64_C(1795340197) * SECOND)

struct items {
	struct wheel_owner owner;
	struct wheel_item items[ITEMS];
};

static struct items items;

static struct wheel_item *
get_item(const struct wheel_owner *owner, uint32_t i)
{
	(void)owner;
	return &items.items[i];
}

static bool
is_lower(const struct wheel_owner *owner, uint32_t a, uint32_t b)
{
	(void)owner;
	return a < b;
}

static struct wheel *
start(int64_t now_ms)
{
	memset(&items, 0, sizeof(items));
	items.owner.item = get_item;
	items.owner.is_before = is_lower;
	return wheel_new(&items.owner, (struct wall){now_ms});
}

static void
add(struct wheel *w, uint32_t i, int64_t due_ms)
{
	items.items[i].due.ms = due_ms;
	wheel_add(w, i);
}

/* Expects item i alone at that time, and nothing a millisecond before. */
static void
expect_due(struct wheel *w, uint32_t i, int64_t due_ms)
{
	uint32_t out[4];

	assert_true(wheel_next(w).ms <= due_ms);
	assert_int_equal(wheel_due(w, (struct wall){due_ms - 1}, out, 4), 0);
	assert_int_equal(wheel_due(w, (struct wall){due_ms}, out, 4), 1);
	assert_int_equal(out[0], i);
}

static void
an_empty_wheel_never_wakes(void **state)
{
	struct wheel *w = start(START);
	uint32_t out[1];

	(void)state;
	assert_true(wall_is_never(wheel_next(w)));
	assert_int_equal(wheel_due(w, (struct wall){START + 99 * WEEK}, out, 1),
	    0);
	wheel_free(w);
}

static void
milliseconds_are_exact_at_every_distance(void **state)
{
	struct wheel *w = start(START);
	int64_t now = START, distance;
	uint32_t i = 0;

	(void)state;
	for (distance = 1; distance < 3000 * WEEK; distance *= 3) {
		add(w, i, now + distance);
		expect_due(w, i, now + distance);
		now += distance;
		i++;
	}
	assert_int_equal(wheel_count(w), 0);
	wheel_free(w);
}

static void
ties_come_in_the_owners_order_over_calls(void **state)
{
	struct wheel *w = start(START);
	uint32_t i, out[7], next = 0;
	size_t n;

	(void)state;
	for (i = 0; i < 1000; i++)
		add(w, (i * 7) % 1000, START + 6 * WEEK);
	do {
		n = wheel_due(w, (struct wall){START + 7 * WEEK}, out, 7);
		for (i = 0; i < n; i++)
			assert_int_equal(out[i], next++);
	} while (n == 7);
	assert_int_equal(next, 1000);
	wheel_free(w);
}

static void
what_is_late_is_due_at_once_and_first(void **state)
{
	struct wheel *w = start(START);
	uint32_t out[3];

	(void)state;
	add(w, 1, START);
	add(w, 2, START - 5 * WEEK);
	add(w, 3, -1);
	assert_true(wheel_next(w).ms <= START - 5 * WEEK);
	assert_int_equal(wheel_due(w, (struct wall){START}, out, 3), 3);
	assert_int_equal(out[0], 3);
	assert_int_equal(out[1], 2);
	assert_int_equal(out[2], 1);
	wheel_free(w);
}

static void
never_is_not_filed(void **state)
{
	struct wheel *w = start(START);

	(void)state;
	add(w, 1, INT64_MAX);
	assert_int_equal(wheel_count(w), 0);
	wheel_remove(w, 1);
	add(w, 2, INT64_MAX - 1);
	assert_int_equal(wheel_count(w), 1);
	assert_true(wheel_next(w).ms > START + 1000 * WEEK);
	wheel_remove(w, 2);
	wheel_remove(w, 2);
	assert_int_equal(wheel_count(w), 0);
	assert_true(wall_is_never(wheel_next(w)));
	wheel_free(w);
}

static void
six_weeks_wake_a_handful_of_times(void **state)
{
	struct wheel *w = start(START);
	struct wall now;
	uint32_t i, out[16];
	size_t wakes = 0, done = 0;

	(void)state;
	for (i = 0; i < 10; i++)
		add(w, i, START + 6 * WEEK + i);
	while (!wall_is_never(now = wheel_next(w))) {
		done += wheel_due(w, now, out, 16);
		wakes++;
	}
	assert_int_equal(done, 10);
	assert_true(wakes < 20);
	wheel_free(w);
}

static void
a_clock_that_stands_still_or_behind_hands_out_once(void **state)
{
	struct wheel *w = start(START);
	const struct wall now = {START + 500};
	uint32_t out[4];

	(void)state;
	add(w, 1, START + 500);
	assert_int_equal(wheel_due(w, now, out, 4), 1);
	assert_int_equal(wheel_due(w, now, out, 4), 0);
	add(w, 2, START + 500);
	assert_int_equal(wheel_due(w, (struct wall){START - WEEK}, out, 4), 0);
	assert_int_equal(wheel_due(w, now, out, 4), 1);
	assert_int_equal(out[0], 2);
	wheel_free(w);
}

static void
moving_through_all_of_a_level_loses_nothing(void **state)
{
	struct wheel *w = start(START);
	int64_t now;
	uint32_t i, out[4], next = 0;

	(void)state;
	for (i = 0; i < ITEMS; i++)
		add(w, i, START + (int64_t)i * 333);
	for (now = START; next < ITEMS; now += 333)
		expect_due(w, next++, now);
	assert_int_equal(wheel_due(w, (struct wall){now + WEEK}, out, 4), 0);
	wheel_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_wheel_never_wakes),
	    cmocka_unit_test(milliseconds_are_exact_at_every_distance),
	    cmocka_unit_test(ties_come_in_the_owners_order_over_calls),
	    cmocka_unit_test(what_is_late_is_due_at_once_and_first),
	    cmocka_unit_test(never_is_not_filed),
	    cmocka_unit_test(six_weeks_wake_a_handful_of_times),
	    cmocka_unit_test(
		a_clock_that_stands_still_or_behind_hands_out_once),
	    cmocka_unit_test(moving_through_all_of_a_level_loses_nothing),
	};

	wheel_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
