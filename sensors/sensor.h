/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_SENSOR_H
#define TRAPLINE_SENSORS_SENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "engine/conf.h"
#include "engine/observation.h"

struct sensor;

/* Takes n observations; they are the caller's again when it returns. */
typedef void sensor_sink(void *arg, const struct observation *, size_t n);

#define SENSOR_REASONS_MAX 24
#define SENSOR_REASON_LEN  40

/*
 * What a sensor did since it was opened.  Fixed size: goes to the engine as
 * it is, and from there to "show sensors" and the metrics.
 */
struct sensor_stats {
	uint64_t packets;         /* frames, log entries or messages read */
	uint64_t observations;    /* handed to the sink */
	uint64_t undecodable;     /* sum of reasons[].count */
	uint64_t lost_kernel;     /* packets the kernel says it dropped */
	uint64_t overruns;        /* times the kernel's queue ran over */
	uint64_t duplicates;      /* one packet logged more than once */
	uint64_t flows;           /* connections followed now */
	uint64_t flows_forgotten; /* given up for want of room */
	struct {
		char what[SENSOR_REASON_LEN];
		uint64_t count;
	} reasons[SENSOR_REASONS_MAX]; /* ends at the first empty what */
};

/* Counts one undecodable thing under its reason. */
void sensor_stats_undecodable(struct sensor_stats *, const char *what);
/* Adds count to a reason and to the sum of all. */
void sensor_stats_add(struct sensor_stats *, const char *what, uint64_t count);

struct sensor_ops {
	enum sensor_type type;
	const char *name;   /* the word behind "sensor" in trapline.conf */
	unsigned int kinds; /* OBS_* bits that this sensor can report */

	/*
	 * Opens the source, before the sandbox, with privileges.  *out is
	 * set when it returns 0.  1 when the source does not exist yet and
	 * is to be tried again; -1 with the reason logged.
	 */
	int (*open)(const struct sensor_conf *, struct sensor **out);
	/* File descriptor that turns readable when there is work. */
	int (*fd)(const struct sensor *);
	/*
	 * Reads what is there without blocking and hands it to the sink.
	 * Also wants to be called at least once a second, when nothing came,
	 * so that what timed out is reported.  Bytes that cannot be decoded
	 * are counted, not returned.  0, or -1 when the source is gone.
	 */
	int (*read)(struct sensor *, struct wall now, sensor_sink *, void *arg);
	void (*stats)(struct sensor *, struct sensor_stats *out);
	/* Frees all that open() took; NULL is fine. */
	void (*close)(struct sensor *);
};

/* The registry: NULL when this build has no such sensor. */
const struct sensor_ops *sensor_find(enum sensor_type);

#endif
