/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The handshake tracker against a model that knows the conversations it is
 * shown: it counts in offsets that do not wrap, has no tables, bounds or
 * time-outs, and keeps each conversation by its index.
 *
 * Conversations are legal TCP, many at once, as a span port shows them: with
 * packets lost, doubled and out of order.  The tracker must say the same at
 * the same packets; and with tiers that are far too small, two trackers with
 * their own random seeds must say the same as each other.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sensors/handshake.h"
#include "sensors/packet.h"
#include "tests/property/random.h"

#define ROUNDS        60
#define CONVERSATIONS 24
#define SEGMENTS_MAX  64
#define STREAM_MAX    (CONVERSATIONS * SEGMENTS_MAX)
#define SAID_MAX      (STREAM_MAX * 4)

/* One packet; offsets count from each side's SYN, which has offset 0. */
struct segment {
	int conversation;
	int side; /* 0: the client sends */
	uint8_t flags;
	int64_t seq, ack; /* offsets; ack is meaningless without TCP_ACK */
	uint32_t len;
};

struct conversation {
	uint32_t isn[2];
	struct segment segments[SEGMENTS_MAX];
	int n, sent;
	/* While it is being written: */
	int64_t next[2];
	/* The model's: */
	bool has_syn, has_syn_ack, is_opened, is_established;
	bool has_fin[2];
	int64_t seen[2], acked[2];
};

/* What was said: about which conversation, what, at which packet. */
struct said {
	struct {
		int conversation, kind, packet;
		bool was_opened, was_established;
	} items[SAID_MAX];
	size_t n;
	int packet;
};

static void
say(struct said *said, int conversation, int kind, bool was_opened,
    bool was_established)
{
	assert_true(said->n < SAID_MAX);
	said->items[said->n].conversation = conversation;
	said->items[said->n].kind = kind;
	said->items[said->n].packet = said->packet;
	said->items[said->n].was_opened = was_opened;
	said->items[said->n].was_established = was_established;
	said->n++;
}

static void
listen(void *arg, const struct observation *o, size_t n)
{
	assert_int_equal(n, 1);
	assert_int_equal(o->dst_port, 22);
	say(arg, o->src_port, o->kind, o->opened.ms != 0,
	    o->established.ms != 0);
}

static void
emit(struct conversation *c, int side, uint8_t flags, uint32_t len)
{
	struct segment *s = &c->segments[c->n];

	if (c->n == SEGMENTS_MAX - 8 && !(flags & (TCP_FIN | TCP_RST)))
		return;
	assert_true(c->n < SEGMENTS_MAX);
	s->side = side;
	s->flags = flags;
	s->seq = c->next[side];
	s->ack = c->next[1 - side];
	s->len = len;
	c->next[side] += len + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
	c->n++;
}

static void
write_end(struct conversation *c, struct random *r)
{
	int side = (int)random_below(r, 2);

	switch (random_below(r, 4)) {
	case 0:
		emit(c, side, TCP_RST | TCP_ACK, 0);
		break;
	case 1:
		emit(c, side, TCP_RST, 0);
		break;
	case 2:
		emit(c, side, TCP_FIN | TCP_ACK, random_below(r, 2) * 10);
		emit(c, 1 - side, TCP_ACK, 0);
		emit(c, 1 - side, TCP_ACK, 100);
		emit(c, 1 - side, TCP_FIN | TCP_ACK, 0);
		emit(c, side, TCP_ACK, 0);
		break;
	default:
		/* It just stays. */
		break;
	}
}

static void
write_conversation(struct conversation *c, struct random *r)
{
	uint32_t i, exchanges = random_below(r, 12);

	memset(c, 0, sizeof(*c));
	c->isn[0] = (uint32_t)random_next(r);
	/* Often about to wrap. */
	c->isn[1] = random_below(r, 2) ? UINT32_MAX - random_below(r, 3000)
				       : (uint32_t)random_next(r);
	emit(c, 0, TCP_SYN, 0);
	if (random_below(r, 8) == 0) {
		emit(c, 1, TCP_RST | TCP_ACK, 0);
		return;
	}
	if (random_below(r, 10) == 0)
		return;
	emit(c, 1, TCP_SYN | TCP_ACK, 0);
	emit(c, 0, TCP_ACK, 0);
	for (i = 0; i < exchanges; i++)
		emit(c, (int)random_below(r, 2), TCP_ACK,
		    random_below(r, 3) == 0 ? 0 : 1 + random_below(r, 1460));
	write_end(c, r);
}

