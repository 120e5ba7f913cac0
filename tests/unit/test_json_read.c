/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* traplinectl's reader of flat JSON objects. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/json_read.h"
#include "engine/compat.h"
#include "engine/json.h"

static int
read_text(struct json_object *o, const char *text)
{
	return json_read(o, text, strlen(text));
}

static void
members_come_in_order_with_their_texts(void **state)
{
	struct json_object o;

	(void)state;
	assert_int_equal(read_text(&o,
			     " {\"a\":\"x\", \"n\" : -12.5e3,\"t\":true,"
			     "\"f\":false,\"z\":null,\"empty\":\"\"} \r\n"),
	    0);
	assert_int_equal(o.n, 6);
	assert_string_equal(json_text(&o, "a"), "x");
	assert_string_equal(json_text(&o, "n"), "-12.5e3");
	assert_true(json_is_true(&o, "t"));
	assert_false(json_is_true(&o, "f"));
	assert_string_equal(json_get(&o, "z"), "null");
	assert_string_equal(json_get(&o, "empty"), "");
	assert_null(json_get(&o, "absent"));
	assert_string_equal(json_text(&o, "absent"), "");
	assert_int_equal(json_number(&o, "absent"), 0);
}

static void
the_word_true_in_quotes_is_not_true(void **state)
{
	struct json_object o;

	(void)state;
	assert_int_equal(read_text(&o, "{\"ok\":\"true\"}"), 0);
	assert_false(json_is_true(&o, "ok"));
}

static void
an_empty_object_has_no_members(void **state)
{
	struct json_object o;

	(void)state;
	assert_int_equal(read_text(&o, "{ }"), 0);
	assert_int_equal(o.n, 0);
}

static void
what_a_terminal_might_obey_stays_escaped(void **state)
{
	struct json_object o;

	(void)state;
	assert_int_equal(read_text(&o,
			     "{\"a\":\"\\u001b[2J\\u0041\\n\\\"\\\\\\/"
			     "\xc3\xa9\\u20ac\\u009b\"}"),
	    0);
	assert_string_equal(json_text(&o, "a"),
	    "\\u001b[2JA\\n\"\\/??\\u20ac\\u009b");
}

static void
what_our_writer_writes_is_read_back(void **state)
{
	char line[1024];
	struct json_object o;
	struct json j;

	(void)state;
	json_begin(&j, line, sizeof(line));
	json_string(&j, "text", "a \"quoted\" \\ word");
	json_int(&j, "least", INT64_MIN);
	json_real(&j, "real", -0.125, 3);
	json_bool(&j, "yes", true);
	assert_int_not_equal(json_end(&j), 0);
	assert_int_equal(read_text(&o, line), 0);
	assert_string_equal(json_text(&o, "text"), "a \"quoted\" \\ word");
	assert_true(json_number(&o, "least") == INT64_MIN);
	assert_string_equal(json_text(&o, "real"), "-0.125");
	assert_true(json_is_true(&o, "yes"));
}

static void
anything_else_is_refused(void **state)
{
	static const char *const bad[] = {"", "{", "}", "[]", "{}x", "{,}",
	    "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":01}", "{\"a\":1.}",
	    "{\"a\":.5}", "{\"a\":1e}", "{\"a\":+1}", "{\"a\":-}",
	    "{\"a\":tru}", "{\"a\":truex}", "{\"a\":{}}", "{\"a\":[]}", "{a:1}",
	    "{\"a\":\"", "{\"a\":\"\\\"}", "{\"a\":\"\\x\"}",
	    "{\"a\":\"\\u12\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\t\"}",
	    "{\"a\":1 \"b\":2}", "{} {}"};
	struct json_object o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (read_text(&o, bad[i]) != -1)
			fail_msg("%s was taken for an object", bad[i]);
	}
}

static void
too_many_members_are_refused(void **state)
{
	char line[4096] = "{\"k\":0";
	struct json_object o;
	int i;

	(void)state;
	for (i = 1; i < JSON_MEMBERS_MAX; i++)
		strlcat(line, ",\"k\":0", sizeof(line));
	strlcat(line, "}", sizeof(line));
	assert_int_equal(read_text(&o, line), 0);
	assert_int_equal(o.n, JSON_MEMBERS_MAX);
	line[strlen(line) - 1] = '\0';
	strlcat(line, ",\"k\":0}", sizeof(line));
	assert_int_equal(read_text(&o, line), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_come_in_order_with_their_texts),
	    cmocka_unit_test(the_word_true_in_quotes_is_not_true),
	    cmocka_unit_test(an_empty_object_has_no_members),
	    cmocka_unit_test(what_a_terminal_might_obey_stays_escaped),
	    cmocka_unit_test(what_our_writer_writes_is_read_back),
	    cmocka_unit_test(anything_else_is_refused),
	    cmocka_unit_test(too_many_members_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
