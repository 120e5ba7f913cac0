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
#include <string.h>
#include <unistd.h>

#include "sensors/packet.h"

#define NO_FLOW UINT32_MAX

/* Data on a SYN (RFC 7413) that an answer may acknowledge. */
#define SYN_DATA_MAX 1460
/* How far from what is expected a segment may be, when packets were lost. */
#define ACK_SEQ_SLACK 65535
#define RST_SLACK     65535
#define SEGMENT_SLACK (INT32_C(1) << 24)

enum tier {
	TIER_SYN,
	TIER_SYN_ACK,
	TIER_ESTABLISHED,
	TIER_COUNT,
};

/* Each list holds flows of one time-out, the least recently active first. */
enum list {
	LIST_SYN,
	LIST_SYN_ACK,
	LIST_ESTABLISHED,
	LIST_CLOSING,
	LIST_FINWAIT,
	LIST_COUNT,
};

/*
 * Seconds: pf's tcp.first, opening, established, closing, finwait.  grain_s
 * is how stale a flow's place in its list may be; it comes on top.
 */
static const struct {
	enum tier tier;
	uint32_t timeout_s;
	uint32_t grain_s;
} lists[LIST_COUNT] = {
    [LIST_SYN] = {TIER_SYN, 120, 0},
    [LIST_SYN_ACK] = {TIER_SYN_ACK, 30, 1},
    [LIST_ESTABLISHED] = {TIER_ESTABLISHED, 86400, 60},
    [LIST_CLOSING] = {TIER_ESTABLISHED, 900, 15},
    [LIST_FINWAIT] = {TIER_ESTABLISHED, 45, 1},
};

enum flow_flag {
	FLOW_OPENED = 1 << 0, /* OBS_OPENED was reported */
	FLOW_FIN = 1 << 1,    /* of side 0; shifted by one, of side 1 */
};

/* [0] is the initiator, [1] the one who answers. */
struct flow {
	struct addr addr[2];
	struct wall opened; /* when the first packet was seen */
	uint32_t isn[2];
	uint32_t next[2];  /* behind the last byte that was sent */
	uint32_t acked[2]; /* behind the last byte the other acknowledged */
	int32_t established_ms; /* after opened */
	uint32_t active_s;      /* when it was filed in its list */
	uint32_t chain;         /* in its hash bucket; when free, the next */
	uint32_t older, newer;  /* in its list */
	uint16_t port[2];
	uint8_t list;
	uint8_t flags;
};

struct handshake {
	struct observation template;
	struct flow *flows;
	uint32_t *buckets;
	uint32_t bucket_mask;
	uint32_t used; /* flows[] from here on were never in use */
	uint32_t free; /* chain of flows that were */
	uint32_t oldest[LIST_COUNT], newest[LIST_COUNT];
	uint32_t count[TIER_COUNT], cap[TIER_COUNT];
	uint64_t key[2];
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
	struct handshake *h = calloc(1, sizeof(*h));
	uint64_t total =
	    (uint64_t)caps->syn + caps->syn_ack + caps->established;
	uint64_t buckets = 16;
	size_t i;

	while (buckets < total)
		buckets *= 2;
	if (h == NULL || buckets > UINT32_MAX)
		goto fail;
	h->template = *template;
	h->flows = calloc(total, sizeof(h->flows[0]));
	h->buckets = calloc(buckets, sizeof(h->buckets[0]));
	if (h->flows == NULL || h->buckets == NULL ||
	    getentropy(h->key, sizeof(h->key)) == -1)
		goto fail;
	h->bucket_mask = (uint32_t)(buckets - 1);
	memset(h->buckets, 0xff, buckets * sizeof(h->buckets[0]));
	for (i = 0; i < LIST_COUNT; i++)
		h->oldest[i] = h->newest[i] = NO_FLOW;
	h->free = NO_FLOW;
	h->cap[TIER_SYN] = caps->syn;
	h->cap[TIER_SYN_ACK] = caps->syn_ack;
	h->cap[TIER_ESTABLISHED] = caps->established;
	return h;
fail:
	handshake_free(h);
	return NULL;
}

