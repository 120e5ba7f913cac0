/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The sandbox of OpenBSD, pledge(2).  No promise made here lets a path
 * through, so there is nothing for unveil(2) to narrow; the process is in its
 * chroot besides.
 */

#include "engine/sandbox.h"

#include <unistd.h>

#include "engine/log.h"

void
sandbox_enter(enum sandbox_profile profile)
{
	/* "bpf" is the capture's statistics, "flock" the store's lock, "unix"
	 * accept() of the control socket. */
	const char *promises = "stdio bpf";

	if (profile == SANDBOX_ENGINE)
		promises = "stdio flock unix";
	else if (profile == SANDBOX_RESOLVER)
		promises = "stdio inet";
	if (pledge(promises, NULL) == -1)
		fatal("sandbox: pledge \"%s\"", promises);
}
