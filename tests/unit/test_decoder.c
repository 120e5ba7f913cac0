/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Whole captures through the decoder: what their provenance says must come
 * out.  Those that were recorded for this project are part of the tree; the
 * others are beside it and tests skip where they are not.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/captures.h"

static void
expect(const struct seen *seen, size_t i, const char *want)
{
	char text[256];

	assert_true(i < seen->n);
	assert_string_equal(
	    seen_text(&seen->observations[i], text, sizeof(text)), want);
}

static void
expect_sums(const struct seen *seen, uint64_t packets, size_t passed,
    size_t blocked, uint64_t duplicates)
{
	assert_int_equal(seen->status, 0);
	assert_int_equal(seen->stats.packets, packets);
	assert_int_equal(seen->stats.undecodable, 0);
	assert_int_equal(seen->stats.duplicates, duplicates);
	assert_int_equal(seen->stats.observations, seen->n);
	assert_int_equal(seen_count(seen, OBS_PASSED), passed);
	assert_int_equal(seen_count(seen, OBS_BLOCKED), blocked);
}

static void
the_ssh_guesser_connects_eleven_times(void **state)
{
	static const int64_t seconds[11] = {0, 9, 14, 19, 24, 31, 42, 47, 52,
	    60, 66};
	struct seen *seen = seen_read_shared("ether-ssh-bruteforce.pcap");
	size_t i, n = 0;
	struct wall start;

	(void)state;
	if (seen == NULL)
		skip();
	start = seen->observations[0].time;
	for (i = 0; i < seen->n; i++) {
		const struct observation *o = &seen->observations[i];

		if (o->kind != OBS_ESTABLISHED)
			continue;
		assert_true(n < 11);
		/* pflog.md counts whole seconds of the packets' own clock. */
		assert_int_equal(o->time.ms / 1000 - start.ms / 1000,
		    seconds[n]);
		assert_int_equal(o->dst_port, 22);
		n++;
	}
	assert_int_equal(n, 11);
	assert_int_equal(seen_count(seen, OBS_OPENED), 11);
	assert_int_equal(seen_count(seen, OBS_CLOSED), 11);
	assert_int_equal(seen->stats.flows, 0);
	free(seen);
}

static void
a_syn_scan_establishes_nothing(void **state)
{
	struct seen *seen = seen_read_shared("ether-nmap-synscan-decoys.pcap");

	(void)state;
	if (seen == NULL)
		skip();
	assert_int_equal(seen_count(seen, OBS_OPENED), 1994);
	assert_int_equal(seen_count(seen, OBS_ESTABLISHED), 0);
	assert_int_equal(seen->stats.undecodable, 0);
	free(seen);
}

static void
four_mail_sessions_open_and_close(void **state)
{
	struct seen *seen = seen_read_shared("ether-smtp-errors.pcap");

	(void)state;
	if (seen == NULL)
		skip();
	assert_int_equal(seen_count(seen, OBS_ESTABLISHED), 4);
	assert_int_equal(seen_count(seen, OBS_CLOSED), 4);
	free(seen);
}

static void
the_live_burst_on_the_wire(void **state)
{
	struct seen *seen = seen_read_own("ether-live-ssh-burst.pcap", NULL);

	(void)state;
	assert_int_equal(seen->stats.packets, 135);
	assert_int_equal(seen->stats.undecodable, 0);
	assert_int_equal(seen_count(seen, OBS_OPENED), 28);
	/* 5 of the offender, 3 over IPv6, 3 harmless ones. */
	assert_int_equal(seen_count(seen, OBS_ESTABLISHED), 11);
	/* The blocked SYNs are still waiting for an answer. */
	assert_int_equal(seen->stats.flows, 9);
	free(seen);
}

