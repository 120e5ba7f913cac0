/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The handshake tracker: one conversation after the other, told packet by
 * packet.  What was reported is compared as a line of words.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sensors/handshake.h"
#include "sensors/packet.h"
#include "tests/unit/captures.h"

#define ISN_C 1000U
#define ISN_S 0xfffffff0U /* wraps within the first bytes */

/* One tracker, the clock, and what it said so far. */
struct world {
	struct handshake *h;
	struct wall now;
	uint16_t port; /* the client's */
	char said[512];
};

static void
note(void *arg, const struct observation *o, size_t n)
{
	struct world *w = arg;
	char word[64];

	assert_int_equal(n, 1);
	assert_int_equal(o->proto, PROTO_TCP);
	snprintf(word, sizeof(word), "%s%s%s%s", w->said[0] != '\0' ? " " : "",
	    obs_kind_name((enum obs_kind)o->kind),
	    o->kind == OBS_CLOSED && o->opened.ms == 0 ? "-unopened" : "",
	    o->kind == OBS_CLOSED && o->established.ms != 0 ? "-established"
							    : "");
	strncat(w->said, word, sizeof(w->said) - strlen(w->said) - 1);
}

static void
start(struct world *w, uint32_t cap)
{
	static const struct observation template = {.sensor = 3,
	    .ifname = "em2"};
	struct handshake_caps caps = {cap, cap, cap};

	memset(w, 0, sizeof(*w));
	w->h = handshake_new(&caps, &template);
	assert_non_null(w->h);
	w->now.ms = 1000000;
	w->port = 40000;
}

static void
stop(struct world *w)
{
	handshake_free(w->h);
}

/* What was said since the last time. */
static void
expect(struct world *w, const char *want)
{
	assert_string_equal(w->said, want);
	w->said[0] = '\0';
}

static void
send(struct world *w, bool is_client, uint8_t flags, uint32_t seq, uint32_t ack,
    uint32_t len)
{
	static const uint8_t client[4] = {192, 0, 2, 1};
	static const uint8_t server[4] = {192, 0, 2, 2};
	struct packet p = {
	    .src = addr_from_ipv4(is_client ? client : server),
	    .dst = addr_from_ipv4(is_client ? server : client),
	    .src_port = is_client ? w->port : 22,
	    .dst_port = is_client ? 22 : w->port,
	    .proto = PROTO_TCP,
	    .has_ports = true,
	    .has_tcp = true,
	    .tcp_flags = flags,
	    .seq = seq,
	    .ack = ack,
	    .payload_len = len,
	};

	w->now.ms += 10;
	handshake_packet(w->h, w->now, &p, note, w);
}

static void
client(struct world *w, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
	send(w, true, flags, seq, ack, len);
}

static void
server(struct world *w, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
	send(w, false, flags, seq, ack, len);
}

static void
wait_s(struct world *w, int64_t seconds)
{
	w->now.ms += seconds * 1000;
	handshake_advance(w->h, w->now, note, w);
}

static void
connect_all(struct world *w)
{
	client(w, TCP_SYN, ISN_C, 0, 0);
	server(w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	client(w, TCP_ACK, ISN_C + 1, ISN_S + 1, 0);
	expect(w, "opened established");
}

static void
three_packets_establish_and_two_fins_close(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	connect_all(&w);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 100);
	server(&w, TCP_ACK, ISN_S + 1, ISN_C + 101, 200);
	client(&w, TCP_ACK | TCP_FIN, ISN_C + 101, ISN_S + 201, 0);
	server(&w, TCP_ACK | TCP_FIN, ISN_S + 201, ISN_C + 102, 0);
	expect(&w, "");
	client(&w, TCP_ACK, ISN_C + 102, ISN_S + 202, 0);
	expect(&w, "closed-established");
	assert_int_equal(handshake_flows(w.h), 0);
	stop(&w);
}

static void
observe_one(void *arg, const struct observation *o, size_t n)
{
	struct observation *out = arg;

	assert_int_equal(n, 1);
	*out = *o;
}

