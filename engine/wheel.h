/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_WHEEL_H
#define TRAPLINE_ENGINE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/clock.h"

#define WHEEL_NONE UINT32_MAX

/*
 * What the owner of the filed things embeds in each of them.  An item of
 * zeroes is not filed; due must not change while it is.
 */
struct wheel_item {
	struct wall due;
	uint32_t prev, next; /* the wheel's own */
};

/*
 * Finds an item by its number; the owner keeps items wherever it likes.
 * Embedded as the first member of the owner.  is_before orders items that
 * are due in the same millisecond; NULL: they are handed out in any order.
 */
struct wheel_owner {
	struct wheel_item *(*item)(const struct wheel_owner *, uint32_t);
	bool (*is_before)(const struct wheel_owner *, uint32_t, uint32_t);
};

/*
 * The expiry wheel: files items by the millisecond in which they are due, in
 * slots of growing width, and moves them closer as time goes on.  Numbers of
 * items are below WHEEL_NONE - 1.
 */
struct wheel;

/* now: nothing filed is ever due before it in this wheel's eyes. */
struct wheel *wheel_new(const struct wheel_owner *, struct wall now);
void wheel_free(struct wheel *);
/* Files an item whose due is set; WALL_NEVER is not filed. */
void wheel_add(struct wheel *, uint32_t item);
/* Takes an item out; one that is not filed is left alone. */
void wheel_remove(struct wheel *, uint32_t item);
/*
 * When to call wheel_due() next, at the latest; WALL_NEVER: never.  It may
 * hand out nothing then, a few times in the life of an item, while the item
 * moves closer.
 */
struct wall wheel_next(const struct wheel *);
/*
 * Takes out up to n items that are due at now or before, in the order of
 * their due times and then the owner's.  Returns how many; n means: call again.
 */
size_t wheel_due(struct wheel *, struct wall now, uint32_t *items, size_t n);
size_t wheel_count(const struct wheel *);
/* Bytes of the wheel itself. */
size_t wheel_memory(const struct wheel *);

#endif
