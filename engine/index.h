/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_INDEX_H
#define TRAPLINE_ENGINE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/compat.h"

#define INDEX_NONE UINT32_MAX

/*
 * Tells the hash of a numbered item that is in the index.  Embedded as the
 * first member of what is needed to tell it.
 */
struct index_owner {
	uint64_t (*hash)(const struct index_owner *, uint32_t);
};

/*
 * An open hash over numbers of items that the owner keeps (linear probing).
 * A slot of four bytes holds the number + 1 in as many low bits as a slot's
 * position has, and bits of the hash above: a number that is handed out as a
 * candidate is nearly always the wanted one, so a look-up touches one line
 * here and one of the owner's.
 *
 * The bits of the hash begin with the last INDEX_HOME_BITS of the position
 * where the item belongs.  As long as none stands farther from there than
 * these can tell, growing and removing ask the owner for nothing.
 */
#define INDEX_HOME_BITS 8
struct index {
	const struct index_owner *owner;
	uint32_t *slots;
	unsigned int bits; /* there are 2^bits slots */
	uint32_t used;
	bool is_far; /* some item may stand 2^INDEX_HOME_BITS away */
};

/* Where a search stands. */
struct index_search {
	uint64_t hash;
	uint32_t slot;
};

/* The owner is borrowed.  0, or -1 when memory is out. */
int index_init(struct index *, const struct index_owner *);
void index_fini(struct index *);
/* Adds an item that is not there.  0, or -1 when memory is out. */
int index_add(struct index *, uint64_t hash, uint32_t item);
/* Takes out an item that is there. */
void index_remove(struct index *, uint64_t hash, uint32_t item);
size_t index_memory(const struct index *);

static inline void
index_search(const struct index *x, uint64_t hash, struct index_search *s)
{
	s->hash = hash;
	s->slot = (uint32_t)(hash >> (64 - x->bits));
}

/* Asks for the line where a search for the hash starts. */
static inline void
index_prefetch(const struct index *x, uint64_t hash)
{
	PREFETCH(&x->slots[hash >> (64 - x->bits)]);
}

/* What stands in a slot above the number. */
static inline uint32_t
index_tag(uint64_t hash, unsigned int bits)
{
	return (uint32_t)(hash << (bits - INDEX_HOME_BITS) >> 32) >>
	       bits << bits;
}

/* The next item that may have the hash, INDEX_NONE when there is none. */
static inline uint32_t
index_next(const struct index *x, struct index_search *s)
{
	const uint32_t mask = (1U << x->bits) - 1;
	const uint32_t tag = index_tag(s->hash, x->bits);
	uint32_t slot;

	while ((slot = x->slots[s->slot]) != 0) {
		s->slot = (s->slot + 1) & mask;
		if ((slot ^ tag) >> x->bits == 0)
			return (slot & mask) - 1;
	}
	return INDEX_NONE;
}

#endif
