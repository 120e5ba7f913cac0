/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Link headers of ordinary captures.  A frame comes in, the reader leaves at
 * its IP header, or the caller is told that it carries no IP.  Nothing here
 * looks into the IP header: its version nibble is packet.c's to judge.
 */

#include "sensors/link.h"

enum ethertype {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100,
};

#define VLAN_TAGS_MAX 4

bool
link_is_ordinary(int link_type)
{
	switch (link_type) {
	case LINK_NULL:
	case LINK_ETHERNET:
	case LINK_PPP:
	case LINK_RAW_12:
	case LINK_RAW_14:
	case LINK_RAW:
	case LINK_LOOP:
	case LINK_COOKED:
	case LINK_IPV4:
	case LINK_IPV6:
	case LINK_COOKED2:
		return true;
	default:
		return false;
	}
}

/* Reads VLAN tags until an ethertype that is none. */
static int
ethertype_strip(struct buf *b, uint16_t type, struct decode_error *err)
{
	int tags;

	for (tags = 0; type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ ||
		       type == ETHERTYPE_QINQ_OLD;
	     tags++) {
		if (tags == VLAN_TAGS_MAX)
			return decode_fail(err, "too many vlan tags", b->pos);
		if (buf_skip(b, 2) == -1 || buf_get_be16(b, &type) == -1)
			return decode_fail(err, "vlan tag cut short", b->pos);
	}
	return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6 ? 0 : 1;
}

static int
ethernet_strip(struct buf *b, struct decode_error *err)
{
	uint16_t type;

	if (buf_skip(b, 12) == -1 || buf_get_be16(b, &type) == -1)
		return decode_fail(err, "ethernet header cut short", b->pos);
	return ethertype_strip(b, type, err);
}

/* Linux cooked capture: the ethertype is its last field, or its first. */
static int
cooked_strip(struct buf *b, struct decode_error *err)
{
	uint16_t type;

	if (buf_skip(b, 14) == -1 || buf_get_be16(b, &type) == -1)
		return decode_fail(err, "cooked header cut short", b->pos);
	return ethertype_strip(b, type, err);
}

static int
cooked2_strip(struct buf *b, struct decode_error *err)
{
	uint16_t type;

	if (buf_get_be16(b, &type) == -1 || buf_skip(b, 18) == -1)
		return decode_fail(err, "cooked header cut short", b->pos);
	return ethertype_strip(b, type, err);
}

/*
 * BSD loopback: an address family of the writing system in its own byte
 * order, or for LINK_LOOP in network order.  2 is IPv4 everywhere; IPv6 is 10
 * on Linux, 24 on OpenBSD and NetBSD, 28 on FreeBSD, 30 on macOS.
 */
static int
loopback_strip(struct buf *b, struct decode_error *err)
{
	uint32_t af;

	if (buf_get_be32(b, &af) == -1)
		return decode_fail(err, "loopback header cut short", b->pos);
	if ((af & 0x00ffffff) == 0)
		af >>= 24;
	return af == 2 || af == 10 || af == 24 || af == 28 || af == 30 ? 0 : 1;
}

/* PPP (RFC 1661), with or without the address and control bytes. */
static int
ppp_strip(struct buf *b, struct decode_error *err)
{
	uint16_t protocol;

	if (buf_get_be16(b, &protocol) == -1)
		return decode_fail(err, "ppp header cut short", b->pos);
	if (protocol == 0xff03 && buf_get_be16(b, &protocol) == -1)
		return decode_fail(err, "ppp header cut short", b->pos);
	return protocol == 0x0021 || protocol == 0x0057 ? 0 : 1;
}

int
link_strip(int link_type, struct buf *frame, struct decode_error *err)
{
	struct buf b = *frame;
	int status;

	switch (link_type) {
	case LINK_ETHERNET:
		status = ethernet_strip(&b, err);
		break;
	case LINK_NULL:
	case LINK_LOOP:
		status = loopback_strip(&b, err);
		break;
	case LINK_PPP:
		status = ppp_strip(&b, err);
		break;
	case LINK_COOKED:
		status = cooked_strip(&b, err);
		break;
	case LINK_COOKED2:
		status = cooked2_strip(&b, err);
		break;
	case LINK_RAW:
	case LINK_RAW_12:
	case LINK_RAW_14:
	case LINK_IPV4:
	case LINK_IPV6:
		status = 0;
		break;
	default:
		return decode_fail(err, "unknown link type", 0);
	}
	if (status == 0)
		*frame = b;
	return status;
}
