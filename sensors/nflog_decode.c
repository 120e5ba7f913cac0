/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * NFLOG messages, whether from a capture file of link type 239 or from a
 * netlink socket: the bytes are the same.  One walker goes through the TLVs,
 * in any order, and keeps what trapline uses; a TLV whose length cannot be
 * true ends the message.  A record leaves as an observation once the caller
 * has said what the group means, since NFLOG carries no action.
 */

#include "sensors/nflog_decode.h"

#include <string.h>

#include "sensors/packet.h"

enum attribute {
	ATTR_PACKET_HDR = 1,
	ATTR_MARK = 2,
	ATTR_TIMESTAMP = 3,
	ATTR_INDEV = 4,
	ATTR_OUTDEV = 5,
	ATTR_PAYLOAD = 9,
	ATTR_PREFIX = 10,
	ATTR_UID = 11,
	ATTR_SEQ = 12,
};

#define ATTR_HEADER_LEN 4
#define ATTR_TYPE_MASK  0x3fff /* the rest: nested, and byte order */

enum hook {
	HOOK_FORWARD = 2,
	HOOK_OUTPUT = 3,
	HOOK_POSTROUTING = 4,
};

#define FAMILY_ARP    3
#define ETHERTYPE_ARP 0x0806

static int
get_host16(struct buf *b, bool is_swapped, uint16_t *out)
{
	uint16_t value;

	if (buf_get_bytes(b, &value, sizeof(value)) == -1)
		return -1;
	if (is_swapped)
		value = (uint16_t)(value >> 8 | value << 8);
	*out = value;
	return 0;
}

/* Seconds and microseconds; a time that cannot be is taken for none. */
static void
timestamp_decode(struct buf *value, struct nflog_record *r)
{
	uint64_t seconds, microseconds;

	if (buf_get_be64(value, &seconds) == -1 ||
	    buf_get_be64(value, &microseconds) == -1)
		return;
	if (seconds > UINT32_MAX || microseconds >= 1000000)
		return;
	r->time.ms = (int64_t)(seconds * 1000 + microseconds / 1000);
	r->has_time = true;
}

static void
prefix_decode(const struct buf *value, struct nflog_record *r)
{
	struct buf b = *value;
	size_t n = buf_left(&b);

	if (n > NFLOG_PREFIX_LEN - 1)
		n = NFLOG_PREFIX_LEN - 1;
	buf_get_bytes(&b, r->prefix, n);
	r->prefix[n] = '\0';
}

/* A value that is shorter than its type demands leaves the field unset. */
static void
attribute_decode(uint16_t type, struct buf *value, struct nflog_record *r)
{
	switch (type) {
	case ATTR_PACKET_HDR:
		if (buf_get_be16(value, &r->ethertype) == 0)
			buf_get_u8(value, &r->hook);
		break;
	case ATTR_MARK:
		buf_get_be32(value, &r->mark);
		break;
	case ATTR_TIMESTAMP:
		timestamp_decode(value, r);
		break;
	case ATTR_INDEV:
		buf_get_be32(value, &r->indev);
		break;
	case ATTR_OUTDEV:
		buf_get_be32(value, &r->outdev);
		break;
	case ATTR_PAYLOAD:
		r->payload = *value;
		break;
	case ATTR_PREFIX:
		prefix_decode(value, r);
		break;
	case ATTR_UID:
		r->has_uid = buf_get_be32(value, &r->uid) == 0;
		break;
	case ATTR_SEQ:
		r->has_seq = buf_get_be32(value, &r->seq) == 0;
		break;
	}
}

/*
 * Reads one TLV and its padding, which the last one may lack.  Only the
 * payload may be cut, and only where the capture was.
 */
static int
attribute_next(struct buf *b, bool is_swapped, bool is_cut,
    struct nflog_record *r, struct decode_error *err)
{
	struct buf value;
	uint16_t length, type;
	size_t n, padding;

	if (get_host16(b, is_swapped, &length) == -1 ||
	    get_host16(b, is_swapped, &type) == -1)
		return decode_fail(err, "nflog attribute cut short", b->pos);
	if (length < ATTR_HEADER_LEN)
		return decode_fail(err, "bad nflog attribute length", b->pos);
	type &= ATTR_TYPE_MASK;
	n = (size_t)length - ATTR_HEADER_LEN;
	if (n > buf_left(b)) {
		if (!is_cut || type != ATTR_PAYLOAD)
			return decode_fail(err,
			    "nflog attribute beyond its "
			    "message",
			    b->pos);
		n = buf_left(b);
	}
	buf_get_slice(b, n, &value);
	attribute_decode(type, &value, r);
	padding = (4 - (length & 3U)) & 3U;
	if (padding > buf_left(b))
		padding = buf_left(b);
	buf_skip(b, padding);
	return 0;
}

int
nflog_decode(const struct buf *in, bool is_swapped, bool is_cut,
    struct nflog_record *out, struct decode_error *err)
{
	struct nflog_record r = {.hook = NFLOG_NO_HOOK};
	struct buf b = *in;
	uint8_t version;

	if (buf_get_u8(&b, &r.family) == -1 || buf_get_u8(&b, &version) == -1 ||
	    buf_get_be16(&b, &r.group) == -1)
		return decode_fail(err, "nflog header cut short", b.pos);
	if (version != 0)
		return decode_fail(err, "unknown nflog version", in->pos + 1);
	while (buf_left(&b) > 0) {
		if (attribute_next(&b, is_swapped, is_cut, &r, err) == -1)
			return -1;
	}
	*out = r;
	return 0;
}

static uint8_t
hook_dir(uint8_t hook)
{
	if (hook <= HOOK_FORWARD)
		return OBS_DIR_IN;
	if (hook == HOOK_OUTPUT || hook == HOOK_POSTROUTING)
		return OBS_DIR_OUT;
	return OBS_DIR_UNKNOWN;
}

int
nflog_observe(const struct nflog_record *r, uint16_t seen, struct wall read,
    struct observation *out, struct packet *p, struct decode_error *err)
{
	struct observation o = {0};

	if (r->family == FAMILY_ARP || r->ethertype == ETHERTYPE_ARP)
		return 1;
	if (packet_decode(&r->payload, p, err) == -1)
		return -1;
	o.time = r->has_time ? r->time : read;
	o.src = p->src;
	o.dst = p->dst;
	o.kind = seen;
	o.src_port = p->src_port;
	o.dst_port = p->dst_port;
	o.proto = p->proto;
	o.dir = hook_dir(r->hook);
	o.flags = packet_is_not_first(p) ? OBS_NOT_FIRST : 0;
	*out = o;
	return 0;
}
