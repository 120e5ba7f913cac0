/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_ELEMENTS_H
#define TRAPLINE_ACTUATORS_NFT_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/prefix.h"

struct nft_batch;
struct nft_set;

/* What is done to elements; messages of the kernel's that carry a list. */
enum nft_elements_kind {
	NFT_ELEMENTS_ADD,
	NFT_ELEMENTS_DELETE,  /* refused when one is not there */
	NFT_ELEMENTS_DESTROY, /* kernel 6.3 and later: never refused */
};

/*
 * Writes elements into a transaction, as many to a message as fit, in the
 * order of the calls.  Zero it, set batch, and call nft_elements_end() when
 * the last was put.
 */
struct nft_elements {
	struct nft_batch *batch;
	const struct nft_set *set; /* of the message in work */
	enum nft_elements_kind kind;
	size_t nest;
	bool is_open;
};

/*
 * timeout_ms, for additions: what the kernel shall wait; 0: for ever.  Both
 * timeout and expiration are sent: a kernel that finds the same timeout as
 * before would leave the remaining time alone otherwise.
 */
void nft_elements_put(struct nft_elements *, const struct nft_set *,
    enum nft_elements_kind, const struct prefix *, uint64_t timeout_ms);
void nft_elements_end(struct nft_elements *);
/* Empties the set, in the transaction's order. */
void nft_elements_flush(struct nft_elements *, const struct nft_set *);

/*
 * The kernel's timeout for an entry: its remaining time and a tenth of it, at
 * least a minute, at most a day.  The engine releases on time; the kernel
 * only has to, should the engine be gone.
 */
uint64_t nft_elements_timeout(int64_t remaining_ms);

#endif
