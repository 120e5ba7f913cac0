/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * One packet is one observation, however often the firewall logged it.  A
 * rule and the state it makes both log a SYN under "log (all)" on FreeBSD,
 * and every log statement that a packet passes makes an NFLOG message.
 *
 * The table is mapped directly: each key has one slot and the newest key
 * keeps it.  Keys are compared whole, so nobody can make another's packet
 * look like a duplicate; who chooses colliding keys of his own has them
 * counted more often.  The hash has no seed: replays give the same result.
 *
 * Slots are seldom in the processor's cache when they are wanted, so a few
 * bits of each key's hash stand apart, close together: where these differ,
 * which is nearly always, the slot is only written.  It is asked for first
 * and written at the next call, when it has come.
 */

#include "sensors/dedupe.h"

#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"
#include "sensors/packet.h"

#define SLOTS 16384 /* a power of two; 1 MB */

#define SYN_WINDOW_MS   3000
#define OTHER_WINDOW_MS 1000

struct slot {
	_Alignas(64) struct wall first; /* one cache line a slot, never two */
	struct addr src;
	struct addr dst;
	uint32_t number; /* sequence number or IPv4 identification */
	uint16_t src_port;
	uint16_t dst_port;
	uint16_t kind; /* 0: the slot is empty */
	uint8_t proto;
	uint8_t sensor;
};

struct dedupe {
	struct slot slots[SLOTS];
	uint16_t tags[SLOTS];
	struct slot newest; /* still to be written, to this slot */
	size_t newest_at;
};

struct dedupe *
dedupe_new(void)
{
	struct dedupe *d = compat_alloc_lines(sizeof(*d));

	if (d != NULL)
		memset(d, 0, sizeof(*d));
	return d;
}

void
dedupe_free(struct dedupe *d)
{
	free(d);
}

static uint64_t
mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static uint64_t
slot_hash(const struct slot *key)
{
	uint64_t words[4], hash = 0;

	memcpy(words, key->src.bytes, 16);
	memcpy(words + 2, key->dst.bytes, 16);
	hash = mix(hash, words[0]);
	hash = mix(hash, words[1]);
	hash = mix(hash, words[2]);
	hash = mix(hash, words[3]);
	hash = mix(hash, (uint64_t)key->src_port << 16 | key->dst_port);
	hash = mix(hash, (uint64_t)key->number << 32 | key->kind << 16 |
			     key->proto << 8 | key->sensor);
	return hash;
}

static bool
slot_is_equal(const struct slot *a, const struct slot *b)
{
	return a->kind == b->kind && a->number == b->number &&
	       a->src_port == b->src_port && a->dst_port == b->dst_port &&
	       a->proto == b->proto && a->sensor == b->sensor &&
	       addr_equal(&a->src, &b->src) && addr_equal(&a->dst, &b->dst);
}

bool
dedupe_is_duplicate(struct dedupe *d, const struct observation *o,
    const struct packet *p)
{
	struct slot key = {
	    .first = o->time,
	    .src = o->src,
	    .dst = o->dst,
	    .src_port = o->src_port,
	    .dst_port = o->dst_port,
	    .kind = o->kind,
	    .proto = o->proto,
	    .sensor = o->sensor,
	};
	bool is_tcp = o->proto == PROTO_TCP;
	int64_t window_ms = is_tcp ? SYN_WINDOW_MS : OTHER_WINDOW_MS;
	int64_t age_ms;
	struct slot *slot;
	uint64_t hash;
	uint16_t tag;
	size_t i;

	if (o->flags & OBS_NOT_FIRST || (is_tcp && !p->has_tcp))
		return false;
	if (!is_tcp && p->ip_id == 0)
		return false;
	key.number = is_tcp ? p->seq : p->ip_id;
	d->slots[d->newest_at] = d->newest;
	hash = slot_hash(&key);
	i = hash >> 40 & (SLOTS - 1);
	tag = (uint16_t)hash;
	slot = &d->slots[i];
	if (d->tags[i] == tag && slot_is_equal(slot, &key)) {
		age_ms = o->time.ms - slot->first.ms;
		/* Logs are not quite in the order of time: look both ways. */
		if (age_ms <= window_ms && age_ms >= -window_ms)
			return true;
	}
	PREFETCH(slot);
	d->tags[i] = tag;
	d->newest = key;
	d->newest_at = i;
	return false;
}
