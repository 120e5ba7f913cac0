/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_JOURNAL_H
#define TRAPLINE_ENGINE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/decision.h"
#include "engine/tables.h"

/*
 * What was decided but is not durable yet, and what must not be reported
 * before it is.  Gathers during a turn of the loop, is written to the store
 * in one commit, and only then lets the reports out.
 */
struct journal;
struct names;
struct store;

/* A decision that is durable now. */
typedef void journal_report(void *arg, const struct decision *);

/* Borrows store and names.  NULL: memory is out. */
struct journal *journal_new(struct store *, const struct names *,
    journal_report *, void *arg);
void journal_free(struct journal *);

/* table: its name, which must last as long as the process. */
void journal_hold(struct journal *, const char *table, const struct prefix *,
    const struct hold *);
void journal_unhold(struct journal *, const char *table, const struct prefix *,
    enum origin, uint32_t by);
/* An entry that must leave the kernel; and that it has left. */
void journal_removal(struct journal *, const char *table,
    const struct prefix *);
void journal_removed(struct journal *, const char *table,
    const struct prefix *);
/* until with ms 0: the pardon ended. */
void journal_pardon(struct journal *, const struct prefix *, struct wall until);
void journal_clock(struct journal *, struct wall);
void journal_decision(struct journal *, const struct decision *);

/* Things that wait for the next commit. */
size_t journal_pending(const struct journal *);
/*
 * Makes everything durable, then reports.  0; -1 when the store could not:
 * all of it stays pending and the next call tries again.
 */
int journal_commit(struct journal *);

#endif
