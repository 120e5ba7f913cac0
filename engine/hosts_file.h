/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_HOSTS_FILE_H
#define TRAPLINE_ENGINE_HOSTS_FILE_H

struct addr;

/* Called for every pair of an address and one of its names, as written. */
typedef void hosts_file_visit(void *arg, const struct addr *, const char *name);

/*
 * Reads a file as hosts(5) describes it; lines that are none of it are left
 * out.  0, or -1 with errno.
 */
int hosts_file_read(const char *path, hosts_file_visit *, void *arg);

#endif
