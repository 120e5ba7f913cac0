/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * "load TABLE LINES": that many lines follow, each one prefix, because the
 * daemon may open no file itself.  Each is a hold of the operator's for the
 * table's own term, as "add" makes it.  A line that is no prefix, or that was
 * refused, is said with its number and does not stop the rest; the closing
 * line then is an error.  All is made durable once, before that line.
 */

#include <stdio.h>
#include <string.h>

#include "engine/control.h"
#include "engine/control_protocol.h"
#include "engine/control_session.h"
#include "engine/engine.h"
#include "engine/json.h"
#include "engine/log.h"
#include "rules/ruleset.h"

/* So many lines are named; further ones are only counted. */
#define LOAD_NAMED_MAX 1000

void
control_load(struct control_session *s, int argc, char **argv)
{
	const char *error;
	int64_t expire_s;
	int table;

	(void)argc;
	table = control_table(s, argv[0]);
	if (table == -1)
		return;
	memset(&s->load, 0, sizeof(s->load));
	s->load.expected =
	    (uint64_t)strtonum(argv[1], 1, CONTROL_LOAD_MAX, &error);
	if (error != NULL) {
		control_error(s,
		    "the number of lines is %s: expected 1 to %d, and that "
		    "many lines behind the command",
		    error, CONTROL_LOAD_MAX);
		return;
	}
	expire_s = control_ruleset(s)->tables[table].expire_s;
	s->load.expires = expire_s == EXPIRE_NEVER
			      ? WALL_NEVER
			      : wall_add_s(control_now(s), expire_s);
	s->table = (uint16_t)table;
	s->state = CONTROL_LOADING;
}

static void
name_line(struct control_session *s, const char *error)
{
	char line[CONTROL_ANSWER_MAX];
	struct json j;

	if (s->load.bad + s->load.refused > LOAD_NAMED_MAX)
		return;
	control_begin(&j, line, "line");
	json_int(&j, "line", (int64_t)s->load.seen);
	control_text(&j, "error", error);
	control_say(s, &j);
}

static void
name_refused(struct control_session *s, enum engine_result result,
    const struct prefix *p)
{
	char text[PREFIX_STRLEN], why[CONTROL_REASON_LEN];
	char error[PREFIX_STRLEN + CONTROL_REASON_LEN + 20];

	if (result == ENGINE_FULL)
		strlcpy(why, "the table is full, or memory is out",
		    sizeof(why));
	else if (result == ENGINE_PARDONED)
		strlcpy(why, "it is pardoned", sizeof(why));
	else if (result == ENGINE_BREAKER)
		strlcpy(why, "\"set limit holds\" was reached", sizeof(why));
	else if (!control_never_reason(s, p, why, sizeof(why)))
		strlcpy(why, "it touches an address that is never held",
		    sizeof(why));
	snprintf(error, sizeof(error), "%s was not added: %s",
	    prefix_format(p, text, sizeof(text)), why);
	name_line(s, error);
}

static void
say_totals(struct control_session *s)
{
	char line[CONTROL_ANSWER_MAX];
	struct json j;

	control_begin(&j, line, "load");
	json_string(&j, "table", control_ruleset(s)->tables[s->table].name);
	json_int(&j, "held", (int64_t)s->load.held);
	json_int(&j, "refused", (int64_t)s->load.refused);
	json_int(&j, "bad", (int64_t)s->load.bad);
	control_time(&j, "expires", s->load.expires);
	control_say(s, &j);
}

static void
finish(struct control_session *s)
{
	uint64_t left = s->load.refused + s->load.bad;

	say_totals(s);
	engine_advance(s->engine, control_now(s));
	if (left == 0 || s->host->commit(s->host) == -1)
		control_ok_durable(s);
	else
		control_error(s, "%llu of %llu lines were not taken",
		    (unsigned long long)left,
		    (unsigned long long)s->load.expected);
}

static void
load_prefix(struct control_session *s, const char *text)
{
	enum engine_result result;
	char shown[256], error[300];
	struct prefix p;

	if (text == NULL || prefix_parse(text, &p) == -1) {
		s->load.bad++;
		if (text == NULL)
			text = "the line";
		log_printable(text, strnlen(text, 60), shown, sizeof(shown));
		snprintf(error, sizeof(error), "%s is no address or prefix",
		    shown);
		name_line(s, error);
		return;
	}
	result = engine_claim(s->engine, s->table, &p, ORIGIN_OPERATOR, s->by,
	    "loaded", s->load.expires, control_now(s));
	if (result == ENGINE_DONE) {
		s->load.held++;
		return;
	}
	s->load.refused++;
	name_refused(s, result, &p);
}

void
control_load_line(struct control_session *s, const char *line)
{
	s->load.seen++;
	/* A reload may have taken the table away meanwhile. */
	if (s->table >= control_ruleset(s)->ntables ||
	    control_ruleset(s)->tables[s->table].name[0] == '\0')
		s->load.bad++;
	else
		load_prefix(s, line);
	if (s->load.seen == s->load.expected)
		finish(s);
}

void
control_load_cut(struct control_session *s)
{
	say_totals(s);
	if (s->host->commit(s->host) == -1)
		log_warnx("control: a load that was cut off is not durable");
	control_error(s, "the load ended behind line %llu of %llu",
	    (unsigned long long)s->load.seen,
	    (unsigned long long)s->load.expected);
}
