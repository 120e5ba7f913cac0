/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The parent: the only process with privileges.  It opens the firewall, and
 * what parent_files.c makes, forks the engine, the sensors and the resolver,
 * and then only carries messages to the kernel.  It parses nothing that came
 * from the network.
 */

#include "engine/parent.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "actuators/actuator.h"
#include "engine/channel.h"
#include "engine/log.h"
#include "engine/parent_actuator.h"
#include "engine/parent_state.h"
#include "engine/relay.h"
#include "engine/service.h"
#include "rules/ruleset.h"

#define ADDRESSES_S 2

static void
run_engine(struct parent *p, int parent_fd)
{
	const int keep[] = {parent_fd, p->listen_fd};
	struct service_start start = {
	    .parent_fd = parent_fd,
	    .listen_fd = p->listen_fd,
	    .state_dir = p->ruleset->state_dir,
	    .user = p->ruleset->user,
	    .policy = p->start->policy,
	    .macros = p->start->macros,
	    .nmacros = p->start->nmacros,
	};

	/* The parent alone answers to signals; its end ends this process. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	parent_child_fds(keep, sizeof(keep) / sizeof(keep[0]));
	log_set_process("engine");
	service_run(&start);
}

static void
stop(struct parent *p, int status)
{
	p->is_stopping = true;
	parent_sensors_end(p);
	parent_child_end(&p->resolver);
	channel_free(p->engine);
	/* The engine stores what it has; who starts next finds all free. */
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	relay_drain();
	unlink(p->socket_path);
	p->ops->close(p->actuator);
	log_info("stopped: the firewall's tables stay as they are");
	exit(status);
}

/* sd_notify(3), without its library: one datagram. */
static void
tell_supervisor(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	if (parent_fill_sun(&sun, path) == -1) {
		log_warnx("supervisor's socket %s: path is too long", path);
		return;
	}
	if (sun.sun_path[0] == '@')
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || sendto(fd, text, strlen(text), MSG_NOSIGNAL,
			    (const struct sockaddr *)&sun,
			    (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
					strlen(path))) == -1)
		log_warn("supervisor's socket %s", path);
	if (fd != -1)
		close(fd);
}

static void
on_engine(void *arg, const struct msg *m, int fd)
{
	struct parent *p = arg;

	if (fd != -1)
		fatalx("the engine sent a descriptor");
	switch ((enum msg_type)m->header.type) {
	case MSG_READY:
		tell_supervisor("READY=1");
		log_info("running");
		break;
	case MSG_RELOAD:
		parent_reload(p);
		break;
	case MSG_CHANGES:
		parent_actuator_apply(p, &m->u.changes);
		break;
	case MSG_LIST:
		parent_actuator_list(p, &m->u.list);
		break;
	case MSG_COUPLE:
		parent_actuator_couple(p, m->u.couple.is_coupled != 0);
		break;
	case MSG_VERBOSE:
		log_set_verbose(m->u.verbose.is_verbose != 0);
		break;
	default:
		fatalx("message %u from the engine is not for the parent",
		    m->header.type);
	}
}

static void
log_ended(int status)
{
	/* Its own last words first. */
	relay_drain();
	if (WIFSIGNALED(status))
		log_warnx("the engine was ended by signal %d",
		    WTERMSIG(status));
	else
		log_warnx("the engine ended with status %d",
		    WEXITSTATUS(status));
}

static void
on_engine_gone(void *arg)
{
	struct parent *p = arg;
	int status;

	if (p->is_stopping)
		return;
	if (p->engine_pid != 0 && waitpid(p->engine_pid, &status, 0) > 0)
		log_ended(status);
	p->engine_pid = 0;
	log_warnx("without the engine all stop; the kernel's tables stay");
	stop(p, 1);
}

static void
on_child(evutil_socket_t fd, short what, void *arg)
{
	struct parent *p = arg;
	int status;
	pid_t pid;

	(void)fd;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (parent_sensor_ended(p, pid, status) ||
		    parent_child_ended(&p->resolver, pid, status) ||
		    pid != p->engine_pid)
			continue;
		p->engine_pid = 0;
		log_ended(status);
		on_engine_gone(p);
	}
}

static void
on_stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	stop(arg, 0);
}

static void
on_reload(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	parent_reload(arg);
}

static void
on_status(evutil_socket_t fd, short what, void *arg)
{
	static struct msg m;
	struct parent *p = arg;

	(void)fd;
	(void)what;
	channel_send(p->engine, MSG_STATUS, &m, 0, -1);
}

static void
on_addresses(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	parent_send_never(arg);
}

static void
watch_signal(struct parent *p, int number, event_callback_fn callback)
{
	struct event *event = evsignal_new(p->base, number, callback, p);

	if (event == NULL || event_add(event, NULL) == -1)
		fatalx("no memory for events");
}

static void
start_engine(struct parent *p)
{
	int fds[2];

	if (channel_pair(fds) == -1)
		fatal("socketpair");
	channel_set_buffers(fds[0], 1024 * 1024);
	channel_set_buffers(fds[1], 1024 * 1024);
	p->engine_pid = fork();
	if (p->engine_pid == -1)
		fatal("fork");
	if (p->engine_pid == 0) {
		close(fds[0]);
		run_engine(p, fds[1]);
	}
	close(fds[1]);
	close(p->listen_fd);
	p->engine = channel_new(p->base, fds[0], PROCESS_PARENT, PROCESS_ENGINE,
	    on_engine, on_engine_gone, p);
	if (p->engine == NULL)
		fatalx("no memory for the engine's channel");
}

void
parent_run(const struct parent_start *start, struct ruleset *rs,
    struct policy_text *text)
{
	static struct parent parent;
	struct timeval period = {.tv_sec = ADDRESSES_S};
	struct parent *p = &parent;

	p->start = start;
	p->ruleset = rs;
	p->text = text;
	signal(SIGPIPE, SIG_IGN);
	parent_open_files(p);
	if (!start->is_foreground)
		relay_daemonize();
	p->base = event_base_new();
	if (p->base == NULL)
		fatalx("no event loop");
	relay_start(p->base);
	start_engine(p);
	parent_actuator_open(p);
	watch_signal(p, SIGTERM, on_stop);
	watch_signal(p, SIGINT, on_stop);
	watch_signal(p, SIGHUP, on_reload);
	watch_signal(p, SIGUSR1, on_status);
	watch_signal(p, SIGCHLD, on_child);
	p->addresses = event_new(p->base, -1, EV_PERSIST, on_addresses, p);
	if (p->addresses == NULL || event_add(p->addresses, &period) == -1)
		fatalx("no memory for events");
	parent_send_never(p);
	parent_send_policy(p);
	parent_sensors_update(p);
	parent_resolver_update(p);
	event_base_dispatch(p->base);
	fatalx("the event loop ended");
}