static void
one_blocked_syn_of_openbsd(void **state)
{
	struct seen *seen = seen_read_shared("pflog-openbsd-block-in-tcp.pcap");

	(void)state;
	if (seen == NULL)
		skip();
	expect_sums(seen, 1, 0, 1, 0);
	expect(seen, 0,
	    "blocked 192.168.121.1:46926 > 192.168.121.241:80 "
	    "proto 6 in on vio0");
	free(seen);
}

static void
one_passed_echo_of_openbsd(void **state)
{
	struct seen *seen =
	    seen_read_shared("pflog-openbsd-pass-out-icmp.pcap");

	(void)state;
	if (seen == NULL)
		skip();
	expect_sums(seen, 1, 1, 0, 0);
	expect(seen, 0,
	    "passed 192.168.121.241:0 > 192.168.121.1:0 "
	    "proto 1 out on vio0");
	free(seen);
}

static void
both_families_of_openbsd(void **state)
{
	struct seen *seen = seen_read_shared("pflog-openbsd-mixed-v4v6.pcap");

	(void)state;
	if (seen == NULL)
		skip();
	expect_sums(seen, 6, 2, 4, 0);
	expect(seen, 0,
	    "blocked 10.200.200.254:41917 > 10.200.200.154:23 "
	    "proto 6 in on vio0");
	expect(seen, 3,
	    "blocked 1111:1111:1111::1:23381 > "
	    "1111:1111:1111::fc:22 proto 17 in on vlan3");
	expect(seen, 5,
	    "passed 1111:1111:1111::1:31351 > "
	    "1111:1111:1111::fc:22 proto 6 in on vlan3");
	free(seen);
}

static void
an_anchor_of_macos(void **state)
{
	struct seen *seen = seen_read_shared("pflog-macos-pass-out-udp.pcap");

	(void)state;
	if (seen == NULL)
		skip();
	expect_sums(seen, 1, 1, 0, 0);
	expect(seen, 0,
	    "passed 172.23.232.204:61695 > 172.23.232.255:8612 "
	    "proto 17 out on en0 anchor logging");
	free(seen);
}

static void
freebsd_doubled_syns_count_once(void **state)
{
	struct seen *seen =
	    seen_read_own("pflog-freebsd14-mixed-overload.pcap", NULL);

	(void)state;
	expect_sums(seen, 100, 40, 51, 9);
	expect(seen, 0,
	    "blocked 192.0.2.129:0 > 224.0.0.22:0 proto 2 out "
	    "on vtnet2");
	/* Entries 2 and 3 are one SYN, 4 is the answer. */
	expect(seen, 1,
	    "passed 198.51.100.10:51651 > 192.0.2.10:80 proto 6 "
	    "in on vtnet0");
	expect(seen, 2,
	    "passed 192.0.2.10:80 > 198.51.100.10:51651 proto 6 "
	    "out on vtnet0 not first");
	free(seen);
}

static void
what_freebsd_dropped_is_blocked_whatever_its_action(void **state)
{
	struct seen *seen =
	    seen_read_own("pflog-freebsd14-reasons-nat-anchors.pcap", NULL);

	(void)state;
	expect_sums(seen, 56, 33, 8, 14);
	/* An IP option: matched by a pass rule, then dropped, reason 8. */
	expect(seen, 0,
	    "passed 198.51.100.14:5001 > 192.0.2.10:80 proto 6 "
	    "in on vtnet0");
	expect(seen, 1,
	    "blocked 198.51.100.14:5001 > 192.0.2.10:80 proto 6 "
	    "in on vtnet0");
	/* Cut short: TCP without flags, UDP without a length, ICMP. */
	expect(seen, 2,
	    "blocked 198.51.100.14:5002 > 192.0.2.10:80 proto 6 "
	    "in on vtnet0 not first");
	expect(seen, 3,
	    "blocked 198.51.100.14:5000 > 192.0.2.10:53 proto 17 "
	    "in on vtnet0");
	expect(seen, 4,
	    "blocked 198.51.100.14:0 > 192.0.2.10:0 proto 1 "
	    "in on vtnet0");
	free(seen);
}

