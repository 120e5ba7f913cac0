/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * IPv4 and IPv6 packets, as far as the TCP flags.  Bytes come in from any
 * sensor, often cut by a snap length, always chosen by a stranger; what
 * leaves is one flat struct packet.  Lengths are taken from the IP header,
 * since a capture may hold less than the packet had, and never trusted
 * beyond the bytes that are there.  Fixed parts are read from slices of
 * constant length, which spares a check for each field.  Checksums are not
 * looked at: they are commonly wrong in packets that were captured on the
 * sending host.
 */

#include "sensors/packet.h"

/* RFC 8200 allows each extension header once, destination options twice. */
#define EXTENSIONS_MAX 8

enum extension {
	EXT_HOP_BY_HOP = 0,
	EXT_ROUTING = 43,
	EXT_FRAGMENT = 44,
	EXT_AH = 51,
	EXT_DESTINATION = 60,
	EXT_MOBILITY = 135,
};

#define TCP_HEADER_LEN 20
#define PORTS_LEN      4
#define IPV4_FIXED_LEN 20
#define TO_FLAGS_LEN   10 /* from the ports to the end of the flags */

static const struct packet no_packet;

/* Ports, and for TCP the rest; left is the IP payload's real length. */
static inline void
transport_decode(const struct buf *b, size_t left, struct packet *p)
{
	struct buf rest = *b, t;
	uint8_t offset = 0;

	if (p->proto != PROTO_TCP && p->proto != PROTO_UDP)
		return;
	if (left < PORTS_LEN || buf_get_slice(&rest, PORTS_LEN, &t) == -1)
		return;
	buf_get_be16(&t, &p->src_port);
	buf_get_be16(&t, &p->dst_port);
	p->has_ports = true;
	if (p->proto != PROTO_TCP || left < PORTS_LEN + TO_FLAGS_LEN ||
	    buf_get_slice(&rest, TO_FLAGS_LEN, &t) == -1)
		return;
	buf_get_be32(&t, &p->seq);
	buf_get_be32(&t, &p->ack);
	buf_get_u8(&t, &offset);
	buf_get_u8(&t, &p->tcp_flags);
	offset = (uint8_t)((offset >> 4) * 4);
	if (offset < TCP_HEADER_LEN || offset > left)
		return;
	p->payload_len = (uint32_t)(left - offset);
	p->has_tcp = true;
}

static int
ipv4_decode(struct buf *b, struct packet *p, struct decode_error *err)
{
	uint8_t first = 0, bytes[4] = {0};
	uint16_t total = 0, fragment = 0;
	size_t captured = buf_left(b), header;
	struct buf fixed;

	if (buf_get_slice(b, IPV4_FIXED_LEN, &fixed) == -1)
		return decode_fail(err, "ipv4 header cut short", b->pos);
	buf_get_u8(&fixed, &first);
	buf_skip(&fixed, 1);
	buf_get_be16(&fixed, &total);
	buf_get_be16(&fixed, &p->ip_id);
	buf_get_be16(&fixed, &fragment);
	buf_skip(&fixed, 1);
	buf_get_u8(&fixed, &p->proto);
	buf_skip(&fixed, 2);
	buf_get_bytes(&fixed, bytes, 4);
	p->src = addr_from_ipv4(bytes);
	buf_get_bytes(&fixed, bytes, 4);
	p->dst = addr_from_ipv4(bytes);
	header = (size_t)(first & 0x0f) * 4;
	if (header < IPV4_FIXED_LEN)
		return decode_fail(err, "bad ipv4 header length", 0);
	/* A sender that leaves segmentation to its card shows length 0. */
	if (total == 0)
		total =
		    (uint16_t)(captured > UINT16_MAX ? UINT16_MAX : captured);
	if (total < header)
		return decode_fail(err, "bad ipv4 total length", 2);
	if (buf_skip(b, header - IPV4_FIXED_LEN) == -1)
		return decode_fail(err, "ipv4 options cut short", b->pos);
	p->is_later_fragment = (fragment & 0x1fff) != 0;
	if (!p->is_later_fragment)
		transport_decode(b, total - header, p);
	return 0;
}

/*
 * Steps over one extension header; *next is its type before and the type of
 * what follows after.  0; 1 when the snap length cut it; -1 when it reaches
 * beyond the packet, of which *left bytes remain.
 */
static int
extension_skip(struct buf *b, uint8_t *next, size_t *left, struct packet *p)
{
	uint8_t type = *next, following = 0, length = 0;
	uint16_t fragment = 0;
	size_t size;

	if (*left < 8)
		return -1;
	if (buf_left(b) < 8)
		return 1;
	buf_get_u8(b, &following);
	buf_get_u8(b, &length);
	buf_get_be16(b, &fragment);
	size = type == EXT_FRAGMENT ? 8
	       : type == EXT_AH     ? ((size_t)length + 2) * 4
				    : ((size_t)length + 1) * 8;
	if (size < 8 || size > *left)
		return -1;
	if (buf_skip(b, size - 4) == -1)
		return 1;
	if (type == EXT_FRAGMENT)
		p->is_later_fragment = (fragment & 0xfff8) != 0;
	*next = following;
	*left -= size;
	return 0;
}

static bool
is_extension(uint8_t type)
{
	return type == EXT_HOP_BY_HOP || type == EXT_ROUTING ||
	       type == EXT_FRAGMENT || type == EXT_AH ||
	       type == EXT_DESTINATION || type == EXT_MOBILITY;
}

static int
ipv6_decode(struct buf *b, struct packet *p, struct decode_error *err)
{
	uint8_t bytes[16] = {0};
	uint16_t length = 0;
	size_t left;
	int i, status;

	if (buf_left(b) < 40)
		return decode_fail(err, "ipv6 header cut short", b->pos);
	buf_skip(b, 4);
	buf_get_be16(b, &length);
	buf_get_u8(b, &p->proto);
	buf_skip(b, 1);
	buf_get_bytes(b, bytes, 16);
	p->src = addr_from_ipv6(bytes);
	buf_get_bytes(b, bytes, 16);
	p->dst = addr_from_ipv6(bytes);
	/* Length 0: a jumbogram, or segmentation is left to the card. */
	left = length == 0 ? buf_left(b) : length;
	for (i = 0; is_extension(p->proto) && !p->is_later_fragment; i++) {
		if (i == EXTENSIONS_MAX)
			return decode_fail(err,
			    "too many ipv6 extension "
			    "headers",
			    b->pos);
		status = extension_skip(b, &p->proto, &left, p);
		if (status == -1)
			return decode_fail(err, "bad ipv6 extension header",
			    b->pos);
		if (status == 1)
			return 0;
	}
	if (!p->is_later_fragment)
		transport_decode(b, left, p);
	return 0;
}

int
packet_decode(const struct buf *in, struct packet *out,
    struct decode_error *err)
{
	struct buf b = *in;
	uint8_t version;

	if (buf_left(&b) == 0)
		return decode_fail(err, "no packet", b.pos);
	version = b.data[b.pos] >> 4;
	*out = no_packet;
	if (version == 4)
		return ipv4_decode(&b, out, err);
	if (version == 6)
		return ipv6_decode(&b, out, err);
	return decode_fail(err, "bad ip version", b.pos);
}

bool
packet_is_not_first(const struct packet *p)
{
	if (p->is_later_fragment)
		return true;
	return p->proto == PROTO_TCP &&
	       (p->tcp_flags & TCP_DECISIVE) != TCP_SYN;
}
