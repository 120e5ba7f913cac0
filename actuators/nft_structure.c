/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Table, chains, sets and rules of "table inet trapline".  The enforcing
 * chain stands at prerouting before connection tracking, so that it covers
 * what is forwarded to containers too and a dropped source costs no entry
 * there; established connections are cut as well.  The observing chain stands
 * behind connection tracking.  Everything is written with "create, but what
 * is there is no error", and the rules are replaced within the transaction,
 * so building twice leaves the same as building once.  No other table is ever
 * named here.
 */

#include "actuators/nft_structure.h"

#include <netinet/in.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "actuators/actuator.h"
#include "actuators/nft_batch.h"
#include "actuators/nft_query.h"
#include "actuators/nft_rule.h"
#include "actuators/nft_sets.h"
#include "engine/log.h"

#define PRIORITY_RAW    (-300)
#define PRIORITY_MANGLE (-150)
/* What nft calls the types of keys. */
#define TYPE_IPV4_ADDR 7
#define TYPE_IPV6_ADDR 8
/* Tells nft that keys are in network byte order, so that it can list them. */
static const uint8_t key_byte_order[] = {0, 4, 2, 0, 0, 0};

struct nft_groups
nft_groups_make(const struct actuator_conf *conf)
{
	struct nft_groups g = {.n = 0};
	size_t i, k;

	for (i = 0; i < conf->nsensors; i++) {
		const struct sensor_conf *s = &conf->sensors[i];

		if (s->text[0] == '\0' || s->type != SENSOR_NFLOG ||
		    !s->log_new)
			continue;
		for (k = 0; k < g.n && g.list[k] != s->group; k++)
			continue;
		if (k == g.n && g.n < SENSORS_MAX)
			g.list[g.n++] = s->group;
	}
	return g;
}

