/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Interface names by rtnetlink.  NFLOG names interfaces by number; a policy
 * names them by name.  The socket is opened and everything is read once,
 * before the sandbox; later only notices are received.  The table has a fixed
 * size: of the interfaces beyond it the name stays unknown, which matches any
 * "on" of a policy.
 */

#include "sensors/links.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "engine/compat.h"
#include "engine/observation.h"

#define LINKS_MAX  4096
#define READ_WORDS 8192

struct links {
	int fd;
	size_t n;
	struct {
		uint32_t index;
		char name[OBS_NAME_LEN];
	} list[LINKS_MAX];
};

static size_t
position(const struct links *l, uint32_t index)
{
	size_t i;

	for (i = 0; i < l->n && l->list[i].index != index; i++)
		continue;
	return i;
}

static int
take_name(const struct nlattr *a, void *arg)
{
	const char **name = arg;

	if (mnl_attr_get_type(a) == IFLA_IFNAME &&
	    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
		*name = mnl_attr_get_str(a);
	return MNL_CB_OK;
}

static void
take_link(struct links *l, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(h);
	const char *name = NULL;
	size_t at;

	if (h->nlmsg_len < mnl_nlmsg_size(sizeof(*info)))
		return;
	at = position(l, (uint32_t)info->ifi_index);
	if (h->nlmsg_type == RTM_DELLINK) {
		if (at < l->n)
			l->list[at] = l->list[--l->n];
		return;
	}
	(void)mnl_attr_parse(h, sizeof(*info), take_name, &name);
	if (name == NULL || at == LINKS_MAX)
		return;
	l->n += at == l->n;
	l->list[at].index = (uint32_t)info->ifi_index;
	strlcpy(l->list[at].name, name, sizeof(l->list[at].name));
}

/* One datagram.  1 at the end of a dump; 0; -1 with errno. */
static int
receive(struct links *l, int flags)
{
	uint32_t words[READ_WORDS];
	const struct nlmsghdr *h = (const void *)words;
	ssize_t n = recv(l->fd, words, sizeof(words), flags);
	int left = (int)n;

	if (n == -1)
		return errno == EINTR || errno == ENOBUFS ? 0 : -1;
	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		if (h->nlmsg_type == RTM_NEWLINK ||
		    h->nlmsg_type == RTM_DELLINK)
			take_link(l, h);
		else if (h->nlmsg_type == NLMSG_DONE)
			return 1;
	}
	return 0;
}

static int
read_all(struct links *l)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK,
	    .nl_groups = RTMGRP_LINK};
	uint32_t words[64] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(words);
	int done;

	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	if (bind(l->fd, (struct sockaddr *)&self, sizeof(self)) == -1 ||
	    send(l->fd, words, h->nlmsg_len, 0) == -1)
		return -1;
	do {
		done = receive(l, 0);
	} while (done == 0);
	return done == 1 ? 0 : -1;
}

struct links *
links_new(void)
{
	struct links *l = calloc(1, sizeof(*l));
	int error;

	if (l == NULL)
		return NULL;
	l->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (l->fd != -1 && read_all(l) == 0)
		return l;
	error = errno;
	links_free(l);
	errno = error;
	return NULL;
}

void
links_free(struct links *l)
{
	if (l == NULL)
		return;
	if (l->fd != -1)
		close(l->fd);
	free(l);
}

void
links_update(struct links *l)
{
	while (receive(l, MSG_DONTWAIT) != -1)
		continue;
}

const char *
links_name(const struct links *l, uint32_t index)
{
	size_t at = index == 0 ? l->n : position(l, index);

	return at < l->n ? l->list[at].name : "";
}
