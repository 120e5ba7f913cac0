/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Times, spans and sizes, from the protocol's form to a reader's. */

#include <stdio.h>
#include <string.h>

#include "ctl/text.h"
#include "engine/clock.h"

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t
days_to(int64_t year, int month, int day)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243,
	    273, 304, 334};
	int64_t leaps;

	leaps = (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
	/* 477 leap years lie before 1970. */
	leaps -= 477;
	if (month > 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		leaps++;
	return (year - 1970) * 365 + leaps + before[month - 1] + day - 1;
}

int
text_time(const char *text, struct wall *out)
{
	int year, month, day, hour, minute, second, ms = 0, end = 0;

	if (strcmp(text, "never") == 0) {
		*out = WALL_NEVER;
		return 0;
	}
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day,
		&hour, &minute, &second, &ms, &end) != 7 ||
	    end == 0 || text[end] != '\0')
		return -1;
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31)
		return -1;
	out->ms = days_to(year, month, day) * 86400;
	out->ms = (out->ms + hour * 3600 + minute * 60 + second) * 1000 + ms;
	return 0;
}

const char *
text_when(const char *rfc3339, char *out, size_t size)
{
	strlcpy(out, rfc3339, size);
	if (strlen(out) >= 19) {
		out[10] = ' ';
		out[19] = '\0';
	}
	return out;
}

const char *
text_span(int64_t ms, char *out, size_t size)
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = {{604800, 'w'}, {86400, 'd'}, {3600, 'h'}, {60, 'm'},
	    {1, 's'}};
	int64_t left = ms < 0 ? 0 : ms / 1000;
	char first[TEXT_SPAN_LEN];
	size_t i = 0;

	while (i < 4 && left < units[i].seconds)
		i++;
	snprintf(first, sizeof(first), "%lld%c",
	    (long long)(left / units[i].seconds), units[i].unit);
	left %= units[i].seconds;
	if (i < 4 && left / units[i + 1].seconds > 0)
		snprintf(out, size, "%s%lld%c", first,
		    (long long)(left / units[i + 1].seconds),
		    units[i + 1].unit);
	else
		strlcpy(out, first, size);
	return out;
}

const char *
text_left(const char *rfc3339, struct wall now, char *out, size_t size)
{
	struct wall then;

	if (text_time(rfc3339, &then) == -1)
		strlcpy(out, "-", size);
	else if (wall_is_never(then))
		strlcpy(out, "never", size);
	else
		/* Up to a full second: six weeks less a moment are 6w. */
		text_span(then.ms - now.ms + 999, out, size);
	return out;
}

const char *
text_ago(const char *rfc3339, struct wall now, char *out, size_t size)
{
	struct wall then;

	if (text_time(rfc3339, &then) == -1 || wall_is_never(then))
		strlcpy(out, "-", size);
	else
		text_span(now.ms - then.ms, out, size);
	return out;
}

const char *
text_bytes(long long bytes, char *out, size_t size)
{
	static const char units[] = "kMGT";
	double value = (double)bytes;
	size_t i;

	if (bytes < 1000) {
		snprintf(out, size, "%lld B", bytes);
		return out;
	}
	for (i = 0; value >= 999950 && units[i + 1] != '\0'; i++)
		value /= 1000;
	snprintf(out, size, "%.1f %cB", value / 1000, units[i]);
	return out;
}
