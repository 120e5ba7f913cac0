/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What nobody may hold because this host lives by it.  The parent gathers it
 * at the start and whenever the watch says so, and hands it to the engine.
 * What differs by system is in hostaddrs_linux.c and hostaddrs_bsd.c.
 */

#include "engine/hostaddrs.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <net/if.h>

#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/hostaddrs_system.h"

#define ROUTES_PERIOD_NS INT64_C(30000000000)
/* A million routes have few next hops: these were reported last. */
#define RECENT 64

struct hostaddrs_sink {
	hostaddrs_visit *visit;
	void *arg;
	struct addr recent[RECENT];
};

/* What a path looked like. */
struct stamp {
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct hostaddrs_watch {
	char *utmp;
	char *sessions;
	int fd;
	struct stamp utmp_stamp;
	struct stamp sessions_stamp;
	bool routes_changed; /* but not told yet */
	struct mono routes_told;
};

/* Always members, whatever the host is. */
static const char *const fixed[][2] = {
    {"127.0.0.0/8", "loopback"},
    {"::1", "loopback"},
    {"0.0.0.0", "unspecified address"},
    {"::", "unspecified address"},
};

static void
report_fixed(struct hostaddrs_sink *sink)
{
	struct prefix p;
	size_t i;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		prefix_parse(fixed[i][0], &p);
		sink->visit(sink->arg, &p, fixed[i][1]);
	}
}

/* Kernels of the KAME family keep the interface's number inside. */
static void
clear_scope(struct addr *addr)
{
	if (addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80)
		addr->bytes[2] = addr->bytes[3] = 0;
}

static bool
is_unspecified(const struct addr *addr)
{
	static const uint8_t zero[16];
	size_t from = addr_is_ipv4(addr) ? 12 : 0;

	return memcmp(addr->bytes + from, zero, 16 - from) == 0;
}

void
hostaddrs_report(struct hostaddrs_sink *sink, const struct addr *addr,
    const char *why)
{
	struct addr clear = *addr;
	struct addr *recent;
	struct prefix p;

	clear_scope(&clear);
	if (is_unspecified(&clear))
		return;
	p = prefix_host(&clear);
	recent = &sink->recent[prefix_hash(&p, 0) % RECENT];
	if (addr_equal(recent, &clear))
		return;
	*recent = clear;
	sink->visit(sink->arg, &p, why);
}

void
hostaddrs_report_sockaddr(struct hostaddrs_sink *sink,
    const struct sockaddr *sa, const char *why)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;
	struct addr addr;

	if (sa == NULL)
		return;
	if (sa->sa_family == AF_INET) {
		memcpy(&sin, sa, sizeof(sin));
		addr = addr_from_ipv4((const uint8_t *)&sin.sin_addr);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&sin6, sa, sizeof(sin6));
		addr = addr_from_ipv6((const uint8_t *)&sin6.sin6_addr);
	} else {
		return;
	}
	hostaddrs_report(sink, &addr, why);
}

void
hostaddrs_report_host(struct hostaddrs_sink *sink, const char *text, size_t len)
{
	char host[PREFIX_STRLEN];
	struct addr addr;
	size_t n = 0;

	/* A blank, a scope or a parenthesis ends an address. */
	while (n < len && n < sizeof(host) - 1 && text[n] != '\0' &&
	       strchr(" \t%(", text[n]) == NULL) {
		host[n] = text[n];
		n++;
	}
	host[n] = '\0';
	if (addr_parse(host, &addr) == -1) {
		/* An IPv4 address with a display or a window behind it. */
		host[strcspn(host, ":")] = '\0';
		if (addr_parse(host, &addr) == -1)
			return;
	}
	hostaddrs_report(sink, &addr, "login session");
}

