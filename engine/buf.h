/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_BUF_H
#define TRAPLINE_ENGINE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A reader over borrowed bytes.  Decoders take a copy, read from the copy
 * and assign it back when all went well, so a failure consumes nothing.
 */
struct buf {
	const uint8_t *data;
	size_t len;
	size_t pos;
};

/* Why foreign bytes were refused: a constant text, and the byte's offset. */
struct decode_error {
	const char *what;
	size_t at;
};

struct buf buf_make(const void *data, size_t len);
/* Bytes that are left. */
size_t buf_left(const struct buf *);

/*
 * Each reads one integer and steps over it.  0, or -1 with nothing read when
 * too few bytes are left.  be and le name the byte order in the buffer.
 */
int buf_get_u8(struct buf *, uint8_t *out);
int buf_get_be16(struct buf *, uint16_t *out);
int buf_get_be32(struct buf *, uint32_t *out);
int buf_get_be64(struct buf *, uint64_t *out);
int buf_get_le16(struct buf *, uint16_t *out);
int buf_get_le32(struct buf *, uint32_t *out);
int buf_get_le64(struct buf *, uint64_t *out);
/* Copies n bytes out.  0, or -1 with nothing read. */
int buf_get_bytes(struct buf *, void *out, size_t n);
int buf_skip(struct buf *, size_t n);
/* Hands out the next n bytes as a reader of their own and steps over them. */
int buf_get_slice(struct buf *, size_t n, struct buf *out);

/* Fills err and returns -1, so that a decoder can end with one statement. */
int decode_fail(struct decode_error *err, const char *what, size_t at);

#endif
