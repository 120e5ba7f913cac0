/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Sensor processes: one each, started by the policy, ended when the policy
 * loses them.
 */

#include <string.h>

#include "engine/channel.h"
#include "engine/log.h"
#include "engine/parent_state.h"
#include "engine/sensor_process.h"
#include "rules/ruleset.h"

static void
run(struct parent_child *child, int engine_fd, int life_fd)
{
	const struct parent_sensor *sensor = (struct parent_sensor *)child;
	struct sensor_process process = {
	    .conf = &sensor->conf,
	    .user = child->parent->user,
	    .engine_fd = engine_fd,
	    .parent_fd = life_fd,
	    .restarts = child->restarts,
	};

	log_set_process("sensor");
	sensor_process_run(&process);
}

static void
attach(struct parent_child *child, int fd)
{
	const struct parent_sensor *sensor = (struct parent_sensor *)child;
	static struct msg m;

	memset(&m.u.sensor_state, 0, sizeof(m.u.sensor_state));
	m.u.sensor_state.index = sensor->conf.index;
	m.u.sensor_state.restarts = child->restarts;
	channel_send(child->parent->engine, MSG_SENSOR_ATTACH, &m,
	    sizeof(m.u.sensor_state), fd);
}

static void
start(struct parent *p, size_t i)
{
	struct parent_sensor *sensor = &p->sensors[i];

	sensor->conf = p->ruleset->sensors[i];
	sensor->conf.index = (uint8_t)i;
	strlcpy(sensor->child.name, "sensor ", sizeof(sensor->child.name));
	strlcat(sensor->child.name, sensor->conf.text,
	    sizeof(sensor->child.name));
	sensor->child.parent = p;
	sensor->child.run = run;
	sensor->child.attach = attach;
	parent_child_start(&sensor->child);
}

void
parent_sensors_update(struct parent *p)
{
	const struct ruleset *rs = p->ruleset;
	struct parent_sensor *sensor;
	size_t i;

	for (i = 0; i < SENSORS_MAX; i++) {
		sensor = &p->sensors[i];
		if (sensor->conf.text[0] == '\0' ||
		    (i < rs->nsensors &&
			strcmp(sensor->conf.text, rs->sensors[i].text) == 0))
			continue;
		parent_child_end(&sensor->child);
		memset(&sensor->conf, 0, sizeof(sensor->conf));
	}
	for (i = 0; i < rs->nsensors; i++) {
		if (rs->sensors[i].text[0] != '\0' &&
		    p->sensors[i].conf.text[0] == '\0')
			start(p, i);
	}
}

void
parent_sensors_end(struct parent *p)
{
	size_t i;

	for (i = 0; i < SENSORS_MAX; i++)
		parent_child_end(&p->sensors[i].child);
}

bool
parent_sensor_ended(struct parent *p, pid_t pid, int status)
{
	size_t i;

	for (i = 0; i < SENSORS_MAX; i++) {
		if (parent_child_ended(&p->sensors[i].child, pid, status))
			return true;
	}
	return false;
}
