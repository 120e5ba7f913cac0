/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_CHANGES_H
#define TRAPLINE_ACTUATORS_NFT_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actuators/actuator.h"
#include "actuators/nft_probe.h"

struct nft_batch;
struct nft_sets;

/* Turns changes into transactions; keeps what that needs between calls. */
struct nft_changes;

/* The batch is borrowed for good.  NULL when memory is out. */
struct nft_changes *nft_changes_new(struct nft_batch *);
void nft_changes_free(struct nft_changes *);
/* What the kernel can do; nothing, until this was called. */
void nft_changes_set_abilities(struct nft_changes *,
    const struct nft_abilities *);

/*
 * Applies changes in order, as few transactions as will do.  Returns how many
 * took effect, or never can.  *is_damaged is set when something that they
 * need is not there any more.
 */
size_t nft_changes_apply(struct nft_changes *, struct nft_sets *,
    const struct change *, size_t n, bool *is_damaged);
/* Transactions that took effect so far; wraps. */
uint32_t nft_changes_commits(const struct nft_changes *);
/* Adds what was counted so far to out. */
void nft_changes_counters(const struct nft_changes *,
    struct actuator_counters *out);

/* The time now, in milliseconds of the clock that due times are told by. */
int64_t nft_changes_now_ms(void);
/* When what remains for so long is due; NFT_RANGES_FOREVER: never. */
int64_t nft_changes_due_ms(int64_t remaining_ms);

#endif
