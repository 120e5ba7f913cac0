/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The core: counting, guards, holds, pardons, reloads, without any I/O. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "engine/host_names.h"
#include "engine/names.h"
#include "engine/never.h"
#include "engine/sources.h"
#include "rules/ruleset.h"

#define TOLD_MAX 64
#define START_MS INT64_C(1700000000000)

struct bench {
	struct engine_output out; /* first */
	struct engine *engine;
	char told[TOLD_MAX][DECISION_STRLEN];
	size_t ntold, nchanges, nholds, nunholds;
	struct change last_change;
};

static void
out_change(struct engine_output *out, const struct change *change)
{
	struct bench *b = (struct bench *)out;

	b->nchanges++;
	b->last_change = *change;
}

static void
out_hold(struct engine_output *out, uint16_t table, const struct prefix *p,
    const struct hold *hold)
{
	(void)table;
	(void)p;
	(void)hold;
	((struct bench *)out)->nholds++;
}

static void
out_unhold(struct engine_output *out, uint16_t table, const struct prefix *p,
    enum origin origin, uint32_t by)
{
	(void)table;
	(void)p;
	(void)origin;
	(void)by;
	((struct bench *)out)->nunholds++;
}

static void
out_pardon(struct engine_output *out, const struct prefix *p, struct wall until)
{
	(void)out;
	(void)p;
	(void)until;
}

static void
out_decision(struct engine_output *out, const struct decision *decision)
{
	static const char *const words[] = {"hold", "extend", "release",
	    "refuse"};
	struct bench *b = (struct bench *)out;
	char prefix[PREFIX_STRLEN];

	assert_true(b->ntold < TOLD_MAX);
	snprintf(b->told[b->ntold++], DECISION_STRLEN, "%s %s %s %s %s",
	    words[decision->kind], decision->table_name,
	    prefix_format(&decision->prefix, prefix, sizeof(prefix)),
	    decision->by, decision->cause);
}

static struct wall
at(int64_t seconds)
{
	return (struct wall){START_MS + seconds * 1000};
}

static struct ruleset *
policy(const char *text)
{
	struct policy_text *files = policy_text_new();
	struct policy_messages messages = {0};
	struct ruleset *rs;
	size_t i;

	policy_text_add(files, "test.conf", text, strlen(text));
	rs = ruleset_load("test.conf", files, false, NULL, 0, &messages);
	for (i = 0; i < messages.n; i++)
		print_message("%s\n", messages.list[i].text);
	assert_non_null(rs);
	policy_messages_free(&messages);
	policy_text_free(files);
	return rs;
}

static void
start(struct bench *b, const char *text)
{
	struct ruleset *rs = policy(text);

	memset(b, 0, sizeof(*b));
	b->out.change = out_change;
	b->out.hold = out_hold;
	b->out.unhold = out_unhold;
	b->out.pardon = out_pardon;
	b->out.decided = out_decision;
	b->engine = engine_new(&b->out, 1, at(0));
	assert_non_null(b->engine);
	engine_ruleset_take(b->engine, &rs, at(0));
}

static void
reload(struct bench *b, const char *text, int64_t seconds)
{
	struct ruleset *rs = policy(text);
	struct policy_messages messages = {0};

	assert_int_equal(
	    ruleset_inherit(rs, engine_ruleset(b->engine), &messages), 0);
	engine_ruleset_take(b->engine, &rs, at(seconds));
	policy_messages_free(&messages);
}

static struct prefix
prefix_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static struct observation
seen(const char *src, enum obs_kind kind, int64_t seconds)
{
	struct observation o = {.time = at(seconds),
	    .kind = (uint16_t)kind,
	    .src_port = 40000,
	    .dst_port = 22,
	    .proto = 6,
	    .dir = OBS_DIR_IN};

	assert_int_equal(addr_parse(src, &o.src), 0);
	assert_int_equal(addr_parse("192.0.2.10", &o.dst), 0);
	return o;
}

