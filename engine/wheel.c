/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The expiry wheel.  Time in milliseconds is a number of digits to the base
 * of 64; an item is filed in the level of the highest digit in which its due
 * time differs from the wheel's, in the slot of that digit.  When the wheel's
 * time comes to a slot of a higher level, the slot's items move to lower
 * ones; when it comes to a slot of level 0, that slot is sorted and handed
 * out.  One word of bits a level tells which slots have items, so time
 * without items costs nothing however long it is.
 *
 * The wheel owns no item and knows no clock: callers pass the time in, which
 * is what lets replay run a week in a second.
 */

#include "engine/wheel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS 6
#define SLOTS      (1U << DIGIT_BITS)
#define DIGIT      (SLOTS - 1)
/* Eleven digits hold every time that struct wall can tell. */
#define LEVELS 11

/* Links of items: 0 is not filed, 1 no item, else the number + 2. */
#define LINK_END  1
#define LINK_BASE 2

/* Runs of items that wait for their like in sort(). */
#define RUNS 32

struct wheel {
	const struct wheel_owner *owner;
	int64_t ms; /* where the wheel stands */
	size_t count;
	uint64_t occupied[LEVELS];
	uint32_t slots[LEVELS][SLOTS]; /* links */
	int64_t least[SLOTS];          /* of level 0: no item is due before */
	bool is_sorted;                /* the slot where the wheel stands */
};

struct place {
	unsigned int level, slot;
};

static struct wheel_item *
item_of(const struct wheel *w, uint32_t link)
{
	return w->owner->item(w->owner, link - LINK_BASE);
}

struct wheel *
wheel_new(const struct wheel_owner *owner, struct wall now)
{
	struct wheel *w = calloc(1, sizeof(*w));
	unsigned int level, slot;

	if (w == NULL)
		return NULL;
	w->owner = owner;
	w->ms = now.ms < 0 ? 0 : now.ms;
	for (level = 0; level < LEVELS; level++) {
		for (slot = 0; slot < SLOTS; slot++)
			w->slots[level][slot] = LINK_END;
	}
	for (slot = 0; slot < SLOTS; slot++)
		w->least[slot] = INT64_MAX;
	return w;
}

void
wheel_free(struct wheel *w)
{
	free(w);
}

/* Where an item belongs while the wheel stands where it does. */
static struct place
place_of(const struct wheel *w, struct wall due)
{
	/* What is late is filed where the wheel stands. */
	int64_t ms = due.ms < w->ms ? w->ms : due.ms;
	uint64_t differs = (uint64_t)(ms ^ w->ms) >> DIGIT_BITS;
	struct place p = {0, 0};

	for (; differs != 0; differs >>= DIGIT_BITS)
		p.level++;
	p.slot = (unsigned int)(ms >> (p.level * DIGIT_BITS)) & DIGIT;
	return p;
}

static unsigned int
current_slot(const struct wheel *w)
{
	return (unsigned int)w->ms & DIGIT;
}

/* Is item a to be handed out before b? */
static bool
is_before(const struct wheel *w, uint32_t a, uint32_t b)
{
	struct wall due_a = item_of(w, a)->due, due_b = item_of(w, b)->due;

	if (due_a.ms != due_b.ms || w->owner->is_before == NULL)
		return due_a.ms < due_b.ms;
	return w->owner->is_before(w->owner, a - LINK_BASE, b - LINK_BASE);
}

static void
file(struct wheel *w, uint32_t link)
{
	struct wheel_item *item = item_of(w, link);
	struct place p = place_of(w, item->due);
	uint32_t *head = &w->slots[p.level][p.slot];

	if (p.level == 0 && p.slot == current_slot(w))
		w->is_sorted = *head == LINK_END ||
			       (w->is_sorted && !is_before(w, *head, link));
	if (p.level == 0 && item->due.ms < w->least[p.slot])
		w->least[p.slot] = item->due.ms;
	item->prev = LINK_END;
	item->next = *head;
	if (*head != LINK_END)
		item_of(w, *head)->prev = link;
	*head = link;
	w->occupied[p.level] |= UINT64_C(1) << p.slot;
}

void
wheel_add(struct wheel *w, uint32_t item)
{
	const struct wheel_item *it = w->owner->item(w->owner, item);

	assert(item < WHEEL_NONE - 1 && it->next == 0);
	if (wall_is_never(it->due))
		return;
	file(w, item + LINK_BASE);
	w->count++;
}

static void
slot_emptied(struct wheel *w, struct place p)
{
	w->occupied[p.level] &= ~(UINT64_C(1) << p.slot);
	if (p.level == 0)
		w->least[p.slot] = INT64_MAX;
}

void
wheel_remove(struct wheel *w, uint32_t number)
{
	struct wheel_item *item = w->owner->item(w->owner, number);
	struct place p;

	if (item->next == 0)
		return;
	if (item->next != LINK_END)
		item_of(w, item->next)->prev = item->prev;
	if (item->prev != LINK_END) {
		item_of(w, item->prev)->next = item->next;
	} else {
		p = place_of(w, item->due);
		w->slots[p.level][p.slot] = item->next;
		if (item->next == LINK_END)
			slot_emptied(w, p);
	}
	item->prev = item->next = 0;
	w->count--;
}

