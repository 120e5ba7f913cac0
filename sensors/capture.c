/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * sensor capture on IF: a span port, or any interface, whose TCP handshakes
 * trapline follows itself.  Only headers are captured.
 */

#include "sensors/pcap_sensor.h"
#include "sensors/registry.h"

/* Ethernet with four VLAN tags, IPv6 with some extensions, TCP's flags. */
#define CAPTURE_SNAPLEN 128

static int
capture_open(const struct sensor_conf *conf, struct sensor **out)
{
	return pcap_sensor_open(conf, CAPTURE_SNAPLEN, false, out);
}

const struct sensor_ops sensor_capture = {
    .type = SENSOR_CAPTURE,
    .name = "capture",
    .kinds = OBS_OPENED | OBS_ESTABLISHED | OBS_CLOSED,
    .open = capture_open,
    .fd = pcap_sensor_fd,
    .read = pcap_sensor_read,
    .stats = pcap_sensor_stats,
    .close = pcap_sensor_close,
};
