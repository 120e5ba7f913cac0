/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Holds: the one way in, engine_put(), and the ways out.  Every origin passes
 * the same three guards on its way in: "never", pardons, and for this node's
 * own rules the circuit breaker.  An entry that exists has passed them, and
 * loses its place when one of them changes.
 */

#include <stdlib.h>
#include <string.h>

#include "engine/engine_state.h"
#include "engine/log.h"

static void
tell_decision(struct engine *e, enum decision_kind kind, uint16_t table,
    const struct prefix *prefix, const struct hold *hold, const char *cause,
    struct wall when)
{
	struct decision decision = {
	    .time = when,
	    .kind = kind,
	    .table = table,
	    .table_name = names_text(e->names, e->table_names[table]),
	    .prefix = *prefix,
	    .origin = hold->origin,
	    .by = names_text(e->names, hold->by),
	    .sensor = names_text(e->names, hold->sensor),
	    .cause = cause,
	    .count =
		hold->count == 0 ? DECISION_NO_COUNT : (int64_t)hold->count,
	    .expires = hold->expires,
	};

	/* What the policy's own text says at the start is no news. */
	if (hold->origin == ORIGIN_FILE && !e->is_started)
		return;
	e->out->decided(e->out, &decision);
}

static void
tell_change(struct engine *e, enum change_kind kind, uint16_t table,
    const struct prefix *prefix, struct wall expires, struct wall now)
{
	struct change change = {.prefix = *prefix,
	    .kind = (uint8_t)kind,
	    .table = table};

	if (kind != CHANGE_RELEASE)
		change.remaining_ms = wall_is_never(expires)
					  ? CHANGE_FOREVER
					  : expires.ms - now.ms;
	e->out->change(e->out, &change);
}

/* Has this refusal been reported lately?  If not, it counts as reported. */
static bool
refused_lately(struct engine *e, uint16_t table, const struct prefix *prefix,
    struct wall now)
{
	struct refusal *r =
	    &e->refusals[prefix_hash(prefix, table) % REFUSE_SLOTS];

	if (r->time.ms != 0 && r->table == table &&
	    prefix_equal(&r->prefix, prefix) &&
	    now.ms - r->time.ms < REFUSE_QUIET_MS)
		return true;
	*r = (struct refusal){.prefix = *prefix, .table = table, .time = now};
	return false;
}

static enum engine_result
refuse(struct engine *e, enum engine_result why, uint16_t table,
    const struct prefix *prefix, const struct hold *hold, struct wall now)
{
	const char *cause = "table full";

	switch (why) {
	case ENGINE_NEVER:
		e->counters.refused_never++;
		cause = "never";
		break;
	case ENGINE_PARDONED:
		e->counters.refused_pardoned++;
		cause = "pardoned";
		break;
	case ENGINE_BREAKER:
		e->counters.refused_breaker++;
		cause = "limit holds";
		break;
	default:
		e->counters.refused_full++;
		break;
	}
	if (!refused_lately(e, table, prefix, now))
		tell_decision(e, DECISION_REFUSE, table, prefix, hold, cause,
		    now);
	return why;
}

/* Says once that the breaker is open; shut again, when it had rest. */
static void
note_breaker(struct engine *e, bool is_refusal, struct wall now)
{
	const struct ruleset *rs = e->ruleset;

	if (is_refusal) {
		if (!e->breaker_is_open)
			log_warnx("limit holds %u in %u s reached: what rules "
				  "would hold beyond it is refused and counted",
			    rs->limit_holds, rs->limit_holds_seconds);
		e->breaker_is_open = true;
		e->breaker_refused = now;
	} else if (e->breaker_is_open &&
		   now.ms - e->breaker_refused.ms > REFUSE_QUIET_MS) {
		e->breaker_is_open = false;
		log_info("limit holds: nothing was refused for a minute");
	}
}

