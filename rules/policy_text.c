/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The files of a policy.  Whoever may read the file system loads a policy
 * once and hands the texts on; a process without that right loads the same
 * policy from them.  Bytes stay where they are until the whole is freed, so
 * that the lexer reads them in place.
 */

#include "rules/policy_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/ruleset.h"

/* A table's file of five million addresses still fits. */
#define FILE_MOST (256U * 1024 * 1024)
/* A path is printed and read again as one word. */
#define PATH_MOST 1000

struct policy_file {
	char *path;
	char *bytes;
	size_t len;
};

struct policy_text {
	struct policy_file *files;
	size_t n;
};

struct policy_text *
policy_text_new(void)
{
	return calloc(1, sizeof(struct policy_text));
}

void
policy_text_free(struct policy_text *text)
{
	size_t i;

	if (text == NULL)
		return;
	for (i = 0; i < text->n; i++) {
		free(text->files[i].path);
		free(text->files[i].bytes);
	}
	free(text->files);
	free(text);
}

/* Keeps bytes, which came from malloc(), or frees them. */
static int
policy_text_take(struct policy_text *text, const char *path, char *bytes,
    size_t len)
{
	struct policy_file *files;
	char *name;

	files = reallocarray(text->files, text->n + 1, sizeof(*files));
	if (files != NULL)
		text->files = files;
	name = strdup(path);
	if (files == NULL || name == NULL) {
		free(name);
		free(bytes);
		return -1;
	}
	files[text->n].path = name;
	files[text->n].bytes = bytes;
	files[text->n++].len = len;
	return 0;
}

int
policy_text_add(struct policy_text *text, const char *path, const void *bytes,
    size_t len)
{
	char *copy = malloc(len == 0 ? 1 : len);

	if (copy == NULL)
		return -1;
	if (len > 0)
		memcpy(copy, bytes, len);
	return policy_text_take(text, path, copy, len);
}

size_t
policy_text_count(const struct policy_text *text)
{
	return text->n;
}

const char *
policy_text_get(const struct policy_text *text, size_t i, const void **bytes,
    size_t *len)
{
	*bytes = text->files[i].bytes;
	*len = text->files[i].len;
	return text->files[i].path;
}

/* Reads to the end of the file.  0, or -1 with errno. */
static int
read_all(FILE *f, char **bytes, size_t *len)
{
	size_t room = 0, got;
	char *grown;

	*bytes = NULL;
	*len = 0;
	do {
		if (room - *len < 4096) {
			room = room == 0 ? 16384 : room * 2;
			grown = realloc(*bytes, room);
			if (grown == NULL)
				return -1;
			*bytes = grown;
		}
		got = fread(*bytes + *len, 1, room - *len, f);
		*len += got;
		if (*len > FILE_MOST) {
			errno = EFBIG;
			return -1;
		}
	} while (got > 0);
	return ferror(f) ? -1 : 0;
}

static int
policy_text_read(struct policy_text *text, const char *path)
{
	size_t len;
	char *bytes;
	FILE *f = fopen(path, "re");
	int failed, saved;

	if (f == NULL)
		return -1;
	failed = read_all(f, &bytes, &len);
	saved = errno;
	fclose(f);
	if (failed) {
		free(bytes);
		errno = saved;
		return -1;
	}
	return policy_text_take(text, path, bytes, len);
}

int
policy_text_open(struct policy_text *text, const char *path, bool from_files,
    const char **bytes, size_t *len)
{
	size_t i;

	if (strlen(path) > PATH_MOST) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (i = 0; i < text->n && strcmp(text->files[i].path, path) != 0; i++)
		;
	if (i == text->n && !from_files) {
		errno = ENOENT;
		return -1;
	}
	if (i == text->n && policy_text_read(text, path) == -1)
		return -1;
	*bytes = text->files[i].bytes;
	*len = text->files[i].len;
	return 0;
}
