/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_ARENA_H
#define TRAPLINE_RULES_ARENA_H

#include <stddef.h>

/*
 * Memory for one reading of a policy, freed whole at its end: what the
 * grammar builds needs no owner then, in whatever state an error leaves it.
 */
struct arena;

/* Like all of reading a policy: ends the process when memory is out. */
struct arena *arena_new(void);
void arena_free(struct arena *);
/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *, size_t);
/* A copy of len bytes, with a NUL behind them. */
char *arena_text(struct arena *, const char *, size_t len);

/* For what outlives the reading: zeroed array, copy, or the end. */
void *rules_alloc(size_t n, size_t size);
char *rules_strdup(const char *);
/*
 * Makes room for one element more behind n in an array whose room grows by
 * doubling.  The array is the caller's to free().
 */
void *rules_grow(void *array, size_t n, size_t size);

#endif
