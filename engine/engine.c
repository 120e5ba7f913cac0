/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The core's life: made once, given a policy at the start and at each reload,
 * looked into by the control socket.  Observations are counted in
 * engine_observe.c, holds are kept in engine_hold.c.
 */

#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "engine/engine_state.h"
#include "engine/log.h"

/* Until a policy sets the bounds. */
#define ENGINE_SOURCES_MAX 1000000
#define ENGINE_ENTRIES_MAX 1000000
#define ENGINE_PARDONS_MAX 100000

static bool
has_address(const struct match_tables *lookup, uint16_t table,
    const struct addr *addr)
{
	const struct engine *e = (const struct engine *)lookup;

	return tables_has(e->tables, table, addr);
}

struct engine *
engine_new(struct engine_output *out, uint64_t seed, struct wall now)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->lookup.has = has_address;
	e->out = out;
	e->seed = seed;
	e->names = names_new();
	e->tables = tables_new(ENGINE_ENTRIES_MAX, seed, now);
	e->pardons = tables_new(ENGINE_PARDONS_MAX, seed, now);
	e->sources = sources_new(ENGINE_SOURCES_MAX, seed);
	e->host_names = host_names_new();
	e->never_is_stale = true;
	threshold_init(&e->breaker, now.ms, false);
	if (e->host_names == NULL || e->names == NULL || e->tables == NULL ||
	    e->pardons == NULL || e->sources == NULL) {
		engine_free(e);
		return NULL;
	}
	return e;
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	never_free(e->never);
	free(e->auto_never);
	host_names_free(e->host_names);
	matcher_free(e->matcher);
	sources_free(e->distinct);
	sources_free(e->sources);
	tables_free(e->pardons);
	tables_free(e->tables);
	names_free(e->names);
	ruleset_free(e->ruleset);
	free(e);
}

void
engine_count_sources(struct engine *e)
{
	e->distinct = sources_new(UINT32_MAX - 1, e->seed);
	if (e->distinct == NULL)
		fatal("sources");
}

static bool
ruleset_has_rule(const struct ruleset *rs, uint32_t id)
{
	size_t i;

	for (i = 0; i < rs->nrules; i++) {
		if (rs->rules[i].id == id)
			return true;
	}
	return false;
}

/* A rate that is counted in another way begins anew. */
static void
drop_old_rules(struct engine *e, const struct ruleset *old)
{
	bool is_other_rate = e->ruleset->rate_is_window != old->rate_is_window;
	size_t i;

	for (i = 0; i < old->nrules; i++) {
		if (is_other_rate ||
		    !ruleset_has_rule(e->ruleset, old->rules[i].id))
			sources_drop_rule(e->sources, old->rules[i].id);
	}
}

/*
 * Entries of a table that the policy lost leave memory and stay in the store:
 * they are back when the table is.
 */
static void
drop_old_tables(struct engine *e, const struct ruleset *old)
{
	struct entry_view views[64];
	uint64_t cursor;
	size_t i, j, n, gone;

	for (i = 0; i < old->ntables; i++) {
		if (old->tables[i].name[0] == '\0' ||
		    strcmp(old->tables[i].name, e->ruleset->tables[i].name) ==
			0)
			continue;
		gone = 0;
		do {
			cursor = 0;
			n = tables_walk(e->tables, (uint16_t)i, &cursor, views,
			    64);
			for (j = 0; j < n; j++)
				tables_remove(e->tables, (uint16_t)i,
				    &views[j].prefix);
			gone += n;
		} while (n > 0);
		if (gone > 0)
			log_info("table <%s> left the policy: %zu entries stay "
				 "in the store only",
			    old->tables[i].name, gone);
	}
}

/* Orders members by table, then prefix, then whose line it is. */
static int
member_cmp(const void *a, const void *b)
{
	const struct ruleset_member *left = a, *right = b;
	int order;

	if (left->table != right->table)
		return left->table < right->table ? -1 : 1;
	order = prefix_cmp(&left->prefix, &right->prefix);
	return order != 0 ? order : strcmp(left->by, right->by);
}

static bool
is_member(const struct engine *e, const struct ruleset_member *sorted,
    const struct entry_view *entry, const struct hold *hold)
{
	struct ruleset_member key = {
	    .table = entry->table,
	    .prefix = entry->prefix,
	};
	char by[512];

	strlcpy(by, names_text(e->names, hold->by), sizeof(by));
	key.by = by;
	return e->ruleset->nmembers > 0 &&
	       bsearch(&key, sorted, e->ruleset->nmembers, sizeof(key),
		   member_cmp) != NULL;
}

/* Ends the entry's file holds that the policy no longer names. */
static bool
end_old_member(struct engine *e, const struct ruleset_member *sorted,
    const struct entry_view *entry, struct wall now)
{
	struct hold hold;
	size_t i;

	for (i = entry->nholds; i > 0; i--) {
		if (!tables_get_hold(e->tables, entry->table, &entry->prefix,
			i - 1, &hold) ||
		    hold.origin != ORIGIN_FILE ||
		    is_member(e, sorted, entry, &hold))
			continue;
		engine_end(e, entry->table, &entry->prefix, &hold, "withdrawn",
		    now);
		return true;
	}
	return false;
}

