/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The lexer, written by hand.  Words, quoted strings, <tables> and signs go
 * to the grammar; "name = value" and "include" are carried out here, where
 * a line starts, and the grammar sees an empty line in their place.
 *
 * Braces are counted so that one left open is noticed where the next
 * statement starts, and does not swallow the rest of the file.
 */

#include "rules/lex.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/arena.h"
#include "rules/input.h"
#include "rules/keywords.h"
#include "rules/macro.h"
#include "rules/parse.h"

#define WORD_MOST 1024

struct lexer {
	struct arena *arena;
	struct report *report;
	struct input *in;
	struct macros *macros;
	char *text; /* what is being put together */
	size_t text_len;
	bool is_line_start;
	unsigned int open_braces;
	struct policy_pos brace;
	/* A statement's first word that is held back behind BAD and NL. */
	int held_token;
	struct conf_word *held;
	bool held_newline;
	bool is_done;
	unsigned int bad_line; /* order of the line that has an error */
};

struct lexer *
lexer_new(struct arena *arena, struct report *report, struct input *in,
    struct macros *macros)
{
	struct lexer *l = rules_alloc(1, sizeof(*l));

	l->arena = arena;
	l->report = report;
	l->in = in;
	l->macros = macros;
	l->is_line_start = true;
	return l;
}

void
lexer_free(struct lexer *l)
{
	if (l == NULL)
		return;
	free(l->text);
	free(l);
}

/* Reports what cannot be read; the rest of such a line is not judged. */
static void PRINTF_LIKE(3, 4) lexer_error(struct lexer *l,
    const struct policy_pos *pos, const char *format, ...)
{
	char text[256];
	va_list ap;

	if (l->bad_line == pos->order)
		return;
	l->bad_line = pos->order;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	report_error(l->report, pos, "%s", text);
}

static void
put(struct lexer *l, int c)
{
	l->text = rules_grow(l->text, l->text_len, 1);
	l->text[l->text_len++] = (char)c;
}

static void
put_text(struct lexer *l, const char *text)
{
	for (; *text != '\0'; text++)
		put(l, (unsigned char)*text);
}

static struct conf_word *
word_new(struct lexer *l, const struct policy_pos *pos, const char *text,
    size_t len)
{
	struct conf_word *w = arena_alloc(l->arena, sizeof(*w));

	w->text = arena_text(l->arena, text, len);
	w->pos = *pos;
	return w;
}

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
is_word_char(int c)
{
	return c > 0 && c < 0x80 && isgraph(c) &&
	       strchr("(){}<>!=#,\"$\\", c) == NULL;
}

bool
lexer_is_plain(const char *text)
{
	const char *c;

	for (c = text; is_word_char((unsigned char)*c); c++)
		;
	return c > text && *c == '\0' && keyword_find(text) == NULL;
}

static void
skip_blanks(struct lexer *l)
{
	while (is_blank(input_peek(l->in)))
		input_next(l->in);
}

static void
skip_line(struct lexer *l)
{
	int c;

	while ((c = input_peek(l->in)) != '\n' && c != INPUT_END)
		input_next(l->in);
}

/*
 * Reads a quoted string, whose first quote is next, into the text.  0, or -1
 * with an error reported.
 */
static int
quoted_read(struct lexer *l)
{
	struct policy_pos pos = input_pos(l->in);
	bool in_macro = input_in_macro(l->in);
	int c;

	input_next(l->in);
	for (;;) {
		c = input_peek(l->in);
		if (c == '\n' || c == INPUT_END ||
		    in_macro != input_in_macro(l->in)) {
			lexer_error(l, &pos, "string has no closing quote");
			return -1;
		}
		input_next(l->in);
		if (c == '"')
			return 0;
		if (c == '\\') {
			c = input_peek(l->in);
			if (c == '"' || c == '\\')
				input_next(l->in);
			else
				c = '\\';
		}
		if (c < ' ' || c == 0x7f) {
			lexer_error(l, &pos,
			    "control character \\x%02x in a string", c);
			return -1;
		}
		put(l, c);
	}
}

/* Reads "$name".  The macro, or NULL with an error reported. */
static const struct macro *
macro_read(struct lexer *l)
{
	struct policy_pos pos = input_pos(l->in);
	char name[64], quoted[REPORT_QUOTE_LEN];
	const struct macro *m;
	size_t n = 0;
	int c;

	input_next(l->in);
	while ((c = input_peek(l->in)) == '_' ||
	       (c > 0 && c < 0x80 && isalnum(c))) {
		if (n < sizeof(name) - 1)
			name[n++] = (char)c;
		input_next(l->in);
	}
	name[n] = '\0';
	if (n == 0) {
		lexer_error(l, &pos, "expected a macro's name behind \"$\"");
		return NULL;
	}
	m = macro_find(l->macros, name);
	if (m == NULL)
		lexer_error(l, &pos, "macro %s is not defined",
		    report_quote(name, quoted));
	return m;
}

