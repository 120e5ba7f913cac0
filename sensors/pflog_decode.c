/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * pflog headers of every system that writes them, and what they say about
 * the packet behind them.
 *
 * The fate is decided from the reason first: pf drops what it cannot
 * normalise under the default rule and several systems then write that
 * rule's "pass", so a reason other than match and synproxy means dropped.
 * With these two reasons the action counts: pass is passed, drop is blocked.
 * Synproxy answers a handshake itself, which is no offence, and a deferred
 * packet goes out a moment later: both are passed.  Match, scrub, nat, rdr
 * and the rest decide nothing; the filter rule behind them logs for itself
 * if the operator wants that, so such records are not observations.
 *
 * The header is read in slices of constant length: the compiler then knows
 * that what is read from them is there.
 */

#include "sensors/pflog_decode.h"

#include <string.h>

#include "sensors/packet.h"

#define AF_IPV4      2 /* on every system */
#define ACTION_DEFER 11

/* What all variants begin with, and what follows in all but the shortest. */
#define FIXED_LEN  44
#define OWNERS_LEN 20
#define ADDRS_LEN  36

/* uid and pid values that mean "none" on some system or other. */
#define UID_NONE_NETBSD  0x7fffffff
#define PID_NONE_OLD     32767
#define PID_NONE_CURRENT 100000

/* Records start as copies: compilers clear struct by struct more slowly. */
static const struct pflog_record no_record;
static const struct observation no_observation;

static inline int
get_host32(struct buf *b, bool is_swapped, uint32_t *out)
{
	uint32_t value;

	if (buf_get_bytes(b, &value, sizeof(value)) == -1)
		return -1;
	if (is_swapped)
		value = value >> 24 | (value >> 8 & 0xff00) |
			(value << 8 & 0xff0000) | value << 24;
	*out = value;
	return 0;
}

static void
get_name(struct buf *b, char *out)
{
	buf_get_bytes(b, out, PFLOG_NAME_LEN - 1);
	out[PFLOG_NAME_LEN - 1] = '\0';
}

static uint8_t
dir_decode(uint8_t dir)
{
	return dir == 1 ? OBS_DIR_IN : dir == 2 ? OBS_DIR_OUT : OBS_DIR_UNKNOWN;
}

/* Bytes 44 to 63 of all but the shortest variant. */
static void
owners_decode(struct buf *b, bool is_swapped, struct pflog_record *r)
{
	uint8_t dir = 0, rewritten = 0;

	get_host32(b, is_swapped, &r->uid);
	get_host32(b, is_swapped, &r->pid);
	get_host32(b, is_swapped, &r->rule_uid);
	get_host32(b, is_swapped, &r->rule_pid);
	r->is_npf = r->pid == PFLOG_NONE && r->rule_pid == PFLOG_NONE &&
		    strcmp(r->ruleset, "rules") == 0;
	if (r->uid == UID_NONE_NETBSD)
		r->uid = PFLOG_NONE;
	if (r->rule_uid == UID_NONE_NETBSD)
		r->rule_uid = PFLOG_NONE;
	if (r->pid == PID_NONE_OLD || r->pid == PID_NONE_CURRENT)
		r->pid = PFLOG_NONE;
	buf_get_u8(b, &dir);
	r->dir = dir_decode(dir);
	if (r->length != 100)
		return;
	buf_get_u8(b, &rewritten);
	buf_get_u8(b, &r->naf);
	r->is_rewritten = rewritten != 0;
}

/* Bytes 64 to 99 of OpenBSD's header. */
static void
addrs_decode(struct buf *b, struct pflog_record *r)
{
	uint8_t saddr[16] = {0}, daddr[16] = {0};

	buf_get_bytes(b, saddr, sizeof(saddr));
	buf_get_bytes(b, daddr, sizeof(daddr));
	buf_get_be16(b, &r->sport);
	buf_get_be16(b, &r->dport);
	r->has_addrs = true;
	if (r->af == AF_IPV4) {
		r->saddr = addr_from_ipv4(saddr);
		r->daddr = addr_from_ipv4(daddr);
	} else {
		r->saddr = addr_from_ipv6(saddr);
		r->daddr = addr_from_ipv6(daddr);
	}
}

/* What is behind the fixed part, by the variant. */
static void
variant_decode(struct buf *rest, bool is_swapped, struct pflog_record *r)
{
	struct buf b;
	uint8_t dir = 0;

	if (r->length == 45) {
		buf_get_u8(rest, &dir);
		r->dir = dir_decode(dir);
		return;
	}
	if (buf_get_slice(rest, OWNERS_LEN, &b) == 0)
		owners_decode(&b, is_swapped, r);
	if (r->length == 68 || r->length == 69)
		buf_get_be32(rest, &r->ridentifier);
	if (r->length == 100 && buf_get_slice(rest, ADDRS_LEN, &b) == 0)
		addrs_decode(&b, r);
}

static bool
is_known_length(uint8_t length)
{
	return length == 45 || length == 61 || length == 68 || length == 69 ||
	       length == 100;
}

