/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_REPORT_H
#define TRAPLINE_RULES_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/compat.h"

struct policy_messages;

/* Where something stands in a policy. */
struct policy_pos {
	const char *file;   /* as the policy names it */
	unsigned int line;  /* 0: the file as a whole, printed without */
	unsigned int order; /* lines read so far, of all files */
};

/* Messages about one policy while it is read. */
struct report;

struct report *report_new(void);
void report_free(struct report *);
void report_error(struct report *, const struct policy_pos *,
    const char *format, ...) PRINTF_LIKE(3, 4);
void report_warning(struct report *, const struct policy_pos *,
    const char *format, ...) PRINTF_LIKE(3, 4);
size_t report_errors(const struct report *);
/* Moves everything, in the order of the lines, to the end of out. */
void report_finish(struct report *, struct policy_messages *out);

/* Room for any quoted text from a policy, shortened if need be. */
#define REPORT_QUOTE_LEN 96
/* Writes the text in double quotes, printable, not too long.  Returns out. */
const char *report_quote(const char *text, char *out);

/*
 * What the operator may have meant: the word of the list that is at most a
 * slip or two of the pen away, or NULL.  The list ends with NULL.
 */
const char *report_nearest(const char *word, const char *const *list);
/* ", did you mean \"x\"?" for a word, or an empty text.  Returns out. */
const char *report_hint(const char *word, const char *const *list, char *out);

#endif
