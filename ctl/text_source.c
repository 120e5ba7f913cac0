/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * "show source" and "check" for somebody who was woken up: each hold as a
 * short block of named facts, what the rules have counted, and at the end,
 * where the eye is, how it stands and what to type.
 */

#include <pwd.h>
#include <stdbool.h>
#include <string.h>

#include "ctl/json_read.h"
#include "ctl/text.h"

static void
print_time(FILE *out, const char *name, const char *rfc3339, struct wall now,
    bool is_past)
{
	char when[WALL_STRLEN], span[TEXT_SPAN_LEN];

	text_when(rfc3339, when, sizeof(when));
	if (strcmp(when, "never") == 0)
		fprintf(out, "  %-9s for ever\n", name);
	else if (is_past)
		fprintf(out, "  %-9s %s UTC (%s ago)\n", name, when,
		    text_ago(rfc3339, now, span, sizeof(span)));
	else
		fprintf(out, "  %-9s %s UTC (in %s)\n", name, when,
		    text_left(rfc3339, now, span, sizeof(span)));
}

/* " (name)" for "uid N"; nothing for anybody else.  Returns out. */
static const char *
user_name(const char *by, char *out, size_t size)
{
	const struct passwd *user = NULL;
	const char *error;
	long long uid;

	out[0] = '\0';
	if (strncmp(by, "uid ", 4) != 0)
		return out;
	uid = strtonum(by + 4, 0, UINT32_MAX, &error);
	if (error == NULL)
		user = getpwuid((uid_t)uid);
	if (user != NULL)
		snprintf(out, size, " (%s)", user->pw_name);
	return out;
}

static void
print_hold(FILE *out, const struct json_object *o, struct wall now)
{
	const char *sensor = json_text(o, "sensor");
	char user[64];

	if (strcmp(json_text(o, "what"), "named") == 0)
		fprintf(out, "named in <%s>\n", json_text(o, "table"));
	else
		fprintf(out, "held in <%s>%s\n", json_text(o, "table"),
		    strcmp(json_text(o, "enforce"), "block") == 0
			? ", which blocks"
			: "");
	fprintf(out, "  %-9s %s\n", "entry", json_text(o, "prefix"));
	fprintf(out, "  %-9s %s %s%s\n", "by", json_text(o, "origin"),
	    json_text(o, "by"),
	    user_name(json_text(o, "by"), user, sizeof(user)));
	if (sensor[0] != '\0')
		fprintf(out, "  %-9s %s\n", "seen by", sensor);
	if (json_text(o, "cause")[0] != '\0') {
		fprintf(out, "  %-9s %s", "because", json_text(o, "cause"));
		if (json_number(o, "count") > 0)
			fprintf(out, ", counted %s", json_text(o, "count"));
		fputc('\n', out);
	}
	print_time(out, "since", json_text(o, "since"), now, true);
	print_time(out, "until", json_text(o, "expires"), now, false);
}

/* "conn 3 of 100": one count against its limit. */
static void
print_count(FILE *out, const struct json_object *o, const char *name,
    const char *count, const char *limit)
{
	if (json_get(o, limit) == NULL)
		return;
	fprintf(out, "  %-9s %lld of %s", name, json_number(o, count),
	    json_text(o, limit));
	if (strcmp(limit, "rate_limit") == 0)
		fprintf(out, " in %s s", json_text(o, "rate_seconds"));
	fputc('\n', out);
}

static void
print_rule(FILE *out, const struct json_object *o, struct wall now)
{
	bool is_ignore = strcmp(json_text(o, "action"), "ignore") == 0;
	bool is_counted = strcmp(json_text(o, "what"), "counted") == 0;

	fprintf(out, "%s %s line %s%s\n",
	    is_ignore    ? "may be ignored by"
	    : is_counted ? "counted by"
			 : "not counted yet, named by",
	    json_text(o, "file"), json_text(o, "line"),
	    json_get(o, "table") == NULL ? "" : ":");
	fprintf(out, "  %s\n", json_text(o, "text"));
	if (is_ignore)
		return;
	print_count(out, o, "conn", "conn", "max_src_conn");
	print_count(out, o, "states", "states", "max_src_states");
	print_count(out, o, "rate", "rate_count", "rate_limit");
	if (is_counted)
		print_time(out, "last seen", json_text(o, "last"), now, true);
}

/* What will be done with it, now that it is not held. */
static const char *
would_text(const char *would)
{
	if (strcmp(would, "never") == 0)
		return "and never will be";
	if (strcmp(would, "pardoned") == 0)
		return "and will not be while the pardon lasts";
	if (strcmp(would, "ignored") == 0)
		return "and will not be: the rules ignore it";
	if (strcmp(would, "unwatched") == 0)
		return "and no rule watches it";
	return "and would be once it passes a limit";
}

static void
print_verdict(FILE *out, const struct json_object *o)
{
	const char *prefix = json_text(o, "prefix");

	if (json_is_true(o, "blocked"))
		fprintf(out, "%s is held and blocked.\n", prefix);
	else if (json_is_true(o, "held") && json_is_true(o, "decoupled"))
		fprintf(out,
		    "%s is held; trapline is decoupled and leaves the "
		    "firewall as it was.\n",
		    prefix);
	else if (json_is_true(o, "held"))
		fprintf(out, "%s is held, in no table that blocks.\n", prefix);
	else
		fprintf(out, "%s is not held, %s.\n", prefix,
		    would_text(json_text(o, "would")));
	if (!json_is_true(o, "held") && json_number(o, "holds") > 0)
		fprintf(out, "Parts of it are held.\n");
	if (json_get(o, "release") != NULL)
		fprintf(out, "To let it go: %s\n", json_text(o, "release"));
}

void
text_source(FILE *out, const struct json_object *o, const char *last,
    struct wall now)
{
	const char *what = json_text(o, "what");
	char when[WALL_STRLEN];

	if (last[0] != '\0')
		fputc('\n', out);
	if (strcmp(what, "hold") == 0 || strcmp(what, "named") == 0)
		print_hold(out, o, now);
	else if (strcmp(what, "unsaid") == 0)
		fprintf(out, "and %s more holds\n", json_text(o, "holds"));
	else if (strcmp(what, "pardon") == 0)
		fprintf(out, "pardoned until %s UTC, by way of %s\n",
		    text_when(json_text(o, "until"), when, sizeof(when)),
		    json_text(o, "prefix"));
	else if (strcmp(what, "never") == 0)
		fprintf(out, "%s\n", json_text(o, "why"));
	else if (strcmp(what, "verdict") == 0)
		print_verdict(out, o);
	else
		print_rule(out, o, now);
}
