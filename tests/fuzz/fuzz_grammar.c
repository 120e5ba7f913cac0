/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The policy language: any bytes are a policy or are refused with messages,
 * and a policy that is accepted prints to a text that is accepted and prints
 * to itself.  A line "--- NAME" in the input starts a further file, for
 * includes and tables; nothing is ever read from the file system.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/match.h"
#include "rules/ruleset.h"

#define MARK "--- "

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The start of the next "--- NAME" line, or the end. */
static const char *
mark_find(const char *at, const char *end)
{
	for (; at < end; at++) {
		if ((size_t)(end - at) >= strlen(MARK) &&
		    memcmp(at, MARK, strlen(MARK)) == 0)
			break;
		at = memchr(at, '\n', (size_t)(end - at));
		if (at == NULL)
			return end;
	}
	return at;
}

/* Adds the files behind the main one. */
static void
text_add_rest(struct policy_text *text, const char *at, const char *end)
{
	const char *newline, *next;
	char name[64];
	size_t len;

	while (at < end) {
		at += strlen(MARK);
		newline = memchr(at, '\n', (size_t)(end - at));
		if (newline == NULL)
			return;
		len = (size_t)(newline - at);
		if (len >= sizeof(name))
			len = sizeof(name) - 1;
		memcpy(name, at, len);
		name[len] = '\0';
		next = mark_find(newline + 1, end);
		policy_text_add(text, name, newline + 1,
		    (size_t)(next - newline - 1));
		at = next;
	}
}

static struct ruleset *
load(const char *main_file, size_t len, const char *rest, const char *end)
{
	const struct policy_macro macro = {.name = "given", .value = "em0"};
	struct policy_text *text = policy_text_new();
	struct policy_messages messages = {NULL, 0, 0};
	struct ruleset *rs;

	policy_text_add(text, "main", main_file, len);
	text_add_rest(text, rest, end);
	rs = ruleset_load("main", text, false, &macro, 1, &messages);
	if ((rs == NULL) != (messages.nerrors > 0))
		abort();
	policy_messages_free(&messages);
	policy_text_free(text);
	return rs;
}

static char *
print(const struct ruleset *rs, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	ruleset_print(rs, f);
	fclose(f);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data, *end = bytes + size;
	const char *rest = mark_find(bytes, end);
	struct ruleset *rs = load(bytes, (size_t)(rest - bytes), rest, end);
	struct policy_messages messages = {NULL, 0, 0};
	struct ruleset *again;
	char *first, *second;
	size_t first_len, second_len;

	if (rs == NULL)
		return 0;
	first = print(rs, &first_len);
	again = load(first, first_len, rest, end);
	if (again == NULL) {
		fprintf(stderr, "refused what was printed:\n%s", first);
		abort();
	}
	second = print(again, &second_len);
	if (strcmp(first, second) != 0) {
		fprintf(stderr, "printed\n%sthen\n%s", first, second);
		abort();
	}
	ruleset_inherit(again, rs, &messages);
	matcher_free(matcher_new(again));
	policy_messages_free(&messages);
	free(first);
	free(second);
	ruleset_free(rs);
	ruleset_free(again);
	return 0;
}
