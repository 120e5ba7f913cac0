/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The two kinds of rule in the table of ours, written as the kernel's
 * expressions.  Each expression reads or writes register 1 and ends the rule
 * when it does not match, as "nft --debug=netlink" shows for the same text.
 */

#include "actuators/nft_rule.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdbool.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "actuators/nft_batch.h"
#include "actuators/nft_sets.h"
#include "actuators/nft_structure.h"

/* Where the source address stands in the two network headers. */
#define IPV4_SOURCE 12
#define IPV6_SOURCE 8

/* An expression in work: two nests to close. */
struct expression {
	size_t element, data;
};

static struct expression
expression_begin(struct nft_batch *b, const char *name)
{
	struct expression e;

	e.element = nft_nest_begin(b, NFTA_LIST_ELEM);
	nft_put_text(b, NFTA_EXPR_NAME, name);
	e.data = nft_nest_begin(b, NFTA_EXPR_DATA);
	return e;
}

static void
expression_end(struct nft_batch *b, struct expression e)
{
	nft_nest_end(b, e.data);
	nft_nest_end(b, e.element);
}

static void
put_value(struct nft_batch *b, uint16_t type, const void *bytes, size_t len)
{
	size_t nest = nft_nest_begin(b, type);

	nft_put_bytes(b, NFTA_DATA_VALUE, bytes, len);
	nft_nest_end(b, nest);
}

static void
load_meta(struct nft_batch *b, uint32_t key)
{
	struct expression e = expression_begin(b, "meta");

	nft_put_u32(b, NFTA_META_DREG, NFT_REG_1);
	nft_put_u32(b, NFTA_META_KEY, key);
	expression_end(b, e);
}

static void
load_conntrack_state(struct nft_batch *b)
{
	struct expression e = expression_begin(b, "ct");

	nft_put_u32(b, NFTA_CT_DREG, NFT_REG_1);
	nft_put_u32(b, NFTA_CT_KEY, NFT_CT_STATE);
	expression_end(b, e);
}

static void
load_source(struct nft_batch *b, bool is_ipv4)
{
	struct expression e = expression_begin(b, "payload");

	nft_put_u32(b, NFTA_PAYLOAD_DREG, NFT_REG_1);
	nft_put_u32(b, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nft_put_u32(b, NFTA_PAYLOAD_OFFSET,
	    is_ipv4 ? IPV4_SOURCE : IPV6_SOURCE);
	nft_put_u32(b, NFTA_PAYLOAD_LEN, is_ipv4 ? 4 : 16);
	expression_end(b, e);
}

static void
compare(struct nft_batch *b, uint32_t op, const void *bytes, size_t len)
{
	struct expression e = expression_begin(b, "cmp");

	nft_put_u32(b, NFTA_CMP_SREG, NFT_REG_1);
	nft_put_u32(b, NFTA_CMP_OP, op);
	put_value(b, NFTA_CMP_DATA, bytes, len);
	expression_end(b, e);
}

static void
mask(struct nft_batch *b, const void *bytes, size_t len)
{
	static const uint8_t zero[16];
	struct expression e = expression_begin(b, "bitwise");

	nft_put_u32(b, NFTA_BITWISE_SREG, NFT_REG_1);
	nft_put_u32(b, NFTA_BITWISE_DREG, NFT_REG_1);
	nft_put_u32(b, NFTA_BITWISE_LEN, (uint32_t)len);
	put_value(b, NFTA_BITWISE_MASK, bytes, len);
	put_value(b, NFTA_BITWISE_XOR, zero, len);
	expression_end(b, e);
}

static void
lookup(struct nft_batch *b, const struct nft_set *set)
{
	struct expression e = expression_begin(b, "lookup");

	nft_put_text(b, NFTA_LOOKUP_SET, set->name);
	nft_put_u32(b, NFTA_LOOKUP_SREG, NFT_REG_1);
	nft_put_u32(b, NFTA_LOOKUP_SET_ID, set->id);
	expression_end(b, e);
}

static void
count_and_drop(struct nft_batch *b)
{
	struct expression e = expression_begin(b, "counter");
	size_t data, verdict;

	expression_end(b, e);
	e = expression_begin(b, "immediate");
	nft_put_u32(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nft_nest_begin(b, NFTA_IMMEDIATE_DATA);
	verdict = nft_nest_begin(b, NFTA_DATA_VERDICT);
	nft_put_u32(b, NFTA_VERDICT_CODE, NF_DROP);
	nft_nest_end(b, verdict);
	nft_nest_end(b, data);
	expression_end(b, e);
}

static size_t
rule_begin(struct nft_batch *b, const char *chain)
{
	nft_batch_message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nft_put_text(b, NFTA_RULE_TABLE, NFT_TABLE);
	nft_put_text(b, NFTA_RULE_CHAIN, chain);
	return nft_nest_begin(b, NFTA_RULE_EXPRESSIONS);
}

/* The network mask of a set's keys, and whether it takes away anything. */
static bool
set_mask(const struct nft_set *set, uint8_t *out)
{
	struct addr ones;
	struct prefix p;

	if (set->is_interval || set->len == 128)
		return false;
	memset(ones.bytes, 0xff, sizeof(ones.bytes));
	p = prefix_make(&ones, set->len);
	memcpy(out, p.addr.bytes + 16 - nft_set_key_len(set),
	    nft_set_key_len(set));
	return true;
}

void
nft_rule_drop(struct nft_batch *b, const char *chain, const struct nft_set *set)
{
	uint8_t family = set->is_ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	uint8_t bytes[16];
	size_t rule = rule_begin(b, chain);

	load_meta(b, NFT_META_NFPROTO);
	compare(b, NFT_CMP_EQ, &family, sizeof(family));
	load_source(b, set->is_ipv4);
	if (set_mask(set, bytes))
		mask(b, bytes, nft_set_key_len(set));
	lookup(b, set);
	count_and_drop(b);
	nft_nest_end(b, rule);
}

static void
log_to_group(struct nft_batch *b, uint16_t group)
{
	struct expression e = expression_begin(b, "log");
	uint16_t threshold = htons(1), wire_group = htons(group);

	nft_put_bytes(b, NFTA_LOG_GROUP, &wire_group, sizeof(wire_group));
	nft_put_u32(b, NFTA_LOG_SNAPLEN, 128);
	nft_put_bytes(b, NFTA_LOG_QTHRESHOLD, &threshold, sizeof(threshold));
	expression_end(b, e);
}

void
nft_rule_log(struct nft_batch *b, const char *chain, uint16_t group)
{
	static const char loopback[16] = "lo";
	/* In the machine's byte order, as the kernel keeps it in registers. */
	const uint32_t is_new = NF_CT_STATE_BIT(IP_CT_NEW), none = 0;
	size_t rule = rule_begin(b, chain);

	load_meta(b, NFT_META_IIFNAME);
	compare(b, NFT_CMP_NEQ, loopback, sizeof(loopback));
	load_conntrack_state(b);
	mask(b, &is_new, sizeof(is_new));
	compare(b, NFT_CMP_NEQ, &none, sizeof(none));
	log_to_group(b, group);
	nft_nest_end(b, rule);
}
