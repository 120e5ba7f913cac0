/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Bounded reading of foreign bytes.  Every decoder reads through these
 * functions and no decoder does arithmetic on a pointer to a packet.  The
 * readers that every packet needs are in the header.
 */

#include "engine/buf.h"

/* Reads n bytes, most significant first. */
static int
get_be(struct buf *b, size_t n, uint64_t *out)
{
	uint64_t value = 0;
	size_t i;

	*out = 0;
	if (buf_left(b) < n)
		return -1;
	for (i = 0; i < n; i++)
		value = value << 8 | b->data[b->pos + i];
	b->pos += n;
	*out = value;
	return 0;
}

int
buf_get_be64(struct buf *b, uint64_t *out)
{
	return get_be(b, 8, out);
}

int
decode_fail(struct decode_error *err, const char *what, size_t at)
{
	err->what = what;
	err->at = at;
	return -1;
}
