/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_PFLOG_DECODE_H
#define TRAPLINE_SENSORS_PFLOG_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/buf.h"
#include "engine/clock.h"
#include "engine/observation.h"

struct packet;

/* rulenr, subrulenr, uid and rule_uid, pid and rule_pid: there is none. */
#define PFLOG_NONE UINT32_MAX
/* The names in the header, 16 bytes and a NUL of our own. */
#define PFLOG_NAME_LEN 17

/* What is the same on all systems and matters here. */
enum pflog_action {
	PFLOG_PASS = 0,
	PFLOG_DROP = 1,
	PFLOG_SYNPROXY_DROP = 10,
};

enum pflog_reason {
	PFLOG_MATCH = 0,
	PFLOG_SYNPROXY = 14,
};

/* Every field of every variant; integers in host byte order. */
struct pflog_record {
	/* 45, 61, 68, 69, 100 as byte 0 says; 28 for link type 17. */
	uint8_t length;
	/* Numbered by the writing system: 24, 28 and 30 are all IPv6. */
	uint8_t af;
	uint8_t action;
	uint8_t reason;
	uint8_t dir; /* enum obs_dir */
	bool is_npf; /* NetBSD's npf, rule id = subrulenr << 32 | rulenr */
	char ifname[PFLOG_NAME_LEN]; /* raw bytes, terminated */
	char ruleset[PFLOG_NAME_LEN];
	uint32_t rulenr;      /* PFLOG_NONE: the implicit default rule */
	uint32_t subrulenr;   /* PFLOG_NONE: not in an anchor */
	uint32_t uid;         /* owner of the local socket */
	uint32_t pid;         /* FreeBSD never fills it */
	uint32_t rule_uid;    /* who loaded the rule */
	uint32_t rule_pid;    /* of the pfctl that loaded the rule */
	uint32_t ridentifier; /* FreeBSD, 0: none */
	/*
	 * OpenBSD: the addresses before translation.  Where is_rewritten is
	 * false they repeat the packet's own.
	 */
	bool has_addrs;
	bool is_rewritten;
	uint8_t naf; /* address family after translation */
	struct addr saddr;
	struct addr daddr;
	uint16_t sport; /* ICMP: the query id */
	uint16_t dport; /* ICMP: the virtual type */
};

/*
 * Decodes one pflog header of link type 117 (protocols/pflog.md, section 1)
 * and steps over it and its padding, to the IP header of the packet.
 *
 * is_swapped	the four uid and pid fields are in the other byte order
 *
 * 0, or -1 with the reason in err and nothing consumed.
 */
int pflog_decode(struct buf *in, bool is_swapped, struct pflog_record *out,
    struct decode_error *err);
/* The same for the 28-byte header of link type 17, which is all big-endian. */
int pflog_decode_old(struct buf *in, struct pflog_record *out,
    struct decode_error *err);
/*
 * What became of the packet: OBS_PASSED, OBS_BLOCKED, or 0 when the record
 * does not tell (match rules and translations).
 */
uint16_t pflog_fate(const struct pflog_record *);
/*
 * Turns a record and the bytes behind it into an observation: all fields but
 * sensor.
 *
 * p	set to what the packet says, for dedupe_is_duplicate()
 *
 * 0; 1 when the record says nothing about a fate; -1 with the reason in err.
 */
int pflog_observe(const struct pflog_record *, const struct buf *bytes,
    struct wall, struct observation *out, struct packet *p,
    struct decode_error *err);

#endif
