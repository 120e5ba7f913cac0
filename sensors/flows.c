/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The table of flows behind the handshake tracker.  All memory is taken at
 * the start and touched only as flows come: 96 bytes a flow, 40 MB when every
 * tier of the usual size is full.  Flows are named by numbers.  The hash has
 * a random seed, so that nobody can choose ends that share a bucket; nothing
 * that leaves the table depends on the order within a bucket.
 */

#include "sensors/flows.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sensors/packet.h"

/*
 * Seconds: pf's tcp.first, opening, established, closing, finwait.  grain_s
 * is how stale a flow's place in its list may be; it comes on top.
 */
static const struct {
	enum flow_tier tier;
	uint32_t timeout_s;
	uint32_t grain_s;
} lists[LIST_COUNT] = {
    [LIST_SYN] = {TIER_SYN, 120, 0},
    [LIST_SYN_ACK] = {TIER_SYN_ACK, 30, 1},
    [LIST_ESTABLISHED] = {TIER_ESTABLISHED, 86400, 60},
    [LIST_CLOSING] = {TIER_ESTABLISHED, 900, 15},
    [LIST_FINWAIT] = {TIER_ESTABLISHED, 45, 1},
};

struct flows {
	struct flow *pool;
	uint32_t *buckets;
	uint32_t bucket_mask;
	uint32_t used; /* pool[] from here on was never in use */
	uint32_t free; /* chain of flows that were */
	uint32_t oldest[LIST_COUNT], newest[LIST_COUNT];
	uint32_t count[TIER_COUNT], cap[TIER_COUNT];
	uint64_t key[2];
};

struct flows *
flows_new(const uint32_t cap[TIER_COUNT])
{
	struct flows *t = calloc(1, sizeof(*t));
	uint64_t total = (uint64_t)cap[0] + cap[1] + cap[2], buckets = 16;
	size_t i;

	while (buckets < total)
		buckets *= 2;
	if (t == NULL || buckets > UINT32_MAX)
		goto fail;
	t->pool = calloc(total, sizeof(t->pool[0]));
	t->buckets = calloc(buckets, sizeof(t->buckets[0]));
	if (t->pool == NULL || t->buckets == NULL ||
	    getentropy(t->key, sizeof(t->key)) == -1)
		goto fail;
	t->bucket_mask = (uint32_t)(buckets - 1);
	memset(t->buckets, 0xff, buckets * sizeof(t->buckets[0]));
	for (i = 0; i < LIST_COUNT; i++)
		t->oldest[i] = t->newest[i] = FLOW_NONE;
	t->free = FLOW_NONE;
	memcpy(t->cap, cap, sizeof(t->cap));
	return t;
fail:
	flows_free(t);
	return NULL;
}

void
flows_free(struct flows *t)
{
	if (t == NULL)
		return;
	free(t->pool);
	free(t->buckets);
	free(t);
}

size_t
flows_count(const struct flows *t)
{
	return (size_t)t->count[TIER_SYN] + t->count[TIER_SYN_ACK] +
	       t->count[TIER_ESTABLISHED];
}

struct flow *
flows_get(const struct flows *t, uint32_t i)
{
	return &t->pool[i];
}

enum flow_tier
flow_tier(const struct flow *f)
{
	return lists[f->list].tier;
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
bucket_of(const struct flows *t, const struct addr *a, uint16_t a_port,
    const struct addr *b, uint16_t b_port)
{
	uint64_t v[4] = {t->key[0] ^ UINT64_C(0x736f6d6570736575),
	    t->key[1] ^ UINT64_C(0x646f72616e646f6d),
	    t->key[0] ^ UINT64_C(0x6c7967656e657261),
	    t->key[1] ^ UINT64_C(0x7465646279746573)};
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
	return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]) & t->bucket_mask;
}

uint32_t
flows_bucket(const struct flows *t, const struct packet *p)
{
	return bucket_of(t, &p->src, p->src_port, &p->dst, p->dst_port);
}

