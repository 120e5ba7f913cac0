/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The guarded clock, and times and durations as text. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/clock.h"

#define START  INT64_C(1795340197000)
#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)

/* A machine: its wall clock is off by so much from its monotonic one. */
struct machine {
	struct clock clock;
	int64_t elapsed_ms;
	int64_t offset_ms;
};

static struct wall
system_time(const struct machine *m)
{
	return (struct wall){START + m->elapsed_ms + m->offset_ms};
}

static struct mono
mono_time(const struct machine *m)
{
	/* Not whole milliseconds, as in life. */
	return (struct mono){m->elapsed_ms * 1000000 + 123456};
}

static void
start(struct machine *m, int64_t floor_ms)
{
	memset(m, 0, sizeof(*m));
	clock_start(&m->clock, system_time(m), mono_time(m),
	    (struct wall){floor_ms});
}

/* Lets time pass with an update every so often; returns the clock's time. */
static int64_t
pass(struct machine *m, int64_t ms, int64_t every_ms)
{
	struct wall now = m->clock.now;

	for (; ms > 0; ms -= every_ms) {
		m->elapsed_ms += ms < every_ms ? ms : every_ms;
		now = clock_update(&m->clock, system_time(m), mono_time(m));
	}
	return now.ms;
}

static void
an_undisturbed_clock_is_the_systems(void **state)
{
	struct machine m;

	(void)state;
	start(&m, 0);
	assert_int_equal(pass(&m, HOUR, 7), START + HOUR);
	assert_int_equal(pass(&m, 24 * HOUR, 60 * SECOND), START + 25 * HOUR);
	assert_int_equal(m.clock.steps, 0);
	assert_false(m.clock.is_following);
}

static void
the_same_arguments_give_the_same_time(void **state)
{
	struct machine m;
	int64_t i, now;

	(void)state;
	start(&m, 0);
	m.offset_ms = -HOUR;
	for (i = 1; i < 50; i++) {
		now = pass(&m, i, i);
		assert_int_equal(
		    clock_update(&m.clock, system_time(&m), mono_time(&m)).ms,
		    now);
	}
}

static void
a_step_forward_is_followed_at_double_speed(void **state)
{
	struct machine m;

	(void)state;
	start(&m, 0);
	m.offset_ms = 3 * HOUR;
	assert_int_equal(pass(&m, HOUR, SECOND), START + 2 * HOUR);
	assert_true(m.clock.is_following);
	assert_int_equal(m.clock.lag_ms, 2 * HOUR);
	assert_int_equal(pass(&m, 2 * HOUR, 1), START + 6 * HOUR);
	assert_false(m.clock.is_following);
	assert_int_equal(pass(&m, HOUR, SECOND), START + 7 * HOUR);
	assert_int_equal(m.clock.steps, 1);
}

static void
step_back(int64_t every_ms)
{
	struct machine m;

	start(&m, 0);
	m.offset_ms = -2 * HOUR;
	assert_int_equal(pass(&m, HOUR, every_ms), START + HOUR / 2);
	assert_true(m.clock.is_following);
	assert_int_equal(pass(&m, 3 * HOUR, every_ms), START + 2 * HOUR);
	assert_false(m.clock.is_following);
	assert_int_equal(pass(&m, HOUR, every_ms), START + 3 * HOUR);
	assert_int_equal(m.clock.steps, 1);
}

static void
a_step_back_is_followed_at_half_speed(void **state)
{
	(void)state;
	step_back(60 * SECOND);
	step_back(10);
}

static void
half_speed_holds_when_asked_every_millisecond(void **state)
{
	(void)state;
	step_back(1);
}

static void
small_corrections_are_followed_at_once(void **state)
{
	struct machine m;

	(void)state;
	start(&m, 0);
	m.offset_ms = 1500;
	assert_int_equal(pass(&m, 10, 10), START + 1510);
	m.offset_ms = 0;
	assert_int_equal(pass(&m, 1000, 10), START + 1510);
	assert_int_equal(pass(&m, 1000, 10), START + 2010);
	assert_int_equal(m.clock.steps, 0);
}

