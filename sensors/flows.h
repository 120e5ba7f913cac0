/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_FLOWS_H
#define TRAPLINE_SENSORS_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/clock.h"
#include "engine/prefix.h"

struct packet;

/* What a flow has shown of its handshake; each tier has its own bound. */
enum flow_tier {
	TIER_SYN,
	TIER_SYN_ACK,
	TIER_ESTABLISHED,
	TIER_COUNT,
};

/* Each list holds flows of one time-out, the least recently active first. */
enum flow_list {
	LIST_SYN,
	LIST_SYN_ACK,
	LIST_ESTABLISHED,
	LIST_CLOSING,
	LIST_FINWAIT,
	LIST_COUNT,
};

enum flow_flag {
	FLOW_OPENED = 1 << 0, /* OBS_OPENED was reported */
	FLOW_FIN = 1 << 1,    /* of side 0; shifted by one, of side 1 */
};

#define FLOW_NONE UINT32_MAX

/* One connection.  [0] is the initiator, [1] the one who answers. */
struct flow {
	struct addr addr[2];
	struct wall opened; /* when the first packet was seen */
	uint32_t isn[2];
	uint32_t next[2];       /* behind the last byte that was sent */
	uint32_t acked[2];      /* behind the last byte acknowledged */
	int32_t established_ms; /* after opened */
	/* These are the table's own. */
	uint32_t active_s;     /* when it was filed in its list */
	uint32_t chain;        /* in its hash bucket; when free, the next */
	uint32_t older, newer; /* in its list */
	uint16_t port[2];
	uint8_t list;
	uint8_t flags; /* enum flow_flag */
};

/*
 * The flows of a handshake tracker, by number: found by their ends, filed by
 * activity, never more than their tiers allow.
 */
struct flows;

/* cap: at least 1 each.  NULL when memory is out. */
struct flows *flows_new(const uint32_t cap[TIER_COUNT]);
void flows_free(struct flows *);
size_t flows_count(const struct flows *);
/* Borrowed until the flow is removed. */
struct flow *flows_get(const struct flows *, uint32_t);
enum flow_tier flow_tier(const struct flow *);

/* The hash bucket of both directions of a packet's connection. */
uint32_t flows_bucket(const struct flows *, const struct packet *);
/* The flow of a tier whose given side sent the packet, or FLOW_NONE. */
uint32_t flows_find(const struct flows *, uint32_t bucket, enum flow_tier,
    int side, const struct packet *);
/*
 * The flow to remove before another fits into a tier: the stalest, closing
 * ones first.  FLOW_NONE when there is room.
 */
uint32_t flows_surplus(const struct flows *, enum flow_tier);
/*
 * A new flow, all zero but for its ends: side of it sent the packet.  The
 * tier must have room, here and in flows_move().
 */
uint32_t flows_add(struct flows *, uint32_t bucket, enum flow_list,
    uint32_t now_s, int side, const struct packet *);
void flows_move(struct flows *, uint32_t, enum flow_list, uint32_t now_s);
void flows_remove(struct flows *, uint32_t);
/* Keeps a flow from timing out. */
void flows_touch(struct flows *, uint32_t, uint32_t now_s);
/* A flow whose time is up at now_s, or FLOW_NONE. */
uint32_t flows_due(const struct flows *, uint32_t now_s);

#endif
