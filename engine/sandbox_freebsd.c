/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The sandbox of FreeBSD, capability mode (capsicum(4)): no path, no address
 * and no other process can be named any more.  What is open keeps its rights,
 * which is all that a sensor and the engine work with.
 */

#include "engine/sandbox.h"

#include <sys/capsicum.h>

#include <errno.h>

#include "engine/log.h"

void
sandbox_enter(enum sandbox_profile profile)
{
	/* Capability mode names no address, and a question goes to one. */
	if (profile == SANDBOX_RESOLVER || cap_enter() == 0)
		return;
	if (errno != ENOSYS)
		fatal("sandbox: capability mode");
	log_warnx("sandbox: this kernel has no capability mode:"
		  " nothing but chroot confines this process");
}