static void
the_initiator_is_the_source_and_times_are_kept(void **state)
{
	struct observation o = {0};
	struct world w;
	char text[256];
	int64_t at;

	(void)state;
	start(&w, 8);
	connect_all(&w);
	at = w.now.ms;
	handshake_advance(w.h, (struct wall){at + INT64_C(100000000)},
	    observe_one, &o);
	assert_int_equal(o.kind, OBS_CLOSED);
	assert_string_equal(seen_text(&o, text, sizeof(text)),
	    "closed 192.0.2.1:40000 > 192.0.2.2:22 proto 6 ? on em2");
	assert_int_equal(o.sensor, 3);
	assert_int_equal(o.time.ms, at + INT64_C(100000000));
	assert_int_equal(o.opened.ms, at - 20);
	assert_int_equal(o.established.ms, at);
	stop(&w);
}

static void
a_repeated_syn_is_the_same_opening(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	wait_s(&w, 1);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 0);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	expect(&w, "opened established");
	stop(&w);
}

static void
a_repeated_answer_does_not_establish_again(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	connect_all(&w);
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 0);
	expect(&w, "");
	stop(&w);
}

static void
a_wrong_number_proves_nothing(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S, 0);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 2, 0);
	client(&w, TCP_ACK, ISN_C, ISN_S + 1, 0);
	client(&w, TCP_ACK, ISN_C + 70000, ISN_S + 1, 0);
	expect(&w, "opened");
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 0);
	expect(&w, "established");
	stop(&w);
}

static void
the_first_segment_may_overtake_the_ack(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	client(&w, TCP_ACK, ISN_C + 1461, ISN_S + 1, 1460);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 1460);
	expect(&w, "opened established");
	stop(&w);
}

static void
the_answer_may_overtake_the_syn(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	expect(&w, "");
	client(&w, TCP_SYN, ISN_C, 0, 0);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 0);
	expect(&w, "opened established");
	assert_int_equal(handshake_flows(w.h), 1);
	stop(&w);
}

static void
an_unanswered_syn_times_out_after_two_minutes(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	wait_s(&w, 119);
	expect(&w, "opened");
	wait_s(&w, 3);
	expect(&w, "closed");
	stop(&w);
}

static void
an_unfinished_handshake_times_out_after_half_a_minute(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	wait_s(&w, 29);
	expect(&w, "opened");
	wait_s(&w, 4);
	expect(&w, "closed");
	stop(&w);
}

static void
activity_keeps_a_connection_from_timing_out(void **state)
{
	struct world w;
	int i;

	(void)state;
	start(&w, 8);
	connect_all(&w);
	for (i = 0; i < 3; i++) {
		wait_s(&w, 80000);
		server(&w, TCP_ACK, ISN_S + 1, ISN_C + 1, 0);
	}
	expect(&w, "");
	wait_s(&w, 86400 + 62);
	expect(&w, "closed-established");
	stop(&w);
}

static void
a_half_closed_connection_times_out_sooner(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	connect_all(&w);
	client(&w, TCP_ACK | TCP_FIN, ISN_C + 1, ISN_S + 1, 0);
	wait_s(&w, 890);
	expect(&w, "");
	wait_s(&w, 30);
	expect(&w, "closed-established");
	stop(&w);
}

static void
a_refusal_closes_what_was_opened(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	server(&w, TCP_RST | TCP_ACK, 0, ISN_C + 7000, 0);
	expect(&w, "opened");
	server(&w, TCP_RST | TCP_ACK, 0, ISN_C + 1, 0);
	expect(&w, "closed");
	stop(&w);
}

static void
an_early_reset_of_the_initiator_is_not_believed(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	client(&w, TCP_RST, ISN_C + 1, 0, 0);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 0);
	expect(&w, "opened established");
	stop(&w);
}

static void
a_reset_in_the_window_closes(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	connect_all(&w);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 100);
	server(&w, TCP_RST, ISN_S + 1, 0, 0);
	expect(&w, "closed-established");
	w.port++;
	connect_all(&w);
	client(&w, TCP_RST | TCP_ACK, ISN_C + 1, ISN_S + 1, 0);
	expect(&w, "closed-established");
	stop(&w);
}

