/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Landlock, Linux's sandbox for what has a path.  A ruleset that handles a
 * right and has no rule allows it nowhere, so all there is to do is to name
 * every right that the running kernel knows.  The numbers stand here because
 * headers are older than kernels: they are those of linux/landlock.h of 6.12.
 */

#include "engine/landlock.h"

#include <sys/syscall.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_RULESET_VERSION 1u

#define FS_EXECUTE_TO_MAKE_SYM UINT64_C(0x1fff) /* since version 1 */
#define FS_REFER               UINT64_C(0x2000) /* 2 */
#define FS_TRUNCATE            UINT64_C(0x4000) /* 3 */
#define NET_BIND_AND_CONNECT   UINT64_C(0x3)    /* 4: of TCP */
#define FS_IOCTL_DEV           UINT64_C(0x8000) /* 5 */
#define SCOPE_UNIX_AND_SIGNAL  UINT64_C(0x3)    /* 6 */

/* struct landlock_ruleset_attr: it grew with the versions. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scope;
};

/* Names all that this version knows; returns the size that it knows. */
static size_t
handle_everything(long version, struct ruleset *out)
{
	out->fs = FS_EXECUTE_TO_MAKE_SYM;
	if (version >= 2)
		out->fs |= FS_REFER;
	if (version >= 3)
		out->fs |= FS_TRUNCATE;
	if (version >= 5)
		out->fs |= FS_IOCTL_DEV;
	out->net = NET_BIND_AND_CONNECT;
	out->scope = SCOPE_UNIX_AND_SIGNAL;
	if (version < 4)
		return offsetof(struct ruleset, net);
	if (version < 6)
		return offsetof(struct ruleset, scope);
	return sizeof(*out);
}

int
landlock_enter(void)
{
	struct ruleset ruleset;
	long version, fd, done;
	size_t size;

	version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    CREATE_RULESET_VERSION);
	if (version == -1 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return 0;
	if (version == -1)
		return -1;
	size = handle_everything(version, &ruleset);
	fd = syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
	if (fd == -1)
		return -1;
	done = syscall(SYS_landlock_restrict_self, fd, 0);
	close((int)fd);
	return done == -1 ? -1 : (int)version;
}
