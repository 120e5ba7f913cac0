/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_BATCH_H
#define TRAPLINE_ACTUATORS_NFT_BATCH_H

#include <stddef.h>
#include <stdint.h>

/*
 * One transaction with the kernel's nf_tables (protocols/conntrack.md,
 * section 3.3), and the socket that it goes through.  All messages concern
 * the family inet.
 */
struct nft_batch;

/* Opens the socket.  NULL with errno. */
struct nft_batch *nft_batch_new(void);
void nft_batch_free(struct nft_batch *);
/* The port id that the kernel's notices about our own changes carry. */
uint32_t nft_batch_port(const struct nft_batch *);

/* Starts an empty transaction; what was not committed is forgotten. */
void nft_batch_begin(struct nft_batch *);
/*
 * Starts the next message: NFT_MSG_* and NLM_F_* beside NLM_F_REQUEST.  At
 * most NFT_MESSAGE_MAX bytes of attributes may follow.
 */
void nft_batch_message(struct nft_batch *, uint16_t type, uint16_t flags);
#define NFT_MESSAGE_MAX 65000
/* Bytes of attributes in the message so far. */
size_t nft_batch_used(const struct nft_batch *);
/* Messages in the transaction so far. */
size_t nft_batch_count(const struct nft_batch *);

/* Attributes of the message; integers are sent in network byte order. */
void nft_put_text(struct nft_batch *, uint16_t type, const char *);
void nft_put_u32(struct nft_batch *, uint16_t type, uint32_t);
void nft_put_u64(struct nft_batch *, uint16_t type, uint64_t);
void nft_put_bytes(struct nft_batch *, uint16_t type, const void *, size_t len);
/* Opens a nest; what it returns closes it. */
size_t nft_nest_begin(struct nft_batch *, uint16_t type);
void nft_nest_end(struct nft_batch *, size_t nest);

/*
 * Sends the transaction: all of it takes effect, or nothing does.  0, or -1
 * with the errno of the first message that was refused.
 */
int nft_batch_commit(struct nft_batch *);

#endif
