/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_QUESTION_H
#define TRAPLINE_ACTUATORS_NFT_QUESTION_H

#include <stdint.h>

struct nlattr;
struct nlmsghdr;

/* One request to nf_tables for information, about the family inet. */
struct nft_question {
	uint32_t words[512];
	struct nlmsghdr *header; /* in words; takes attributes by libmnl */
};

/* type: NFT_MSG_GET*.  flags: NLM_F_DUMP, or 0. */
void nft_question_start(struct nft_question *, uint16_t type, uint16_t flags);

/* What every answer is handed to; not 0 gives the reading up. */
typedef int nft_question_take(void *arg, const struct nlmsghdr *);

/*
 * Asks, on a socket of its own, and reads the whole answer.  0, or -1 with
 * errno: EINTR when a dump was disturbed by somebody's commit.
 */
int nft_question_ask(struct nft_question *, nft_question_take *, void *arg);

/* The attributes of one level by their number; NULL: it is not there. */
struct nft_attributes {
	const struct nlattr *at[32];
};

struct nft_attributes nft_attributes_of(const struct nlmsghdr *);
struct nft_attributes nft_attributes_in(const struct nlattr *nest);
/* The value in host byte order; 0 for NULL and for one that is too short. */
uint32_t nft_attribute_u32(const struct nlattr *);
uint64_t nft_attribute_u64(const struct nlattr *);

#endif
