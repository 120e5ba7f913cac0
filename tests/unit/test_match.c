/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The matcher, rule by rule: what each term takes and what ends a walk. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/compat.h"
#include "rules/match.h"
#include "rules/ruleset.h"

/* The one address that is in every table of these tests. */
static struct addr member;

static bool
table_has(const struct match_tables *tables, uint16_t table,
    const struct addr *a)
{
	(void)tables;
	(void)table;
	return addr_equal(a, &member);
}

static struct ruleset *
load(const char *policy)
{
	struct policy_text *text = policy_text_new();
	struct policy_messages messages = {NULL, 0, 0};
	struct ruleset *rs;

	policy_text_add(text, "test", policy, strlen(policy));
	rs = ruleset_load("test", text, false, NULL, 0, &messages);
	if (rs == NULL)
		fail_msg("%s", messages.list[0].text);
	policy_messages_free(&messages);
	policy_text_free(text);
	return rs;
}

/*
 * The labels of the rules that an observation meets, one letter each, must be
 * those of want.
 */
static void
expect(const char *policy, const struct observation *o, const char *want)
{
	static const struct match_tables tables = {table_has};
	struct ruleset *rs = load(policy);
	struct matcher *m = matcher_new(rs);
	const struct rule *r;
	struct match_walk walk;
	char met[32] = "";

	assert_non_null(m);
	match_start(&walk, m, o, &tables);
	while ((r = match_next(&walk)) != NULL)
		strlcat(met, r->label, sizeof(met));
	assert_string_equal(met, want);
	matcher_free(m);
	ruleset_free(rs);
}

/* An established TCP connection to port 22, seen coming in on em0. */
static struct observation
connection(const char *src)
{
	struct observation o = {
	    .kind = OBS_ESTABLISHED,
	    .proto = 6,
	    .src_port = 40000,
	    .dst_port = 22,
	    .dir = OBS_DIR_IN,
	    .ifname = "em0",
	};

	assert_int_equal(addr_parse(src, &o.src), 0);
	assert_int_equal(addr_parse("192.0.2.1", &o.dst), 0);
	return o;
}

static void
rules_come_in_the_order_of_the_file(void **state)
{
	struct observation o = connection("198.51.100.1");

	(void)state;
	expect("watch label a\nwatch proto udp label b\nwatch label c\n", &o,
	    "ac");
}

static void
ignore_stops_without_being_met(void **state)
{
	struct observation o = connection("198.51.100.1");

	(void)state;
	expect("watch label a\nignore from 198.51.100.0/24\nwatch label b\n",
	    &o, "a");
}

static void
quick_is_met_and_stops(void **state)
{
	struct observation o = connection("198.51.100.1");

	(void)state;
	expect("watch quick proto udp label a\nwatch quick label b\n"
	       "watch label c\n",
	    &o, "b");
}

static void
an_unknown_direction_is_in_and_out(void **state)
{
	const char *policy = "watch in label a\nwatch out label b\n";
	struct observation o = connection("198.51.100.1");

	(void)state;
	expect(policy, &o, "a");
	o.dir = OBS_DIR_UNKNOWN;
	expect(policy, &o, "ab");
}

static void
an_unknown_interface_is_every_interface(void **state)
{
	const char *policy = "watch on em0 label a\nwatch on em1 label b\n";
	struct observation o = connection("198.51.100.1");

	(void)state;
	expect(policy, &o, "a");
	memset(o.ifname, 0, sizeof(o.ifname));
	expect(policy, &o, "ab");
}

static void
an_unknown_anchor_is_no_anchor(void **state)
{
	const char *policy = "watch anchor ssh label a\n";
	struct observation o = connection("198.51.100.1");

	(void)state;
	expect(policy, &o, "");
	strlcpy(o.anchor, "ssh", sizeof(o.anchor));
	expect(policy, &o, "a");
}

static void
a_packet_that_opens_nothing_is_not_counted(void **state)
{
	const char *policy = "watch seen blocked label a\n";
	struct observation o = connection("198.51.100.1");

	(void)state;
	o.kind = OBS_BLOCKED;
	expect(policy, &o, "a");
	o.flags = OBS_NOT_FIRST;
	expect(policy, &o, "");
}

static void
negated_terms_exclude_and_others_include(void **state)
{
	const char *policy =
	    "watch from { 10.0.0.0/8, ! 10.1.0.0/16 } label a\n"
	    "watch from ! 10.0.0.0/8 label b\n"
	    "watch to { any, ! 192.0.2.1 } label c\n";
	struct observation o = connection("10.2.0.1");

	(void)state;
	expect(policy, &o, "a");
	o = connection("10.1.0.1");
	expect(policy, &o, "");
	o = connection("2001:db8::1");
	expect(policy, &o, "b");
}

static void
tables_are_asked_when_an_observation_comes(void **state)
{
	const char *policy = "table <t>\nwatch from <t> label a\n"
			     "watch from ! <t> label b\n";
	struct observation o = connection("198.51.100.1");

	(void)state;
	addr_parse("198.51.100.1", &member);
	expect(policy, &o, "a");
	addr_parse("198.51.100.2", &member);
	expect(policy, &o, "b");
}

