/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The control commands that list: "show status" and its kin.  One flat
 * object a fact.  Lists that can be long are walked by position, a few at a
 * time, and look the policy up anew for each piece.
 */

#include <stdio.h>
#include <string.h>

#include "engine/control.h"
#include "engine/control_protocol.h"
#include "engine/control_session.h"
#include "engine/engine.h"
#include "engine/host_names.h"
#include "engine/json.h"
#include "engine/names.h"
#include "engine/never.h"
#include "engine/sources.h"
#include "rules/ruleset.h"

/* Entries of one piece of a long answer. */
#define PIECE 32

static void
say_daemon(struct json *j, const struct control_status *status)
{
	int64_t up_ms = status->now.ms - status->started.ms;

	json_string(j, "version", TRAPLINE_VERSION);
	control_time(j, "now", status->now);
	control_time(j, "started", status->started);
	json_int(j, "uptime_seconds", up_ms > 0 ? up_ms / 1000 : 0);
	control_text(j, "policy", status->policy != NULL ? status->policy : "");
	json_int(j, "reloads", (int64_t)status->reloads);
	json_string(j, "firewall",
	    status->firewall != NULL ? status->firewall : "");
	json_bool(j, "decoupled", status->is_decoupled);
	json_bool(j, "synced", status->is_synced);
	json_int(j, "pending_changes", (int64_t)status->pending_changes);
	json_int(j, "transactions", (int64_t)status->actuator.transactions);
	json_int(j, "transactions_failed", (int64_t)status->actuator.failed);
	json_int(j, "repairs", (int64_t)status->actuator.repairs);
	json_int(j, "entries_full", (int64_t)status->actuator.entries_full);
	json_int(j, "pending_commits", (int64_t)status->pending_commits);
	json_int(j, "store_commits", (int64_t)status->store_commits);
	if (status->store_error != NULL)
		control_text(j, "store_error", status->store_error);
	if (status->clock != NULL) {
		json_real(j, "clock_lag_seconds",
		    (double)status->clock->lag_ms / 1000, 3);
		json_int(j, "clock_steps", (int64_t)status->clock->steps);
		json_bool(j, "clock_following", status->clock->is_following);
	}
}

static void
say_engine(struct json *j, const struct control_session *s)
{
	struct tables *tables = engine_tables(s->engine);
	struct sources *sources = engine_sources(s->engine);
	struct engine_counters n;

	engine_counters(s->engine, &n);
	json_int(j, "entries", (int64_t)tables_count_all(tables));
	json_int(j, "pardons",
	    (int64_t)tables_count_all(engine_pardons(s->engine)));
	json_int(j, "sources", (int64_t)sources_count(sources));
	json_int(j, "sources_forgotten", (int64_t)sources_forgotten(sources));
	json_int(j, "tables_bytes", (int64_t)tables_memory(tables));
	json_int(j, "sources_bytes", (int64_t)sources_memory(sources));
	json_int(j, "observations", (int64_t)n.observations);
	json_int(j, "matched", (int64_t)n.matched);
	json_int(j, "holds", (int64_t)n.holds);
	json_int(j, "extends", (int64_t)n.extends);
	json_int(j, "releases", (int64_t)n.releases);
	json_int(j, "refused_never", (int64_t)n.refused_never);
	json_int(j, "refused_pardoned", (int64_t)n.refused_pardoned);
	json_int(j, "refused_breaker", (int64_t)n.refused_breaker);
	json_int(j, "refused_full", (int64_t)n.refused_full);
	json_int(j, "nodes_full", (int64_t)n.nodes_full);
}

void
control_show_status(struct control_session *s, int argc, char **argv)
{
	char line[CONTROL_ANSWER_MAX];
	struct control_status status;
	struct json j;

	(void)argc;
	(void)argv;
	memset(&status, 0, sizeof(status));
	s->host->status(s->host, &status);
	control_begin(&j, line, "status");
	say_daemon(&j, &status);
	say_engine(&j, s);
	control_say(s, &j);
	control_ok(s);
}

