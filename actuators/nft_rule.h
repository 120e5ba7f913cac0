/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_RULE_H
#define TRAPLINE_ACTUATORS_NFT_RULE_H

#include <stdint.h>

struct nft_batch;
struct nft_set;

/*
 * Appends a rule to a chain: drop, and count, what comes from an address in
 * the set.  Needs the set and the chain to be there, or made earlier in the
 * same transaction.
 */
void nft_rule_drop(struct nft_batch *, const char *chain,
    const struct nft_set *);
/* Appends a rule to a chain: log new connections to an NFLOG group. */
void nft_rule_log(struct nft_batch *, const char *chain, uint16_t group);

#endif
