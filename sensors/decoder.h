/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_DECODER_H
#define TRAPLINE_SENSORS_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sensors/sensor.h"

/*
 * Captured packets to observations, for live sensors and for replay alike:
 * the link type chooses between the pflog decoder, the nflog decoder and the
 * handshake tracker.
 */
struct decoder;

struct decoder_conf {
	int link_type;             /* LINKTYPE_ number of a capture file */
	bool is_swapped;           /* as pcap_source_is_swapped() says */
	uint8_t sensor;            /* goes into every observation */
	char ifname[OBS_NAME_LEN]; /* goes in where the packet names none */
	uint16_t seen; /* nflog: kind of a group that groups[] lacks */
	struct {
		uint16_t group;
		uint16_t seen;
		uint8_t sensor;
	} groups[SENSORS_MAX]; /* nflog: what each group's entries mean */
	size_t ngroups;
};

/* True when decoder_new() knows the link type. */
bool decoder_supports(int link_type);
/* NULL when memory is out or the link type is not supported. */
struct decoder *decoder_new(const struct decoder_conf *);
void decoder_free(struct decoder *);
/*
 * Decodes one captured packet of len bytes (of wire_len on the wire) and
 * hands 0 or more observations to the sink, in the order of time.
 */
void decoder_packet(struct decoder *, struct wall time, const uint8_t *bytes,
    size_t len, size_t wire_len, sensor_sink *, void *arg);
/* Reports connections whose time is up at now. */
void decoder_advance(struct decoder *, struct wall now, sensor_sink *,
    void *arg);
/* Adds what was counted so far to out. */
void decoder_stats(const struct decoder *, struct sensor_stats *out);

#endif
