/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_QUERY_H
#define TRAPLINE_ACTUATORS_NFT_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/prefix.h"

struct nft_set;

/* Questions to the kernel about our table, each on a socket of its own. */

typedef void nft_query_name(void *arg, const char *set);

/* Names all sets of the table, none if there is no table.  0, or -1 (errno). */
int nft_query_sets(nft_query_name *, void *arg);

/*
 * The kernel's number of the present rule set, of all tables: each commit of
 * anybody's makes it one more.  0, or -1 with errno.
 */
int nft_query_generation(uint32_t *out);

/*
 * How many elements a set holds, by its own count, without listing it.  -1
 * with errno; EOPNOTSUPP where the kernel (before 6.16) does not tell.
 */
int nft_query_count(const char *set, uint64_t *out);

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
int nft_query_list(const struct nft_set *, size_t most,
    struct nft_found_list *);

/*
 * The remaining time of one element of a hash set.  0, or -1 with errno:
 * ENOENT when there is none such.
 */
int nft_query_element(const struct nft_set *, const struct addr *,
    int64_t *remaining_ms);

#endif
