/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Bounded reading of foreign bytes.  Every decoder reads through these
 * functions and no decoder does arithmetic on a pointer to a packet.
 */

#include "engine/buf.h"

#include <string.h>

struct buf
buf_make(const void *data, size_t len)
{
	struct buf b = {.data = data, .len = len, .pos = 0};

	return b;
}

size_t
buf_left(const struct buf *b)
{
	return b->len - b->pos;
}

/* Reads n bytes, most significant first. */
static int
get_be(struct buf *b, size_t n, uint64_t *out)
{
	uint64_t value = 0;
	size_t i;

	if (buf_left(b) < n)
		return -1;
	for (i = 0; i < n; i++)
		value = value << 8 | b->data[b->pos + i];
	b->pos += n;
	*out = value;
	return 0;
}

/* Reads n bytes, least significant first. */
static int
get_le(struct buf *b, size_t n, uint64_t *out)
{
	uint64_t value = 0;
	size_t i;

	if (buf_left(b) < n)
		return -1;
	for (i = n; i > 0; i--)
		value = value << 8 | b->data[b->pos + i - 1];
	b->pos += n;
	*out = value;
	return 0;
}

int
buf_get_u8(struct buf *b, uint8_t *out)
{
	if (b->pos >= b->len)
		return -1;
	*out = b->data[b->pos++];
	return 0;
}

int
buf_get_be16(struct buf *b, uint16_t *out)
{
	uint64_t value;

	if (get_be(b, 2, &value) == -1)
		return -1;
	*out = (uint16_t)value;
	return 0;
}

int
buf_get_be32(struct buf *b, uint32_t *out)
{
	uint64_t value;

	if (get_be(b, 4, &value) == -1)
		return -1;
	*out = (uint32_t)value;
	return 0;
}

int
buf_get_be64(struct buf *b, uint64_t *out)
{
	return get_be(b, 8, out);
}

int
buf_get_le16(struct buf *b, uint16_t *out)
{
	uint64_t value;

	if (get_le(b, 2, &value) == -1)
		return -1;
	*out = (uint16_t)value;
	return 0;
}

int
buf_get_le32(struct buf *b, uint32_t *out)
{
	uint64_t value;

	if (get_le(b, 4, &value) == -1)
		return -1;
	*out = (uint32_t)value;
	return 0;
}

int
buf_get_le64(struct buf *b, uint64_t *out)
{
	return get_le(b, 8, out);
}

int
buf_get_bytes(struct buf *b, void *out, size_t n)
{
	if (buf_left(b) < n)
		return -1;
	if (n > 0)
		memcpy(out, b->data + b->pos, n);
	b->pos += n;
	return 0;
}

int
buf_skip(struct buf *b, size_t n)
{
	if (buf_left(b) < n)
		return -1;
	b->pos += n;
	return 0;
}

int
buf_get_slice(struct buf *b, size_t n, struct buf *out)
{
	if (buf_left(b) < n)
		return -1;
	*out = buf_make(b->data == NULL ? NULL : b->data + b->pos, n);
	b->pos += n;
	return 0;
}

int
decode_fail(struct decode_error *err, const char *what, size_t at)
{
	err->what = what;
	err->at = at;
	return -1;
}
