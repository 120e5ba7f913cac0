/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The control socket: accepts connections, cuts what comes into lines, hands
 * them to a session each, and writes what the sessions say.  A reader that is
 * slow pauses its own answers and, through a full buffer, its own commands;
 * one that monitors and does not read is told that it is dropped, and is.
 * Clients are trusted as far as the socket's mode goes, but no bytes of
 * theirs may stop, block or fill the engine.
 */

#include "engine/control.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "engine/control_protocol.h"
#include "engine/control_session.h"
#include "engine/decision.h"
#include "engine/json.h"
#include "engine/log.h"

/* Input that waits for its turn; the rest waits in the kernel. */
#define IN_FULL 65536
/* What waits to be written when more of an answer is made. */
#define OUT_LOW 16384
/* A monitor that has so much unread is dropped. */
#define MONITOR_FULL 1048576
/* So long it has to read that it was. */
#define FAREWELL_S 5
/* Accepting rests so long when descriptors are out. */
#define ACCEPT_REST_S 1

struct client {
	struct control *control;
	size_t slot;
	struct bufferevent *bev;
	struct control_session session;
	bool is_skipping; /* the rest of a line that is too long */
	bool is_eof;
	bool is_leaving; /* was told so; goes once that is written */
};

struct control {
	struct event_base *base;
	struct engine *engine;
	struct control_host *host;
	struct event *accepting;
	struct event *resting;
	int listen_fd;
	struct client *clients[CONTROL_CLIENTS_MAX];
};

static void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	c->control->clients[c->slot] = NULL;
	if (c->bev != NULL)
		bufferevent_free(c->bev);
	free(c);
}

/*
 * Takes one line out of the input.  1 and its length without the newline; 0
 * when there is none yet; -1 for one that was too long, which is gone.
 */
static int
client_take_line(struct client *c, char line[CONTROL_LINE_MAX], size_t *len)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct evbuffer_ptr end;

	end = evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF);
	if (end.pos == -1) {
		if (evbuffer_get_length(in) >= CONTROL_LINE_MAX) {
			evbuffer_drain(in, evbuffer_get_length(in));
			c->is_skipping = true;
		}
		return 0;
	}
	*len = (size_t)end.pos;
	if (c->is_skipping || *len >= CONTROL_LINE_MAX) {
		evbuffer_drain(in, *len + 1);
		c->is_skipping = false;
		return -1;
	}
	evbuffer_remove(in, line, *len);
	line[*len] = '\0';
	evbuffer_drain(in, 1);
	return 1;
}

/* One step of the conversation.  False when nothing can be done now. */
static bool
client_step(struct client *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	char line[CONTROL_LINE_MAX];
	size_t len;

	if (evbuffer_get_length(out) >= CONTROL_OUT_FULL)
		return false;
	if (c->session.state == CONTROL_ANSWERING) {
		control_session_more(&c->session);
		return true;
	}
	if (!control_session_wants_line(&c->session))
		return false;
	switch (client_take_line(c, line, &len)) {
	case 1:
		control_session_line(&c->session, line, len);
		return true;
	case -1:
		control_session_overlong(&c->session);
		return true;
	default:
		return false;
	}
}

/* Goes on with the conversation as far as it goes; may free the client. */
static void
client_run(struct client *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	while (!c->is_leaving && client_step(c))
		;
	if (!c->is_eof && !c->is_leaving)
		return;
	/* Lines that wait for room to answer are no cut. */
	if (!c->is_leaving && evbuffer_get_length(out) < CONTROL_OUT_FULL &&
	    c->session.state == CONTROL_LOADING)
		control_session_eof(&c->session);
	if (evbuffer_get_length(out) == 0 &&
	    (c->is_leaving || c->session.state == CONTROL_IDLE ||
		c->session.state == CONTROL_MONITORING))
		client_free(c);
}

static void
client_readable(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;

	(void)bev;
	/* Who monitors or leaves has nothing more to say. */
	if (c->is_leaving || c->session.state == CONTROL_MONITORING) {
		struct evbuffer *in = bufferevent_get_input(bev);

		evbuffer_drain(in, evbuffer_get_length(in));
		return;
	}
	client_run(c);
}

static void
client_writable(struct bufferevent *bev, void *arg)
{
	(void)bev;
	client_run(arg);
}

static void
client_happened(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;

	(void)bev;
	if ((what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_READING) != 0) {
		c->is_eof = true;
		client_run(c);
		return;
	}
	client_free(c);
}

