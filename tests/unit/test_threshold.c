/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The arithmetic of max-src-conn-rate against the golden vectors of
 * protocols/pflog.md section 7.1, which agree with a real FreeBSD 14.
 *
 * In the rows named wrap32 pf's 32-bit product wraps.  The figures here are
 * the un-wrapped ones, from the same arithmetic in integers without bound:
 * "wrap32" never breaches (pf: at connection 106, most and last 104155),
 * "wrap32-just-over" never breaches (pf: at 101, most and last 110000), and
 * "wrap32-edge" is the last that pf gets right.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/threshold.h"

/*
 * Sequence: a list of T (one connection in second T), T*N (N of them) and
 * A..B/STEP*N.  Breaches are connection numbers from 1; 0 is never.
 */
struct vector {
	const char *name;
	uint32_t limit, seconds;
	const char *sequence;
	uint64_t average, max_count, final_count;
	uint64_t window;
};

static const struct vector vectors[] = {
    {"burst-16", 15, 5, "0*20", 16, 20000, 20000, 16},
    {"burst-15-only", 15, 5, "0*15", 0, 15000, 15000, 0},
    {"one-per-second", 15, 5, "0..119/1*1", 0, 5000, 5000, 0},
    {"three-per-second", 15, 5, "0..59/1*3", 0, 15000, 15000, 0},
    {"four-per-second", 15, 5, "0..59/1*4", 28, 20000, 20000, 16},
    {"burst15-then-4-at-1", 15, 5, "0*15,1*4", 19, 16000, 16000, 16},
    {"burst15-then-3-at-1", 15, 5, "0*15,1*3", 0, 15000, 15000, 16},
    {"burst15-then-13-at-4", 15, 5, "0*15,4*13", 28, 16000, 16000, 16},
    {"burst15-then-15-at-5", 15, 5, "0*15,5*15", 0, 15000, 15000, 0},
    {"burst15-then-16-at-5", 15, 5, "0*15,5*16", 31, 16000, 16000, 31},
    {"sliding-window-differs", 15, 5, "0*10,4*6", 0, 10000, 8000, 16},
    {"trickle-after-burst", 15, 5, "0*15,1..40/1*1", 0, 15000, 5004, 16},
    {"idle-then-burst", 15, 5, "100*16", 16, 16000, 16000, 16},
    {"ssh-3-30-burst", 3, 30, "0*4", 4, 4000, 4000, 4},
    {"ssh-3-30-every-10", 3, 30, "0..1990/10*1", 0, 3000, 3000, 0},
    {"ssh-3-30-every-9", 3, 30, "0..1791/9*1", 7, 3334, 3334, 4},
    {"ssh-3-30-every-8", 3, 30, "0..1592/8*1", 6, 3750, 3750, 4},
    {"smtp-5-60-every-12", 5, 60, "0..4788/12*1", 0, 5000, 5000, 0},
    {"smtp-5-60-every-11", 5, 60, "0..4389/11*1", 13, 5455, 5455, 6},
    {"one-60-at-59", 1, 60, "0,59", 2, 1017, 1017, 2},
    {"one-60-at-60", 1, 60, "0,60", 0, 1000, 1000, 0},
    {"one-1-same-second", 1, 1, "0*2", 2, 2000, 2000, 2},
    {"one-1-next-second", 1, 1, "0..49/1*1", 0, 1000, 1000, 0},
    {"two-60-30-59", 2, 60, "0,30,59", 0, 1775, 1775, 3},
    {"hundred-10-burst", 100, 10, "0*101", 101, 101000, 101000, 101},
    {"hundred-10-ten-per-s", 100, 10, "0..99/1*10", 0, 100000, 100000, 0},
    {"hundred-10-eleven-per-s", 100, 10, "0..99/1*11", 253, 110000, 110000,
	101},
    {"hundred-10-twelve-per-s", 100, 10, "0..99/1*12", 215, 120000, 120000,
	101},
    {"wrap32", 100, 86400, "0*60,80000*50", 0, 60000, 54445, 101},
    {"wrap32-edge", 100, 86400, "0*60,71582*50", 0, 60291, 60291, 101},
    {"wrap32-just-over", 100, 86400, "0*60,71583*50", 0, 60290, 60290, 101},
    {"rounding", 7, 3, "0*7,1*2,2*3,3*3,4*3,5*3", 12, 8540, 8540, 8},
};

#define NVECTORS (sizeof(vectors) / sizeof(vectors[0]))

struct run {
	const struct vector *vector;
	struct threshold threshold;
	bool is_window;
	uint64_t n, breach, max_count;
};

static void
connect_at(struct run *run, int64_t second)
{
	const struct vector *v = run->vector;
	bool is_over;

	if (run->n == 0)
		threshold_init(&run->threshold, second * 1000, run->is_window);
	is_over = threshold_add(&run->threshold, second * 1000, v->limit,
	    v->seconds, run->is_window);
	run->n++;
	if (is_over && run->breach == 0)
		run->breach = run->n;
	if (threshold_raw(&run->threshold) > run->max_count)
		run->max_count = threshold_raw(&run->threshold);
}

