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
 * FreeBSD (section 6.5).  Unlike pf's, the product is made in 64 bits.
 */
struct threshold {
	uint64_t count; /* average: 1/1000 events; window: events */
	int64_t last;   /* average: second; window: its start, ms */
	bool is_over;   /* window only: stays until the window ends */
};

void threshold_init(struct threshold *, int64_t now_ms, bool is_window);
/*
 * Counts one event at now_ms and says whether the limit of `limit` events in
 * `seconds` is exceeded.  The average only looks at whole seconds, as pf does.
 */
bool threshold_add(struct threshold *, int64_t now_ms, uint32_t limit,
    uint32_t seconds, bool is_window);
/* Whole events that are counted now. */
uint64_t threshold_count(const struct threshold *, bool is_window);

#endif
