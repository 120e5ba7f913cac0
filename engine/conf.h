/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_CONF_H
#define TRAPLINE_ENGINE_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/compat.h"
#include "engine/observation.h"

/*
 * What the policy says about one table, one sensor, the firewall: plain
 * values that the rules hand to those who carry them out.
 */

/* pf's own limit, PF_TABLE_NAME_SIZE, with the NUL. */
#define TABLE_NAME_LEN 32
/* Tables and sensors of one policy; indexes fit the fixed-size messages. */
#define TABLES_MAX      256
#define SENSORS_MAX     64
#define SENSOR_TEXT_LEN 64
/* A host name's 253 bytes (RFC 1123, section 2.1), with the NUL. */
#define HOST_NAME_LEN 254
/* Host names of one policy. */
#define HOST_NAMES_MAX 256

#define EXPIRE_NEVER INT64_MAX

/* The control socket, where no "set socket" says otherwise. */
#define SOCKET_DEFAULT COMPAT_RUN_DIR "/traplined.sock"

enum table_enforce {
	ENFORCE_NONE,
	ENFORCE_BLOCK,
};

struct table_conf {
	char name[TABLE_NAME_LEN]; /* empty: this index is not in use */
	int64_t expire_s;          /* EXPIRE_NEVER without "expire" */
	bool from_first;           /* a term counts from the first offence */
	enum table_enforce enforce;
};

enum sensor_type {
	SENSOR_PFLOG,
	SENSOR_NFLOG,
	SENSOR_CAPTURE,
};

struct sensor_conf {
	/* As written behind "sensor"; empty: this index is not in use. */
	char text[SENSOR_TEXT_LEN];
	enum sensor_type type;
	char ifname[OBS_NAME_LEN]; /* pflog, capture */
	uint16_t group;            /* nflog */
	uint16_t seen;             /* nflog: OBS_PASSED or OBS_BLOCKED */
	bool log_new;              /* nflog: our own table logs new ones */
	uint8_t index;             /* what observations carry */
};

enum firewall_type {
	FIREWALL_MEMORY,
	FIREWALL_NFT,
	FIREWALL_PF,
};

/* The word behind "firewall" in the policy. */
const char *firewall_name(enum firewall_type);

#endif
