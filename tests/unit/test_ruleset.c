/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The rule set: what a policy becomes, and its numbers over a reload. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/ruleset.h"

static struct ruleset *
load_with(const char *policy, struct policy_messages *messages)
{
	struct policy_text *text = policy_text_new();
	struct ruleset *rs;

	policy_text_add(text, "test", policy, strlen(policy));
	rs = ruleset_load("test", text, false, NULL, 0, messages);
	policy_text_free(text);
	return rs;
}

static struct ruleset *
load(const char *policy)
{
	struct policy_messages messages = {NULL, 0, 0};
	struct ruleset *rs = load_with(policy, &messages);

	if (rs == NULL)
		fail_msg("%s", messages.list[0].text);
	policy_messages_free(&messages);
	return rs;
}

static void
an_empty_policy_has_the_defaults(void **state)
{
	struct ruleset *rs = load("");

	(void)state;
	assert_int_equal(rs->source_len_inet, 128);
	assert_int_equal(rs->source_len_inet6, 64);
	assert_int_equal(rs->limit_sources, 1000000);
	assert_int_equal(rs->limit_entries, 1000000);
	assert_int_equal(rs->limit_holds, 0);
	assert_int_equal(rs->firewall, FIREWALL_MEMORY);
	assert_false(rs->rate_is_window);
	assert_false(rs->is_decoupled);
	ruleset_free(rs);
}

static void
a_table_says_what_was_written(void **state)
{
	struct ruleset *rs = load("table <a> expire 6w from first enforce "
				  "block\ntable <b>\n");

	(void)state;
	assert_int_equal(rs->ntables, 2);
	assert_int_equal(rs->tables[0].expire_s, 3628800);
	assert_true(rs->tables[0].from_first);
	assert_int_equal(rs->tables[0].enforce, ENFORCE_BLOCK);
	assert_true(rs->tables[1].expire_s == EXPIRE_NEVER);
	assert_int_equal(rs->tables[1].enforce, ENFORCE_NONE);
	assert_int_equal(ruleset_table(rs, "b"), 1);
	assert_int_equal(ruleset_table(rs, "c"), -1);
	assert_int_equal(ruleset_table(rs, ""), -1);
	ruleset_free(rs);
}

static void
members_know_their_line(void **state)
{
	struct ruleset *rs = load("table <a> { 192.0.2.1,\n 192.0.2.0/24 }\n");

	(void)state;
	assert_int_equal(rs->nmembers, 2);
	assert_string_equal(rs->members[0].by, "test:1");
	assert_string_equal(rs->members[1].by, "test:2");
	assert_int_equal(rs->members[1].prefix.len, 120);
	ruleset_free(rs);
}

static void
a_rule_says_what_events_call_it(void **state)
{
	struct ruleset *rs =
	    load("table <a>\nwatch (max-src-conn 100, max-src-conn-rate 3/30, "
		 "max-src-states 5, overload <a> flush)\nwatch label x\n");

	(void)state;
	assert_string_equal(rs->rules[0].by, "line 2");
	assert_string_equal(rs->rules[0].cause_conn, "max-src-conn 100");
	assert_string_equal(rs->rules[0].cause_rate, "max-src-conn-rate 3/30");
	assert_string_equal(rs->rules[0].cause_states, "max-src-states 5");
	assert_int_equal(rs->rules[0].kinds, OBS_ESTABLISHED);
	assert_int_equal(rs->rules[0].flush, FLUSH_RULE);
	assert_string_equal(rs->rules[1].by, "x");
	assert_int_equal(rs->rules[1].overload, -1);
	ruleset_free(rs);
}

static void
sensors_are_named_by_their_whole_text(void **state)
{
	struct ruleset *rs = load("sensor nflog seen passed log new group 5\n"
				  "sensor capture on em0\n");

	(void)state;
	assert_string_equal(rs->sensors[0].text,
	    "nflog group 5 seen passed log new");
	assert_string_equal(rs->sensors[1].text, "capture on em0");
	assert_int_equal(rs->sensors[1].index, 1);
	ruleset_free(rs);
}

static void
inherit(struct ruleset *rs, const struct ruleset *old)
{
	struct policy_messages messages = {NULL, 0, 0};

	assert_int_equal(ruleset_inherit(rs, old, &messages), 0);
	assert_int_equal(messages.n, 0);
}

