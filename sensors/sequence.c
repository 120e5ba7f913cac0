/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Losses by gaps in the sender's numbers (protocols/pflog.md, section 4.4).
 * Whoever loses the messages has numbered them before, so a gap is as many as
 * were lost.
 */

#include "sensors/sequence.h"

uint32_t
sequence_lost(struct sequence *s, uint32_t number)
{
	uint32_t gap = s->has_begun ? number - s->next : 0;

	s->has_begun = true;
	s->next = number + 1;
	return gap <= INT32_MAX ? gap : 0;
}