static void
a_forged_reset_is_ignored(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	connect_all(&w);
	client(&w, TCP_RST, ISN_C, 0, 0);
	client(&w, TCP_RST, ISN_C + 1 + 70000, 0, 0);
	server(&w, TCP_RST, ISN_S - 5, 0, 0);
	server(&w, TCP_RST, 0x40000000, 0, 0);
	expect(&w, "");
	assert_int_equal(handshake_flows(w.h), 1);
	stop(&w);
}

static void
a_used_port_ends_the_old_connection_once_established(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	connect_all(&w);
	client(&w, TCP_SYN, ISN_C + 500000, 0, 0);
	expect(&w, "opened");
	server(&w, TCP_SYN | TCP_ACK, 77, ISN_C + 500001, 0);
	expect(&w, "");
	client(&w, TCP_ACK, ISN_C + 500001, 78, 0);
	expect(&w, "closed-established established");
	assert_int_equal(handshake_flows(w.h), 1);
	stop(&w);
}

static void
a_forged_syn_does_not_hide_a_handshake(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	client(&w, TCP_SYN, 500000, 0, 0);
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	client(&w, TCP_SYN, 600000, 0, 0);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 0);
	expect(&w, "opened closed opened closed opened established");
	stop(&w);
}

static void
a_simultaneous_open_is_established_once(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	server(&w, TCP_SYN, ISN_S, 0, 0);
	client(&w, TCP_SYN | TCP_ACK, ISN_C, ISN_S + 1, 0);
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 0);
	expect(&w, "opened opened established");
	server(&w, TCP_ACK, ISN_S + 1, ISN_C + 1, 0);
	/* The other opening is taken back: it is the same connection. */
	expect(&w, "closed");
	assert_int_equal(handshake_flows(w.h), 1);
	stop(&w);
}

static void
connections_already_there_are_not_reported(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 100);
	server(&w, TCP_ACK, ISN_S + 1, ISN_C + 101, 100);
	client(&w, TCP_ACK | TCP_FIN, ISN_C + 101, ISN_S + 101, 0);
	server(&w, TCP_RST, ISN_S + 101, 0, 0);
	expect(&w, "");
	assert_int_equal(handshake_flows(w.h), 0);
	stop(&w);
}

static void
nonsense_flags_are_ignored(void **state)
{
	static const uint8_t flags[] = {0, TCP_FIN, TCP_SYN | TCP_FIN,
	    TCP_SYN | TCP_RST, TCP_SYN | TCP_ACK | TCP_FIN, 0xff};
	struct world w;
	size_t i;

	(void)state;
	start(&w, 8);
	for (i = 0; i < sizeof(flags); i++)
		client(&w, flags[i], ISN_C, 0, 0);
	expect(&w, "");
	assert_int_equal(handshake_flows(w.h), 0);
	stop(&w);
}

static void
data_on_the_syn_may_be_acknowledged(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	client(&w, TCP_SYN, ISN_C, 0, 500);
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 501, 0);
	client(&w, TCP_ACK, ISN_C + 501, ISN_S + 1, 0);
	expect(&w, "opened established");
	stop(&w);
}

static void
lost_segments_do_not_keep_a_connection_open(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	connect_all(&w);
	/* A megabyte went by unseen. */
	client(&w, TCP_ACK, ISN_C + 1000001, ISN_S + 500, 100);
	server(&w, TCP_ACK | TCP_FIN, ISN_S + 500, ISN_C + 1000101, 0);
	client(&w, TCP_ACK | TCP_FIN, ISN_C + 1000101, ISN_S + 501, 0);
	server(&w, TCP_ACK, ISN_S + 501, ISN_C + 1000102, 0);
	expect(&w, "closed-established");
	stop(&w);
}

static void
an_acknowledgement_tells_of_unseen_data(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	connect_all(&w);
	server(&w, TCP_ACK, ISN_S + 1, ISN_C + 1000001, 0);
	client(&w, TCP_RST, ISN_C + 1000001, 0, 0);
	expect(&w, "closed-established");
	stop(&w);
}

