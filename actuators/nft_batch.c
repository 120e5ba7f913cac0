/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Builds a transaction in one growing buffer, sends it with one sendmsg() and
 * collects what the kernel says.  Everything that this project tells
 * nf_tables leaves through nft_batch_commit().  The kernel answers within the
 * call: what is not there when sendmsg() returns will not come, and silence
 * means that the transaction took effect.  When memory for the buffer is out,
 * the transaction is marked and its commit fails; nothing is sent in part.
 */

#include "actuators/nft_batch.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "actuators/nft_socket.h"

#define SEND_BUFFER (64 << 20)
/* The kernel's number for "somebody else committed, do it again". */
#define KERNEL_ERESTART 85

struct nft_batch {
	int fd;
	uint32_t port;
	uint32_t seq;
	uint32_t first_seq; /* of this transaction */
	char *bytes;
	size_t used, room;
	size_t message; /* where the message in work starts */
	size_t count;
	bool is_failed; /* memory was out */
};

struct nft_batch *
nft_batch_new(void)
{
	struct nft_batch *b = calloc(1, sizeof(*b));
	int size = SEND_BUFFER;

	if (b == NULL)
		return NULL;
	b->fd = nft_socket_open(&b->port);
	if (b->fd == -1) {
		free(b);
		return NULL;
	}
	/* Without it a transaction of 7,600 elements is refused. */
	(void)setsockopt(b->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size,
	    sizeof(size));
	return b;
}

void
nft_batch_free(struct nft_batch *b)
{
	if (b == NULL)
		return;
	close(b->fd);
	free(b->bytes);
	free(b);
}

uint32_t
nft_batch_port(const struct nft_batch *b)
{
	return b->port;
}

size_t
nft_batch_count(const struct nft_batch *b)
{
	return b->count;
}

/* Room for one message of any size that is allowed, and for the end. */
static void
reserve(struct nft_batch *b)
{
	size_t want = b->used + NFT_MESSAGE_MAX + 1024, room = b->room;
	char *bigger;

	if (want <= b->room || b->is_failed)
		return;
	while (room < want)
		room = room == 0 ? 128 * 1024 : room * 2;
	bigger = realloc(b->bytes, room);
	if (bigger == NULL) {
		b->is_failed = true;
		return;
	}
	b->bytes = bigger;
	b->room = room;
}

static struct nlmsghdr *
header(const struct nft_batch *b)
{
	return (struct nlmsghdr *)(void *)(b->bytes + b->message);
}

/* Moves past the message in work. */
static void
finish(struct nft_batch *b)
{
	if (b->is_failed || b->message == b->used)
		return;
	b->used = b->message + MNL_ALIGN(header(b)->nlmsg_len);
	b->message = b->used;
}

static void
start(struct nft_batch *b, uint16_t type, uint16_t flags, uint8_t family,
    uint16_t resource)
{
	struct nlmsghdr *h;
	struct nfgenmsg *g;

	finish(b);
	reserve(b);
	if (b->is_failed)
		return;
	b->message = b->used;
	h = mnl_nlmsg_put_header(b->bytes + b->used);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = b->seq++;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(resource);
	b->used += h->nlmsg_len;
}

void
nft_batch_begin(struct nft_batch *b)
{
	b->used = b->message = 0;
	b->count = 0;
	b->is_failed = false;
	b->first_seq = b->seq;
	start(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
}

void
nft_batch_message(struct nft_batch *b, uint16_t type, uint16_t flags)
{
	start(b, (NFNL_SUBSYS_NFTABLES << 8) | type, flags, NFPROTO_INET, 0);
	b->count++;
}

size_t
nft_batch_used(const struct nft_batch *b)
{
	return b->is_failed ? 0 : header(b)->nlmsg_len;
}

void
nft_put_text(struct nft_batch *b, uint16_t type, const char *text)
{
	if (!b->is_failed)
		mnl_attr_put_strz(header(b), type, text);
}

void
nft_put_u32(struct nft_batch *b, uint16_t type, uint32_t value)
{
	if (!b->is_failed)
		mnl_attr_put_u32(header(b), type, htonl(value));
}

void
nft_put_u64(struct nft_batch *b, uint16_t type, uint64_t value)
{
	uint32_t halves[2];

	halves[0] = htonl((uint32_t)(value >> 32));
	halves[1] = htonl((uint32_t)value);
	nft_put_bytes(b, type, halves, sizeof(halves));
}

void
nft_put_bytes(struct nft_batch *b, uint16_t type, const void *bytes, size_t len)
{
	if (!b->is_failed)
		mnl_attr_put(header(b), type, len, bytes);
}

size_t
nft_nest_begin(struct nft_batch *b, uint16_t type)
{
	if (b->is_failed)
		return 0;
	return (
	    size_t)((char *)mnl_attr_nest_start(header(b), type) - b->bytes);
}

void
nft_nest_end(struct nft_batch *b, size_t nest)
{
	if (!b->is_failed)
		mnl_attr_nest_end(header(b),
		    (struct nlattr *)(void *)(b->bytes + nest));
}

/* The errno in one answer to this transaction; 0 if there is none. */
static int
answer_error(const struct nft_batch *b, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e;

	if (h->nlmsg_type != NLMSG_ERROR ||
	    h->nlmsg_len < mnl_nlmsg_size(sizeof(*e)))
		return 0;
	/* An answer to an earlier transaction is not ours to judge. */
	if (h->nlmsg_seq - b->first_seq >= b->seq - b->first_seq)
		return 0;
	e = mnl_nlmsg_get_payload(h);
	return -e->error;
}

/* Reads all answers.  0, or the errno of the first refused message. */
static int
collect(struct nft_batch *b)
{
	uint32_t words[4096];
	int error = 0;

	for (;;) {
		ssize_t n = recv(b->fd, words, sizeof(words), MSG_DONTWAIT);
		int left = (int)n;
		const struct nlmsghdr *h = (const void *)words;

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return error;
		if (n <= 0)
			return error != 0 ? error : (n == 0 ? EIO : errno);
		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			if (error == 0)
				error = answer_error(b, h);
		}
	}
}

static int
attempt(struct nft_batch *b)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (sendto(b->fd, b->bytes, b->used, 0, (struct sockaddr *)&kernel,
		sizeof(kernel)) == -1)
		return errno;
	return collect(b);
}

int
nft_batch_commit(struct nft_batch *b)
{
	int error;

	start(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	finish(b);
	if (b->is_failed) {
		errno = ENOMEM;
		return -1;
	}
	error = attempt(b);
	if (error == EINTR || error == KERNEL_ERESTART)
		error = attempt(b);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
