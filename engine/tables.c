/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Entries and their holds.  An entry is one cache line: its key, its links in
 * the expiry wheel and one hold, the one that lapses first; further holds are
 * chained behind it in a pool of their own.  The wheel files an entry by the
 * hold that lapses first, so each hold ends at its own time.
 *
 * Entries and holds come and go here; tables_ask.c only looks.
 */

#include "engine/tables.h"

#include <stdlib.h>
#include <string.h>

#include "engine/tables_state.h"

const char *
origin_name(enum origin origin)
{
	switch (origin) {
	case ORIGIN_RULE:
		return "rule";
	case ORIGIN_OPERATOR:
		return "operator";
	case ORIGIN_BGP:
		return "bgp";
	case ORIGIN_REDIS:
		return "redis";
	case ORIGIN_FILE:
		return "file";
	case ORIGIN_KERNEL:
		return "kernel";
	}
	return "unknown";
}

static uint64_t
hash_key(const struct tables *t, uint16_t table, const struct prefix *p)
{
	return prefix_hash(p, t->seed + table * UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t
hash_entry(const struct tables *t, const struct entry *e)
{
	struct prefix p = entry_prefix(e);

	return hash_key(t, e->table, &p);
}

static uint64_t
hash_item(const struct index_owner *owner, uint32_t i)
{
	/* The owner is the first member. */
	const struct tables *t = ((const struct entry_hash *)owner)->tables;

	return hash_entry(t, entry_at(t, i));
}

static struct wheel_item *
wheel_item(const struct wheel_owner *owner, uint32_t i)
{
	return &entry_at((const struct tables *)owner, i)->item;
}

static bool
is_before(const struct wheel_owner *owner, uint32_t i, uint32_t j)
{
	const struct entry *a = entry_at((const struct tables *)owner, i);
	const struct entry *b = entry_at((const struct tables *)owner, j);
	struct prefix p = entry_prefix(a), q = entry_prefix(b);

	if (a->table != b->table)
		return a->table < b->table;
	return prefix_cmp(&p, &q) < 0;
}

struct tables *
tables_new(size_t most, uint64_t seed, struct wall now)
{
	struct tables *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->most = most;
	t->seed = seed;
	t->wheel_owner.item = wheel_item;
	t->wheel_owner.is_before = is_before;
	t->hash.owner.hash = hash_item;
	t->hash.tables = t;
	pool_init(&t->entries, sizeof(struct entry));
	pool_init(&t->further, sizeof(struct further));
	t->wheel = wheel_new(&t->wheel_owner, now);
	if (t->wheel == NULL || index_init(&t->index, &t->hash.owner) == -1) {
		tables_free(t);
		return NULL;
	}
	return t;
}

void
tables_free(struct tables *t)
{
	if (t == NULL)
		return;
	wheel_free(t->wheel);
	index_fini(&t->index);
	pool_fini(&t->entries);
	pool_fini(&t->further);
	free(t->tables);
	free(t);
}

void
tables_set_limit(struct tables *t, size_t most)
{
	t->most = most;
}

/* The counts of a table, made if need be; NULL: memory is out. */
static struct table *
table_get(struct tables *t, uint16_t number)
{
	struct table *tables;
	size_t n = (size_t)number + 1;

	if (n > t->ntables) {
		tables = reallocarray(t->tables, n, sizeof(*tables));
		if (tables == NULL)
			return NULL;
		memset(tables + t->ntables, 0,
		    (n - t->ntables) * sizeof(*tables));
		t->tables = tables;
		t->ntables = n;
	}
	return &t->tables[number];
}

static void
table_count(struct table *table, uint8_t len, int by)
{
	table->count += (size_t)by;
	table->counts[len] += (uint32_t)by;
	table->generation++;
	if (table->counts[len] > 0)
		table->lens_used[len / 64] |= UINT64_C(1) << len % 64;
	else
		table->lens_used[len / 64] &= ~(UINT64_C(1) << len % 64);
}

uint32_t
tables_find(const struct tables *t, uint16_t table, const struct prefix *p)
{
	struct index_search search;
	const struct entry *e;
	uint32_t i;

	index_search(&t->index, hash_key(t, table, p), &search);
	while ((i = index_next(&t->index, &search)) != INDEX_NONE) {
		e = entry_at(t, i);
		if (e->table == table && e->len == p->len &&
		    addr_equal(&e->addr, &p->addr))
			break;
	}
	return i;
}

/*
 * Holds of an entry.
 */

struct hold
tables_first_hold(const struct entry *e)
{
	struct hold hold = {.expires = e->item.due,
	    .since = e->since,
	    .by = e->by,
	    .cause = e->cause,
	    .sensor = e->sensor,
	    .count = e->count,
	    .origin = (enum origin)e->origin};

	return hold;
}

static void
set_first_hold(struct entry *e, const struct hold *hold)
{
	e->item.due = hold->expires;
	e->since = hold->since;
	e->by = hold->by;
	e->cause = hold->cause;
	e->sensor = hold->sensor;
	e->count = hold->count;
	e->origin = (uint8_t)hold->origin;
}

/* Does a lapse before b?  Ties are broken in a way that replay repeats. */
static bool
lapses_before(const struct hold *a, const struct hold *b)
{
	if (a->expires.ms != b->expires.ms)
		return a->expires.ms < b->expires.ms;
	if (a->origin != b->origin)
		return a->origin < b->origin;
	return a->by < b->by;
}

/*
 * Puts the further hold that lapses first in the place of the entry's first
 * hold if it lapses before that.  The entry must not be filed.
 */
static void
order_holds(const struct tables *t, struct entry *e)
{
	struct further *f, *least = NULL;
	struct hold first = tables_first_hold(e);
	uint32_t i;

	for (i = e->more; i != POOL_NONE; i = f->next) {
		f = further_at(t, i);
		if (lapses_before(&f->hold,
			least == NULL ? &first : &least->hold))
			least = f;
	}
	if (least == NULL)
		return;
	set_first_hold(e, &least->hold);
	least->hold = first;
}

/* Takes the entry's first hold out.  False when it was the last one. */
static bool
drop_first_hold(struct tables *t, struct entry *e)
{
	uint32_t i = e->more;

	if (i == POOL_NONE)
		return false;
	set_first_hold(e, &further_at(t, i)->hold);
	e->more = further_at(t, i)->next;
	pool_remove(&t->further, i);
	order_holds(t, e);
	return true;
}

struct wall
tables_entry_expires(const struct tables *t, const struct entry *e)
{
	struct wall latest = e->item.due;
	uint32_t i;

	for (i = e->more; i != POOL_NONE; i = further_at(t, i)->next)
		latest = wall_later(latest, further_at(t, i)->hold.expires);
	return latest;
}

/*
 * Coming and going.
 */

static enum tables_result
entry_new(struct tables *t, uint16_t number, const struct prefix *p,
    const struct hold *hold)
{
	struct table *table = table_get(t, number);
	struct entry *e;
	uint32_t i;

	if (table == NULL || table->count >= t->most)
		return TABLES_FULL;
	i = pool_add(&t->entries);
	if (i == POOL_NONE)
		return TABLES_FULL;
	e = entry_at(t, i);
	memset(e, 0, sizeof(*e));
	e->table = number;
	e->addr = p->addr;
	e->len = p->len;
	e->more = POOL_NONE;
	set_first_hold(e, hold);
	if (index_add(&t->index, hash_key(t, number, p), i) == -1) {
		e->len = LEN_FREE;
		pool_remove(&t->entries, i);
		return TABLES_FULL;
	}
	wheel_add(t->wheel, i);
	table_count(table, p->len, 1);
	t->count++;
	t->generation++;
	return TABLES_NEW;
}

/* Frees an entry that is not filed in the wheel. */
static void
entry_free(struct tables *t, uint32_t i)
{
	struct entry *e = entry_at(t, i);
	uint32_t f, next;

	for (f = e->more; f != POOL_NONE; f = next) {
		next = further_at(t, f)->next;
		pool_remove(&t->further, f);
	}
	index_remove(&t->index, hash_entry(t, e), i);
	table_count(&t->tables[e->table], e->len, -1);
	t->count--;
	t->generation++;
	e->len = LEN_FREE;
	pool_remove(&t->entries, i);
}

static bool
is_same_hold(const struct hold *a, enum origin origin, uint32_t by)
{
	return a->origin == origin && a->by == by;
}

static void
update_hold(struct hold *old, const struct hold *hold)
{
	old->expires = wall_later(old->expires, hold->expires);
	old->cause = hold->cause;
	old->sensor = hold->sensor;
	old->count = hold->count;
}

static struct further *
find_further(const struct tables *t, const struct entry *e, enum origin origin,
    uint32_t by)
{
	struct further *f;
	uint32_t i;

	for (i = e->more; i != POOL_NONE; i = f->next) {
		f = further_at(t, i);
		if (is_same_hold(&f->hold, origin, by))
			return f;
	}
	return NULL;
}

static int
add_further(struct tables *t, struct entry *e, const struct hold *hold)
{
	uint32_t i = pool_add(&t->further);
	struct further *f;

	if (i == POOL_NONE)
		return -1;
	f = further_at(t, i);
	f->hold = *hold;
	f->next = e->more;
	e->more = i;
	return 0;
}

/* Adds or updates a hold of an entry that is not filed.  0 or -1. */
static int
entry_hold(struct tables *t, struct entry *e, const struct hold *hold)
{
	struct hold first = tables_first_hold(e);
	struct further *f;

	if (is_same_hold(&first, hold->origin, hold->by)) {
		update_hold(&first, hold);
		set_first_hold(e, &first);
		return 0;
	}
	f = find_further(t, e, hold->origin, hold->by);
	if (f == NULL)
		return add_further(t, e, hold);
	update_hold(&f->hold, hold);
	return 0;
}

enum tables_result
tables_hold(struct tables *t, uint16_t table, const struct prefix *p,
    const struct hold *hold)
{
	uint32_t i = tables_find(t, table, p);
	struct wall before;
	struct entry *e;
	int result;

	if (i == INDEX_NONE)
		return entry_new(t, table, p, hold);
	e = entry_at(t, i);
	before = tables_entry_expires(t, e);
	wheel_remove(t->wheel, i);
	result = entry_hold(t, e, hold);
	order_holds(t, e);
	wheel_add(t->wheel, i);
	if (result == -1)
		return TABLES_FULL;
	if (wall_before(before, tables_entry_expires(t, e)))
		return TABLES_EXTENDED;
	return TABLES_UNCHANGED;
}

/* Takes a further hold out of the chain. */
static bool
drop_further(struct tables *t, struct entry *e, enum origin origin, uint32_t by)
{
	uint32_t *link = &e->more, i;

	while ((i = *link) != POOL_NONE) {
		if (is_same_hold(&further_at(t, i)->hold, origin, by)) {
			*link = further_at(t, i)->next;
			pool_remove(&t->further, i);
			return true;
		}
		link = &further_at(t, i)->next;
	}
	return false;
}

enum tables_gone
tables_end_hold(struct tables *t, uint16_t table, const struct prefix *p,
    enum origin origin, uint32_t by)
{
	uint32_t i = tables_find(t, table, p);
	struct hold first;
	struct entry *e;
	bool is_left;

	if (i == INDEX_NONE)
		return TABLES_ABSENT;
	e = entry_at(t, i);
	first = tables_first_hold(e);
	if (!is_same_hold(&first, origin, by))
		return drop_further(t, e, origin, by) ? TABLES_KEPT
						      : TABLES_ABSENT;
	wheel_remove(t->wheel, i);
	is_left = drop_first_hold(t, e);
	if (is_left)
		wheel_add(t->wheel, i);
	else
		entry_free(t, i);
	return is_left ? TABLES_KEPT : TABLES_RELEASED;
}

bool
tables_remove(struct tables *t, uint16_t table, const struct prefix *p)
{
	uint32_t i = tables_find(t, table, p);

	if (i == INDEX_NONE)
		return false;
	wheel_remove(t->wheel, i);
	entry_free(t, i);
	return true;
}

size_t
tables_expire(struct tables *t, struct wall now, struct tables_lapse *out,
    size_t n)
{
	struct entry *e;
	size_t done;
	uint32_t i;

	/*
	 * One at a time: an entry's next hold may lapse before the next
	 * entry's.
	 */
	for (done = 0; done < n; done++) {
		if (wheel_due(t->wheel, now, &i, 1) == 0)
			break;
		e = entry_at(t, i);
		out[done].table = e->table;
		out[done].prefix = entry_prefix(e);
		out[done].hold = tables_first_hold(e);
		out[done].what = TABLES_RELEASED;
		if (drop_first_hold(t, e)) {
			out[done].what = TABLES_KEPT;
			wheel_add(t->wheel, i);
		} else {
			entry_free(t, i);
		}
	}
	return done;
}

struct wall
tables_next(const struct tables *t)
{
	return wheel_next(t->wheel);
}
