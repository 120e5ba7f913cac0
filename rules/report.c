/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Messages about a policy.  They are found in no order (the grammar's first,
 * the checker's later) and leave in the order of the lines.  Texts that come
 * from a file pass report_quote(), which makes them printable.
 */

#include "rules/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/log.h"
#include "rules/arena.h"
#include "rules/ruleset.h"

/* More errors than anybody reads; a garbage file must not fill memory. */
#define REPORT_MOST 1000
#define REPORT_LINE 1024
/* Longest word for which a near miss is looked for. */
#define NEAR_LEN 32

struct report_entry {
	char *text;
	unsigned int order;
	size_t number;
	bool is_warning;
};

struct report {
	struct report_entry *list;
	size_t n;
	size_t nerrors;
};

struct report *
report_new(void)
{
	return rules_alloc(1, sizeof(struct report));
}

void
report_free(struct report *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n; i++)
		free(r->list[i].text);
	free(r->list);
	free(r);
}

static void
report_add(struct report *r, bool is_warning, unsigned int order,
    const char *text)
{
	struct report_entry *e;

	r->list = rules_grow(r->list, r->n, sizeof(*r->list));
	e = &r->list[r->n];
	e->text = rules_strdup(text);
	e->order = order;
	e->number = r->n++;
	e->is_warning = is_warning;
}

static void
report_say(struct report *r, bool is_warning, const struct policy_pos *pos,
    const char *text)
{
	char file[512], line[REPORT_LINE];

	if (!is_warning && r->nerrors++ >= REPORT_MOST)
		return;
	if (is_warning && r->n >= 2 * REPORT_MOST)
		return;
	log_printable(pos->file, strlen(pos->file), file, sizeof(file));
	if (pos->line == 0)
		snprintf(line, sizeof(line), "%s: %s", file, text);
	else
		snprintf(line, sizeof(line), "%s:%u: %s", file, pos->line,
		    text);
	report_add(r, is_warning, pos->order, line);
}

void
report_error(struct report *r, const struct policy_pos *pos, const char *format,
    ...)
{
	char text[REPORT_LINE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	report_say(r, false, pos, text);
}

void
report_warning(struct report *r, const struct policy_pos *pos,
    const char *format, ...)
{
	char text[REPORT_LINE];
	int used = snprintf(text, sizeof(text), "warning: ");
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + used, sizeof(text) - (size_t)used, format, ap);
	va_end(ap);
	report_say(r, true, pos, text);
}

size_t
report_errors(const struct report *r)
{
	return r->nerrors;
}

static int
report_order(const void *one, const void *two)
{
	const struct report_entry *a = one, *b = two;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

void
report_finish(struct report *r, struct policy_messages *out)
{
	struct policy_message *list;
	char more[64];
	size_t i;

	if (r->n == 0)
		return;
	qsort(r->list, r->n, sizeof(*r->list), report_order);
	if (r->nerrors > REPORT_MOST) {
		snprintf(more, sizeof(more), "%zu more errors",
		    r->nerrors - REPORT_MOST);
		report_add(r, false, 0, more);
	}
	list = reallocarray(out->list, out->n + r->n, sizeof(*list));
	if (list == NULL)
		fatal("policy");
	out->list = list;
	for (i = 0; i < r->n; i++) {
		list[out->n].text = r->list[i].text;
		list[out->n++].is_warning = r->list[i].is_warning;
	}
	out->nerrors += r->nerrors;
	r->n = 0;
	r->nerrors = 0;
}

const char *
report_quote(const char *text, char *out)
{
	char clean[REPORT_QUOTE_LEN - 8];
	size_t len = strlen(text);

	/* Every byte may become four. */
	log_printable(text, len < 40 ? len : 40, clean, sizeof(clean));
	snprintf(out, REPORT_QUOTE_LEN, "\"%s%s\"", clean,
	    len > 40 ? "..." : "");
	return out;
}

/* Edits (insert, drop, change, swap of neighbours) between two words. */
static size_t
distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), i, j, best;
	size_t d[NEAR_LEN + 1][NEAR_LEN + 1];

	for (i = 0; i <= la; i++)
		d[i][0] = i;
	for (j = 0; j <= lb; j++)
		d[0][j] = j;
	for (i = 1; i <= la; i++) {
		for (j = 1; j <= lb; j++) {
			best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[la][lb];
}

/*
 * How far a word is from what was perhaps meant: twice the slips of the pen,
 * less one where both start alike.  Half a word is as good as one slip.
 */
static size_t
strangeness(const char *word, const char *meant)
{
	size_t slips = 2 * distance(word, meant), same;

	for (same = 0; word[same] != '\0' && word[same] == meant[same]; same++)
		;
	if (same >= 3 && (word[same] == '\0' || meant[same] == '\0'))
		slips = slips < 2 ? slips : 2;
	return same >= 2 && slips > 0 ? slips - 1 : slips;
}

const char *
report_nearest(const char *word, const char *const *list)
{
	const char *nearest = NULL;
	size_t len = strlen(word), strange, least;

	if (len < 3 || len > NEAR_LEN)
		return NULL;
	least = len < 5 ? 3 : 5;
	for (; *list != NULL; list++) {
		if (strlen(*list) > NEAR_LEN || strcmp(*list, word) == 0)
			continue;
		strange = strangeness(word, *list);
		if (strange < least) {
			least = strange;
			nearest = *list;
		}
	}
	return nearest;
}

const char *
report_hint(const char *word, const char *const *list, char *out)
{
	const char *nearest = report_nearest(word, list);

	out[0] = '\0';
	if (nearest != NULL)
		snprintf(out, REPORT_QUOTE_LEN, "; did you mean \"%s\"?",
		    nearest);
	return out;
}
