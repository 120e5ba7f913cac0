/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_LEX_H
#define TRAPLINE_RULES_LEX_H

#include <stdbool.h>

#include "rules/conf.h"

struct arena;
struct input;
struct macros;

/*
 * The lexer: tokens of the grammar, each with its text and its place.  It
 * carries out macro definitions and includes itself.
 */
struct lexer;

struct lexer *lexer_new(struct arena *, struct report *, struct input *,
    struct macros *);
void lexer_free(struct lexer *);
/*
 * The next token; 0 at the end.  *word is set for every token: for those
 * without a text of their own it says what they are.  A token BAD was
 * reported already.
 */
int lexer_next(struct lexer *, struct conf_word **word);
/*
 * Called when a statement was given up at the end of its line: skips what is
 * left of the braces that it had opened.
 */
void lexer_recover(struct lexer *);
/* True when the text is a word that needs no quotes. */
bool lexer_is_plain(const char *text);

#endif
