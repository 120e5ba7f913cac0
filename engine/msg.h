/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_MSG_H
#define TRAPLINE_ENGINE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actuators/actuator.h"
#include "engine/buf.h"
#include "engine/change.h"
#include "engine/host_names.h"
#include "engine/observation.h"
#include "engine/prefix.h"
#include "sensors/sensor.h"

/*
 * Everything that trapline's processes say to each other.  A message is a
 * struct msg_header and one of the structs below, as they lie in memory: both
 * ends are the same program on the same machine.  Each travels as one packet
 * of a SOCK_SEQPACKET pair.  msg_check() says whether it may be believed.
 */

enum process {
	PROCESS_PARENT,
	PROCESS_ENGINE,
	PROCESS_SENSOR,
	PROCESS_RESOLVER,
};

enum msg_type {
	/* parent to engine */
	MSG_POLICY_FILE = 1, /* a piece of a file of the policy */
	MSG_POLICY_LOAD,     /* all files were sent: load them */
	MSG_POLICY_REFUSED,  /* a reload failed, with the reasons */
	MSG_SENSOR_ATTACH,   /* carries a descriptor */
	MSG_RESOLVER_ATTACH, /* carries a descriptor */
	MSG_NEVER,
	MSG_CHANGES_DONE,
	MSG_FOUND,
	MSG_DAMAGED, /* somebody disturbed the kernel's tables */
	MSG_COUNTERS,
	MSG_STATUS, /* SIGUSR1: log a line */
	/* engine to parent */
	MSG_READY,
	MSG_RELOAD,
	MSG_CHANGES,
	MSG_LIST,
	MSG_VERBOSE,
	MSG_COUPLE,
	/* sensor to engine */
	MSG_SENSOR_STATE,
	MSG_OBSERVATIONS,
	MSG_SENSOR_STATS,
	/* resolver to engine */
	MSG_NAME,
};

/* Most bytes of a message, header included. */
#define MSG_MAX         65536
#define MSG_TEXT_MAX    32768
#define MSG_PATH_LEN    1024
#define MSG_CHANGES_MAX 2000
#define MSG_FOUND_MAX   1024
#define MSG_NEVER_MAX   512
#define MSG_OBS_MAX     256
#define MSG_WHY_LEN     24

struct msg_header {
	uint32_t type; /* enum msg_type */
	uint32_t len;  /* bytes behind the header */
};

struct msg_policy_file {
	char path[MSG_PATH_LEN]; /* NUL terminated */
	uint32_t offset;         /* where the piece belongs */
	uint32_t total;          /* bytes of the whole file */
	uint32_t n;
	char bytes[MSG_TEXT_MAX];
};

struct msg_policy_load {
	char path[MSG_PATH_LEN]; /* the main file */
};

struct msg_text {
	char text[MSG_TEXT_MAX]; /* NUL terminated */
};

struct msg_sensor_state {
	uint64_t restarts;
	uint8_t index;
	uint8_t is_running;
	uint8_t is_waiting; /* for its source to appear */
};

struct msg_never_member {
	struct prefix prefix;
	char why[MSG_WHY_LEN]; /* NUL terminated */
};

struct msg_never {
	uint32_t n;
	uint8_t is_first, is_last; /* piece of the whole set */
	struct msg_never_member members[MSG_NEVER_MAX];
};

struct msg_changes {
	uint32_t serial;
	uint32_t policy; /* by which tables are numbered: the how manieth */
	uint32_t n;
	struct change changes[MSG_CHANGES_MAX];
};

struct msg_changes_done {
	uint32_t serial;
	uint32_t applied; /* of n; fewer: offer everything again */
};

struct msg_list {
	uint32_t most; /* entries of a table that is worth listing */
};

struct msg_found_entry {
	int64_t remaining_ms;
	struct prefix prefix;
	uint16_t table;
};

struct msg_found {
	uint32_t n;
	uint8_t is_last;
	struct msg_found_entry entries[MSG_FOUND_MAX];
};

struct msg_verbose {
	uint8_t is_verbose;
};

/* Whether the firewall is to be touched. */
struct msg_couple {
	uint8_t is_coupled;
};

struct msg_observations {
	uint32_t n;
	struct observation observations[MSG_OBS_MAX];
};

struct msg_sensor_stats {
	uint64_t batches_dropped;
	struct sensor_stats stats;
};

/* Any message, for receiving. */
struct msg {
	struct msg_header header;
	union {
		struct msg_policy_file policy_file;
		struct msg_policy_load policy_load;
		struct msg_text text;
		struct msg_sensor_state sensor_state;
		struct msg_never never;
		struct msg_changes changes;
		struct msg_changes_done changes_done;
		struct msg_list list;
		struct msg_found found;
		struct msg_verbose verbose;
		struct msg_couple couple;
		struct msg_observations observations;
		struct msg_sensor_stats sensor_stats;
		struct actuator_counters counters;
		struct host_name_answer name;
	} u;
};

/*
 * Judges a received message of len bytes: its type, whether `from` may send
 * it to `to`, its length, and that every count, index, text and prefix in it
 * is within bounds.  0, or -1 with the reason: the sender is broken or
 * hostile, and the receiver must not go on.
 */
int msg_check(const struct msg *, size_t len, enum process from,
    enum process to, struct decode_error *err);

/* Bytes behind the header of a message with n elements. */
size_t msg_policy_file_len(uint32_t n);
size_t msg_never_len(uint32_t n);
size_t msg_changes_len(uint32_t n);
size_t msg_found_len(uint32_t n);
size_t msg_observations_len(uint32_t n);

#endif