void
handshake_free(struct handshake *h)
{
	if (h == NULL)
		return;
	free(h->flows);
	free(h->buckets);
	free(h);
}

size_t
handshake_flows(const struct handshake *h)
{
	return (size_t)h->count[TIER_SYN] + h->count[TIER_SYN_ACK] +
	       h->count[TIER_ESTABLISHED];
}

uint64_t
handshake_forgotten(const struct handshake *h)
{
	return h->forgotten;
}

static uint64_t
rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

/*
 * SipHash-1-3 (Aumasson and Bernstein) over both ends, the lower first, so
 * that both directions of a connection share a bucket.
 */
static uint32_t
bucket_of(const struct handshake *h, const struct addr *a, uint16_t a_port,
    const struct addr *b, uint16_t b_port)
{
	uint64_t v[4] = {h->key[0] ^ UINT64_C(0x736f6d6570736575),
	    h->key[1] ^ UINT64_C(0x646f72616e646f6d),
	    h->key[0] ^ UINT64_C(0x6c7967656e657261),
	    h->key[1] ^ UINT64_C(0x7465646279746573)};
	int order = addr_cmp(a, b);
	bool is_swapped = order > 0 || (order == 0 && a_port > b_port);
	uint64_t words[5];
	size_t i;

	memcpy(words, is_swapped ? b : a, 16);
	memcpy(words + 2, is_swapped ? a : b, 16);
	words[4] = is_swapped ? (uint64_t)b_port << 16 | a_port
			      : (uint64_t)a_port << 16 | b_port;
	for (i = 0; i < 5; i++) {
		v[3] ^= words[i];
		sip_round(v);
		v[0] ^= words[i];
	}
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]) & h->bucket_mask;
}

/* The flow in a tier whose side sent the packet; NO_FLOW when none. */
static uint32_t
flow_find(const struct sight *s, enum tier tier, int side)
{
	const struct packet *p = s->p;
	uint32_t i;

	for (i = s->h->buckets[s->bucket]; i != NO_FLOW;
	     i = s->h->flows[i].chain) {
		const struct flow *f = &s->h->flows[i];

		if (lists[f->list].tier == tier &&
		    f->port[side] == p->src_port &&
		    f->port[1 - side] == p->dst_port &&
		    addr_equal(&f->addr[side], &p->src) &&
		    addr_equal(&f->addr[1 - side], &p->dst))
			return i;
	}
	return NO_FLOW;
}

/* Files a flow as the most recently active of a list. */
static void
list_append(struct handshake *h, uint32_t i, enum list list)
{
	struct flow *f = &h->flows[i];

	f->list = (uint8_t)list;
	f->active_s = h->now_s;
	f->newer = NO_FLOW;
	f->older = h->newest[list];
	if (f->older == NO_FLOW)
		h->oldest[list] = i;
	else
		h->flows[f->older].newer = i;
	h->newest[list] = i;
	h->count[lists[list].tier]++;
}

static void
list_remove(struct handshake *h, uint32_t i)
{
	const struct flow *f = &h->flows[i];

	if (f->older == NO_FLOW)
		h->oldest[f->list] = f->newer;
	else
		h->flows[f->older].newer = f->newer;
	if (f->newer == NO_FLOW)
		h->newest[f->list] = f->older;
	else
		h->flows[f->newer].older = f->older;
	h->count[lists[f->list].tier]--;
}

static void
flow_free(struct handshake *h, uint32_t i)
{
	struct flow *f = &h->flows[i];
	uint32_t *link = &h->buckets[bucket_of(h, &f->addr[0], f->port[0],
	    &f->addr[1], f->port[1])];

	while (*link != i)
		link = &h->flows[*link].chain;
	*link = f->chain;
	f->chain = h->free;
	h->free = i;
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
		if (lists[f->list].tier == TIER_ESTABLISHED)
			o.established.ms = f->opened.ms + f->established_ms;
	}
	sink(arg, &o, 1);
}

