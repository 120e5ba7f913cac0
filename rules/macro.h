/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_MACRO_H
#define TRAPLINE_RULES_MACRO_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct macro {
	struct macro *next;
	const char *name;
	const char *value;
	size_t value_len;
	bool is_fixed; /* from the command line: the file's own is ignored */
};

/* The macros of one reading; zero it, all memory is the arena's. */
struct macros {
	struct macro *list;
};

/* A letter or "_", then letters, digits and "_". */
bool macro_name_is_valid(const char *);
/* NULL if there is none. */
struct macro *macro_find(const struct macros *, const char *name);
/* Defines, or defines again what is not fixed.  Copies both texts. */
void macro_define(struct macros *, struct arena *, const char *name,
    const char *value, bool is_fixed);

#endif