/* Reads the value of a macro, to the end of the line, into the text. */
static int
value_read(struct lexer *l)
{
	const struct macro *m;
	bool was_blank = false;
	int c;

	l->text_len = 0;
	skip_blanks(l);
	while ((c = input_peek(l->in)) != '\n' && c != INPUT_END && c != '#') {
		if (is_blank(c)) {
			was_blank = true;
			input_next(l->in);
			continue;
		}
		if (was_blank)
			put(l, ' ');
		was_blank = false;
		if (c == '"') {
			if (quoted_read(l) == -1)
				return -1;
		} else if (c == '$') {
			if ((m = macro_read(l)) == NULL)
				return -1;
			put_text(l, m->value);
		} else {
			put(l, input_next(l->in));
		}
		if (l->text_len > INPUT_LINE_MOST * 16)
			break;
	}
	return 0;
}

/* Carries out "name = value"; "=" is next. */
static void
define(struct lexer *l, const struct conf_word *name)
{
	char quoted[REPORT_QUOTE_LEN];

	report_quote(name->text, quoted);
	input_next(l->in);
	if (value_read(l) == -1)
		return;
	if (!macro_name_is_valid(name->text) || strlen(name->text) > 63)
		lexer_error(l, &name->pos,
		    "expected a macro's name "
		    "of letters, digits and \"_\", found %s",
		    quoted);
	else if (keyword_find(name->text) != NULL)
		lexer_error(l, &name->pos,
		    "%s is a keyword and cannot name a macro", quoted);
	else if (l->text_len == 0)
		lexer_error(l, &name->pos,
		    "expected a value for the macro %s, found the end of the "
		    "line",
		    quoted);
	else if (l->text_len > INPUT_LINE_MOST * 16)
		lexer_error(l, &name->pos,
		    "value of the macro %s is longer than %d bytes", quoted,
		    INPUT_LINE_MOST * 16);
	else {
		put(l, '\0');
		macro_define(l->macros, l->arena, name->text, l->text, false);
	}
}

static int
newline(struct lexer *l, const struct policy_pos *pos, struct conf_word **word)
{
	*word = word_new(l, pos, "\n", 1);
	l->is_line_start = true;
	return NL;
}

/* Reads the rest of an include line.  The file's name, or NULL. */
static const char *
include_read(struct lexer *l, const struct policy_pos *pos)
{
	const char *name;
	int c;

	l->text_len = 0;
	skip_blanks(l);
	if (input_peek(l->in) != '"') {
		lexer_error(l, pos,
		    "expected a file's name in quotes "
		    "behind \"include\"");
		return NULL;
	}
	if (quoted_read(l) == -1)
		return NULL;
	put(l, '\0');
	name = arena_text(l->arena, l->text, l->text_len);
	skip_blanks(l);
	c = input_peek(l->in);
	if (c != '\n' && c != '#' && c != INPUT_END) {
		lexer_error(l, pos,
		    "expected the end of the line "
		    "behind the file's name");
		return NULL;
	}
	return name;
}

/* Carries out "include "file""; to the grammar it is an empty line. */
static int
include(struct lexer *l, struct conf_word **word)
{
	struct policy_pos pos = (*word)->pos;
	const char *name = include_read(l, &pos);

	/* The line's end first, so that reading goes on behind it. */
	skip_line(l);
	input_next(l->in);
	if (name != NULL)
		input_open(l->in, name, &pos);
	return newline(l, &pos, word);
}

/*
 * A line that starts with a statement's keyword while braces are open: says
 * so and holds the keyword back until the broken statement has ended.
 */
static int
brace_left_open(struct lexer *l, int token, struct conf_word *word)
{
	report_error(l->report, &l->brace, "\"{\" is not closed");
	l->open_braces = 0;
	l->held_token = token;
	l->held = word;
	l->held_newline = true;
	return BAD;
}

static int
word_token(struct lexer *l, struct conf_word **word, bool was_line_start)
{
	struct policy_pos pos = input_pos(l->in);
	bool in_macro = input_in_macro(l->in);
	const struct keyword *k;

	l->text_len = 0;
	while (is_word_char(input_peek(l->in)))
		put(l, input_next(l->in));
	*word = word_new(l, &pos, l->text, l->text_len);
	if (l->text_len > WORD_MOST) {
		lexer_error(l, &pos, "word longer than %d bytes", WORD_MOST);
		return BAD;
	}
	k = keyword_find((*word)->text);
	if (was_line_start && !in_macro && l->open_braces == 0) {
		skip_blanks(l);
		if (input_peek(l->in) == '=') {
			define(l, *word);
			skip_line(l);
			input_next(l->in);
			return newline(l, &pos, word);
		}
	}
	if (k == NULL)
		return WORD;
	if (was_line_start && k->is_statement && l->open_braces > 0)
		return brace_left_open(l, k->token, *word);
	if (was_line_start && k->token == INCLUDE)
		return include(l, word);
	return k->token;
}