static void
end_old_members(struct engine *e, struct wall now)
{
	struct ruleset_member *sorted;
	struct entry_view views[64];
	uint64_t cursor = 0;
	size_t i, n;

	sorted = calloc(e->ruleset->nmembers + 1, sizeof(*sorted));
	if (sorted == NULL) {
		log_warn("members of tables: none was withdrawn");
		return;
	}
	if (e->ruleset->nmembers > 0)
		memcpy(sorted, e->ruleset->members,
		    e->ruleset->nmembers * sizeof(*sorted));
	qsort(sorted, e->ruleset->nmembers, sizeof(*sorted), member_cmp);
	while (
	    (n = tables_walk(e->tables, UINT16_MAX, &cursor, views, 64)) > 0) {
		for (i = 0; i < n; i++) {
			while (end_old_member(e, sorted, &views[i], now))
				;
		}
	}
	free(sorted);
}

void
engine_claim_members(struct engine *e, struct wall now)
{
	const struct ruleset_member *m;
	size_t i;

	for (i = 0; i < e->ruleset->nmembers; i++) {
		m = &e->ruleset->members[i];
		engine_claim(e, m->table, &m->prefix, ORIGIN_FILE, m->by,
		    "listed", WALL_NEVER, now);
	}
}

static void
name_all(struct engine *e)
{
	char name[SENSOR_TEXT_LEN], *seen;
	size_t i;

	for (i = 0; i < e->ruleset->ntables; i++)
		e->table_names[i] =
		    names_intern(e->names, e->ruleset->tables[i].name);
	for (i = 0; i < e->ruleset->nsensors; i++) {
		strlcpy(name, e->ruleset->sensors[i].text, sizeof(name));
		seen = strstr(name, " seen ");
		if (seen != NULL)
			*seen = '\0';
		if (name[0] != '\0')
			engine_name_sensor(e, (uint8_t)i, name);
	}
}

static int64_t
longest_rate(const struct ruleset *rs)
{
	int64_t longest_s = 1;
	size_t i;

	for (i = 0; i < rs->nrules; i++) {
		if (rs->rules[i].limits.rate_seconds > longest_s)
			longest_s = rs->rules[i].limits.rate_seconds;
	}
	return longest_s;
}

void
engine_ruleset_take(struct engine *e, struct ruleset **ruleset, struct wall now)
{
	struct ruleset *old = e->ruleset;
	struct matcher *matcher = matcher_new(*ruleset);

	if (matcher == NULL)
		fatal("policy");
	matcher_free(e->matcher);
	e->matcher = matcher;
	e->ruleset = *ruleset;
	*ruleset = NULL;
	sources_set_limit(e->sources, e->ruleset->limit_sources);
	tables_set_limit(e->tables, e->ruleset->limit_entries);
	e->idle_s = longest_rate(e->ruleset);
	if (old != NULL) {
		drop_old_rules(e, old);
		drop_old_tables(e, old);
		threshold_init(&e->breaker, now.ms, false);
	}
	name_all(e);
	if (host_names_set(e->host_names, e->ruleset->never_names,
		e->ruleset->nnever_names) == -1)
		fatal("policy");
	e->never_is_stale = true;
	engine_claim_members(e, now);
	if (old != NULL)
		end_old_members(e, now);
	engine_never_refresh(e, now);
	e->is_started = true;
	ruleset_free(old);
}

void
engine_name_sensor(struct engine *e, uint8_t index, const char *name)
{
	if (index < SENSORS_MAX)
		e->sensor_names[index] = names_intern(e->names, name);
}

void
engine_never_begin(struct engine *e)
{
	e->nauto_never = 0;
	e->never_is_arriving = true;
}

void
engine_never_add(struct engine *e, const struct prefix *prefix, const char *why)
{
	struct auto_never *list;
	size_t room;

	if (e->nauto_never == e->auto_never_room) {
		room = e->auto_never_room == 0 ? 32 : e->auto_never_room * 2;
		list = reallocarray(e->auto_never, room, sizeof(*list));
		if (list == NULL)
			fatal("never");
		e->auto_never = list;
		e->auto_never_room = room;
	}
	e->auto_never[e->nauto_never].prefix = *prefix;
	e->auto_never[e->nauto_never++].why =
	    names_text(e->names, names_intern(e->names, why));
}

void
engine_never_end(struct engine *e, struct wall now)
{
	e->never_is_stale = true;
	e->never_is_arriving = false;
	engine_never_refresh(e, now);
}

const struct ruleset *
engine_ruleset(const struct engine *e)
{
	return e->ruleset;
}

struct tables *
engine_tables(struct engine *e)
{
	return e->tables;
}

struct tables *
engine_pardons(struct engine *e)
{
	return e->pardons;
}

struct sources *
engine_sources(struct engine *e)
{
	return e->sources;
}

struct names *
engine_names(struct engine *e)
{
	return e->names;
}

void
engine_name_answer(struct engine *e, const struct host_name_answer *answer,
    struct wall now)
{
	if (!host_names_answer(e->host_names, answer, now))
		return;
	e->never_is_stale = true;
	engine_never_refresh(e, now);
}

const struct host_names *
engine_host_names(const struct engine *e)
{
	return e->host_names;
}

const struct never *
engine_never(struct engine *e)
{
	return e->never;
}

void
engine_counters(const struct engine *e, struct engine_counters *out)
{
	*out = e->counters;
	if (e->distinct != NULL)
		out->sources = sources_count(e->distinct);
}
