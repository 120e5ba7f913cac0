/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * From observation to verdict.  Each rule that matches counts the observation
 * on its own node of the source, with pf's meaning of every limit, and a
 * breach becomes a hold by engine_put().
 *
 * A closed connection lowers the counters only if this very node counted it:
 * the connection must have begun when the node was there.  So a rule that is
 * new since a reload, or a source that was forgotten meanwhile, is not
 * credited with connections that it never counted.
 */

#include <assert.h>

#include "engine/engine_state.h"

/* Fewer nodes than this are in the processor's cache anyway. */
#define FORESEE_LEAST 8192
/* Observations within one second that sources_expire() may wait for. */
#define EXPIRE_EVERY 32

static struct prefix
source_prefix(const struct ruleset *rs, const struct addr *addr)
{
	unsigned int len =
	    addr_is_ipv4(addr) ? rs->source_len_inet : rs->source_len_inet6;

	if (len == 128)
		return prefix_host(addr);
	return prefix_make(addr, len);
}

static void
breach(struct engine *e, const struct rule *rule, const struct observation *obs,
    const struct prefix *prefix, const char *cause, uint64_t count,
    struct wall now)
{
	const struct table_conf *table;
	struct hold hold = {.origin = ORIGIN_RULE, .since = now};
	struct entry_view entry;
	int64_t term_s = rule->expire_s;

	if (rule->overload < 0)
		return;
	table = &e->ruleset->tables[rule->overload];
	if (term_s == 0)
		term_s = table->expire_s;
	if (table->from_first &&
	    tables_get(e->tables, (uint16_t)rule->overload, prefix, &entry))
		return;
	hold.expires =
	    term_s == EXPIRE_NEVER ? WALL_NEVER : wall_add_s(now, term_s);
	hold.by = names_intern(e->names, rule->by);
	hold.cause = names_intern(e->names, cause);
	if (obs->sensor < SENSORS_MAX)
		hold.sensor = e->sensor_names[obs->sensor];
	hold.count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
	engine_put(e, (uint16_t)rule->overload, prefix, &hold, now);
}

static void
count_closed(struct engine *e, const struct rule *rule,
    const struct observation *obs, const struct prefix *prefix)
{
	struct source *source = sources_find(e->sources, rule->id, prefix);

	if (source == NULL)
		return;
	if (obs->established.ms != 0 && source->conn > 0 &&
	    !wall_before(obs->established, source->first))
		source->conn--;
	if (obs->opened.ms != 0 && source->states > 0 &&
	    !wall_before(obs->opened, source->first))
		source->states--;
}

/* NULL when the rule tracks as many sources as it may, or memory is out. */
static struct source *
track(struct engine *e, const struct rule *rule, const struct ahead *a)
{
	const struct prefix *prefix = &a->prefix;
	struct wall when = a->observation.time;
	struct source *source;
	bool is_new = false;

	if (rule->limits.max_src_nodes != 0 &&
	    sources_count_rule(e->sources, rule->id) >=
		rule->limits.max_src_nodes &&
	    sources_find(e->sources, rule->id, prefix) == NULL) {
		e->counters.nodes_full++;
		return NULL;
	}
	if (rule == a->rule)
		source = sources_touch_hinted(e->sources, a->hint, rule->id,
		    prefix, when, &is_new);
	else
		source =
		    sources_touch(e->sources, rule->id, prefix, when, &is_new);
	if (is_new && e->distinct != NULL)
		(void)sources_touch(e->distinct, 0, prefix, when, &is_new);
	return source;
}

/* Counts and judges in pf's order: connections, then their rate. */
static void
count(struct engine *e, const struct rule *rule, const struct ahead *a,
    struct wall now)
{
	const struct observation *obs = &a->observation;
	const struct prefix *prefix = &a->prefix;
	const struct rule_limits *limits = &rule->limits;
	bool is_window = e->ruleset->rate_is_window, is_over_rate = false;
	struct source *source = track(e, rule, a);
	uint64_t rate;

	if (source == NULL)
		return;
	if (obs->kind == OBS_OPENED && limits->max_src_states != 0) {
		source->states++;
		if (source->states > limits->max_src_states)
			breach(e, rule, obs, prefix, rule->cause_states,
			    source->states, now);
	}
	if ((obs->kind & rule->kinds) == 0)
		return;
	if (obs->kind == OBS_ESTABLISHED)
		source->conn++;
	if (limits->rate != 0)
		is_over_rate = threshold_add(&source->rate, obs->time.ms,
		    limits->rate, limits->rate_seconds, is_window);
	rate = threshold_count(&source->rate, is_window);
	if (limits->max_src_conn != 0 && source->conn > limits->max_src_conn)
		breach(e, rule, obs, prefix, rule->cause_conn, source->conn,
		    now);
	else if (is_over_rate)
		breach(e, rule, obs, prefix, rule->cause_rate, rate, now);
}

