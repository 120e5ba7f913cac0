/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_SANDBOX_H
#define TRAPLINE_ENGINE_SANDBOX_H

/* What a process may do once it has all it needs. */
enum sandbox_profile {
	/* Reads and writes what is open, waits, tells the time. */
	SANDBOX_SENSOR,
	/* That, writes its open store, and takes connections of an inherited
	 * listening socket. */
	SANDBOX_ENGINE,
	/* What a sensor may, and makes UDP sockets; FreeBSD has nothing that
	 * fits, and confines it by user and chroot alone. */
	SANDBOX_RESOLVER,
};

/*
 * Gives up everything else, for good; what is tried all the same ends the
 * process (SIGSYS on Linux, SIGABRT on OpenBSD) or fails (FreeBSD).  Comes
 * last: descriptors, the event base with its signal events, the store and the
 * log are open, and privdrop() is done.  Ends the process when it cannot be
 * entered; warns where the system, or this build, has no sandbox.
 */
void sandbox_enter(enum sandbox_profile);

#endif
