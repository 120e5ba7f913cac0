/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Sensor processes: one each, started by the policy, restarted with a growing
 * delay when they end, ended when the policy loses them.  Each gets one end of
 * a fresh pair whose other end goes to the engine.
 */

#include <sys/socket.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "engine/channel.h"
#include "engine/log.h"
#include "engine/parent_state.h"
#include "engine/sensor_process.h"
#include "rules/ruleset.h"

#define BACKOFF_MOST_S 60
/* A sensor that ran this long starts again with the shortest delay. */
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
child(const struct parent_sensor *sensor, int engine_fd, int life_fd)
{
	const int keep[] = {engine_fd, life_fd};
	struct sensor_process process = {
	    .conf = &sensor->conf,
	    .user = sensor->parent->user,
	    .engine_fd = engine_fd,
	    .parent_fd = life_fd,
	    .restarts = sensor->restarts,
	};

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	parent_child_fds(keep, sizeof(keep) / sizeof(keep[0]));
	log_set_process("sensor");
	sensor_process_run(&process);
}

static void
start(struct parent_sensor *sensor)
{
	static struct msg m;
	int engine[2], life[2];

	if (channel_pair(engine) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, life) == -1)
		fatal("sensor %s: socketpair", sensor->conf.text);
	channel_set_buffers(engine[1], PAIR_BYTES);
	sensor->pid = fork();
	if (sensor->pid == -1)
		fatal("fork");
	if (sensor->pid == 0)
		child(sensor, engine[1], life[1]);
	close(engine[1]);
	close(life[1]);
	sensor->life_fd = life[0];
	sensor->began = mono_read();
	memset(&m.u.sensor_state, 0, sizeof(m.u.sensor_state));
	m.u.sensor_state.index = sensor->conf.index;
	m.u.sensor_state.restarts = sensor->restarts;
	channel_send(sensor->parent->engine, MSG_SENSOR_ATTACH, &m,
	    sizeof(m.u.sensor_state), engine[0]);
}

static void
on_restart(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	start(arg);
}

/* Not asked but told: one that is stuck in its work hears nothing. */
static void
end(struct parent_sensor *sensor)
{
	if (sensor->pid != 0) {
		close(sensor->life_fd);
		kill(sensor->pid, SIGKILL);
	}
	if (sensor->restart != NULL)
		event_free(sensor->restart);
	/* Its exit is then nobody's: reaped and forgotten. */
	memset(sensor, 0, sizeof(*sensor));
}

void
parent_sensors_update(struct parent *p)
{
	const struct ruleset *rs = p->ruleset;
	struct parent_sensor *sensor;
	size_t i;

	for (i = 0; i < SENSORS_MAX; i++) {
		sensor = &p->sensors[i];
		if (sensor->conf.text[0] != '\0' &&
		    (i >= rs->nsensors ||
			strcmp(sensor->conf.text, rs->sensors[i].text) != 0))
			end(sensor);
	}
	for (i = 0; i < rs->nsensors; i++) {
		sensor = &p->sensors[i];
		if (rs->sensors[i].text[0] == '\0' ||
		    sensor->conf.text[0] != '\0')
			continue;
		sensor->conf = rs->sensors[i];
		sensor->conf.index = (uint8_t)i;
		sensor->parent = p;
		sensor->restart = event_new(p->base, -1, 0, on_restart, sensor);
		if (sensor->restart == NULL)
			fatalx("no memory for events");
		start(sensor);
	}
}

void
parent_sensors_end(struct parent *p)
{
	size_t i;

	for (i = 0; i < SENSORS_MAX; i++)
		end(&p->sensors[i]);
}

static void
restart_later(struct parent_sensor *sensor, int status)
{
	struct timeval delay = {0};
	struct mono now = mono_read();

	close(sensor->life_fd);
	sensor->pid = 0;
	sensor->restarts++;
	if (now.ns - sensor->began.ns > STEADY_NS ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == SENSOR_PROCESS_GONE))
		sensor->backoff_s = 0;
	sensor->backoff_s = sensor->backoff_s == 0 ? 1 : sensor->backoff_s * 2;
	if (sensor->backoff_s > BACKOFF_MOST_S)
		sensor->backoff_s = BACKOFF_MOST_S;
	delay.tv_sec = sensor->backoff_s;
	if (WIFSIGNALED(status))
		log_warnx("sensor %s: ended by signal %d, again in %u s",
		    sensor->conf.text, WTERMSIG(status), sensor->backoff_s);
	else
		log_warnx("sensor %s: ended with status %d, again in %u s",
		    sensor->conf.text, WEXITSTATUS(status), sensor->backoff_s);
	event_add(sensor->restart, &delay);
}

bool
parent_sensor_ended(struct parent *p, pid_t pid, int status)
{
	size_t i;

	for (i = 0; i < SENSORS_MAX; i++) {
		if (p->sensors[i].pid != pid)
			continue;
		if (!p->is_stopping)
			restart_later(&p->sensors[i], status);
		return true;
	}
	return false;
}