static void
a_flood_neither_grows_the_tracker_nor_hides_a_handshake(void **state)
{
	struct world w;
	int i;

	(void)state;
	start(&w, 4);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	expect(&w, "opened");
	for (i = 0; i < 100; i++) {
		w.port = (uint16_t)(50000 + i);
		client(&w, TCP_SYN, (uint32_t)i, 0, 0);
		w.said[0] = '\0';
		assert_true(handshake_flows(w.h) <= 4);
	}
	assert_int_equal(handshake_forgotten(w.h), 97);
	w.port = 40000;
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 0);
	expect(&w, "established");
	/* Its opening was taken back when the flood pushed it out. */
	client(&w, TCP_RST, ISN_C + 1, 0, 0);
	expect(&w, "closed-unopened-established");
	stop(&w);
}

static void
a_full_tier_gives_up_closing_connections_first(void **state)
{
	struct world w;

	(void)state;
	start(&w, 2);
	connect_all(&w);
	w.port++;
	connect_all(&w);
	client(&w, TCP_ACK | TCP_FIN, ISN_C + 1, ISN_S + 1, 0);
	w.port++;
	client(&w, TCP_SYN, ISN_C, 0, 0);
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 0);
	expect(&w, "opened closed-established established");
	/* The first one is still there. */
	w.port = 40000;
	client(&w, TCP_RST, ISN_C + 1, 0, 0);
	expect(&w, "closed-established");
	stop(&w);
}

static void
time_that_goes_back_is_taken_calmly(void **state)
{
	struct world w;

	(void)state;
	start(&w, 8);
	client(&w, TCP_SYN, ISN_C, 0, 0);
	w.now.ms -= 500000;
	server(&w, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, 0);
	client(&w, TCP_ACK, ISN_C + 1, ISN_S + 1, 0);
	expect(&w, "opened established");
	stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(three_packets_establish_and_two_fins_close),
	    cmocka_unit_test(the_initiator_is_the_source_and_times_are_kept),
	    cmocka_unit_test(a_repeated_syn_is_the_same_opening),
	    cmocka_unit_test(a_repeated_answer_does_not_establish_again),
	    cmocka_unit_test(a_wrong_number_proves_nothing),
	    cmocka_unit_test(the_first_segment_may_overtake_the_ack),
	    cmocka_unit_test(the_answer_may_overtake_the_syn),
	    cmocka_unit_test(an_unanswered_syn_times_out_after_two_minutes),
	    cmocka_unit_test(
		an_unfinished_handshake_times_out_after_half_a_minute),
	    cmocka_unit_test(activity_keeps_a_connection_from_timing_out),
	    cmocka_unit_test(a_half_closed_connection_times_out_sooner),
	    cmocka_unit_test(a_refusal_closes_what_was_opened),
	    cmocka_unit_test(an_early_reset_of_the_initiator_is_not_believed),
	    cmocka_unit_test(a_reset_in_the_window_closes),
	    cmocka_unit_test(a_forged_reset_is_ignored),
	    cmocka_unit_test(
		a_used_port_ends_the_old_connection_once_established),
	    cmocka_unit_test(a_forged_syn_does_not_hide_a_handshake),
	    cmocka_unit_test(a_simultaneous_open_is_established_once),
	    cmocka_unit_test(connections_already_there_are_not_reported),
	    cmocka_unit_test(nonsense_flags_are_ignored),
	    cmocka_unit_test(data_on_the_syn_may_be_acknowledged),
	    cmocka_unit_test(lost_segments_do_not_keep_a_connection_open),
	    cmocka_unit_test(an_acknowledgement_tells_of_unseen_data),
	    cmocka_unit_test(
		a_flood_neither_grows_the_tracker_nor_hides_a_handshake),
	    cmocka_unit_test(a_full_tier_gives_up_closing_connections_first),
	    cmocka_unit_test(time_that_goes_back_is_taken_calmly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
