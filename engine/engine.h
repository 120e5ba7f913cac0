/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_ENGINE_H
#define TRAPLINE_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/change.h"
#include "engine/decision.h"
#include "engine/observation.h"
#include "engine/tables.h"

/*
 * The decisions: observations and commands go in, with the time; changes,
 * durable writes and events come out.  Does no I/O and knows no clock, so the
 * daemon and replay run the very same code.
 */
struct engine;
struct names;
struct host_name_answer;
struct host_names;
struct never;
struct ruleset;
struct sources;

/*
 * Where results go; the caller embeds this as the first member of what it
 * needs.  For one decision the calls come in this order: change, hold or
 * unhold, decided.
 */
struct engine_output {
	/* For actuators.  Not called for entries of tables that are gone. */
	void (*change)(struct engine_output *, const struct change *);
	/* To be made durable: a hold appeared or changed; a hold is gone. */
	void (*hold)(struct engine_output *, uint16_t table,
	    const struct prefix *, const struct hold *);
	void (*unhold)(struct engine_output *, uint16_t table,
	    const struct prefix *, enum origin, uint32_t by);
	/* A pardon until then; ms 0 when it ended. */
	void (*pardon)(struct engine_output *, const struct prefix *,
	    struct wall until);
	/* To be reported, once what came before is durable. */
	void (*decided)(struct engine_output *, const struct decision *);
};

struct engine_counters {
	uint64_t observations; /* that reached the rules */
	uint64_t matched;      /* rule matches */
	uint64_t sources;      /* distinct ones: engine_count_sources() */
	uint64_t holds;        /* entries that appeared */
	uint64_t extends;
	uint64_t releases;
	uint64_t refused_never;
	uint64_t refused_pardoned;
	uint64_t refused_breaker; /* "set limit holds" was reached */
	uint64_t refused_full;
	uint64_t nodes_full; /* sources not tracked: max-src-nodes */
};

/* seed: random in the daemon, fixed in replay.  NULL: memory is out. */
struct engine *engine_new(struct engine_output *, uint64_t seed,
    struct wall now);
void engine_free(struct engine *);

/* Counts distinct sources from now on, which takes memory for each. */
void engine_count_sources(struct engine *);

/*
 * Puts a policy in force and clears *ruleset; the old one is freed.  The new
 * one has been through ruleset_inherit() against the old.  Members of tables
 * become holds of origin file; those that are no longer named end.
 */
void engine_ruleset_take(struct engine *, struct ruleset **ruleset,
    struct wall now);

/*
 * What events call the sensor with this index, where the policy has no line
 * for it (replay).  The text is copied.
 */
void engine_name_sensor(struct engine *, uint8_t index, const char *name);

/*
 * Counts observations.  Their times are believed for rates; now, which never
 * goes back, is what holds are counted from.
 */
void engine_observe(struct engine *, const struct observation *, size_t n,
    struct wall now);
/*
 * The same in two steps, for somebody whose time moves between observations.
 * What is taken waits, ENGINE_AHEAD at most, while the memory is fetched that
 * counting it will need; engine_count() counts the oldest of those.  None may
 * wait when engine_observe() or engine_ruleset_take() is called.
 */
#define ENGINE_AHEAD 32
void engine_take(struct engine *, const struct observation *);
void engine_count(struct engine *, struct wall now);
/* How many wait, and the oldest of them; NULL: none does. */
size_t engine_waiting(const struct engine *);
const struct observation *engine_oldest(const struct engine *);
/*
 * Ends what lapses until now, and what a table of "set never" has come to
 * cover since the last look.
 */
void engine_advance(struct engine *, struct wall now);
/* When engine_advance() has work next; WALL_NEVER: never. */
struct wall engine_next(const struct engine *);

/* Why a command was not carried out. */
enum engine_result {
	ENGINE_DONE,
	ENGINE_ABSENT,   /* delete: there is no such entry */
	ENGINE_NAMED,    /* delete: it stays, since the policy names it */
	ENGINE_NEVER,    /* a "never" address would be touched */
	ENGINE_PARDONED, /* a pardon stands against it */
	ENGINE_BREAKER,  /* "set limit holds" was reached */
	ENGINE_FULL,     /* the table is full */
};

/*
 * One claim, of any origin but a rule.  by and cause are interned.
 * expires: WALL_NEVER for no end.  The operator's claim ends a pardon.
 */
enum engine_result engine_claim(struct engine *, uint16_t table,
    const struct prefix *, enum origin, const char *by, const char *cause,
    struct wall expires, struct wall now);
/* Takes a hold from the store back without reporting it again. */
void engine_restore(struct engine *, uint16_t table, const struct prefix *,
    const struct hold *, struct wall now);
void engine_restore_pardon(struct engine *, const struct prefix *,
    struct wall until);
/* Ends every hold of exactly this prefix in the table but the policy's own. */
enum engine_result engine_delete(struct engine *, uint16_t table,
    const struct prefix *, const char *cause, struct wall now);
/* Ends every hold in the table but those that its file names.  How many. */
size_t engine_flush_table(struct engine *, uint16_t table, struct wall now);
/*
 * Ends every hold of every entry that contains the prefix or lies in it, and
 * refuses new ones but the operator's until then.  How many entries went.
 */
size_t engine_pardon(struct engine *, const struct prefix *, struct wall until,
    struct wall now);

/*
 * The automatic members of "never": begin, add each, end.  What is held and
 * must not be is then released.
 */
void engine_never_begin(struct engine *);
void engine_never_add(struct engine *, const struct prefix *, const char *why);
void engine_never_end(struct engine *, struct wall now);

/*
 * What a host name of "set never" was found to be.  What is held and must not
 * be is then released.
 */
void engine_name_answer(struct engine *, const struct host_name_answer *,
    struct wall now);

/* Hands every entry that the firewall should have to change(), as holds.
 * *cursor starts at 0; n bounds one call.  How many; 0 at the end. */
size_t engine_offer(struct engine *, uint64_t *cursor, size_t n,
    struct wall now);

/* Looking in, for the control socket. */
const struct ruleset *engine_ruleset(const struct engine *);
struct tables *engine_tables(struct engine *);
struct sources *engine_sources(struct engine *);
struct names *engine_names(struct engine *);
const struct never *engine_never(struct engine *);
const struct host_names *engine_host_names(const struct engine *);
/* The pardon that covers the prefix; false if there is none. */
bool engine_pardoned(struct engine *, const struct prefix *,
    struct entry_view *out);
/* Pardons, walked as tables_walk() does. */
struct tables *engine_pardons(struct engine *);
void engine_counters(const struct engine *, struct engine_counters *);

#endif
