/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Whom nobody may hold (DESIGN 4.1): loopback, what the policy names, this
 * host's own addresses and sessions, the addresses of host names, each a
 * single host, and the entries of the tables that "set never" names.  Built
 * anew when any of these changes; whoever is held and is now among them is let
 * go at once.
 */

#include <stdio.h>
#include <stdlib.h>

#include "engine/engine_state.h"
#include "engine/log.h"

bool
engine_table_is_never(const struct engine *e, uint16_t table)
{
	size_t i;

	for (i = 0; i < e->ruleset->nnever; i++) {
		if (e->ruleset->never[i].type == HOST_TABLE &&
		    e->ruleset->never[i].table == table)
			return true;
	}
	return false;
}

bool
engine_only_names(const struct engine *e, uint16_t table, enum origin origin)
{
	if (engine_table_is_never(e, table))
		return true;
	return origin == ORIGIN_FILE &&
	       e->ruleset->tables[table].enforce == ENFORCE_NONE;
}

bool
engine_entry_only_names(const struct engine *e, const struct entry_view *entry)
{
	struct hold hold;
	size_t i;

	for (i = 0; i < entry->nholds; i++) {
		if (tables_get_hold(e->tables, entry->table, &entry->prefix, i,
			&hold) &&
		    !engine_only_names(e, entry->table, hold.origin))
			return false;
	}
	return true;
}

void
engine_gather(void *arg, const struct entry_view *entry)
{
	struct engine_gathered *g = arg;
	struct entry_view *list;
	size_t room;

	if (g->n == g->room) {
		room = g->room == 0 ? 64 : g->room * 2;
		list = reallocarray(g->list, room, sizeof(*list));
		if (list == NULL) {
			g->is_short = true;
			return;
		}
		g->list = list;
		g->room = room;
	}
	g->list[g->n++] = *entry;
}

/* What the new "never" has and the old had not is released where held. */
static void
release_new_members(struct engine *e, const struct never *old,
    const struct never *new, struct wall now)
{
	struct engine_gathered g = {0};
	size_t i, j = 0;
	int order;

	if (tables_count_all(e->tables) == 0)
		return;
	for (i = 0; i < never_count(new); i++) {
		order = 1;
		while (old != NULL && j < never_count(old)) {
			order =
			    prefix_cmp(never_get(old, j), never_get(new, i));
			if (order >= 0)
				break;
			j++;
		}
		if (order != 0 || old == NULL || j == never_count(old))
			tables_each_related(e->tables, e->ruleset->ntables,
			    never_get(new, i), engine_gather, &g);
	}
	for (i = 0; i < g.n; i++) {
		if (!engine_entry_only_names(e, &g.list[i]))
			engine_end_entry(e, g.list[i].table, &g.list[i].prefix,
			    "never", now);
	}
	free(g.list);
}

static uint64_t
never_sources_generation(const struct engine *e)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < e->ruleset->nnever; i++) {
		if (e->ruleset->never[i].type == HOST_TABLE)
			sum += tables_generation(e->tables,
			    e->ruleset->never[i].table);
	}
	return sum;
}

static void
never_add_table(struct engine *e, struct never *never, uint16_t table)
{
	struct entry_view views[64];
	uint64_t cursor = 0;
	size_t i, n;

	while ((n = tables_walk(e->tables, table, &cursor, views, 64)) > 0) {
		for (i = 0; i < n; i++)
			never_add(never, &views[i].prefix,
			    names_text(e->names, e->table_names[table]));
	}
}

static void
never_add_names(const struct engine *e, struct never *never)
{
	char why[HOST_NAME_LEN + sizeof("name ")];
	struct host_name_view name;
	struct prefix host;
	const char *lasting;
	size_t i, j;

	for (i = 0; i < host_names_count(e->host_names); i++) {
		host_names_get(e->host_names, i, &name);
		snprintf(why, sizeof(why), "name %s", name.name);
		lasting = names_text(e->names, names_intern(e->names, why));
		for (j = 0; j < name.naddrs; j++) {
			host =
			    prefix_host(host_names_addr(e->host_names, i, j));
			never_add(never, &host, lasting);
		}
	}
}

static struct never *
never_build(struct engine *e)
{
	static const char *const loopback[] = {"127.0.0.0/8", "::1"};
	struct never *never = never_new();
	struct prefix prefix;
	size_t i;

	if (never == NULL)
		return NULL;
	for (i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++) {
		if (prefix_parse(loopback[i], &prefix) == 0)
			never_add(never, &prefix, "loopback");
	}
	for (i = 0; i < e->nauto_never; i++)
		never_add(never, &e->auto_never[i].prefix,
		    e->auto_never[i].why);
	for (i = 0; i < e->ruleset->nnever; i++) {
		if (e->ruleset->never[i].type == HOST_TABLE)
			never_add_table(e, never, e->ruleset->never[i].table);
		else
			never_add(never, &e->ruleset->never[i].prefix,
			    "set never");
	}
	never_add_names(e, never);
	never_finish(never);
	return never;
}

void
engine_never_refresh(struct engine *e, struct wall now)
{
	uint64_t generation = never_sources_generation(e);
	struct never *old = e->never, *new;

	if (!e->never_is_stale && generation == e->never_generation)
		return;
	/* Half a list would lack somebody: the old one serves until then. */
	if (e->never_is_arriving && e->never != NULL)
		return;
	new = never_build(e);
	if (new == NULL) {
		log_warn("never: the old members stay");
		return;
	}
	e->never = new;
	e->never_generation = generation;
	e->never_is_stale = false;
	release_new_members(e, old, new, now);
	never_free(old);
}
