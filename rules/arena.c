/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Memory while a policy is read.  The arena hands out pieces of larger
 * blocks and never takes one back; the three rules_ functions serve what
 * stays behind in the rule set.  Running out here is fatal by STYLE 5: a
 * policy is read at the start and at a reload, in a process of its own.
 */

#include "rules/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/log.h"

#define ARENA_BLOCK 16384
#define ARENA_ALIGN 16

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(ARENA_ALIGN) unsigned char bytes[];
};

struct arena {
	struct arena_block *blocks;
};

struct arena *
arena_new(void)
{
	return rules_alloc(1, sizeof(struct arena));
}

void
arena_free(struct arena *arena)
{
	struct arena_block *b, *next;

	if (arena == NULL)
		return;
	for (b = arena->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(arena);
}

static void
arena_add_block(struct arena *arena, size_t least)
{
	size_t size = least > ARENA_BLOCK ? least : ARENA_BLOCK;
	struct arena_block *b;

	b = rules_alloc(1, sizeof(*b) + size);
	b->size = size;
	b->next = arena->blocks;
	arena->blocks = b;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *b;
	void *out;

	if (size > SIZE_MAX / 2)
		fatalx("policy too large");
	size = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	b = arena->blocks;
	if (b == NULL || b->size - b->used < size) {
		arena_add_block(arena, size);
		b = arena->blocks;
	}
	out = b->bytes + b->used;
	b->used += size;
	return out;
}

char *
arena_text(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	memcpy(copy, text, len);
	return copy;
}

void *
rules_alloc(size_t n, size_t size)
{
	void *p = calloc(n == 0 ? 1 : n, size);

	if (p == NULL)
		fatal("policy");
	return p;
}

char *
rules_strdup(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		fatal("policy");
	return copy;
}

void *
rules_grow(void *array, size_t n, size_t size)
{
	void *grown;
	size_t room;

	if (n != 0 && (n & (n - 1)) != 0)
		return array;
	room = n == 0 ? 1 : n * 2;
	grown = reallocarray(array, room, size);
	if (grown == NULL)
		fatal("policy");
	return grown;
}
