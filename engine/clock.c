/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Time enters a process here and nowhere else.  wall_read() and mono_read()
 * ask the system; the guarded clock turns both into a wall time that is safe
 * to let holds lapse by.  Everything else takes a struct wall or struct mono
 * as an argument, which is what lets replay run a week in a second.
 */

#include "engine/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/compat.h"
#include "engine/log.h"

#define NS_PER_MS 1000000

struct wall
wall_read(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) == -1)
		fatal("clock_gettime");
	return (struct wall){
	    (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / NS_PER_MS};
}

struct mono
mono_read(void)
{
	struct timespec ts;

	if (clock_gettime(COMPAT_CLOCK_BOOTTIME, &ts) == -1)
		fatal("clock_gettime");
	return (struct mono){(int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec};
}

void
clock_start(struct clock *c, struct wall system, struct mono mono,
    struct wall floor)
{
	memset(c, 0, sizeof(*c));
	c->now = wall_later(system, floor);
	c->read = mono;
	c->lag_ms = system.ms - c->now.ms;
	if (c->lag_ms < -CLOCK_STEP_MS) {
		c->is_following = true;
		c->steps++;
	}
}

/* How far the system's clock is before ours when ours has run on. */
static int64_t
lag_after(const struct clock *c, struct wall system, int64_t elapsed_ms)
{
	return system.ms - c->now.ms - elapsed_ms;
}

/*
 * What ours is put forward or back by after it has run on: all of the lag,
 * as far as it then runs at no more than double and no less than half speed
 * while it follows a step, and does not go back otherwise.
 */
static int64_t
correction(const struct clock *c, int64_t lag_ms, int64_t elapsed_ms)
{
	int64_t most_back_ms = c->is_following ? elapsed_ms / 2 : elapsed_ms;

	if (c->is_following && lag_ms > elapsed_ms)
		return elapsed_ms;
	if (lag_ms < -most_back_ms)
		return -most_back_ms;
	return lag_ms;
}

struct wall
clock_update(struct clock *c, struct wall system, struct mono mono)
{
	int64_t elapsed_ms = (mono.ns - c->read.ns) / NS_PER_MS;
	int64_t lag_ms;

	if (elapsed_ms <= 0)
		return c->now;
	lag_ms = lag_after(c, system, elapsed_ms);
	if (!c->is_following &&
	    (lag_ms > CLOCK_STEP_MS || lag_ms < -CLOCK_STEP_MS)) {
		c->is_following = true;
		c->steps++;
	}
	if (c->is_following && lag_ms < 0) {
		/* Half of an odd millisecond is kept for the next time. */
		elapsed_ms -= elapsed_ms % 2;
		lag_ms = lag_after(c, system, elapsed_ms);
	}
	/* The part of a millisecond that was not counted yet stays. */
	c->read.ns += elapsed_ms * NS_PER_MS;
	c->now.ms += elapsed_ms + correction(c, lag_ms, elapsed_ms);
	c->lag_ms = lag_after(c, system, 0);
	if (c->lag_ms == 0)
		c->is_following = false;
	return c->now;
}

bool
wall_before(struct wall a, struct wall b)
{
	return a.ms < b.ms;
}

struct wall
wall_later(struct wall a, struct wall b)
{
	return a.ms < b.ms ? b : a;
}

struct wall
wall_add_s(struct wall w, int64_t seconds)
{
	int64_t from_ms = w.ms > 0 ? w.ms : 0;

	if (wall_is_never(w) || seconds > (INT64_MAX - from_ms) / 1000)
		return WALL_NEVER;
	w.ms += seconds * 1000;
	return w;
}

bool
wall_is_never(struct wall w)
{
	return w.ms == INT64_MAX;
}

const char *
wall_format(struct wall w, char *out, size_t size)
{
	int64_t seconds = w.ms / 1000, ms = w.ms % 1000;
	time_t when;
	struct tm tm;

	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	when = (time_t)seconds;
	if (wall_is_never(w) || gmtime_r(&when, &tm) == NULL) {
		strlcpy(out, "never", size);
		return out;
	}
	/* Not strftime(3): it may open the time zone's file. */
	snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, (int)ms);
	return out;
}

/* Seconds of a unit letter, or 0. */
static int64_t
unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 604800;
	default:
		return 0;
	}
}

int
duration_parse(const char *text, int64_t *out_s)
{
	char digits[DURATION_STRLEN];
	size_t len = strlen(text);
	int64_t unit = 1, value;
	const char *error;

	if (len == 0 || len >= sizeof(digits))
		return -1;
	strlcpy(digits, text, sizeof(digits));
	if (digits[len - 1] < '0' || digits[len - 1] > '9') {
		unit = unit_seconds(digits[len - 1]);
		if (unit == 0)
			return -1;
		digits[len - 1] = '\0';
	}
	if (digits[0] < '0' || digits[0] > '9')
		return -1;
	value = strtonum(digits, 0, INT64_MAX / 1000 / unit, &error);
	if (error != NULL)
		return -1;
	*out_s = value * unit;
	return 0;
}

const char *
duration_format(int64_t seconds, char *out, size_t size)
{
	static const char units[] = "wdhms";
	const char *unit;

	for (unit = units; *unit != 's'; unit++) {
		if (seconds != 0 && seconds % unit_seconds(*unit) == 0)
			break;
	}
	snprintf(out, size, "%lld%c",
	    (long long)(seconds / unit_seconds(*unit)), *unit);
	return out;
}
