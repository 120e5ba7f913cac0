/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Writing of JSON Lines: events, and the control socket's answers.  Objects
 * are flat by design, so that a shell script with jq, or our own small
 * reader in ctl/, needs nothing more.
 */

#include "engine/json.h"

#include <stdio.h>
#include <string.h>

static void
put(struct json *j, const char *text, size_t len)
{
	if (j->is_full || len >= j->size - j->used) {
		j->is_full = true;
		return;
	}
	memcpy(j->out + j->used, text, len);
	j->used += len;
	j->out[j->used] = '\0';
}

static void
put_quoted(struct json *j, const char *text)
{
	const unsigned char *p;
	char escape[8];

	put(j, "\"", 1);
	for (p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\') {
			escape[0] = '\\';
			escape[1] = (char)*p;
			put(j, escape, 2);
		} else if (*p < ' ' || *p > '~') {
			snprintf(escape, sizeof(escape), "\\u%04x", *p);
			put(j, escape, 6);
		} else {
			put(j, (const char *)p, 1);
		}
	}
	put(j, "\"", 1);
}

static void
put_key(struct json *j, const char *key)
{
	if (j->has_member)
		put(j, ",", 1);
	j->has_member = true;
	put_quoted(j, key);
	put(j, ":", 1);
}

void
json_begin(struct json *j, char *out, size_t size)
{
	j->out = out;
	j->size = size;
	j->used = 0;
	j->is_full = size == 0;
	j->has_member = false;
	if (size > 0)
		out[0] = '\0';
	put(j, "{", 1);
}

void
json_string(struct json *j, const char *key, const char *text)
{
	put_key(j, key);
	put_quoted(j, text);
}

void
json_int(struct json *j, const char *key, int64_t value)
{
	char text[24];

	put_key(j, key);
	snprintf(text, sizeof(text), "%lld", (long long)value);
	put(j, text, strlen(text));
}

void
json_real(struct json *j, const char *key, double value, int decimals)
{
	char text[64];

	put_key(j, key);
	snprintf(text, sizeof(text), "%.*f", decimals, value);
	put(j, text, strlen(text));
}

void
json_bool(struct json *j, const char *key, bool value)
{
	put_key(j, key);
	put(j, value ? "true" : "false", value ? 4 : 5);
}

size_t
json_end(struct json *j)
{
	put(j, "}", 1);
	return j->is_full ? 0 : j->used;
}
