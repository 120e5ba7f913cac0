/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * A process that the parent keeps alive: started with one end of a fresh pair
 * whose other end goes to the engine, restarted with a growing delay when it
 * ends, ended when it is no longer wanted.
 */

#include <sys/socket.h>
#include <sys/wait.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "engine/channel.h"
#include "engine/log.h"
#include "engine/parent_state.h"
#include "engine/sensor_process.h"

#define BACKOFF_MOST_S 60
/* One that ran this long starts again with the shortest delay. */
#define STEADY_NS (INT64_C(60) * 1000000000)
/* Room for about a second of a busy firewall. */
#define PAIR_BYTES    (8 * 1024 * 1024)
#define FIRST_FREE_FD 3

void
parent_child_fds(const int *keep, size_t n)
{
	int fd, most = FIRST_FREE_FD;
	size_t i;

	for (i = 0; i < n; i++) {
		if (keep[i] >= most)
			most = keep[i] + 1;
	}
	for (fd = FIRST_FREE_FD; fd < most; fd++) {
		for (i = 0; i < n && keep[i] != fd; i++)
			;
		if (i == n)
			close(fd);
	}
	closefrom(most);
}

static void
become(struct parent_child *child, int engine_fd, int life_fd)
{
	const int keep[] = {engine_fd, life_fd};

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	parent_child_fds(keep, sizeof(keep) / sizeof(keep[0]));
	child->run(child, engine_fd, life_fd);
	_exit(1);
}

static void
start(struct parent_child *child)
{
	int engine[2], life[2];

	if (channel_pair(engine) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, life) == -1)
		fatal("%s: socketpair", child->name);
	channel_set_buffers(engine[1], PAIR_BYTES);
	child->pid = fork();
	if (child->pid == -1)
		fatal("fork");
	if (child->pid == 0)
		become(child, engine[1], life[1]);
	close(engine[1]);
	close(life[1]);
	child->life_fd = life[0];
	child->began = mono_read();
	child->attach(child, engine[0]);
}

static void
on_restart(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	start(arg);
}

void
parent_child_start(struct parent_child *child)
{
	child->restart =
	    event_new(child->parent->base, -1, 0, on_restart, child);
	if (child->restart == NULL)
		fatalx("no memory for events");
	start(child);
}

void
parent_child_end(struct parent_child *child)
{
	/* Not asked but told: one that is stuck in its work hears nothing. */
	if (child->pid != 0) {
		close(child->life_fd);
		kill(child->pid, SIGKILL);
	}
	if (child->restart != NULL)
		event_free(child->restart);
	/* Its exit is then nobody's: reaped and forgotten. */
	memset(child, 0, sizeof(*child));
}

static void
restart_later(struct parent_child *child, int status)
{
	struct timeval delay = {0};
	struct mono now = mono_read();

	close(child->life_fd);
	child->pid = 0;
	child->restarts++;
	if (now.ns - child->began.ns > STEADY_NS ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == SENSOR_PROCESS_GONE))
		child->backoff_s = 0;
	child->backoff_s = child->backoff_s == 0 ? 1 : child->backoff_s * 2;
	if (child->backoff_s > BACKOFF_MOST_S)
		child->backoff_s = BACKOFF_MOST_S;
	delay.tv_sec = child->backoff_s;
	if (WIFSIGNALED(status))
		log_warnx("%s: ended by signal %d, again in %u s", child->name,
		    WTERMSIG(status), child->backoff_s);
	else
		log_warnx("%s: ended with status %d, again in %u s",
		    child->name, WEXITSTATUS(status), child->backoff_s);
	event_add(child->restart, &delay);
}

bool
parent_child_ended(struct parent_child *child, pid_t pid, int status)
{
	if (child->pid != pid)
		return false;
	if (!child->parent->is_stopping)
		restart_later(child, status);
	return true;
}
