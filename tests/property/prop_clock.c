/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The guarded clock under a system clock that is stepped at random: it never
 * goes back, runs at no less than half and no more than double speed, and is
 * right again twice as long after a step as the step was.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/clock.h"
#include "tests/property/random.h"

#define NS_PER_MS 1000000
#define START     INT64_C(1795340197000)

struct model {
	struct clock clock;
	int64_t elapsed_ns;
	int64_t offset_ms;
	int64_t small_ms; /* all steps that are followed at once, added up */
	int64_t first_ms;
	struct random random;
};

static struct wall
system_time(const struct model *m)
{
	return (struct wall){START + m->elapsed_ns / NS_PER_MS + m->offset_ms};
}

static void
update(struct model *m)
{
	struct mono mono = {m->elapsed_ns};
	struct wall before = m->clock.now, now;
	int64_t ran_ms, elapsed_ms = m->elapsed_ns / NS_PER_MS;

	now = clock_update(&m->clock, system_time(m), mono);
	assert_true(now.ms >= before.ms);
	assert_int_equal(clock_update(&m->clock, system_time(m), mono).ms,
	    now.ms);
	/* Two for what is not a whole millisecond on either side. */
	ran_ms = now.ms - m->first_ms;
	assert_true(ran_ms <= 2 * elapsed_ms + m->small_ms + 2);
	assert_true(ran_ms >= elapsed_ms / 2 - m->small_ms - 2);
}

/* Up to so many bits of nanoseconds at a time, as often. */
static void
pass(struct model *m, uint32_t bits, uint32_t times)
{
	for (; times > 0; times--) {
		m->elapsed_ns += (int64_t)(random_next(&m->random) &
					   ((UINT64_C(1) << bits) - 1));
		update(m);
	}
}

static void
step(struct model *m)
{
	uint32_t bits = random_below(&m->random, 30);
	int64_t by =
	    (int64_t)(random_next(&m->random) & ((UINT64_C(1) << bits) - 1));

	if (by <= CLOCK_STEP_MS)
		m->small_ms += by;
	m->offset_ms += random_below(&m->random, 2) == 0 ? by : -by;
}

/* Long enough to catch up, at intervals of a minute or less. */
static void
settle(struct model *m)
{
	int64_t lag_ms = m->clock.now.ms - system_time(m).ms, end_ns;

	if (lag_ms < 0)
		lag_ms = -lag_ms;
	end_ns = m->elapsed_ns + (2 * lag_ms + 10) * NS_PER_MS;
	while (m->elapsed_ns < end_ns)
		pass(m, 36, 1);
	lag_ms = m->clock.now.ms - system_time(m).ms;
	assert_true(lag_ms >= -2 && lag_ms <= 2);
	pass(m, 36, 3);
	assert_false(m->clock.is_following);
}

static void
steps_neither_stop_nor_speed_the_clock(void **state)
{
	struct model m;
	uint32_t round, n;

	(void)state;
	memset(&m, 0, sizeof(m));
	m.random = random_start("prop_clock");
	for (round = 0; round < 30; round++) {
		m.elapsed_ns = (int64_t)random_below(&m.random, 1000000);
		m.offset_ms = m.small_ms = 0;
		clock_start(&m.clock, system_time(&m),
		    (struct mono){m.elapsed_ns}, (struct wall){0});
		m.first_ms = m.clock.now.ms;
		for (n = 0; n < 20; n++) {
			step(&m);
			/* From a millisecond to a minute. */
			pass(&m, 20 + random_below(&m.random, 17), 500);
		}
		settle(&m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(steps_neither_stop_nor_speed_the_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
