/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Answers for a reader: lists as aligned columns that fit 80 where what is in
 * them does, everything else as a sentence.  Rows are printed as they come,
 * since a table may have a million of them.
 */

#include "ctl/text.h"

#include <string.h>

#include "ctl/json_read.h"

enum column_type {
	COLUMN_TEXT,
	COLUMN_NAME,   /* too long a one has a line of its own */
	COLUMN_TABLE,  /* the same, in <> */
	COLUMN_NUMBER, /* to the right */
	COLUMN_WHEN,
	COLUMN_LEFT, /* how long until then */
	COLUMN_AGO,
};

struct column {
	const char *head;
	const char *key;
	int width;
	enum column_type type;
};

struct list {
	const char *what;
	struct column columns[8];
};

static const struct list lists[] = {
    {"table", {{"TABLE", "table", 24, COLUMN_TABLE},
		  {"ENTRIES", "entries", 9, COLUMN_NUMBER},
		  {"EXPIRE", "expire", 8, COLUMN_TEXT},
		  {"FROM", "from", 6, COLUMN_TEXT},
		  {"ENFORCE", "enforce", 8, COLUMN_TEXT}}},
    {"entry",
	{{"PREFIX", "prefix", 18, COLUMN_TEXT},
	    {"LEFT", "expires", 6, COLUMN_LEFT},
	    {"SINCE", "since", 6, COLUMN_AGO},
	    {"ORIGIN", "origin", 8, COLUMN_TEXT}, {"BY", "by", 8, COLUMN_TEXT},
	    {"CAUSE", "cause", 0, COLUMN_TEXT}}},
    {"rule", {{"LINE", "line", 4, COLUMN_NUMBER},
		 {"SOURCES", "sources", 8, COLUMN_NUMBER},
		 {"RULE", "text", 0, COLUMN_TEXT}}},
    {"sensor", {{"SENSOR", "sensor", 20, COLUMN_NAME},
		   {"STATE", "state", 8, COLUMN_TEXT},
		   {"PACKETS", "packets", 10, COLUMN_NUMBER},
		   {"OBSERVED", "observations", 10, COLUMN_NUMBER},
		   {"LOST", "lost_kernel", 7, COLUMN_NUMBER},
		   {"BAD", "undecodable", 6, COLUMN_NUMBER},
		   {"FLOWS", "flows", 7, COLUMN_NUMBER}}},
    {"never", {{"PREFIX", "prefix", 30, COLUMN_TEXT},
		  {"WHY", "why", 0, COLUMN_TEXT}}},
    {"name",
	{{"NAME", "name", 30, COLUMN_TEXT}, {"STATE", "state", 10, COLUMN_TEXT},
	    {"ADDRESSES", "addresses", 9, COLUMN_NUMBER},
	    {"FAILURES", "failures", 9, COLUMN_NUMBER},
	    {"SINCE", "since", 6, COLUMN_AGO}}},
    {"pardon", {{"PREFIX", "prefix", 30, COLUMN_TEXT},
		   {"UNTIL", "until", 20, COLUMN_WHEN},
		   {"LEFT", "until", 6, COLUMN_LEFT}}},
};

static const struct list *
list_find(const char *what)
{
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (strcmp(lists[i].what, what) == 0)
			return &lists[i];
	}
	return NULL;
}

static void
print_cell(FILE *out, const struct column *c, const char *text, bool is_last)
{
	if (c->type == COLUMN_NUMBER)
		fprintf(out, "%*s", c->width, text);
	else if (is_last)
		fprintf(out, "%s", text);
	else if (c->type != COLUMN_TEXT && strlen(text) > (size_t)c->width)
		fprintf(out, "%s\n%*s", text, c->width, "");
	else
		fprintf(out, "%-*s", c->width, text);
	fputs(is_last ? "\n" : "  ", out);
}

static bool
is_last_column(const struct list *list, size_t i)
{
	return i + 1 == sizeof(list->columns) / sizeof(list->columns[0]) ||
	       list->columns[i + 1].head == NULL;
}

static void
print_head(FILE *out, const struct list *list)
{
	size_t i = 0;

	do
		print_cell(out, &list->columns[i], list->columns[i].head,
		    is_last_column(list, i));
	while (!is_last_column(list, i++));
}

/* The text of a cell; room is used where it has to be made. */
static const char *
cell_text(const struct json_object *o, const struct column *c, struct wall now,
    char *room, size_t size)
{
	const char *text = json_text(o, c->key);

	switch (c->type) {
	case COLUMN_TABLE:
		snprintf(room, size, "<%s>", text);
		return room;
	case COLUMN_WHEN:
		return text_when(text, room, size);
	case COLUMN_LEFT:
		return text_left(text, now, room, size);
	case COLUMN_AGO:
		return text_ago(text, now, room, size);
	default:
		return text[0] != '\0' ? text : "-";
	}
}

