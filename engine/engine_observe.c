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

#include "engine/engine_state.h"

/* Fewer nodes than this are in the processor's cache anyway. */
#define FORESEE_LEAST 8192

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
track(struct engine *e, const struct rule *rule, const struct prefix *prefix,
    struct wall when)
{
	struct source *source;
	bool is_new = false;

	if (rule->limits.max_src_nodes != 0 &&
	    sources_count_rule(e->sources, rule->id) >=
		rule->limits.max_src_nodes &&
	    sources_find(e->sources, rule->id, prefix) == NULL) {
		e->counters.nodes_full++;
		return NULL;
	}
	source = sources_touch(e->sources, rule->id, prefix, when, &is_new);
	if (is_new && e->distinct != NULL)
		(void)sources_touch(e->distinct, 0, prefix, when, &is_new);
	return source;
}

/* Counts and judges in pf's order: connections, then their rate. */
static void
count(struct engine *e, const struct rule *rule, const struct observation *obs,
    const struct prefix *prefix, struct wall now)
{
	const struct rule_limits *limits = &rule->limits;
	bool is_window = e->ruleset->rate_is_window, is_over_rate = false;
	struct source *source = track(e, rule, prefix, obs->time);
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
observe_one(struct engine *e, const struct observation *obs, struct wall now)
{
	struct match_walk walk;
	const struct rule *rule;
	struct prefix prefix = source_prefix(e->ruleset, &obs->src);

	e->counters.observations++;
	match_start(&walk, e->matcher, obs, &e->lookup);
	while ((rule = match_next(&walk)) != NULL) {
		e->counters.matched++;
		if (obs->kind == OBS_CLOSED)
			count_closed(e, rule, obs, &prefix);
		else if (has_limit(&rule->limits))
			count(e, rule, obs, &prefix, now);
		else if (rule->limits.max_src_nodes == 0 ||
			 track(e, rule, &prefix, obs->time) != NULL)
			breach(e, rule, obs, &prefix,
			    obs_kind_name((enum obs_kind)obs->kind), 1, now);
	}
}

uint64_t
engine_foresee(struct engine *e, const struct observation *obs)
{
	struct match_walk walk;
	const struct rule *rule;
	struct prefix prefix;

	if (sources_count(e->sources) < FORESEE_LEAST)
		return 0;
	match_start(&walk, e->matcher, obs, &e->lookup);
	rule = match_next(&walk);
	if (rule == NULL)
		return 0;
	prefix = source_prefix(e->ruleset, &obs->src);
	return sources_hint(e->sources, rule->id, &prefix);
}

void
engine_foresee_node(struct engine *e, uint64_t hint)
{
	if (hint != 0)
		sources_hint_node(e->sources, hint);
}

void
engine_observe(struct engine *e, const struct observation *obs, size_t n,
    struct wall now)
{
	uint64_t hints[ENGINE_AHEAD];
	size_t i;

	for (i = 0; n > 1 && i < n + ENGINE_AHEAD; i++) {
		/* Three places in the batch: found, fetched, counted. */
		if (i >= ENGINE_AHEAD)
			observe_one(e, &obs[i - ENGINE_AHEAD], now);
		if (i >= ENGINE_AHEAD / 2 && i - ENGINE_AHEAD / 2 < n)
			engine_foresee_node(e,
			    hints[(i - ENGINE_AHEAD / 2) % ENGINE_AHEAD]);
		if (i < n)
			hints[i % ENGINE_AHEAD] = engine_foresee(e, &obs[i]);
	}
	if (n == 1)
		observe_one(e, obs, now);
	if (n > 0)
		sources_expire(e->sources, obs[n - 1].time, 2 * n, e->idle_s);
}