static int
string_token(struct lexer *l, struct conf_word **word)
{
	struct policy_pos pos = input_pos(l->in);

	l->text_len = 0;
	if (quoted_read(l) == -1)
		return BAD;
	*word = word_new(l, &pos, l->text == NULL ? "" : l->text, l->text_len);
	if (l->text_len > WORD_MOST) {
		lexer_error(l, &pos, "string longer than %d bytes", WORD_MOST);
		return BAD;
	}
	return WORD;
}

/* "!=", "<=", ">=" and the signs of one character. */
static int
sign_token(struct lexer *l, struct conf_word **word)
{
	struct policy_pos pos = input_pos(l->in);
	int c = input_next(l->in);
	char text[3] = {(char)c, '\0', '\0'};

	if (strchr("!<>", c) != NULL && input_peek(l->in) == '=')
		text[1] = (char)input_next(l->in);
	*word = word_new(l, &pos, text, strlen(text));
	if (text[1] != '\0')
		return c == '!' ? NE : c == '<' ? LE : GE;
	if (c == '{' && l->open_braces++ == 0)
		l->brace = pos;
	if (c == '}' && l->open_braces > 0)
		l->open_braces--;
	return c;
}

static int
table_token(struct lexer *l, size_t len, struct conf_word **word)
{
	struct policy_pos pos = input_pos(l->in);

	l->text_len = 0;
	input_next(l->in);
	for (len -= 2; len > 0; len--)
		put(l, input_next(l->in));
	input_next(l->in);
	*word = word_new(l, &pos, l->text, l->text_len);
	(*word)->is_table = true;
	return TABLENAME;
}

static int
end_token(struct lexer *l, struct conf_word **word)
{
	struct policy_pos pos = input_pos(l->in);

	if (l->open_braces > 0) {
		report_error(l->report, &l->brace, "\"{\" is not closed");
		l->open_braces = 0;
		*word = word_new(l, &pos, "", 0);
		return BAD;
	}
	if (!l->is_line_start)
		return newline(l, &pos, word);
	*word = word_new(l, &pos, "", 0);
	l->is_done = !input_close(l->in);
	if (l->is_done)
		return 0;
	return newline(l, &pos, word);
}

static int
held_token(struct lexer *l, struct conf_word **word)
{
	int token = l->held_token;

	if (l->held_newline) {
		l->held_newline = false;
		return newline(l, &l->held->pos, word);
	}
	*word = l->held;
	l->held_token = 0;
	if (token == INCLUDE)
		return include(l, word);
	l->is_line_start = false;
	return token;
}

/* Expands "$name", which is next.  0, or -1 with an error reported. */
static int
expand(struct lexer *l)
{
	const struct input_level *from = input_level(l->in);
	const struct macro *m = macro_read(l);

	return m == NULL ? -1 : input_expand(l->in, m, from);
}

/*
 * Skips blanks and comments and expands macros, up to where a token starts.
 * Its first character, or 0 with an error reported.
 */
static int
token_start(struct lexer *l)
{
	int c;

	for (;;) {
		skip_blanks(l);
		c = input_peek(l->in);
		if (c == '$') {
			if (expand(l) == -1)
				return 0;
		} else if (c == '#' && !input_in_macro(l->in)) {
			skip_line(l);
		} else {
			return c;
		}
	}
}

static int
unexpected(struct lexer *l, const struct policy_pos *pos)
{
	int c = input_next(l->in);

	lexer_error(l, pos,
	    c > ' ' && c < 0x7f ? "unexpected character \"%c\""
				: "unexpected character \\x%02x",
	    c);
	return BAD;
}

int
lexer_next(struct lexer *l, struct conf_word **word)
{
	struct policy_pos pos;
	bool was_line_start;
	size_t len;
	int c;

	if (l->held_token != 0)
		return held_token(l, word);
	if (l->is_done)
		return 0;
	c = token_start(l);
	pos = input_pos(l->in);
	if (c == INPUT_END)
		return end_token(l, word);
	if (c == '\n') {
		input_next(l->in);
		return newline(l, &pos, word);
	}
	was_line_start = l->is_line_start;
	l->is_line_start = false;
	*word = word_new(l, &pos, "", 0);
	if (c == 0)
		return BAD;
	if (c == '"')
		return string_token(l, word);
	if ((len = input_table(l->in)) > 0)
		return table_token(l, len, word);
	if (is_word_char(c))
		return word_token(l, word, was_line_start);
	if (strchr("(){}<>!=,", c) != NULL)
		return sign_token(l, word);
	return unexpected(l, &pos);
}

void
lexer_recover(struct lexer *l)
{
	struct conf_word *word;
	int token = NL;

	if (l->held_token != 0)
		return;
	while (l->open_braces > 0 && l->held_token == 0)
		token = lexer_next(l, &word);
	while (token != NL && token != 0 && l->held_token == 0)
		token = lexer_next(l, &word);
	if (l->held_token != 0)
		l->held_newline = false;
}
