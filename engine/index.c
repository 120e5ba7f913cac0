/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Finding numbered items by their hash.  The index knows neither keys nor
 * items: the owner compares what index_next() hands out, and tells an item's
 * hash again where the slot does not say enough of it.
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
	x->is_far = false;
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
put(struct index *x, uint64_t hash, uint32_t item)
{
	const uint32_t mask = (1U << x->bits) - 1;
	const uint32_t home = (uint32_t)(hash >> (64 - x->bits));
	uint32_t i = home;

	while (x->slots[i] != 0)
		i = (i + 1) & mask;
	x->slots[i] = index_tag(hash, x->bits) | (item + 1);
	if (((i - home) & mask) >> INDEX_HOME_BITS != 0)
		x->is_far = true;
}

/*
 * The hash of the item in a slot, or as much of it as put() looks at: home
 * and what follows in the slot.
 */
static uint64_t
slot_hash(const struct index *x, uint32_t i)
{
	const uint32_t mask = (1U << x->bits) - 1, slot = x->slots[i];
	const uint32_t tag = slot & ~mask;
	uint32_t away, home;

	if (x->is_far || x->bits + INDEX_HOME_BITS >= 32)
		return x->owner->hash(x->owner, (slot & mask) - 1);
	away = (i - (slot >> (32 - INDEX_HOME_BITS))) &
	       ((1U << INDEX_HOME_BITS) - 1);
	home = (i - away) & mask;
	return (uint64_t)home << (64 - x->bits) |
	       (uint64_t)(tag << INDEX_HOME_BITS) << 32 >> x->bits;
}

static int
grow(struct index *x)
{
	const uint32_t mask = (1U << x->bits) - 1;
	struct index more = *x;
	uint32_t i;

	if (x->bits == MOST_BITS)
		return -1;
	more.bits++;
	more.is_far = false;
	more.slots = new_slots(more.bits);
	if (more.slots == NULL)
		return -1;
	for (i = 0; i <= mask; i++) {
		if (x->slots[i] != 0)
			put(&more, slot_hash(x, i), (x->slots[i] & mask) - 1);
	}
	free(x->slots);
	*x = more;
	return 0;
}

int
index_add(struct index *x, uint64_t hash, uint32_t item)
{
	assert(item < INDEX_NONE - 1);
	/* At most five eighths full, and the number must fit its bits. */
	while (x->used >= (5U << (x->bits - 3)) || item + 1 >= 1U << x->bits) {
		if (grow(x) == -1)
			return -1;
	}
	put(x, hash, item);
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
		home = (uint32_t)(slot_hash(x, i) >> (64 - x->bits));
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
