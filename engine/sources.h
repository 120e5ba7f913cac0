/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_SOURCES_H
#define TRAPLINE_ENGINE_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/clock.h"
#include "engine/prefix.h"
#include "engine/threshold.h"

/*
 * What is known of one source under one rule: pf's source node.  Lives in a
 * bounded pool; the stalest is forgotten when room is needed.
 */
struct source {
	struct wall first; /* when the node was made */
	struct wall last;  /* when it was last touched */
	struct threshold rate;
	uint32_t conn;   /* established now */
	uint32_t states; /* open now */
	uint32_t rule;   /* whose it is; not to be changed */
};

struct sources;

/*
 * How exact "the stalest" is: staleness is counted in touches, by steps of
 * 1/64 of the bound.  A node is never forgotten for want of room while
 * another lives that was last touched a step or more before it.  Nodes that
 * were not touched for the last 1000 steps count as equally stale.
 */
#define SOURCES_STEPS 64

/* most: nodes in all.  seed: random, keeps strangers from choosing
 * collisions; any value gives the same results.  NULL: memory is out. */
struct sources *sources_new(size_t most, uint64_t seed);
void sources_free(struct sources *);
/* A new bound; forgets the stalest down to it. */
void sources_set_limit(struct sources *, size_t most);
/*
 * The node of a prefix under a rule; NULL if there is none.  Good until the
 * next call that may add one.
 */
struct source *sources_find(struct sources *, uint32_t rule,
    const struct prefix *);
/*
 * Finds or makes the node and makes it the freshest.  A new one is zeroed,
 * its first and last set to now; *is_new says so.  May forget the stalest.
 * NULL when memory is out.
 */
struct source *sources_touch(struct sources *, uint32_t rule,
    const struct prefix *, struct wall now, bool *is_new);
/* The same, with the sources_hint() of just this rule and prefix. */
struct source *sources_touch_hinted(struct sources *, uint64_t hint,
    uint32_t rule, const struct prefix *, struct wall now, bool *is_new);
/*
 * Two hints for somebody who knows some observations ahead what he will
 * touch.  The first asks for the memory where the search starts; its result
 * goes to the second, some observations later, which asks for the node and
 * says whether there seems to be one.  Neither changes anything.
 */
uint64_t sources_hint(const struct sources *, uint32_t rule,
    const struct prefix *);
bool sources_hint_node(const struct sources *, uint64_t hint);
/* Nodes of one rule now: what max-src-nodes limits. */
size_t sources_count_rule(const struct sources *, uint32_t rule);
size_t sources_count(const struct sources *);
/* Nodes forgotten for want of room since the start. */
uint64_t sources_forgotten(const struct sources *);
/* Bytes in use, all included. */
size_t sources_memory(const struct sources *);
/* Forgets every node of a rule that is gone. */
void sources_drop_rule(struct sources *, uint32_t rule);
/*
 * Looks at up to n of the stalest nodes and forgets those without connection
 * and state that were last touched idle_s seconds before now or earlier.  The
 * caller chooses idle_s so that a fresh node would count the same: the longest
 * rate period of any rule.  A node with connections or states that comes up
 * counts as touched now.  Called often, it also keeps the work small that
 * making room for a new node takes in a full pool.
 */
void sources_expire(struct sources *, struct wall now, size_t n,
    int64_t idle_s);

#endif