static void
tell_full(int fd)
{
	char line[200];

	snprintf(line, sizeof(line),
	    "{\"ok\":false,\"error\":\"%d connections are open: no more\"}\n",
	    CONTROL_CLIENTS_MAX);
	(void)send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static struct client *
client_new(struct control *control, size_t slot, int fd)
{
	struct client *c = calloc(1, sizeof(*c));
	char by[32] = "operator";
	unsigned long uid;

	if (c == NULL)
		return NULL;
	c->control = control;
	c->slot = slot;
	c->bev = bufferevent_socket_new(control->base, fd,
	    BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (c->bev == NULL) {
		free(c);
		return NULL;
	}
	if (compat_peer_uid(fd, &uid) == 0)
		snprintf(by, sizeof(by), "uid %lu", uid);
	control_session_init(&c->session, control->engine, control->host,
	    bufferevent_get_output(c->bev), by);
	bufferevent_setwatermark(c->bev, EV_READ, 0, IN_FULL);
	bufferevent_setwatermark(c->bev, EV_WRITE, OUT_LOW, 0);
	bufferevent_setcb(c->bev, client_readable, client_writable,
	    client_happened, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	return c;
}

static void
take_client(struct control *control, int fd)
{
	size_t slot;

	for (slot = 0; slot < CONTROL_CLIENTS_MAX; slot++) {
		if (control->clients[slot] == NULL)
			break;
	}
	if (slot == CONTROL_CLIENTS_MAX) {
		tell_full(fd);
		close(fd);
		return;
	}
	control->clients[slot] = client_new(control, slot, fd);
	if (control->clients[slot] == NULL) {
		log_warnx("control: memory is out: a connection was closed");
		close(fd);
	}
}

static void
accept_ready(evutil_socket_t listen_fd, short what, void *arg)
{
	static const struct timeval rest = {ACCEPT_REST_S, 0};
	struct control *control = arg;
	int fd;

	(void)what;
	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		take_client(control, fd);
		return;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	/* The connection still waits: trying at once would spin. */
	log_warn("control: accept");
	event_del(control->accepting);
	event_add(control->resting, &rest);
}

static void
accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct control *control = arg;

	(void)fd;
	(void)what;
	event_add(control->accepting, NULL);
}

struct control *
control_new(struct event_base *base, int listen_fd, struct engine *engine,
    struct control_host *host)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL) {
		close(listen_fd);
		return NULL;
	}
	control->base = base;
	control->engine = engine;
	control->host = host;
	control->listen_fd = listen_fd;
	control->accepting = event_new(base, listen_fd, EV_READ | EV_PERSIST,
	    accept_ready, control);
	control->resting = evtimer_new(base, accept_again, control);
	if (control->accepting == NULL || control->resting == NULL ||
	    event_add(control->accepting, NULL) == -1) {
		control_free(control);
		return NULL;
	}
	/* A client that goes while we write is no reason to die. */
	signal(SIGPIPE, SIG_IGN);
	return control;
}

void
control_free(struct control *control)
{
	size_t i;

	if (control == NULL)
		return;
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		client_free(control->clients[i]);
	if (control->accepting != NULL)
		event_free(control->accepting);
	if (control->resting != NULL)
		event_free(control->resting);
	close(control->listen_fd);
	free(control);
}

static void
client_drop(struct client *c)
{
	static const struct timeval farewell = {FAREWELL_S, 0};
	struct evbuffer *out = bufferevent_get_output(c->bev);

	control_error(&c->session,
	    "dropped: more than %d bytes of events were not read",
	    MONITOR_FULL);
	c->is_leaving = true;
	bufferevent_setwatermark(c->bev, EV_WRITE, 0, 0);
	bufferevent_set_timeouts(c->bev, NULL, &farewell);
	log_info("control: a monitor that left %zu bytes unread is dropped",
	    evbuffer_get_length(out));
}

void
control_decision(struct control *control, const struct decision *decision)
{
	char line[DECISION_STRLEN + 1];
	size_t i, len;

	len = decision_json(decision, line, DECISION_STRLEN);
	line[len++] = '\n';
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *c = control->clients[i];

		if (c == NULL || c->session.state != CONTROL_MONITORING)
			continue;
		evbuffer_add(c->session.out, line, len);
		if (evbuffer_get_length(c->session.out) > MONITOR_FULL)
			client_drop(c);
	}
}

void
control_reloaded(struct control *control, const char *error)
{
	size_t i;

	/* What they say next is read when this was written. */
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i] != NULL)
			control_session_reloaded(&control->clients[i]->session,
			    error);
	}
}