static void
observe(struct bench *b, const char *src, enum obs_kind kind, int64_t seconds)
{
	struct observation o = seen(src, kind, seconds);

	engine_advance(b->engine, at(seconds));
	engine_observe(b->engine, &o, 1, at(seconds));
}

static void
expect(struct bench *b, const char *want)
{
	assert_int_not_equal(b->ntold, 0);
	assert_string_equal(b->told[b->ntold - 1], want);
}

#define TABLE "table <bad> expire 60s enforce block\n"
#define RATE  TABLE "watch proto tcp (max-src-conn-rate 3/30, overload <bad>)\n"

static void
the_fourth_connection_is_held_until_its_term_is_over(void **state)
{
	struct bench b;
	int i;

	(void)state;
	start(&b, RATE);
	for (i = 0; i < 3; i++)
		observe(&b, "198.51.100.1", OBS_ESTABLISHED, i);
	assert_int_equal(b.ntold, 0);
	observe(&b, "198.51.100.1", OBS_ESTABLISHED, 3);
	expect(&b, "hold bad 198.51.100.1 line 2 max-src-conn-rate 3/30");
	assert_int_equal(b.last_change.remaining_ms, 60000);
	engine_advance(b.engine, at(62));
	assert_int_equal(b.ntold, 1);
	engine_advance(b.engine, at(63));
	expect(&b, "release bad 198.51.100.1 line 2 expired");
	assert_int_equal(b.last_change.kind, CHANGE_RELEASE);
	assert_int_equal(b.nunholds, 1);
	engine_free(b.engine);
}

static void
an_offence_again_extends_and_never_within_a_second(void **state)
{
	struct bench b;
	int i;

	(void)state;
	start(&b, RATE);
	for (i = 0; i < 10; i++)
		observe(&b, "198.51.100.1", OBS_ESTABLISHED, 0);
	assert_int_equal(b.ntold, 1);
	observe(&b, "198.51.100.1", OBS_ESTABLISHED, 1);
	expect(&b, "extend bad 198.51.100.1 line 2 max-src-conn-rate 3/30");
	assert_int_equal(b.ntold, 2);
	engine_free(b.engine);
}

static void
ipv6_sources_are_held_by_their_network(void **state)
{
	struct bench b;

	(void)state;
	start(&b, RATE);
	observe(&b, "2001:db8:1:2::1", OBS_ESTABLISHED, 0);
	observe(&b, "2001:db8:1:2::2", OBS_ESTABLISHED, 0);
	observe(&b, "2001:db8:1:2::3", OBS_ESTABLISHED, 0);
	observe(&b, "2001:db8:1:2::4", OBS_ESTABLISHED, 0);
	expect(&b, "hold bad 2001:db8:1:2::/64 line 2 max-src-conn-rate 3/30");
	engine_free(b.engine);
}

static void
simultaneous_connections_go_down_on_close(void **state)
{
	struct observation o;
	struct bench b;
	int i;

	(void)state;
	start(&b, TABLE "watch proto tcp (max-src-conn 2, overload <bad>)\n");
	for (i = 0; i < 5; i++) {
		observe(&b, "198.51.100.1", OBS_ESTABLISHED, i);
		o = seen("198.51.100.1", OBS_CLOSED, i);
		o.established = o.opened = at(i);
		engine_observe(b.engine, &o, 1, at(i));
	}
	assert_int_equal(b.ntold, 0);
	for (i = 0; i < 3; i++)
		observe(&b, "198.51.100.1", OBS_ESTABLISHED, 10);
	expect(&b, "hold bad 198.51.100.1 line 2 max-src-conn 2");
	engine_free(b.engine);
}

