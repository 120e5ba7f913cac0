/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The control commands that change something.  Each is answered only after
 * the host committed what was decided, so "ok" means durable; the kernel is
 * told at once and may be a moment ahead of the answer.
 */

#include <stdio.h>
#include <string.h>

#include "engine/control.h"
#include "engine/control_protocol.h"
#include "engine/control_session.h"
#include "engine/engine.h"
#include "engine/json.h"
#include "rules/ruleset.h"

#define PARDON_DEFAULT_S 86400
#define TERM_MOST_S      (INT64_C(100) * 366 * 86400) /* as in a policy */

/*
 * Reads "for TIME" from the two words, or takes default_s where there are
 * none.  0, or -1 when an error was answered.
 */
static int
term(struct control_session *s, int argc, char **argv, int64_t default_s,
    struct wall *until)
{
	struct wall now = control_now(s);
	int64_t seconds = default_s;

	if (argc != 0 && (argc != 2 || strcmp(argv[0], "for") != 0)) {
		control_error(s, "expected \"for TIME\" at the end");
		return -1;
	}
	if (argc != 0 && strcmp(argv[1], "never") == 0)
		seconds = EXPIRE_NEVER;
	else if (argc != 0 && (duration_parse(argv[1], &seconds) == -1 ||
				  seconds < 1 || seconds > TERM_MOST_S)) {
		control_error(s,
		    "expected a time such as 90s, 15m, 24h, 75d, 6w or never "
		    "behind \"for\", of at most a hundred years");
		return -1;
	}
	*until =
	    seconds == EXPIRE_NEVER ? WALL_NEVER : wall_add_s(now, seconds);
	return 0;
}

/* Says why the engine did not add. */
static void
answer_refused(struct control_session *s, enum engine_result result, int table,
    const struct prefix *p)
{
	const struct ruleset *rules = control_ruleset(s);
	char text[PREFIX_STRLEN], why[CONTROL_REASON_LEN];
	struct entry_view pardon;

	prefix_format(p, text, sizeof(text));
	switch (result) {
	case ENGINE_NEVER:
		if (!control_never_reason(s, p, why, sizeof(why)))
			strlcpy(why, "it touches an address that is never held",
			    sizeof(why));
		control_error(s, "%s was not added: %s", text, why);
		return;
	case ENGINE_PARDONED:
		memset(&pardon, 0, sizeof(pardon));
		engine_pardoned(s->engine, p, &pardon);
		wall_format(pardon.expires, why, sizeof(why));
		control_error(s, "%s was not added: it is pardoned until %s",
		    text, why);
		return;
	case ENGINE_BREAKER:
		control_error(s,
		    "%s was not added: %u new holds in %u s were reached "
		    "(\"set limit holds\")",
		    text, rules->limit_holds, rules->limit_holds_seconds);
		return;
	case ENGINE_FULL:
		control_error(s,
		    "%s was not added: table <%s> is full with %zu entries "
		    "(\"set limit table-entries\"), or memory is out",
		    text, rules->tables[table].name,
		    tables_count(engine_tables(s->engine), (uint16_t)table));
		return;
	default:
		control_error(s, "%s was not added", text);
		return;
	}
}

static bool
is_decoupled(const struct control_session *s)
{
	struct control_status status;

	memset(&status, 0, sizeof(status));
	s->host->status(s->host, &status);
	return status.is_decoupled;
}

void
control_add(struct control_session *s, int argc, char **argv)
{
	char line[CONTROL_ANSWER_MAX], text[PREFIX_STRLEN];
	struct entry_view before, after;
	enum engine_result result;
	const char *outcome;
	struct wall until;
	struct prefix p;
	struct json j;
	bool had;
	int table;

	table = control_table(s, argv[0]);
	if (table == -1 || control_prefix(s, argv[1], &p) == -1 ||
	    term(s, argc - 2, argv + 2,
		control_ruleset(s)->tables[table].expire_s, &until) == -1)
		return;
	had =
	    tables_get(engine_tables(s->engine), (uint16_t)table, &p, &before);
	result = engine_claim(s->engine, (uint16_t)table, &p, ORIGIN_OPERATOR,
	    s->by, "added", until, control_now(s));
	if (result != ENGINE_DONE) {
		answer_refused(s, result, table, &p);
		return;
	}
	if (!tables_get(engine_tables(s->engine), (uint16_t)table, &p, &after))
		after.expires = until;
	outcome = "held";
	if (had)
		outcome = wall_before(before.expires, after.expires)
			      ? "extended"
			      : "unchanged";
	control_begin(&j, line, "add");
	json_string(&j, "table", control_ruleset(s)->tables[table].name);
	json_string(&j, "prefix", prefix_format(&p, text, sizeof(text)));
	json_string(&j, "outcome", outcome);
	control_time(&j, "expires", after.expires);
	json_bool(&j, "decoupled", is_decoupled(s));
	control_say(s, &j);
	control_ok_durable(s);
}

