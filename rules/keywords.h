/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_KEYWORDS_H
#define TRAPLINE_RULES_KEYWORDS_H

#include <stdbool.h>

/* One word of the language. */
struct keyword {
	const char *name;
	int token;           /* of the grammar */
	bool is_statement;   /* a statement starts with it */
	const char *follows; /* what stands behind it, for messages */
	const char *place;   /* where it stands; NULL: see the name */
};

/* NULL when the word is none. */
const struct keyword *keyword_find(const char *word);
const struct keyword *keyword_of_token(int token);
/* The names of all, or of those that start a statement, ended by NULL. */
const char *const *keyword_names(bool statements_only);

#endif
