/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The arithmetic of max-src-conn-rate.  The average loses count * d / seconds
 * at the first event d seconds after the one before, rounded down once, as
 * pf's does.  pf makes that product in 32 bits and wraps for long periods;
 * here it is exact for every period and count.
 */

#include "engine/threshold.h"

#define EVENT      1000
#define COUNT_MOST ((UINT64_C(1) << 48) - 1)

static void
set_count(struct threshold *t, uint64_t count)
{
	if (count > COUNT_MOST)
		count = COUNT_MOST;
	t->count_low = (uint32_t)count;
	t->count_high = (uint16_t)(count >> 32);
}

static void
set_time(struct threshold *t, int64_t time)
{
	t->time_low = (uint32_t)time;
	t->time_high = (uint16_t)((uint64_t)time >> 32);
}

static int64_t
get_time(const struct threshold *t)
{
	int64_t time = (int64_t)t->time_high << 32 | t->time_low;

	/* The highest of the 48 bits is the sign. */
	return time >= INT64_C(1) << 47 ? time - (INT64_C(1) << 48) : time;
}

uint64_t
threshold_raw(const struct threshold *t)
{
	return (uint64_t)t->count_high << 32 | t->count_low;
}

void
threshold_init(struct threshold *t, int64_t now_ms, bool is_window)
{
	set_count(t, 0);
	set_time(t, is_window ? now_ms : now_ms / 1000);
}

/* What is left of count after d of seconds, d being the smaller. */
static uint64_t
decay(uint64_t count, uint64_t d, uint64_t seconds)
{
	/* count * d / seconds without the product, which may have 80 bits. */
	return count - count / seconds * d - count % seconds * d / seconds;
}

static bool
average_add(struct threshold *t, int64_t now_s, uint32_t limit,
    uint32_t seconds)
{
	int64_t d = now_s - get_time(t);
	uint64_t count = threshold_raw(t);

	if (d >= seconds || d < -THRESHOLD_BACK_S)
		count = 0;
	else if (d > 0)
		count = decay(count, (uint64_t)d, seconds);
	if (d > 0 || d < -THRESHOLD_BACK_S)
		set_time(t, now_s);
	set_count(t, count + EVENT);
	return threshold_raw(t) > (uint64_t)limit * EVENT;
}

/*
 * The window keeps no mark that the limit was exceeded: until it ends the
 * count only grows.
 */
static bool
window_add(struct threshold *t, int64_t now_ms, uint32_t limit,
    uint32_t seconds)
{
	int64_t d = now_ms - get_time(t);

	if (d >= (int64_t)seconds * 1000 || d < -THRESHOLD_BACK_S * 1000) {
		set_count(t, 0);
		set_time(t, now_ms);
	}
	set_count(t, threshold_raw(t) + 1);
	return threshold_raw(t) > limit;
}

bool
threshold_add(struct threshold *t, int64_t now_ms, uint32_t limit,
    uint32_t seconds, bool is_window)
{
	if (is_window)
		return window_add(t, now_ms, limit, seconds);
	return average_add(t, now_ms / 1000, limit, seconds);
}

uint64_t
threshold_count(const struct threshold *t, bool is_window)
{
	uint64_t raw = threshold_raw(t);

	return is_window ? raw : (raw + EVENT - 1) / EVENT;
}
