/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * A sorted set of prefixes.  Prefixes either nest or are disjoint, so each
 * member knows the next wider member around it; a question finds its place by
 * bisection and then only looks at one neighbour and a chain of enclosures.
 */

#include "engine/never.h"

#include <stdint.h>
#include <stdlib.h>

#define NO_MEMBER SIZE_MAX

struct member {
	struct prefix prefix;
	const char *why;
	size_t around; /* the narrowest member that covers this one */
};

struct never {
	struct member *list;
	size_t n, room;
};

struct never *
never_new(void)
{
	return calloc(1, sizeof(struct never));
}

void
never_free(struct never *never)
{
	if (never == NULL)
		return;
	free(never->list);
	free(never);
}

int
never_add(struct never *never, const struct prefix *prefix, const char *why)
{
	struct member *list;
	size_t room;

	if (never->n == never->room) {
		room = never->room == 0 ? 32 : never->room * 2;
		list = reallocarray(never->list, room, sizeof(*list));
		if (list == NULL)
			return -1;
		never->list = list;
		never->room = room;
	}
	never->list[never->n++] =
	    (struct member){.prefix = *prefix, .why = why};
	return 0;
}

static int
member_cmp(const void *a, const void *b)
{
	const struct member *left = a, *right = b;

	return prefix_cmp(&left->prefix, &right->prefix);
}

/* Of equal members the first stays. */
static void
drop_repetitions(struct never *never)
{
	size_t i, kept = 0;

	for (i = 0; i < never->n; i++) {
		if (kept > 0 && prefix_equal(&never->list[kept - 1].prefix,
				    &never->list[i].prefix))
			continue;
		never->list[kept++] = never->list[i];
	}
	never->n = kept;
}

/* The narrowest of `from` and what is around it that covers the prefix. */
static size_t
around(const struct never *never, size_t from, const struct prefix *prefix)
{
	while (from != NO_MEMBER &&
	       !prefix_covers(&never->list[from].prefix, prefix))
		from = never->list[from].around;
	return from;
}

void
never_finish(struct never *never)
{
	size_t i;

	if (never->n == 0)
		return;
	qsort(never->list, never->n, sizeof(*never->list), member_cmp);
	drop_repetitions(never);
	never->list[0].around = NO_MEMBER;
	for (i = 1; i < never->n; i++)
		never->list[i].around =
		    around(never, i - 1, &never->list[i].prefix);
}

size_t
never_count(const struct never *never)
{
	return never->n;
}

const struct prefix *
never_get(const struct never *never, size_t i)
{
	return &never->list[i].prefix;
}

/* How many members stand before the prefix or are equal to it. */
static size_t
count_up_to(const struct never *never, const struct prefix *prefix)
{
	size_t low = 0, high = never->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (prefix_cmp(&never->list[middle].prefix, prefix) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const char *
never_forbids(const struct never *never, const struct prefix *prefix,
    struct prefix *member)
{
	size_t next = count_up_to(never, prefix);
	size_t found = NO_MEMBER;

	if (next > 0)
		found = around(never, next - 1, prefix);
	/* What the prefix covers sorts right behind it. */
	if (found == NO_MEMBER && next < never->n &&
	    prefix_covers(prefix, &never->list[next].prefix))
		found = next;
	if (found == NO_MEMBER)
		return NULL;
	if (member != NULL)
		*member = never->list[found].prefix;
	return never->list[found].why;
}
