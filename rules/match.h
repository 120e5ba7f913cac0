/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_MATCH_H
#define TRAPLINE_RULES_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/observation.h"

struct rule;
struct ruleset;
struct matcher;

/*
 * How the matcher asks whether an address is in a table.  The engine embeds
 * this as the first member of what it needs to answer.
 */
struct match_tables {
	bool (*has)(const struct match_tables *, uint16_t table,
	    const struct addr *);
};

/*
 * Prepares a rule set for matching: per kind, protocol and port the rules that
 * can match at all.  Borrows the rule set.  NULL when memory is out.
 */
struct matcher *matcher_new(const struct ruleset *);
void matcher_free(struct matcher *);

/* One walk through the rules for one observation; lives on the stack. */
struct match_walk {
	const struct matcher *matcher;
	const struct observation *observation;
	const struct match_tables *tables;
	const uint64_t *mask, *port_mask;
	size_t word;
	uint64_t left; /* rules of this word that are still to be looked at */
	unsigned int over;
};

void match_start(struct match_walk *, const struct matcher *,
    const struct observation *, const struct match_tables *);
/*
 * The next "watch" rule that matches, in the order of the file, NULL when
 * there is none or "ignore" or "quick" ended the walk.
 *
 * A rule with max-src-states also gets OBS_OPENED; one with max-src-conn or
 * max-src-states also gets OBS_CLOSED.  For OBS_CLOSED, terms that name a
 * table are taken to match in a watch rule and not to match in one that
 * would end the walk: the table may have changed since the connection was
 * counted, and the source's own counters tell whether it was.  What "ignore"
 * or "quick" kept from a rule when a connection was opened or established,
 * it keeps from it when the connection is closed.
 */
const struct rule *match_next(struct match_walk *);

#endif
