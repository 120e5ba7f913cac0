/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_PARSE_H
#define TRAPLINE_RULES_PARSE_H

#include "rules/conf.h"

struct arena;
struct lexer;

/* The tokens; yacc makes it from rules/parse.y. */
#include "rules/parse.tab.h"

/*
 * Reads all that the lexer has into conf.  What is not in the language is
 * reported, statement by statement.  Not reentrant.
 */
void parse_policy(struct conf *, struct lexer *, struct arena *,
    struct report *);

#endif
