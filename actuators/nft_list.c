/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What the sets in the kernel hold.  A hash set's elements are prefixes of one
 * length; an interval set's are the starts and ends of ranges, which are
 * sorted and paired here.
 */

#include "actuators/nft_list.h"

#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "actuators/nft_question.h"
#include "actuators/nft_sets.h"
#include "actuators/nft_structure.h"
#include "engine/change.h"

/* A dump that others' commits disturb is taken again this often. */
#define ATTEMPTS 5

struct element {
	struct addr key; /* in the 128-bit form */
	int64_t remaining_ms;
	bool is_end;
};

struct elements {
	const struct nft_set *set;
	struct element *list;
	size_t n, room, most;
	bool is_over; /* more than most */
	int error;
};

static int
element_parse(const struct nft_set *set, const struct nlattr *nest,
    struct element *out)
{
	struct nft_attributes a = nft_attributes_in(nest), key;
	size_t len = nft_set_key_len(set);
	const struct nlattr *value;

	if (a.at[NFTA_SET_ELEM_KEY] == NULL)
		return -1;
	key = nft_attributes_in(a.at[NFTA_SET_ELEM_KEY]);
	value = key.at[NFTA_DATA_VALUE];
	if (value == NULL || mnl_attr_get_payload_len(value) != len)
		return -1;
	out->key = len == 4 ? addr_from_ipv4(mnl_attr_get_payload(value))
			    : addr_from_ipv6(mnl_attr_get_payload(value));
	out->is_end = (nft_attribute_u32(a.at[NFTA_SET_ELEM_FLAGS]) &
			  NFT_SET_ELEM_INTERVAL_END) != 0;
	out->remaining_ms = CHANGE_FOREVER;
	if (a.at[NFTA_SET_ELEM_EXPIRATION] != NULL)
		out->remaining_ms =
		    (int64_t)nft_attribute_u64(a.at[NFTA_SET_ELEM_EXPIRATION]);
	return 0;
}

static int
elements_append(struct elements *e, const struct element *element)
{
	struct element *bigger;
	size_t room = e->room == 0 ? 256 : e->room * 2;

	if (e->n == e->room) {
		bigger = reallocarray(e->list, room, sizeof(*bigger));
		if (bigger == NULL)
			return -1;
		e->list = bigger;
		e->room = room;
	}
	e->list[e->n++] = *element;
	return 0;
}

static int
element_take(const struct nlattr *nest, void *arg)
{
	struct elements *e = arg;
	struct element element;

	if (element_parse(e->set, nest, &element) == -1)
		return MNL_CB_OK;
	e->is_over = e->n >= e->most;
	if (e->is_over)
		return MNL_CB_STOP;
	if (elements_append(e, &element) == -1) {
		e->error = ENOMEM;
		return MNL_CB_STOP;
	}
	return MNL_CB_OK;
}

static int
take_elements(void *arg, const struct nlmsghdr *h)
{
	struct elements *e = arg;
	struct nft_attributes a = nft_attributes_of(h);

	if (a.at[NFTA_SET_ELEM_LIST_ELEMENTS] != NULL)
		(void)mnl_attr_parse_nested(a.at[NFTA_SET_ELEM_LIST_ELEMENTS],
		    element_take, e);
	return e->is_over || e->error != 0;
}

void
nft_found_free(struct nft_found_list *found)
{
	free(found->list);
	memset(found, 0, sizeof(*found));
}

static int
found_append(struct nft_found_list *found, const struct prefix *p,
    int64_t remaining_ms)
{
	struct nft_found *bigger;
	size_t room = found->room == 0 ? 64 : found->room * 2;

	if (found->n == found->room) {
		bigger = reallocarray(found->list, room, sizeof(*bigger));
		if (bigger == NULL)
			return -1;
		found->list = bigger;
		found->room = room;
	}
	found->list[found->n].prefix = *p;
	found->list[found->n++].remaining_ms = remaining_ms;
	return 0;
}

/* By key; the end of one range before the start of the next. */
static int
element_cmp(const void *a, const void *b)
{
	const struct element *x = a, *y = b;
	int order = addr_cmp(&x->key, &y->key);

	return order != 0 ? order : (int)y->is_end - (int)x->is_end;
}

