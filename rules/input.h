/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_INPUT_H
#define TRAPLINE_RULES_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/report.h"

struct arena;
struct macro;
struct policy_text;

/*
 * The characters of a policy: a stack of files (the main one, what it
 * includes) and of macro texts that are being expanded.
 */
struct input;

/* What input_peek() says at the end of a file. */
#define INPUT_END (-1)

struct input *input_new(struct arena *, struct report *, struct policy_text *,
    bool from_files);
/*
 * Opens a file on top; a relative name is taken from the directory of the
 * file that names it.  What is wrong is reported at pos, or at the line of
 * the file that is wrong.  0, or -1 when there is nothing to read.
 */
int input_open(struct input *, const char *name, const struct policy_pos *pos);
/* Leaves the file that is at its end.  False when it was the last. */
bool input_close(struct input *);
/*
 * What is being read right now: taken where a macro's name starts, since the
 * name may be the last thing in another macro's text.
 */
struct input_level;
const struct input_level *input_level(const struct input *);
/*
 * Puts the text of a macro that from names on top.  0, or -1 when the macro
 * contains itself or the texts grow beyond reason, with an error reported.
 */
int input_expand(struct input *, const struct macro *,
    const struct input_level *from);

/* The next character, a line continuation as one blank.  Consumes nothing. */
int input_peek(struct input *);
/* The same, and steps over it. */
int input_next(struct input *);
/* True while a macro's text is being read. */
bool input_in_macro(const struct input *);
/* The length of the "<name>" that starts right here, 0 if none does. */
size_t input_table(const struct input *);
/* Where the next character stands. */
struct policy_pos input_pos(const struct input *);

/*
 * How name is reached from the file at base: name itself when it is absolute,
 * else in the same directory.  The arena's.
 */
const char *input_resolve(struct arena *, const char *base, const char *name);

/* Lines longer than this are refused. */
#define INPUT_LINE_MOST 8192

#endif
