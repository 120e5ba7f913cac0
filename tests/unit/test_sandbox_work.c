/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What libpcap, libmnl and libevent do all day must be possible inside the
 * sandbox: a live capture whose interface is taken away, an NFLOG group, an
 * event loop with signals, timers and a served socket.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "trapline_config.h"

#ifdef HAVE_LIBSECCOMP

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "engine/clock.h"
#include "engine/sandbox.h"
#include "sensors/sensor.h"

#define SKIPPED 77

/* Runs the check in a child; it ends by exit(), as processes do. */
static void
run(int (*check)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		exit(check());
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

/* Runs ip(8) with these words; its exit status. */
static int
ip(const char *const *words)
{
	char *argv[16] = {NULL};
	int status;
	size_t i;
	pid_t pid;

	for (i = 0; i < 15 && words[i] != NULL; i++)
		argv[i] = strdup(words[i]);
	pid = fork();
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	while (i > 0)
		free(argv[--i]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *const add_link[] = {"ip", "link", "add", "t0", "type",
    "veth", "peer", "name", "t1", NULL};
static const char *const set_up[] = {"ip", "link", "set", "t0", "up", NULL};
static const char *const set_peer_up[] = {"ip", "link", "set", "t1", "up",
    NULL};
static const char *const add_address[] = {"ip", "addr", "add", "192.0.2.1/24",
    "dev", "t0", NULL};
static const char *const set_down[] = {"ip", "link", "set", "t0", "down", NULL};
static const char *const delete_link[] = {"ip", "link", "del", "t0", NULL};

/* Outside the sandbox: takes the interface away when a byte comes. */
static void
wait_and_remove_link(int fd)
{
	char byte;

	/* Down first: the socket then reports that, and no more. */
	if (read(fd, &byte, 1) == 1 && ip(set_down) == 0)
		ip(delete_link);
	_exit(0);
}

static void
ignore(void *arg, const struct observation *o, size_t n)
{
	(void)arg;
	(void)o;
	(void)n;
}

/* A broadcast leaves by t0 without anybody being asked for an address. */
static int
open_sender(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), yes = 1;

	to.sin_addr.s_addr = htonl(0xc00002ff);
	if (setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)) == -1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		return -1;
	return fd;
}

/* Reads until there was a packet, then until the source is gone. */
static int
capture_until_gone(const struct sensor_ops *ops, struct sensor *s, int sender,
    int remover)
{
	struct pollfd pfd = {.fd = ops->fd(s), .events = POLLIN};
	struct sensor_stats stats = {0};
	struct wall now = wall_read();
	int result = 0, tries = 0;

	if (send(sender, "x", 1, 0) != 1)
		return 10;
	while (stats.packets == 0) {
		if (poll(&pfd, 1, 5000) != 1 ||
		    ops->read(s, now, ignore, NULL) == -1)
			return 11;
		ops->stats(s, &stats);
	}
	if (write(remover, "x", 1) != 1)
		return 12;
	while (result == 0) {
		/* An interface may go without the socket's saying so. */
		if (poll(&pfd, 1, 1000) != 1 && tries++ == 5)
			return 13;
		result = ops->read(s, now, ignore, NULL);
	}
	ops->stats(s, &stats);
	ops->close(s);
	return 0;
}

static int
check_capture(void)
{
	const struct sensor_ops *ops = sensor_find(SENSOR_CAPTURE);
	struct sensor_conf conf = {.type = SENSOR_CAPTURE, .ifname = "t0"};
	struct sensor *s = NULL;
	int fds[2], sender;

	if (unshare(CLONE_NEWNET) == -1 || ip(add_link) != 0 ||
	    ip(set_up) != 0 || ip(set_peer_up) != 0 || ip(add_address) != 0) {
		printf("no network namespace of one's own: %s\n",
		    strerror(errno));
		return SKIPPED;
	}
	sender = open_sender();
	if (ops == NULL || ops->open(&conf, &s) != 0 || pipe(fds) == -1 ||
	    sender == -1)
		return 1;
	if (fork() == 0) {
		/* So that it ends with the other, however that ends. */
		close(fds[1]);
		wait_and_remove_link(fds[0]);
	}
	sandbox_enter(SANDBOX_SENSOR);
	return capture_until_gone(ops, s, sender, fds[1]);
}

static void
a_capture_runs_until_its_interface_is_gone(void **state)
{
	(void)state;
	run(check_capture);
}

static int
check_nflog(void)
{
	const struct sensor_ops *ops = sensor_find(SENSOR_NFLOG);
	struct sensor_conf conf = {.type = SENSOR_NFLOG, .group = 5};
	struct sensor_stats stats;
	struct sensor *s = NULL;
	int i;

	if (ops == NULL || unshare(CLONE_NEWNET) == -1 ||
	    ops->open(&conf, &s) != 0) {
		printf("no NFLOG here: %s\n", strerror(errno));
		return SKIPPED;
	}
	sandbox_enter(SANDBOX_SENSOR);
	for (i = 0; i < 3; i++) {
		if (ops->read(s, wall_read(), ignore, NULL) == -1)
			return 1;
	}
	ops->stats(s, &stats);
	ops->close(s);
	return 0;
}

static void
an_nflog_group_is_read(void **state)
{
	(void)state;
	run(check_nflog);
}

/* What one turn of the daemon's loop may meet. */
struct loop {
	struct event_base *base;
	struct bufferevent *client;
	int signals;
	int ticks;
};

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	(void)fd;
	(void)what;
	l->signals++;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	(void)fd;
	(void)what;
	l->ticks++;
}

