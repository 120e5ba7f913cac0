/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_PACKET_H
#define TRAPLINE_SENSORS_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/buf.h"
#include "engine/prefix.h"

/* IP protocol numbers that decoders look into. */
enum packet_proto {
	PROTO_TCP = 6,
	PROTO_UDP = 17,
};

enum packet_tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
	/* The four that decide what a segment is. */
	TCP_DECISIVE = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK,
};

/* What one IP packet says about itself; integers in host byte order. */
struct packet {
	struct addr src;
	struct addr dst;
	uint32_t seq; /* TCP, where has_tcp */
	uint32_t ack;
	/* Bytes behind the TCP header, by the IP header's length. */
	uint32_t payload_len;
	uint16_t ip_id; /* IPv4 identification; 0 for IPv6 */
	uint16_t src_port;
	uint16_t dst_port;
	uint8_t proto;     /* the last header reached, past IPv6 extensions */
	uint8_t tcp_flags; /* 0 where they were not captured */
	bool is_later_fragment;
	bool has_ports; /* TCP and UDP whose first 4 bytes are there */
	bool has_tcp;   /* a sound TCP header, as far as its flags */
};

/*
 * Decodes an IPv4 (RFC 791) or IPv6 (RFC 8200) packet from its first byte;
 * the version nibble decides.
 *
 * in	any bytes, perhaps cut by a snap length; left as it is
 * out	on failure any content
 *
 * A transport header that is cut short is no error: ports and flags are then
 * absent.  An IP header that is cut or contradicts itself is.  0, or -1 with
 * the reason in err.
 */
int packet_decode(const struct buf *in, struct packet *out,
    struct decode_error *err);
/*
 * True for a packet that opens nothing: a later fragment, or TCP other than
 * the first SYN, which has neither ACK nor RST nor FIN (OBS_NOT_FIRST).
 */
bool packet_is_not_first(const struct packet *);

#endif
