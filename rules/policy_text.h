/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_POLICY_TEXT_H
#define TRAPLINE_RULES_POLICY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct policy_text;

/*
 * The content of one file, read from the file system if from_files says so
 * and it was not read before.  Borrowed, without a NUL behind it.  0, or -1
 * with errno.
 */
int policy_text_open(struct policy_text *, const char *path, bool from_files,
    const char **bytes, size_t *len);

#endif
