/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_DEVICE_H
#define TRAPLINE_SENSORS_DEVICE_H

#include <stdbool.h>

/* The interface under a live capture, where libpcap cannot be left alone. */

/* Is promiscuous mode ours to set, once the capture is open? */
bool device_sets_promiscuous(void);
/*
 * Lets an open capture see what its interface hears for others, for as long
 * as it is open.  0, or -1 with errno.
 */
int device_set_promiscuous(int fd, const char *ifname);
/* Has the interface been taken away?  libpcap may have missed it. */
bool device_is_gone(int fd);

#endif
