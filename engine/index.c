/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Finding numbered items by their hash.  The index knows neither keys nor
 * items: the owner compares what index_next() hands out, and tells an item's
 * hash again when the index grows or closes a gap.
 */

#include "engine/index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"

#define FIRST_BITS 8
#define MOST_BITS  31

static uint32_t *
new_slots(unsigned int bits)
{
	size_t size = sizeof(uint32_t) << bits;
	uint32_t *slots = compat_alloc_lines(size);

	if (slots != NULL)
		memset(slots, 0, size);
	return slots;
}

int
index_init(struct index *x, const struct index_owner *owner)
{
	x->owner = owner;
	x->bits = FIRST_BITS;
	x->used = 0;
	x->slots = new_slots(x->bits);
	return x->slots == NULL ? -1 : 0;
}

void
index_fini(struct index *x)
{
	free(x->slots);
	x->slots = NULL;
}

static void
put(uint32_t *slots, unsigned int bits, uint64_t hash, uint32_t item)
{
	const uint32_t mask = (1U << bits) - 1;
	uint32_t i = (uint32_t)(hash >> (64 - bits));

	while (slots[i] != 0)
		i = (i + 1) & mask;
	slots[i] = (uint32_t)(hash << bits) | (item + 1);
}

static int
grow(struct index *x)
{
	const uint32_t mask = (1U << x->bits) - 1;
	uint32_t *slots, i, item;

	if (x->bits == MOST_BITS)
		return -1;
	slots = new_slots(x->bits + 1);
	if (slots == NULL)
		return -1;
	for (i = 0; i <= mask; i++) {
		if (x->slots[i] == 0)
			continue;
		item = (x->slots[i] & mask) - 1;
		put(slots, x->bits + 1, x->owner->hash(x->owner, item), item);
	}
	free(x->slots);
	x->slots = slots;
	x->bits++;
	return 0;
}

int
index_add(struct index *x, uint64_t hash, uint32_t item)
{
	assert(item < INDEX_NONE - 1);
	/* At most three quarters full, and the number must fit its bits. */
	while (x->used >= (3U << x->bits >> 2) || item + 1 >= 1U << x->bits) {
		if (grow(x) == -1)
			return -1;
	}
	put(x->slots, x->bits, hash, item);
	x->used++;
	return 0;
}

void
index_remove(struct index *x, uint64_t hash, uint32_t item)
{
	const uint32_t mask = (1U << x->bits) - 1;
	uint32_t gap, i, home;

	gap = (uint32_t)(hash >> (64 - x->bits));
	while ((x->slots[gap] & mask) != item + 1) {
		assert(x->slots[gap] != 0);
		gap = (gap + 1) & mask;
	}
	/* Move up whatever stands behind and may stand in the gap. */
	for (i = (gap + 1) & mask; x->slots[i] != 0; i = (i + 1) & mask) {
		item = (x->slots[i] & mask) - 1;
		home = (uint32_t)(x->owner->hash(x->owner, item) >>
				  (64 - x->bits));
		if (((i - home) & mask) >= ((i - gap) & mask)) {
			x->slots[gap] = x->slots[i];
			gap = i;
		}
	}
	x->slots[gap] = 0;
	x->used--;
}

size_t
index_memory(const struct index *x)
{
	return sizeof(*x->slots) << x->bits;
}
