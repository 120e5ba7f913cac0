/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Where the lexer's characters come from.  Files are looked over when they
 * are opened, so that nothing further up meets a NUL byte or an endless line.
 * Lines are counted here: a macro's text stands where the macro was used.
 */

#include "rules/input.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "rules/arena.h"
#include "rules/macro.h"
#include "rules/policy_text.h"

/* Includes within includes, and in all: a policy is a handful of files. */
#define DEPTH_MOST    16
#define INCLUDES_MOST 256
/* Bytes of macro text in all: macros of macros grow fast. */
#define EXPANSION_MOST (1024U * 1024)

struct input_level {
	struct input_level *below;
	const struct macro *macro;      /* NULL: a file */
	const struct input_level *from; /* whose text names the macro */
	const char *bytes;
	size_t len, at;
	const char *path;
	unsigned int line;
};

struct input {
	struct arena *arena;
	struct report *report;
	struct policy_text *text;
	bool from_files;
	struct input_level *top;
	unsigned int order;
	unsigned int depth, nincludes;
	size_t expanded;
	bool is_overfull; /* said that there is too much */
};

struct input *
input_new(struct arena *arena, struct report *report, struct policy_text *text,
    bool from_files)
{
	struct input *in = arena_alloc(arena, sizeof(*in));

	in->arena = arena;
	in->report = report;
	in->text = text;
	in->from_files = from_files;
	in->order = 1;
	return in;
}

static struct input_level *
input_push(struct input *in, const char *bytes, size_t len)
{
	struct input_level *level = arena_alloc(in->arena, sizeof(*level));

	level->below = in->top;
	level->bytes = bytes;
	level->len = len;
	level->line = 1;
	in->top = level;
	return level;
}

static const struct input_level *
input_file(const struct input *in)
{
	const struct input_level *level = in->top;

	while (level != NULL && level->macro != NULL)
		level = level->below;
	return level;
}

const char *
input_resolve(struct arena *arena, const char *base, const char *name)
{
	const char *slash = strrchr(base, '/');
	size_t dir = slash == NULL ? 0 : (size_t)(slash - base) + 1;
	size_t len = strlen(name);
	char *path;

	if (name[0] == '/' || dir == 0)
		return arena_text(arena, name, len);
	path = arena_alloc(arena, dir + len + 1);
	memcpy(path, base, dir);
	memcpy(path + dir, name, len);
	return path;
}

/* Finds what no policy file may hold.  0, or -1 with an error reported. */
static int
input_look_over(struct input *in, const char *path, const char *bytes,
    size_t len)
{
	struct policy_pos pos = {.file = path, .line = 1, .order = in->order};
	size_t i, start = 0;

	for (i = 0; i < len; i++) {
		if (bytes[i] == '\0') {
			report_error(in->report, &pos,
			    "NUL byte in a text file");
			return -1;
		}
		if (i - start >= INPUT_LINE_MOST) {
			report_error(in->report, &pos,
			    "line longer than %d bytes", INPUT_LINE_MOST);
			return -1;
		}
		if (bytes[i] == '\n') {
			pos.line++;
			start = i + 1;
		}
	}
	return 0;
}

static bool
input_is_open(const struct input *in, const char *path)
{
	const struct input_level *level;

	for (level = in->top; level != NULL; level = level->below) {
		if (level->macro == NULL && strcmp(level->path, path) == 0)
			return true;
	}
	return false;
}

/* Reports once that there is too much of something. */
static int
input_overfull(struct input *in, const struct policy_pos *pos, const char *what)
{
	if (!in->is_overfull)
		report_error(in->report, pos, "%s", what);
	in->is_overfull = true;
	return -1;
}

int
input_open(struct input *in, const char *name, const struct policy_pos *pos)
{
	const struct input_level *file = input_file(in);
	char quoted[REPORT_QUOTE_LEN];
	const char *bytes, *path;
	size_t len;

	path = file == NULL ? arena_text(in->arena, name, strlen(name))
			    : input_resolve(in->arena, file->path, name);
	report_quote(path, quoted);
	if (input_is_open(in, path)) {
		report_error(in->report, pos,
		    "include loop: %s is being read "
		    "already",
		    quoted);
		return -1;
	}
	if (in->depth >= DEPTH_MOST || in->nincludes >= INCLUDES_MOST)
		return input_overfull(in, pos, "too many includes");
	if (policy_text_open(in->text, path, in->from_files, &bytes, &len)) {
		report_error(in->report, pos, "cannot read %s: %s", quoted,
		    strerror(errno));
		return -1;
	}
	if (input_look_over(in, path, bytes, len) == -1)
		return -1;
	in->depth++;
	in->nincludes++;
	input_push(in, bytes, len)->path = path;
	return 0;
}

bool
input_close(struct input *in)
{
	in->top = in->top->below;
	in->depth--;
	in->order++;
	return in->top != NULL;
}

const struct input_level *
input_level(const struct input *in)
{
	return in->top;
}

int
input_expand(struct input *in, const struct macro *macro,
    const struct input_level *from)
{
	struct policy_pos pos = input_pos(in);
	const struct input_level *level;

	for (level = from; level->macro != NULL; level = level->from) {
		if (level->macro == macro) {
			report_error(in->report, &pos,
			    "macro \"%s\" contains itself", macro->name);
			return -1;
		}
	}
	if (in->is_overfull || macro->value_len > EXPANSION_MOST - in->expanded)
		return input_overfull(in, &pos,
		    "macros expand to too much text");
	in->expanded += macro->value_len;
	input_push(in, macro->value, macro->value_len);
	in->top->macro = macro;
	in->top->from = from;
	return 0;
}

/* The length of a backslash with a line's end behind it, else 0. */
static size_t
continuation(const struct input_level *level)
{
	const char *c = level->bytes + level->at;
	size_t left = level->len - level->at;

	if (level->macro != NULL || left < 2 || c[0] != '\\')
		return 0;
	if (c[1] == '\n')
		return 2;
	return left > 2 && c[1] == '\r' && c[2] == '\n' ? 3 : 0;
}

int
input_peek(struct input *in)
{
	struct input_level *level = in->top;

	while (level->macro != NULL && level->at == level->len) {
		in->top = level = level->below;
	}
	if (level->at == level->len)
		return INPUT_END;
	if (continuation(level) > 0)
		return ' ';
	return (unsigned char)level->bytes[level->at];
}

int
input_next(struct input *in)
{
	int c = input_peek(in);
	struct input_level *level = in->top;
	size_t joined;

	if (c == INPUT_END)
		return c;
	joined = continuation(level);
	level->at += joined > 0 ? joined : 1;
	if (level->macro == NULL && (joined > 0 || c == '\n')) {
		level->line++;
		in->order++;
	}
	return c;
}

bool
input_in_macro(const struct input *in)
{
	return in->top->macro != NULL;
}

size_t
input_table(const struct input *in)
{
	const struct input_level *level = in->top;
	const char *c = level->bytes + level->at;
	size_t left = level->len - level->at, n;

	if (left == 0 || c[0] != '<')
		return 0;
	for (n = 1; n < left; n++) {
		if (!isalnum((unsigned char)c[n]) &&
		    memchr("_-.", c[n], 3) == NULL)
			break;
	}
	return n > 1 && n < left && c[n] == '>' ? n + 1 : 0;
}

struct policy_pos
input_pos(const struct input *in)
{
	const struct input_level *file = input_file(in);
	struct policy_pos pos = {.order = in->order};

	if (file != NULL) {
		pos.file = file->path;
		pos.line = file->line;
	}
	return pos;
}