static void
unchanged_tables_keep_their_numbers(void **state)
{
	struct ruleset *old = load("table <a>\ntable <b>\ntable <c>\n");
	struct ruleset *rs =
	    load("set never { <new> }\ntable <new> { 192.0.2.1 }\n"
		 "table <c>\ntable <a> { 192.0.2.2 }\n"
		 "watch from <new> to ! <c> (overload <a>)\n");

	(void)state;
	inherit(rs, old);
	assert_int_equal(ruleset_table(rs, "a"), 0);
	assert_int_equal(ruleset_table(rs, "b"), -1);
	assert_int_equal(ruleset_table(rs, "c"), 2);
	assert_int_equal(ruleset_table(rs, "new"), 3);
	assert_int_equal(rs->never[0].table, 3);
	assert_int_equal(rs->members[0].table, 3);
	assert_int_equal(rs->members[1].table, 0);
	assert_int_equal(rs->rules[0].from.terms[0].table, 3);
	assert_int_equal(rs->rules[0].to.terms[0].table, 2);
	assert_int_equal(rs->rules[0].overload, 0);
	ruleset_free(rs);
	ruleset_free(old);
}

static void
a_number_is_free_again_at_the_next_reload(void **state)
{
	struct ruleset *first = load("table <a>\ntable <b>\n");
	struct ruleset *second = load("table <b>\n");
	struct ruleset *third = load("table <c>\ntable <b>\n");

	(void)state;
	inherit(second, first);
	assert_int_equal(second->ntables, 2);
	inherit(third, second);
	assert_int_equal(ruleset_table(third, "c"), 0);
	assert_int_equal(ruleset_table(third, "b"), 1);
	ruleset_free(first);
	ruleset_free(second);
	ruleset_free(third);
}

static void
unchanged_sensors_keep_their_numbers(void **state)
{
	struct ruleset *old = load("sensor pflog on pflog0\n"
				   "sensor capture on em0\n");
	struct ruleset *rs = load("sensor capture on em0\n"
				  "sensor capture on em1\n"
				  "watch via capture\n");

	(void)state;
	inherit(rs, old);
	assert_string_equal(rs->sensors[0].text, "");
	assert_string_equal(rs->sensors[1].text, "capture on em0");
	assert_string_equal(rs->sensors[2].text, "capture on em1");
	assert_int_equal(rs->sensors[2].index, 2);
	assert_int_equal(rs->nsensors, 3);
	assert_true(rs->rules[0].sensors == 6);
	ruleset_free(rs);
	ruleset_free(old);
}

static void
unchanged_rules_keep_their_numbers(void **state)
{
	struct ruleset *old = load("watch proto tcp\nwatch proto udp\n"
				   "watch proto tcp\n");
	struct ruleset *rs = load("watch proto gre\nwatch proto tcp\n"
				  "watch proto tcp\nwatch proto tcp\n"
				  "watch proto udp\n");

	(void)state;
	inherit(rs, old);
	assert_int_equal(rs->rules[0].id, old->next_rule_id);
	assert_int_equal(rs->rules[1].id, old->rules[0].id);
	assert_int_equal(rs->rules[2].id, old->rules[2].id);
	assert_int_equal(rs->rules[3].id, old->next_rule_id + 1);
	assert_int_equal(rs->rules[4].id, old->rules[1].id);
	assert_int_equal(rs->next_rule_id, old->next_rule_id + 2);
	ruleset_free(rs);
	ruleset_free(old);
}

/* 200 tables "PREFIX0" and on. */
static struct ruleset *
load_many(const char *prefix)
{
	struct ruleset *rs;
	char *policy = NULL;
	size_t len = 0, i;
	FILE *out = open_memstream(&policy, &len);

	for (i = 0; i < 200; i++)
		fprintf(out, "table <%s%zu>\n", prefix, i);
	fclose(out);
	rs = load(policy);
	free(policy);
	return rs;
}

