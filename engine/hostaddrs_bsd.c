/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Next hops by the routing table's sysctl(3), login sessions by utmp(5) or
 * getutxent(3), changes by route(4).
 */

#include "engine/hostaddrs_system.h"

#include <netinet/in.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <sys/sysctl.h>
#include <sys/types.h>

#include <net/route.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __OpenBSD__
#include <utmp.h>
#else
#include <utmpx.h>
#endif

#if defined(__FreeBSD__)
#define UTMP_PATH "/var/run/utx.active"
#elif defined(__NetBSD__)
#define UTMP_PATH "/var/run/utmpx"
#else
#define UTMP_PATH "/var/run/utmp"
#endif

const struct hostaddrs_paths hostaddrs_system_paths = {
    .utmp = UTMP_PATH,
    .sessions = "",
};

/* How far the next address in a routing message is. */
static size_t
padded(const struct sockaddr *sa)
{
#ifdef __FreeBSD__
	return SA_SIZE(sa);
#else
	size_t len = sa->sa_len == 0 ? 1 : sa->sa_len;
#ifdef __NetBSD__
	return (len + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
#else
	return (len + sizeof(long) - 1) & ~(sizeof(long) - 1);
#endif
#endif
}

/* What stands before the addresses; OpenBSD says it, elsewhere it is fixed. */
static size_t
header_len(const struct rt_msghdr *m)
{
#ifdef __OpenBSD__
	return m->rtm_hdrlen;
#else
	return sizeof(*m);
#endif
}

static void
report_route(struct hostaddrs_sink *sink, const struct rt_msghdr *m)
{
	const char *at = (const char *)m + header_len(m);
	const char *end = (const char *)m + m->rtm_msglen;
	const struct sockaddr *sa;
	int bit;

	if (m->rtm_version != RTM_VERSION || !(m->rtm_flags & RTF_GATEWAY))
		return;
	for (bit = 1; bit <= RTA_GATEWAY && at < end; bit <<= 1) {
		if (!(m->rtm_addrs & bit))
			continue;
		sa = (const struct sockaddr *)(const void *)at;
		if (bit == RTA_GATEWAY)
			hostaddrs_report_sockaddr(sink, sa, "gateway");
		at += padded(sa);
	}
}

/* The whole table; the caller frees it.  NULL with errno. */
static char *
read_table(size_t *len)
{
	int mib[] = {CTL_NET, PF_ROUTE, 0, 0, NET_RT_DUMP, 0, 0};
	unsigned int depth = 6;
	char *table;

#ifdef __OpenBSD__
	depth = 7;
#endif
	if (sysctl(mib, depth, NULL, len, NULL, 0) == -1)
		return NULL;
	/* It may grow meanwhile. */
	*len += *len / 8 + 4096;
	table = malloc(*len);
	if (table == NULL)
		return NULL;
	if (sysctl(mib, depth, table, len, NULL, 0) == -1) {
		free(table);
		return NULL;
	}
	return table;
}

int
hostaddrs_routes(struct hostaddrs_sink *sink)
{
	const struct rt_msghdr *m;
	size_t at, len;
	char *table;

	table = read_table(&len);
	if (table == NULL)
		return -1;
	for (at = 0; at + sizeof(*m) <= len; at += m->rtm_msglen) {
		m = (const struct rt_msghdr *)(const void *)(table + at);
		if (m->rtm_msglen == 0 || m->rtm_msglen > len - at)
			break;
		report_route(sink, m);
	}
	free(table);
	return 0;
}

#ifdef __OpenBSD__

int
hostaddrs_sessions(const struct hostaddrs_paths *paths,
    struct hostaddrs_sink *sink)
{
	struct utmp u;
	FILE *f;
	int result;

	f = fopen(paths->utmp, "re");
	if (f == NULL)
		return errno == ENOENT ? 0 : -1;
	while (fread(&u, sizeof(u), 1, f) == 1) {
		if (u.ut_name[0] != '\0')
			hostaddrs_report_host(sink, u.ut_host,
			    sizeof(u.ut_host));
	}
	result = ferror(f) ? -1 : 0;
	fclose(f);
	return result;
}

#else

int
hostaddrs_sessions(const struct hostaddrs_paths *paths,
    struct hostaddrs_sink *sink)
{
	const struct utmpx *u;

	(void)paths;
	setutxent();
	while ((u = getutxent()) != NULL) {
		if (u->ut_type == USER_PROCESS)
			hostaddrs_report_host(sink, u->ut_host,
			    sizeof(u->ut_host));
	}
	endutxent();
	return 0;
}

#endif

int
hostaddrs_events(void)
{
	int fd = socket(PF_ROUTE, SOCK_RAW, 0);

	if (fd == -1)
		return -1;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

struct hostaddrs_news
hostaddrs_drain(int fd)
{
	struct hostaddrs_news news = {false, false};
	struct rt_msghdr m;
	ssize_t n;

	for (;;) {
		n = read(fd, &m, sizeof(m));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == ENOBUFS) {
			news.addresses = true;
			continue;
		}
		if (n <= 0)
			return news;
		if (m.rtm_type == RTM_NEWADDR || m.rtm_type == RTM_DELADDR)
			news.addresses = true;
		else
			news.routes = true;
	}
}
