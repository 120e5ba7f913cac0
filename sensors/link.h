/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_LINK_H
#define TRAPLINE_SENSORS_LINK_H

#include <stdbool.h>

#include "engine/buf.h"

/* LINKTYPE_ numbers, the same on every system, unlike some DLT_ numbers. */
enum link_type {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_PPP = 9,
	LINK_RAW_12 = 12, /* DLT_RAW, as some writers put it into files */
	LINK_RAW_14 = 14,
	LINK_OLD_PFLOG = 17,
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_COOKED = 113, /* Linux, tcpdump -i any */
	LINK_PFLOG = 117,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_NFLOG = 239,
	LINK_COOKED2 = 276,
};

/* True for link types that link_strip() knows: those of ordinary captures. */
bool link_is_ordinary(int link_type);
/*
 * Steps over the link header to the first byte of the IP header.  0; 1 when
 * the frame carries something other than IP; -1 with the reason in err.
 * frame is moved on success only.
 */
int link_strip(int link_type, struct buf *frame, struct decode_error *err);

#endif