static enum engine_result
guard(struct engine *e, uint16_t table, const struct prefix *prefix,
    const struct hold *hold, struct wall now)
{
	const struct ruleset *rs = e->ruleset;
	struct threshold breaker = e->breaker;

	if (!engine_only_names(e, table, hold->origin)) {
		engine_never_refresh(e, now);
		if (never_forbids(e->never, prefix, NULL) != NULL)
			return ENGINE_NEVER;
	}
	if (hold->origin != ORIGIN_OPERATOR && engine_pardoned(e, prefix, NULL))
		return ENGINE_PARDONED;
	if (hold->origin != ORIGIN_RULE || rs->limit_holds == 0)
		return ENGINE_DONE;
	if (threshold_add(&breaker, now.ms, rs->limit_holds,
		rs->limit_holds_seconds, false)) {
		note_breaker(e, true, now);
		return ENGINE_BREAKER;
	}
	e->breaker = breaker;
	return ENGINE_DONE;
}

/* The same claim again, so soon that it is not worth telling anybody. */
static bool
is_repetition(struct engine *e, uint16_t table, const struct prefix *prefix,
    const struct entry_view *entry, const struct hold *hold)
{
	struct hold old;
	size_t i;

	for (i = 0; i < entry->nholds; i++) {
		if (!tables_get_hold(e->tables, table, prefix, i, &old))
			return false;
		if (old.origin != hold->origin || old.by != hold->by)
			continue;
		if (wall_is_never(old.expires) ||
		    !wall_before(old.expires, hold->expires))
			return true;
		return !wall_is_never(hold->expires) &&
		       hold->expires.ms - old.expires.ms < EXTEND_LEAST_MS;
	}
	return false;
}

enum engine_result
engine_put(struct engine *e, uint16_t table, const struct prefix *prefix,
    const struct hold *hold, struct wall now)
{
	struct entry_view entry;
	enum engine_result why;

	if (tables_get(e->tables, table, prefix, &entry)) {
		if (is_repetition(e, table, prefix, &entry, hold))
			return ENGINE_DONE;
	} else {
		why = guard(e, table, prefix, hold, now);
		if (why != ENGINE_DONE)
			return refuse(e, why, table, prefix, hold, now);
	}
	switch (tables_hold(e->tables, table, prefix, hold)) {
	case TABLES_NEW:
		if (hold->origin != ORIGIN_FILE || e->is_started)
			e->counters.holds++;
		tell_change(e, CHANGE_HOLD, table, prefix, hold->expires, now);
		e->out->hold(e->out, table, prefix, hold);
		tell_decision(e, DECISION_HOLD, table, prefix, hold,
		    names_text(e->names, hold->cause), now);
		break;
	case TABLES_EXTENDED:
		e->counters.extends++;
		tell_change(e, CHANGE_EXTEND, table, prefix, hold->expires,
		    now);
		e->out->hold(e->out, table, prefix, hold);
		tell_decision(e, DECISION_EXTEND, table, prefix, hold,
		    names_text(e->names, hold->cause), now);
		break;
	case TABLES_UNCHANGED:
		e->out->hold(e->out, table, prefix, hold);
		break;
	case TABLES_FULL:
		return refuse(e, ENGINE_FULL, table, prefix, hold, now);
	}
	return ENGINE_DONE;
}

static void
tell_released(struct engine *e, uint16_t table, const struct prefix *prefix,
    const struct hold *hold, const char *cause, struct wall when)
{
	e->counters.releases++;
	tell_change(e, CHANGE_RELEASE, table, prefix, when, when);
	e->out->unhold(e->out, table, prefix, hold->origin, hold->by);
	tell_decision(e, DECISION_RELEASE, table, prefix, hold, cause, when);
}

