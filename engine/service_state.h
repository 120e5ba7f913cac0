/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_SERVICE_STATE_H
#define TRAPLINE_ENGINE_SERVICE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/queue.h>

#include "engine/clock.h"
#include "engine/control.h"
#include "engine/engine.h"
#include "engine/msg.h"

/*
 * The inside of the engine's process, shared by service.c (loop and time),
 * service_policy.c (policy, restoring), service_kernel.c (changes to the
 * firewall, synchronisation), service_sensors.c, service_resolver.c and
 * service_control.c.
 */

struct channel;
struct event;
struct event_base;
struct journal;
struct policy_text;
struct store;

/* Changes that the parent has not confirmed yet. */
struct flight {
	TAILQ_ENTRY(flight) link;
	uint32_t serial;
	uint32_t n;
	uint32_t nreleases;
	struct change releases[]; /* to be struck from the store */
};

enum sync_state {
	SYNC_IDLE,
	SYNC_REMOVALS, /* replaying what should have left the kernel */
	SYNC_LIST,     /* learning what small tables hold */
	SYNC_OFFER,    /* adding everything that is wanted */
};

struct service_sensor {
	struct channel *channel;
	struct service *service;
	uint8_t index;
	bool is_running, is_waiting;
	uint64_t restarts, batches_dropped;
	struct wall since;
	struct sensor_stats stats;
};

/* The control socket's way back to the service. */
struct service_host {
	struct control_host host; /* first */
	struct service *service;
};

struct service {
	struct engine_output out; /* first: the core hands it back */
	struct service_host host;
	const struct service_start *start;
	struct event_base *base;
	struct channel *parent;
	struct engine *engine;
	struct store *store;
	struct journal *journal;
	struct control *control;
	struct event *turn;   /* end of a turn of the loop */
	struct event *commit; /* a few ms after the first thing to commit */
	struct event *tick;   /* time goes on */
	struct event *retry;  /* the kernel refused something */

	struct clock clock;
	struct wall started, clock_stored;
	uint64_t steps_told;

	struct policy_text *policy; /* arriving */
	uint64_t reloads;
	uint32_t npolicies; /* that were loaded */
	bool is_loaded, is_ready, is_decoupled, was_coupled_by_hand;

	struct msg_changes batch;
	uint32_t serial;
	TAILQ_HEAD(, flight) flights;
	size_t nflights;
	enum sync_state sync;
	bool sync_wants_list, sync_again, is_offering, is_replaying;
	bool was_refused; /* since the synchronisation began */
	int64_t retry_ms;
	uint64_t sync_cursor, sync_offered;
	struct mono sync_began, syncs_counted;
	unsigned int nsyncs; /* since they were last counted from 0 */
	struct actuator_counters actuator;

	int64_t log_second; /* and how many decisions came in it */
	unsigned int log_told;
	bool store_failed;
	uint64_t commits;
	int64_t commit_took_ns; /* the last one */
	struct service_sensor sensors[SENSORS_MAX];
	struct channel *resolver; /* NULL: none runs */
};

/* service.c */
struct wall service_now(struct service *);
/* At the end of this turn: changes to the kernel, then the store. */
void service_turn(struct service *);
int service_commit(struct service *);
/* Name of a table that lasts as long as the process. */
const char *service_table_name(struct service *, uint16_t table);

/* service_policy.c */
void service_policy_file(struct service *, const struct msg_policy_file *);
void service_policy_load(struct service *, const struct msg_policy_load *);
void service_never(struct service *, const struct msg_never *);

/* service_kernel.c */
void service_change(struct service *, const struct change *);
void service_send_changes(struct service *);
void service_changes_done(struct service *, const struct msg_changes_done *);
void service_found(struct service *, const struct msg_found *);
/*
 * The numbers of tables change: what is on its way stays in the store as to be
 * removed, and is looked at by the next synchronisation.
 */
void service_forget_releases(struct service *);
/* Offers everything again; with_list also asks what small tables hold. */
void service_sync(struct service *, bool with_list);
void service_couple(struct service *, bool is_coupled);

/* service_sensors.c */
void service_sensor_attach(struct service *, const struct msg_sensor_state *,
    int fd);

/* service_resolver.c */
void service_resolver_attach(struct service *, int fd);

/* service_control.c */
void service_control_init(struct service *);

#endif