static void
who_is_held_while_he_waits_is_asked_for_again(void **state)
{
	struct observation o = seen("198.51.100.1", OBS_ESTABLISHED, 1);
	struct engine_counters counters;
	struct bench b;

	(void)state;
	start(&b, TABLE "ignore from <bad>\n"
			"watch proto tcp (overload <bad>)\n");
	engine_take(b.engine, &o);
	engine_take(b.engine, &o);
	assert_int_equal(engine_waiting(b.engine), 2);
	assert_int_equal(engine_oldest(b.engine)->time.ms, o.time.ms);
	engine_count(b.engine, at(1));
	engine_count(b.engine, at(1));
	assert_null(engine_oldest(b.engine));
	engine_counters(b.engine, &counters);
	assert_int_equal(counters.observations, 2);
	assert_int_equal(counters.matched, 1);
	engine_free(b.engine);
}

static void
a_close_from_before_the_rule_is_not_credited(void **state)
{
	struct observation o;
	struct bench b;

	(void)state;
	start(&b, TABLE "watch proto tcp (max-src-conn 2, overload <bad>)\n");
	observe(&b, "198.51.100.1", OBS_ESTABLISHED, 10);
	observe(&b, "198.51.100.1", OBS_ESTABLISHED, 10);
	o = seen("198.51.100.1", OBS_CLOSED, 11);
	o.established = o.opened = at(5);
	engine_observe(b.engine, &o, 1, at(11));
	observe(&b, "198.51.100.1", OBS_ESTABLISHED, 12);
	expect(&b, "hold bad 198.51.100.1 line 2 max-src-conn 2");
	engine_free(b.engine);
}

static void
max_src_nodes_bounds_what_is_tracked_and_holds_nobody(void **state)
{
	struct engine_counters counters;
	struct bench b;

	(void)state;
	start(&b, TABLE "watch proto tcp (max-src-nodes 1, "
			"max-src-conn-rate 1/30, overload <bad>)\n");
	observe(&b, "198.51.100.1", OBS_ESTABLISHED, 0);
	observe(&b, "198.51.100.2", OBS_ESTABLISHED, 0);
	observe(&b, "198.51.100.2", OBS_ESTABLISHED, 0);
	assert_int_equal(b.ntold, 0);
	engine_counters(b.engine, &counters);
	assert_int_equal(counters.nodes_full, 2);
	observe(&b, "198.51.100.1", OBS_ESTABLISHED, 0);
	assert_int_equal(b.ntold, 1);
	engine_free(b.engine);
}

static void
nobody_may_hold_a_never_address(void **state)
{
	struct prefix wide = prefix_of("198.51.100.0/24");
	struct bench b;

	(void)state;
	start(&b, "set never { 198.51.100.1, <admins> }\n"
		  "table <admins> { 203.0.113.0/24 }\n" TABLE
		  "watch seen blocked (overload <bad>)\n");
	observe(&b, "198.51.100.1", OBS_BLOCKED, 0);
	expect(&b, "refuse bad 198.51.100.1 line 4 never");
	observe(&b, "198.51.100.1", OBS_BLOCKED, 1);
	assert_int_equal(b.ntold, 1);
	assert_int_equal(
	    engine_claim(b.engine,
		(uint16_t)ruleset_table(engine_ruleset(b.engine), "bad"), &wide,
		ORIGIN_OPERATOR, "operator", "added", WALL_NEVER, at(2)),
	    ENGINE_NEVER);
	observe(&b, "203.0.113.9", OBS_BLOCKED, 3);
	expect(&b, "refuse bad 203.0.113.9 line 4 never");
	observe(&b, "127.0.0.1", OBS_BLOCKED, 4);
	expect(&b, "refuse bad 127.0.0.1 line 4 never");
	engine_free(b.engine);
}

static void
who_becomes_never_is_let_go(void **state)
{
	struct prefix host = prefix_of("198.51.100.1");
	struct bench b;

	(void)state;
	start(&b, TABLE "watch seen blocked (overload <bad>)\n");
	observe(&b, "198.51.100.1", OBS_BLOCKED, 0);
	engine_never_begin(b.engine);
	engine_never_add(b.engine, &host, "login session");
	engine_never_end(b.engine, at(1));
	expect(&b, "release bad 198.51.100.1 line 2 never");
	engine_free(b.engine);
}

