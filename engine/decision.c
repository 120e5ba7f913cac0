/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Decisions as text: the pinned JSON of DESIGN 6, and one line for a reader
 * who was woken up by it.
 */

#include "engine/decision.h"

#include <stdbool.h>
#include <stdio.h>

#include "engine/json.h"

static const char *
kind_name(enum decision_kind kind)
{
	switch (kind) {
	case DECISION_HOLD:
		return "hold";
	case DECISION_EXTEND:
		return "extend";
	case DECISION_RELEASE:
		return "release";
	case DECISION_REFUSE:
		return "refuse";
	}
	return "unknown";
}

static bool
has_expiry(const struct decision *d)
{
	return d->kind == DECISION_HOLD || d->kind == DECISION_EXTEND;
}

size_t
decision_json(const struct decision *d, char *out, size_t size)
{
	char prefix[PREFIX_STRLEN], time[WALL_STRLEN];
	struct json json;

	json_begin(&json, out, size);
	json_string(&json, "time", wall_format(d->time, time, sizeof(time)));
	json_string(&json, "event", kind_name(d->kind));
	json_string(&json, "table", d->table_name);
	json_string(&json, "prefix",
	    prefix_format(&d->prefix, prefix, sizeof(prefix)));
	json_string(&json, "origin", origin_name(d->origin));
	json_string(&json, "by", d->by);
	if (d->sensor[0] != '\0')
		json_string(&json, "sensor", d->sensor);
	json_string(&json, "cause", d->cause);
	if (d->count != DECISION_NO_COUNT)
		json_int(&json, "count", d->count);
	if (has_expiry(d))
		json_string(&json, "expires",
		    wall_format(d->expires, time, sizeof(time)));
	return json_end(&json);
}

size_t
decision_text(const struct decision *d, char *out, size_t size)
{
	char prefix[PREFIX_STRLEN], time[WALL_STRLEN], until[WALL_STRLEN + 8];
	char count[32];
	int len;

	until[0] = count[0] = '\0';
	if (has_expiry(d))
		snprintf(until, sizeof(until), "%s%s",
		    wall_is_never(d->expires) ? ", expires " : " until ",
		    wall_format(d->expires, time, sizeof(time)));
	if (d->count != DECISION_NO_COUNT)
		snprintf(count, sizeof(count), " (%lld)", (long long)d->count);
	len = snprintf(out, size, "%s %s <%s> %s%s: %s%s by %s %s%s%s",
	    wall_format(d->time, time, sizeof(time)), kind_name(d->kind),
	    d->table_name, prefix_format(&d->prefix, prefix, sizeof(prefix)),
	    until, d->cause, count, origin_name(d->origin), d->by,
	    d->sensor[0] != '\0' ? ", seen by " : "", d->sensor);
	if (len < 0)
		return 0;
	return (size_t)len < size ? (size_t)len : size - 1;
}
