/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_STORE_CHECK_H
#define TRAPLINE_ENGINE_STORE_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* "trap", at offset 68 of the file (SQLite file format, section 1.3). */
#define STORE_APPLICATION_ID UINT32_C(0x74726170)
/* The schema that this trapline writes, at offset 60. */
#define STORE_VERSION 1

/*
 * Judges the file at path by its first bytes, before SQLite may write to it,
 * and makes an empty one (mode 0600) where there is none.  0 when it is empty
 * or a trapline store that this version reads; -1 with the reason, which
 * names the file, in error.  Must not be called for a store that this very
 * process has open: closing the file would drop its lock.
 */
int store_check(const char *path, char *error, size_t size);
/* The same judgement of a file's first n bytes: NULL, or why it is refused. */
const char *store_check_header(const uint8_t *bytes, size_t n);
/* Of the two numbers: NULL, or why such a file is refused. */
const char *store_check_numbers(uint32_t application_id, uint32_t version);

#endif
