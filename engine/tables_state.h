/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_TABLES_STATE_H
#define TRAPLINE_ENGINE_TABLES_STATE_H

/* What the files of the tables share; for engine/tables*.c only. */

#include "engine/index.h"
#include "engine/pool.h"
#include "engine/tables.h"
#include "engine/wheel.h"

/* Prefix lengths there are. */
#define LENS 129
/* Length of an entry that is in the pool's hands. */
#define LEN_FREE 255

/*
 * An entry: one cache line.  The fields of its first hold stand beside its
 * own, without padding between.
 */
struct entry {
	struct wheel_item item; /* due: when the first hold lapses */
	struct wall since;
	struct addr addr;
	uint16_t table;
	uint8_t len;
	uint8_t origin;
	uint32_t by;
	uint32_t cause;
	uint32_t sensor;
	uint32_t count;
	uint32_t more; /* first of the further holds, or POOL_NONE */
};

/* A hold that lapses after the entry's first. */
struct further {
	struct hold hold;
	uint32_t next; /* or POOL_NONE */
};

/* What is counted of one table. */
struct table {
	size_t count;
	uint64_t generation;
	uint32_t counts[LENS];             /* by length */
	uint64_t lens_used[LENS / 64 + 1]; /* bits by length */
};

/* wheel_owner is the first member, so that the wheel finds the rest. */
struct tables {
	struct wheel_owner wheel_owner;
	struct wheel *wheel;
	struct pool entries;
	struct pool further;
	struct table *tables;
	size_t ntables;
	size_t most;
	size_t count;
	uint64_t generation;
	uint64_t seed;
	struct entry_hash {
		struct index_owner owner;
		const struct tables *tables;
	} hash;
	struct index index;
};

static inline struct entry *
entry_at(const struct tables *t, uint32_t i)
{
	return pool_at(&t->entries, i);
}

static inline struct further *
further_at(const struct tables *t, uint32_t i)
{
	return pool_at(&t->further, i);
}

static inline struct prefix
entry_prefix(const struct entry *e)
{
	struct prefix p = {.addr = e->addr, .len = e->len};

	return p;
}

/* The number of the entry, or INDEX_NONE. */
uint32_t tables_find(const struct tables *, uint16_t table,
    const struct prefix *);
/* A copy of the hold that stands in the entry itself. */
struct hold tables_first_hold(const struct entry *);
/* The latest expiry of all its holds. */
struct wall tables_entry_expires(const struct tables *, const struct entry *);

#endif
