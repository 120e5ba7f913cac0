/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * "metrics": OpenMetrics text, one line of it in each object, so that it
 * travels inside the control protocol and traplinectl can print it raw.
 * Samples of one family stand together, as the format wants it.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/control.h"
#include "engine/control_protocol.h"
#include "engine/control_session.h"
#include "engine/engine.h"
#include "engine/host_names.h"
#include "engine/json.h"
#include "engine/sources.h"
#include "rules/ruleset.h"

#define SENSOR_LABEL_LEN (2 * SENSOR_TEXT_LEN + 2)

static void say(struct control_session *, const char *, ...) PRINTF_LIKE(2, 3);

static void
say(struct control_session *s, const char *format, ...)
{
	char line[CONTROL_ANSWER_MAX], text[1000];
	struct json j;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	json_begin(&j, line, sizeof(line) - 1);
	json_string(&j, "line", text);
	control_say(s, &j);
}

static void
family(struct control_session *s, const char *name, const char *type,
    const char *unit, const char *help)
{
	say(s, "# TYPE %s %s", name, type);
	if (unit != NULL)
		say(s, "# UNIT %s %s", name, unit);
	say(s, "# HELP %s %s", name, help);
}

static void
counter(struct control_session *s, const char *name, const char *help,
    uint64_t value)
{
	family(s, name, "counter", NULL, help);
	say(s, "%s_total %llu", name, (unsigned long long)value);
}

static void
gauge(struct control_session *s, const char *name, const char *help,
    uint64_t value)
{
	family(s, name, "gauge", NULL, help);
	say(s, "%s %llu", name, (unsigned long long)value);
}

/* A label's value: quotes and backslashes escaped, nothing but ASCII. */
static const char *
label(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text != '\0' && used + 3 < size; text++) {
		if (*text == '"' || *text == '\\')
			out[used++] = '\\';
		out[used++] = *text >= ' ' && *text <= '~' ? *text : '?';
	}
	out[used] = '\0';
	return out;
}

static void
say_daemon(struct control_session *s, const struct control_status *status)
{
	family(s, "trapline_build", "info", NULL, "What is running.");
	say(s, "trapline_build_info{version=\"%s\"} 1", TRAPLINE_VERSION);
	family(s, "trapline_uptime_seconds", "gauge", "seconds",
	    "Since the engine started.");
	say(s, "trapline_uptime_seconds %.3f",
	    (double)(status->now.ms - status->started.ms) / 1000);
	counter(s, "trapline_reloads", "Policies put in force by reload.",
	    status->reloads);
	gauge(s, "trapline_decoupled", "1: decides and touches nothing.",
	    status->is_decoupled);
	gauge(s, "trapline_synced",
	    "1: all wanted entries were offered to the firewall.",
	    status->is_synced);
	if (status->clock == NULL)
		return;
	family(s, "trapline_clock_lag_seconds", "gauge", "seconds",
	    "The system's wall clock less the guarded one.");
	say(s, "trapline_clock_lag_seconds %.3f",
	    (double)status->clock->lag_ms / 1000);
	counter(s, "trapline_clock_steps", "Steps of the wall clock noticed.",
	    status->clock->steps);
}

static void
say_outside(struct control_session *s, const struct control_status *status)
{
	gauge(s, "trapline_store_up", "1: the last commit succeeded.",
	    status->store_error == NULL);
	counter(s, "trapline_store_commits", "Commits of the store.",
	    status->store_commits);
	gauge(s, "trapline_store_pending", "Writes that are not durable yet.",
	    status->pending_commits);
	gauge(s, "trapline_firewall_pending",
	    "Changes that the firewall did not confirm yet.",
	    status->pending_changes);
	counter(s, "trapline_firewall_transactions",
	    "Transactions with the kernel.", status->actuator.transactions);
	counter(s, "trapline_firewall_failed",
	    "Transactions that the kernel refused.", status->actuator.failed);
	counter(s, "trapline_firewall_repairs",
	    "Times that somebody's change was put right.",
	    status->actuator.repairs);
	counter(s, "trapline_firewall_full", "Entries refused by a full set.",
	    status->actuator.entries_full);
}

static void
say_refused(struct control_session *s, const struct engine_counters *n)
{
	family(s, "trapline_refused", "counter", NULL,
	    "Holds that were refused.");
	say(s, "trapline_refused_total{reason=\"never\"} %llu",
	    (unsigned long long)n->refused_never);
	say(s, "trapline_refused_total{reason=\"pardoned\"} %llu",
	    (unsigned long long)n->refused_pardoned);
	say(s, "trapline_refused_total{reason=\"breaker\"} %llu",
	    (unsigned long long)n->refused_breaker);
	say(s, "trapline_refused_total{reason=\"full\"} %llu",
	    (unsigned long long)n->refused_full);
}

static void
say_engine(struct control_session *s)
{
	struct engine_counters n;

	engine_counters(s->engine, &n);
	counter(s, "trapline_observations", "That reached the rules.",
	    n.observations);
	counter(s, "trapline_matches", "Matches of rules.", n.matched);
	counter(s, "trapline_holds", "Entries that appeared.", n.holds);
	counter(s, "trapline_extends", "Entries that were extended.",
	    n.extends);
	counter(s, "trapline_releases", "Entries that went.", n.releases);
	say_refused(s, &n);
	counter(s, "trapline_untracked",
	    "Sources not tracked for max-src-nodes.", n.nodes_full);
}

