/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_RESOLVER_H
#define TRAPLINE_ENGINE_RESOLVER_H

#include <stddef.h>

#include "engine/compat.h"

/* What the resolver's process is born with. */
struct resolver_start {
	char *const *names; /* in lower case */
	size_t nnames;
	const char *user;
	int engine_fd; /* where answers go; SOCK_SEQPACKET */
	int parent_fd; /* end of file: the parent is gone */
};

/*
 * Reads /etc/resolv.conf and /etc/hosts, gives up all privileges, enters the
 * sandbox, and asks name servers for the addresses of the names, each again
 * when its answer's time is over, until the parent is gone.
 */
void resolver_run(const struct resolver_start *) NO_RETURN;

#endif
