/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_NFLOG_DECODE_H
#define TRAPLINE_SENSORS_NFLOG_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/buf.h"
#include "engine/clock.h"
#include "engine/observation.h"

struct packet;

/* The kernel's limit, NF_LOG_PREFIXLEN, with the NUL. */
#define NFLOG_PREFIX_LEN 128

/* What one NFLOG message says; integers in host byte order. */
struct nflog_record {
	uint16_t group;
	uint8_t family;     /* 2 IPv4, 10 IPv6, 7 bridge, 3 ARP */
	uint8_t hook;       /* NFLOG_NO_HOOK: not said */
	uint16_t ethertype; /* 0: not said; older kernels write 0 on output */
	uint32_t mark;
	uint32_t indev; /* interface indexes, 0: not said */
	uint32_t outdev;
	uint32_t uid; /* of the local socket, where has_uid */
	uint32_t seq; /* the group's message number, where has_seq */
	bool has_uid;
	bool has_seq;
	bool has_time; /* the kernel stamped it (input side only) */
	struct wall time;
	char prefix[NFLOG_PREFIX_LEN]; /* raw bytes, terminated */
	struct buf payload; /* borrowed from the input; len 0: none */
};

#define NFLOG_NO_HOOK 0xff

/*
 * Decodes one message: family, version, group (big-endian) and then TLVs.  A
 * packet of link type 239 and the body of a netlink message behind its
 * nlmsghdr are the same bytes (protocols/pflog.md, section 4.1 and 4.3).
 *
 * in		whole message; left as it is
 * is_swapped	lengths and types of the TLVs are in the other byte order
 * is_cut	the capture cut the message: its last TLV may reach beyond
 * out		set on success only
 *
 * 0, or -1 with the reason in err.
 */
int nflog_decode(const struct buf *in, bool is_swapped, bool is_cut,
    struct nflog_record *out, struct decode_error *err);
/*
 * Turns a record into an observation: all fields but sensor and ifname.
 *
 * seen		the kind that the group stands for
 * read		when the message was read: for records without a time
 * p		set to what the packet says, for dedupe_is_duplicate()
 *
 * 0; 1 when the packet is not IP, which is nothing to report; -1 with the
 * reason in err.
 */
int nflog_observe(const struct nflog_record *, uint16_t seen, struct wall read,
    struct observation *out, struct packet *p, struct decode_error *err);

#endif
