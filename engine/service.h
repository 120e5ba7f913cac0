/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_SERVICE_H
#define TRAPLINE_ENGINE_SERVICE_H

#include <stddef.h>

#include "engine/compat.h"

struct policy_macro;

/* What the engine's process is born with. */
struct service_start {
	int parent_fd; /* SOCK_SEQPACKET */
	int listen_fd; /* control socket, listening */
	const char *state_dir;
	const char *user;
	const char *policy; /* path, for the operator's eyes */
	const struct policy_macro *macros;
	size_t nmacros;
};

/*
 * The engine's process: confines itself to the state directory, opens the
 * store, gives up all privileges, and serves until the parent is gone.
 */
void service_run(const struct service_start *) NO_RETURN;

#endif
