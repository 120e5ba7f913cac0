/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * A small reader for flat JSON objects.  It copies keys and values into the
 * object's own buffer, decoding on the way; a decoded string is never longer
 * than its source, so the buffer, twice the longest line, always suffices.
 */

#include "ctl/json_read.h"

#include <stdlib.h>
#include <string.h>

struct reader {
	const char *at, *end;
	char *out;
	size_t room;
};

static void
skip_blanks(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' ||
				     *r->at == '\r' || *r->at == '\n'))
		r->at++;
}

/* Steps over one character if it is next. */
static bool
take(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static int
put(struct reader *r, char c)
{
	if (r->room == 0)
		return -1;
	*r->out++ = c;
	r->room--;
	return 0;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Behind "\u": four digits. */
static int
read_unicode(struct reader *r)
{
	unsigned int code = 0;
	int i, digit;

	if (r->end - r->at < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		digit = hex_value(r->at[i]);
		if (digit == -1)
			return -1;
		code = code * 16 + (unsigned int)digit;
	}
	if (code >= ' ' && code <= '~') {
		r->at += 4;
		return put(r, (char)code);
	}
	if (put(r, '\\') == -1 || put(r, 'u') == -1)
		return -1;
	for (i = 0; i < 4; i++) {
		if (put(r, *r->at++) == -1)
			return -1;
	}
	return 0;
}

/* Behind a backslash. */
static int
read_escape(struct reader *r)
{
	char c;

	if (r->at == r->end)
		return -1;
	c = *r->at++;
	if (c == '"' || c == '\\' || c == '/')
		return put(r, c);
	if (c == 'u')
		return read_unicode(r);
	if (c == '\0' || strchr("bfnrt", c) == NULL)
		return -1;
	return put(r, '\\') == -1 ? -1 : put(r, c);
}

/* A string into the buffer, NUL terminated; NULL when it is none. */
static const char *
read_string(struct reader *r)
{
	const char *start = r->out;
	unsigned char c;

	if (!take(r, '"'))
		return NULL;
	while (r->at < r->end && *r->at != '"') {
		c = (unsigned char)*r->at++;
		if (c < ' ')
			return NULL;
		if (c == '\\') {
			if (read_escape(r) == -1)
				return NULL;
		} else if (put(r, c > '~' ? '?' : (char)c) == -1) {
			return NULL;
		}
	}
	return take(r, '"') && put(r, '\0') == 0 ? start : NULL;
}

static size_t
take_digits(struct reader *r)
{
	const char *start = r->at;

	while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
		r->at++;
	return (size_t)(r->at - start);
}

/* Steps over a number; false when it is none. */
static bool
skip_number(struct reader *r)
{
	(void)take(r, '-');
	if (!take(r, '0') && take_digits(r) == 0)
		return false;
	if (take(r, '.') && take_digits(r) == 0)
		return false;
	if (take(r, 'e') || take(r, 'E')) {
		if (!take(r, '+'))
			(void)take(r, '-');
		if (take_digits(r) == 0)
			return false;
	}
	return true;
}

/* Steps over true, false or null. */
static bool
skip_word(struct reader *r)
{
	static const char *const words[] = {"true", "false", "null"};
	size_t i, len;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		len = strlen(words[i]);
		if ((size_t)(r->end - r->at) >= len &&
		    memcmp(r->at, words[i], len) == 0) {
			r->at += len;
			return true;
		}
	}
	return false;
}

/* A number or one of the three words, copied as written. */
static const char *
read_plain(struct reader *r)
{
	const char *from = r->at, *start = r->out;

	if (!skip_word(r) && !skip_number(r))
		return NULL;
	for (; from < r->at; from++) {
		if (put(r, *from) == -1)
			return NULL;
	}
	return put(r, '\0') == 0 ? start : NULL;
}

static int
read_member(struct reader *r, struct json_object *o)
{
	const char *key, *value;
	bool is_string;

	if (o->n == JSON_MEMBERS_MAX)
		return -1;
	skip_blanks(r);
	key = read_string(r);
	skip_blanks(r);
	if (key == NULL || !take(r, ':'))
		return -1;
	skip_blanks(r);
	is_string = r->at < r->end && *r->at == '"';
	value = is_string ? read_string(r) : read_plain(r);
	if (value == NULL)
		return -1;
	o->members[o->n].key = key;
	o->members[o->n].value = value;
	o->members[o->n].is_string = is_string;
	o->n++;
	skip_blanks(r);
	return 0;
}

int
json_read(struct json_object *o, const char *bytes, size_t len)
{
	struct reader r = {bytes, bytes + len, o->text, sizeof(o->text)};

	o->n = 0;
	skip_blanks(&r);
	if (!take(&r, '{'))
		return -1;
	skip_blanks(&r);
	if (!take(&r, '}')) {
		do {
			if (read_member(&r, o) == -1)
				return -1;
		} while (take(&r, ','));
		if (!take(&r, '}'))
			return -1;
	}
	skip_blanks(&r);
	return r.at == r.end ? 0 : -1;
}

const char *
json_get(const struct json_object *o, const char *key)
{
	size_t i;

	for (i = 0; i < o->n; i++) {
		if (strcmp(o->members[i].key, key) == 0)
			return o->members[i].value;
	}
	return NULL;
}

const char *
json_text(const struct json_object *o, const char *key)
{
	const char *value = json_get(o, key);

	return value != NULL ? value : "";
}

long long
json_number(const struct json_object *o, const char *key)
{
	return strtoll(json_text(o, key), NULL, 10);
}

bool
json_is_true(const struct json_object *o, const char *key)
{
	size_t i;

	for (i = 0; i < o->n; i++) {
		if (strcmp(o->members[i].key, key) == 0)
			return !o->members[i].is_string &&
			       strcmp(o->members[i].value, "true") == 0;
	}
	return false;
}