static void
print_row(FILE *out, const struct list *list, const struct json_object *o,
    struct wall now)
{
	char room[64];
	size_t i = 0;

	do
		print_cell(out, &list->columns[i],
		    cell_text(o, &list->columns[i], now, room, sizeof(room)),
		    is_last_column(list, i));
	while (!is_last_column(list, i++));
}

static void
print_until(FILE *out, const struct json_object *o, const char *key,
    struct wall now)
{
	char when[WALL_STRLEN], left[TEXT_SPAN_LEN];

	text_when(json_text(o, key), when, sizeof(when));
	if (strcmp(when, "never") == 0)
		fputs("for ever", out);
	else
		fprintf(out, "until %s UTC (%s)", when,
		    text_left(json_text(o, key), now, left, sizeof(left)));
}

static void
print_pardoned(FILE *out, const struct json_object *o, struct wall now)
{
	fprintf(out, "%s: pardoned ", json_text(o, "prefix"));
	print_until(out, o, "until", now);
	fprintf(out, ", %lld %s released\n", json_number(o, "released"),
	    json_number(o, "released") == 1 ? "entry" : "entries");
}

static void
print_added(FILE *out, const struct json_object *o, struct wall now)
{
	const char *outcome = json_text(o, "outcome");

	fprintf(out, "<%s>: %s %s", json_text(o, "table"),
	    json_text(o, "prefix"),
	    strcmp(outcome, "unchanged") == 0  ? "was already held, "
	    : strcmp(outcome, "extended") == 0 ? "was already held, extended "
					       : "held ");
	print_until(out, o, "expires", now);
	fputc('\n', out);
}

static void
print_loaded(FILE *out, const struct json_object *o, struct wall now)
{
	fprintf(out, "<%s>: %lld held ", json_text(o, "table"),
	    json_number(o, "held"));
	print_until(out, o, "expires", now);
	if (json_number(o, "refused") > 0)
		fprintf(out, ", %lld refused", json_number(o, "refused"));
	if (json_number(o, "bad") > 0)
		fprintf(out, ", %lld not understood", json_number(o, "bad"));
	fputc('\n', out);
}

/* What a command did, as a sentence. */
static void
print_sentence(FILE *out, const struct json_object *o, const char *what,
    struct wall now)
{
	if (strcmp(what, "add") == 0)
		print_added(out, o, now);
	else if (strcmp(what, "delete") == 0)
		fprintf(out, "<%s>: %s released\n", json_text(o, "table"),
		    json_text(o, "prefix"));
	else if (strcmp(what, "pardon") == 0)
		print_pardoned(out, o, now);
	else if (strcmp(what, "flush") == 0)
		fprintf(out, "<%s>: %lld released, %lld left%s\n",
		    json_text(o, "table"), json_number(o, "released"),
		    json_number(o, "left"),
		    json_number(o, "left") > 0 ? " (named by the policy)" : "");
	else if (strcmp(what, "load") == 0)
		print_loaded(out, o, now);
	else if (strcmp(what, "couple") == 0)
		fputs("coupled: the firewall is kept in line again\n", out);
	else if (strcmp(what, "decouple") == 0)
		fputs("decoupled: all is decided and shown, the firewall is "
		      "not touched\n",
		    out);
	if (json_is_true(o, "decoupled") && strcmp(what, "decouple") != 0)
		fputs("decoupled: the firewall is not touched\n", out);
}

void
text_print(FILE *out, const struct json_object *o, const char *last,
    struct wall now)
{
	const char *what = json_text(o, "what");
	const struct list *list = list_find(what);

	if (strcmp(what, "undecodable") == 0) {
		fprintf(out, "    %lld not decoded: %s\n",
		    json_number(o, "count"), json_text(o, "reason"));
		return;
	}
	if (list == NULL || json_get(o, "released") != NULL) {
		print_sentence(out, o, what, now);
		return;
	}
	if (strcmp(last, what) != 0 &&
	    (strcmp(last, "undecodable") != 0 || strcmp(what, "sensor") != 0))
		print_head(out, list);
	print_row(out, list, o, now);
}

void
text_event(FILE *out, const struct json_object *o)
{
	const char *by = json_text(o, "by"), *cause = json_text(o, "cause");
	char when[WALL_STRLEN];

	fprintf(out, "%s %-7s <%s> %s",
	    text_when(json_text(o, "time"), when, sizeof(when)),
	    json_text(o, "event"), json_text(o, "table"),
	    json_text(o, "prefix"));
	if (json_get(o, "expires") != NULL)
		fprintf(out, " until %s",
		    text_when(json_text(o, "expires"), when, sizeof(when)));
	fprintf(out, " by %s%s%s", json_text(o, "origin"),
	    by[0] != '\0' ? " " : "", by);
	if (cause[0] != '\0')
		fprintf(out, ": %s", cause);
	if (json_get(o, "count") != NULL)
		fprintf(out, " (%s)", json_text(o, "count"));
	fputc('\n', out);
}
