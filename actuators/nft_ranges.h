/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_RANGES_H
#define TRAPLINE_ACTUATORS_NFT_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/prefix.h"

/* An entry without expiry, in due_ms. */
#define NFT_RANGES_FOREVER INT64_MAX

/* One thing to be done to the interval set in the kernel. */
struct nft_range_step {
	struct prefix prefix;
	int64_t due_ms; /* as it was given; not for removals */
	bool is_add;
};

/* Steps to be done in order, in one transaction. */
struct nft_range_steps {
	struct nft_range_step *list;
	size_t n, room;
};

void nft_range_steps_free(struct nft_range_steps *);

/*
 * The entries of one interval set.  The kernel takes no element inside
 * another, so only the widest are installed; those inside are remembered,
 * and installed when the wider one goes.
 */
struct nft_ranges;

struct nft_ranges *nft_ranges_new(void);
void nft_ranges_free(struct nft_ranges *);
/* Forgets everything. */
void nft_ranges_clear(struct nft_ranges *);
size_t nft_ranges_count(const struct nft_ranges *);

/*
 * Notes what the kernel was found to hold, which nobody here asked for (yet).
 * It gives way, in either direction, to the first entry that overlaps it.
 * 0, or -1 when memory is out.
 */
int nft_ranges_found(struct nft_ranges *, const struct prefix *,
    int64_t due_ms);
/*
 * Adds an entry, or gives it a new due time, and appends what the kernel has
 * to be told.  0, or -1 when memory is out: nothing was done.
 */
int nft_ranges_add(struct nft_ranges *, const struct prefix *, int64_t due_ms,
    struct nft_range_steps *);
/* Removes an entry; one that is not there is no error.  As above. */
int nft_ranges_remove(struct nft_ranges *, const struct prefix *,
    struct nft_range_steps *);
/* Appends an addition for all that is to be installed.  As above. */
int nft_ranges_all(const struct nft_ranges *, struct nft_range_steps *);

#endif
