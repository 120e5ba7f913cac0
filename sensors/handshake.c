/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The handshake tracker.  Captured TCP packets come in, openings, completed
 * handshakes and closings leave.  It reports nothing about connections whose
 * handshake it did not see.
 *
 * What a flood can do.  Flows live in three tiers, each with its own bound
 * and each giving up its stalest flow when it is full.
 *
 *   SYN seen. Costs a stranger one forged packet a flow, so this tier is
 *   always lost in a flood.  Nothing depends on it but the time of opening
 *   and the recognition of retransmitted SYNs: an answer makes its own flow
 *   in the next tier whether or not the SYN is still known.
 *
 *   SYN-ACK seen.  Needs an answer of the attacked host, so what fills it is
 *   bounded by what that host answers, not by what is sent to it.  A flow
 *   has to stay only for one round trip, until the initiator's ACK: with
 *   65536 flows a host may answer 65536 SYNs in the time that an honest
 *   client needs to reply before one handshake goes unseen.
 *
 *   Established.  Takes a true ACK of the answer's sequence number, which
 *   somebody with a forged address does not see.  A flow here costs the
 *   attacker a connection of his own; idle and closing ones give way first.
 *
 * Nobody can tear down another tier's flow from below: a SYN for a known
 * connection makes a flow of its own beside it, and the old one ends only
 * when the new handshake completes.  An initiator's RST before the handshake
 * is complete is not believed either, since it may never reach the host; the
 * flow then simply times out.  The time-outs are pf's.
 */

#include "sensors/handshake.h"

#include <stdlib.h>

#include "sensors/flows.h"
#include "sensors/packet.h"

/* Data on a SYN (RFC 7413) that an answer may acknowledge. */
#define SYN_DATA_MAX 1460
/* How far from what is expected a segment may be, when packets were lost. */
#define ACK_SEQ_SLACK 65535
#define RST_SLACK     65535
#define SEGMENT_SLACK (INT32_C(1) << 24)

struct handshake {
	struct observation template;
	struct flows *flows;
	uint64_t forgotten;
	struct wall start; /* the first packet's time */
	struct wall now;   /* the latest packet's time */
	uint32_t now_s;    /* from start to now */
	bool is_started;
};

/* One packet on its way through the tiers. */
struct sight {
	struct handshake *h;
	const struct packet *p;
	struct wall time;
	uint32_t bucket;
	sensor_sink *sink;
	void *arg;
};

struct handshake *
handshake_new(const struct handshake_caps *caps,
    const struct observation *template)
{
	const uint32_t cap[TIER_COUNT] = {
	    [TIER_SYN] = caps->syn,
	    [TIER_SYN_ACK] = caps->syn_ack,
	    [TIER_ESTABLISHED] = caps->established,
	};
	struct handshake *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->template = *template;
	h->flows = flows_new(cap);
	if (h->flows == NULL) {
		handshake_free(h);
		return NULL;
	}
	return h;
}

void
handshake_free(struct handshake *h)
{
	if (h == NULL)
		return;
	flows_free(h->flows);
	free(h);
}

size_t
handshake_flows(const struct handshake *h)
{
	return flows_count(h->flows);
}

uint64_t
handshake_forgotten(const struct handshake *h)
{
	return h->forgotten;
}

static struct flow *
flow_at(const struct sight *s, uint32_t i)
{
	return flows_get(s->h->flows, i);
}

static uint32_t
flow_find(const struct sight *s, enum flow_tier tier, int side)
{
	return flows_find(s->h->flows, s->bucket, tier, side, s->p);
}

static void
report(const struct handshake *h, const struct flow *f, enum obs_kind kind,
    struct wall time, sensor_sink *sink, void *arg)
{
	struct observation o = h->template;

