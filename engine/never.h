/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_NEVER_H
#define TRAPLINE_ENGINE_NEVER_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/prefix.h"

/*
 * The prefixes that nobody may hold (DESIGN 4.1): a sorted set, built whole
 * and then only asked.
 */
struct never;

struct never *never_new(void);
void never_free(struct never *);
/* Adds a member; why is a constant or otherwise lasting text, such as
 * "own address".  0, or -1 when memory is out. */
int never_add(struct never *, const struct prefix *, const char *why);
/* Sorts.  Must stand between the last never_add() and the first question. */
void never_finish(struct never *);
size_t never_count(const struct never *);
/* The i-th member in order. */
const struct prefix *never_get(const struct never *, size_t i);
/*
 * Would holding this prefix touch a member, by covering it or by lying in it?
 * Returns the member's why, NULL when it would not; *member, if not NULL, is
 * set to the member.
 */
const char *never_forbids(const struct never *, const struct prefix *,
    struct prefix *member);

#endif
