/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_QUERY_H
#define TRAPLINE_ACTUATORS_NFT_QUERY_H

#include <stdint.h>

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

#endif
