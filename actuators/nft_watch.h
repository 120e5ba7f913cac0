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
/* Readable when somebody changed any table, or after nft_watch_nudge(). */
int nft_watch_fd(const struct nft_watch *);
/* Makes the descriptor readable until the next read. */
void nft_watch_nudge(struct nft_watch *);
/*
 * Stops listening, and starts again.  While anybody listens the kernel writes
 * a notice for each element of a transaction, which more than doubles what a
 * bulk load costs.  commits: our own transactions in between that took
 * effect.  nft_watch_resume() returns 0; 1 when others committed something
 * meanwhile, nobody knows what; -1 with errno.
 */
int nft_watch_pause(struct nft_watch *);
int nft_watch_resume(struct nft_watch *, uint32_t commits);
/*
 * Reads what is there without blocking.  1 when somebody took away or
 * replaced something of ours, or notices were lost; 0 when nobody did; -1
 * with errno.
 */
int nft_watch_read(struct nft_watch *);

#endif