static void
running_out_of_numbers_is_said(void **state)
{
	struct policy_messages messages = {NULL, 0, 0};
	struct ruleset *old = load_many("a"), *rs = load_many("b");

	(void)state;
	assert_int_equal(ruleset_inherit(rs, old, &messages), -1);
	assert_int_equal(messages.nerrors, 1);
	policy_messages_free(&messages);
	ruleset_free(rs);
	ruleset_free(old);
}

/* The last message about a policy of n lines, "%zu" in the line counting. */
static void
expect_last(const char *line_start, const char *line_end, size_t n,
    const char *want)
{
	struct policy_messages messages = {NULL, 0, 0};
	char *policy = NULL;
	size_t len = 0, i;
	FILE *out = open_memstream(&policy, &len);

	for (i = 0; i < n; i++)
		fprintf(out, "%s%zu%s\n", line_start, i, line_end);
	fclose(out);
	assert_null(load_with(policy, &messages));
	assert_string_equal(messages.list[messages.n - 1].text, want);
	policy_messages_free(&messages);
	free(policy);
}

static void
what_is_numbered_is_bounded(void **state)
{
	(void)state;
	expect_last("table <t", ">", 257, "test:257: more than 256 tables");
	expect_last("sensor capture on em", "", 65,
	    "test:65: more than 64 sensors");
	expect_last("ignore proto tcp to port ", "", 10001,
	    "test:10001: more than 10000 rules");
}

static void
the_first_text_is_the_main_file(void **state)
{
	struct policy_text *text = policy_text_new();
	const void *bytes;
	size_t len;

	(void)state;
	assert_int_equal(policy_text_add(text, "a", "one", 3), 0);
	assert_int_equal(policy_text_add(text, "b", "", 0), 0);
	assert_int_equal(policy_text_count(text), 2);
	assert_string_equal(policy_text_get(text, 0, &bytes, &len), "a");
	assert_int_equal(len, 3);
	assert_memory_equal(bytes, "one", 3);
	assert_string_equal(policy_text_get(text, 1, &bytes, &len), "b");
	assert_int_equal(len, 0);
	policy_text_free(text);
	policy_text_free(NULL);
}

static void
a_thousand_errors_are_enough(void **state)
{
	struct policy_messages messages = {NULL, 0, 0};
	char *policy = NULL;
	size_t len = 0, i;
	FILE *out = open_memstream(&policy, &len);

	(void)state;
	for (i = 0; i < 5000; i++)
		fputs("nonsense\n", out);
	fclose(out);
	assert_null(load_with(policy, &messages));
	assert_int_equal(messages.nerrors, 5000);
	assert_int_equal(messages.n, 1001);
	assert_string_equal(messages.list[1000].text, "4000 more errors");
	policy_messages_free(&messages);
	free(policy);
}

static void
macros_of_the_command_line_are_judged(void **state)
{
	const struct policy_macro macros[] = {{"1x", "a"}, {"x", "a\nb"}};
	struct policy_messages messages = {NULL, 0, 0};
	struct policy_text *text = policy_text_new();

	(void)state;
	policy_text_add(text, "test", "", 0);
	assert_null(ruleset_load("test", text, false, macros, 2, &messages));
	assert_int_equal(messages.n, 2);
	assert_string_equal(messages.list[0].text,
	    "-D: expected a macro's name, found \"1x\"");
	assert_string_equal(messages.list[1].text,
	    "-D: control character in the value of \"x\"");
	policy_messages_free(&messages);
	policy_text_free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_policy_has_the_defaults),
	    cmocka_unit_test(a_table_says_what_was_written),
	    cmocka_unit_test(members_know_their_line),
	    cmocka_unit_test(a_rule_says_what_events_call_it),
	    cmocka_unit_test(sensors_are_named_by_their_whole_text),
	    cmocka_unit_test(unchanged_tables_keep_their_numbers),
	    cmocka_unit_test(a_number_is_free_again_at_the_next_reload),
	    cmocka_unit_test(unchanged_sensors_keep_their_numbers),
	    cmocka_unit_test(unchanged_rules_keep_their_numbers),
	    cmocka_unit_test(running_out_of_numbers_is_said),
	    cmocka_unit_test(what_is_numbered_is_bounded),
	    cmocka_unit_test(the_first_text_is_the_main_file),
	    cmocka_unit_test(a_thousand_errors_are_enough),
	    cmocka_unit_test(macros_of_the_command_line_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
