/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_STRUCTURE_H
#define TRAPLINE_ACTUATORS_NFT_STRUCTURE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/conf.h"

struct actuator_conf;
struct nft_batch;
struct nft_sets;

/* The one table of the family inet that is ours. */
#define NFT_TABLE         "trapline"
#define NFT_CHAIN_ENFORCE "enforce"
#define NFT_CHAIN_OBSERVE "observe"

/* NFLOG groups that the table itself logs new connections to. */
struct nft_groups {
	uint16_t list[SENSORS_MAX];
	size_t n;
};

struct nft_groups nft_groups_make(const struct actuator_conf *);

/*
 * Makes table, chains and sets where they are missing and writes the rules
 * anew, in one transaction: packets see the old rules or the new ones.
 * Elements stay, unless what is there under our names has another shape; then
 * the table is made anew.  Sets that nobody wants any more are removed.
 * Returns 0; 1 when the table was made anew and is empty; -1 with errno.
 */
int nft_structure_build(struct nft_batch *, struct nft_sets *,
    const struct nft_groups *);
/*
 * Makes table, observing chain and its rules alone; all else stays as it is.
 * Without groups it does nothing.  0, or -1 with errno.
 */
int nft_structure_observe(struct nft_batch *, const struct nft_groups *);

#endif