void
engine_end(struct engine *e, uint16_t table, const struct prefix *prefix,
    const struct hold *hold, const char *cause, struct wall when)
{
	switch (
	    tables_end_hold(e->tables, table, prefix, hold->origin, hold->by)) {
	case TABLES_RELEASED:
		tell_released(e, table, prefix, hold, cause, when);
		break;
	case TABLES_KEPT:
		e->out->unhold(e->out, table, prefix, hold->origin, hold->by);
		break;
	case TABLES_ABSENT:
		break;
	}
}

bool
engine_end_entry(struct engine *e, uint16_t table, const struct prefix *prefix,
    const char *cause, struct wall when)
{
	struct hold hold;

	if (!tables_get_hold(e->tables, table, prefix, 0, &hold))
		return false;
	do
		engine_end(e, table, prefix, &hold, cause, when);
	while (tables_get_hold(e->tables, table, prefix, 0, &hold));
	return true;
}

/* What the policy lists and was pardoned is held again. */
static void
expire_pardons(struct engine *e, struct wall now)
{
	struct tables_lapse lapses[ENGINE_LAPSE_MAX];
	const struct tables_lapse *l;
	bool has_lapsed = false;
	size_t n;

	do {
		n = tables_expire(e->pardons, now, lapses, ENGINE_LAPSE_MAX);
		for (l = lapses; l < lapses + n; l++)
			e->out->pardon(e->out, &l->prefix, (struct wall){0});
		has_lapsed = has_lapsed || n > 0;
	} while (n == ENGINE_LAPSE_MAX);
	if (has_lapsed && e->is_started)
		engine_claim_members(e, now);
}

void
engine_advance(struct engine *e, struct wall now)
{
	struct tables_lapse lapses[ENGINE_LAPSE_MAX];
	const struct tables_lapse *l;
	size_t n;

	do {
		n = tables_expire(e->tables, now, lapses, ENGINE_LAPSE_MAX);
		for (l = lapses; l < lapses + n; l++) {
			if (l->what == TABLES_RELEASED)
				tell_released(e, l->table, &l->prefix, &l->hold,
				    "expired", l->hold.expires);
			else
				e->out->unhold(e->out, l->table, &l->prefix,
				    l->hold.origin, l->hold.by);
		}
	} while (n == ENGINE_LAPSE_MAX);
	expire_pardons(e, now);
	note_breaker(e, false, now);
	if (e->is_started)
		engine_never_refresh(e, now);
}

struct wall
engine_next(const struct engine *e)
{
	struct wall entry = tables_next(e->tables);
	struct wall pardon = tables_next(e->pardons);

	return wall_before(entry, pardon) ? entry : pardon;
}

static void
forgive(struct engine *e, const struct prefix *prefix)
{
	if (tables_remove(e->pardons, 0, prefix))
		e->out->pardon(e->out, prefix, (struct wall){0});
}

enum engine_result
engine_claim(struct engine *e, uint16_t table, const struct prefix *prefix,
    enum origin origin, const char *by, const char *cause, struct wall expires,
    struct wall now)
{
	struct hold hold = {
	    .expires = expires,
	    .since = now,
	    .by = names_intern(e->names, by),
	    .cause = names_intern(e->names, cause),
	    .origin = origin,
	};
	enum engine_result result = engine_put(e, table, prefix, &hold, now);

	if (result == ENGINE_DONE && origin == ORIGIN_OPERATOR)
		forgive(e, prefix);
	return result;
}

void
engine_restore(struct engine *e, uint16_t table, const struct prefix *prefix,
    const struct hold *hold, struct wall now)
{
	if (tables_hold(e->tables, table, prefix, hold) == TABLES_FULL) {
		refuse(e, ENGINE_FULL, table, prefix, hold, now);
		return;
	}
	if (engine_only_names(e, table, hold->origin))
		return;
	engine_never_refresh(e, now);
	if (never_forbids(e->never, prefix, NULL) != NULL)
		engine_end_entry(e, table, prefix, "never", now);
}

void
engine_restore_pardon(struct engine *e, const struct prefix *prefix,
    struct wall until)
{
	struct hold hold = {.expires = until, .origin = ORIGIN_OPERATOR};

