/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The netlink sockets of the nft firewall.  Transactions, queries and notices
 * each have one of their own, so that answers never mix.
 */

#include "actuators/nft_socket.h"

#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

#include <linux/netlink.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

int
nft_socket_open(uint32_t *port)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	socklen_t len = sizeof(self);
	int on = 1, error, size = 1 << 20;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd == -1)
		return -1;
	if (bind(fd, (struct sockaddr *)&self, sizeof(self)) == -1 ||
	    getsockname(fd, (struct sockaddr *)&self, &len) == -1)
		goto fail;
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	*port = self.nl_pid;
	return fd;

fail:
	error = errno;
	close(fd);
	errno = error;
	return -1;
}
