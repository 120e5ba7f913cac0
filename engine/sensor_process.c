/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * A sensor's process: hostile bytes come in by the sensor's descriptor,
 * fixed-size observations go out in batches.  When the engine does not keep
 * up, batches are dropped and counted; this process never blocks on it, so
 * that the kernel's own queue is always drained.
 */

#include "engine/sensor_process.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "engine/log.h"
#include "engine/msg.h"
#include "engine/privdrop.h"
#include "engine/sandbox.h"
#include "sensors/sensor.h"

/* How often a silent sensor is asked what timed out, and tells its counts. */
#define IDLE_MS 1000

struct outlet {
	int fd;
	uint64_t batches_dropped;
	struct msg out;
};

/* True when the whole message was taken. */
static bool
post(struct outlet *o, enum msg_type type, size_t len)
{
	ssize_t done;

	o->out.header.type = type;
	o->out.header.len = (uint32_t)len;
	do
		done = send(o->fd, &o->out, sizeof(o->out.header) + len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	while (done == -1 && errno == EINTR);
	if (done == -1 && errno != EAGAIN && errno != ENOBUFS)
		_exit(0); /* the engine is gone: so are we all */
	return done != -1;
}

static void
post_batch(struct outlet *o)
{
	uint32_t n = o->out.u.observations.n;

	if (n == 0)
		return;
	if (!post(o, MSG_OBSERVATIONS, msg_observations_len(n)))
		o->batches_dropped++;
	o->out.u.observations.n = 0;
}

static void
take(void *arg, const struct observation *obs, size_t n)
{
	struct outlet *o = arg;
	struct msg_observations *batch = &o->out.u.observations;
	size_t i;

	for (i = 0; i < n; i++) {
		if (batch->n == MSG_OBS_MAX)
			post_batch(o);
		batch->observations[batch->n++] = obs[i];
	}
}

static void
post_state(struct outlet *o, const struct sensor_process *p, bool is_waiting)
{
	struct msg_sensor_state *state = &o->out.u.sensor_state;

	memset(state, 0, sizeof(*state));
	state->index = p->conf->index;
	state->is_running = !is_waiting;
	state->is_waiting = is_waiting;
	state->restarts = p->restarts;
	post(o, MSG_SENSOR_STATE, sizeof(*state));
	o->out.u.observations.n = 0;
}

static void
post_stats(struct outlet *o, const struct sensor_ops *ops,
    struct sensor *sensor)
{
	struct msg_sensor_stats *stats = &o->out.u.sensor_stats;

	memset(stats, 0, sizeof(*stats));
	stats->batches_dropped = o->batches_dropped;
	ops->stats(sensor, &stats->stats);
	post(o, MSG_SENSOR_STATS, sizeof(*stats));
	o->out.u.observations.n = 0;
}

/* Ends this process when the parent is gone; waits at most timeout_ms. */
static void
check_parent(int parent_fd, int timeout_ms)
{
	struct pollfd pfd = {.fd = parent_fd, .events = POLLIN};

	if (poll(&pfd, 1, timeout_ms) > 0)
		_exit(0);
}

static struct sensor *
wait_for_source(struct outlet *o, const struct sensor_process *p,
    const struct sensor_ops *ops)
{
	struct sensor *sensor = NULL;
	bool was_told = false;
	int result;

	while ((result = ops->open(p->conf, &sensor)) == 1) {
		if (!was_told) {
			log_info("sensor %s: waiting for it to appear",
			    p->conf->text);
			post_state(o, p, true);
			was_told = true;
		}
		check_parent(p->parent_fd, IDLE_MS);
	}
	if (result == -1)
		_exit(1);
	return sensor;
}

static void
read_source(struct outlet *o, const struct sensor_process *p,
    const struct sensor_ops *ops, struct sensor *sensor)
{
	struct pollfd pfds[2] = {
	    {.fd = ops->fd(sensor), .events = POLLIN},
	    {.fd = p->parent_fd, .events = POLLIN},
	};
	struct mono told = mono_read(), now;

	for (;;) {
		if (poll(pfds, 2, IDLE_MS) == -1 && errno != EINTR)
			fatal("poll");
		if (pfds[1].revents != 0)
			_exit(0);
		if (ops->read(sensor, wall_read(), take, o) == -1) {
			post_batch(o);
			log_warnx("sensor %s: its source is gone",
			    p->conf->text);
			_exit(SENSOR_PROCESS_GONE);
		}
		post_batch(o);
		now = mono_read();
		if (now.ns - told.ns >= (int64_t)IDLE_MS * 1000000) {
			post_stats(o, ops, sensor);
			told = now;
		}
	}
}

void
sensor_process_run(const struct sensor_process *p)
{
	static struct outlet outlet;
	const struct sensor_ops *ops = sensor_find(p->conf->type);
	struct sensor *sensor;

	if (ops == NULL)
		fatalx("sensor %s: not in this build", p->conf->text);
	outlet.fd = p->engine_fd;
	sensor = wait_for_source(&outlet, p, ops);
	privdrop(p->user, NULL);
	sandbox_enter(SANDBOX_SENSOR);
	log_info("sensor %s: running", p->conf->text);
	post_state(&outlet, p, false);
	read_source(&outlet, p, ops, sensor);
	_exit(0);
}
