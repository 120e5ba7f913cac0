/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_LIST_H
#define TRAPLINE_ACTUATORS_NFT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "engine/prefix.h"

struct nft_set;

/* One prefix in the kernel and how long it stays. */
struct nft_found {
	struct prefix prefix;
	int64_t remaining_ms; /* CHANGE_FOREVER: no timeout */
};

struct nft_found_list {
	struct nft_found *list;
	size_t n, room;
};

void nft_found_free(struct nft_found_list *);
/*
 * Appends what a set holds; ranges that are no single prefix are left out.
 * Reading a hash set is quadratic, so it ends when more than most were seen:
 * then 1 is returned and the list is of no use.  0; -1 with errno.
 */
int nft_list_set(const struct nft_set *, size_t most, struct nft_found_list *);

/*
 * The remaining time of one element of a hash set.  0, or -1 with errno:
 * ENOENT when there is none such.
 */
int nft_list_element(const struct nft_set *, const struct addr *,
    int64_t *remaining_ms);

#endif
