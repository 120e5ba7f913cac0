/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_NFT_SOCKET_H
#define TRAPLINE_ACTUATORS_NFT_SOCKET_H

#include <stdint.h>

/*
 * A netfilter netlink socket that is bound and closes on exec; port gets its
 * port id.  Answers to failed messages do not repeat the message.  The
 * descriptor, or -1 with errno.
 */
int nft_socket_open(uint32_t *port);

#endif
