/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_STORE_H
#define TRAPLINE_ENGINE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/clock.h"
#include "engine/prefix.h"
#include "engine/tables.h"

/*
 * The durable store: SQLite in the state directory, written by the engine
 * alone.  Writes gather in an open transaction until store_commit(); what was
 * committed survives kill -9 and a loss of power.
 */
struct store;

/* One hold as the store keeps it; the texts are borrowed for the call. */
struct store_hold {
	const char *table; /* without <> */
	struct prefix prefix;
	enum origin origin;
	const char *by;
	const char *sensor;
	const char *cause;
	struct wall since;
	struct wall expires;
	uint32_t count;
};

#define STORE_ERRLEN 512

/*
 * Opens or makes the store at path.  A file that is no trapline store, is
 * damaged, or was written by a newer trapline is refused and left as it is:
 * NULL with the reason in error (STORE_ERRLEN bytes), which names the file.
 * Afterwards no further file is opened, so a sandbox may forbid it.
 */
struct store *store_open(const char *path, char *error);
/* Commits and closes; NULL is fine. */
void store_close(struct store *);

/* Each joins the open transaction.  0, or -1: see store_error(). */
int store_put_hold(struct store *, const struct store_hold *);
int store_delete_hold(struct store *, const char *table, const struct prefix *,
    enum origin, const char *by);
/* An entry that must still leave the kernel, until it is known to have. */
int store_put_removal(struct store *, const char *table, const struct prefix *);
int store_delete_removal(struct store *, const char *table,
    const struct prefix *);
int store_put_pardon(struct store *, const struct prefix *, struct wall until);
int store_delete_pardon(struct store *, const struct prefix *);
/* The latest guarded time: the floor of the next start's clock. */
int store_put_clock(struct store *, struct wall);

/* Is there anything to commit? */
bool store_is_dirty(const struct store *);
/* Makes all since the last commit durable.  0; -1: nothing is lost in memory
 * and the same transaction may be committed again later. */
int store_commit(struct store *);
/* Why the last call failed. */
const char *store_error(const struct store *);

/* Reading, at the start.  Visits everything; 0, or -1. */
typedef void store_visit_hold(void *arg, const struct store_hold *);
typedef void store_visit_removal(void *arg, const char *table,
    const struct prefix *);
typedef void store_visit_pardon(void *arg, const struct prefix *,
    struct wall until);
int store_each_hold(struct store *, store_visit_hold *, void *arg);
int store_each_removal(struct store *, store_visit_removal *, void *arg);
int store_each_pardon(struct store *, store_visit_pardon *, void *arg);
/* ms 0 when none was stored. */
struct wall store_get_clock(struct store *);

#endif
