/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What tests in a network namespace of their own need: the namespace, other
 * programs in it, and packets from any source.  Include it behind cmocka.h.
 */

#ifndef TRAPLINE_TESTS_UNIT_NETNS_H
#define TRAPLINE_TESTS_UNIT_NETNS_H

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <net/if.h>

#include <netinet/in.h>

#include <arpa/inet.h>

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Enters a fresh namespace with its loopback up.  0, or -1. */
static inline int
namespace_enter(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd;

	if (unshare(CLONE_NEWNET) == -1)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	request.ifr_flags = IFF_UP;
	if (fd == -1 || ioctl(fd, SIOCSIFFLAGS, &request) == -1)
		return -1;
	close(fd);
	return 0;
}

/* A process of ours, without a shell.  Its standard output, or NULL. */
static inline char *
run(const char *const *argv)
{
	static char text[65536];
	size_t used = 0;
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	close(ends[0]);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return text;
	print_message("%s: %s\n", argv[0], text);
	return NULL;
}

/* Runs nft with up to six words; NULL ends them. */
static inline char *
nft(const char *a, const char *b, const char *c, const char *d, const char *e,
    const char *f)
{
	const char *const argv[] = {"nft", a, b, c, d, e, f, NULL};

	return run(argv);
}

static inline int
receiver(int family, uint16_t *port)
{
	struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
	struct sockaddr_in6 *v6 = (void *)&address;
	struct sockaddr_in *v4 = (void *)&address;
	socklen_t len = sizeof(address);
	int fd = socket(family, SOCK_DGRAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			     family == AF_INET ? sizeof(*v4) : sizeof(*v6)),
	    0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port = family == AF_INET ? v4->sin_port : v6->sin6_port;
	return fd;
}

static inline socklen_t
socket_address(const char *text, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *v6 = (void *)out;
	struct sockaddr_in *v4 = (void *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		return sizeof(*v4);
	}
	assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	return sizeof(*v6);
}

static inline void
send_from(const char *source, uint16_t port)
{
	struct sockaddr_storage from, to;
	socklen_t len = socket_address(source, 0, &from);
	int fd = socket(from.ss_family, SOCK_DGRAM, 0), on = 1;

	(void)socket_address(from.ss_family == AF_INET ? "127.0.0.1" : "::1",
	    port, &to);
	setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&from, len), 0);
	assert_int_equal(
	    sendto(fd, source, strlen(source), 0, (struct sockaddr *)&to, len),
	    (int)strlen(source));
	close(fd);
}

#endif
