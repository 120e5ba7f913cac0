/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_ACTUATOR_H
#define TRAPLINE_ACTUATORS_ACTUATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/change.h"
#include "engine/conf.h"

struct actuator;

/* What the policy wants of the local firewall; borrowed for the call. */
struct actuator_conf {
	const struct table_conf *tables; /* indexed by change.table */
	size_t ntables;
	const struct sensor_conf *sensors; /* for "log new" */
	size_t nsensors;
	/* Source prefix lengths in use, of the 128-bit form. */
	unsigned int source_len_inet;
	unsigned int source_len_inet6;
	uint64_t limit_entries; /* of one table */
	/*
	 * Decoupled: only what sensors need is made, and what an earlier run
	 * left is not touched.  apply() and list() are not called meanwhile.
	 */
	bool is_decoupled;
};

/*
 * Told of an entry that is in the kernel.  remaining_ms as in struct change.
 */
typedef void actuator_found(void *arg, uint16_t table, const struct prefix *,
    int64_t remaining_ms);

struct actuator_counters {
	uint64_t transactions;
	uint64_t failed;       /* transactions that the kernel refused */
	uint64_t repairs;      /* times that somebody's change was put right */
	uint64_t entries_full; /* entries refused by a full set */
};

struct actuator_ops {
	enum firewall_type type;
	const char *name; /* the word behind "firewall" */

	/*
	 * Connects and makes tables, chains and rules where they are missing;
	 * what is there already stays.  *out is set when it returns 0; -1
	 * with the reason logged.
	 */
	int (*open)(const struct actuator_conf *, struct actuator **out);
	/* Brings structure in line with a new policy; entries stay. */
	int (*reconfigure)(struct actuator *, const struct actuator_conf *);
	/*
	 * Applies n changes in order, in one transaction where the kernel has
	 * them.  Adding what is there, and removing what is not, succeeds.
	 * Returns how many took effect; fewer than n means that the rest must
	 * be offered again.
	 */
	size_t (*apply)(struct actuator *, const struct change *, size_t n);
	/*
	 * Hands out what the kernel's tables hold, but of no table that has
	 * more than most entries.  0, or -1 with the reason logged.
	 */
	int (
	    *list)(struct actuator *, size_t most, actuator_found *, void *arg);
	/* Turns readable when the kernel tells of somebody's change; or -1. */
	int (*fd)(const struct actuator *);
	/*
	 * Reads the kernel's notices.  1 when something of ours was damaged:
	 * structure is right again and all entries must be offered again.  0
	 * when nothing was; -1 when this went wrong, with the reason logged.
	 */
	int (*notice)(struct actuator *);
	void (*counters)(const struct actuator *, struct actuator_counters *);
	/* Leaves the kernel's tables as they are. */
	void (*close)(struct actuator *);
};

/* The registry: NULL when this build has no such firewall. */
const struct actuator_ops *actuator_find(enum firewall_type);

#endif