int
pflog_decode(struct buf *in, bool is_swapped, struct pflog_record *out,
    struct decode_error *err)
{
	struct buf rest = *in, header, b;
	uint8_t length;

	if (buf_get_u8(&rest, &length) == -1)
		return decode_fail(err, "pflog header cut short", in->pos);
	if (!is_known_length(length))
		return decode_fail(err, "unknown pflog header length", in->pos);
	rest = *in;
	/* Padded to 4, which is right for writers of 32 and of 64 bits. */
	if (buf_get_slice(&rest, (length + 3U) & ~3U, &header) == -1 ||
	    buf_get_slice(&header, FIXED_LEN, &b) == -1)
		return decode_fail(err, "pflog header cut short", in->pos);
	*out = no_record;
	out->uid = out->pid = out->rule_uid = out->rule_pid = PFLOG_NONE;
	buf_get_u8(&b, &out->length);
	buf_get_u8(&b, &out->af);
	buf_get_u8(&b, &out->action);
	buf_get_u8(&b, &out->reason);
	get_name(&b, out->ifname);
	get_name(&b, out->ruleset);
	buf_get_be32(&b, &out->rulenr);
	buf_get_be32(&b, &out->subrulenr);
	variant_decode(&header, is_swapped, out);
	*in = rest;
	return 0;
}

/* OpenBSD 3.0 had 0 for in and 1 for out, its successors 1 and 2. */
static uint8_t
dir_decode_old(uint16_t dir)
{
	return dir == 0 ? OBS_DIR_IN : dir == 2 ? OBS_DIR_OUT : OBS_DIR_UNKNOWN;
}

int
pflog_decode_old(struct buf *in, struct pflog_record *out,
    struct decode_error *err)
{
	struct pflog_record r = {.length = 28,
	    .subrulenr = PFLOG_NONE,
	    .uid = PFLOG_NONE,
	    .pid = PFLOG_NONE,
	    .rule_uid = PFLOG_NONE,
	    .rule_pid = PFLOG_NONE};
	struct buf b = *in;
	uint32_t af = 0;
	uint16_t rulenr = 0, reason = 0, action = 0, dir = 0;

	if (buf_left(&b) < 28)
		return decode_fail(err, "pflog header cut short", in->pos);
	buf_get_be32(&b, &af);
	get_name(&b, r.ifname);
	buf_get_be16(&b, &rulenr);
	buf_get_be16(&b, &reason);
	buf_get_be16(&b, &action);
	buf_get_be16(&b, &dir);
	if (af > UINT8_MAX || reason > 5 || action > 2 || dir > 2)
		return decode_fail(err, "bad value in old pflog header",
		    in->pos);
	r.af = (uint8_t)af;
	r.reason = (uint8_t)reason;
	r.action = (uint8_t)action;
	r.rulenr = rulenr == UINT16_MAX ? PFLOG_NONE : rulenr;
	r.dir = dir_decode_old(dir);
	*out = r;
	*in = b;
	return 0;
}

uint16_t
pflog_fate(const struct pflog_record *r)
{
	if (r->reason == PFLOG_SYNPROXY)
		return OBS_PASSED;
	if (r->reason != PFLOG_MATCH)
		return OBS_BLOCKED;
	switch (r->action) {
	case PFLOG_PASS:
	case PFLOG_SYNPROXY_DROP:
	case ACTION_DEFER:
		return OBS_PASSED;
	case PFLOG_DROP:
		return OBS_BLOCKED;
	default:
		return 0;
	}
}

/* A name into NULs, as observations carry it: '?' is not printable. */
static void
name_copy(char *out, const char *name)
{
	size_t i;

	for (i = 0; i < OBS_NAME_LEN - 1 && name[i] != '\0'; i++)
		out[i] = name[i] > ' ' && name[i] <= '~' ? name[i] : '?';
}

int
pflog_observe(const struct pflog_record *r, const struct buf *bytes,
    struct wall time, struct observation *out, struct packet *p,
    struct decode_error *err)
{
	uint16_t kind = pflog_fate(r);

	if (kind == 0)
		return 1;
	if (packet_decode(bytes, p, err) == -1)
		return -1;
	/* The source as it came over the wire, the target it asked for. */
	if (r->is_rewritten) {
		p->src = r->saddr;
		p->dst = r->daddr;
		if (p->has_ports) {
			p->src_port = r->sport;
			p->dst_port = r->dport;
		}
	}
	*out = no_observation;
	out->time = time;
	out->kind = kind;
	out->src = p->src;
	out->dst = p->dst;
	out->src_port = p->src_port;
	out->dst_port = p->dst_port;
	out->proto = p->proto;
	out->dir = r->dir;
	out->flags = packet_is_not_first(p) ? OBS_NOT_FIRST : 0;
	name_copy(out->ifname, r->ifname);
	/* What npf writes there is no anchor. */
	if (!r->is_npf)
		name_copy(out->anchor, r->ruleset);
	return 0;
}
