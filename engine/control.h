/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_CONTROL_H
#define TRAPLINE_ENGINE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actuators/actuator.h"
#include "engine/clock.h"
#include "sensors/sensor.h"

struct control;
struct engine;
struct decision;
struct event_base;

/* What the control socket shows of one sensor's process. */
struct control_sensor {
	const char *name;
	bool is_running;
	bool is_waiting; /* for its interface */
	uint64_t restarts;
	uint64_t batches_dropped; /* by a full queue to the engine */
	struct wall since;        /* running since */
	struct sensor_stats stats;
};

/* The daemon's side: what the engine's core does not know itself. */
struct control_status {
	struct wall started;
	struct wall now;
	const struct clock *clock;
	bool is_decoupled;
	const char *firewall;    /* the word */
	size_t pending_changes;  /* not yet confirmed by the parent */
	size_t pending_commits;  /* not yet durable */
	const char *store_error; /* NULL: fine */
	uint64_t store_commits;
	bool is_synced; /* everything wanted was offered since the start */
	struct actuator_counters actuator;
	uint64_t reloads;
	const char *policy; /* path */
};

/*
 * What the control socket asks of the process around it; embedded as the
 * first member of the caller's own struct.
 */
struct control_host {
	void (*status)(struct control_host *, struct control_status *out);
	/* The i-th sensor of the policy; false behind the last. */
	bool (*sensor)(struct control_host *, size_t i,
	    struct control_sensor *out);
	/* Guarded time. */
	struct wall (*now)(struct control_host *);
	/* Asks the parent to reload; control_reloaded() tells how it went. */
	void (*reload)(struct control_host *);
	void (*couple)(struct control_host *, bool is_coupled);
	void (*verbose)(struct control_host *, bool);
	/*
	 * Commits what was decided so far, so that an answer is durable before
	 * it is given.  0, or -1 with the store's reason in control_status.
	 */
	int (*commit)(struct control_host *);
};

/*
 * Serves an already listening, non-blocking Unix socket (taken; closed by
 * control_free()).  Ignores SIGPIPE from here on.  NULL when memory is out.
 */
struct control *control_new(struct event_base *, int listen_fd, struct engine *,
    struct control_host *);
void control_free(struct control *);
/* Tells everybody who monitors. */
void control_decision(struct control *, const struct decision *);
/* Ends a waiting "reload": error NULL when the new policy is in force. */
void control_reloaded(struct control *, const char *error);

#endif
