/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Packet sockets.  Promiscuous mode is set by our own hand: where libpcap has
 * set it, its statistics open files below /sys, which the sandbox forbids.
 * And an interface that is deleted goes down first, which is the only error
 * that the socket reports: if libpcap looks before the deletion is complete,
 * it takes the interface for one that may come up again.
 */

#include "sensors/device.h"

#include <net/if.h>
#include <sys/socket.h>

#include <linux/if_packet.h>

#include <stddef.h>

bool
device_sets_promiscuous(void)
{
	return true;
}

int
device_set_promiscuous(int fd, const char *ifname)
{
	struct packet_mreq wish = {.mr_type = PACKET_MR_PROMISC};

	wish.mr_ifindex = (int)if_nametoindex(ifname);
	if (wish.mr_ifindex == 0)
		return -1;
	return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &wish,
	    sizeof(wish));
}

bool
device_is_gone(int fd)
{
	struct sockaddr_ll here = {.sll_family = AF_PACKET};
	socklen_t len = sizeof(here);

	/* A socket of all interfaces has index 0, one of none has -1. */
	return getsockname(fd, (struct sockaddr *)&here, &len) == 0 &&
	       here.sll_family == AF_PACKET && here.sll_ifindex == -1;
}