static void
ports_at_both_ends_of_a_range_belong_to_it(void **state)
{
	const char *policy = "watch proto tcp to port 22:25 label a\n";
	struct observation o = connection("198.51.100.1");

	(void)state;
	expect(policy, &o, "a");
	o.dst_port = 25;
	expect(policy, &o, "a");
	o.dst_port = 26;
	expect(policy, &o, "");
	o.dst_port = 21;
	expect(policy, &o, "");
}

static void
a_connection_end_goes_to_what_counts_connections(void **state)
{
	struct observation o = connection("198.51.100.1");

	(void)state;
	o.kind = OBS_CLOSED;
	expect("watch label a (max-src-conn-rate 3/30)\n"
	       "watch label b (max-src-conn 5)\n"
	       "watch label c\n",
	    &o, "b");
}

static void
a_new_state_goes_to_what_counts_states(void **state)
{
	const char *policy = "watch label a (max-src-conn 5)\n"
			     "watch label b (max-src-states 5)\n";
	struct observation o = connection("198.51.100.1");

	(void)state;
	expect(policy, &o, "ab");
	o.kind = OBS_OPENED;
	expect(policy, &o, "b");
	o.kind = OBS_CLOSED;
	expect(policy, &o, "ab");
}

static void
tables_may_change_before_a_connection_ends(void **state)
{
	const char *policy = "table <t>\n"
			     "ignore from <t>\n"
			     "watch from <t> label a (max-src-conn 5)\n"
			     "watch from ! <t> label b (max-src-conn 5)\n";
	struct observation o = connection("198.51.100.1");

	(void)state;
	o.kind = OBS_CLOSED;
	addr_parse("198.51.100.1", &member);
	expect(policy, &o, "ab");
	addr_parse("198.51.100.2", &member);
	expect(policy, &o, "ab");
}

static void
what_kept_a_connection_from_a_rule_keeps_its_end(void **state)
{
	const char *policy =
	    "watch quick proto tcp to port 22 label a (max-src-conn-rate "
	    "3/30)\n"
	    "watch label b (max-src-conn 5)\n"
	    "watch label c (max-src-states 5)\n";
	struct observation o = connection("198.51.100.1");

	(void)state;
	expect(policy, &o, "a");
	o.kind = OBS_CLOSED;
	expect(policy, &o, "c");
	o.dst_port = 23;
	expect(policy, &o, "bc");
}

static void
mails_are_counted_from_the_number_on(void **state)
{
	const char *policy = "watch seen whitelisted passed 10 label a\n";
	struct observation o = connection("198.51.100.1");

	(void)state;
	o.kind = OBS_WHITELISTED;
	o.passed = 9;
	expect(policy, &o, "");
	o.passed = 10;
	expect(policy, &o, "a");
}

static void
via_takes_the_named_sensors_only(void **state)
{
	const char *policy = "sensor pflog on pflog0\n"
			     "sensor nflog group 5 seen passed\n"
			     "sensor nflog group 6 seen passed\n"
			     "watch seen passed via nflog label a\n"
			     "watch seen passed via nflog group 6 label b\n";
	struct observation o = connection("198.51.100.1");

	(void)state;
	o.kind = OBS_PASSED;
	expect(policy, &o, "");
	o.sensor = 1;
	expect(policy, &o, "a");
	o.sensor = 2;
	expect(policy, &o, "ab");
}

static void
more_rules_than_a_word_has_bits_are_met(void **state)
{
	struct observation o = connection("198.51.100.1");
	char policy[8192] = "";
	size_t i;

	(void)state;
	for (i = 0; i < 130; i++)
		strlcat(policy,
		    i == 63 || i == 64 || i == 129
			? "watch label x\n"
			: "watch proto udp label y\n",
		    sizeof(policy));
	expect(policy, &o, "xxx");
}

static void
an_impossible_observation_meets_nothing(void **state)
{
	struct observation o = connection("198.51.100.1");

	(void)state;
	o.kind = OBS_PASSED | OBS_ESTABLISHED;
	expect("watch label a\n", &o, "");
	o = connection("198.51.100.1");
	o.dir = 3;
	expect("watch label a\n", &o, "");
	o.kind = 0;
	expect("", &o, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rules_come_in_the_order_of_the_file),
	    cmocka_unit_test(ignore_stops_without_being_met),
	    cmocka_unit_test(quick_is_met_and_stops),
	    cmocka_unit_test(an_unknown_direction_is_in_and_out),
	    cmocka_unit_test(an_unknown_interface_is_every_interface),
	    cmocka_unit_test(an_unknown_anchor_is_no_anchor),
	    cmocka_unit_test(a_packet_that_opens_nothing_is_not_counted),
	    cmocka_unit_test(negated_terms_exclude_and_others_include),
	    cmocka_unit_test(tables_are_asked_when_an_observation_comes),
	    cmocka_unit_test(ports_at_both_ends_of_a_range_belong_to_it),
	    cmocka_unit_test(a_connection_end_goes_to_what_counts_connections),
	    cmocka_unit_test(a_new_state_goes_to_what_counts_states),
	    cmocka_unit_test(tables_may_change_before_a_connection_ends),
	    cmocka_unit_test(what_kept_a_connection_from_a_rule_keeps_its_end),
	    cmocka_unit_test(mails_are_counted_from_the_number_on),
	    cmocka_unit_test(via_takes_the_named_sensors_only),
	    cmocka_unit_test(more_rules_than_a_word_has_bits_are_met),
	    cmocka_unit_test(an_impossible_observation_meets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