/* It comes in pieces, and somebody may offend between two of them. */
static void
the_old_never_serves_until_the_new_is_whole(void **state)
{
	struct prefix host = prefix_of("198.51.100.1");
	struct prefix other = prefix_of("198.51.100.2");
	struct bench b;

	(void)state;
	start(&b, "set never { <admins> }\ntable <admins>\n" TABLE
		  "watch seen blocked (overload <bad>)\n");
	engine_never_begin(b.engine);
	engine_never_add(b.engine, &host, "login session");
	engine_never_end(b.engine, at(0));
	engine_never_begin(b.engine);
	engine_never_add(b.engine, &other, "login session");
	/* A table that is part of "never" changes in between. */
	assert_int_equal(engine_claim(b.engine, 0, &other, ORIGIN_OPERATOR,
			     "operator", "added", WALL_NEVER, at(1)),
	    ENGINE_DONE);
	observe(&b, "198.51.100.1", OBS_BLOCKED, 1);
	expect(&b, "refuse bad 198.51.100.1 line 4 never");
	engine_never_end(b.engine, at(2));
	observe(&b, "198.51.100.1", OBS_BLOCKED, 2);
	expect(&b, "hold bad 198.51.100.1 line 4 blocked");
	engine_free(b.engine);
}

static void
a_listed_prefix_is_held_again_when_its_pardon_ends(void **state)
{
	struct prefix host = prefix_of("198.51.100.1");
	struct bench b;

	(void)state;
	start(&b, "table <bad> { 198.51.100.1 } enforce block\n");
	assert_int_equal(engine_pardon(b.engine, &host, at(100), at(1)), 1);
	engine_advance(b.engine, at(99));
	assert_int_equal(b.last_change.kind, CHANGE_RELEASE);
	engine_advance(b.engine, at(101));
	assert_int_equal(b.last_change.kind, CHANGE_HOLD);
	engine_free(b.engine);
}

static void
who_a_name_comes_to_stand_for_is_let_go_and_not_held(void **state)
{
	struct host_name_answer name = {.family = 4, .n = 1};
	struct bench b;

	(void)state;
	start(&b, "set never { www.example.org }\n" TABLE
		  "watch seen blocked (overload <bad>)\n");
	observe(&b, "198.51.100.1", OBS_BLOCKED, 0);
	expect(&b, "hold bad 198.51.100.1 line 3 blocked");
	snprintf(name.name, sizeof(name.name), "www.example.org");
	addr_parse("198.51.100.1", &name.addrs[0]);
	engine_name_answer(b.engine, &name, at(1));
	expect(&b, "release bad 198.51.100.1 line 3 never");
	observe(&b, "198.51.100.1", OBS_BLOCKED, 2);
	expect(&b, "refuse bad 198.51.100.1 line 3 never");
	/* Its neighbour is nobody's, and another answer takes its place. */
	observe(&b, "198.51.100.2", OBS_BLOCKED, 3);
	expect(&b, "hold bad 198.51.100.2 line 3 blocked");
	addr_parse("198.51.100.2", &name.addrs[0]);
	engine_name_answer(b.engine, &name, at(4));
	expect(&b, "release bad 198.51.100.2 line 3 never");
	observe(&b, "198.51.100.1", OBS_BLOCKED, 5);
	expect(&b, "hold bad 198.51.100.1 line 3 blocked");
	engine_free(b.engine);
}

static void
a_reload_without_the_name_forgets_its_addresses(void **state)
{
	struct host_name_answer name = {.family = 6, .n = 1};
	struct ruleset *rs;
	struct bench b;

	(void)state;
	start(&b, "set never { www.example.org }\n" TABLE
		  "watch seen blocked (overload <bad>)\n");
	snprintf(name.name, sizeof(name.name), "www.example.org");
	addr_parse("198.51.100.1", &name.addrs[0]);
	engine_name_answer(b.engine, &name, at(0));
	rs = policy("set never { 192.0.2.1 }\n" TABLE
		    "watch seen blocked (overload <bad>)\n");
	engine_ruleset_take(b.engine, &rs, at(1));
	engine_name_answer(b.engine, &name, at(2));
	observe(&b, "198.51.100.1", OBS_BLOCKED, 3);
	expect(&b, "hold bad 198.51.100.1 line 3 blocked");
	engine_free(b.engine);
}

