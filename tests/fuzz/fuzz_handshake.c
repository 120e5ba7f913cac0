/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The handshake tracker under sequences of packets that a stranger chose, in
 * tiers so small that they run over.  Six bytes make one packet: who sends
 * to whom, the flags, where its numbers stand relative to what was seen
 * last, its payload, and how much time went by.
 *
 * Whatever comes, what was opened or established is closed exactly once, one
 * connection is not established twice at a time, and the flows are bounded.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "sensors/handshake.h"
#include "sensors/packet.h"

#define HOSTS 4
#define PORTS 4
#define CAP   3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
	int opened, established;
	int open_flows[HOSTS][HOSTS][PORTS];
};

static void
count(void *arg, const struct observation *o, size_t n)
{
	struct tally *t = arg;
	int *flow = &t->open_flows[o->src.bytes[15]][o->dst.bytes[15]]
				  [(o->src_port ^ o->dst_port) % PORTS];

	if (n != 1 || o->proto != PROTO_TCP)
		abort();
	switch (o->kind) {
	case OBS_OPENED:
		t->opened++;
		break;
	case OBS_ESTABLISHED:
		t->established++;
		if (++*flow != 1)
			abort();
		break;
	case OBS_CLOSED:
		t->opened -= o->opened.ms != 0;
		t->established -= o->established.ms != 0;
		if (o->established.ms != 0 && --*flow != 0)
			abort();
		break;
	default:
		abort();
	}
	if (t->opened < 0 || t->established < 0 || t->established > CAP ||
	    t->opened > 3 * CAP)
		abort();
}

/* The numbers that each host used last, towards anybody. */
struct numbers {
	uint32_t seq[HOSTS];
};

static void
packet_make(const uint8_t *in, struct numbers *n, struct packet *p)
{
	unsigned int src = in[0] & 3, dst = in[0] >> 2 & 3;
	static const uint32_t steps[8] = {0, 1, UINT32_MAX, 2, 70000, 1U << 25,
	    UINT32_MAX - 100, 100};

	*p = (struct packet){.proto = PROTO_TCP,
	    .has_ports = true,
	    .has_tcp = true};
	p->src.bytes[15] = (uint8_t)src;
	p->dst.bytes[15] = (uint8_t)dst;
	/* The client's port is of its own, the lower host is the server. */
	p->src_port = src < dst ? 0x100 : 0x200 + (in[0] >> 4 & 3);
	p->dst_port = src < dst ? 0x200 + (in[0] >> 4 & 3) : 0x100;
	p->tcp_flags = in[1] & 0x3f;
	p->seq = n->seq[src] + steps[in[2] & 7];
	p->ack = n->seq[dst] + steps[in[2] >> 3 & 7];
	p->payload_len = in[3];
	n->seq[src] = p->seq;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct handshake_caps caps = {CAP, CAP, CAP};
	static const struct observation template;
	struct numbers numbers = {{1000, 2000, UINT32_MAX - 1, 1U << 31}};
	struct tally tally = {0};
	struct handshake *h = handshake_new(&caps, &template);
	struct wall time = {1000};
	struct packet p;
	size_t i;

	if (h == NULL)
		return 0;
	for (i = 0; i + 6 <= size; i += 6) {
		packet_make(data + i, &numbers, &p);
		time.ms += (int64_t)data[i + 4] * data[i + 5] * 8 - 50;
		handshake_packet(h, time, &p, count, &tally);
		if (handshake_flows(h) > (size_t)3 * CAP)
			abort();
	}
	time.ms += INT64_C(1) << 40;
	handshake_advance(h, time, count, &tally);
	if (handshake_flows(h) != 0 || tally.opened != 0 ||
	    tally.established != 0)
		abort();
	handshake_free(h);
	return 0;
}
