/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* bpf(4): libpcap sets promiscuous mode and hears of a lost interface. */

#include "sensors/device.h"

bool
device_sets_promiscuous(void)
{
	return false;
}

int
device_set_promiscuous(int fd, const char *ifname)
{
	(void)fd;
	(void)ifname;
	return 0;
}

bool
device_is_gone(int fd)
{
	(void)fd;
	return false;
}
