/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Replay: the sensors' decoders and the engine's core in one process.  Time
 * is that of the packets and never goes back; before a packet is looked at,
 * everything that lapsed until then is released.  The same files and policy
 * give the same output to the byte.
 */

#include "engine/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/decision.h"
#include "engine/engine.h"
#include "engine/json.h"
#include "engine/log.h"
#include "rules/ruleset.h"
#include "sensors/decoder.h"
#include "sensors/pcap_source.h"

/* Indexes for sensors that the policy has no line for. */
#define FREE_PFLOG         (SENSORS_MAX - 1)
#define FREE_NFLOG         (SENSORS_MAX - 2)
#define FREE_CAPTURE       (SENSORS_MAX - 3)
#define LINKTYPE_OLD_PFLOG 17
#define LINKTYPE_PFLOG     117
#define LINKTYPE_NFLOG     239

struct capture {
	const char *path;
	struct pcap_source *source;
	struct decoder *decoder;
	struct pcap_packet packet;
	bool has_packet;
};

struct replay {
	struct engine_output out; /* first: the core hands it back */
	struct engine *engine;
	struct ruleset *ruleset;
	struct capture *captures;
	size_t ncaptures;
	bool is_json;
	bool is_damaged;
	bool has_changed;   /* the next lapse may have moved */
	unsigned int kinds; /* OBS_* bits that were observed */
	struct wall first, now, next;
};

static void
print_decision(struct engine_output *out, const struct decision *decision)
{
	struct replay *r = (struct replay *)out;
	char text[DECISION_STRLEN];

	if (r->is_json)
		decision_json(decision, text, sizeof(text));
	else
		decision_text(decision, text, sizeof(text));
	puts(text);
}

static void
note_change(struct engine_output *out, const struct change *change)
{
	struct replay *r = (struct replay *)out;

	(void)change;
	r->has_changed = true;
}

static void
ignore_hold(struct engine_output *out, uint16_t table,
    const struct prefix *prefix, const struct hold *hold)
{
	(void)out;
	(void)table;
	(void)prefix;
	(void)hold;
}

static void
ignore_unhold(struct engine_output *out, uint16_t table,
    const struct prefix *prefix, enum origin origin, uint32_t by)
{
	(void)out;
	(void)table;
	(void)prefix;
	(void)origin;
	(void)by;
}

static void
ignore_pardon(struct engine_output *out, const struct prefix *prefix,
    struct wall until)
{
	(void)out;
	(void)prefix;
	(void)until;
}

static void
step_to(struct replay *r, struct wall time)
{
	if (wall_before(r->now, time))
		r->now = time;
	if (r->has_changed) {
		r->next = engine_next(r->engine);
		r->has_changed = false;
	}
	if (!wall_before(r->now, r->next)) {
		engine_advance(r->engine, r->now);
		r->has_changed = true;
	}
}

/* Counts the oldest observation that waits. */
static void
count_one(struct replay *r)
{
	step_to(r, engine_oldest(r->engine)->time);
	engine_count(r->engine, r->now);
}

static void
observe(void *arg, const struct observation *obs, size_t n)
{
	struct replay *r = arg;
	size_t i;

	for (i = 0; i < n; i++) {
		if (engine_waiting(r->engine) == ENGINE_AHEAD)
			count_one(r);
		r->kinds |= obs[i].kind;
		engine_take(r->engine, &obs[i]);
	}
}

/* The policy's first sensor of this type, or the free index. */
static uint8_t
sensor_of(const struct ruleset *rs, enum sensor_type type, uint8_t otherwise)
{
	size_t i;

	for (i = 0; i < rs->nsensors; i++) {
		if (rs->sensors[i].text[0] != '\0' &&
		    rs->sensors[i].type == type)
			return (uint8_t)i;
	}
	return otherwise;
}

static void
configure_groups(const struct ruleset *rs, struct decoder_conf *conf)
{
	const struct sensor_conf *sensor;
	size_t i;

	for (i = 0; i < rs->nsensors; i++) {
		sensor = &rs->sensors[i];
		if (sensor->text[0] == '\0' || sensor->type != SENSOR_NFLOG)
			continue;
		conf->groups[conf->ngroups].group = sensor->group;
		conf->groups[conf->ngroups].seen = sensor->seen;
		conf->groups[conf->ngroups].sensor = (uint8_t)i;
		conf->ngroups++;
	}
}

static void
next_packet(struct replay *r, struct capture *c)
{
	char error[PCAP_SOURCE_ERRLEN];
	int result = pcap_source_next(c->source, &c->packet, error);

	c->has_packet = result == 1;
	if (result == -1) {
		fflush(stdout);
		fprintf(stderr, "%s: %s: what stands before was used\n",
		    c->path, error);
		r->is_damaged = true;
	}
}

static int
open_capture(struct replay *r, struct capture *c, const char *path)
{
	struct decoder_conf conf = {.seen = OBS_PASSED};
	char error[PCAP_SOURCE_ERRLEN];

	c->path = path;
	c->source = pcap_source_open_file(path, error);
	if (c->source == NULL) {
		fprintf(stderr, "%s: %s\n", path, error);
		return -1;
	}
	conf.link_type = pcap_source_link_type(c->source);
	conf.is_swapped = pcap_source_is_swapped(c->source);
	if (!decoder_supports(conf.link_type)) {
		fprintf(stderr,
		    "%s: link type %d is not one that can be "
		    "replayed\n",
		    path, conf.link_type);
		return -1;
	}
	switch (conf.link_type) {
	case LINKTYPE_PFLOG:
	case LINKTYPE_OLD_PFLOG:
		conf.sensor = sensor_of(r->ruleset, SENSOR_PFLOG, FREE_PFLOG);
		break;
	case LINKTYPE_NFLOG:
		conf.sensor = FREE_NFLOG;
		configure_groups(r->ruleset, &conf);
		break;
	default:
		conf.sensor =
		    sensor_of(r->ruleset, SENSOR_CAPTURE, FREE_CAPTURE);
		break;
	}
	c->decoder = decoder_new(&conf);
	if (c->decoder == NULL)
		fatal("%s", path);
	next_packet(r, c);
	return 0;
}

