/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_LINKS_H
#define TRAPLINE_SENSORS_LINKS_H

#include <stdint.h>

/*
 * The names of the system's interfaces by their indexes, kept up to date from
 * the kernel's own notices: after links_new() nothing is opened or asked, so
 * a sandboxed process can use it.
 */
struct links;

/* Reads all names that there are.  NULL with errno. */
struct links *links_new(void);
void links_free(struct links *);
/* Takes in what changed since, without blocking. */
void links_update(struct links *);
/* The name, NUL terminated; empty for an index that is not known. */
const char *links_name(const struct links *, uint32_t index);

#endif
