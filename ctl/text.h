/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_CTL_TEXT_H
#define TRAPLINE_CTL_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/clock.h"
#include "engine/compat.h"

struct json_object;

/*
 * Prints one object of an answer for a reader.  last: the "what" of the
 * object before, "" at first; a new one begins a new list with its head.
 */
void text_print(FILE *, const struct json_object *, const char *last,
    struct wall now);
/* Prints one event as one line. */
void text_event(FILE *, const struct json_object *);
/* Prints an object of "show source" or "check". */
void text_source(FILE *, const struct json_object *, const char *last,
    struct wall now);
/* Prints "show status". */
void text_status(FILE *, const struct json_object *);

#define TEXT_SPAN_LEN 32

/* A time as RFC 3339 with milliseconds.  0, or -1; "never" is WALL_NEVER. */
int text_time(const char *, struct wall *out);
/* "2026-11-22 09:36:37" or "never".  Returns out. */
const char *text_when(const char *rfc3339, char *out, size_t size);
/* A stretch of time in its two largest units: "5w6d", "3h12m".  Returns out. */
const char *text_span(int64_t ms, char *out, size_t size);
/* How long from now until then, or "never".  Returns out. */
const char *text_left(const char *rfc3339, struct wall now, char *out,
    size_t size);
/* How long from then until now.  Returns out. */
const char *text_ago(const char *rfc3339, struct wall now, char *out,
    size_t size);
/* Bytes as "12.3 MB".  Returns out. */
const char *text_bytes(long long bytes, char *out, size_t size);

#endif
