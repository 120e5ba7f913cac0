/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_SEQUENCE_H
#define TRAPLINE_SENSORS_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

/* Where a numbered stream of messages stands.  Zeroed: at its start. */
struct sequence {
	bool has_begun;
	uint32_t next;
};

/*
 * Takes the number of the message that came and returns how many before it
 * did not.  The first may have any number; numbers wrap; one from behind is
 * the first of a new stream.
 */
uint32_t sequence_lost(struct sequence *, uint32_t number);

#endif
