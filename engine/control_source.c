/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * "show source" and "check": is this address held, by whom, why, since when,
 * until when, and what lets it go?  Where it is not held: would it be?  Every
 * hold of every entry that contains the address is a fact, then pardons,
 * "never", what the rules have counted, and one verdict at the end.
 */

#include <stdio.h>
#include <string.h>

#include "engine/control.h"
#include "engine/control_protocol.h"
#include "engine/control_session.h"
#include "engine/engine.h"
#include "engine/engine_state.h"
#include "engine/json.h"
#include "engine/names.h"
#include "engine/sources.h"
#include "engine/threshold.h"
#include "rules/ruleset.h"

/* A network may contain many entries: so many holds are said. */
#define HOLDS_MAX 100

struct inquiry {
	struct control_session *session;
	struct prefix prefix;
	struct prefix source; /* what the rules count it under */
	char text[PREFIX_STRLEN];
	size_t holds;
	size_t said;  /* holds and names */
	bool is_held; /* by an entry that contains it all */
	bool is_blocked;
	bool is_pardoned;
	bool is_never;
	bool is_ignored;
	size_t watched; /* rules that may count it */
};

static void
say_hold(struct inquiry *q, const struct entry_view *view,
    const struct hold *hold, bool is_named)
{
	struct control_session *s = q->session;
	const struct table_conf *table =
	    &control_ruleset(s)->tables[view->table];
	struct names *names = engine_names(s->engine);
	char line[CONTROL_ANSWER_MAX], text[PREFIX_STRLEN];
	struct json j;

	control_begin(&j, line, is_named ? "named" : "hold");
	json_string(&j, "table", table->name);
	json_string(&j, "enforce",
	    table->enforce == ENFORCE_BLOCK ? "block" : "none");
	json_string(&j, "prefix",
	    prefix_format(&view->prefix, text, sizeof(text)));
	json_string(&j, "origin", origin_name(hold->origin));
	control_text(&j, "by", names_text(names, hold->by));
	control_text(&j, "sensor", names_text(names, hold->sensor));
	control_text(&j, "cause", names_text(names, hold->cause));
	json_int(&j, "count", hold->count);
	control_time(&j, "since", hold->since);
	control_time(&j, "expires", hold->expires);
	control_say(s, &j);
}

/* What an entry that has a hold means for the address. */
static void
note_held(struct inquiry *q, const struct entry_view *view)
{
	const struct ruleset *rules = control_ruleset(q->session);

	if (!prefix_covers(&view->prefix, &q->prefix))
		return;
	q->is_held = true;
	if (rules->tables[view->table].enforce == ENFORCE_BLOCK)
		q->is_blocked = true;
}

static void
visit_entry(void *arg, const struct entry_view *view)
{
	struct inquiry *q = arg;
	const struct ruleset *rules = control_ruleset(q->session);
	struct tables *tables = engine_tables(q->session->engine);
	struct hold hold;
	bool is_named;
	size_t i;

	if (view->table >= rules->ntables ||
	    rules->tables[view->table].name[0] == '\0')
		return;
	for (i = 0; i < view->nholds; i++) {
		if (!tables_get_hold(tables, view->table, &view->prefix, i,
			&hold))
			return;
		is_named = engine_only_names(q->session->engine, view->table,
		    hold.origin);
		if (!is_named) {
			note_held(q, view);
			q->holds++;
		}
		if (q->said++ < HOLDS_MAX)
			say_hold(q, view, &hold, is_named);
	}
}

static void
say_holds(struct inquiry *q)
{
	struct control_session *s = q->session;
	char line[CONTROL_ANSWER_MAX];
	struct json j;

	tables_each_related(engine_tables(s->engine),
	    control_ruleset(s)->ntables, &q->prefix, visit_entry, q);
	if (q->said <= HOLDS_MAX)
		return;
	control_begin(&j, line, "unsaid");
	json_int(&j, "holds", (int64_t)(q->said - HOLDS_MAX));
	control_say(s, &j);
}

static void
say_pardon(struct inquiry *q)
{
	struct control_session *s = q->session;
	char line[CONTROL_ANSWER_MAX], text[PREFIX_STRLEN];
	struct entry_view view;
	struct json j;

	q->is_pardoned = engine_pardoned(s->engine, &q->prefix, &view);
	if (!q->is_pardoned)
		return;
	control_begin(&j, line, "pardon");
	json_string(&j, "prefix",
	    prefix_format(&view.prefix, text, sizeof(text)));
	control_time(&j, "until", view.expires);
	control_say(s, &j);
}

static void
say_never(struct inquiry *q)
{
	char line[CONTROL_ANSWER_MAX], why[CONTROL_REASON_LEN];
	struct json j;

	q->is_never =
	    control_never_reason(q->session, &q->prefix, why, sizeof(why));
	if (!q->is_never)
		return;
	control_begin(&j, line, "never");
	json_string(&j, "why", why);
	control_say(q->session, &j);
}

static bool
term_matches(const struct inquiry *q, const struct host_term *term)
{
	if (term->type == HOST_PREFIX)
		return prefix_contains(&term->prefix, &q->prefix.addr);
	return tables_has(engine_tables(q->session->engine), term->table,
	    &q->prefix.addr);
}

/* Does the rule's "from", as it stands now, name the address? */
static bool
rule_names(const struct inquiry *q, const struct rule *rule)
{
	bool has_plain = false, is_plain = false;
	size_t i;

	if (rule->family == 4 && !prefix_is_ipv4(&q->prefix))
		return false;
	if (rule->family == 6 && prefix_is_ipv4(&q->prefix))
		return false;
	for (i = 0; i < rule->from.nterms; i++) {
		const struct host_term *term = &rule->from.terms[i];
		bool matches = term_matches(q, term);

		if (term->is_negated && matches)
			return false;
		if (!term->is_negated) {
			has_plain = true;
			is_plain = is_plain || matches;
		}
	}
	return !has_plain || is_plain;
}

