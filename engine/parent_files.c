/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What the parent makes in the file system: the state directory, which is the
 * engine's from then on, and the control socket.  The policy's author may
 * have named the wrong path, so nothing that is somebody else's is taken or
 * removed; and the state directory's owner may be hostile, so nothing inside
 * it is touched.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/compat.h"
#include "engine/log.h"
#include "engine/parent_state.h"
#include "engine/privdrop.h"
#include "rules/ruleset.h"

/* How long the last engine of a killed parent may take to end. */
#define ORPHAN_MS 2000

#define LISTEN_BACKLOG 16

/* Takes fd, a directory. */
static bool
is_empty(int fd)
{
	const struct dirent *entry;
	DIR *dir = fdopendir(fd);
	bool is_empty = true;

	if (dir == NULL) {
		close(fd);
		return false;
	}
	while (is_empty && (entry = readdir(dir)) != NULL)
		is_empty = strcmp(entry->d_name, ".") == 0 ||
			   strcmp(entry->d_name, "..") == 0;
	closedir(dir);
	return is_empty;
}

/* One that is another's and in use is not taken: it may be a slip. */
static void
make_state_dir(const char *path, const struct passwd *pw)
{
	struct stat st;
	int fd;

	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		fatal("state directory %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		fatal("state directory %s", path);
	if (st.st_uid != pw->pw_uid && !is_empty(dup(fd)))
		fatalx("state directory %s: is not empty and belongs to user "
		       "number %lu, not to %s: give it to %s, or set another "
		       "state-dir",
		    path, (unsigned long)st.st_uid, pw->pw_name, pw->pw_name);
	if (fchown(fd, pw->pw_uid, pw->pw_gid) == -1 || fchmod(fd, 0700) == -1)
		fatal("state directory %s", path);
	close(fd);
}

int
parent_fill_sun(struct sockaddr_un *sun, const char *path)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (strlcpy(sun->sun_path, path, sizeof(sun->sun_path)) >=
	    sizeof(sun->sun_path))
		return -1;
	return 0;
}

/*
 * An engine whose parent was killed ends by itself within moments, and our
 * connection to it with it.  One that lives says nothing unasked.
 */
static bool
ends_soon(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	return poll(&pfd, 1, ORPHAN_MS) > 0;
}

/* Is somebody listening there?  Then another traplined runs. */
static void
refuse_second(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		fatal("socket");
	/* EAGAIN: one that is too busy to answer. */
	if ((connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
		errno == EAGAIN) &&
	    !ends_soon(fd))
		fatalx("socket %s: another traplined serves it", sun->sun_path);
	close(fd);
}

static void
remove_old(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1) {
		if (errno == ENOENT)
			return;
		fatal("socket %s", path);
	}
	if (!S_ISSOCK(st.st_mode))
		fatalx("socket %s: something that is no socket is there: move "
		       "it away, or set another socket",
		    path);
	if (unlink(path) == -1)
		fatal("socket %s", path);
}

static int
open_socket(const char *path, const struct passwd *pw)
{
	struct sockaddr_un sun;
	mode_t mask;
	int fd;

	if (parent_fill_sun(&sun, path) == -1)
		fatalx("socket %s: longer than %zu bytes: set a shorter socket",
		    path, sizeof(sun.sun_path) - 1);
	refuse_second(&sun);
	remove_old(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		fatal("socket");
	mask = umask(0117);
	if (bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) == -1)
		fatal("socket %s", path);
	umask(mask);
	if (lchown(path, 0, pw->pw_gid) == -1 ||
	    listen(fd, LISTEN_BACKLOG) == -1)
		fatal("socket %s", path);
	return fd;
}

void
parent_open_files(struct parent *p)
{
	const struct ruleset *rs = p->ruleset;
	const struct passwd *pw = privdrop_find_user(rs->user);

	p->user = strdup(rs->user);
	p->socket_path = strdup(rs->socket);
	if (p->user == NULL || p->socket_path == NULL)
		fatal("policy");
	make_state_dir(rs->state_dir, pw);
	p->listen_fd = open_socket(p->socket_path, pw);
}
