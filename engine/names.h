/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_NAMES_H
#define TRAPLINE_ENGINE_NAMES_H

#include <stdint.h>

/*
 * Texts that many holds share (a rule's label, a neighbour, a cause), each
 * kept once for the life of the process and named by a small number.
 */
struct names;

struct names *names_new(void);
void names_free(struct names *);
/* The number of a text, a new one if need be; 0, the empty text, when memory
 * is out. */
uint32_t names_intern(struct names *, const char *text);
/* The text of a number that names_intern() returned. */
const char *names_text(const struct names *, uint32_t);

#endif