static void
a_pardon_sticks_until_its_time_and_the_operator_outranks_it(void **state)
{
	struct prefix host = prefix_of("198.51.100.1");
	struct bench b;
	uint16_t table;

	(void)state;
	start(&b, TABLE "watch seen blocked (overload <bad>)\n");
	table = (uint16_t)ruleset_table(engine_ruleset(b.engine), "bad");
	observe(&b, "198.51.100.1", OBS_BLOCKED, 0);
	assert_int_equal(engine_pardon(b.engine, &host, at(100), at(1)), 1);
	expect(&b, "release bad 198.51.100.1 line 2 pardoned");
	observe(&b, "198.51.100.1", OBS_BLOCKED, 2);
	expect(&b, "refuse bad 198.51.100.1 line 2 pardoned");
	observe(&b, "198.51.100.1", OBS_BLOCKED, 100);
	expect(&b, "hold bad 198.51.100.1 line 2 blocked");
	engine_pardon(b.engine, &host, at(300), at(101));
	assert_int_equal(engine_claim(b.engine, table, &host, ORIGIN_OPERATOR,
			     "operator", "added", at(400), at(102)),
	    ENGINE_DONE);
	assert_false(engine_pardoned(b.engine, &host, NULL));
	engine_free(b.engine);
}

static void
an_entry_lives_while_any_hold_lives(void **state)
{
	struct prefix host = prefix_of("198.51.100.1");
	struct bench b;
	uint16_t table;

	(void)state;
	start(&b, TABLE "watch seen blocked (overload <bad>)\n");
	table = (uint16_t)ruleset_table(engine_ruleset(b.engine), "bad");
	observe(&b, "198.51.100.1", OBS_BLOCKED, 0);
	engine_claim(b.engine, table, &host, ORIGIN_BGP, "rs1", "learned",
	    at(500), at(1));
	expect(&b, "extend bad 198.51.100.1 rs1 learned");
	engine_advance(b.engine, at(61));
	assert_int_equal(b.ntold, 2);
	assert_int_equal(b.nunholds, 1);
	engine_advance(b.engine, at(500));
	expect(&b, "release bad 198.51.100.1 rs1 expired");
	engine_free(b.engine);
}

static size_t
count_lines(int fd)
{
	char bytes[4096];
	ssize_t i, n = pread(fd, bytes, sizeof(bytes), 0);
	size_t lines = 0;

	for (i = 0; i < n; i++)
		lines += bytes[i] == '\n';
	return lines;
}

/* A stranger who knocks on must not fill the log. */
static void
a_flood_over_the_breaker_is_told_once(void **state)
{
	FILE *log = tmpfile();
	int keep = dup(STDERR_FILENO), seconds;
	char text[32];
	struct bench b;

	(void)state;
	assert_non_null(log);
	assert_int_equal(dup2(fileno(log), STDERR_FILENO), STDERR_FILENO);
	start(&b, "set limit holds 2/4\n" TABLE
		  "watch seen blocked (overload <bad>)\n");
	for (seconds = 0; seconds < 100; seconds++) {
		snprintf(text, sizeof(text), "198.51.100.%d", seconds);
		observe(&b, text, OBS_BLOCKED, seconds);
		b.ntold = 0;
	}
	dup2(keep, STDERR_FILENO);
	close(keep);
	assert_int_equal(count_lines(fileno(log)), 1);
	fclose(log);
	engine_free(b.engine);
}

