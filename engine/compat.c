/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The few functions of OpenBSD's C library that trapline uses and glibc
 * lacks, each doing what its manual page there says; and the few questions
 * that every system wants to be asked in its own words.
 */

#include "engine/compat.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

int
compat_peer_uid(int fd, unsigned long *uid)
{
#if defined(__linux__)
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return -1;
	*uid = (unsigned long)peer.uid;
#else
	uid_t user;
	gid_t group;

	if (getpeereid(fd, &user, &group) == -1)
		return -1;
	*uid = (unsigned long)user;
#endif
	return 0;
}

#define CACHE_LINE 64
#define LARGE_PAGE ((size_t)2 << 20)

void *
compat_alloc_lines(size_t size)
{
	void *memory;

	if (size % LARGE_PAGE != 0)
		return aligned_alloc(CACHE_LINE, size);
	memory = aligned_alloc(LARGE_PAGE, size);
#ifdef MADV_HUGEPAGE
	/* Only a hint: small pages do as well, more slowly. */
	if (memory != NULL)
		madvise(memory, size, MADV_HUGEPAGE);
#endif
	return memory;
}

#ifndef HAVE_STRLCPY
size_t
strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);
	size_t fits = len;

	if (size == 0)
		return len;
	if (fits >= size)
		fits = size - 1;
	memcpy(dst, src, fits);
	dst[fits] = '\0';
	return len;
}
#endif

#ifndef HAVE_STRLCAT
size_t
strlcat(char *dst, const char *src, size_t size)
{
	size_t used = strnlen(dst, size);

	if (used == size)
		return size + strlen(src);
	return used + strlcpy(dst + used, src, size - used);
}
#endif

#ifndef HAVE_STRTONUM
long long
strtonum(const char *text, long long least, long long most, const char **error)
{
	long long value;
	char *end;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (least > most || end == text || *end != '\0') {
		*error = "invalid";
		errno = EINVAL;
		return 0;
	}
	if ((errno == ERANGE && value == LLONG_MIN) || value < least) {
		*error = "too small";
		errno = ERANGE;
		return 0;
	}
	if ((errno == ERANGE && value == LLONG_MAX) || value > most) {
		*error = "too large";
		errno = ERANGE;
		return 0;
	}
	*error = NULL;
	return value;
}
#endif

#ifndef HAVE_SETRESUID
/* Root's setuid() and setgid() change all three numbers at once. */
int
setresuid(uid_t real, uid_t effective, uid_t saved)
{
	if (real != effective || real != saved) {
		errno = EINVAL;
		return -1;
	}
	return setuid(real);
}

int
setresgid(gid_t real, gid_t effective, gid_t saved)
{
	if (real != effective || real != saved) {
		errno = EINVAL;
		return -1;
	}
	return setgid(real);
}
#endif
