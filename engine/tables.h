/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_TABLES_H
#define TRAPLINE_ENGINE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/clock.h"
#include "engine/prefix.h"

/* Whose claim a hold is. */
enum origin {
	ORIGIN_RULE,
	ORIGIN_OPERATOR,
	ORIGIN_BGP,
	ORIGIN_REDIS,
	ORIGIN_FILE,
	ORIGIN_KERNEL,
};

const char *origin_name(enum origin);

/*
 * One origin's claim that a prefix belongs in a table until a time.  Two
 * claims are the same hold when origin and by are equal.  by, cause and
 * sensor are numbers of names_intern().
 */
struct hold {
	struct wall expires;
	struct wall since;
	uint32_t by;
	uint32_t cause;
	uint32_t sensor;
	uint32_t count;
	enum origin origin;
};

/*
 * All tables' entries: an entry is a prefix in a table with one or more
 * holds, lives while any lives and expires with the latest.
 */
struct tables;

/* most: entries of one table.  seed as in sources_new(). */
struct tables *tables_new(size_t most, uint64_t seed, struct wall now);
void tables_free(struct tables *);
void tables_set_limit(struct tables *, size_t most);

enum tables_result {
	TABLES_NEW,       /* the entry appeared */
	TABLES_EXTENDED,  /* the entry's expiry moved to a later time */
	TABLES_UNCHANGED, /* the hold is kept, entry's expiry is as before */
	TABLES_FULL,      /* nothing was done: limit or memory */
};

/*
 * Adds a hold, or brings the same hold up to date: its expiry only ever
 * moves to a later time, its since stays, cause, sensor and count follow.
 */
enum tables_result tables_hold(struct tables *, uint16_t table,
    const struct prefix *, const struct hold *);

/* A look at an entry.  Copies: stays good. */
struct entry_view {
	uint16_t table;
	struct prefix prefix;
	struct wall expires;
	struct wall since; /* of the oldest hold */
	size_t nholds;
};

/* The entry of exactly this prefix.  False if there is none. */
bool tables_get(const struct tables *, uint16_t table, const struct prefix *,
    struct entry_view *out);
/* Its i-th hold, 0 to nholds - 1; the first is the next to lapse. */
bool tables_get_hold(const struct tables *, uint16_t table,
    const struct prefix *, size_t i, struct hold *out);
/* The widest, or only, entry that contains the address.  False: none. */
bool tables_lookup(const struct tables *, uint16_t table, const struct addr *,
    struct entry_view *out);
/* The same question, as fast as can be. */
bool tables_has(const struct tables *, uint16_t table, const struct addr *);
/*
 * All entries, of any table below ntables, that contain the prefix or are
 * contained in it (walks everything when the prefix is no host).  The visitor
 * must not change the tables.
 */
typedef void tables_visit(void *arg, const struct entry_view *);
void tables_each_related(struct tables *, size_t ntables, const struct prefix *,
    tables_visit *, void *arg);

enum tables_gone {
	TABLES_ABSENT,   /* there was no such hold */
	TABLES_KEPT,     /* others hold the entry; its expiry may be earlier */
	TABLES_RELEASED, /* the entry is gone */
};

/* Ends one hold. */
enum tables_gone tables_end_hold(struct tables *, uint16_t table,
    const struct prefix *, enum origin, uint32_t by);
/* Ends all holds of an entry.  False if there was none. */
bool tables_remove(struct tables *, uint16_t table, const struct prefix *);

/*
 * Ends up to n holds that lapse at now or before, in the order of their
 * expiry, then of table, of prefix, of origin: a stable order.  Each is copied
 * to out with what became of its entry.  Returns how many; n means: call again.
 */
struct tables_lapse {
	uint16_t table;
	struct prefix prefix;
	struct hold hold;
	enum tables_gone what;
};
size_t tables_expire(struct tables *, struct wall now, struct tables_lapse *out,
    size_t n);
/* When to call tables_expire() next, at the latest; WALL_NEVER: never. */
struct wall tables_next(const struct tables *);

size_t tables_count(const struct tables *, uint16_t table);
size_t tables_count_all(const struct tables *);
/* Bytes in use, all included. */
size_t tables_memory(const struct tables *);
/* Changes with every entry that appears in or leaves the table. */
uint64_t tables_generation(const struct tables *, uint16_t table);
/* The same of all tables. */
uint64_t tables_generation_all(const struct tables *);

/*
 * Walks the entries of one table (or UINT16_MAX: of all) in no order: start
 * with *cursor 0; fills up to n and returns how many; 0 at the end.  Entries
 * that come or go meanwhile may be missed or seen; others are seen once.
 */
size_t tables_walk(const struct tables *, uint16_t table, uint64_t *cursor,
    struct entry_view *out, size_t n);

#endif