static void
write_table(struct nft_batch *b)
{
	nft_batch_message(b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	nft_put_text(b, NFTA_TABLE_NAME, NFT_TABLE);
	nft_put_u32(b, NFTA_TABLE_FLAGS, 0);
}

static void
write_chain(struct nft_batch *b, const char *name, int32_t priority)
{
	size_t hook;

	nft_batch_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nft_put_text(b, NFTA_CHAIN_TABLE, NFT_TABLE);
	nft_put_text(b, NFTA_CHAIN_NAME, name);
	hook = nft_nest_begin(b, NFTA_CHAIN_HOOK);
	nft_put_u32(b, NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
	nft_put_u32(b, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	nft_nest_end(b, hook);
	nft_put_u32(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
	nft_put_text(b, NFTA_CHAIN_TYPE, "filter");
	/* All rules of the chain; the transaction writes them anew. */
	nft_batch_message(b, NFT_MSG_DELRULE, 0);
	nft_put_text(b, NFTA_RULE_TABLE, NFT_TABLE);
	nft_put_text(b, NFTA_RULE_CHAIN, name);
}

static void
delete_named(struct nft_batch *b, uint16_t type, const char *name)
{
	nft_batch_message(b, type, 0);
	/* The first attribute is the table, the name's number is the type's. */
	nft_put_text(b, NFTA_CHAIN_TABLE, NFT_TABLE);
	if (type == NFT_MSG_DELCHAIN)
		nft_put_text(b, NFTA_CHAIN_NAME, name);
	else if (type == NFT_MSG_DELSET)
		nft_put_text(b, NFTA_SET_NAME, name);
}

/* The kernel counts both ends of an interval. */
static uint32_t
set_size(const struct nft_set *s)
{
	uint64_t size = s->is_interval ? 2 * s->most : s->most;

	return size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
}

static void
write_set(struct nft_batch *b, const struct nft_set *s)
{
	uint32_t flags = NFT_SET_TIMEOUT;
	size_t nest;

	if (s->is_interval)
		flags |= NFT_SET_INTERVAL;
	nft_batch_message(b, NFT_MSG_NEWSET, NLM_F_CREATE);
	nft_put_text(b, NFTA_SET_TABLE, NFT_TABLE);
	nft_put_text(b, NFTA_SET_NAME, s->name);
	nft_put_u32(b, NFTA_SET_FLAGS, flags);
	nft_put_u32(b, NFTA_SET_KEY_TYPE,
	    s->is_ipv4 ? TYPE_IPV4_ADDR : TYPE_IPV6_ADDR);
	nft_put_u32(b, NFTA_SET_KEY_LEN, (uint32_t)nft_set_key_len(s));
	nft_put_u32(b, NFTA_SET_ID, s->id);
	if (s->most > 0) {
		nest = nft_nest_begin(b, NFTA_SET_DESC);
		nft_put_u32(b, NFTA_SET_DESC_SIZE, set_size(s));
		nft_nest_end(b, nest);
	}
	nft_put_bytes(b, NFTA_SET_USERDATA, key_byte_order,
	    sizeof(key_byte_order));
}

/* The observing chain and a rule for each group. */
static void
write_observe(struct nft_batch *b, const struct nft_groups *groups)
{
	size_t i;

	write_chain(b, NFT_CHAIN_OBSERVE, PRIORITY_MANGLE);
	for (i = 0; i < groups->n; i++)
		nft_rule_log(b, NFT_CHAIN_OBSERVE, groups->list[i]);
}

static void
write_all(struct nft_batch *b, const struct nft_sets *sets,
    const struct nft_groups *groups)
{
	size_t i;

	write_table(b);
	write_chain(b, NFT_CHAIN_ENFORCE, PRIORITY_RAW);
	write_observe(b, groups);
	for (i = 0; i < sets->n; i++)
		write_set(b, &sets->list[i]);
	for (i = 0; i < sets->n; i++)
		nft_rule_drop(b, NFT_CHAIN_ENFORCE, &sets->list[i]);
	/* Its hook would track connections for nobody. */
	if (groups->n == 0)
		delete_named(b, NFT_MSG_DELCHAIN, NFT_CHAIN_OBSERVE);
}

/* Something else stands under our names: deletes the table, begins anew. */
static int
build_anew(struct nft_batch *b, const struct nft_sets *sets,
    const struct nft_groups *groups)
{
	nft_batch_begin(b);
	write_table(b);
	delete_named(b, NFT_MSG_DELTABLE, NULL);
	write_all(b, sets, groups);
	return nft_batch_commit(b) == -1 ? -1 : 1;
}

/* What the walk over the kernel's sets carries. */
struct stale {
	struct nft_batch *batch;
	struct nft_sets *sets;
};

static void
delete_if_stale(void *arg, const char *name)
{
	struct stale *s = arg;

	if (nft_sets_named(s->sets, name) == NULL)
		delete_named(s->batch, NFT_MSG_DELSET, name);
}

/* A set that a rule of somebody's uses cannot go; that is left as it is. */
static void
remove_stale(struct nft_batch *b, struct nft_sets *sets)
{
	struct stale s = {.batch = b, .sets = sets};

	nft_batch_begin(b);
	if (nft_query_sets(delete_if_stale, &s) == -1) {
		log_warn("firewall nft: cannot list the sets");
		return;
	}
	if (nft_batch_count(b) > 0 && nft_batch_commit(b) == -1)
		log_warn("firewall nft: cannot remove unused sets");
}

int
nft_structure_build(struct nft_batch *b, struct nft_sets *sets,
    const struct nft_groups *groups)
{
	int result = 0;

	/* The kernel wakes a dormant table only in a transaction of its own. */
	nft_batch_begin(b);
	write_table(b);
	(void)nft_batch_commit(b);
	nft_batch_begin(b);
	write_all(b, sets, groups);
	if (nft_batch_commit(b) == -1) {
		if (errno != EEXIST && errno != EOPNOTSUPP && errno != EBUSY &&
		    errno != EINVAL)
			return -1;
		log_warn("firewall nft: table inet " NFT_TABLE
			 " has another shape and is made anew");
		result = build_anew(b, sets, groups);
	}
	if (result == 0)
		remove_stale(b, sets);
	return result;
}

int
nft_structure_observe(struct nft_batch *b, const struct nft_groups *groups)
{
	if (groups->n == 0)
		return 0;
	nft_batch_begin(b);
	/* Without flags: a table that is there keeps its own. */
	nft_batch_message(b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	nft_put_text(b, NFTA_TABLE_NAME, NFT_TABLE);
	write_observe(b, groups);
	return nft_batch_commit(b);
}
