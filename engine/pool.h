/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_POOL_H
#define TRAPLINE_ENGINE_POOL_H

#include <stddef.h>
#include <stdint.h>

#define POOL_NONE        UINT32_MAX
#define POOL_CHUNK_SHIFT 15
#define POOL_CHUNK       (1U << POOL_CHUNK_SHIFT)

/*
 * Items of one size, named by number, in chunks that are added on demand and
 * never move.  Chunks start on a cache line.
 */
struct pool {
	unsigned char **chunks;
	size_t nchunks;
	size_t item_size;
	uint32_t used; /* numbers below were handed out at some time */
	uint32_t free; /* first of those that came back, or POOL_NONE */
};

/* item_size: a multiple of 8. */
void pool_init(struct pool *, size_t item_size);
void pool_fini(struct pool *);
/* The number of an item with any content; POOL_NONE: memory is out. */
uint32_t pool_add(struct pool *);
/* Gives an item back; its first 4 bytes are the pool's from then on. */
void pool_remove(struct pool *, uint32_t);
size_t pool_memory(const struct pool *);

static inline void *
pool_at(const struct pool *p, uint32_t i)
{
	return p->chunks[i >> POOL_CHUNK_SHIFT] +
	       (size_t)(i & (POOL_CHUNK - 1)) * p->item_size;
}

#endif
