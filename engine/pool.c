/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Memory for the many small things of one size: sources, entries, holds.
 * Numbers of four bytes stand for pointers of eight, and numbers that came
 * back are given out again, the latest first.
 */

#include "engine/pool.h"

#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"

void
pool_init(struct pool *p, size_t item_size)
{
	memset(p, 0, sizeof(*p));
	p->item_size = item_size;
	p->free = POOL_NONE;
}

void
pool_fini(struct pool *p)
{
	size_t i;

	for (i = 0; i < p->nchunks; i++)
		free(p->chunks[i]);
	free(p->chunks);
	pool_init(p, p->item_size);
}

static int
add_chunk(struct pool *p)
{
	unsigned char **chunks;

	if (p->used >= POOL_NONE - POOL_CHUNK)
		return -1;
	chunks = reallocarray(p->chunks, p->nchunks + 1, sizeof(*chunks));
	if (chunks == NULL)
		return -1;
	p->chunks = chunks;
	chunks[p->nchunks] = compat_alloc_lines(POOL_CHUNK * p->item_size);
	if (chunks[p->nchunks] == NULL)
		return -1;
	p->nchunks++;
	return 0;
}

uint32_t
pool_add(struct pool *p)
{
	uint32_t i = p->free;

	if (i != POOL_NONE) {
		memcpy(&p->free, pool_at(p, i), sizeof(p->free));
		return i;
	}
	if (p->used == p->nchunks * POOL_CHUNK && add_chunk(p) == -1)
		return POOL_NONE;
	return p->used++;
}

void
pool_remove(struct pool *p, uint32_t i)
{
	memcpy(pool_at(p, i), &p->free, sizeof(p->free));
	p->free = i;
}

size_t
pool_memory(const struct pool *p)
{
	return p->nchunks * (POOL_CHUNK * p->item_size + sizeof(*p->chunks));
}
