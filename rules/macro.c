/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Macros: names for pieces of policy text.  The lexer defines and expands
 * them; the grammar never sees one.
 */

#include "rules/macro.h"

#include <ctype.h>
#include <string.h>

#include "rules/arena.h"

bool
macro_name_is_valid(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (; *name != '\0'; name++) {
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	}
	return true;
}

struct macro *
macro_find(const struct macros *macros, const char *name)
{
	struct macro *m;

	for (m = macros->list; m != NULL; m = m->next) {
		if (strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

void
macro_define(struct macros *macros, struct arena *arena, const char *name,
    const char *value, bool is_fixed)
{
	struct macro *m = macro_find(macros, name);

	if (m != NULL && m->is_fixed && !is_fixed)
		return;
	if (m == NULL) {
		m = arena_alloc(arena, sizeof(*m));
		m->name = arena_text(arena, name, strlen(name));
		m->next = macros->list;
		macros->list = m;
	}
	m->value_len = strlen(value);
	m->value = arena_text(arena, value, m->value_len);
	m->is_fixed = is_fixed;
}