/* Does this rule end the walk for whatever the address does? */
static bool
rule_takes_all(const struct rule *rule)
{
	return rule->is_ignore && rule->dir == OBS_DIR_UNKNOWN &&
	       !rule->has_protos && rule->nifnames == 0 && rule->sensors == 0 &&
	       rule->anchor[0] == '\0' && rule->passed == 0 &&
	       rule->from.nports == 0 && rule->to.nterms == 0 &&
	       rule->to.nports == 0 && (rule->kinds & OBS_ESTABLISHED) != 0 &&
	       (rule->kinds & OBS_OPENED) != 0 &&
	       (rule->kinds & OBS_PASSED) != 0 &&
	       (rule->kinds & OBS_BLOCKED) != 0;
}

static void
say_counted(struct json *j, const struct ruleset *rules,
    const struct rule *rule, const struct source *node)
{
	const struct rule_limits *limits = &rule->limits;

	/* What has no limit is not lowered, and so says nothing. */
	if (node != NULL && limits->max_src_conn != 0)
		json_int(j, "conn", node->conn);
	if (node != NULL && limits->max_src_states != 0)
		json_int(j, "states", node->states);
	if (node != NULL) {
		json_int(j, "rate_count",
		    (int64_t)threshold_count(&node->rate,
			rules->rate_is_window));
		control_time(j, "first", node->first);
		control_time(j, "last", node->last);
	}
	if (limits->max_src_conn != 0)
		json_int(j, "max_src_conn", limits->max_src_conn);
	if (limits->max_src_states != 0)
		json_int(j, "max_src_states", limits->max_src_states);
	if (limits->rate != 0) {
		json_int(j, "rate_limit", limits->rate);
		json_int(j, "rate_seconds", limits->rate_seconds);
	}
}

static void
say_rule(struct inquiry *q, const struct rule *rule, const struct source *node)
{
	const struct ruleset *rules = control_ruleset(q->session);
	char line[CONTROL_ANSWER_MAX];
	struct json j;

	control_begin(&j, line, node != NULL ? "counted" : "rule");
	json_string(&j, "action", rule->is_ignore ? "ignore" : "watch");
	control_text(&j, "file", rule->file != NULL ? rule->file : "");
	json_int(&j, "line", rule->line);
	if (!rule->is_ignore)
		control_text(&j, "by", rule->by);
	if (rule->overload >= 0)
		json_string(&j, "table", rules->tables[rule->overload].name);
	if (!rule->is_ignore)
		say_counted(&j, rules, rule, node);
	control_text(&j, "text", rule->text);
	control_say(q->session, &j);
}

/* What the rules have counted; with all set, also those that merely could. */
static void
say_rules(struct inquiry *q, bool all)
{
	const struct ruleset *rules = control_ruleset(q->session);
	struct sources *sources = engine_sources(q->session->engine);
	size_t i;

	for (i = 0; i < rules->nrules; i++) {
		const struct rule *rule = &rules->rules[i];
		const struct source *node =
		    rule->is_ignore
			? NULL
			: sources_find(sources, rule->id, &q->source);
		bool is_named = !q->is_ignored && rule_names(q, rule);

		if (node != NULL || (all && is_named))
			say_rule(q, rule, node);
		if (is_named && !rule->is_ignore)
			q->watched++;
		if (is_named && rule_takes_all(rule))
			q->is_ignored = true;
	}
}

/* One word for how things stand; see "would". */
static const char *
judge(const struct inquiry *q)
{
	if (q->is_never)
		return "never";
	if (q->is_pardoned)
		return "pardoned";
	if (q->watched == 0)
		return q->is_ignored ? "ignored" : "unwatched";
	return "watched";
}

static void
say_verdict(struct inquiry *q)
{
	char line[CONTROL_ANSWER_MAX], command[PREFIX_STRLEN + 24];
	char text[PREFIX_STRLEN];
	struct control_session *s = q->session;
	struct control_status status;
	struct json j;

	memset(&status, 0, sizeof(status));
	s->host->status(s->host, &status);
	control_begin(&j, line, "verdict");
	json_string(&j, "prefix", q->text);
	json_bool(&j, "held", q->is_held);
	json_bool(&j, "blocked", q->is_blocked && !status.is_decoupled);
	json_bool(&j, "decoupled", status.is_decoupled);
	json_int(&j, "holds", (int64_t)q->holds);
	json_string(&j, "would", judge(q));
	control_time(&j, "now", status.now);
	if (q->holds > 0) {
		snprintf(command, sizeof(command), "traplinectl pardon %s",
		    prefix_format(&q->source, text, sizeof(text)));
		json_string(&j, "release", command);
	}
	control_say(s, &j);
}

static void
inquire(struct control_session *s, const char *text, bool all)
{
	struct inquiry q = {.session = s};

	if (control_prefix(s, text, &q.prefix) == -1)
		return;
	prefix_format(&q.prefix, q.text, sizeof(q.text));
	q.source = control_source(s, &q.prefix);
	say_holds(&q);
	say_pardon(&q);
	say_never(&q);
	say_rules(&q, all);
	say_verdict(&q);
	control_ok(s);
}

void
control_show_source(struct control_session *s, int argc, char **argv)
{
	(void)argc;
	inquire(s, argv[0], false);
}

void
control_check(struct control_session *s, int argc, char **argv)
{
	(void)argc;
	inquire(s, argv[0], true);
}