	o.time = time;
	o.kind = (uint16_t)kind;
	o.src = f->addr[0];
	o.dst = f->addr[1];
	o.src_port = f->port[0];
	o.dst_port = f->port[1];
	o.proto = PROTO_TCP;
	if (kind == OBS_CLOSED) {
		if (f->flags & FLOW_OPENED)
			o.opened = f->opened;
		if (flow_tier(f) == TIER_ESTABLISHED)
			o.established.ms = f->opened.ms + f->established_ms;
	}
	sink(arg, &o, 1);
}

/* Ends a flow and takes back what was reported about it. */
static void
flow_drop(struct handshake *h, uint32_t i, struct wall time, sensor_sink *sink,
    void *arg)
{
	const struct flow *f = flows_get(h->flows, i);

	if (f->flags & FLOW_OPENED || flow_tier(f) == TIER_ESTABLISHED)
		report(h, f, OBS_CLOSED, time, sink, arg);
	flows_remove(h->flows, i);
}

static void
flow_end(const struct sight *s, uint32_t i)
{
	if (i != FLOW_NONE)
		flow_drop(s->h, i, s->time, s->sink, s->arg);
}

static void
tier_make_room(const struct sight *s, enum flow_tier tier)
{
	uint32_t i = flows_surplus(s->h->flows, tier);

	if (i == FLOW_NONE)
		return;
	s->h->forgotten++;
	flow_end(s, i);
}

/* A new flow in a list, side of it being the packet's sender. */
static struct flow *
flow_make(const struct sight *s, enum flow_tier tier, enum flow_list list,
    int side)
{
	struct flow *f;

	tier_make_room(s, tier);
	f = flow_at(s,
	    flows_add(s->h->flows, s->bucket, list, s->h->now_s, side, s->p));
	f->opened = s->time;
	return f;
}

/* Moves a flow up into a list of the next tier. */
static void
flow_promote(const struct sight *s, uint32_t i, enum flow_tier tier,
    enum flow_list list)
{
	tier_make_room(s, tier);
	flows_move(s->h->flows, i, list, s->h->now_s);
}

static void
flow_report(const struct sight *s, const struct flow *f, enum obs_kind kind)
{
	report(s->h, f, kind, s->time, s->sink, s->arg);
}

static void
syn_seen(const struct sight *s)
{
	struct flow *f;
	uint32_t i;

	i = flow_find(s, TIER_ESTABLISHED, 0);
	if (i != FLOW_NONE && flow_at(s, i)->isn[0] == s->p->seq)
		return;
	i = flow_find(s, TIER_SYN_ACK, 0);
	if (i != FLOW_NONE && flow_at(s, i)->isn[0] == s->p->seq) {
		/* The answer overtook the SYN in the capture. */
		if (!(flow_at(s, i)->flags & FLOW_OPENED)) {
			flow_at(s, i)->flags |= FLOW_OPENED;
			flow_at(s, i)->opened = s->time;
			flow_report(s, flow_at(s, i), OBS_OPENED);
		}
		return;
	}
	i = flow_find(s, TIER_SYN, 0);
	if (i != FLOW_NONE && flow_at(s, i)->isn[0] == s->p->seq)
		return;
	flow_end(s, i);
	f = flow_make(s, TIER_SYN, LIST_SYN, 0);
	f->isn[0] = s->p->seq;
	f->flags = FLOW_OPENED;
	flow_report(s, f, OBS_OPENED);
}

/* True when ack answers a SYN of that number, with data on it or without. */
static bool
acks_syn(uint32_t ack, uint32_t isn)
{
	return ack - isn - 1 <= SYN_DATA_MAX;
}