static void
play(struct run *run, const struct vector *v, bool is_window)
{
	const char *p = v->sequence;
	char *end;
	long from, to, step, n, i;

	memset(run, 0, sizeof(*run));
	run->vector = v;
	run->is_window = is_window;
	for (; *p != '\0'; p = *end == ',' ? end + 1 : end) {
		from = to = strtol(p, &end, 10);
		step = n = 1;
		if (strncmp(end, "..", 2) == 0)
			to = strtol(end + 2, &end, 10);
		if (*end == '/')
			step = strtol(end + 1, &end, 10);
		if (*end == '*')
			n = strtol(end + 1, &end, 10);
		for (; from <= to; from += step) {
			for (i = 0; i < n; i++)
				connect_at(run, from);
		}
	}
}

static void
the_average_breaches_where_pf_does(void **state)
{
	struct run run;
	size_t i;

	(void)state;
	assert_int_equal(NVECTORS, 32);
	for (i = 0; i < NVECTORS; i++) {
		print_message("%s\n", vectors[i].name);
		play(&run, &vectors[i], false);
		assert_int_equal(run.breach, vectors[i].average);
		assert_int_equal(run.max_count, vectors[i].max_count);
		assert_int_equal(threshold_raw(&run.threshold),
		    vectors[i].final_count);
		assert_int_equal(threshold_count(&run.threshold, false),
		    (vectors[i].final_count + 999) / 1000);
	}
}

static void
the_window_breaches_where_newer_freebsd_does(void **state)
{
	struct run run;
	size_t i;

	(void)state;
	for (i = 0; i < NVECTORS; i++) {
		print_message("%s\n", vectors[i].name);
		play(&run, &vectors[i], true);
		assert_int_equal(run.breach, vectors[i].window);
	}
}

static void
the_window_starts_and_ends_within_a_second(void **state)
{
	struct threshold t;

	(void)state;
	threshold_init(&t, 999, true);
	assert_false(threshold_add(&t, 999, 1, 1, true));
	assert_true(threshold_add(&t, 1998, 1, 1, true));
	assert_false(threshold_add(&t, 1999, 1, 1, true));
	assert_int_equal(threshold_count(&t, true), 1);
}

static void
a_clock_set_back_begins_anew(void **state)
{
	struct threshold t;
	int i;

	(void)state;
	threshold_init(&t, 1000000, false);
	for (i = 0; i < 3; i++)
		assert_false(threshold_add(&t, 1000000, 3, 30, false));
	/* Out of order: still the same second. */
	assert_true(threshold_add(&t, 998000, 3, 30, false));
	assert_false(threshold_add(&t, 900000, 3, 30, false));
	assert_int_equal(threshold_count(&t, false), 1);
	threshold_init(&t, 1000000, true);
	threshold_add(&t, 1000000, 1, 30, true);
	assert_true(threshold_add(&t, 998000, 1, 30, true));
	assert_false(threshold_add(&t, 900000, 1, 30, true));
}

static void
the_average_sees_whole_seconds_only(void **state)
{
	struct threshold t;

	(void)state;
	threshold_init(&t, 990, false);
	threshold_add(&t, 990, 100, 2, false);
	threshold_add(&t, 1010, 100, 2, false);
	assert_int_equal(threshold_raw(&t), 1500);
	threshold_add(&t, 1990, 100, 2, false);
	assert_int_equal(threshold_raw(&t), 2500);
}

static void
time_that_goes_back_neither_decays_nor_forgets(void **state)
{
	struct threshold t;
	int i;

	(void)state;
	threshold_init(&t, 100000, false);
	for (i = 0; i < 3; i++)
		threshold_add(&t, 100000, 3, 60, false);
	assert_true(threshold_add(&t, 40000, 3, 60, false));
	assert_int_equal(threshold_raw(&t), 4000);
	/* Nor does coming back count as time that passed. */
	assert_true(threshold_add(&t, 100999, 3, 60, false));
	assert_int_equal(threshold_raw(&t), 5000);

	threshold_init(&t, 100000, true);
	threshold_add(&t, 100000, 1, 60, true);
	assert_true(threshold_add(&t, 40000, 1, 60, true));
	assert_false(threshold_add(&t, 160000, 1, 60, true));
}

static void
huge_counts_and_periods_do_not_wrap(void **state)
{
	struct threshold t;
	const uint32_t most = UINT32_MAX;

	(void)state;
	threshold_init(&t, 0, false);
	/* 2^47 thousandths, then one event after most of the period. */
	t.count_high = 1U << 15;
	t.count_low = 12345;
	threshold_add(&t, (int64_t)(most - 1) * 1000, most, most, false);
	/* (2^47 + 12345) * (2^32 - 2) / (2^32 - 1), rounded down, leaves
	 * 32769, and the event adds 1000. */
	assert_int_equal(threshold_raw(&t), 33769);
}

static void
the_count_stops_at_its_most(void **state)
{
	struct threshold t;

	(void)state;
	threshold_init(&t, 0, false);
	t.count_high = UINT16_MAX;
	t.count_low = UINT32_MAX;
	assert_true(threshold_add(&t, 0, UINT32_MAX, 1, false));
	assert_int_equal(threshold_raw(&t), (UINT64_C(1) << 48) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_average_breaches_where_pf_does),
	    cmocka_unit_test(the_window_breaches_where_newer_freebsd_does),
	    cmocka_unit_test(the_window_starts_and_ends_within_a_second),
	    cmocka_unit_test(the_average_sees_whole_seconds_only),
	    cmocka_unit_test(a_clock_set_back_begins_anew),
	    cmocka_unit_test(time_that_goes_back_neither_decays_nor_forgets),
	    cmocka_unit_test(huge_counts_and_periods_do_not_wrap),
	    cmocka_unit_test(the_count_stops_at_its_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
