/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Small questions to the kernel's nf_tables: what sets our table has, how
 * many elements are in one, which rule set is in force.
 */

#include "actuators/nft_query.h"

#include <netinet/in.h>

#include <errno.h>
#include <stdbool.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "actuators/nft_question.h"
#include "actuators/nft_structure.h"

/* Debian 12's header ends before this attribute of kernel 6.16. */
#define SET_COUNT 20

struct names {
	nft_query_name *take;
	void *arg;
};

static int
take_name(void *arg, const struct nlmsghdr *h)
{
	const struct names *names = arg;
	struct nft_attributes a = nft_attributes_of(h);

	if (a.at[NFTA_SET_NAME] != NULL &&
	    mnl_attr_validate(a.at[NFTA_SET_NAME], MNL_TYPE_NUL_STRING) == 0)
		names->take(names->arg, mnl_attr_get_str(a.at[NFTA_SET_NAME]));
	return 0;
}

int
nft_query_sets(nft_query_name *take, void *arg)
{
	struct names names = {.take = take, .arg = arg};
	struct nft_question q;

	nft_question_start(&q, NFT_MSG_GETSET, NLM_F_DUMP);
	mnl_attr_put_strz(q.header, NFTA_SET_TABLE, NFT_TABLE);
	return nft_question_ask(&q, take_name, &names);
}

static int
take_generation(void *arg, const struct nlmsghdr *h)
{
	uint32_t *out = arg;
	struct nft_attributes a = nft_attributes_of(h);

	*out = nft_attribute_u32(a.at[NFTA_GEN_ID]);
	return 0;
}

int
nft_query_generation(uint32_t *out)
{
	struct nft_question q;

	nft_question_start(&q, NFT_MSG_GETGEN, 0);
	return nft_question_ask(&q, take_generation, out);
}

struct counted {
	bool is_told;
	uint64_t count;
};

static int
take_count(void *arg, const struct nlmsghdr *h)
{
	struct counted *c = arg;
	struct nft_attributes a = nft_attributes_of(h);

	c->is_told = a.at[SET_COUNT] != NULL;
	c->count = nft_attribute_u32(a.at[SET_COUNT]);
	return 0;
}

int
nft_query_count(const char *set, uint64_t *out)
{
	struct counted c = {.is_told = false};
	struct nft_question q;

	nft_question_start(&q, NFT_MSG_GETSET, 0);
	mnl_attr_put_strz(q.header, NFTA_SET_TABLE, NFT_TABLE);
	mnl_attr_put_strz(q.header, NFTA_SET_NAME, set);
	if (nft_question_ask(&q, take_count, &c) == -1)
		return -1;
	if (!c.is_told) {
		errno = EOPNOTSUPP;
		return -1;
	}
	*out = c.count;
	return 0;
}