static void
syn_ack_seen(const struct sight *s)
{
	const struct packet *p = s->p;
	struct flow *f;
	uint32_t i;

	i = flow_find(s, TIER_ESTABLISHED, 1);
	if (i != FLOW_NONE && flow_at(s, i)->isn[1] == p->seq)
		return;
	i = flow_find(s, TIER_SYN_ACK, 1);
	if (i != FLOW_NONE && flow_at(s, i)->isn[1] == p->seq &&
	    flow_at(s, i)->next[0] == p->ack) {
		flows_touch(s->h->flows, i, s->h->now_s);
		return;
	}
	flow_end(s, i);
	i = flow_find(s, TIER_SYN, 1);
	if (i != FLOW_NONE && acks_syn(p->ack, flow_at(s, i)->isn[0])) {
		flow_promote(s, i, TIER_SYN_ACK, LIST_SYN_ACK);
		f = flow_at(s, i);
	} else {
		f = flow_make(s, TIER_SYN_ACK, LIST_SYN_ACK, 1);
		f->isn[0] = p->ack - 1;
	}
	f->isn[1] = p->seq;
	f->next[0] = f->acked[0] = p->ack;
	f->next[1] = f->acked[1] = p->seq + 1;
}

static int32_t
saturate(int64_t ms)
{
	return ms > INT32_MAX   ? INT32_MAX
	       : ms < INT32_MIN ? INT32_MIN
				: (int32_t)ms;
}

/*
 * Completes the handshake if the packet is the initiator's ACK.  Only the
 * exact number proves that he has seen the answer; his own sequence number
 * may be ahead, where his first segment overtook the ACK or that was lost.
 */
static void
handshake_complete(const struct sight *s)
{
	struct flow *f;
	uint32_t i = flow_find(s, TIER_SYN_ACK, 0), twin;

	if (i == FLOW_NONE)
		return;
	f = flow_at(s, i);
	if (s->p->ack != f->isn[1] + 1 ||
	    s->p->seq - f->next[0] > ACK_SEQ_SLACK)
		return;
	twin = flow_find(s, TIER_ESTABLISHED, 1);
	if (twin != FLOW_NONE && flow_at(s, twin)->isn[0] == f->isn[1] &&
	    flow_at(s, twin)->isn[1] == f->isn[0]) {
		/* A simultaneous open, established by the other's ACK. */
		flow_end(s, i);
		return;
	}
	/* The same ends again: whatever was there before is over. */
	flow_end(s, twin);
	flow_end(s, flow_find(s, TIER_ESTABLISHED, 0));
	flow_promote(s, i, TIER_ESTABLISHED, LIST_ESTABLISHED);
	f->established_ms = saturate(s->time.ms - f->opened.ms);
	flow_report(s, f, OBS_ESTABLISHED);
}

/* Notes what the packet acknowledges; true when it can be of this flow. */
static bool
segment_follow(struct flow *f, int side, const struct packet *p)
{
	bool is_fin = (p->tcp_flags & TCP_FIN) != 0;
	uint8_t fin = (uint8_t)(FLOW_FIN << side);
	uint8_t other_fin = (uint8_t)(FLOW_FIN << (1 - side));
	uint32_t *other_next = &f->next[1 - side];
	uint32_t *other_acked = &f->acked[1 - side];
	uint32_t end = p->seq + p->payload_len + is_fin;
	int32_t ahead = (int32_t)(p->seq - f->next[side]);
	int32_t ack_ahead = (int32_t)(p->ack - *other_next);

	if (ahead > SEGMENT_SLACK || ahead < -SEGMENT_SLACK)
		return false;
	if (ack_ahead > SEGMENT_SLACK || ack_ahead < -SEGMENT_SLACK ||
	    (ack_ahead > 0 && f->flags & other_fin))
		return false;
	if (ack_ahead > 0)
		*other_next = p->ack;
	if ((int32_t)(p->ack - *other_acked) > 0)
		*other_acked = p->ack;
	if (f->flags & fin || (int32_t)(end - f->next[side]) < 0)
		return true;
	f->next[side] = end;
	if (is_fin)
		f->flags |= fin;
	return true;
}

static bool
flow_is_over(const struct flow *f)
{
	return f->flags & FLOW_FIN && f->flags & FLOW_FIN << 1 &&
	       f->acked[0] == f->next[0] && f->acked[1] == f->next[1];
}

