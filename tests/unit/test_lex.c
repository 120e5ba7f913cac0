/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The lexer: tokens, their texts and their lines. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rules/arena.h"
#include "rules/input.h"
#include "rules/lex.h"
#include "rules/macro.h"
#include "rules/parse.h"
#include "rules/ruleset.h"

/* Everything a lexer needs, over one text. */
struct bench {
	struct arena *arena;
	struct report *report;
	struct policy_text *text;
	struct macros macros;
	struct lexer *lexer;
};

static void
bench_start(struct bench *b, const char *bytes, size_t len)
{
	const struct policy_pos start = {.file = "test"};
	struct input *in;

	memset(b, 0, sizeof(*b));
	b->arena = arena_new();
	b->report = report_new();
	b->text = policy_text_new();
	policy_text_add(b->text, "test", bytes, len);
	policy_text_add(b->text, "other", "b\nc", 3);
	in = input_new(b->arena, b->report, b->text, false);
	b->lexer = lexer_new(b->arena, b->report, in, &b->macros);
	assert_int_equal(input_open(in, "test", &start), 0);
}

static void
bench_end(struct bench *b)
{
	lexer_free(b->lexer);
	report_free(b->report);
	policy_text_free(b->text);
	arena_free(b->arena);
}

/* One token as "text@line", kinds that are no words by a sign before it. */
static void
write_token(FILE *out, int token, const struct conf_word *word)
{
	if (token == NL)
		fputs("; ", out);
	else if (token == BAD)
		fputs("BAD ", out);
	else
		fprintf(out, "%s%s@%u ",
		    token == TABLENAME ? "table:"
		    : token == WORD    ? ""
		    : token < 256      ? "sign:"
				       : "key:",
		    word->text, word->pos.line);
}

static void
expect(const char *text, const char *want)
{
	struct conf_word *word;
	char said[1024];
	struct bench b;
	FILE *out = fmemopen(said, sizeof(said), "w");
	int token;

	assert_non_null(out);
	bench_start(&b, text, strlen(text));
	while ((token = lexer_next(b.lexer, &word)) != 0)
		write_token(out, token, word);
	assert_int_equal(lexer_next(b.lexer, &word), 0);
	fputc('\0', out);
	fclose(out);
	bench_end(&b);
	assert_string_equal(said, want);
}

static void
words_keywords_and_signs_are_told_apart(void **state)
{
	(void)state;
	expect("table <in> { a,in }", "key:table@1 table:in@1 sign:{@1 a@1 "
				      "sign:,@1 key:in@1 sign:}@1 ; ");
}

static void
quotes_make_a_word_of_anything(void **state)
{
	(void)state;
	expect("\"in\" \"a b\" \"\\\"\\\\\\n\" \"\"", "in@1 a b@1 \"\\\\n@1 "
						      "@1 ; ");
}

static void
signs_of_two_characters_are_one_token(void **state)
{
	(void)state;
	expect("!= ! = <= < >= >", "key:!=@1 sign:!@1 sign:=@1 key:<=@1 "
				   "sign:<@1 key:>=@1 sign:>@1 ; ");
}

static void
a_comment_ends_with_its_line(void **state)
{
	(void)state;
	expect("a # b\nc", "a@1 ; c@2 ; ");
}

static void
a_backslash_joins_lines_and_they_are_counted(void **state)
{
	(void)state;
	expect("a \\\nb\\\r\nc\nd", "a@1 b@2 c@3 ; d@4 ; ");
}

static void
a_macro_stands_where_it_is_used(void **state)
{
	(void)state;
	expect("x = a\n\n$x $x/24", "; ; a@3 a/24@3 ; ");
}

static void
a_macro_is_text_and_may_hold_signs(void **state)
{
	(void)state;
	expect("x = \"{ a\" b\n$x }", "; sign:{@2 a@2 b@2 sign:}@2 ; ");
}

static void
an_included_file_stands_in_the_place_of_its_line(void **state)
{
	(void)state;
	expect("a\ninclude \"other\"\nd", "a@1 ; ; b@1 ; c@2 ; ; d@3 ; ");
}

static void
an_open_brace_ends_at_the_next_statement(void **state)
{
	(void)state;
	expect("a { b\nset c", "a@1 sign:{@1 b@1 ; BAD ; key:set@2 c@2 ; ");
}

static void
what_needs_no_quotes_is_known(void **state)
{
	(void)state;
	assert_true(lexer_is_plain("em0"));
	assert_true(lexer_is_plain("192.0.2.0/24"));
	assert_false(lexer_is_plain(""));
	assert_false(lexer_is_plain("a b"));
	assert_false(lexer_is_plain("a=b"));
	assert_false(lexer_is_plain("table"));
	assert_false(lexer_is_plain("$a"));
	assert_false(lexer_is_plain("b\xc3\xbcro"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_keywords_and_signs_are_told_apart),
	    cmocka_unit_test(quotes_make_a_word_of_anything),
	    cmocka_unit_test(signs_of_two_characters_are_one_token),
	    cmocka_unit_test(a_comment_ends_with_its_line),
	    cmocka_unit_test(a_backslash_joins_lines_and_they_are_counted),
	    cmocka_unit_test(a_macro_stands_where_it_is_used),
	    cmocka_unit_test(a_macro_is_text_and_may_hold_signs),
	    cmocka_unit_test(an_included_file_stands_in_the_place_of_its_line),
	    cmocka_unit_test(an_open_brace_ends_at_the_next_statement),
	    cmocka_unit_test(what_needs_no_quotes_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
