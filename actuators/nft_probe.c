/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Tries what the running kernel does, because its version number does not
 * tell: distributions carry changes back.  It works on a set that no rule
 * names, so no packet ever sees it.
 */

#include "actuators/nft_probe.h"

#include <errno.h>
#include <stdint.h>

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "actuators/nft_batch.h"
#include "actuators/nft_elements.h"
#include "actuators/nft_list.h"
#include "actuators/nft_sets.h"
#include "actuators/nft_structure.h"

#define HOUR_MS (3600 * UINT64_C(1000))

static const struct nft_set scratch = {
    .name = "probe",
    .is_ipv4 = true,
    .len = 128,
    .id = 1,
};

static void
write_scratch(struct nft_batch *b)
{
	nft_batch_message(b, NFT_MSG_NEWSET, NLM_F_CREATE);
	nft_put_text(b, NFTA_SET_TABLE, NFT_TABLE);
	nft_put_text(b, NFTA_SET_NAME, scratch.name);
	nft_put_u32(b, NFTA_SET_FLAGS, NFT_SET_TIMEOUT);
	nft_put_u32(b, NFTA_SET_KEY_LEN, 4);
	nft_put_u32(b, NFTA_SET_ID, scratch.id);
}

static int
delete_scratch(struct nft_batch *b)
{
	nft_batch_begin(b);
	nft_batch_message(b, NFT_MSG_DELSET, 0);
	nft_put_text(b, NFTA_SET_TABLE, NFT_TABLE);
	nft_put_text(b, NFTA_SET_NAME, scratch.name);
	return nft_batch_commit(b);
}

static int
put(struct nft_batch *b, enum nft_elements_kind kind, uint8_t host,
    uint64_t timeout_ms)
{
	const uint8_t bytes[4] = {192, 0, 2, host};
	struct addr a = addr_from_ipv4(bytes);
	struct prefix p = prefix_host(&a);
	struct nft_elements e = {.batch = b};

	nft_batch_begin(b);
	nft_elements_put(&e, &scratch, kind, &p, timeout_ms);
	nft_elements_end(&e);
	return nft_batch_commit(b);
}

static int
probe(struct nft_batch *b, struct nft_abilities *out)
{
	const uint8_t bytes[4] = {192, 0, 2, 1};
	struct addr a = addr_from_ipv4(bytes);
	int64_t remaining_ms;

	if (put(b, NFT_ELEMENTS_ADD, 1, HOUR_MS) == -1 ||
	    put(b, NFT_ELEMENTS_ADD, 1, 2 * HOUR_MS) == -1 ||
	    nft_list_element(&scratch, &a, &remaining_ms) == -1)
		return -1;
	out->extends = (uint64_t)remaining_ms > HOUR_MS;
	out->destroys = put(b, NFT_ELEMENTS_DESTROY, 2, 0) == 0;
	return 0;
}

int
nft_probe(struct nft_batch *b, struct nft_abilities *out)
{
	int result, error;

	nft_batch_begin(b);
	write_scratch(b);
	if (nft_batch_commit(b) == -1)
		return -1;
	result = probe(b, out);
	error = errno;
	if (delete_scratch(b) == -1 && result == 0)
		return -1;
	errno = error;
	return result;
}