static void
freebsd_anchors_are_named(void **state)
{
	struct seen *seen =
	    seen_read_own("pflog-freebsd14-reasons-nat-anchors.pcap", NULL);

	(void)state;
	expect(seen, 23,
	    "passed 198.51.100.12:34070 > 192.0.2.10:53 proto 17 "
	    "in on vtnet0 anchor trapline");
	expect(seen, 24,
	    "passed 198.51.100.13:54697 > 192.0.2.10:443 proto 6 "
	    "in on vtnet0 anchor beck(4711)");
	/* nat: the client inside, the firewall outside. */
	expect(seen, 25,
	    "passed 198.51.100.15:33045 > 192.0.2.10:80 proto 6 "
	    "in on vtnet0");
	expect(seen, 26,
	    "passed 192.0.2.1:55690 > 192.0.2.10:80 proto 6 "
	    "out on vtnet1");
	free(seen);
}

static void
three_log_statements_make_one_packet(void **state)
{
	struct seen *seen = seen_read_shared("nflog-http-g42.pcap");

	(void)state;
	if (seen == NULL)
		skip();
	expect_sums(seen, 13, 11, 0, 2);
	expect(seen, 0,
	    "passed 10.0.2.15:49762 > 93.184.216.34:80 proto 6 "
	    "out");
	free(seen);
}

static void
dns_replies_and_a_query(void **state)
{
	struct seen *seen = seen_read_shared("nflog-dns-replies-g20.pcap");

	(void)state;
	if (seen == NULL)
		skip();
	expect_sums(seen, 4, 4, 0, 0);
	expect(seen, 0, "passed 74.82.42.42:53 > 10.0.0.20:42585 proto 17 in");
	free(seen);
	seen = seen_read_shared("nflog-dns-query-g42.pcap");
	assert_non_null(seen);
	expect_sums(seen, 1, 1, 0, 0);
	expect(seen, 0, "passed 10.0.2.15:42306 > 10.0.2.3:53 proto 17 out");
	free(seen);
}

static void
groups_say_what_was_seen(void **state)
{
	struct decoder_conf conf = {
	    .seen = OBS_PASSED,
	    .sensor = 1,
	    .ngroups = 1,
	    .groups = {{.group = 6, .seen = OBS_BLOCKED, .sensor = 7}},
	};
	struct seen *seen =
	    seen_read_own("nflog-live-ssh-burst-g5g6.pcap", &conf);
	size_t i;

	(void)state;
	assert_int_equal(seen->stats.packets, 47);
	assert_int_equal(seen->stats.undecodable, 0);
	for (i = 0; i < seen->n; i++) {
		const struct observation *o = &seen->observations[i];

		assert_int_equal(o->sensor, o->kind == OBS_BLOCKED ? 7 : 1);
	}
	/* 14 connections of the offender, those blocked in group 6 too. */
	expect(seen, 2,
	    "passed 198.51.100.23:55915 > 198.51.100.1:22 proto 6 "
	    "in");
	assert_int_not_equal(seen_count(seen, OBS_BLOCKED), 0);
	assert_int_equal(seen_count(seen, OBS_PASSED) +
			     seen_count(seen, OBS_BLOCKED),
	    seen->n);
	free(seen);
}