static void
the_breaker_stops_rules_and_not_the_operator(void **state)
{
	struct prefix host = prefix_of("198.51.100.9");
	struct bench b;

	(void)state;
	start(&b, "set limit holds 2/1m\n" TABLE
		  "watch seen blocked (overload <bad>)\n");
	observe(&b, "198.51.100.1", OBS_BLOCKED, 0);
	observe(&b, "198.51.100.2", OBS_BLOCKED, 0);
	observe(&b, "198.51.100.3", OBS_BLOCKED, 0);
	expect(&b, "refuse bad 198.51.100.3 line 3 limit holds");
	assert_int_equal(engine_claim(b.engine, 0, &host, ORIGIN_OPERATOR,
			     "operator", "added", at(10), at(0)),
	    ENGINE_DONE);
	observe(&b, "198.51.100.4", OBS_BLOCKED, 61);
	expect(&b, "hold bad 198.51.100.4 line 3 blocked");
	engine_free(b.engine);
}

static void
a_reload_keeps_counters_of_unchanged_rules_and_all_entries(void **state)
{
	struct bench b;
	int i;

	(void)state;
	start(&b, RATE);
	for (i = 0; i < 4; i++)
		observe(&b, "198.51.100.1", OBS_ESTABLISHED, 0);
	for (i = 0; i < 3; i++)
		observe(&b, "198.51.100.2", OBS_ESTABLISHED, 0);
	assert_int_equal(b.ntold, 1);
	reload(&b, "# one line more\n" RATE, 1);
	assert_int_equal(b.ntold, 1);
	assert_int_equal(tables_count_all(engine_tables(b.engine)), 1);
	observe(&b, "198.51.100.2", OBS_ESTABLISHED, 2);
	expect(&b, "hold bad 198.51.100.2 line 3 max-src-conn-rate 3/30");
	engine_free(b.engine);
}

static void
members_follow_the_policy(void **state)
{
	struct bench b;

	(void)state;
	start(&b, "table <bad> { 198.51.100.1, 198.51.100.2 } enforce block\n");
	assert_int_equal(b.ntold, 0);
	assert_int_equal(b.nchanges, 2);
	reload(&b, "table <bad> { 198.51.100.2 } enforce block\n", 5);
	assert_int_equal(b.ntold, 1);
	expect(&b, "release bad 198.51.100.1 test.conf:1 withdrawn");
	assert_int_equal(tables_count_all(engine_tables(b.engine)), 1);
	engine_free(b.engine);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_fourth_connection_is_held_until_its_term_is_over),
	    cmocka_unit_test(
		an_offence_again_extends_and_never_within_a_second),
	    cmocka_unit_test(ipv6_sources_are_held_by_their_network),
	    cmocka_unit_test(simultaneous_connections_go_down_on_close),
	    cmocka_unit_test(who_is_held_while_he_waits_is_asked_for_again),
	    cmocka_unit_test(a_close_from_before_the_rule_is_not_credited),
	    cmocka_unit_test(
		max_src_nodes_bounds_what_is_tracked_and_holds_nobody),
	    cmocka_unit_test(nobody_may_hold_a_never_address),
	    cmocka_unit_test(who_becomes_never_is_let_go),
	    cmocka_unit_test(the_old_never_serves_until_the_new_is_whole),
	    cmocka_unit_test(
		a_listed_prefix_is_held_again_when_its_pardon_ends),
	    cmocka_unit_test(a_flood_over_the_breaker_is_told_once),
	    cmocka_unit_test(
		who_a_name_comes_to_stand_for_is_let_go_and_not_held),
	    cmocka_unit_test(a_reload_without_the_name_forgets_its_addresses),
	    cmocka_unit_test(
		a_pardon_sticks_until_its_time_and_the_operator_outranks_it),
	    cmocka_unit_test(an_entry_lives_while_any_hold_lives),
	    cmocka_unit_test(the_breaker_stops_rules_and_not_the_operator),
	    cmocka_unit_test(
		a_reload_keeps_counters_of_unchanged_rules_and_all_entries),
	    cmocka_unit_test(members_follow_the_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
