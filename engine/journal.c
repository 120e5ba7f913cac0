/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Between the core's decisions and the store.  The order of events is kept;
 * nothing is dropped, because a hold that the kernel has and the store has
 * not would be lost by a crash without anybody knowing.
 */

#include "engine/journal.h"

#include <stdlib.h>
#include <string.h>

#include "engine/log.h"
#include "engine/names.h"
#include "engine/store.h"

enum step_kind {
	STEP_HOLD,
	STEP_UNHOLD,
	STEP_REMOVAL,
	STEP_REMOVED,
	STEP_PARDON,
	STEP_CLOCK,
};

struct step {
	enum step_kind kind;
	const char *table;
	struct prefix prefix;
	struct hold hold; /* unhold: origin and by only */
	struct wall time; /* pardon, clock */
};

struct journal {
	struct store *store;
	const struct names *names;
	journal_report *report;
	void *arg;
	struct step *steps;
	size_t nsteps, steps_room;
	struct decision *decisions;
	size_t ndecisions, decisions_room;
};

struct journal *
journal_new(struct store *store, const struct names *names,
    journal_report *report, void *arg)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->store = store;
	j->names = names;
	j->report = report;
	j->arg = arg;
	return j;
}

void
journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	free(j->steps);
	free(j->decisions);
	free(j);
}

static void
add_step(struct journal *j, const struct step *step)
{
	size_t room;

	if (j->nsteps == j->steps_room) {
		room = j->steps_room == 0 ? 256 : j->steps_room * 2;
		j->steps = reallocarray(j->steps, room, sizeof(*step));
		/* Without it a hold would be lost: start again instead. */
		if (j->steps == NULL)
			fatal("journal");
		j->steps_room = room;
	}
	j->steps[j->nsteps++] = *step;
}

void
journal_hold(struct journal *j, const char *table, const struct prefix *prefix,
    const struct hold *hold)
{
	struct step step = {.kind = STEP_HOLD,
	    .table = table,
	    .prefix = *prefix,
	    .hold = *hold};

	add_step(j, &step);
}

void
journal_unhold(struct journal *j, const char *table,
    const struct prefix *prefix, enum origin origin, uint32_t by)
{
	struct step step = {.kind = STEP_UNHOLD,
	    .table = table,
	    .prefix = *prefix,
	    .hold = {.origin = origin, .by = by}};

	add_step(j, &step);
}

void
journal_removal(struct journal *j, const char *table,
    const struct prefix *prefix)
{
	struct step step = {.kind = STEP_REMOVAL,
	    .table = table,
	    .prefix = *prefix};

	add_step(j, &step);
}

void
journal_removed(struct journal *j, const char *table,
    const struct prefix *prefix)
{
	struct step step = {.kind = STEP_REMOVED,
	    .table = table,
	    .prefix = *prefix};

	add_step(j, &step);
}

void
journal_pardon(struct journal *j, const struct prefix *prefix,
    struct wall until)
{
	struct step step = {.kind = STEP_PARDON,
	    .prefix = *prefix,
	    .time = until};

	add_step(j, &step);
}

void
journal_clock(struct journal *j, struct wall now)
{
	struct step step = {.kind = STEP_CLOCK, .time = now};

	add_step(j, &step);
}

void
journal_decision(struct journal *j, const struct decision *decision)
{
	size_t room;

	if (j->ndecisions == j->decisions_room) {
		room = j->decisions_room == 0 ? 256 : j->decisions_room * 2;
		j->decisions =
		    reallocarray(j->decisions, room, sizeof(*decision));
		if (j->decisions == NULL)
			fatal("journal");
		j->decisions_room = room;
	}
	j->decisions[j->ndecisions++] = *decision;
}

size_t
journal_pending(const struct journal *j)
{
	return j->nsteps + j->ndecisions;
}

static int
write_hold(struct journal *j, const struct step *step)
{
	struct store_hold out = {
	    .table = step->table,
	    .prefix = step->prefix,
	    .origin = step->hold.origin,
	    .by = names_text(j->names, step->hold.by),
	    .sensor = names_text(j->names, step->hold.sensor),
	    .cause = names_text(j->names, step->hold.cause),
	    .since = step->hold.since,
	    .expires = step->hold.expires,
	    .count = step->hold.count,
	};

	return store_put_hold(j->store, &out);
}

static int
write_step(struct journal *j, const struct step *step)
{
	switch (step->kind) {
	case STEP_HOLD:
		return write_hold(j, step);
	case STEP_UNHOLD:
		return store_delete_hold(j->store, step->table, &step->prefix,
		    step->hold.origin, names_text(j->names, step->hold.by));
	case STEP_REMOVAL:
		return store_put_removal(j->store, step->table, &step->prefix);
	case STEP_REMOVED:
		return store_delete_removal(j->store, step->table,
		    &step->prefix);
	case STEP_PARDON:
		if (step->time.ms == 0)
			return store_delete_pardon(j->store, &step->prefix);
		return store_put_pardon(j->store, &step->prefix, step->time);
	case STEP_CLOCK:
		return store_put_clock(j->store, step->time);
	}
	return 0;
}

/* Hands all steps to the store; those that it refused stay. */
static int
write_steps(struct journal *j)
{
	size_t i, left;

	for (i = 0; i < j->nsteps; i++) {
		if (write_step(j, &j->steps[i]) == -1)
			break;
	}
	left = j->nsteps - i;
	if (left > 0 && i > 0)
		memmove(j->steps, j->steps + i, left * sizeof(*j->steps));
	j->nsteps = left;
	return left == 0 ? 0 : -1;
}

int
journal_commit(struct journal *j)
{
	size_t i;

	if (write_steps(j) == -1 || store_commit(j->store) == -1)
		return -1;
	for (i = 0; i < j->ndecisions; i++)
		j->report(j->arg, &j->decisions[i]);
	j->ndecisions = 0;
	return 0;
}
