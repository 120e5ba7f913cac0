/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_JSON_H
#define TRAPLINE_ENGINE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes one flat JSON object into a caller's buffer (RFC 8259).  Keys come
 * out in the order of the calls.  What does not fit sets is_full, and the
 * text is then of no use.
 */
struct json {
	char *out;
	size_t size;
	size_t used;
	bool is_full;
	bool has_member;
};

void json_begin(struct json *, char *out, size_t size);
/* text: NUL terminated; control characters and non-ASCII are escaped. */
void json_string(struct json *, const char *key, const char *text);
void json_int(struct json *, const char *key, int64_t);
/* value with the given number of decimals. */
void json_real(struct json *, const char *key, double value, int decimals);
void json_bool(struct json *, const char *key, bool);
/* Closes the object and terminates it.  Length without NUL; 0 if it is full. */
size_t json_end(struct json *);

#endif
