/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Logging of a daemon whose children may open nothing: they write lines that
 * begin with "<N>" to standard error, a pipe, and the parent puts them into
 * syslog.  The pipe never blocks a writer; a line that finds it full is lost.
 * A sensor that was taken over may write anything, without end: what is not
 * text is made visible, and each turn of the loop takes a bounded part.
 */

#include "engine/relay.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "engine/log.h"

/* Read in one turn of the loop, and the longest line. */
#define LINES_MAX_BYTES 65536

static int read_end = -1;
static struct evbuffer *lines;

void
relay_daemonize(void)
{
	int fds[2];

	if (pipe(fds) == -1 || fcntl(fds[0], F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(fds[1], F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(fds[0], F_SETFD, FD_CLOEXEC) == -1)
		fatal("pipe");
	openlog("traplined", LOG_NDELAY | LOG_PID, LOG_DAEMON);
	/* Keeps standard error until the background process stands. */
	if (daemon(0, 1) == -1)
		fatal("daemon");
	if (dup2(fds[1], STDERR_FILENO) == -1 ||
	    dup2(fds[1], STDOUT_FILENO) == -1)
		fatal("dup2");
	close(fds[1]);
	read_end = fds[0];
	log_init(LOG_TO_SYSLOG, "parent", log_is_verbose());
}

static void
relay_line(char *line)
{
	int priority = LOG_INFO;
	char *c;

	/* No process of ours says anything worse than fatal() does. */
	if (line[0] == '<' && line[1] >= '0' + LOG_CRIT && line[1] <= '7' &&
	    line[2] == '>') {
		priority = line[1] - '0';
		line += 3;
	}
	for (c = line; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			*c = '?';
	}
	syslog(priority, "%s", line);
}

/* A pipe holds no more than this reads. */
static void
on_lines(evutil_socket_t fd, short what, void *arg)
{
	char *line;

	(void)what;
	(void)arg;
	if (evbuffer_read(lines, fd, LINES_MAX_BYTES) <= 0)
		return;
	while ((line = evbuffer_readln(lines, NULL, EVBUFFER_EOL_LF)) != NULL) {
		relay_line(line);
		free(line);
	}
	if (evbuffer_get_length(lines) >= LINES_MAX_BYTES)
		evbuffer_drain(lines, LINES_MAX_BYTES);
}

void
relay_drain(void)
{
	if (lines != NULL)
		on_lines(read_end, 0, NULL);
}

void
relay_start(struct event_base *base)
{
	struct event *event;

	if (read_end == -1)
		return;
	lines = evbuffer_new();
	event = event_new(base, read_end, EV_READ | EV_PERSIST, on_lines, NULL);
	if (lines == NULL || event == NULL || event_add(event, NULL) == -1)
		fatalx("no memory for the log");
}