static void
say_table(struct control_session *s, size_t index)
{
	const struct table_conf *t = &control_ruleset(s)->tables[index];
	char line[CONTROL_ANSWER_MAX], term[DURATION_STRLEN];
	struct json j;

	control_begin(&j, line, "table");
	json_string(&j, "table", t->name);
	json_int(&j, "entries",
	    (int64_t)tables_count(engine_tables(s->engine), (uint16_t)index));
	json_string(&j, "enforce",
	    t->enforce == ENFORCE_BLOCK ? "block" : "none");
	if (t->expire_s == EXPIRE_NEVER)
		strlcpy(term, "never", sizeof(term));
	else
		duration_format(t->expire_s, term, sizeof(term));
	json_string(&j, "expire", term);
	if (t->expire_s != EXPIRE_NEVER)
		json_int(&j, "expire_seconds", t->expire_s);
	json_string(&j, "from", t->from_first ? "first" : "last");
	control_say(s, &j);
}

void
control_show_tables(struct control_session *s, int argc, char **argv)
{
	size_t i;

	(void)argc;
	(void)argv;
	for (i = 0; i < control_ruleset(s)->ntables; i++) {
		if (control_ruleset(s)->tables[i].name[0] != '\0')
			say_table(s, i);
	}
	control_ok(s);
}

/* The hold of an entry that lasts longest: the one people ask about. */
static bool
longest_hold(const struct tables *tables, const struct entry_view *view,
    struct hold *out)
{
	struct hold hold;
	bool is_found = false;
	size_t i;

	for (i = 0; i < view->nholds; i++) {
		if (!tables_get_hold(tables, view->table, &view->prefix, i,
			&hold))
			break;
		if (!is_found || wall_before(out->expires, hold.expires))
			*out = hold;
		is_found = true;
	}
	return is_found;
}

static void
say_entry(struct control_session *s, const struct entry_view *view)
{
	struct names *names = engine_names(s->engine);
	char line[CONTROL_ANSWER_MAX], text[PREFIX_STRLEN];
	struct hold hold;
	struct json j;

	control_begin(&j, line, "entry");
	json_string(&j, "table", control_ruleset(s)->tables[view->table].name);
	json_string(&j, "prefix",
	    prefix_format(&view->prefix, text, sizeof(text)));
	control_time(&j, "since", view->since);
	control_time(&j, "expires", view->expires);
	json_int(&j, "holds", (int64_t)view->nholds);
	if (longest_hold(engine_tables(s->engine), view, &hold)) {
		json_string(&j, "origin", origin_name(hold.origin));
		control_text(&j, "by", names_text(names, hold.by));
		control_text(&j, "sensor", names_text(names, hold.sensor));
		control_text(&j, "cause", names_text(names, hold.cause));
		json_int(&j, "count", hold.count);
	}
	control_say(s, &j);
}

static bool
more_entries(struct control_session *s)
{
	struct entry_view views[PIECE];
	size_t i, n;

	n = tables_walk(engine_tables(s->engine), s->table, &s->cursor, views,
	    PIECE);
	for (i = 0; i < n; i++)
		say_entry(s, &views[i]);
	return n > 0;
}

void
control_show_table(struct control_session *s, int argc, char **argv)
{
	int table = control_table(s, argv[0]);

	(void)argc;
	if (table == -1)
		return;
	s->table = (uint16_t)table;
	control_long(s, more_entries);
}

static bool
more_rules(struct control_session *s)
{
	const struct ruleset *rules = control_ruleset(s);
	char line[CONTROL_ANSWER_MAX];
	const struct rule *rule;
	struct json j;

	if (s->index >= rules->nrules)
		return false;
	rule = &rules->rules[s->index++];
	control_begin(&j, line, "rule");
	control_text(&j, "file", rule->file != NULL ? rule->file : "");
	json_int(&j, "line", rule->line);
	json_string(&j, "action", rule->is_ignore ? "ignore" : "watch");
	if (!rule->is_ignore)
		control_text(&j, "by", rule->by);
	if (rule->overload >= 0)
		json_string(&j, "table", rules->tables[rule->overload].name);
	json_int(&j, "sources",
	    (int64_t)sources_count_rule(engine_sources(s->engine), rule->id));
	control_text(&j, "text", rule->text);
	control_say(s, &j);
	return true;
}

void
control_show_rules(struct control_session *s, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	control_long(s, more_rules);
}

static void
say_reasons(struct control_session *s, const struct control_sensor *sensor)
{
	char line[CONTROL_ANSWER_MAX];
	struct json j;
	size_t i;

	for (i = 0; i < SENSOR_REASONS_MAX; i++) {
		if (sensor->stats.reasons[i].what[0] == '\0')
			return;
		control_begin(&j, line, "undecodable");
		control_text(&j, "sensor", sensor->name);
		control_text(&j, "reason", sensor->stats.reasons[i].what);
		json_int(&j, "count", (int64_t)sensor->stats.reasons[i].count);
		control_say(s, &j);
	}
}

