/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The registry of sensors, and the counters that all of them keep. */

#include <string.h>

#include "engine/compat.h"
#include "sensors/registry.h"
#include "sensors/sensor.h"

static const struct sensor_ops *const sensors[] = {
    &sensor_pflog,
    &sensor_capture,
#ifdef HAVE_LIBMNL
    &sensor_nflog,
#endif
};

const struct sensor_ops *
sensor_find(enum sensor_type type)
{
	size_t i;

	for (i = 0; i < sizeof(sensors) / sizeof(sensors[0]); i++) {
		if (sensors[i]->type == type)
			return sensors[i];
	}
	return NULL;
}

/* Adds to the count of a reason; the last row takes what has no room. */
void
sensor_stats_add(struct sensor_stats *stats, const char *what, uint64_t count)
{
	size_t i;

	if (count == 0)
		return;
	stats->undecodable += count;
	for (i = 0; i < SENSOR_REASONS_MAX - 1; i++) {
		if (stats->reasons[i].what[0] == '\0')
			strlcpy(stats->reasons[i].what, what,
			    SENSOR_REASON_LEN);
		if (strncmp(stats->reasons[i].what, what,
			SENSOR_REASON_LEN - 1) == 0)
			break;
	}
	if (i == SENSOR_REASONS_MAX - 1)
		strlcpy(stats->reasons[i].what, "other", SENSOR_REASON_LEN);
	stats->reasons[i].count += count;
}

void
sensor_stats_undecodable(struct sensor_stats *stats, const char *what)
{
	sensor_stats_add(stats, what, 1);
}
