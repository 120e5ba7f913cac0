/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Elements on the wire (protocols/conntrack.md, section 3.3).  A message's
 * list is a nest whose length has 16 bits, so a long run of elements becomes
 * several messages of one transaction.
 */

#include "actuators/nft_elements.h"

#include <netinet/in.h>

#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "actuators/nft_batch.h"
#include "actuators/nft_sets.h"
#include "actuators/nft_structure.h"
#include "engine/change.h"

/* Debian 12's header ends before this message of kernel 6.3. */
#define MSG_DESTROYSETELEM 30
/* An element takes less than this, so a list started below it stays legal. */
#define LIST_FULL 64000

#define MINUTE_MS  (60 * INT64_C(1000))
#define DAY_MS     (24 * 60 * MINUTE_MS)
#define LONGEST_MS (20000 * DAY_MS)

uint64_t
nft_elements_timeout(int64_t remaining_ms)
{
	int64_t slack_ms;

	if (remaining_ms == CHANGE_FOREVER)
		return 0;
	if (remaining_ms < 0)
		remaining_ms = 0;
	if (remaining_ms > LONGEST_MS)
		remaining_ms = LONGEST_MS;
	slack_ms = remaining_ms / 10;
	if (slack_ms < MINUTE_MS)
		slack_ms = MINUTE_MS;
	if (slack_ms > DAY_MS)
		slack_ms = DAY_MS;
	return (uint64_t)(remaining_ms + slack_ms);
}

static void
open_message(struct nft_elements *e, const struct nft_set *set,
    enum nft_elements_kind k)
{
	static const uint16_t types[] = {NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM,
	    MSG_DESTROYSETELEM};

	nft_batch_message(e->batch, types[k],
	    k == NFT_ELEMENTS_ADD ? NLM_F_CREATE : 0);
	nft_put_text(e->batch, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	nft_put_text(e->batch, NFTA_SET_ELEM_LIST_SET, set->name);
	e->set = set;
	e->kind = k;
}

void
nft_elements_end(struct nft_elements *e)
{
	if (!e->is_open)
		return;
	nft_nest_end(e->batch, e->nest);
	e->is_open = false;
}

void
nft_elements_flush(struct nft_elements *e, const struct nft_set *set)
{
	nft_elements_end(e);
	open_message(e, set, NFT_ELEMENTS_DELETE);
}

static void
put_one(struct nft_elements *e, const struct addr *addr, uint32_t flags,
    const uint64_t *timeout_ms)
{
	size_t element = nft_nest_begin(e->batch, NFTA_LIST_ELEM);
	size_t key = nft_nest_begin(e->batch, NFTA_SET_ELEM_KEY);

	nft_put_bytes(e->batch, NFTA_DATA_VALUE, nft_set_key(e->set, addr),
	    nft_set_key_len(e->set));
	nft_nest_end(e->batch, key);
	if (flags != 0)
		nft_put_u32(e->batch, NFTA_SET_ELEM_FLAGS, flags);
	if (timeout_ms != NULL)
		nft_put_u64(e->batch, NFTA_SET_ELEM_TIMEOUT, *timeout_ms);
	if (timeout_ms != NULL && *timeout_ms != 0)
		nft_put_u64(e->batch, NFTA_SET_ELEM_EXPIRATION, *timeout_ms);
	nft_nest_end(e->batch, element);
}

/* The address behind the prefix.  False when the prefix ends the space. */
static bool
address_behind(const struct nft_set *set, const struct prefix *p,
    struct addr *out)
{
	size_t i = 16, least = 16 - nft_set_key_len(set);

	*out = prefix_last(p);
	while (i-- > least) {
		if (++out->bytes[i] != 0)
			return true;
	}
	return false;
}

void
nft_elements_put(struct nft_elements *e, const struct nft_set *set,
    enum nft_elements_kind kind, const struct prefix *p, uint64_t timeout_ms)
{
	bool is_add = kind == NFT_ELEMENTS_ADD;
	struct addr end;

	if (e->is_open && (e->set != set || e->kind != kind ||
			      nft_batch_used(e->batch) > LIST_FULL))
		nft_elements_end(e);
	if (!e->is_open) {
		open_message(e, set, kind);
		e->nest = nft_nest_begin(e->batch, NFTA_SET_ELEM_LIST_ELEMENTS);
		e->is_open = true;
	}
	put_one(e, &p->addr, 0, is_add ? &timeout_ms : NULL);
	/* An interval's end stays as long as its start; it takes no time. */
	if (set->is_interval && address_behind(set, p, &end))
		put_one(e, &end, NFT_SET_ELEM_INTERVAL_END, NULL);
}