/* Echoes what the client said, then the loop ends with the client. */
static void
on_read(struct bufferevent *b, void *arg)
{
	(void)arg;
	bufferevent_write_buffer(b, bufferevent_get_input(b));
}

static void
on_end(struct bufferevent *b, short what, void *arg)
{
	struct loop *l = arg;

	(void)what;
	bufferevent_free(b);
	event_base_loopbreak(l->base);
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *sa, int len, void *arg)
{
	struct loop *l = arg;

	(void)listener;
	(void)sa;
	(void)len;
	l->client = bufferevent_socket_new(l->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(l->client, on_read, NULL, on_end, l);
	bufferevent_enable(l->client, EV_READ | EV_WRITE);
	raise(SIGHUP);
}

/* Outside the sandbox: says something and wants it back. */
static void
talk(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char back[4] = "";

	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == -1 ||
	    write(fd, "abc", 4) != 4 || read(fd, back, 4) != 4 ||
	    strcmp(back, "abc") != 0)
		_exit(1);
	_exit(0);
}

static int
check_loop(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval soon = {0, 1000};
	struct evconnlistener *listener;
	struct event *signal_event, *timer;
	struct loop l = {.base = event_base_new()};

	snprintf(sun.sun_path, sizeof(sun.sun_path),
	    "/tmp/trapline-loop-%ld.sock", (long)getpid());
	listener = evconnlistener_new_bind(l.base, on_accept, &l,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 5,
	    (struct sockaddr *)&sun, sizeof(sun));
	if (listener == NULL)
		return 1;
	signal_event = evsignal_new(l.base, SIGHUP, on_signal, &l);
	event_add(signal_event, NULL);
	if (fork() == 0)
		talk(&sun);
	/* The path is of no more use once somebody is connected to it. */
	sandbox_enter(SANDBOX_ENGINE);
	timer = event_new(l.base, -1, EV_PERSIST, on_tick, &l);
	event_add(timer, &soon);
	event_base_dispatch(l.base);
	event_free(timer);
	event_free(signal_event);
	evconnlistener_free(listener);
	event_base_free(l.base);
	return l.client != NULL && l.signals == 1 ? 0 : 2;
}

static void
an_event_loop_serves_a_socket(void **state)
{
	char path[64];
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		exit(check_loop());
	waitpid(pid, &status, 0);
	snprintf(path, sizeof(path), "/tmp/trapline-loop-%ld.sock", (long)pid);
	unlink(path);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_capture_runs_until_its_interface_is_gone),
	    cmocka_unit_test(an_nflog_group_is_read),
	    cmocka_unit_test(an_event_loop_serves_a_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int
main(void)
{
	printf("built without libseccomp: the sandbox cannot be tested\n");
	return 0;
}

#endif