/* Merges two sorted runs; only the links to the next item are set. */
static uint32_t
merge(const struct wheel *w, uint32_t a, uint32_t b)
{
	uint32_t first = LINK_END, *tail = &first;

	while (a != LINK_END && b != LINK_END) {
		if (is_before(w, b, a)) {
			*tail = b;
			tail = &item_of(w, b)->next;
			b = *tail;
		} else {
			*tail = a;
			tail = &item_of(w, a)->next;
			a = *tail;
		}
	}
	*tail = a != LINK_END ? a : b;
	return first;
}

/*
 * Takes the run that begins at *link out of a list and moves *link behind it.
 * What comes in descending order, as file() leaves what it got in ascending
 * order, is turned round.
 */
static uint32_t
take_run(const struct wheel *w, uint32_t *link)
{
	uint32_t first = *link, last = first, next = item_of(w, first)->next;

	if (next != LINK_END && is_before(w, next, first)) {
		while (next != LINK_END && is_before(w, next, first)) {
			*link = item_of(w, next)->next;
			item_of(w, next)->next = first;
			first = next;
			next = *link;
		}
	} else {
		while (next != LINK_END && !is_before(w, next, last)) {
			last = next;
			next = item_of(w, last)->next;
		}
	}
	item_of(w, last)->next = LINK_END;
	*link = next;
	return first;
}

/* Sorts the slot where the wheel stands by merging runs of its list. */
static void
sort(struct wheel *w)
{
	uint32_t *head = &w->slots[0][current_slot(w)];
	uint32_t runs[RUNS], run, link, prev = LINK_END;
	unsigned int i, n = 0;

	w->is_sorted = true;
	for (link = *head; link != LINK_END;) {
		run = take_run(w, &link);
		for (i = 0; i < n && runs[i] != LINK_END; i++) {
			run = merge(w, runs[i], run);
			runs[i] = LINK_END;
		}
		if (i == n)
			n++;
		runs[i] = run;
	}
	for (run = LINK_END, i = 0; i < n; i++)
		run = merge(w, runs[i], run);
	*head = run;
	for (link = run; link != LINK_END; link = item_of(w, link)->next) {
		item_of(w, link)->prev = prev;
		prev = link;
	}
	if (run != LINK_END)
		w->least[current_slot(w)] = item_of(w, run)->due.ms;
}

static unsigned int
lowest_bit(uint64_t bits)
{
	unsigned int n = 0, width;

	for (width = 32; width > 0; width /= 2) {
		if ((bits & ((UINT64_C(1) << width) - 1)) == 0) {
			bits >>= width;
			n += width;
		}
	}
	return n;
}

/*
 * The next occupied slot, the one where the wheel stands included.  Lower
 * levels come first, and within a level no slot before the wheel's has items.
 */
static bool
next_slot(const struct wheel *w, struct place *p)
{
	for (p->level = 0; p->level < LEVELS; p->level++) {
		if (w->occupied[p->level] != 0) {
			p->slot = lowest_bit(w->occupied[p->level]);
			return true;
		}
	}
	return false;
}

/* When a slot begins. */
static int64_t
slot_ms(const struct wheel *w, struct place p)
{
	unsigned int shift = p.level * DIGIT_BITS;
	int64_t above = w->ms >> shift >> DIGIT_BITS;

	return (above << DIGIT_BITS | p.slot) << shift;
}

struct wall
wheel_next(const struct wheel *w)
{
	struct place p;

	if (!next_slot(w, &p))
		return WALL_NEVER;
	if (p.level == 0)
		return (struct wall){w->least[p.slot]};
	return (struct wall){slot_ms(w, p)};
}

/*
 * Moves the wheel to the next occupied slot if its time has come, and the
 * slot's items to lower levels.  False when the wheel stands at now.
 */
static bool
advance(struct wheel *w, int64_t now_ms)
{
	uint32_t link, next;
	struct place p;
	int64_t ms;

	if (!next_slot(w, &p) || (ms = slot_ms(w, p)) > now_ms) {
		if (w->ms < now_ms) {
			w->ms = now_ms;
			w->is_sorted = false;
		}
		return false;
	}
	if (p.level == 0 && ms == w->ms)
		return false;
	w->ms = ms;
	w->is_sorted = false;
	if (p.level == 0)
		return true;
	link = w->slots[p.level][p.slot];
	w->slots[p.level][p.slot] = LINK_END;
	slot_emptied(w, p);
	for (; link != LINK_END; link = next) {
		next = item_of(w, link)->next;
		file(w, link);
	}
	return true;
}

/* Hands out what is due where the wheel stands. */
static size_t
take_current(struct wheel *w, struct wall now, uint32_t *items, size_t n)
{
	unsigned int slot = current_slot(w);
	size_t done = 0;
	uint32_t link;

	if (!w->is_sorted)
		sort(w);
	while (done < n && (link = w->slots[0][slot]) != LINK_END) {
		w->least[slot] = item_of(w, link)->due.ms;
		if (w->least[slot] > now.ms)
			break;
		items[done++] = link - LINK_BASE;
		wheel_remove(w, link - LINK_BASE);
	}
	return done;
}

size_t
wheel_due(struct wheel *w, struct wall now, uint32_t *items, size_t n)
{
	size_t done = 0;

	do {
		done += take_current(w, now, items + done, n - done);
	} while (done < n && advance(w, now.ms));
	return done;
}

size_t
wheel_count(const struct wheel *w)
{
	return w->count;
}

size_t
wheel_memory(const struct wheel *w)
{
	return sizeof(*w);
}
