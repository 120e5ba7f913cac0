/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_STORE_FILE_H
#define TRAPLINE_ENGINE_STORE_FILE_H

#include <stddef.h>

struct sqlite3;

/*
 * Opens or makes the store's file: judged, locked against others, in
 * write-ahead mode, with the tables of this version.  NULL with the reason,
 * which names the file, in error; the file is then as it was.
 */
struct sqlite3 *store_file_open(const char *path, char *error, size_t size);
/*
 * Makes SQLite open all that it ever opens (the source of random numbers, the
 * log, once the directory to sync it); a commit must have been made before.
 * 0, or -1 with the reason in error.
 */
int store_file_settle(struct sqlite3 *, const char *path, char *error,
    size_t size);
/* Puts the reason of SQLite's last failure into words.  Returns -1. */
int store_file_fail(struct sqlite3 *, const char *path, const char *doing,
    char *error, size_t size);

#endif