uint32_t
flows_find(const struct flows *t, uint32_t bucket, enum flow_tier tier,
    int side, const struct packet *p)
{
	uint32_t i;

	for (i = t->buckets[bucket]; i != FLOW_NONE; i = t->pool[i].chain) {
		const struct flow *f = &t->pool[i];

		if (lists[f->list].tier == tier &&
		    f->port[side] == p->src_port &&
		    f->port[1 - side] == p->dst_port &&
		    addr_equal(&f->addr[side], &p->src) &&
		    addr_equal(&f->addr[1 - side], &p->dst))
			break;
	}
	return i;
}

/* Files a flow as the most recently active of a list. */
static void
list_append(struct flows *t, uint32_t i, enum flow_list list, uint32_t now_s)
{
	struct flow *f = &t->pool[i];

	f->list = (uint8_t)list;
	f->active_s = now_s;
	f->newer = FLOW_NONE;
	f->older = t->newest[list];
	if (f->older == FLOW_NONE)
		t->oldest[list] = i;
	else
		t->pool[f->older].newer = i;
	t->newest[list] = i;
	t->count[lists[list].tier]++;
}

static void
list_remove(struct flows *t, uint32_t i)
{
	const struct flow *f = &t->pool[i];

	if (f->older == FLOW_NONE)
		t->oldest[f->list] = f->newer;
	else
		t->pool[f->older].newer = f->newer;
	if (f->newer == FLOW_NONE)
		t->newest[f->list] = f->older;
	else
		t->pool[f->newer].older = f->older;
	t->count[lists[f->list].tier]--;
}

uint32_t
flows_surplus(const struct flows *t, enum flow_tier tier)
{
	int list;

	if (t->count[tier] < t->cap[tier])
		return FLOW_NONE;
	for (list = LIST_COUNT - 1; list >= 0; list--) {
		if (lists[list].tier == tier && t->oldest[list] != FLOW_NONE)
			return t->oldest[list];
	}
	return FLOW_NONE;
}

uint32_t
flows_add(struct flows *t, uint32_t bucket, enum flow_list list, uint32_t now_s,
    int side, const struct packet *p)
{
	struct flow *f;
	uint32_t i = t->free;

	if (i != FLOW_NONE)
		t->free = t->pool[i].chain;
	else
		i = t->used++;
	f = &t->pool[i];
	memset(f, 0, sizeof(*f));
	f->addr[side] = p->src;
	f->addr[1 - side] = p->dst;
	f->port[side] = p->src_port;
	f->port[1 - side] = p->dst_port;
	f->chain = t->buckets[bucket];
	t->buckets[bucket] = i;
	list_append(t, i, list, now_s);
	return i;
}

void
flows_move(struct flows *t, uint32_t i, enum flow_list list, uint32_t now_s)
{
	list_remove(t, i);
	list_append(t, i, list, now_s);
}

void
flows_remove(struct flows *t, uint32_t i)
{
	struct flow *f = &t->pool[i];
	uint32_t *link = &t->buckets[bucket_of(t, &f->addr[0], f->port[0],
	    &f->addr[1], f->port[1])];

	list_remove(t, i);
	while (*link != i)
		link = &t->pool[*link].chain;
	*link = f->chain;
	f->chain = t->free;
	t->free = i;
}

void
flows_touch(struct flows *t, uint32_t i, uint32_t now_s)
{
	const struct flow *f = &t->pool[i];

	if (now_s - f->active_s >= lists[f->list].grain_s)
		flows_move(t, i, (enum flow_list)f->list, now_s);
}

uint32_t
flows_due(const struct flows *t, uint32_t now_s)
{
	uint32_t i;
	int list;

	for (list = 0; list < LIST_COUNT; list++) {
		i = t->oldest[list];
		if (i != FLOW_NONE &&
		    now_s - t->pool[i].active_s >
			lists[list].timeout_s + lists[list].grain_s)
			return i;
	}
	return FLOW_NONE;
}