/* The capture whose packet is the earliest; the first named wins a tie. */
static struct capture *
earliest(struct replay *r)
{
	struct capture *best = NULL, *c;

	for (c = r->captures; c < r->captures + r->ncaptures; c++) {
		if (c->has_packet &&
		    (best == NULL ||
			wall_before(c->packet.time, best->packet.time)))
			best = c;
	}
	return best;
}

static void
start_engine(struct replay *r)
{
	struct capture *c = earliest(r);

	if (c != NULL)
		r->first = r->now = c->packet.time;
	r->out.change = note_change;
	r->out.hold = ignore_hold;
	r->out.unhold = ignore_unhold;
	r->out.pardon = ignore_pardon;
	r->out.decided = print_decision;
	r->engine = engine_new(&r->out, 0, r->now);
	if (r->engine == NULL)
		fatal("engine");
	engine_count_sources(r->engine);
	engine_name_sensor(r->engine, FREE_PFLOG, "pflog");
	engine_name_sensor(r->engine, FREE_NFLOG, "nflog");
	engine_name_sensor(r->engine, FREE_CAPTURE, "capture");
	engine_ruleset_take(r->engine, &r->ruleset, r->now);
	r->has_changed = true;
}

/* Says so where no rule counts anything that the captures have. */
static void
warn_of_kinds(const struct replay *r)
{
	const struct ruleset *rs = engine_ruleset(r->engine);
	unsigned int seen = r->kinds & ~(unsigned int)OBS_CLOSED, bit;
	size_t i;

	for (i = 0; i < rs->nrules; i++) {
		if (!rs->rules[i].is_ignore && (rs->rules[i].kinds & seen) != 0)
			return;
	}
	if (seen == 0)
		return;
	fputs("warning: no rule counts what these captures show:", stderr);
	for (bit = 1; bit <= seen; bit <<= 1) {
		if ((seen & bit) != 0)
			fprintf(stderr, " %s",
			    obs_kind_name((enum obs_kind)bit));
	}
	fputc('\n', stderr);
}

static void
print_summary(struct replay *r)
{
	struct sensor_stats stats = {0};
	struct engine_counters counters;
	double seconds = (double)(r->now.ms - r->first.ms) / 1000;
	uint64_t refused;
	char line[DECISION_STRLEN];
	struct json json;
	size_t i;

	for (i = 0; i < r->ncaptures; i++) {
		if (r->captures[i].decoder != NULL)
			decoder_stats(r->captures[i].decoder, &stats);
	}
	engine_counters(r->engine, &counters);
	refused = counters.refused_never + counters.refused_pardoned +
		  counters.refused_breaker + counters.refused_full;
	if (!r->is_json) {
		printf("in %.3f s: observations %llu, sources %llu, "
		       "holds %llu, releases %llu, refused %llu, "
		       "undecodable %llu\n",
		    seconds, (unsigned long long)counters.observations,
		    (unsigned long long)counters.sources,
		    (unsigned long long)counters.holds,
		    (unsigned long long)counters.releases,
		    (unsigned long long)refused,
		    (unsigned long long)stats.undecodable);
		return;
	}
	json_begin(&json, line, sizeof(line));
	json_string(&json, "event", "summary");
	json_int(&json, "observations", (int64_t)counters.observations);
	json_int(&json, "sources", (int64_t)counters.sources);
	json_int(&json, "holds", (int64_t)counters.holds);
	json_int(&json, "releases", (int64_t)counters.releases);
	json_int(&json, "refused", (int64_t)refused);
	json_int(&json, "undecodable", (int64_t)stats.undecodable);
	json_real(&json, "seconds", seconds, 3);
	json_end(&json);
	puts(line);
}

static void
replay_free(struct replay *r)
{
	struct capture *c;

	for (c = r->captures; c < r->captures + r->ncaptures; c++) {
		decoder_free(c->decoder);
		pcap_source_free(c->source);
	}
	free(r->captures);
	engine_free(r->engine);
	ruleset_free(r->ruleset);
}

int
replay_run(struct ruleset *rs, const char *const *captures, size_t n,
    bool is_json)
{
	struct replay r = {.ruleset = rs, .is_json = is_json, .ncaptures = n};
	struct wall last = {0};
	struct capture *c;
	size_t i;
	int status;

	if (rs->nnever_names > 0)
		log_warnx("a replay looks nothing up: the host names of \"set "
			  "never\" protect nobody in it");
	r.captures = calloc(n, sizeof(*r.captures));
	if (r.captures == NULL)
		fatal("captures");
	for (i = 0; i < n; i++) {
		if (open_capture(&r, &r.captures[i], captures[i]) == -1)
			r.is_damaged = true;
	}
	start_engine(&r);
	while ((c = earliest(&r)) != NULL) {
		last = wall_later(last, c->packet.time);
		decoder_packet(c->decoder, c->packet.time, c->packet.bytes,
		    c->packet.len, c->packet.wire_len, observe, &r);
		next_packet(&r, c);
	}
	while (engine_waiting(r.engine) > 0)
		count_one(&r);
	step_to(&r, last);
	warn_of_kinds(&r);
	print_summary(&r);
	status = r.is_damaged ? 1 : 0;
	if (fflush(stdout) == EOF) {
		perror("standard output");
		status = 1;
	}
	replay_free(&r);
	return status;
}