static void
say_sensor(struct control_session *s, const struct control_sensor *sensor)
{
	const struct sensor_stats *n = &sensor->stats;
	char line[CONTROL_ANSWER_MAX];
	struct json j;

	control_begin(&j, line, "sensor");
	control_text(&j, "sensor", sensor->name);
	json_string(&j, "state",
	    sensor->is_waiting   ? "waiting"
	    : sensor->is_running ? "running"
				 : "stopped");
	if (sensor->is_running)
		control_time(&j, "since", sensor->since);
	json_int(&j, "restarts", (int64_t)sensor->restarts);
	json_int(&j, "packets", (int64_t)n->packets);
	json_int(&j, "observations", (int64_t)n->observations);
	json_int(&j, "undecodable", (int64_t)n->undecodable);
	json_int(&j, "lost_kernel", (int64_t)n->lost_kernel);
	json_int(&j, "overruns", (int64_t)n->overruns);
	json_int(&j, "duplicates", (int64_t)n->duplicates);
	json_int(&j, "flows", (int64_t)n->flows);
	json_int(&j, "flows_forgotten", (int64_t)n->flows_forgotten);
	json_int(&j, "batches_dropped", (int64_t)sensor->batches_dropped);
	control_say(s, &j);
	say_reasons(s, sensor);
}

void
control_show_sensors(struct control_session *s, int argc, char **argv)
{
	struct control_sensor sensor;
	size_t i;

	(void)argc;
	(void)argv;
	for (i = 0; s->host->sensor(s->host, i, &sensor); i++)
		say_sensor(s, &sensor);
	control_ok(s);
}

/* The i-th host name and how asking for it goes; false: there is none. */
static bool
say_name(struct control_session *s, size_t i)
{
	static const char *const states[] = {"asked", "resolved", "stale",
	    "unresolved"};
	const struct host_names *names = engine_host_names(s->engine);
	char line[CONTROL_ANSWER_MAX];
	struct host_name_view name;
	struct json j;

	if (i >= host_names_count(names))
		return false;
	host_names_get(names, i, &name);
	control_begin(&j, line, "name");
	json_string(&j, "name", name.name);
	json_string(&j, "state", states[name.state]);
	json_int(&j, "addresses", (int64_t)name.naddrs);
	json_int(&j, "failures", (int64_t)name.failures);
	if (name.since.ms != 0)
		control_time(&j, "since", name.since);
	control_say(s, &j);
	return true;
}

static bool
more_never(struct control_session *s)
{
	const struct never *never = engine_never(s->engine);
	char line[CONTROL_ANSWER_MAX], text[PREFIX_STRLEN];
	char why[CONTROL_WHY_LEN];
	const struct prefix *p;
	struct json j;

	if (s->index >= never_count(never))
		return say_name(s, s->index++ - never_count(never));
	p = never_get(never, s->index++);
	control_begin(&j, line, "never");
	json_string(&j, "prefix", prefix_format(p, text, sizeof(text)));
	control_text(&j, "why",
	    control_never_why(s, never_forbids(never, p, NULL), why,
		sizeof(why)));
	control_say(s, &j);
	return true;
}

void
control_show_never(struct control_session *s, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	control_long(s, more_never);
}

static bool
more_pardons(struct control_session *s)
{
	char line[CONTROL_ANSWER_MAX], text[PREFIX_STRLEN];
	struct entry_view views[PIECE];
	struct json j;
	size_t i, n;

	n = tables_walk(engine_pardons(s->engine), UINT16_MAX, &s->cursor,
	    views, PIECE);
	for (i = 0; i < n; i++) {
		control_begin(&j, line, "pardon");
		json_string(&j, "prefix",
		    prefix_format(&views[i].prefix, text, sizeof(text)));
		control_time(&j, "since", views[i].since);
		control_time(&j, "until", views[i].expires);
		control_say(s, &j);
	}
	return n > 0;
}

void
control_show_pardons(struct control_session *s, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	control_long(s, more_pardons);
}

void
control_show_absent(struct control_session *s, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	control_error(s,
	    "there is nothing to show: the policy has none, since this "
	    "version of trapline knows no bgp, redis and queue statements");
}
