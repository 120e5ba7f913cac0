/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_THRESHOLD_H
#define TRAPLINE_ENGINE_THRESHOLD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * max-src-conn-rate: pf's decaying average (pf_add_threshold() and its kin in
 * OpenBSD's pf.c; protocols/pflog.md section 6.4) or the fixed window of newer
 * FreeBSD (section 6.5).  Unlike pf's, the product is made without wrapping.
 *
 * Two numbers of 48 bits, in parts so that a source fits one cache line: the
 * count (average: 1/1000 events; window: events), and a time (average: second
 * of the last event; window: its start in ms).  The count stops at 2^48 - 1.
 */
struct threshold {
	uint32_t count_low;
	uint32_t time_low;
	uint16_t count_high;
	uint16_t time_high;
};

void threshold_init(struct threshold *, int64_t now_ms, bool is_window);
/*
 * Counts one event at now_ms and says whether the limit of `limit` events in
 * `seconds` is exceeded.  The average only looks at whole seconds, as pf does.
 * A time a little before the last one counts as the last one; one before it by
 * more than THRESHOLD_BACK_S means that the clock was set back, and counting
 * begins anew.  Limit and seconds must be the same for the threshold's life.
 */
#define THRESHOLD_BACK_S INT64_C(60)
bool threshold_add(struct threshold *, int64_t now_ms, uint32_t limit,
    uint32_t seconds, bool is_window);
/* Events that are counted now, the last part of one as a whole: a count that
 * is over its limit is a larger number. */
uint64_t threshold_count(const struct threshold *, bool is_window);
/* The count as it is kept: 1/1000 events for the average. */
uint64_t threshold_raw(const struct threshold *);

#endif
