/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_CLOCK_H
#define TRAPLINE_ENGINE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970, UTC. */
struct wall {
	int64_t ms;
};

/* Nanoseconds of a clock that only moves forward and counts suspension. */
struct mono {
	int64_t ns;
};

/* The time that never comes: an entry without expiry. */
#define WALL_NEVER ((struct wall){INT64_MAX})
/* Longest text of a time with its terminating NUL. */
#define WALL_STRLEN 32

/*
 * The guarded wall clock.  It never goes back and never jumps: where the
 * system's wall clock was stepped, it follows by running at double speed, or
 * at half speed, until both agree.  So a step of hours neither lets every
 * hold lapse at once nor keeps any for longer than twice its term.
 */
struct clock {
	struct wall now;
	struct mono read;  /* when now was computed */
	int64_t lag_ms;    /* system's wall clock less ours */
	bool is_following; /* a step is being caught up */
	uint64_t steps;    /* steps noticed since the start */
};

/* Steps below this are followed at once: NTP's own corrections. */
#define CLOCK_STEP_MS 2000

/*
 * Starts the guarded clock.  floor is the latest time that an earlier run is
 * known to have seen (0 for none): a system whose clock was lost at boot does
 * not start before it.
 */
void clock_start(struct clock *, struct wall system, struct mono,
    struct wall floor);
/*
 * Moves the clock on and returns the guarded time.  Returns the same time for
 * the same arguments; wants to be called at least once a minute.
 */
struct wall clock_update(struct clock *, struct wall system, struct mono);

/* The only readers of the system's clocks. */
struct wall wall_read(void);
struct mono mono_read(void);

bool wall_before(struct wall, struct wall);
struct wall wall_later(struct wall, struct wall);
/* Adds seconds; saturates at WALL_NEVER. */
struct wall wall_add_s(struct wall, int64_t seconds);
bool wall_is_never(struct wall);
/*
 * RFC 3339, UTC, milliseconds: "2026-11-22T09:36:37.000Z"; "never" for
 * WALL_NEVER.  Returns out.
 */
const char *wall_format(struct wall, char *out, size_t size);

/* Longest text of a duration with its terminating NUL. */
#define DURATION_STRLEN 24

/*
 * Reads a time as the policy language writes it: "90", "90s", "15m", "24h",
 * "75d", "6w".  0 and seconds in out, or -1.
 */
int duration_parse(const char *text, int64_t *out_s);
/* Writes the shortest form with the largest unit that divides: "6w". */
const char *duration_format(int64_t seconds, char *out, size_t size);

#endif