static int
report_own(struct hostaddrs_sink *sink)
{
	struct ifaddrs *all, *i;

	if (getifaddrs(&all) == -1)
		return -1;
	for (i = all; i != NULL; i = i->ifa_next) {
		hostaddrs_report_sockaddr(sink, i->ifa_addr, "own address");
		if (i->ifa_flags & IFF_POINTOPOINT)
			hostaddrs_report_sockaddr(sink, i->ifa_dstaddr,
			    "far end of a link");
	}
	freeifaddrs(all);
	return 0;
}

/* The caller's paths, with the system's where there is none. */
static struct hostaddrs_paths
fill_in(const struct hostaddrs_paths *paths)
{
	struct hostaddrs_paths all = hostaddrs_system_paths;

	if (paths != NULL && paths->utmp != NULL)
		all.utmp = paths->utmp;
	if (paths != NULL && paths->sessions != NULL)
		all.sessions = paths->sessions;
	return all;
}

int
hostaddrs_gather(const struct hostaddrs_paths *paths, hostaddrs_visit *visit,
    void *arg)
{
	struct hostaddrs_sink sink = {.visit = visit, .arg = arg};
	struct hostaddrs_paths all = fill_in(paths);
	int error = 0;

	report_fixed(&sink);
	if (report_own(&sink) == -1)
		error = errno;
	if (hostaddrs_routes(&sink) == -1)
		error = errno;
	if (hostaddrs_sessions(&all, &sink) == -1)
		error = errno;
	errno = error;
	return error == 0 ? 0 : -1;
}

static struct stamp
get_stamp(const char *path)
{
	struct stamp stamp = {0};
	struct stat st;

	if (stat(path, &st) == -1)
		return stamp;
	stamp.inode = st.st_ino;
	stamp.size = st.st_size;
	stamp.changed = st.st_mtim;
	return stamp;
}

/* Brings the stamp up to date; true when that changed it. */
static bool
renew_stamp(struct stamp *stamp, const char *path)
{
	struct stamp old = *stamp;

	*stamp = get_stamp(path);
	return old.inode != stamp->inode || old.size != stamp->size ||
	       old.changed.tv_sec != stamp->changed.tv_sec ||
	       old.changed.tv_nsec != stamp->changed.tv_nsec;
}

struct hostaddrs_watch *
hostaddrs_watch_new(const struct hostaddrs_paths *paths)
{
	struct hostaddrs_watch *w = calloc(1, sizeof(*w));
	struct hostaddrs_paths all = fill_in(paths);

	if (w == NULL)
		return NULL;
	w->utmp = strdup(all.utmp);
	w->sessions = strdup(all.sessions);
	w->fd = hostaddrs_events();
	w->routes_told.ns = -ROUTES_PERIOD_NS;
	if (w->utmp == NULL || w->sessions == NULL || w->fd == -1) {
		hostaddrs_watch_free(w);
		return NULL;
	}
	w->utmp_stamp = get_stamp(w->utmp);
	w->sessions_stamp = get_stamp(w->sessions);
	return w;
}

void
hostaddrs_watch_free(struct hostaddrs_watch *w)
{
	int error = errno;

	if (w == NULL)
		return;
	if (w->fd != -1)
		close(w->fd);
	free(w->utmp);
	free(w->sessions);
	free(w);
	errno = error;
}

bool
hostaddrs_changed(struct hostaddrs_watch *w, struct mono now)
{
	bool utmp = renew_stamp(&w->utmp_stamp, w->utmp);
	bool sessions = renew_stamp(&w->sessions_stamp, w->sessions);
	struct hostaddrs_news news = hostaddrs_drain(w->fd);

	if (news.routes)
		w->routes_changed = true;
	if (!utmp && !sessions && !news.addresses &&
	    (!w->routes_changed ||
		now.ns - w->routes_told.ns < ROUTES_PERIOD_NS))
		return false;
	/* Gathering reads the routes, too. */
	if (w->routes_changed)
		w->routes_told = now;
	w->routes_changed = false;
	return true;
}
