/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_SENSOR_PROCESS_H
#define TRAPLINE_ENGINE_SENSOR_PROCESS_H

#include <stdint.h>

#include "engine/compat.h"

struct sensor_conf;

/* What a sensor's process is born with. */
struct sensor_process {
	const struct sensor_conf *conf;
	const char *user;
	int engine_fd; /* where observations go; SOCK_SEQPACKET */
	int parent_fd; /* end of file: the parent is gone */
	uint64_t restarts;
};

/* Exit status that means: the source went away, look for it again. */
#define SENSOR_PROCESS_GONE 3

/*
 * Opens the source, waiting for it if it is not there yet, gives up all
 * privileges, enters the sandbox, and reads until the source or the parent is
 * gone.
 */
void sensor_process_run(const struct sensor_process *) NO_RETURN;

#endif
