/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_CTL_JSON_READ_H
#define TRAPLINE_CTL_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/control_protocol.h"

#define JSON_MEMBERS_MAX 64

/*
 * One flat JSON object (RFC 8259, no arrays or objects within) as the control
 * protocol sends them.  Values are texts: numbers as written, "true",
 * "false", "null".  In strings only printable ASCII is decoded; any other
 * escape stays as it was written, and other bytes become "?", so that what
 * is read can be shown on a terminal.
 */
struct json_object {
	struct {
		const char *key;
		const char *value;
		bool is_string;
	} members[JSON_MEMBERS_MAX];
	size_t n;
	char text[2 * CONTROL_ANSWER_MAX]; /* what members point into */
};

/*
 * Reads exactly one object out of len bytes, with blanks around it allowed.
 * 0, or -1 for anything else, or when it has too many members or bytes.
 */
int json_read(struct json_object *, const char *bytes, size_t len);
/* The first value of a key; NULL if there is none. */
const char *json_get(const struct json_object *, const char *key);
/* The same, for printing: "" if there is none. */
const char *json_text(const struct json_object *, const char *key);
/* 0 if there is none, or it is no number. */
long long json_number(const struct json_object *, const char *key);
/* True for the literal true only. */
bool json_is_true(const struct json_object *, const char *key);

#endif
