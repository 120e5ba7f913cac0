/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* What one system's C library has and another's lacks.  Nothing else. */

#ifndef TRAPLINE_ENGINE_COMPAT_H
#define TRAPLINE_ENGINE_COMPAT_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "trapline_config.h"

#ifndef HAVE_STRLCPY
/* strlcpy(3) of OpenBSD: the length it tried to make. */
size_t strlcpy(char *dst, const char *src, size_t size);
#endif

#ifndef HAVE_STRLCAT
/* strlcat(3) of OpenBSD: the length it tried to make. */
size_t strlcat(char *dst, const char *src, size_t size);
#endif

#ifndef HAVE_STRTONUM
/* strtonum(3) of OpenBSD: on failure 0 and *error names the reason. */
long long strtonum(const char *text, long long least, long long most,
    const char **error);
#endif

#ifndef HAVE_SETRESUID
/* For root only, and only with three equal numbers. */
int setresuid(uid_t real, uid_t effective, uid_t saved);
int setresgid(gid_t real, gid_t effective, gid_t saved);
#endif

/* Who is at the other end of a Unix socket.  0 and the user's id, or -1. */
int compat_peer_uid(int fd, unsigned long *uid);

/* The monotonic clock that counts a suspended machine's time, where known. */
#if defined(__linux__) || defined(__OpenBSD__)
#define COMPAT_CLOCK_BOOTTIME CLOCK_BOOTTIME
#else
#define COMPAT_CLOCK_BOOTTIME CLOCK_MONOTONIC
#endif

/* Where sockets of running daemons are, and what daemons keep. */
#if defined(__linux__)
#define COMPAT_RUN_DIR   "/run"
#define COMPAT_STATE_DIR "/var/lib"
#else
#define COMPAT_RUN_DIR   "/var/run"
#define COMPAT_STATE_DIR "/var/db"
#endif

/* glibc's getopt(3) moves operands to the end unless told not to. */
#ifdef __GLIBC__
#define COMPAT_GETOPT_IN_ORDER "+"
#else
#define COMPAT_GETOPT_IN_ORDER ""
#endif

/* Asks for the cache line of an address; a hint and nothing more. */
#if defined(__GNUC__) || defined(__clang__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)(address))
#endif

/*
 * Memory of whole cache lines, on the system's large pages where it has them
 * and size is worth it.  To be freed with free(); NULL: memory is out.
 */
void *compat_alloc_lines(size_t size);

/* The number of the lowest bit that is set, 0 to 63; of 0 there is none. */
static inline unsigned int
lowest_bit(uint64_t bits)
{
#if defined(__GNUC__) || defined(__clang__)
	return (unsigned int)__builtin_ctzll(bits);
#else
	unsigned int n = 0;

	for (; (bits & 1) == 0; bits >>= 1)
		n++;
	return n;
#endif
}

/* printf-like checking where the compiler has it. */
#if defined(__GNUC__) || defined(__clang__)
#define PRINTF_LIKE(format, first)                                             \
	__attribute__((__format__(__printf__, format, first)))
#define NO_RETURN __attribute__((__noreturn__))
#else
#define PRINTF_LIKE(format, first)
#define NO_RETURN
#endif

#endif
