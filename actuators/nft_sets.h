/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_SETS_H
#define TRAPLINE_ACTUATORS_NFT_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/conf.h"
#include "engine/prefix.h"

struct actuator_conf;
struct nft_ranges;

#define NFT_SET_NAME_LEN 128

/*
 * One set in the kernel: the prefixes of one table, one family and one
 * length, or, as an interval set, those of all the lengths that have no set
 * of their own.
 */
struct nft_set {
	char name[NFT_SET_NAME_LEN];
	uint16_t table;
	bool is_ipv4;
	bool is_interval;
	uint8_t len;               /* of the 128-bit form; 0 for intervals */
	uint32_t id;               /* names the set within one transaction */
	uint64_t most;             /* elements that fit */
	uint64_t count;            /* elements, or more where we cannot know */
	uint64_t ask_at;           /* count from which the kernel is asked */
	bool is_warned;            /* near its size, and that was said */
	struct nft_ranges *ranges; /* intervals only */
	/* Changes of the batch in work that concern this set; see nft.c. */
	uint32_t first_change, last_change;
};

/* All sets of a policy. */
struct nft_sets {
	struct nft_set *list;
	size_t n;
	size_t per_table;
	int32_t first[TABLES_MAX]; /* of a table's sets; -1: it has none */
	uint8_t slot_v4[129];      /* by length of the 128-bit form */
	uint8_t slot_v6[129];
};

/* Sets for each table that blocks.  NULL when memory is out. */
struct nft_sets *nft_sets_new(const struct actuator_conf *);
void nft_sets_free(struct nft_sets *);
/* The set that a table's prefix goes into; NULL: the table does not block. */
struct nft_set *nft_sets_find(struct nft_sets *, uint16_t table,
    const struct prefix *);
/* By name; NULL if there is none such. */
struct nft_set *nft_sets_named(struct nft_sets *, const char *name);
/* Moves what is known of sets that both have from old to new. */
void nft_sets_inherit(struct nft_sets *, struct nft_sets *old);

/* Bytes in a key: 4 or 16. */
size_t nft_set_key_len(const struct nft_set *);
/* An address as a key of the set. */
const uint8_t *nft_set_key(const struct nft_set *, const struct addr *);

#endif
