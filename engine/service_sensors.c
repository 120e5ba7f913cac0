/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Sensors as the engine sees them: the parent hands in a descriptor for each
 * sensor process, observations arrive on it, and when it ends the engine
 * notices a gap and nothing more.
 */

#include <string.h>

#include "engine/channel.h"
#include "engine/log.h"
#include "engine/service_state.h"
#include "rules/ruleset.h"

static void
take_observations(struct service_sensor *sensor, const struct msg *m)
{
	struct service *s = sensor->service;
	const struct msg_observations *o = &m->u.observations;

	uint32_t i;

	for (i = 0; i < o->n; i++) {
		if (o->observations[i].sensor != sensor->index)
			fatalx("sensor %u spoke for sensor %u: ending",
			    sensor->index, o->observations[i].sensor);
	}
	if (!s->is_loaded)
		return;
	engine_observe(s->engine, o->observations, o->n, service_now(s));
}

static void
on_sensor(void *arg, const struct msg *m, int fd)
{
	struct service_sensor *sensor = arg;

	(void)fd;
	switch ((enum msg_type)m->header.type) {
	case MSG_OBSERVATIONS:
		take_observations(sensor, m);
		break;
	case MSG_SENSOR_STATE:
		sensor->is_running = m->u.sensor_state.is_running != 0;
		sensor->is_waiting = m->u.sensor_state.is_waiting != 0;
		sensor->since = service_now(sensor->service);
		break;
	case MSG_SENSOR_STATS:
		sensor->stats = m->u.sensor_stats.stats;
		sensor->batches_dropped = m->u.sensor_stats.batches_dropped;
		break;
	default:
		fatalx("message %u from a sensor is not for the engine",
		    m->header.type);
	}
}

static void
on_sensor_gone(void *arg)
{
	struct service_sensor *sensor = arg;

	channel_free(sensor->channel);
	sensor->channel = NULL;
	sensor->is_running = false;
	sensor->is_waiting = false;
}

void
service_sensor_attach(struct service *s, const struct msg_sensor_state *m,
    int fd)
{
	struct service_sensor *sensor = &s->sensors[m->index];

	if (fd == -1)
		fatalx("sensor %u: no descriptor came with it", m->index);
	channel_free(sensor->channel);
	memset(sensor, 0, sizeof(*sensor));
	sensor->service = s;
	sensor->index = m->index;
	sensor->restarts = m->restarts;
	sensor->channel = channel_new(s->base, fd, PROCESS_ENGINE,
	    PROCESS_SENSOR, on_sensor, on_sensor_gone, sensor);
	if (sensor->channel == NULL)
		fatalx("sensor %u: no memory for its channel", m->index);
}
