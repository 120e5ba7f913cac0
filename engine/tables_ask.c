/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Questions about entries.  A table counts its entries by prefix length, and
 * a look-up asks the index once for each length in use: once for a table of
 * hosts.  Nothing here changes anything.
 */

#include "engine/tables.h"

#include "engine/tables_state.h"

static void
fill_view(const struct tables *t, const struct entry *e, struct entry_view *out)
{
	const struct further *f;
	uint32_t i;

	out->table = e->table;
	out->prefix = entry_prefix(e);
	out->expires = tables_entry_expires(t, e);
	out->since = e->since;
	out->nholds = 1;
	for (i = e->more; i != POOL_NONE; i = f->next) {
		f = further_at(t, i);
		if (wall_before(f->hold.since, out->since))
			out->since = f->hold.since;
		out->nholds++;
	}
}

bool
tables_get(const struct tables *t, uint16_t table, const struct prefix *p,
    struct entry_view *out)
{
	uint32_t i = tables_find(t, table, p);

	if (i == INDEX_NONE)
		return false;
	fill_view(t, entry_at(t, i), out);
	return true;
}

bool
tables_get_hold(const struct tables *t, uint16_t table, const struct prefix *p,
    size_t n, struct hold *out)
{
	uint32_t i = tables_find(t, table, p);

	if (i == INDEX_NONE)
		return false;
	if (n == 0) {
		*out = tables_first_hold(entry_at(t, i));
		return true;
	}
	for (i = entry_at(t, i)->more; i != POOL_NONE && n > 1; n--)
		i = further_at(t, i)->next;
	if (i == POOL_NONE)
		return false;
	*out = further_at(t, i)->hold;
	return true;
}

/*
 * The next length in use from *len on that the table has an entry of which
 * contains the address.  INDEX_NONE when there is none.
 */
static uint32_t
find_containing(const struct tables *t, uint16_t number,
    const struct addr *addr, unsigned int *len)
{
	const struct table *table = &t->tables[number];
	struct prefix p;
	uint32_t i;

	for (; *len < LENS; ++*len) {
		if (table->lens_used[*len / 64] >> *len % 64 == 0) {
			*len |= 63;
			continue;
		}
		if (table->counts[*len] == 0)
			continue;
		p = prefix_make(addr, *len);
		i = tables_find(t, number, &p);
		if (i != INDEX_NONE)
			return i;
	}
	return INDEX_NONE;
}

bool
tables_has(const struct tables *t, uint16_t table, const struct addr *addr)
{
	unsigned int len = 0;

	return table < t->ntables && t->tables[table].count > 0 &&
	       find_containing(t, table, addr, &len) != INDEX_NONE;
}

bool
tables_lookup(const struct tables *t, uint16_t table, const struct addr *addr,
    struct entry_view *out)
{
	unsigned int len = 0;
	uint32_t i;

	if (table >= t->ntables)
		return false;
	i = find_containing(t, table, addr, &len);
	if (i == INDEX_NONE)
		return false;
	fill_view(t, entry_at(t, i), out);
	return true;
}

static void
each_containing(struct tables *t, uint16_t table, const struct addr *addr,
    tables_visit *visit, void *arg)
{
	struct entry_view view;
	unsigned int len;
	uint32_t i;

	for (len = 0; len < LENS; len++) {
		i = find_containing(t, table, addr, &len);
		if (i == INDEX_NONE)
			return;
		fill_view(t, entry_at(t, i), &view);
		visit(arg, &view);
	}
}

void
tables_each_related(struct tables *t, size_t ntables, const struct prefix *p,
    tables_visit *visit, void *arg)
{
	struct entry_view view;
	struct prefix q;
	size_t table;
	uint32_t i;

	if (prefix_is_host(p)) {
		for (table = 0; table < ntables && table < t->ntables; table++)
			each_containing(t, (uint16_t)table, &p->addr, visit,
			    arg);
		return;
	}
	for (i = 0; i < t->entries.used; i++) {
		if (entry_at(t, i)->len == LEN_FREE ||
		    entry_at(t, i)->table >= ntables)
			continue;
		q = entry_prefix(entry_at(t, i));
		if (!prefix_covers(p, &q) && !prefix_covers(&q, p))
			continue;
		fill_view(t, entry_at(t, i), &view);
		visit(arg, &view);
	}
}

size_t
tables_count(const struct tables *t, uint16_t table)
{
	return table < t->ntables ? t->tables[table].count : 0;
}

size_t
tables_count_all(const struct tables *t)
{
	return t->count;
}

size_t
tables_memory(const struct tables *t)
{
	return sizeof(*t) + pool_memory(&t->entries) +
	       pool_memory(&t->further) + index_memory(&t->index) +
	       wheel_memory(t->wheel) + t->ntables * sizeof(*t->tables);
}

uint64_t
tables_generation(const struct tables *t, uint16_t table)
{
	return table < t->ntables ? t->tables[table].generation : 0;
}

uint64_t
tables_generation_all(const struct tables *t)
{
	return t->generation;
}

size_t
tables_walk(const struct tables *t, uint16_t table, uint64_t *cursor,
    struct entry_view *out, size_t n)
{
	const struct entry *e;
	size_t done = 0;

	for (; done < n && *cursor < t->entries.used; ++*cursor) {
		e = entry_at(t, (uint32_t)*cursor);
		if (e->len == LEN_FREE ||
		    (table != UINT16_MAX && e->table != table))
			continue;
		fill_view(t, e, &out[done++]);
	}
	return done;
}
