/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Next hops by rtnetlink(7), login sessions by utmp(5) and by the files of
 * systemd-logind, which newer systems have instead.  Kernels that keep next
 * hops as objects repeat them in the routes unless told otherwise
 * (net.ipv4.nexthop_compat_mode).
 */

#include "engine/hostaddrs_system.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utmpx.h>

#define GATEWAY "gateway"

const struct hostaddrs_paths hostaddrs_system_paths = {
    .utmp = "/run/utmp",
    .sessions = "/run/systemd/sessions",
};

/*
 * Room for one read of netlink messages.  The kernel's macros want pointers
 * without const.
 */
union netlink_room {
	struct nlmsghdr aligned;
	char bytes[32768];
};

static void
report_bytes(struct hostaddrs_sink *sink, int family, const void *bytes,
    size_t len)
{
	struct addr addr;

	if (family == AF_INET && len >= 4)
		addr = addr_from_ipv4(bytes);
	else if (family == AF_INET6 && len >= 16)
		addr = addr_from_ipv6(bytes);
	else
		return;
	hostaddrs_report(sink, &addr, GATEWAY);
}

/* RTA_VIA: a next hop of another family than the route's. */
static void
report_via(struct hostaddrs_sink *sink, struct rtattr *a)
{
	const struct rtvia *via = RTA_DATA(a);

	if (RTA_PAYLOAD(a) > offsetof(struct rtvia, rtvia_addr))
		report_bytes(sink, via->rtvia_family, via->rtvia_addr,
		    RTA_PAYLOAD(a) - offsetof(struct rtvia, rtvia_addr));
}

/* The next hop among attributes; *multipath is set to the list, if any. */
static void
report_attributes(struct hostaddrs_sink *sink, int family, struct rtattr *a,
    int left, struct rtattr **multipath)
{
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == RTA_GATEWAY)
			report_bytes(sink, family, RTA_DATA(a), RTA_PAYLOAD(a));
		else if (a->rta_type == RTA_VIA)
			report_via(sink, a);
		else if (a->rta_type == RTA_MULTIPATH)
			*multipath = a;
	}
}

static void
report_multipath(struct hostaddrs_sink *sink, int family, struct rtattr *list)
{
	struct rtnexthop *hop = RTA_DATA(list);
	struct rtattr *none = NULL;
	int left = (int)RTA_PAYLOAD(list);

	while (left >= (int)sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) &&
	       hop->rtnh_len <= left) {
		report_attributes(sink, family, RTNH_DATA(hop),
		    (int)(hop->rtnh_len - sizeof(*hop)), &none);
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

static void
report_route(struct hostaddrs_sink *sink, struct nlmsghdr *h)
{
	struct rtmsg *route = NLMSG_DATA(h);
	struct rtattr *multipath = NULL;

	if (h->nlmsg_type != RTM_NEWROUTE ||
	    h->nlmsg_len < NLMSG_LENGTH(sizeof(*route)))
		return;
	report_attributes(sink, route->rtm_family, RTM_RTA(route),
	    (int)RTM_PAYLOAD(h), &multipath);
	if (multipath != NULL)
		report_multipath(sink, route->rtm_family, multipath);
}

/* One read's messages: 1 when more follow, 0 at the end, -1 with errno. */
static int
report_messages(struct hostaddrs_sink *sink, struct nlmsghdr *h, size_t left)
{
	const struct nlmsgerr *error;

	for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR) {
			error = NLMSG_DATA(h);
			errno = -error->error;
			return -1;
		}
		report_route(sink, h);
	}
	return 1;
}

static int
dump_routes(struct hostaddrs_sink *sink, int fd, unsigned char family)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
	} request = {
	    .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
		.nlmsg_type = RTM_GETROUTE,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	    .route = {.rtm_family = family},
	};
	union netlink_room room;
	int more = 1;
	ssize_t n;

	if (send(fd, &request, request.header.nlmsg_len, 0) == -1)
		return -1;
	while (more == 1) {
		n = recv(fd, &room, sizeof(room), 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		more = report_messages(sink, &room.aligned, (size_t)n);
	}
	return more;
}

