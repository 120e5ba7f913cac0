/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_DEDUPE_H
#define TRAPLINE_SENSORS_DEDUPE_H

#include <stdbool.h>

#include "engine/observation.h"

struct packet;

/*
 * Tells packets that were logged more than once (protocols/pflog.md, sections
 * 3.1 and 4.1) from new ones.  A table of fixed size; what it has no room for
 * any more counts as new.
 */
struct dedupe;

/* NULL when memory is out. */
struct dedupe *dedupe_new(void);
void dedupe_free(struct dedupe *);
/*
 * True when the same packet was observed before: same sensor, kind,
 * addresses, ports and protocol, and for a first SYN the same sequence number
 * within 3 seconds, for other protocols the same IPv4 identification, not 0,
 * within 1 second.  Never true for OBS_NOT_FIRST.
 */
bool dedupe_is_duplicate(struct dedupe *, const struct observation *,
    const struct packet *);

#endif
