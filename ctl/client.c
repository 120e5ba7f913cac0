/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The connection to the control socket.  Commands go out as the daemon takes
 * them while answers are read, so a long load with a long list of complaints
 * cannot lock both sides up.
 */

#include "ctl/client.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/compat.h"

/* Says why it could not connect, and what that usually means. */
static void
explain(const char *path)
{
	int error = errno;

	if (error == ENOENT)
		warnx("%s: there is no such socket: is traplined running? "
		      "(another socket: -s)",
		    path);
	else if (error == ECONNREFUSED)
		warnx("%s: nobody listens there: traplined is not running",
		    path);
	else if (error == EACCES || error == EPERM)
		warnx("%s: permission denied: only root and the socket's "
		      "group may (see ls -l %s)",
		    path, path);
	else
		warnx("%s: %s", path, strerror(error));
}

int
client_open(struct client *c, const char *path)
{
	struct sockaddr_un sun;
	int flags;

	memset(c, 0, sizeof(*c));
	c->path = path;
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		warnx("%s: longer than a socket's path may be", path);
		c->fd = -1;
		return -1;
	}
	c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (c->fd == -1 ||
	    connect(c->fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		explain(path);
		client_close(c);
		return -1;
	}
	flags = fcntl(c->fd, F_GETFL);
	if (flags == -1 || fcntl(c->fd, F_SETFL, flags | O_NONBLOCK) == -1) {
		warn("fcntl");
		client_close(c);
		return -1;
	}
	return 0;
}

void
client_close(struct client *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}

/* Hands out the lines in the buffer; false when a line ended the answer. */
static bool
hand_out(struct client *c, client_line *line, void *arg)
{
	char *start = c->in, *end;
	bool goes_on = true;

	while (goes_on && (end = memchr(start, '\n',
			       c->used - (size_t)(start - c->in))) != NULL) {
		*end = '\0';
		goes_on = line(arg, start, (size_t)(end - start));
		start = end + 1;
	}
	c->used -= (size_t)(start - c->in);
	memmove(c->in, start, c->used);
	return goes_on;
}

/* Reads what there is.  1, 0 when nothing is, -1 at the end. */
static int
fill(struct client *c)
{
	ssize_t n;

	if (c->used == sizeof(c->in))
		return -1;
	n = read(c->fd, c->in + c->used, sizeof(c->in) - c->used);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	c->used += (size_t)n;
	return 1;
}

int
client_read(struct client *c, client_line *line, void *arg)
{
	int got;

	while ((got = fill(c)) == 1) {
		if (!hand_out(c, line, arg))
			return 0;
	}
	return got;
}

/* Sends what the socket takes.  0, or -1 when the other side is gone. */
static int
push(struct client *c, const char **bytes, size_t *len)
{
	ssize_t n = send(c->fd, *bytes, *len, MSG_NOSIGNAL);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	*bytes += n;
	*len -= (size_t)n;
	return 0;
}

int
client_talk(struct client *c, const char *bytes, size_t len, client_line *line,
    void *arg)
{
	struct pollfd pfd = {.fd = c->fd};
	bool is_deaf = false;

	for (;;) {
		pfd.events = POLLIN;
		if (len > 0 && !is_deaf)
			pfd.events |= POLLOUT;
		if (poll(&pfd, 1, -1) == -1) {
			if (errno == EINTR)
				continue;
			warn("poll");
			return -1;
		}
		/* It may have said why before it stopped listening. */
		if ((pfd.revents & POLLOUT) != 0 && push(c, &bytes, &len) == -1)
			is_deaf = true;
		if ((pfd.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
			continue;
		if (fill(c) == -1) {
			warnx("%s: traplined ended the connection before the "
			      "answer was whole",
			    c->path);
			return -1;
		}
		if (!hand_out(c, line, arg))
			return 0;
	}
}
