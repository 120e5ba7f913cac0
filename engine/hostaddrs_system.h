/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Between hostaddrs.c and the one file that knows the system. */

#ifndef TRAPLINE_ENGINE_HOSTADDRS_SYSTEM_H
#define TRAPLINE_ENGINE_HOSTADDRS_SYSTEM_H

#include <stddef.h>

#include "engine/hostaddrs.h"

struct sockaddr;

/* Where the parts of one gathering report to. */
struct hostaddrs_sink;

/* Reports one address, of whatever family; others than IP are ignored. */
void hostaddrs_report(struct hostaddrs_sink *, const struct addr *,
    const char *why);
void hostaddrs_report_sockaddr(struct hostaddrs_sink *, const struct sockaddr *,
    const char *why);
/*
 * Reports the address that a login session's host text begins with:
 * "192.0.2.1", "192.0.2.1:S.0", "2001:db8::1 via mosh [7]".  A name is
 * ignored.  len: bytes at most; a NUL ends it sooner.
 */
void hostaddrs_report_host(struct hostaddrs_sink *, const char *text,
    size_t len);

/* The system's own places. */
extern const struct hostaddrs_paths hostaddrs_system_paths;

/* Report next hops, and login sessions.  0, or -1 with errno. */
int hostaddrs_routes(struct hostaddrs_sink *);
int hostaddrs_sessions(const struct hostaddrs_paths *, struct hostaddrs_sink *);

/* A non-blocking socket that turns readable when addresses or routes change;
 * -1 with errno. */
int hostaddrs_events(void);
/* Empties it and says what there was. */
struct hostaddrs_news {
	bool addresses; /* or something was lost */
	bool routes;
};
struct hostaddrs_news hostaddrs_drain(int fd);

#endif
