/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_PARENT_STATE_H
#define TRAPLINE_ENGINE_PARENT_STATE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/msg.h"
#include "engine/parent.h"

/*
 * The inside of the parent, shared by parent.c (start, loop), parent_files.c,
 * parent_actuator.c, parent_policy.c (policy, "never"), parent_child.c
 * (processes that are kept alive), parent_sensors.c and parent_resolver.c.
 */

struct actuator;
struct actuator_ops;
struct channel;
struct event;
struct event_base;
struct hostaddrs_watch;

/* A process that is kept alive and how it fared; all zero: none is. */
struct parent_child {
	char name[SENSOR_TEXT_LEN + 8]; /* for messages */
	struct parent *parent;
	/* In the new process: does its work, and does not come back. */
	void (*run)(struct parent_child *, int engine_fd, int life_fd);
	/* Hands the engine its end of the pair, which it takes. */
	void (*attach)(struct parent_child *, int fd);
	pid_t pid;   /* 0: not running */
	int life_fd; /* closing it ends the process */
	uint64_t restarts;
	unsigned int backoff_s;
	struct mono began;
	struct event *restart;
};

/* One sensor's process. */
struct parent_sensor {
	struct parent_child child; /* first: its functions are handed it */
	struct sensor_conf conf;   /* empty text: none */
};

struct parent {
	const struct parent_start *start;
	struct ruleset *ruleset;
	struct policy_text *text;
	struct event_base *base;
	struct channel *engine;
	pid_t engine_pid;
	const struct actuator_ops *ops;
	struct actuator *actuator;
	struct event *notice, *addresses, *counters;
	struct parent_sensor sensors[SENSORS_MAX];
	struct parent_child resolver;
	struct actuator_counters told;
	struct hostaddrs_watch *never_watch;
	struct msg_never_member *never;
	size_t nnever;
	char *user; /* of the start: a reload changes none of these */
	char *socket_path;
	int listen_fd;
	uint32_t npolicies; /* that were sent to the engine */
	bool is_stopping;
	bool is_coupled;   /* the firewall may be touched */
	bool is_unfit;     /* it could not be made to fit the policy yet */
	bool never_is_old; /* the host's addresses could not all be read */
};

/* parent_files.c */
/* The user, the state directory and the control socket; ends the process. */
void parent_open_files(struct parent *);
/* The address of a socket's path.  0, or -1: the path is too long. */
struct sockaddr_un;
int parent_fill_sun(struct sockaddr_un *, const char *path);

/* parent_policy.c */
void parent_send_policy(struct parent *);
/* Reads the policy again; whole, or the old one stays. */
void parent_reload(struct parent *);
/* Tells the engine of the automatic "never" if they changed. */
void parent_send_never(struct parent *);

/* parent_child.c */
/* Starts one whose first four fields are set, and keeps it alive. */
void parent_child_start(struct parent_child *);
/* Ends it if it runs, and clears it. */
void parent_child_end(struct parent_child *);
/* True when it was this one, which is then started again after a while. */
bool parent_child_ended(struct parent_child *, pid_t, int status);
/* In a fresh child: keeps the listed descriptors and closes all others. */
void parent_child_fds(const int *keep, size_t n);

/* parent_resolver.c */
/* Ends it, and starts another if the policy has names. */
void parent_resolver_update(struct parent *);

/* parent_sensors.c */
/* Starts what the policy has and does not run, ends what it lost. */
void parent_sensors_update(struct parent *);
/* Ends all of them; they are still to be waited for. */
void parent_sensors_end(struct parent *);
/* True when the process was one of the sensors'. */
bool parent_sensor_ended(struct parent *, pid_t, int status);

#endif
