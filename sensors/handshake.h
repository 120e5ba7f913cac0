/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_HANDSHAKE_H
#define TRAPLINE_SENSORS_HANDSHAKE_H

#include <stddef.h>
#include <stdint.h>

#include "sensors/sensor.h"

struct packet;

/*
 * Follows TCP handshakes in captured packets: OBS_OPENED at a first SYN,
 * OBS_ESTABLISHED when the initiator has acknowledged the answer's sequence
 * number, OBS_CLOSED when the connection is over or was given up.  The
 * initiator is always the source.
 *
 * OBS_CLOSED carries the times of the observations that it takes back: opened
 * is 0 when OBS_OPENED was not reported (the SYN was not seen), established
 * is 0 when OBS_ESTABLISHED was not.
 */
struct handshake;

/* How many flows each tier may hold. */
struct handshake_caps {
	uint32_t syn;
	uint32_t syn_ack;
	uint32_t established;
};

#define HANDSHAKE_SYN_CAP         65536
#define HANDSHAKE_SYN_ACK_CAP     65536
#define HANDSHAKE_ESTABLISHED_CAP 262144

/*
 * caps		each at least 1
 * template	sensor and ifname of every observation
 *
 * NULL when memory is out.
 */
struct handshake *handshake_new(const struct handshake_caps *caps,
    const struct observation *template);
void handshake_free(struct handshake *);
/* Takes one packet; anything but whole TCP headers is ignored. */
void handshake_packet(struct handshake *, struct wall, const struct packet *,
    sensor_sink *, void *arg);
/*
 * Gives up what has been idle for too long.  Called before each packet too,
 * with its time; a time before the latest one counts as the latest one.
 */
void handshake_advance(struct handshake *, struct wall now, sensor_sink *,
    void *arg);
/* Flows followed now, in all tiers. */
size_t handshake_flows(const struct handshake *);
/* Flows given up for want of room since the start. */
uint64_t handshake_forgotten(const struct handshake *);

#endif
