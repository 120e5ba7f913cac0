/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The kernel's notices about nf_tables.  A filter on the socket lets only
 * those through that another socket than our own caused, so that our own
 * hundred thousand additions never wake this process.  What remains is
 * looked at just far enough to tell whether it concerns our table.
 * Additions of elements by others are not damage and are left alone.
 */

#include "actuators/nft_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "actuators/nft_query.h"
#include "actuators/nft_socket.h"
#include "actuators/nft_structure.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

#define RECEIVE_BUFFER (4 << 20)
/* Datagrams read in one call; the descriptor stays readable behind them. */
#define READ_MOST 4096

struct nft_watch {
	int fd;              /* the notices */
	int nudge;           /* readable when there is to be a reading */
	int both;            /* readable when either is */
	uint32_t generation; /* of all tables, when listening was stopped */
};

static int
attach_filter(int fd, uint32_t own_port)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct nlmsghdr, nlmsg_pid)),
	    /* The filter loads in network order what stands in the host's. */
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(own_port), 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	    BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = {
	    .len = sizeof(code) / sizeof(code[0]),
	    .filter = code,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program));
}

static int
membership(const struct nft_watch *w, int option)
{
	int group = NFNLGRP_NFTABLES;

	return setsockopt(w->fd, SOL_NETLINK, option, &group, sizeof(group));
}

static int
wait_for(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int
start(struct nft_watch *w, uint32_t own_port)
{
	int size = RECEIVE_BUFFER;
	uint32_t port;

	w->fd = nft_socket_open(&port);
	w->nudge = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->both = epoll_create1(EPOLL_CLOEXEC);
	if (w->fd == -1 || w->nudge == -1 || w->both == -1)
		return -1;
	(void)setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
	    sizeof(size));
	if (attach_filter(w->fd, own_port) == -1 ||
	    membership(w, NETLINK_ADD_MEMBERSHIP) == -1)
		return -1;
	return wait_for(w->both, w->fd) == -1 ? -1
					      : wait_for(w->both, w->nudge);
}

struct nft_watch *
nft_watch_new(uint32_t own_port)
{
	struct nft_watch *w = calloc(1, sizeof(*w));
	int error;

	if (w == NULL)
		return NULL;
	w->fd = w->nudge = w->both = -1;
	if (start(w, own_port) == 0)
		return w;
	error = errno;
	nft_watch_free(w);
	errno = error;
	return NULL;
}

static void
close_one(int fd)
{
	if (fd != -1)
		close(fd);
}

void
nft_watch_free(struct nft_watch *w)
{
	if (w == NULL)
		return;
	close_one(w->both);
	close_one(w->nudge);
	close_one(w->fd);
	free(w);
}

int
nft_watch_fd(const struct nft_watch *w)
{
	return w->both;
}

void
nft_watch_nudge(struct nft_watch *w)
{
	(void)eventfd_write(w->nudge, 1);
}

int
nft_watch_pause(struct nft_watch *w)
{
	if (membership(w, NETLINK_DROP_MEMBERSHIP) == -1)
		return -1;
	/* Read when nothing is heard any more: what comes before is there. */
	if (nft_query_generation(&w->generation) == 0)
		return 0;
	(void)membership(w, NETLINK_ADD_MEMBERSHIP);
	return -1;
}

int
nft_watch_resume(struct nft_watch *w, uint32_t commits)
{
	uint32_t generation;

	if (membership(w, NETLINK_ADD_MEMBERSHIP) == -1 ||
	    nft_query_generation(&generation) == -1)
		return -1;
	return generation - w->generation != commits;
}

static bool
is_damaging(uint16_t type)
{
	switch (type) {
	case NFT_MSG_NEWTABLE: /* may have made it dormant */
	case NFT_MSG_DELTABLE:
	case NFT_MSG_NEWCHAIN: /* may have changed its policy */
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE:
	case NFT_MSG_NEWSET:
	case NFT_MSG_DELSET:
	case NFT_MSG_DELSETELEM:
		return true;
	default:
		return false;
	}
}

/* The table's name has the same number in all these messages. */
static int
compare_name(const struct nlattr *a, void *arg)
{
	bool *is_ours = arg;

	if (mnl_attr_get_type(a) != NFTA_TABLE_NAME)
		return MNL_CB_OK;
	*is_ours =
	    mnl_attr_get_payload_len(a) == sizeof(NFT_TABLE) &&
	    memcmp(mnl_attr_get_payload(a), NFT_TABLE, sizeof(NFT_TABLE)) == 0;
	return MNL_CB_STOP;
}

static bool
names_our_table(const struct nlmsghdr *h)
{
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(h);
	bool is_ours = false;

	if (h->nlmsg_len < mnl_nlmsg_size(sizeof(*g)) ||
	    g->nfgen_family != NFPROTO_INET)
		return false;
	(void)mnl_attr_parse(h, sizeof(*g), compare_name, &is_ours);
	return is_ours;
}

static bool
has_damage(const void *bytes, int len)
{
	const struct nlmsghdr *h = bytes;

	for (; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
		if (h->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES &&
		    is_damaging(h->nlmsg_type & 0xff) && names_our_table(h))
			return true;
	}
	return false;
}

int
nft_watch_read(struct nft_watch *w)
{
	uint32_t words[8192];
	bool is_damaged = false;
	eventfd_t count;
	size_t i;

	(void)eventfd_read(w->nudge, &count);
	for (i = 0; i < READ_MOST; i++) {
		ssize_t n = recv(w->fd, words, sizeof(words), MSG_DONTWAIT);

		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n == -1 && errno == EINTR)
			continue;
		/* Lost notices may have been about anything. */
		if (n == -1 && errno == ENOBUFS)
			is_damaged = true;
		else if (n == -1)
			return -1;
		else if (!is_damaged)
			is_damaged = has_damage(words, (int)n);
	}
	return is_damaged;
}
