/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * A real traplined for benches, in a directory of its own, with everything
 * that it starts in a process group of its own, so that all of it can be
 * ended at once.
 */

#ifndef TRAPLINE_TESTS_BENCH_DAEMON_H
#define TRAPLINE_TESTS_BENCH_DAEMON_H

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/clock.h"
#include "engine/log.h"
#include "tests/bench/bare.h"

#define DAEMON_START_NS (120 * INT64_C(1000000000))

struct daemon {
	const char *program;
	char dir[64];
	char policy[96], socket[96], log[96], notify[96];
	int notify_fd;
	pid_t pid, owner;
};

static struct daemon *daemon_made;

/* kill -9 of all its processes; they are gone when this returns. */
static inline void
daemon_kill(struct daemon *d)
{
	if (d->pid > 0)
		kill(-d->pid, SIGKILL);
	while (d->pid > 0 && (waitpid(-d->pid, NULL, 0) > 0 || errno == EINTR))
		continue;
	d->pid = 0;
}

/* At the end, whichever it is: of this process, not of its children. */
static inline void
daemon_remove(void)
{
	struct daemon *d = daemon_made;
	const char *const argv[] = {"rm", "-rf", d->dir, NULL};

	if (d->owner != getpid())
		return;
	daemon_kill(d);
	bare_run(argv);
}

/* Makes the directory and a policy of the given statements. */
static inline void
daemon_make(struct daemon *d, const char *program, const char *statements)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char state[96];
	FILE *f;

	d->program = program;
	snprintf(d->dir, sizeof(d->dir), "/tmp/trapline-bench.XXXXXX");
	if (mkdtemp(d->dir) == NULL || chmod(d->dir, 0711) == -1)
		fatal("%s", d->dir);
	snprintf(state, sizeof(state), "%s/state", d->dir);
	snprintf(d->policy, sizeof(d->policy), "%s/policy", d->dir);
	snprintf(d->socket, sizeof(d->socket), "%s/socket", d->dir);
	snprintf(d->log, sizeof(d->log), "%s/log", d->dir);
	snprintf(d->notify, sizeof(d->notify), "%s/notify", d->dir);
	f = fopen(d->policy, "w");
	if (f == NULL || mkdir(state, 0700) == -1)
		fatal("%s", d->dir);
	fprintf(f, "set user %s\nset state-dir \"%s\"\nset socket \"%s\"\n%s",
	    getpwnam("_trapline") != NULL ? "_trapline" : "nobody", state,
	    d->socket, statements);
	fclose(f);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", d->notify);
	d->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(d->notify_fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		fatal("%s", d->notify);
	/* So that its children can be waited for when it is killed. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	d->owner = getpid();
	daemon_made = d;
	atexit(daemon_remove);
}

static inline void
daemon_exec(const struct daemon *d)
{
	int fd = open(d->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	setpgid(0, 0);
	dup2(fd, STDERR_FILENO);
	dup2(fd, STDOUT_FILENO);
	setenv("NOTIFY_SOCKET", d->notify, 1);
	execl(d->program, d->program, "-d", "-f", d->policy, (char *)NULL);
	_exit(127);
}

/* Nanoseconds from before the fork until it says that it is ready. */
static inline int64_t
daemon_start(struct daemon *d)
{
	struct pollfd ready = {.fd = d->notify_fd, .events = POLLIN};
	struct mono began = mono_read();
	char text[64];

	d->pid = fork();
	if (d->pid == -1)
		fatal("fork");
	if (d->pid == 0)
		daemon_exec(d);
	setpgid(d->pid, d->pid);
	while (poll(&ready, 1, 1000) != 1) {
		if (waitpid(d->pid, NULL, WNOHANG) == d->pid)
			fatalx("%s ended", d->program);
		if (mono_read().ns - began.ns > DAEMON_START_NS)
			fatalx("%s is not ready", d->program);
	}
	if (recv(d->notify_fd, text, sizeof(text), 0) == -1)
		fatal("%s", d->notify);
	return mono_read().ns - began.ns;
}

#endif
