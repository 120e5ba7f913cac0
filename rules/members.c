/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Files of table members: one address or prefix a line, "#" starts a comment.
 * A line that is none of this is an error with that file's own line number.
 */

#include <errno.h>
#include <string.h>

#include "engine/prefix.h"
#include "rules/arena.h"
#include "rules/check.h"
#include "rules/input.h"
#include "rules/policy_text.h"
#include "rules/ruleset.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Takes one line without its end. */
static void
member_line(struct check *c, uint16_t table, const char *line, size_t len,
    const struct policy_pos *pos)
{
	const char *comment = memchr(line, '#', len);
	char text[REPORT_QUOTE_LEN], found[REPORT_QUOTE_LEN];
	struct prefix prefix;

	if (comment != NULL)
		len = (size_t)(comment - line);
	while (len > 0 && is_blank(line[len - 1]))
		len--;
	while (len > 0 && is_blank(*line)) {
		line++;
		len--;
	}
	if (len == 0)
		return;
	if (memchr(line, '\0', len) != NULL) {
		report_error(c->report, pos, "NUL byte in a text file");
		return;
	}
	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	memcpy(text, line, len);
	text[len] = '\0';
	if (prefix_parse(text, &prefix) == 0)
		members_add(c, table, &prefix, pos, true);
	else
		report_error(c->report, pos,
		    "expected one address or prefix "
		    "a line, found %s",
		    report_quote(text, found));
}

void
members_read(struct check *c, uint16_t table, const struct conf_word *file)
{
	struct policy_pos pos = {.line = 1, .order = file->pos.order};
	char quoted[REPORT_QUOTE_LEN];
	const char *bytes, *end, *stop;
	size_t len;

	pos.file = input_resolve(c->arena, file->pos.file, file->text);
	if (policy_text_open(c->text, pos.file, c->from_files, &bytes, &len)) {
		report_error(c->report, &file->pos, "cannot read %s: %s",
		    report_quote(pos.file, quoted), strerror(errno));
		return;
	}
	c->ruleset->table_files[table] = rules_strdup(pos.file);
	for (stop = bytes + len; bytes < stop; bytes = end + 1) {
		end = memchr(bytes, '\n', (size_t)(stop - bytes));
		if (end == NULL)
			end = stop;
		member_line(c, table, bytes, (size_t)(end - bytes), &pos);
		pos.line++;
		if (end == stop)
			break;
	}
}