static void
what_is_not_understood_is_counted_by_reason(void **state)
{
	struct decoder_conf conf = {.link_type = LINK_PFLOG};
	struct decoder *d = decoder_new(&conf);
	struct sensor_stats stats = {0};
	const uint8_t bad[100] = {44};
	struct seen *seen = calloc(1, sizeof(*seen));

	(void)state;
	assert_non_null(seen);
	decoder_packet(d, (struct wall){1}, bad, sizeof(bad), sizeof(bad),
	    seen_sink, seen);
	decoder_packet(d, (struct wall){1}, bad, sizeof(bad), sizeof(bad),
	    seen_sink, seen);
	decoder_packet(d, (struct wall){1}, bad, 0, 0, seen_sink, seen);
	decoder_stats(d, &stats);
	assert_int_equal(seen->n, 0);
	assert_int_equal(stats.undecodable, 3);
	assert_string_equal(stats.reasons[0].what,
	    "unknown pflog header length");
	assert_int_equal(stats.reasons[0].count, 2);
	assert_string_equal(stats.reasons[1].what, "pflog header cut short");
	assert_int_equal(stats.reasons[1].count, 1);
	decoder_free(d);
	free(seen);
}

static void
a_cut_nflog_entry_is_still_an_observation(void **state)
{
	struct decoder_conf conf = {.link_type = LINK_NFLOG,
	    .seen = OBS_BLOCKED};
	struct decoder *d = decoder_new(&conf);
	struct seen *seen = calloc(1, sizeof(*seen));
	uint8_t bytes[128];
	size_t n = hex_read("0200000544000900450000401234400039063170"
			    "cb007109c000020a9c410016010203040000000"
			    "0b002400057880000",
	    bytes, sizeof(bytes));

	(void)state;
	assert_non_null(seen);
	decoder_packet(d, (struct wall){1}, bytes, n, n, seen_sink, seen);
	assert_int_equal(seen->n, 0);
	decoder_packet(d, (struct wall){1}, bytes, n, 72, seen_sink, seen);
	assert_int_equal(seen->n, 1);
	expect(seen, 0, "blocked 203.0.113.9:40001 > 192.0.2.10:22 proto 6 ?");
	decoder_free(d);
	free(seen);
}

static void
more_reasons_than_rows_become_other(void **state)
{
	struct sensor_stats stats = {0};
	char what[SENSOR_REASON_LEN];
	int i;

	(void)state;
	for (i = 0; i < SENSOR_REASONS_MAX + 5; i++) {
		snprintf(what, sizeof(what), "reason %d", i);
		sensor_stats_undecodable(&stats, what);
	}
	assert_int_equal(stats.undecodable, SENSOR_REASONS_MAX + 5);
	assert_string_equal(stats.reasons[SENSOR_REASONS_MAX - 1].what,
	    "other");
	assert_int_equal(stats.reasons[SENSOR_REASONS_MAX - 1].count, 6);
}

static void
unknown_link_types_have_no_decoder(void **state)
{
	struct decoder_conf conf = {.link_type = 147};

	(void)state;
	assert_false(decoder_supports(147));
	assert_null(decoder_new(&conf));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_ssh_guesser_connects_eleven_times),
	    cmocka_unit_test(a_syn_scan_establishes_nothing),
	    cmocka_unit_test(four_mail_sessions_open_and_close),
	    cmocka_unit_test(the_live_burst_on_the_wire),
	    cmocka_unit_test(one_blocked_syn_of_openbsd),
	    cmocka_unit_test(one_passed_echo_of_openbsd),
	    cmocka_unit_test(both_families_of_openbsd),
	    cmocka_unit_test(an_anchor_of_macos),
	    cmocka_unit_test(freebsd_doubled_syns_count_once),
	    cmocka_unit_test(
		what_freebsd_dropped_is_blocked_whatever_its_action),
	    cmocka_unit_test(freebsd_anchors_are_named),
	    cmocka_unit_test(three_log_statements_make_one_packet),
	    cmocka_unit_test(dns_replies_and_a_query),
	    cmocka_unit_test(groups_say_what_was_seen),
	    cmocka_unit_test(what_is_not_understood_is_counted_by_reason),
	    cmocka_unit_test(a_cut_nflog_entry_is_still_an_observation),
	    cmocka_unit_test(more_reasons_than_rows_become_other),
	    cmocka_unit_test(unknown_link_types_have_no_decoder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
