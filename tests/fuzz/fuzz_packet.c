/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Frames of ordinary captures.  The first byte chooses the link type; the
 * rest is one frame.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "sensors/link.h"
#include "sensors/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct packet *p)
{
	if (p->has_tcp && (p->proto != PROTO_TCP || !p->has_ports))
		abort();
	if (p->is_later_fragment && p->has_ports)
		abort();
	if (!p->has_ports && (p->src_port != 0 || p->dst_port != 0))
		abort();
	if (p->is_later_fragment && !packet_is_not_first(p))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int types[] = {LINK_ETHERNET, LINK_RAW, LINK_COOKED,
	    LINK_COOKED2, LINK_NULL, LINK_LOOP, LINK_PPP, LINK_IPV4};
	struct decode_error err = {NULL, 0};
	struct packet p;
	struct buf b;
	int status;

	if (size == 0)
		return 0;
	b = buf_make(data + 1, size - 1);
	status = link_strip(types[data[0] & 7], &b, &err);
	if (status == 0)
		status = packet_decode(&b, &p, &err);
	if (status == -1 && (err.what == NULL || err.at > size))
		abort();
	if (status == 0)
		check(&p);
	return 0;
}