/* Ends a flow and takes back what was reported about it. */
static void
flow_drop(struct handshake *h, uint32_t i, struct wall time, sensor_sink *sink,
    void *arg)
{
	const struct flow *f = &h->flows[i];

	if (f->flags & FLOW_OPENED || lists[f->list].tier == TIER_ESTABLISHED)
		report(h, f, OBS_CLOSED, time, sink, arg);
	list_remove(h, i);
	flow_free(h, i);
}

/* Gives up the stalest flow of a full tier, closing ones first. */
static void
tier_make_room(const struct sight *s, enum tier tier)
{
	struct handshake *h = s->h;
	int list;

	if (h->count[tier] < h->cap[tier])
		return;
	for (list = LIST_COUNT - 1; list >= 0; list--) {
		if (lists[list].tier != tier || h->oldest[list] == NO_FLOW)
			continue;
		h->forgotten++;
		flow_drop(h, h->oldest[list], s->time, s->sink, s->arg);
		return;
	}
}

/* A new flow in a list, side of it being the packet's sender. */
static struct flow *
flow_make(const struct sight *s, enum list list, int side)
{
	struct handshake *h = s->h;
	struct flow *f;
	uint32_t i;

	tier_make_room(s, lists[list].tier);
	if (h->free != NO_FLOW) {
		i = h->free;
		h->free = h->flows[i].chain;
	} else {
		i = h->used++;
	}
	f = &h->flows[i];
	memset(f, 0, sizeof(*f));
	f->addr[side] = s->p->src;
	f->addr[1 - side] = s->p->dst;
	f->port[side] = s->p->src_port;
	f->port[1 - side] = s->p->dst_port;
	f->opened = s->time;
	f->chain = h->buckets[s->bucket];
	h->buckets[s->bucket] = i;
	list_append(h, i, list);
	return f;
}

/* Moves a flow to another list, making room there if it is another tier. */
static void
flow_move(const struct sight *s, uint32_t i, enum list list)
{
	enum tier from = lists[s->h->flows[i].list].tier;

	list_remove(s->h, i);
	if (lists[list].tier != from)
		tier_make_room(s, lists[list].tier);
	list_append(s->h, i, list);
}

/* Keeps a flow from timing out. */
static void
flow_touch(const struct sight *s, uint32_t i)
{
	const struct flow *f = &s->h->flows[i];

	if (s->h->now_s - f->active_s >= lists[f->list].grain_s)
		flow_move(s, i, (enum list)f->list);
}

static void
flow_report(const struct sight *s, const struct flow *f, enum obs_kind kind)
{
	report(s->h, f, kind, s->time, s->sink, s->arg);
}

static void
flow_end(const struct sight *s, uint32_t i)
{
	if (i != NO_FLOW)
		flow_drop(s->h, i, s->time, s->sink, s->arg);
}

