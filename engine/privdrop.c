/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * From root to a user that owns nothing.  The order matters: the password
 * file is read before the chroot hides it, groups go before the user that
 * could change them, and what was given up is then tried again.
 */

#include "engine/privdrop.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/compat.h"
#include "engine/log.h"

#define EMPTY_DIR "/var/empty"

const struct passwd *
privdrop_find_user(const char *user)
{
	char advice[PRIVDROP_ADVICE_LEN];
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL) {
		/* Some systems set one of these for "not found". */
		if (errno != 0 && errno != ENOENT && errno != ESRCH &&
		    errno != EBADF && errno != EPERM)
			fatal("user %s", user);
		privdrop_advise(user, advice);
		fatalx("user %s does not exist; to make it: %s", user, advice);
	}
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		fatalx("user %s has root's user or group number; trapline needs"
		       " one of its own",
		    user);
	return pw;
}

static void
enter(const char *dir)
{
	if (chdir(dir) == -1)
		fatal("chroot to %s", dir);
	if (chroot(".") == -1)
		fatal("chroot to %s", dir);
}

/* A place of nobody's: root's and not writable by others. */
static bool
is_safe_dir(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/*
 * Without /var/empty the process goes into a directory that exists no more
 * once it is there: nothing can ever be put into it.
 */
static void
enter_empty(void)
{
	char dir[64];

	if (is_safe_dir(EMPTY_DIR)) {
		enter(EMPTY_DIR);
		return;
	}
	snprintf(dir, sizeof(dir), "/run/traplined-empty-%ld", (long)getpid());
	if (mkdir(dir, 0700) == -1)
		fatal("chroot: there is no %s, and %s", EMPTY_DIR, dir);
	if (chdir(dir) == -1 || rmdir(dir) == -1 || chroot(".") == -1)
		fatal("chroot to %s", dir);
}

static void
become(const char *user, uid_t uid, gid_t gid)
{
	if (setgroups(1, &gid) == -1 || setresgid(gid, gid, gid) == -1)
		fatal("user %s: set group %lu", user, (unsigned long)gid);
	if (setresuid(uid, uid, uid) == -1)
		fatal("user %s: set user %lu", user, (unsigned long)uid);
	if (getuid() != uid || geteuid() != uid || getgid() != gid ||
	    getegid() != gid)
		fatalx("user %s: root was not given up", user);
	if (setuid(0) != -1 || seteuid(0) != -1 || setgid(0) != -1 ||
	    setegid(0) != -1)
		fatalx("user %s: root can be had back", user);
}

void
privdrop(const char *user, const char *chroot_dir)
{
	const struct rlimit none = {0, 0};
	const struct passwd *pw = privdrop_find_user(user);
	uid_t uid = pw->pw_uid;
	gid_t gid = pw->pw_gid;

	if (chroot_dir != NULL)
		enter(chroot_dir);
	else
		enter_empty();
	become(user, uid, gid);
	if (setrlimit(RLIMIT_CORE, &none) == -1)
		fatal("user %s: forbid core dumps", user);
	privdrop_seal();
}
