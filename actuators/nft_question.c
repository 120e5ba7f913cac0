/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * How the kernel's nf_tables is asked.  Every question has a socket of its
 * own, because a dump that is given up in the middle would go on answering
 * into the next question.  The bytes come from the kernel, but lengths are
 * checked all the same.
 */

#include "actuators/nft_question.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "actuators/nft_socket.h"

/* The kernel fills at most 32 kB at once. */
#define READ_WORDS 8192

void
nft_question_start(struct nft_question *q, uint16_t type, uint16_t flags)
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
take_datagram(const void *bytes, int len, nft_question_take *take, void *arg)
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
ask_on(int fd, struct nft_question *q, nft_question_take *take, void *arg)
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

int
nft_question_ask(struct nft_question *q, nft_question_take *take, void *arg)
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

static int
attribute_keep(const struct nlattr *a, void *arg)
{
	struct nft_attributes *out = arg;
	uint16_t type = mnl_attr_get_type(a);

	if (type < sizeof(out->at) / sizeof(out->at[0]))
		out->at[type] = a;
	return MNL_CB_OK;
}

struct nft_attributes
nft_attributes_of(const struct nlmsghdr *h)
{
	struct nft_attributes out = {{NULL}};

	if (h->nlmsg_len >= mnl_nlmsg_size(sizeof(struct nfgenmsg)))
		(void)mnl_attr_parse(h, sizeof(struct nfgenmsg), attribute_keep,
		    &out);
	return out;
}

struct nft_attributes
nft_attributes_in(const struct nlattr *nest)
{
	struct nft_attributes out = {{NULL}};

	(void)mnl_attr_parse_nested(nest, attribute_keep, &out);
	return out;
}

uint32_t
nft_attribute_u32(const struct nlattr *a)
{
	if (a == NULL || mnl_attr_get_payload_len(a) < sizeof(uint32_t))
		return 0;
	return ntohl(mnl_attr_get_u32(a));
}

uint64_t
nft_attribute_u64(const struct nlattr *a)
{
	uint32_t halves[2];

	if (a == NULL || mnl_attr_get_payload_len(a) < sizeof(halves))
		return 0;
	memcpy(halves, mnl_attr_get_payload(a), sizeof(halves));
	return (uint64_t)ntohl(halves[0]) << 32 | ntohl(halves[1]);
}