static void
syn_seen(const struct sight *s)
{
	struct flow *flows = s->h->flows, *f;
	uint32_t i;

	i = flow_find(s, TIER_ESTABLISHED, 0);
	if (i != NO_FLOW && flows[i].isn[0] == s->p->seq)
		return;
	i = flow_find(s, TIER_SYN_ACK, 0);
	if (i != NO_FLOW && flows[i].isn[0] == s->p->seq) {
		/* The answer overtook the SYN in the capture. */
		if (!(flows[i].flags & FLOW_OPENED)) {
			flows[i].flags |= FLOW_OPENED;
			flows[i].opened = s->time;
			flow_report(s, &flows[i], OBS_OPENED);
		}
		return;
	}
	i = flow_find(s, TIER_SYN, 0);
	if (i != NO_FLOW && flows[i].isn[0] == s->p->seq)
		return;
	flow_end(s, i);
	f = flow_make(s, LIST_SYN, 0);
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
	struct flow *flows = s->h->flows, *f;
	uint32_t i;

	i = flow_find(s, TIER_ESTABLISHED, 1);
	if (i != NO_FLOW && flows[i].isn[1] == p->seq)
		return;
	i = flow_find(s, TIER_SYN_ACK, 1);
	if (i != NO_FLOW && flows[i].isn[1] == p->seq &&
	    flows[i].next[0] == p->ack) {
		flow_touch(s, i);
		return;
	}
	flow_end(s, i);
	i = flow_find(s, TIER_SYN, 1);
	if (i != NO_FLOW && acks_syn(p->ack, flows[i].isn[0])) {
		flow_move(s, i, LIST_SYN_ACK);
		f = &flows[i];
	} else {
		f = flow_make(s, LIST_SYN_ACK, 1);
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
	struct flow *flows = s->h->flows, *f;
	uint32_t i = flow_find(s, TIER_SYN_ACK, 0), twin;

	if (i == NO_FLOW)
		return;
	f = &flows[i];
	if (s->p->ack != f->isn[1] + 1 ||
	    s->p->seq - f->next[0] > ACK_SEQ_SLACK)
		return;
	twin = flow_find(s, TIER_ESTABLISHED, 1);
	if (twin != NO_FLOW && flows[twin].isn[0] == f->isn[1] &&
	    flows[twin].isn[1] == f->isn[0]) {
		/* A simultaneous open, established by the other's ACK. */
		flow_end(s, i);
		return;
	}
	/* The same ends again: whatever was there before is over. */
	flow_end(s, twin);
	flow_end(s, flow_find(s, TIER_ESTABLISHED, 0));
	flow_move(s, i, LIST_ESTABLISHED);
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

static enum list
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
	enum list list;
	int side = 0;
	uint32_t i;

	handshake_complete(s);
	i = flow_find(s, TIER_ESTABLISHED, 0);
	if (i == NO_FLOW) {
		side = 1;
		i = flow_find(s, TIER_ESTABLISHED, 1);
	}
	if (i == NO_FLOW)
		return;
	f = &s->h->flows[i];
	if (!segment_follow(f, side, s->p))
		return;
	list = list_for(f);
	if (flow_is_over(f))
		flow_end(s, i);
	else if (list != (enum list)f->list)
		flow_move(s, i, list);
	else
		flow_touch(s, i);
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
	const struct flow *flows = s->h->flows;
	bool has_ack = (p->tcp_flags & TCP_ACK) != 0;
	uint32_t i;
	int side;

	i = flow_find(s, TIER_SYN, 1);
	if (i != NO_FLOW && has_ack && acks_syn(p->ack, flows[i].isn[0]))
		flow_end(s, i);
	i = flow_find(s, TIER_SYN_ACK, 1);
	if (i != NO_FLOW && (p->seq == flows[i].next[1] ||
				(has_ack && p->ack == flows[i].next[0])))
		flow_end(s, i);
	for (side = 0; side < 2; side++) {
		i = flow_find(s, TIER_ESTABLISHED, side);
		if (i != NO_FLOW && rst_is_valid(&flows[i], side, p))
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
	s.bucket = bucket_of(h, &p->src, p->src_port, &p->dst, p->dst_port);
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
	int list;

	if (!h->is_started) {
		h->is_started = true;
		h->start = h->now = now;
	}
	h->now = wall_later(h->now, now);
	seconds = (h->now.ms - h->start.ms) / 1000;
	if (seconds <= h->now_s)
		return;
	h->now_s = seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
	for (list = 0; list < LIST_COUNT; list++) {
		while ((i = h->oldest[list]) != NO_FLOW &&
		       h->now_s - h->flows[i].active_s >
			   lists[list].timeout_s + lists[list].grain_s)
			flow_drop(h, i, h->now, sink, arg);
	}
}