	tables_hold(e->pardons, 0, prefix, &hold);
}

/* Ends an entry's holds but those of the policy.  True: the entry is gone. */
static bool
end_but_named(struct engine *e, const struct entry_view *entry,
    const char *cause, struct wall now)
{
	struct entry_view left;
	struct hold hold;
	size_t i;

	/* From the last: ending one moves those behind it. */
	for (i = entry->nholds; i > 0; i--) {
		if (tables_get_hold(e->tables, entry->table, &entry->prefix,
			i - 1, &hold) &&
		    hold.origin != ORIGIN_FILE)
			engine_end(e, entry->table, &entry->prefix, &hold,
			    cause, now);
	}
	return !tables_get(e->tables, entry->table, &entry->prefix, &left);
}

enum engine_result
engine_delete(struct engine *e, uint16_t table, const struct prefix *prefix,
    const char *cause, struct wall now)
{
	struct entry_view view;

	if (!tables_get(e->tables, table, prefix, &view))
		return ENGINE_ABSENT;
	return end_but_named(e, &view, cause, now) ? ENGINE_DONE : ENGINE_NAMED;
}

size_t
engine_flush_table(struct engine *e, uint16_t table, struct wall now)
{
	struct entry_view views[64];
	struct engine_gathered g = {0};
	uint64_t cursor = 0;
	size_t i, n, ended = 0;

	while ((n = tables_walk(e->tables, table, &cursor, views, 64)) > 0) {
		for (i = 0; i < n; i++)
			engine_gather(&g, &views[i]);
	}
	for (i = 0; i < g.n; i++) {
		if (end_but_named(e, &g.list[i], "flushed", now))
			ended++;
	}
	if (g.is_short)
		log_warnx("table <%s>: flush is not complete: out of memory",
		    e->ruleset->tables[table].name);
	free(g.list);
	return ended;
}

size_t
engine_pardon(struct engine *e, const struct prefix *prefix, struct wall until,
    struct wall now)
{
	struct engine_gathered g = {0};
	size_t i, ended = 0;

	tables_each_related(e->tables, e->ruleset->ntables, prefix,
	    engine_gather, &g);
	for (i = 0; i < g.n; i++) {
		if (engine_entry_only_names(e, &g.list[i]))
			continue;
		if (engine_end_entry(e, g.list[i].table, &g.list[i].prefix,
			"pardoned", now))
			ended++;
	}
	if (g.is_short)
		log_warnx("pardon is not complete: out of memory");
	free(g.list);
	/* A pardon is set, not extended: the operator's last word counts. */
	tables_remove(e->pardons, 0, prefix);
	engine_restore_pardon(e, prefix, until);
	e->out->pardon(e->out, prefix, until);
	return ended;
}

struct pardon_search {
	bool is_found;
	struct entry_view entry;
};

static void
note_pardon(void *arg, const struct entry_view *entry)
{
	struct pardon_search *search = arg;

	search->is_found = true;
	search->entry = *entry;
}

bool
engine_pardoned(struct engine *e, const struct prefix *prefix,
    struct entry_view *out)
{
	struct pardon_search search = {.is_found = false};

	if (tables_count_all(e->pardons) == 0)
		return false;
	tables_each_related(e->pardons, 1, prefix, note_pardon, &search);
	if (search.is_found && out != NULL)
		*out = search.entry;
	return search.is_found;
}

size_t
engine_offer(struct engine *e, uint64_t *cursor, size_t n, struct wall now)
{
	struct entry_view views[256];
	size_t i, got;

	if (n > 256)
		n = 256;
	got = tables_walk(e->tables, UINT16_MAX, cursor, views, n);
	for (i = 0; i < got; i++) {
		if (wall_before(now, views[i].expires))
			tell_change(e, CHANGE_HOLD, views[i].table,
			    &views[i].prefix, views[i].expires, now);
	}
	return got;
}
