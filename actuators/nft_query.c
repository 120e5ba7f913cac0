/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Reads from the kernel's nf_tables: set names, a set's count, its elements.
 * Every question has a socket of its own, because a dump that is given up in
 * the middle would go on answering into the next question.  The bytes come
 * from the kernel, but lengths are checked all the same.
 */

#include "actuators/nft_query.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "actuators/nft_sets.h"
#include "actuators/nft_socket.h"
#include "actuators/nft_structure.h"
#include "engine/change.h"

/* Debian 12's header ends before this attribute of kernel 6.16. */
#define SET_COUNT 20
/* A dump that others' commits disturb is taken again this often. */
#define ATTEMPTS 5
/* The kernel fills at most 32 kB at once. */
#define READ_WORDS 8192

/* What every answer is handed to; not 0 gives the reading up. */
typedef int take_message(void *arg, const struct nlmsghdr *);

struct question {
	uint32_t words[512];
	struct nlmsghdr *header;
};

static void
question_start(struct question *q, uint16_t type, uint16_t flags)
{
	struct nfgenmsg *g;

	memset(q, 0, sizeof(*q));
	q->header = mnl_nlmsg_put_header(q->words);
	q->header->nlmsg_type = (NFNL_SUBSYS_NFTABLES << 8) | type;
	q->header->nlmsg_flags = NLM_F_REQUEST | flags;
	g = mnl_nlmsg_put_extra_header(q->header, sizeof(*g));
	g->nfgen_family = NFPROTO_INET;
	g->version = NFNETLINK_V0;
}

/*
 * Hands the messages of one datagram on.  1 at the end of the answer, 0 when
 * more is to come, -1 with errno.
 */
static int
take_datagram(const void *bytes, int len, take_message *take, void *arg)
{
	const struct nlmsghdr *h = bytes;
	const struct nlmsgerr *e;
	bool is_dump = false;

	for (; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
		is_dump = (h->nlmsg_flags & NLM_F_MULTI) != 0;
		if (h->nlmsg_flags & NLM_F_DUMP_INTR) {
			errno = EINTR;
			return -1;
		}
		if (h->nlmsg_type == NLMSG_DONE)
			return 1;
		if (h->nlmsg_type == NLMSG_ERROR) {
			e = mnl_nlmsg_get_payload(h);
			errno = -e->error;
			return e->error == 0 ? 1 : -1;
		}
		if (take(arg, h) != 0)
			return 1;
	}
	return is_dump ? 0 : 1;
}

static int
ask_on(int fd, struct question *q, take_message *take, void *arg)
{
	uint32_t words[READ_WORDS];
	int result = 0;

	if (send(fd, q->words, q->header->nlmsg_len, 0) == -1)
		return -1;
	while (result == 0) {
		ssize_t n = recv(fd, words, sizeof(words), 0);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		result = take_datagram(words, (int)n, take, arg);
	}
	return result == 1 ? 0 : -1;
}

