/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_WATCH_H
#define TRAPLINE_ACTUATORS_NFT_WATCH_H

#include <stdint.h>

/* Listens for what others do to our table. */
struct nft_watch;

/*
 * own_port: the port id of the socket whose changes are not to be told.
 * NULL with errno.
 */
struct nft_watch *nft_watch_new(uint32_t own_port);
void nft_watch_free(struct nft_watch *);
/* Readable when somebody changed any table. */
int nft_watch_fd(const struct nft_watch *);
/*
 * Reads what is there without blocking.  1 when somebody took away or
 * replaced something of ours, or notices were lost; 0 when nobody did; -1
 * with errno.
 */
int nft_watch_read(struct nft_watch *);

#endif