static enum flow_list
list_for(const struct flow *f)
{
	bool has_fin[2] = {f->flags & FLOW_FIN, f->flags & FLOW_FIN << 1};

	if (has_fin[0] && has_fin[1])
		return LIST_FINWAIT;
	return has_fin[0] || has_fin[1] ? LIST_CLOSING : LIST_ESTABLISHED;
}

static void
ack_seen(const struct sight *s)
{
	struct flow *f;
	enum flow_list list;
	int side = 0;
	uint32_t i;

	handshake_complete(s);
	i = flow_find(s, TIER_ESTABLISHED, 0);
	if (i == FLOW_NONE) {
		side = 1;
		i = flow_find(s, TIER_ESTABLISHED, 1);
	}
	if (i == FLOW_NONE)
		return;
	f = flow_at(s, i);
	if (!segment_follow(f, side, s->p))
		return;
	list = list_for(f);
	if (flow_is_over(f))
		flow_end(s, i);
	else if (list != (enum flow_list)f->list)
		flows_move(s->h->flows, i, list, s->h->now_s);
	else
		flows_touch(s->h->flows, i, s->h->now_s);
}

/* True for a reset that the receiver would believe, as far as can be seen. */
static bool
rst_is_valid(const struct flow *f, int side, const struct packet *p)
{
	return (int32_t)(p->seq - f->acked[side]) >= 0 &&
	       (int32_t)(p->seq - f->next[side]) <= RST_SLACK;
}

static void
rst_seen(const struct sight *s)
{
	const struct packet *p = s->p;
	bool has_ack = (p->tcp_flags & TCP_ACK) != 0;
	uint32_t i;
	int side;

	i = flow_find(s, TIER_SYN, 1);
	if (i != FLOW_NONE && has_ack &&
	    acks_syn(p->ack, flow_at(s, i)->isn[0]))
		flow_end(s, i);
	i = flow_find(s, TIER_SYN_ACK, 1);
	if (i != FLOW_NONE &&
	    (p->seq == flow_at(s, i)->next[1] ||
		(has_ack && p->ack == flow_at(s, i)->next[0])))
		flow_end(s, i);
	for (side = 0; side < 2; side++) {
		i = flow_find(s, TIER_ESTABLISHED, side);
		if (i != FLOW_NONE && rst_is_valid(flow_at(s, i), side, p))
			flow_end(s, i);
	}
}

void
handshake_packet(struct handshake *h, struct wall time, const struct packet *p,
    sensor_sink *sink, void *arg)
{
	struct sight s = {.h = h,
	    .p = p,
	    .time = time,
	    .sink = sink,
	    .arg = arg};

	if (p->proto != PROTO_TCP || !p->has_tcp || p->is_later_fragment)
		return;
	/* In an observation, time 0 says that it never was. */
	if (time.ms == 0)
		s.time.ms = 1;
	handshake_advance(h, time, sink, arg);
	s.bucket = flows_bucket(h->flows, p);
	switch (p->tcp_flags & TCP_DECISIVE) {
	case TCP_SYN:
		syn_seen(&s);
		break;
	case TCP_SYN | TCP_ACK:
		syn_ack_seen(&s);
		break;
	case TCP_ACK:
	case TCP_ACK | TCP_FIN:
		ack_seen(&s);
		break;
	case TCP_RST:
	case TCP_RST | TCP_ACK:
		rst_seen(&s);
		break;
	default:
		/* No sound sender makes these. */
		break;
	}
}

void
handshake_advance(struct handshake *h, struct wall now, sensor_sink *sink,
    void *arg)
{
	int64_t seconds;
	uint32_t i;

	if (!h->is_started) {
		h->is_started = true;
		h->start = h->now = now;
	}
	h->now = wall_later(h->now, now);
	seconds = (h->now.ms - h->start.ms) / 1000;
	if (seconds <= h->now_s)
		return;
	h->now_s = seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
	while ((i = flows_due(h->flows, h->now_s)) != FLOW_NONE)
		flow_drop(h, i, h->now, sink, arg);
}