static void
say_names(struct control_session *s)
{
	const struct host_names *names = engine_host_names(s->engine);
	struct host_name_view name;
	uint64_t failures = 0, unresolved = 0;
	size_t i;

	for (i = 0; i < host_names_count(names); i++) {
		host_names_get(names, i, &name);
		failures += name.failures;
		unresolved += name.state == HOST_NAME_UNKNOWN;
	}
	gauge(s, "trapline_names", "Host names that are never held.", i);
	gauge(s, "trapline_names_unresolved", "Of these, without an address.",
	    unresolved);
	counter(s, "trapline_name_failures", "Questions for these that failed.",
	    failures);
}

static void
say_sizes(struct control_session *s)
{
	const struct ruleset *rules = control_ruleset(s);
	struct tables *tables = engine_tables(s->engine);
	struct sources *sources = engine_sources(s->engine);
	size_t i;

	family(s, "trapline_entries", "gauge", NULL, "Entries of a table.");
	for (i = 0; i < rules->ntables; i++) {
		if (rules->tables[i].name[0] != '\0')
			say(s, "trapline_entries{table=\"%s\"} %zu",
			    rules->tables[i].name,
			    tables_count(tables, (uint16_t)i));
	}
	gauge(s, "trapline_pardons", "Pardons in force.",
	    tables_count_all(engine_pardons(s->engine)));
	gauge(s, "trapline_sources", "Sources tracked, once a rule.",
	    sources_count(sources));
	counter(s, "trapline_sources_forgotten",
	    "Sources forgotten for want of room.", sources_forgotten(sources));
	family(s, "trapline_memory_bytes", "gauge", "bytes",
	    "Memory in use, all included.");
	say(s, "trapline_memory_bytes{of=\"tables\"} %zu",
	    tables_memory(tables));
	say(s, "trapline_memory_bytes{of=\"sources\"} %zu",
	    sources_memory(sources));
}

/* The families of sensors that are one number each. */
struct sensor_family {
	const char *name;
	bool is_gauge;
	size_t offset; /* of a uint64_t in struct control_sensor */
	const char *help;
};

#define STAT(field) offsetof(struct control_sensor, stats.field)

static const struct sensor_family sensor_families[] = {
    {"trapline_sensor_restarts", false,
	offsetof(struct control_sensor, restarts), "Restarts."},
    {"trapline_sensor_packets", false, STAT(packets),
	"Frames, log entries or messages read."},
    {"trapline_sensor_observations", false, STAT(observations),
	"Observations made."},
    {"trapline_sensor_lost", false, STAT(lost_kernel),
	"Packets that the kernel says it dropped."},
    {"trapline_sensor_overruns", false, STAT(overruns),
	"Times that the kernel's queue ran over."},
    {"trapline_sensor_duplicates", false, STAT(duplicates),
	"Packets that were logged more than once."},
    {"trapline_sensor_flows", true, STAT(flows), "Connections followed now."},
    {"trapline_sensor_flows_forgotten", false, STAT(flows_forgotten),
	"Connections given up for want of room."},
    {"trapline_sensor_batches_dropped", false,
	offsetof(struct control_sensor, batches_dropped),
	"Batches dropped by a full queue to the engine."},
};

static void
say_sensor_family(struct control_session *s, const struct sensor_family *f)
{
	char text[SENSOR_LABEL_LEN];
	struct control_sensor sensor;
	uint64_t value;
	size_t i;

	family(s, f->name, f->is_gauge ? "gauge" : "counter", NULL, f->help);
	for (i = 0; s->host->sensor(s->host, i, &sensor); i++) {
		memcpy(&value, (const char *)&sensor + f->offset,
		    sizeof(value));
		say(s, "%s%s{sensor=\"%s\"} %llu", f->name,
		    f->is_gauge ? "" : "_total",
		    label(sensor.name, text, sizeof(text)),
		    (unsigned long long)value);
	}
}

static void
say_undecodable(struct control_session *s, const struct control_sensor *sensor)
{
	char text[SENSOR_LABEL_LEN], reason[2 * SENSOR_REASON_LEN + 2];
	size_t i;

	label(sensor->name, text, sizeof(text));
	for (i = 0; i < SENSOR_REASONS_MAX; i++) {
		if (sensor->stats.reasons[i].what[0] == '\0')
			return;
		say(s,
		    "trapline_sensor_undecodable_total"
		    "{sensor=\"%s\",reason=\"%s\"} %llu",
		    text,
		    label(sensor->stats.reasons[i].what, reason,
			sizeof(reason)),
		    (unsigned long long)sensor->stats.reasons[i].count);
	}
}

static void
say_sensors(struct control_session *s)
{
	char text[SENSOR_LABEL_LEN];
	struct control_sensor sensor;
	size_t i;

	family(s, "trapline_sensor_up", "gauge", NULL, "1: it runs.");
	for (i = 0; s->host->sensor(s->host, i, &sensor); i++)
		say(s, "trapline_sensor_up{sensor=\"%s\"} %d",
		    label(sensor.name, text, sizeof(text)),
		    sensor.is_running && !sensor.is_waiting);
	for (i = 0; i < sizeof(sensor_families) / sizeof(sensor_families[0]);
	     i++)
		say_sensor_family(s, &sensor_families[i]);
	family(s, "trapline_sensor_undecodable", "counter", NULL,
	    "What could not be decoded, by reason.");
	for (i = 0; s->host->sensor(s->host, i, &sensor); i++)
		say_undecodable(s, &sensor);
}

void
control_metrics(struct control_session *s, int argc, char **argv)
{
	struct control_status status;

	(void)argc;
	(void)argv;
	memset(&status, 0, sizeof(status));
	s->host->status(s->host, &status);
	say_daemon(s, &status);
	say_engine(s);
	say_names(s);
	say_sizes(s);
	say_sensors(s);
	say_outside(s, &status);
	say(s, "# EOF");
	control_ok(s);
}
