/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The corpus of policies: each tests/data/conf/NAME.in has either NAME.ok,
 * what traplined -nv prints (warnings first), or NAME.err, every message in
 * order.  With TRAPLINE_UPDATE=1 in the environment the expectations are
 * written instead of compared: look at the difference before committing it.
 */

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rules/keywords.h"
#include "rules/ruleset.h"

#define CORPUS TRAPLINE_SOURCE_DIR "/tests/data/conf"

static const struct policy_macro macros[] = {
    {.name = "given", .value = "em7"},
};

/*
 * Loads a policy, from policy if that is not NULL.  *said is what a run of
 * traplined -nv shows.
 */
static bool
conf_load(const char *path, const char *policy, char **said)
{
	struct policy_text *text = policy_text_new();
	struct policy_messages messages = {NULL, 0, 0};
	struct ruleset *rs;
	size_t i, len = 0;
	FILE *out;

	*said = NULL;
	out = open_memstream(said, &len);
	assert_non_null(out);
	if (policy != NULL)
		policy_text_add(text, path, policy, strlen(policy));
	rs = ruleset_load(path, text, true, macros, 1, &messages);
	for (i = 0; i < messages.n; i++)
		fprintf(out, "%s\n", messages.list[i].text);
	if (rs != NULL)
		ruleset_print(rs, out);
	fclose(out);
	assert_int_equal(rs == NULL, messages.nerrors > 0);
	ruleset_free(rs);
	policy_messages_free(&messages);
	policy_text_free(text);
	return rs != NULL;
}

static char *
file_read(const char *path)
{
	FILE *f = fopen(path, "r"), *out;
	char *text = NULL;
	size_t len = 0;
	int c;

	if (f == NULL)
		return NULL;
	out = open_memstream(&text, &len);
	while ((c = fgetc(f)) != EOF)
		fputc(c, out);
	fclose(out);
	fclose(f);
	return text;
}

static void
file_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* NAME.in to NAME.ending. */
static void
name_with(const char *in, const char *ending, char *out, size_t size)
{
	snprintf(out, size, "%.*s.%s", (int)(strlen(in) - 3), in, ending);
}

/* Compares; 0 when it is as expected. */
static int
conf_compare(const char *in)
{
	char path[256];
	char *said, *wanted;
	int differs;

	name_with(in, conf_load(in, NULL, &said) ? "ok" : "err", path,
	    sizeof(path));
	if (getenv("TRAPLINE_UPDATE") != NULL)
		file_write(path, said);
	wanted = file_read(path);
	differs = wanted == NULL || strcmp(said, wanted) != 0;
	if (differs)
		print_error("%s: expected\n%s--- found\n%s", path,
		    wanted == NULL ? "(no such file)\n" : wanted, said);
	free(wanted);
	free(said);
	return differs;
}

static void
every_policy_says_what_is_written_beside_it(void **state)
{
	size_t i, differing = 0;
	glob_t found;

	(void)state;
	assert_int_equal(glob("*.in", 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++)
		differing += (size_t)conf_compare(found.gl_pathv[i]);
	print_message("%zu policies\n", found.gl_pathc);
	globfree(&found);
	assert_int_equal(differing, 0);
}

/* The printed policy without the warnings before it. */
static const char *
skip_warnings(const char *text)
{
	const char *next;

	while (strstr(text, "warning: ") != NULL) {
		next = strchr(text, '\n') + 1;
		if (strstr(text, "warning: ") > next)
			break;
		text = next;
	}
	return text;
}

static void
what_is_printed_parses_to_the_same_policy(void **state)
{
	char ok[256];
	char *wanted, *said;
	glob_t found;
	size_t i;

	(void)state;
	assert_int_equal(glob("*.ok", 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++) {
		snprintf(ok, sizeof(ok), "%s", found.gl_pathv[i]);
		wanted = file_read(ok);
		if (!conf_load("printed", skip_warnings(wanted), &said))
			fail_msg("%s is refused:\n%s", ok, said);
		assert_string_equal(skip_warnings(said), skip_warnings(wanted));
		free(said);
		free(wanted);
	}
	globfree(&found);
}

/* Does a word stand in any of the printed policies? */
static bool
is_printed_somewhere(const char *word, const glob_t *found)
{
	size_t i, len = strlen(word);
	bool is_there = false;
	const char *at;
	char *text;

	for (i = 0; i < found->gl_pathc && !is_there; i++) {
		text = file_read(found->gl_pathv[i]);
		for (at = strstr(text, word); at != NULL && !is_there;
		     at = strstr(at + 1, word))
			is_there = (at == text || strchr(" \n(", at[-1])) &&
				   strchr(" \n,)", at[len]);
		free(text);
	}
	return is_there;
}

static void
every_keyword_is_printed_by_some_policy(void **state)
{
	const char *const *names = keyword_names(false);
	glob_t found;

	(void)state;
	assert_int_equal(glob("*.ok", 0, NULL, &found), 0);
	for (; *names != NULL; names++) {
		/* What is included is printed in its place. */
		if (strcmp(*names, "include") != 0 &&
		    !is_printed_somewhere(*names, &found))
			fail_msg("\"%s\" is in no printed policy", *names);
	}
	globfree(&found);
}

/* A process without the file system reads the same from the texts. */
static void
texts_alone_give_the_same_policy(void **state)
{
	struct policy_text *text = policy_text_new();
	struct policy_messages messages = {NULL, 0, 0};
	struct ruleset *one, *two;
	size_t i;

	(void)state;
	one = ruleset_load("includes.in", text, true, macros, 1, &messages);
	assert_non_null(one);
	assert_true(policy_text_count(text) > 1);
	two = ruleset_load("includes.in", text, false, macros, 1, &messages);
	assert_non_null(two);
	assert_int_equal(one->nrules, two->nrules);
	for (i = 0; i < one->nrules; i++)
		assert_string_equal(one->rules[i].text, two->rules[i].text);
	assert_int_equal(one->nmembers, two->nmembers);
	ruleset_free(one);
	ruleset_free(two);
	policy_messages_free(&messages);
	policy_text_free(text);
}

static int
enter_corpus(void **state)
{
	(void)state;
	return chdir(CORPUS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_policy_says_what_is_written_beside_it),
	    cmocka_unit_test(what_is_printed_parses_to_the_same_policy),
	    cmocka_unit_test(every_keyword_is_printed_by_some_policy),
	    cmocka_unit_test(texts_alone_give_the_same_policy),
	};

	return cmocka_run_group_tests(tests, enter_corpus, NULL);
}