static bool
has_limit(const struct rule_limits *limits)
{
	return limits->max_src_conn != 0 || limits->max_src_states != 0 ||
	       limits->rate != 0;
}

static void
count_for(struct engine *e, const struct ahead *a, const struct rule *rule,
    struct wall now)
{
	const struct observation *obs = &a->observation;

	e->counters.matched++;
	if (obs->kind == OBS_CLOSED)
		count_closed(e, rule, obs, &a->prefix);
	else if (has_limit(&rule->limits))
		count(e, rule, a, now);
	else if (rule->limits.max_src_nodes == 0 || track(e, rule, a) != NULL)
		breach(e, rule, obs, &a->prefix,
		    obs_kind_name((enum obs_kind)obs->kind), 1, now);
}

/* Finds the first rule and asks for the memory where its source is looked
 * up. */
static void
find_rule(struct engine *e, struct ahead *a)
{
	a->generation = tables_generation_all(e->tables);
	match_start(&a->walk, e->matcher, &a->observation, &e->lookup);
	a->rule = match_next(&a->walk);
	if (a->rule != NULL)
		a->hint = sources_hint(e->sources, a->rule->id, &a->prefix);
}

/* A source that a fresh one would count the same as need not be kept. */
static void
expire_sources(struct engine *e, struct wall time)
{
	int64_t passed_ms = time.ms - e->expired.ms;

	e->unexpired++;
	if (e->unexpired < EXPIRE_EVERY && passed_ms >= 0 && passed_ms < 1000)
		return;
	sources_expire(e->sources, time, 2 * e->unexpired, e->idle_s);
	e->unexpired = 0;
	e->expired = time;
}

static struct ahead *
ahead_at(struct engine *e, size_t i)
{
	return &e->ahead[(e->first_ahead + i) % ENGINE_AHEAD];
}

/* Asks for the node, or where a new source will be looked up. */
static void
hint_node(struct engine *e, struct ahead *a)
{
	if (a->rule != NULL && !sources_hint_node(e->sources, a->hint) &&
	    e->distinct != NULL)
		a->distinct_hint = sources_hint(e->distinct, 0, &a->prefix);
}

static void
hint_distinct(struct engine *e, const struct ahead *a)
{
	if (a->distinct_hint != 0)
		sources_hint_node(e->distinct, a->distinct_hint);
}

void
engine_take(struct engine *e, const struct observation *obs)
{
	struct ahead *a = ahead_at(e, e->nahead);

	assert(e->nahead < ENGINE_AHEAD);
	a->observation = *obs;
	a->prefix = source_prefix(e->ruleset, &obs->src);
	a->distinct_hint = 0;
	find_rule(e, a);
	e->nahead++;
	if (e->nahead == ENGINE_AHEAD &&
	    sources_count(e->sources) >= FORESEE_LEAST) {
		hint_node(e, ahead_at(e, ENGINE_AHEAD / 2));
		hint_distinct(e, ahead_at(e, ENGINE_AHEAD / 4));
	}
}

void
engine_count(struct engine *e, struct wall now)
{
	struct ahead *a = ahead_at(e, 0);
	const struct rule *rule;

	assert(e->nahead > 0);
	/* The rules may ask for tables that have changed since. */
	if (a->generation != tables_generation_all(e->tables))
		find_rule(e, a);
	e->counters.observations++;
	for (rule = a->rule; rule != NULL; rule = match_next(&a->walk))
		count_for(e, a, rule, now);
	expire_sources(e, a->observation.time);
	e->first_ahead = (e->first_ahead + 1) % ENGINE_AHEAD;
	e->nahead--;
}

size_t
engine_waiting(const struct engine *e)
{
	return e->nahead;
}

const struct observation *
engine_oldest(const struct engine *e)
{
	return e->nahead == 0 ? NULL : &e->ahead[e->first_ahead].observation;
}

void
engine_observe(struct engine *e, const struct observation *obs, size_t n,
    struct wall now)
{
	size_t i;

	assert(e->nahead == 0);
	for (i = 0; i < n; i++) {
		if (e->nahead == ENGINE_AHEAD)
			engine_count(e, now);
		engine_take(e, &obs[i]);
	}
	while (e->nahead > 0)
		engine_count(e, now);
}
