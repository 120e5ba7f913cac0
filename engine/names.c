/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Texts by number.  A policy has some hundreds of them and a million holds
 * point at them, so a hold keeps four bytes and the text lives here, once.
 * Nothing is ever taken out: the policy's author alone makes new texts.
 */

#include "engine/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64

struct names {
	char **texts;
	uint32_t count;
	uint32_t *slots; /* text number + 1; 0 is free */
	uint32_t size;   /* of texts and half that of slots; a power of two */
};

static uint32_t
hash_text(const char *text)
{
	uint32_t hash = 2166136261U;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash ^ hash >> 15;
}

/* The slot that has the text, or the free one where it belongs. */
static uint32_t *
find_slot(char **texts, uint32_t *slots, uint32_t size, const char *text)
{
	uint32_t i = hash_text(text) & (size * 2 - 1);

	while (slots[i] != 0 && strcmp(texts[slots[i] - 1], text) != 0)
		i = (i + 1) & (size * 2 - 1);
	return &slots[i];
}

static int
grow(struct names *names, uint32_t size)
{
	char **texts;
	uint32_t *slots, i;

	if (size < names->size)
		return -1;
	texts = reallocarray(names->texts, size, sizeof(*texts));
	if (texts == NULL)
		return -1;
	names->texts = texts;
	slots = calloc((size_t)size * 2, sizeof(*slots));
	if (slots == NULL)
		return -1;
	for (i = 0; i < names->count; i++)
		*find_slot(texts, slots, size, texts[i]) = i + 1;
	free(names->slots);
	names->slots = slots;
	names->size = size;
	return 0;
}

struct names *
names_new(void)
{
	struct names *names = calloc(1, sizeof(*names));

	if (names == NULL)
		return NULL;
	/* The empty text is the first and has number 0. */
	if (grow(names, FIRST_SIZE) == -1)
		goto fail;
	names_intern(names, "");
	if (names->count == 0)
		goto fail;
	return names;

fail:
	names_free(names);
	return NULL;
}

void
names_free(struct names *names)
{
	uint32_t i;

	if (names == NULL)
		return;
	for (i = 0; i < names->count; i++)
		free(names->texts[i]);
	free(names->texts);
	free(names->slots);
	free(names);
}

uint32_t
names_intern(struct names *names, const char *text)
{
	uint32_t *slot;
	char *copy;

	slot = find_slot(names->texts, names->slots, names->size, text);
	if (*slot != 0)
		return *slot - 1;
	if (names->count == names->size) {
		if (grow(names, names->size * 2) == -1)
			return 0;
		slot = find_slot(names->texts, names->slots, names->size, text);
	}
	copy = strdup(text);
	if (copy == NULL)
		return 0;
	names->texts[names->count++] = copy;
	*slot = names->count;
	return names->count - 1;
}

const char *
names_text(const struct names *names, uint32_t number)
{
	assert(number < names->count);
	return names->texts[number];
}