/*
 * The prefix from start up to, not including, end (NULL: up to the last
 * address).  False when the range is no single prefix.
 */
static bool
range_prefix(const struct addr *start, const struct addr *end,
    unsigned int least, struct prefix *out)
{
	unsigned int len;

	for (len = least; len <= 128; len++) {
		struct addr last;
		size_t i;

		*out = prefix_make(start, len);
		if (!addr_equal(&out->addr, start))
			continue;
		last = prefix_last(out);
		/* One further, which wraps to zero behind the last address. */
		for (i = 16; i-- > least / 8 && ++last.bytes[i] == 0;)
			continue;
		if (end != NULL && addr_equal(&last, end))
			return true;
		if (end == NULL && i + 1 == least / 8)
			return true;
	}
	return false;
}

static int
hash_found(const struct elements *e, struct nft_found_list *out)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		struct prefix p = prefix_make(&e->list[i].key, e->set->len);

		if (found_append(out, &p, e->list[i].remaining_ms) == -1)
			return -1;
	}
	return 0;
}

static int
ranges_found(struct elements *e, struct nft_found_list *out)
{
	unsigned int least = e->set->is_ipv4 ? PREFIX_V4_BASE : 0;
	struct prefix p;
	size_t i;

	if (e->n > 0)
		qsort(e->list, e->n, sizeof(*e->list), element_cmp);
	for (i = 0; i < e->n; i++) {
		const struct addr *end = NULL;

		if (e->list[i].is_end)
			continue;
		if (i + 1 < e->n)
			end = &e->list[i + 1].key;
		if (!range_prefix(&e->list[i].key, end, least, &p))
			continue;
		if (found_append(out, &p, e->list[i].remaining_ms) == -1)
			return -1;
	}
	return 0;
}

static int
dump(struct elements *e)
{
	struct nft_question q;
	int attempt, result = -1;

	nft_question_start(&q, NFT_MSG_GETSETELEM, NLM_F_DUMP);
	mnl_attr_put_strz(q.header, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	mnl_attr_put_strz(q.header, NFTA_SET_ELEM_LIST_SET, e->set->name);
	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		e->n = 0;
		result = nft_question_ask(&q, take_elements, e);
		if (result == 0 || errno != EINTR)
			break;
	}
	if (result == 0 && e->error != 0) {
		errno = e->error;
		return -1;
	}
	return result;
}

int
nft_list_set(const struct nft_set *set, size_t most, struct nft_found_list *out)
{
	struct elements e = {.set = set, .most = most};
	int result;

	/* Both ends of an interval are elements. */
	if (set->is_interval && most < SIZE_MAX / 2)
		e.most = 2 * most + 1;
	result = dump(&e);
	if (result == 0 && e.is_over)
		result = 1;
	else if (result == 0)
		result = set->is_interval ? ranges_found(&e, out)
					  : hash_found(&e, out);
	free(e.list);
	return result;
}

static int
take_one(void *arg, const struct nlmsghdr *h)
{
	struct elements *e = arg;

	(void)take_elements(e, h);
	return 1;
}

int
nft_list_element(const struct nft_set *set, const struct addr *addr,
    int64_t *remaining_ms)
{
	struct elements e = {.set = set, .most = 1};
	struct nlattr *list, *element, *key;
	struct nft_question q;
	int result;

	nft_question_start(&q, NFT_MSG_GETSETELEM, 0);
	mnl_attr_put_strz(q.header, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	mnl_attr_put_strz(q.header, NFTA_SET_ELEM_LIST_SET, set->name);
	list = mnl_attr_nest_start(q.header, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = mnl_attr_nest_start(q.header, NFTA_LIST_ELEM);
	key = mnl_attr_nest_start(q.header, NFTA_SET_ELEM_KEY);
	mnl_attr_put(q.header, NFTA_DATA_VALUE, nft_set_key_len(set),
	    nft_set_key(set, addr));
	mnl_attr_nest_end(q.header, key);
	mnl_attr_nest_end(q.header, element);
	mnl_attr_nest_end(q.header, list);
	result = nft_question_ask(&q, take_one, &e);
	if (result == 0 && e.n == 0) {
		errno = ENOENT;
		result = -1;
	}
	if (result == 0)
		*remaining_ms = e.list[0].remaining_ms;
	free(e.list);
	return result;
}
