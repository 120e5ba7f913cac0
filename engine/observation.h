/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_OBSERVATION_H
#define TRAPLINE_ENGINE_OBSERVATION_H

#include <stdint.h>

#include "engine/clock.h"
#include "engine/prefix.h"

/* What a sensor can say about a source; bits, so that a rule takes several. */
enum obs_kind {
	OBS_PASSED = 1 << 0,      /* the firewall logged a packet it passed */
	OBS_BLOCKED = 1 << 1,     /* the firewall logged a packet it dropped */
	OBS_OPENED = 1 << 2,      /* first SYN or new state; may be forged */
	OBS_ESTABLISHED = 1 << 3, /* handshake completed: the source is real */
	OBS_CLOSED = 1 << 4,      /* what was opened or established is gone */
	OBS_TRAPPED = 1 << 5,
	OBS_WHITELISTED = 1 << 6,
	OBS_GREYLISTED = 1 << 7,
	OBS_LISTED = 1 << 8, /* a feed named it */
};

enum obs_dir {
	OBS_DIR_UNKNOWN, /* the sensor cannot know: matches in and out */
	OBS_DIR_IN,
	OBS_DIR_OUT,
};

enum obs_flag {
	/*
	 * A packet that opens nothing: TCP without SYN, or SYN with ACK, or a
	 * later fragment.  Rules about logged packets do not count it.
	 */
	OBS_NOT_FIRST = 1 << 0,
};

#define OBS_NAME_LEN 16

/*
 * One thing that a sensor saw about one source at one time.  Fixed size; goes
 * as it is from a sensor's process to the engine's on the same machine.
 * Integers are in host byte order.  Names are padded with NUL and terminated.
 */
struct observation {
	struct wall time;
	/*
	 * OBS_CLOSED only: when the connection was established, or ms 0 when
	 * it never was; and when it was opened.
	 */
	struct wall established;
	struct wall opened;
	struct addr src;
	struct addr dst;
	uint16_t kind;     /* one enum obs_kind */
	uint16_t src_port; /* TCP and UDP only, else 0 */
	uint16_t dst_port;
	uint16_t passed; /* OBS_WHITELISTED: mails passed */
	uint8_t proto;   /* IP protocol number, 0 if there is none */
	uint8_t dir;     /* enum obs_dir */
	uint8_t flags;   /* enum obs_flag */
	uint8_t sensor;  /* index into the rule set's sensors */
	/* Empty where unknown; an unknown interface matches every "on". */
	char ifname[OBS_NAME_LEN];
	char anchor[OBS_NAME_LEN];
};

/* The word for a kind as the policy language and events write it. */
const char *obs_kind_name(enum obs_kind);

#endif