/* Asks and reads the whole answer.  0, or -1 with errno. */
static int
ask(struct question *q, take_message *take, void *arg)
{
	uint32_t port;
	int fd = nft_socket_open(&port), result, error;

	if (fd == -1)
		return -1;
	result = ask_on(fd, q, take, arg);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

/* Remembers attributes of a level by their number, below most. */
struct attributes {
	const struct nlattr *at[32];
};

static int
attribute_keep(const struct nlattr *a, void *arg)
{
	struct attributes *out = arg;
	uint16_t type = mnl_attr_get_type(a);

	if (type < sizeof(out->at) / sizeof(out->at[0]))
		out->at[type] = a;
	return MNL_CB_OK;
}

static struct attributes
attributes_of(const struct nlmsghdr *h)
{
	struct attributes out = {{NULL}};

	if (h->nlmsg_len >= mnl_nlmsg_size(sizeof(struct nfgenmsg)))
		(void)mnl_attr_parse(h, sizeof(struct nfgenmsg), attribute_keep,
		    &out);
	return out;
}

static struct attributes
attributes_in(const struct nlattr *nest)
{
	struct attributes out = {{NULL}};

	(void)mnl_attr_parse_nested(nest, attribute_keep, &out);
	return out;
}

static uint32_t
attribute_u32(const struct nlattr *a)
{
	if (a == NULL || mnl_attr_get_payload_len(a) < sizeof(uint32_t))
		return 0;
	return ntohl(mnl_attr_get_u32(a));
}

static uint64_t
attribute_u64(const struct nlattr *a)
{
	uint32_t halves[2];

	if (a == NULL || mnl_attr_get_payload_len(a) < sizeof(halves))
		return 0;
	memcpy(halves, mnl_attr_get_payload(a), sizeof(halves));
	return (uint64_t)ntohl(halves[0]) << 32 | ntohl(halves[1]);
}

/* Set names. */

struct names {
	nft_query_name *take;
	void *arg;
};

static int
take_name(void *arg, const struct nlmsghdr *h)
{
	const struct names *names = arg;
	struct attributes a = attributes_of(h);

	if (a.at[NFTA_SET_NAME] != NULL &&
	    mnl_attr_validate(a.at[NFTA_SET_NAME], MNL_TYPE_NUL_STRING) == 0)
		names->take(names->arg, mnl_attr_get_str(a.at[NFTA_SET_NAME]));
	return 0;
}

int
nft_query_sets(nft_query_name *take, void *arg)
{
	struct names names = {.take = take, .arg = arg};
	struct question q;

	question_start(&q, NFT_MSG_GETSET, NLM_F_DUMP);
	mnl_attr_put_strz(q.header, NFTA_SET_TABLE, NFT_TABLE);
	return ask(&q, take_name, &names);
}

static int
take_generation(void *arg, const struct nlmsghdr *h)
{
	uint32_t *out = arg;
	struct attributes a = attributes_of(h);

	*out = attribute_u32(a.at[NFTA_GEN_ID]);
	return 0;
}

int
nft_query_generation(uint32_t *out)
{
	struct question q;

	question_start(&q, NFT_MSG_GETGEN, 0);
	return ask(&q, take_generation, out);
}

/* A set's count. */

struct counted {
	bool is_told;
	uint64_t count;
};

static int
take_count(void *arg, const struct nlmsghdr *h)
{
	struct counted *c = arg;
	struct attributes a = attributes_of(h);

	c->is_told = a.at[SET_COUNT] != NULL;
	c->count = attribute_u32(a.at[SET_COUNT]);
	return 0;
}

int
nft_query_count(const char *set, uint64_t *out)
{
	struct counted c = {.is_told = false};
	struct question q;

	question_start(&q, NFT_MSG_GETSET, 0);
	mnl_attr_put_strz(q.header, NFTA_SET_TABLE, NFT_TABLE);
	mnl_attr_put_strz(q.header, NFTA_SET_NAME, set);
	if (ask(&q, take_count, &c) == -1)
		return -1;
	if (!c.is_told) {
		errno = EOPNOTSUPP;
		return -1;
	}
	*out = c.count;
	return 0;
}

/* Elements. */

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
	struct attributes a = attributes_in(nest), key;
	size_t len = nft_set_key_len(set);
	const struct nlattr *value;

	if (a.at[NFTA_SET_ELEM_KEY] == NULL)
		return -1;
	key = attributes_in(a.at[NFTA_SET_ELEM_KEY]);
	value = key.at[NFTA_DATA_VALUE];
	if (value == NULL || mnl_attr_get_payload_len(value) != len)
		return -1;
	out->key = len == 4 ? addr_from_ipv4(mnl_attr_get_payload(value))
			    : addr_from_ipv6(mnl_attr_get_payload(value));
	out->is_end = (attribute_u32(a.at[NFTA_SET_ELEM_FLAGS]) &
			  NFT_SET_ELEM_INTERVAL_END) != 0;
	out->remaining_ms = CHANGE_FOREVER;
	if (a.at[NFTA_SET_ELEM_EXPIRATION] != NULL)
		out->remaining_ms =
		    (int64_t)attribute_u64(a.at[NFTA_SET_ELEM_EXPIRATION]);
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
	struct attributes a = attributes_of(h);

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
	struct question q;
	int attempt, result = -1;

	question_start(&q, NFT_MSG_GETSETELEM, NLM_F_DUMP);
	mnl_attr_put_strz(q.header, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	mnl_attr_put_strz(q.header, NFTA_SET_ELEM_LIST_SET, e->set->name);
	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		e->n = 0;
		result = ask(&q, take_elements, e);
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
nft_query_list(const struct nft_set *set, size_t most,
    struct nft_found_list *out)
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
nft_query_element(const struct nft_set *set, const struct addr *addr,
    int64_t *remaining_ms)
{
	struct elements e = {.set = set, .most = 1};
	struct nlattr *list, *element, *key;
	struct question q;
	int result;

	question_start(&q, NFT_MSG_GETSETELEM, 0);
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
	result = ask(&q, take_one, &e);
	if (result == 0 && e.n == 0) {
		errno = ENOENT;
		result = -1;
	}
	if (result == 0)
		*remaining_ms = e.list[0].remaining_ms;
	free(e.list);
	return result;
}