/* Names what covers a prefix that is no entry itself, if anything does. */
static void
answer_absent(struct control_session *s, int table, const struct prefix *p)
{
	const char *name = control_ruleset(s)->tables[table].name;
	char text[PREFIX_STRLEN], wide[PREFIX_STRLEN];
	struct entry_view view;

	prefix_format(p, text, sizeof(text));
	if (tables_lookup(engine_tables(s->engine), (uint16_t)table, &p->addr,
		&view) &&
	    prefix_covers(&view.prefix, p)) {
		prefix_format(&view.prefix, wide, sizeof(wide));
		control_error(s,
		    "%s is no entry of <%s>; it is held there by way of %s: "
		    "delete that, or \"pardon %s\"",
		    text, name, wide, text);
		return;
	}
	control_error(s, "%s is no entry of <%s>", text, name);
}

static void
answer_named(struct control_session *s, int table, const struct prefix *p)
{
	char text[PREFIX_STRLEN];

	control_error(s,
	    "%s stays in <%s>, since the policy names it there: take it out "
	    "of the policy and reload",
	    prefix_format(p, text, sizeof(text)),
	    control_ruleset(s)->tables[table].name);
}

void
control_delete(struct control_session *s, int argc, char **argv)
{
	char line[CONTROL_ANSWER_MAX], text[PREFIX_STRLEN];
	enum engine_result result;
	struct prefix p;
	struct json j;
	int table;

	(void)argc;
	table = control_table(s, argv[0]);
	if (table == -1 || control_prefix(s, argv[1], &p) == -1)
		return;
	result = engine_delete(s->engine, (uint16_t)table, &p, "deleted",
	    control_now(s));
	if (result == ENGINE_ABSENT) {
		answer_absent(s, table, &p);
		return;
	}
	if (result == ENGINE_NAMED) {
		answer_named(s, table, &p);
		return;
	}
	control_begin(&j, line, "delete");
	json_string(&j, "table", control_ruleset(s)->tables[table].name);
	json_string(&j, "prefix", prefix_format(&p, text, sizeof(text)));
	json_bool(&j, "decoupled", is_decoupled(s));
	control_say(s, &j);
	control_ok_durable(s);
}

void
control_pardon(struct control_session *s, int argc, char **argv)
{
	char line[CONTROL_ANSWER_MAX], text[PREFIX_STRLEN];
	struct wall until;
	struct prefix p;
	struct json j;
	size_t released;

	if (control_prefix(s, argv[0], &p) == -1 ||
	    term(s, argc - 1, argv + 1, PARDON_DEFAULT_S, &until) == -1)
		return;
	/* Narrower than what rules hold would not stick. */
	p = control_source(s, &p);
	released = engine_pardon(s->engine, &p, until, control_now(s));
	control_begin(&j, line, "pardon");
	json_string(&j, "prefix", prefix_format(&p, text, sizeof(text)));
	json_int(&j, "released", (int64_t)released);
	control_time(&j, "until", until);
	json_bool(&j, "decoupled", is_decoupled(s));
	control_say(s, &j);
	control_ok_durable(s);
}

void
control_flush(struct control_session *s, int argc, char **argv)
{
	char line[CONTROL_ANSWER_MAX];
	struct json j;
	size_t released;
	int table;

	(void)argc;
	table = control_table(s, argv[0]);
	if (table == -1)
		return;
	released =
	    engine_flush_table(s->engine, (uint16_t)table, control_now(s));
	control_begin(&j, line, "flush");
	json_string(&j, "table", control_ruleset(s)->tables[table].name);
	json_int(&j, "released", (int64_t)released);
	json_int(&j, "left",
	    (int64_t)tables_count(engine_tables(s->engine), (uint16_t)table));
	json_bool(&j, "decoupled", is_decoupled(s));
	control_say(s, &j);
	control_ok_durable(s);
}

static void
couple(struct control_session *s, bool is_coupled)
{
	char line[CONTROL_ANSWER_MAX];
	struct json j;

	s->host->couple(s->host, is_coupled);
	control_begin(&j, line, is_coupled ? "couple" : "decouple");
	json_bool(&j, "decoupled", !is_coupled);
	control_say(s, &j);
	control_ok(s);
}

void
control_couple(struct control_session *s, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	couple(s, true);
}

void
control_decouple(struct control_session *s, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	couple(s, false);
}

void
control_reload(struct control_session *s, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	s->state = CONTROL_RELOADING;
	s->host->reload(s->host);
}

void
control_monitor(struct control_session *s, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	s->state = CONTROL_MONITORING;
}

void
control_log(struct control_session *s, int argc, char **argv)
{
	bool is_verbose = strcmp(argv[0], "verbose") == 0;

	(void)argc;
	if (!is_verbose && strcmp(argv[0], "brief") != 0) {
		control_error(s, "expected: log brief|verbose");
		return;
	}
	s->host->verbose(s->host, is_verbose);
	control_ok(s);
}
