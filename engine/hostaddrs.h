/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_HOSTADDRS_H
#define TRAPLINE_ENGINE_HOSTADDRS_H

#include <stdbool.h>

#include "engine/clock.h"
#include "engine/prefix.h"

/*
 * The automatic members of "never" (DESIGN 4.1): loopback and unspecified
 * addresses, the host's own, its gateways and other next hops, and the far
 * ends of live login sessions.  Of link-local addresses only the host's own
 * and its gateways' are among them: another neighbour may well offend.
 */

/* Where login sessions are found; NULL: where this system has them. */
struct hostaddrs_paths {
	const char *utmp;     /* utmp(5) */
	const char *sessions; /* a directory as systemd-logind writes it */
};

/* why: a constant text such as "own address". */
typedef void hostaddrs_visit(void *arg, const struct prefix *, const char *why);

/*
 * Visits every member, some of them more than once.  paths may be NULL.  0;
 * -1 with errno when something could not be read: the rest was visited.
 */
int hostaddrs_gather(const struct hostaddrs_paths *, hostaddrs_visit *,
    void *arg);

/* Tells cheaply whether it is worth gathering again. */
struct hostaddrs_watch;

/* Begins to watch, so create it before gathering.  The paths are copied.
 * NULL with errno. */
struct hostaddrs_watch *hostaddrs_watch_new(const struct hostaddrs_paths *);
void hostaddrs_watch_free(struct hostaddrs_watch *);
/*
 * Has anything changed since the last true?  Two stat(2) and one read of a
 * socket.  Changes of routes alone are told at most twice a minute, for a
 * router's table never rests.
 */
bool hostaddrs_changed(struct hostaddrs_watch *, struct mono now);

#endif
