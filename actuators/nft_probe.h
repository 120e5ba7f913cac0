/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_PROBE_H
#define TRAPLINE_ACTUATORS_NFT_PROBE_H

#include <stdbool.h>

struct nft_batch;

/* What this kernel can do. */
struct nft_abilities {
	bool extends;  /* adding again updates the timeout in place (6.12) */
	bool destroys; /* removing what is absent is no error (6.3) */
};

/*
 * Finds out by trying, on a set of its own in our table, which it removes.
 * 0, or -1 with errno.
 */
int nft_probe(struct nft_batch *, struct nft_abilities *out);

#endif
