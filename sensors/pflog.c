/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * sensor pflog on IF: what pf logs, from a pflog(4) device.  pf keeps no
 * history and logs nothing while nobody reads, so the sensor opens early and
 * stays; a device that does not exist yet, or is not up, is waited for.
 */

#include "sensors/pcap_sensor.h"
#include "sensors/registry.h"

/* The longest header, IPv6 and a TCP header with all its options. */
#define PFLOG_SNAPLEN 256

static int
pflog_open(const struct sensor_conf *conf, struct sensor **out)
{
	return pcap_sensor_open(conf, PFLOG_SNAPLEN, true, out);
}

const struct sensor_ops sensor_pflog = {
    .type = SENSOR_PFLOG,
    .name = "pflog",
    .kinds = OBS_PASSED | OBS_BLOCKED,
    .open = pflog_open,
    .fd = pcap_sensor_fd,
    .read = pcap_sensor_read,
    .stats = pcap_sensor_stats,
    .close = pcap_sensor_close,
};