int
hostaddrs_routes(struct hostaddrs_sink *sink)
{
	int fd, result;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd == -1)
		return -1;
	result = dump_routes(sink, fd, AF_INET);
	/* A kernel without IPv6 has no routes of it. */
	if (result == 0 && dump_routes(sink, fd, AF_INET6) == -1 &&
	    errno != EOPNOTSUPP && errno != EAFNOSUPPORT)
		result = -1;
	close(fd);
	return result;
}

/* The address of a session, from its bytes or else from its host's text. */
static void
report_utmp(struct hostaddrs_sink *sink, const struct utmpx *u)
{
	struct addr addr;

	if (u->ut_type != USER_PROCESS)
		return;
	if (u->ut_addr_v6[1] != 0 || u->ut_addr_v6[2] != 0 ||
	    u->ut_addr_v6[3] != 0) {
		addr = addr_from_ipv6((const uint8_t *)u->ut_addr_v6);
		hostaddrs_report(sink, &addr, "login session");
	} else if (u->ut_addr_v6[0] != 0) {
		addr = addr_from_ipv4((const uint8_t *)u->ut_addr_v6);
		hostaddrs_report(sink, &addr, "login session");
	}
	hostaddrs_report_host(sink, u->ut_host, sizeof(u->ut_host));
}

static int
read_utmp(const char *path, struct hostaddrs_sink *sink)
{
	struct utmpx u;
	FILE *f;
	int result;

	f = fopen(path, "re");
	if (f == NULL)
		return errno == ENOENT ? 0 : -1;
	while (fread(&u, sizeof(u), 1, f) == 1)
		report_utmp(sink, &u);
	result = ferror(f) ? -1 : 0;
	fclose(f);
	return result;
}

/* One file of systemd-logind: lines of NAME=VALUE. */
static void
read_session(int dir, const char *name, struct hostaddrs_sink *sink)
{
	static const char key[] = "REMOTE_HOST=";
	char line[1024];
	struct stat st;
	FILE *f;
	int fd;

	/* Beside the files there are fifos. */
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd == -1)
		return;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (f = fdopen(fd, "r")) == NULL) {
		close(fd);
		return;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, key, sizeof(key) - 1) == 0)
			hostaddrs_report_host(sink, line + sizeof(key) - 1,
			    sizeof(line));
	}
	fclose(f);
}

static int
read_sessions(const char *path, struct hostaddrs_sink *sink)
{
	const struct dirent *entry;
	DIR *dir;

	dir = opendir(path);
	if (dir == NULL)
		return errno == ENOENT ? 0 : -1;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			read_session(dirfd(dir), entry->d_name, sink);
	}
	closedir(dir);
	return 0;
}

int
hostaddrs_sessions(const struct hostaddrs_paths *paths,
    struct hostaddrs_sink *sink)
{
	int utmp = read_utmp(paths->utmp, sink);
	int error = errno;

	if (read_sessions(paths->sessions, sink) == -1)
		return -1;
	errno = error;
	return utmp;
}

int
hostaddrs_events(void)
{
	struct sockaddr_nl here = {.nl_family = AF_NETLINK,
	    .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			 RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);
	if (fd == -1)
		return -1;
	if (bind(fd, (const struct sockaddr *)&here, sizeof(here)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
note_messages(struct nlmsghdr *h, size_t left, struct hostaddrs_news *out)
{
	for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == RTM_NEWADDR ||
		    h->nlmsg_type == RTM_DELADDR)
			out->addresses = true;
		else
			out->routes = true;
	}
}

struct hostaddrs_news
hostaddrs_drain(int fd)
{
	struct hostaddrs_news news = {false, false};
	union netlink_room room;
	ssize_t n;

	for (;;) {
		n = recv(fd, &room, sizeof(room), 0);
		if (n > 0)
			note_messages(&room.aligned, (size_t)n, &news);
		else if (n == -1 && errno == ENOBUFS)
			news.addresses = true;
		else if (n != -1 || errno != EINTR)
			return news;
	}
}
