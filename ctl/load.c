/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * "load TABLE FILE": the daemon may open nothing, so the file is read here,
 * judged whole, and its prefixes are sent behind the command.  Nothing is
 * sent of a file that has a bad line.
 */

#include "ctl/load.h"

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"
#include "engine/control_protocol.h"
#include "engine/prefix.h"

#define FILE_LINE_MAX 1024
/* Room in front of the lines for the command. */
#define HEAD_MAX 128

/* Cuts comment and blanks off; "" when nothing is left. */
static char *
trim(char *text)
{
	size_t len;

	text[strcspn(text, "#\r\n")] = '\0';
	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		text[--len] = '\0';
	return text;
}

static void
grow(struct load *l, size_t more)
{
	if (l->size - l->len < more) {
		l->size = (l->size + more) * 2;
		l->bytes = realloc(l->bytes, l->size);
	}
	if (l->n == l->room) {
		l->room = l->room * 2 + 64;
		l->lines = reallocarray(l->lines, l->room, sizeof(l->lines[0]));
	}
	if (l->bytes == NULL || l->lines == NULL)
		err(1, "%s", l->path);
}

static void
keep(struct load *l, const struct prefix *p, unsigned int line)
{
	char text[PREFIX_STRLEN];
	size_t len;

	prefix_format(p, text, sizeof(text));
	len = strlen(text);
	grow(l, len + 1);
	memcpy(l->bytes + l->len, text, len);
	l->bytes[l->len + len] = '\n';
	l->len += len + 1;
	l->lines[l->n++] = line;
}

/* One line of the file; false when it is bad, which was said. */
static bool
read_line(struct load *l, char *bytes, unsigned int line)
{
	char *text = trim(bytes);
	struct prefix p;

	if (*text == '\0')
		return true;
	if (prefix_parse(text, &p) == -1) {
		fprintf(stderr, "%s:%u: \"%.60s\" is no address or prefix\n",
		    l->path, line, text);
		return false;
	}
	keep(l, &p, line);
	return true;
}

/* Reads all lines; how many are bad. */
static size_t
read_lines(struct load *l, FILE *f)
{
	char bytes[FILE_LINE_MAX];
	unsigned int line = 0;
	size_t bad = 0;
	int c;

	while (fgets(bytes, sizeof(bytes), f) != NULL) {
		line++;
		if (strchr(bytes, '\n') != NULL ||
		    strlen(bytes) < sizeof(bytes) - 1) {
			bad += !read_line(l, bytes, line);
			continue;
		}
		fprintf(stderr, "%s:%u: the line is too long\n", l->path, line);
		bad++;
		while ((c = getc(f)) != EOF && c != '\n')
			;
	}
	return bad;
}

/* Puts the command in front of the lines. */
static void
put_head(struct load *l, const char *table)
{
	char head[HEAD_MAX];
	int len;

	len = snprintf(head, sizeof(head), "load %.60s %zu\n", table, l->n);
	grow(l, (size_t)len);
	memmove(l->bytes + len, l->bytes, l->len);
	memcpy(l->bytes, head, (size_t)len);
	l->len += (size_t)len;
}

int
load_read(struct load *l, const char *table, const char *path)
{
	FILE *f = stdin;
	size_t bad;
	bool failed;

	memset(l, 0, sizeof(*l));
	l->path = path;
	if (strcmp(path, "-") == 0)
		l->path = "stdin";
	else
		f = fopen(path, "r");
	if (f == NULL) {
		warn("%s", path);
		return -1;
	}
	bad = read_lines(l, f);
	failed = ferror(f) != 0;
	if (failed)
		warn("%s", l->path);
	if (f != stdin)
		fclose(f);
	if (failed || bad > 0)
		return -1;
	if (l->n == 0 || l->n > CONTROL_LOAD_MAX) {
		warnx("%s: %zu prefixes: expected 1 to %d", l->path, l->n,
		    CONTROL_LOAD_MAX);
		return -1;
	}
	put_head(l, table);
	return 0;
}

void
load_free(struct load *l)
{
	free(l->bytes);
	free(l->lines);
	memset(l, 0, sizeof(*l));
}

unsigned int
load_line(const struct load *l, size_t i)
{
	return i >= 1 && i <= l->n ? l->lines[i - 1] : 0;
}
