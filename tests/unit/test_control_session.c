/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* What each control command does and answers, in memory. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/control_protocol.h"
#include "engine/host_names.h"
#include "tests/unit/control_fixture.h"

static struct fixture fixture;
static struct evbuffer *out;
static struct control_session session;

static int
set_up(void **state)
{
	(void)state;
	fixture_start(&fixture);
	out = evbuffer_new();
	control_session_init(&session, fixture.engine, &fixture.host, out,
	    "uid 7");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	evbuffer_free(out);
	fixture_end(&fixture);
	return 0;
}

/* All that was said since the last question. */
static const char *
said(void)
{
	static char text[4 * 1024 * 1024];
	size_t used = 0;
	int n;

	do {
		control_session_more(&session);
		n = evbuffer_remove(out, text + used, sizeof(text) - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	text[used] = '\0';
	return text;
}

static const char *
ask(const char *command)
{
	char line[CONTROL_LINE_MAX];

	strlcpy(line, command, sizeof(line));
	control_session_line(&session, line, strlen(line));
	return said();
}

static void
expect(const char *command, const char *answer)
{
	assert_string_equal(ask(command), answer);
}

static void
expect_part(const char *command, const char *part)
{
	const char *answer = ask(command);

	if (strstr(answer, part) == NULL)
		fail_msg("%s: no %s in:\n%s", command, part, answer);
}

static void
expect_error(const char *command, const char *error)
{
	char line[2048];

	snprintf(line, sizeof(line), "{\"ok\":false,\"error\":\"%s\"}\n",
	    error);
	expect(command, line);
}

#define OK "{\"ok\":true}\n"

static void
an_unknown_command_is_told_what_there_is(void **state)
{
	(void)state;
	expect_part("ban 192.0.2.1",
	    "{\"ok\":false,\"error\":\"unknown command \\\"ban\\\": expected "
	    "one of show, add, delete, pardon, flush, load, check, couple,");
	expect_error("show",
	    "show what? expected one of status, tables, table, source, "
	    "rules, sensors, never, pardons, neighbors, redis, queues");
	expect_part("show me", "cannot show \\\"me\\\": expected one of");
	expect_error("", "the line is empty: expected a command");
	expect_error(" \t ", "the line is empty: expected a command");
	expect_error("a b c d e f g h i", "more than 8 words in a line");
}

static void
a_command_with_the_wrong_words_is_told_the_right_ones(void **state)
{
	(void)state;
	expect_error("add", "expected: add TABLE PREFIX [for TIME]");
	expect_error("show status now", "expected: show status");
	expect_error("flush a b", "expected: flush TABLE");
	expect_error("add bruteforce 203.0.113.9 until 5m",
	    "expected \\\"for TIME\\\" at the end");
	expect_error("add bruteforce 203.0.113.9 for",
	    "expected \\\"for TIME\\\" at the end");
	expect_part("add bruteforce 203.0.113.9 for 0",
	    "expected a time such as 90s");
	expect_part("add bruteforce 203.0.113.9 for ever",
	    "expected a time such as 90s");
	expect_error("log loud", "expected: log brief|verbose");
	expect_error("add nobody 203.0.113.9",
	    "there is no table <nobody>: the policy has <admins>, "
	    "<bruteforce>, <seen>, <kept>");
	expect_part("add bruteforce 203.0.113.300",
	    "\\\"203.0.113.300\\\" is no address or prefix");
}

static void
bytes_that_are_no_text_are_an_error(void **state)
{
	char line[] = "show\0status";

	(void)state;
	control_session_line(&session, line, sizeof(line) - 1);
	assert_string_equal(said(),
	    "{\"ok\":false,\"error\":\"the line has a NUL byte in it\"}\n");
	control_session_overlong(&session);
	assert_string_equal(said(),
	    "{\"ok\":false,\"error\":\"the line is longer than 4095 "
	    "bytes\"}\n");
	expect_part("\x1b[2J\xff", "unknown command \\\"\\\\x1b[2J\\\\xff\\\"");
}

static void
add_holds_for_the_tables_own_term(void **state)
{
	(void)state;
	expect("add bruteforce 203.0.113.9",
	    "{\"what\":\"add\",\"table\":\"bruteforce\","
	    "\"prefix\":\"203.0.113.9\",\"outcome\":\"held\","
	    "\"expires\":\"2027-01-03T09:36:37.000Z\","
	    "\"decoupled\":false}\n" OK);
	expect_part("add kept 203.0.113.9", "\"expires\":\"never\"");
	assert_int_equal(fixture.commits, 2);
}

static void
add_again_extends_and_never_shortens(void **state)
{
	(void)state;
	expect_part("add <bruteforce> 203.0.113.9 for 1h",
	    "\"outcome\":\"held\",\"expires\":\"2026-11-22T10:36:37.000Z\"");
	expect_part("add <bruteforce> 203.0.113.9 for 2h",
	    "\"outcome\":\"extended\","
	    "\"expires\":\"2026-11-22T11:36:37.000Z\"");
	expect_part("add <bruteforce> 203.0.113.9 for 5m",
	    "\"outcome\":\"unchanged\","
	    "\"expires\":\"2026-11-22T11:36:37.000Z\"");
	expect_part("add <bruteforce> 203.0.113.9 for never",
	    "\"outcome\":\"extended\",\"expires\":\"never\"");
}

static void
a_refusal_names_the_member_and_why(void **state)
{
	(void)state;
	expect_error("add bruteforce 192.0.2.0/24",
	    "192.0.2.0/24 was not added: it covers 192.0.2.254, which is "
	    "never held (set never)");
	expect_error("add bruteforce 192.0.2.254",
	    "192.0.2.254 was not added: it is never held (set never)");
	expect_error("add bruteforce 127.0.0.1",
	    "127.0.0.1 was not added: it is in 127.0.0.0/8, which is never "
	    "held (loopback)");
	expect_error("add bruteforce 198.51.100.7",
	    "198.51.100.7 was not added: it is in 198.51.100.0/24, which is "
	    "never held (table <admins>)");
	assert_int_equal(fixture.commits, 0);
}

static void
what_the_store_refused_is_not_called_durable(void **state)
{
	(void)state;
	fixture.store_fails = true;
	expect_part("add bruteforce 203.0.113.9",
	    "{\"ok\":false,\"error\":\"done and in force, but not durable "
	    "yet: the store fails (disk is full)");
	fixture.store_fails = false;
	expect_part("show table bruteforce", "203.0.113.9");
}

static void
delete_leaves_what_the_policy_names(void **state)
{
	static const char *answer =
	    "198.51.100.0/24 stays in <admins>, since the policy names it "
	    "there: take it out of the policy and reload";

	(void)state;
	expect_error("delete admins 198.51.100.0/24", answer);
	ask("add admins 198.51.100.0/24 for 1h");
	expect_error("delete admins 198.51.100.0/24", answer);
	expect_part("show table admins", "\"holds\":1,\"origin\":\"file\"");
	expect_part("check 198.51.100.7", "\"would\":\"never\"");
}

static void
a_term_is_at_most_a_hundred_years(void **state)
{
	(void)state;
	expect_part("add seen 203.0.113.9 for 5200w", "\"expires\":\"2126-");
	expect_part("add seen 203.0.113.8 for 99999999w", "a hundred years");
	expect_part("pardon 203.0.113.8 for 36601d", "a hundred years");
}

static void
a_pardon_is_shown_with_its_end(void **state)
{
	(void)state;
	ask("pardon 203.0.113.9 for 1h");
	expect_part("check 203.0.113.9",
	    "{\"what\":\"pardon\",\"prefix\":\"203.0.113.9\","
	    "\"until\":\"2026-11-22T10:36:37.000Z\"}\n");
}

static void
delete_ends_the_entry_or_says_what_covers_it(void **state)
{
	(void)state;
	ask("add bruteforce 203.0.113.0/24");
	expect_error("delete bruteforce 203.0.113.9",
	    "203.0.113.9 is no entry of <bruteforce>; it is held there by "
	    "way of 203.0.113.0/24: delete that, or \\\"pardon "
	    "203.0.113.9\\\"");
	expect("delete <bruteforce> 203.0.113.0/24",
	    "{\"what\":\"delete\",\"table\":\"bruteforce\","
	    "\"prefix\":\"203.0.113.0/24\",\"decoupled\":false}\n" OK);
	expect_error("delete bruteforce 203.0.113.0/24",
	    "203.0.113.0/24 is no entry of <bruteforce>");
}

static void
pardon_releases_everywhere_for_a_day(void **state)
{
	(void)state;
	ask("add bruteforce 203.0.113.0/24");
	ask("add seen 203.0.113.9");
	expect("pardon 203.0.113.9",
	    "{\"what\":\"pardon\",\"prefix\":\"203.0.113.9\",\"released\":2,"
	    "\"until\":\"2026-11-23T09:36:37.000Z\",\"decoupled\":false}\n" OK);
	expect("show table bruteforce", OK);
	expect("show table seen", OK);
	expect_part("show pardons",
	    "{\"what\":\"pardon\",\"prefix\":\"203.0.113.9\",");
	expect_part("pardon 203.0.113.9 for 1h",
	    "\"released\":0,\"until\":\"2026-11-22T10:36:37.000Z\"");
}

static void
pardon_takes_the_prefix_that_rules_hold(void **state)
{
	(void)state;
	expect_part("pardon 2001:db8:0:7::5",
	    "\"prefix\":\"2001:db8:0:7::/64\"");
	expect_part("pardon 2001:db8::/32", "\"prefix\":\"2001:db8::/32\"");
}

static void
who_becomes_an_administrator_is_released_at_once(void **state)
{
	(void)state;
	ask("add bruteforce 203.0.113.9");
	ask("add seen 203.0.113.9");
	ask("add admins 203.0.113.9");
	expect("show table bruteforce", OK);
	expect("show table seen", OK);
	expect_part("show never",
	    "{\"what\":\"never\",\"prefix\":\"203.0.113.9\","
	    "\"why\":\"table <admins>\"}");
	expect_part("check 203.0.113.9", "\"held\":false");
}

static void
take_answer(const char *name, enum host_name_result result)
{
	struct host_name_answer answer = {.family = 4,
	    .result = (uint8_t)result,
	    .n = result == HOST_NAME_ADDRESSES};

	snprintf(answer.name, sizeof(answer.name), "%s", name);
	addr_parse("203.0.113.9", &answer.addrs[0]);
	engine_name_answer(fixture.engine, &answer, fixture.now);
}

static void
host_names_are_shown_with_how_asking_for_them_goes(void **state)
{
	/* As long as a name can be. */
	char name[HOST_NAME_LEN], text[4 * HOST_NAME_LEN];
	struct ruleset *rules;
	size_t i;

	(void)state;
	for (i = 0; i < HOST_NAME_LEN - 1; i++)
		name[i] = i % 2 == 0 ? 'a' : '.';
	name[i] = '\0';
	snprintf(text, sizeof(text), "set never { %s }\ntable <bad>\n", name);
	rules = fixture_ruleset(text);
	engine_ruleset_take(fixture.engine, &rules, fixture.now);
	snprintf(text, sizeof(text),
	    "{\"what\":\"name\",\"name\":\"%s\",\"state\":\"asked\","
	    "\"addresses\":0,\"failures\":0}\n",
	    name);
	expect_part("show never", text);
	take_answer(name, HOST_NAME_FAILED);
	expect_part("show never",
	    "\"state\":\"unresolved\",\"addresses\":0,\"failures\":1}");
	take_answer(name, HOST_NAME_ADDRESSES);
	expect_part("show never",
	    "\"state\":\"resolved\",\"addresses\":1,\"failures\":1,"
	    "\"since\":\"2026-11-22T09:36:37.000Z\"}");
	take_answer(name, HOST_NAME_FAILED);
	expect_part("show never", "\"state\":\"stale\",\"addresses\":1,");
	snprintf(text, sizeof(text),
	    "203.0.113.0/24 was not added: it covers 203.0.113.9, which is "
	    "never held (name %s)\"}",
	    name);
	expect_part("add bad 203.0.113.0/24", text);
	expect_part("metrics", "trapline_name_failures_total 2\"}");
	expect_part("metrics", "trapline_names_unresolved 0\"}");
}

static void
flush_spares_what_the_policy_names(void **state)
{
	(void)state;
	ask("add bruteforce 203.0.113.1");
	ask("add bruteforce 203.0.113.2");
	expect("flush bruteforce",
	    "{\"what\":\"flush\",\"table\":\"bruteforce\",\"released\":2,"
	    "\"left\":0,\"decoupled\":false}\n" OK);
	expect_part("flush admins", "\"released\":0,\"left\":1");
}

static void
load_holds_each_line_and_names_the_others(void **state)
{
	(void)state;
	expect("load bruteforce 5", "");
	assert_true(control_session_wants_line(&session));
	expect("203.0.113.1", "");
	expect("nonsense",
	    "{\"what\":\"line\",\"line\":2,\"error\":\"nonsense is no address "
	    "or prefix\"}\n");
	expect("192.0.2.254",
	    "{\"what\":\"line\",\"line\":3,\"error\":\"192.0.2.254 was not "
	    "added: it is never held (set never)\"}\n");
	control_session_overlong(&session);
	said();
	assert_int_equal(fixture.commits, 0);
	expect("2001:db8::/64",
	    "{\"what\":\"load\",\"table\":\"bruteforce\",\"held\":2,"
	    "\"refused\":1,\"bad\":2,"
	    "\"expires\":\"2027-01-03T09:36:37.000Z\"}\n"
	    "{\"ok\":false,\"error\":\"3 of 5 lines were not taken\"}\n");
	assert_int_equal(fixture.commits, 1);
	expect_part("load bruteforce 0", "the number of lines is too small");
	expect_part("load bruteforce x", "the number of lines is invalid");
}

static void
a_load_that_is_cut_off_says_where(void **state)
{
	(void)state;
	ask("load bruteforce 3");
	ask("203.0.113.1");
	control_session_eof(&session);
	expect_part("show tables", "the load ended behind line 1 of 3");
	assert_int_equal(fixture.commits, 1);
}

static void
a_long_table_comes_in_pieces_and_whole(void **state)
{
	char command[64];
	const char *p;
	size_t n, peak = 0, got = 0;
	int i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		snprintf(command, sizeof(command), "add bruteforce 203.%d.%d.1",
		    i / 250, i % 250);
		ask(command);
	}
	strlcpy(command, "show table bruteforce", sizeof(command));
	control_session_line(&session, command, strlen(command));
	while (session.state == CONTROL_ANSWERING) {
		control_session_more(&session);
		n = evbuffer_get_length(out);
		peak = n > peak ? n : peak;
		for (p = said(); (p = strstr(p, "\"entry\"")) != NULL; p++)
			got++;
	}
	assert_int_equal(got, 5000);
	assert_true(peak < 2 * (size_t)CONTROL_OUT_FULL);
}

static void
a_source_that_is_held_is_explained(void **state)
{
	const char *answer;

	(void)state;
	ask("add bruteforce 203.0.113.0/24 for 1h");
	answer = ask("show source 203.0.113.9");
	assert_string_equal(answer,
	    "{\"what\":\"hold\",\"table\":\"bruteforce\",\"enforce\":"
	    "\"block\",\"prefix\":\"203.0.113.0/24\",\"origin\":\"operator\","
	    "\"by\":\"uid 7\",\"sensor\":\"\",\"cause\":\"added\","
	    "\"count\":0,\"since\":\"2026-11-22T09:36:37.000Z\","
	    "\"expires\":\"2026-11-22T10:36:37.000Z\"}\n"
	    "{\"what\":\"verdict\",\"prefix\":\"203.0.113.9\",\"held\":true,"
	    "\"blocked\":true,\"decoupled\":false,\"holds\":1,"
	    "\"would\":\"watched\",\"now\":\"2026-11-22T09:36:37.000Z\","
	    "\"release\":\"traplinectl pardon 203.0.113.9\"}\n" OK);
	expect_part("show source 2001:db8::1", "\"held\":false");
}

static void
check_says_whether_it_would_be_held(void **state)
{
	(void)state;
	expect_part("check 203.0.113.9", "\"would\":\"watched\"");
	expect_part("check 203.0.113.9",
	    "{\"what\":\"rule\",\"action\":\"watch\",\"file\":\"test.conf\","
	    "\"line\":10,\"by\":\"line 10\",\"table\":\"bruteforce\","
	    "\"max_src_conn\":100,\"rate_limit\":3,\"rate_seconds\":30,");
	expect_part("check 127.0.0.1", "\"would\":\"never\"");
	expect_part("check 127.0.0.1",
	    "{\"what\":\"never\",\"why\":\"it is in 127.0.0.0/8, which is "
	    "never held (loopback)\"}");
	expect_part("check 198.51.100.7", "\"action\":\"ignore\"");
	expect_part("check 198.51.100.7",
	    "{\"what\":\"named\",\"table\":\"admins\",");
	expect_part("check 198.51.100.7",
	    "\"held\":false,\"blocked\":false,\"decoupled\":false,"
	    "\"holds\":0,\"would\":\"never\",\"now\":"
	    "\"2026-11-22T09:36:37.000Z\"}\n");
	ask("pardon 203.0.113.9");
	expect_part("check 203.0.113.9", "\"would\":\"pardoned\"");
}

static void
check_shows_how_far_the_counters_are(void **state)
{
	struct observation o = {.kind = OBS_ESTABLISHED,
	    .dst_port = 22,
	    .proto = 6,
	    .dir = OBS_DIR_IN};
	struct prefix p;

	(void)state;
	assert_int_equal(prefix_parse("203.0.113.9", &p), 0);
	o.time = fixture.now;
	o.src = p.addr;
	o.dst = p.addr;
	engine_observe(fixture.engine, &o, 1, fixture.now);
	engine_observe(fixture.engine, &o, 1, fixture.now);
	expect_part("check 203.0.113.9",
	    "{\"what\":\"counted\",\"action\":\"watch\",\"file\":"
	    "\"test.conf\",\"line\":10,\"by\":\"line 10\",\"table\":"
	    "\"bruteforce\",\"conn\":2,\"rate_count\":2,");
	engine_observe(fixture.engine, &o, 1, fixture.now);
	engine_observe(fixture.engine, &o, 1, fixture.now);
	expect_part("show source 203.0.113.9",
	    "\"origin\":\"rule\",\"by\":\"line 10\",");
}

static void
the_lists_have_one_object_a_fact(void **state)
{
	(void)state;
	expect_part("show tables",
	    "{\"what\":\"table\",\"table\":\"bruteforce\",\"entries\":0,"
	    "\"enforce\":\"block\",\"expire\":\"6w\","
	    "\"expire_seconds\":3628800,\"from\":\"last\"}\n");
	expect_part("show tables",
	    "\"table\":\"kept\",\"entries\":0,\"enforce\":\"none\","
	    "\"expire\":\"never\",\"from\"");
	expect_part("show rules",
	    "{\"what\":\"rule\",\"file\":\"test.conf\",\"line\":9,"
	    "\"action\":\"ignore\",\"sources\":0,");
	expect_part("show sensors",
	    "{\"what\":\"sensor\",\"sensor\":\"capture on em2\","
	    "\"state\":\"running\",");
	expect_part("show sensors",
	    "{\"what\":\"undecodable\",\"sensor\":\"capture on em2\","
	    "\"reason\":\"a \\\"bad\\\" header\",\"count\":3}\n");
	expect_part("show never",
	    "{\"what\":\"never\",\"prefix\":\"127.0.0.0/8\",");
	expect_part("show never",
	    "{\"what\":\"never\",\"prefix\":\"198.51.100.0/24\","
	    "\"why\":\"table <admins>\"}");
	expect_part("show status",
	    "\"uptime_seconds\":3600,\"policy\":\"test.conf\"");
	expect_part("show redis", "there is nothing to show");
}

static void
metrics_are_openmetrics_in_lines(void **state)
{
	const char *answer;

	(void)state;
	answer = ask("metrics");
	assert_non_null(strstr(answer,
	    "{\"line\":\"# TYPE trapline_holds counter\"}\n"
	    "{\"line\":\"# HELP trapline_holds Entries that appeared.\"}\n"
	    "{\"line\":\"trapline_holds_total 0\"}\n"));
	assert_non_null(strstr(answer,
	    "{\"line\":\"trapline_sensor_undecodable_total{sensor="
	    "\\\"capture on em2\\\",reason=\\\"a \\\\\\\"bad\\\\\\\" "
	    "header\\\"} 3\"}\n"));
	assert_non_null(strstr(answer, "{\"line\":\"# EOF\"}\n" OK));
}

static void
the_host_is_asked_for_what_the_engine_cannot(void **state)
{
	(void)state;
	expect("decouple", "{\"what\":\"decouple\",\"decoupled\":true}\n" OK);
	assert_false(fixture.is_coupled);
	expect_part("add bruteforce 203.0.113.9", "\"decoupled\":true}");
	expect_part("show source 203.0.113.9",
	    "\"held\":true,\"blocked\":false,\"decoupled\":true");
	expect("couple", "{\"what\":\"couple\",\"decoupled\":false}\n" OK);
	assert_true(fixture.is_coupled);
	expect("log verbose", OK);
	assert_true(fixture.is_verbose);
	expect("log brief", OK);
	assert_false(fixture.is_verbose);
}

static void
reload_waits_for_its_outcome(void **state)
{
	(void)state;
	expect("reload", "");
	assert_int_equal(fixture.reloads, 1);
	assert_false(control_session_wants_line(&session));
	control_session_reloaded(&session, "test.conf:3: syntax error");
	assert_string_equal(said(),
	    "{\"ok\":false,\"error\":\"the old policy stays in force: "
	    "test.conf:3: syntax error\"}\n");
	control_session_reloaded(&session, NULL);
	assert_string_equal(said(), "");
	expect("reload", "");
	control_session_reloaded(&session, NULL);
	assert_string_equal(said(), OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_unknown_command_is_told_what_there_is),
	    TEST(a_command_with_the_wrong_words_is_told_the_right_ones),
	    TEST(bytes_that_are_no_text_are_an_error),
	    TEST(add_holds_for_the_tables_own_term),
	    TEST(add_again_extends_and_never_shortens),
	    TEST(a_refusal_names_the_member_and_why),
	    TEST(what_the_store_refused_is_not_called_durable),
	    TEST(delete_leaves_what_the_policy_names),
	    TEST(a_term_is_at_most_a_hundred_years),
	    TEST(a_pardon_is_shown_with_its_end),
	    TEST(delete_ends_the_entry_or_says_what_covers_it),
	    TEST(pardon_releases_everywhere_for_a_day),
	    TEST(pardon_takes_the_prefix_that_rules_hold),
	    TEST(who_becomes_an_administrator_is_released_at_once),
	    TEST(host_names_are_shown_with_how_asking_for_them_goes),
	    TEST(flush_spares_what_the_policy_names),
	    TEST(load_holds_each_line_and_names_the_others),
	    TEST(a_load_that_is_cut_off_says_where),
	    TEST(a_long_table_comes_in_pieces_and_whole),
	    TEST(a_source_that_is_held_is_explained),
	    TEST(check_says_whether_it_would_be_held),
	    TEST(check_shows_how_far_the_counters_are),
	    TEST(the_lists_have_one_object_a_fact),
	    TEST(metrics_are_openmetrics_in_lines),
	    TEST(the_host_is_asked_for_what_the_engine_cannot),
	    TEST(reload_waits_for_its_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
