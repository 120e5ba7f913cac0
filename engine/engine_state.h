/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_ENGINE_STATE_H
#define TRAPLINE_ENGINE_ENGINE_STATE_H

#include "engine/engine.h"
#include "engine/host_names.h"
#include "engine/names.h"
#include "engine/never.h"
#include "engine/sources.h"
#include "engine/tables.h"
#include "engine/threshold.h"
#include "rules/match.h"
#include "rules/ruleset.h"

/*
 * The inside of struct engine, shared by engine.c (life and policy),
 * engine_observe.c (counting), engine_hold.c (holds, pardons) and
 * engine_never.c.
 */

/* Refusals of one prefix are reported at most once in this time. */
#define REFUSE_QUIET_MS 60000
#define REFUSE_SLOTS    256
/* A hold is not extended for less than this. */
#define EXTEND_LEAST_MS  1000
#define ENGINE_LAPSE_MAX 256

struct refusal {
	struct prefix prefix;
	uint16_t table;
	struct wall time;
};

struct auto_never {
	struct prefix prefix;
	const char *why; /* interned */
};

/*
 * An observation that waits while memory is fetched, and how far the rules
 * were asked for it.
 */
struct ahead {
	struct observation observation;
	struct match_walk walk;  /* behind the first rule */
	const struct rule *rule; /* the first that matches, or NULL */
	struct prefix prefix;    /* the source */
	uint64_t hint;           /* of the source under the rule */
	uint64_t distinct_hint;  /* of it in engine.distinct; 0: none */
	uint64_t generation;     /* of all tables then */
};

struct engine {
	struct match_tables lookup; /* first: the matcher hands it back */
	struct engine_output *out;
	struct ruleset *ruleset;
	struct matcher *matcher;
	struct tables *tables;
	struct tables *pardons; /* one table, number 0 */
	struct sources *sources;
	struct sources *distinct; /* all that were ever tracked, or NULL */
	struct names *names;
	uint64_t seed;

	struct never *never;
	uint64_t never_generation; /* of the tables that are in it */
	bool never_is_stale;
	bool never_is_arriving; /* between begin and end */
	struct auto_never *auto_never;
	size_t nauto_never, auto_never_room;
	struct host_names *host_names; /* of "set never" */

	struct threshold breaker;
	bool breaker_is_open;
	struct wall breaker_refused; /* the last time */
	struct refusal refusals[REFUSE_SLOTS];
	struct engine_counters counters;
	uint32_t table_names[TABLES_MAX];
	uint32_t sensor_names[SENSORS_MAX];
	int64_t idle_s;  /* after this a quiet source counts as a new one */
	bool is_started; /* a policy was in force before */

	struct ahead ahead[ENGINE_AHEAD]; /* a ring */
	size_t first_ahead, nahead;
	size_t unexpired;    /* observations since sources were expired */
	struct wall expired; /* when that was */
};

/* Entries gathered during a walk, to be ended after it; free(3) the list. */
struct engine_gathered {
	struct entry_view *list;
	size_t n, room;
	bool is_short; /* memory was out */
};
/* A tables_visit; arg is a struct engine_gathered. */
void engine_gather(void *arg, const struct entry_view *);

/*
 * Puts a hold in its table if nothing forbids it and tells everybody.  The
 * one way in for every origin.
 */
enum engine_result engine_put(struct engine *, uint16_t table,
    const struct prefix *, const struct hold *, struct wall now);
/* Ends one hold and tells everybody. */
void engine_end(struct engine *, uint16_t table, const struct prefix *,
    const struct hold *, const char *cause, struct wall when);
/* Ends every hold of an entry and tells everybody.  False: no entry. */
bool engine_end_entry(struct engine *, uint16_t table, const struct prefix *,
    const char *cause, struct wall when);
/* Makes what the policy's text lists in its tables holds, where none are. */
void engine_claim_members(struct engine *, struct wall now);
/* Does "set never" name this table? */
bool engine_table_is_never(const struct engine *, uint16_t table);
/*
 * A table that is itself part of "never", and what the policy's text puts in
 * a table that nobody enforces, hold nobody: they only name.
 */
bool engine_only_names(const struct engine *, uint16_t table, enum origin);
/* The same of all holds that an entry has. */
bool engine_entry_only_names(const struct engine *, const struct entry_view *);
/* Makes "never" fit its sources; releases what must not be held. */
void engine_never_refresh(struct engine *, struct wall now);

#endif