static void
insert(struct conversation *c, int at, struct segment s)
{
	if (c->n == SEGMENTS_MAX)
		return;
	memmove(c->segments + at + 1, c->segments + at,
	    (size_t)(c->n - at) * sizeof(s));
	c->segments[at] = s;
	c->n++;
}

/* What a span port does to a conversation. */
static void
disturb(struct conversation *c, struct random *r)
{
	struct segment s;
	int i;

	for (i = 0; i < c->n; i++) {
		s = c->segments[i];
		switch (random_below(r, 20)) {
		case 0:
			memmove(c->segments + i, c->segments + i + 1,
			    (size_t)(c->n - i - 1) * sizeof(s));
			c->n--;
			break;
		case 1:
			insert(c,
			    i + 1 + (int)random_below(r, (uint32_t)(c->n - i)),
			    s);
			break;
		case 2:
			if (i + 1 < c->n) {
				c->segments[i] = c->segments[i + 1];
				c->segments[i + 1] = s;
			}
			break;
		default:
			break;
		}
	}
}

static size_t
mix_streams(struct conversation *all, struct random *r, struct segment *stream)
{
	size_t n = 0;
	int left = 0, i;

	for (i = 0; i < CONVERSATIONS; i++)
		left += all[i].n;
	while (left > 0) {
		i = (int)random_below(r, CONVERSATIONS);
		if (all[i].sent == all[i].n)
			continue;
		stream[n] = all[i].segments[all[i].sent++];
		stream[n++].conversation = i;
		left--;
	}
	return n;
}

/* The model. */

static void
model_close(struct conversation *c, int i, struct said *said)
{
	if (c->is_opened || c->is_established)
		say(said, i, OBS_CLOSED, c->is_opened, c->is_established);
	c->has_syn = c->has_syn_ack = c->is_opened = c->is_established = false;
	c->has_fin[0] = c->has_fin[1] = false;
}

static void
model_syn(struct conversation *c, int i, struct said *said)
{
	if (c->is_established || c->has_syn || c->is_opened)
		return;
	c->is_opened = true;
	c->has_syn = !c->has_syn_ack;
	say(said, i, OBS_OPENED, false, false);
}

static void
model_rst(struct conversation *c, const struct segment *s, struct said *said)
{
	bool is_server = s->side == 1;

	if (c->has_syn && is_server && s->flags & TCP_ACK && s->ack >= 1 &&
	    s->ack <= 1461)
		model_close(c, s->conversation, said);
	else if (c->has_syn_ack && is_server &&
		 (s->seq == 1 || (s->flags & TCP_ACK && s->ack == 1)))
		model_close(c, s->conversation, said);
	else if (c->is_established && s->seq >= c->acked[s->side] &&
		 s->seq <= c->seen[s->side] + 65535)
		model_close(c, s->conversation, said);
}

static void
model_follow(struct conversation *c, const struct segment *s, struct said *said)
{
	int side = s->side, other = 1 - side;
	int64_t end = s->seq + s->len + (s->flags & TCP_FIN ? 1 : 0);

	if (s->ack > c->seen[other])
		c->seen[other] = s->ack;
	if (s->ack > c->acked[other])
		c->acked[other] = s->ack;
	if (end > c->seen[side])
		c->seen[side] = end;
	if (s->flags & TCP_FIN)
		c->has_fin[side] = true;
	if (c->has_fin[0] && c->has_fin[1] && c->acked[0] == c->seen[0] &&
	    c->acked[1] == c->seen[1])
		model_close(c, s->conversation, said);
}

static void
model_packet(struct conversation *c, const struct segment *s, struct said *said)
{
	if (s->flags & TCP_RST) {
		model_rst(c, s, said);
	} else if (s->flags == TCP_SYN) {
		model_syn(c, s->conversation, said);
	} else if (s->flags & TCP_SYN) {
		if (c->is_established || c->has_syn_ack)
			return;
		c->has_syn_ack = true;
		c->has_syn = false;
	} else {
		if (c->has_syn_ack && s->side == 0 && s->ack == 1 &&
		    s->seq >= 1 && s->seq <= 65536) {
			c->has_syn_ack = false;
			c->is_established = true;
			c->seen[0] = c->seen[1] = 1;
			c->acked[0] = c->acked[1] = 1;
			say(said, s->conversation, OBS_ESTABLISHED, false,
			    false);
		}
		if (c->is_established)
			model_follow(c, s, said);
	}
}