static void
a_start_before_the_floor_waits_for_the_system(void **state)
{
	struct machine m;

	(void)state;
	/* The machine's clock was lost: it is ten hours behind. */
	start(&m, START + 10 * HOUR);
	assert_int_equal(m.clock.now.ms, START + 10 * HOUR);
	assert_int_equal(m.clock.steps, 1);
	assert_int_equal(pass(&m, 2 * HOUR, SECOND), START + 11 * HOUR);
	/* Then it is set right, and there is something to catch up. */
	m.offset_ms = 10 * HOUR;
	assert_int_equal(pass(&m, HOUR, SECOND), START + 13 * HOUR);
	assert_false(m.clock.is_following);
}

static void
a_floor_in_the_past_changes_nothing(void **state)
{
	struct machine m;

	(void)state;
	start(&m, START - 1000 * HOUR);
	assert_int_equal(m.clock.now.ms, START);
	assert_false(m.clock.is_following);
}

static void
adding_seconds_stops_at_never(void **state)
{
	const struct wall early = {-5000}, late = {INT64_MAX - 1500};

	(void)state;
	assert_int_equal(wall_add_s(early, 3).ms, -2000);
	assert_int_equal(wall_add_s(late, 1).ms, INT64_MAX - 500);
	assert_true(wall_is_never(wall_add_s(late, 2)));
	assert_true(wall_is_never(wall_add_s(early, INT64_MAX)));
	assert_true(wall_is_never(wall_add_s(WALL_NEVER, -1)));
}

static void
times_are_written_in_utc_with_milliseconds(void **state)
{
	char text[WALL_STRLEN];

	(void)state;
	assert_string_equal(wall_format((struct wall){START}, text, 32),
	    "2026-11-22T09:36:37.000Z");
	assert_string_equal(wall_format((struct wall){-1}, text, 32),
	    "1969-12-31T23:59:59.999Z");
	assert_string_equal(wall_format(WALL_NEVER, text, 32), "never");
	assert_string_equal(wall_format((struct wall){INT64_MAX - 1}, text, 32),
	    "292278994-08-17T07:12:55.806Z");
}

static void
durations_are_read_with_and_without_a_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = {{"0", 0}, {"90", 90}, {"90s", 90}, {"15m", 900},
	    {"24h", 86400}, {"75d", 6480000}, {"6w", 3628800},
	    {"9223372036854775", INT64_MAX / 1000}};
	int64_t seconds;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(duration_parse(good[i].text, &seconds), 0);
		assert_int_equal(seconds, good[i].seconds);
	}
}

static void
what_is_no_duration_is_refused(void **state)
{
	static const char *const bad[] = {"", "w", "-1", "+1", " 1", "1 ",
	    "1 w", "1y", "1W", "1.5h", "1w2d", "0x10", "9223372036854776",
	    "15250284453w", "99999999999999999999",
	    "111111111111111111111111111111"};
	int64_t seconds;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (duration_parse(bad[i], &seconds) != -1)
			fail_msg("\"%s\" was taken for a duration", bad[i]);
	}
}

static void
durations_are_written_with_the_largest_unit_that_divides(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} good[] = {{0, "0s"}, {1, "1s"}, {90, "90s"}, {120, "2m"},
	    {86400, "1d"}, {90000, "25h"}, {3628800, "6w"},
	    {3628801, "3628801s"}, {INT64_MAX, "9223372036854775807s"}};
	char text[DURATION_STRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_string_equal(
		    duration_format(good[i].seconds, text, sizeof(text)),
		    good[i].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_undisturbed_clock_is_the_systems),
	    cmocka_unit_test(the_same_arguments_give_the_same_time),
	    cmocka_unit_test(a_step_forward_is_followed_at_double_speed),
	    cmocka_unit_test(a_step_back_is_followed_at_half_speed),
	    cmocka_unit_test(half_speed_holds_when_asked_every_millisecond),
	    cmocka_unit_test(small_corrections_are_followed_at_once),
	    cmocka_unit_test(a_start_before_the_floor_waits_for_the_system),
	    cmocka_unit_test(a_floor_in_the_past_changes_nothing),
	    cmocka_unit_test(adding_seconds_stops_at_never),
	    cmocka_unit_test(times_are_written_in_utc_with_milliseconds),
	    cmocka_unit_test(durations_are_read_with_and_without_a_unit),
	    cmocka_unit_test(what_is_no_duration_is_refused),
	    cmocka_unit_test(
		durations_are_written_with_the_largest_unit_that_divides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