/* The tracker. */

static struct packet
packet_of(const struct conversation *all, const struct segment *s)
{
	static const uint8_t hosts[2][4] = {{192, 0, 2, 1}, {192, 0, 2, 2}};
	const struct conversation *c = &all[s->conversation];
	uint16_t ports[2] = {(uint16_t)s->conversation, 22};
	struct packet p = {
	    .src = addr_from_ipv4(hosts[s->side]),
	    .dst = addr_from_ipv4(hosts[1 - s->side]),
	    .src_port = ports[s->side],
	    .dst_port = ports[1 - s->side],
	    .seq = c->isn[s->side] + (uint32_t)s->seq,
	    .payload_len = s->len,
	    .proto = PROTO_TCP,
	    .tcp_flags = s->flags,
	    .has_ports = true,
	    .has_tcp = true,
	};

	if (s->flags & TCP_ACK)
		p.ack = c->isn[1 - s->side] + (uint32_t)s->ack;
	return p;
}

static void
run_tracker(const struct conversation *all, const struct segment *stream,
    size_t n, uint32_t cap, struct said *said)
{
	static const struct observation template;
	struct handshake_caps caps = {cap, cap, cap};
	struct handshake *h = handshake_new(&caps, &template);
	struct wall now = {1000000};
	struct packet p;
	size_t i;

	assert_non_null(h);
	said->n = 0;
	for (i = 0; i < n; i++) {
		said->packet = (int)i;
		p = packet_of(all, &stream[i]);
		now.ms += 5;
		handshake_packet(h, now, &p, listen, said);
		assert_true(handshake_flows(h) <= (size_t)3 * cap);
	}
	/* Whatever is left is given up in the end. */
	said->packet = (int)n;
	now.ms += INT64_C(3) * 86400 * 1000;
	handshake_advance(h, now, listen, said);
	assert_int_equal(handshake_flows(h), 0);
	handshake_free(h);
}

static void
expect_same(const struct said *got, const struct said *want, size_t packets)
{
	size_t i;

	for (i = 0; i < got->n && i < want->n; i++) {
		/* At the end the order is that of the lists. */
		if (want->items[i].packet == (int)packets &&
		    got->items[i].packet == (int)packets)
			break;
		assert_int_equal(got->items[i].packet, want->items[i].packet);
		assert_int_equal(got->items[i].conversation,
		    want->items[i].conversation);
		assert_int_equal(got->items[i].kind, want->items[i].kind);
		assert_int_equal(got->items[i].was_opened,
		    want->items[i].was_opened);
		assert_int_equal(got->items[i].was_established,
		    want->items[i].was_established);
	}
	assert_int_equal(got->n, want->n);
}

static struct said said[3];

static size_t
make_stream(struct random *r, struct conversation *all, struct segment *stream)
{
	int i;

	for (i = 0; i < CONVERSATIONS; i++) {
		write_conversation(&all[i], r);
		disturb(&all[i], r);
	}
	return mix_streams(all, r, stream);
}

static void
the_tracker_agrees_with_the_model(void **state)
{
	static struct conversation all[CONVERSATIONS];
	static struct segment stream[STREAM_MAX];
	struct random r = random_start("prop_handshake");
	size_t i, n;
	int round;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		n = make_stream(&r, all, stream);
		said[0].n = 0;
		for (i = 0; i < n; i++) {
			said[0].packet = (int)i;
			model_packet(&all[stream[i].conversation], &stream[i],
			    &said[0]);
		}
		said[0].packet = (int)n;
		for (i = 0; i < CONVERSATIONS; i++)
			model_close(&all[i], (int)i, &said[0]);
		run_tracker(all, stream, n, 2 * CONVERSATIONS, &said[1]);
		expect_same(&said[1], &said[0], n);
	}
}

static void
the_seed_changes_nothing(void **state)
{
	static struct conversation all[CONVERSATIONS];
	static struct segment stream[STREAM_MAX];
	struct random r = random_start("prop_handshake");
	size_t n;
	int round;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		n = make_stream(&r, all, stream);
		run_tracker(all, stream, n, 3, &said[1]);
		run_tracker(all, stream, n, 3, &said[2]);
		assert_int_equal(said[1].n, said[2].n);
		assert_memory_equal(said[1].items, said[2].items,
		    said[1].n * sizeof(said[1].items[0]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_tracker_agrees_with_the_model),
	    cmocka_unit_test(the_seed_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
