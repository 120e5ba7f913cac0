/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_PCAP_SENSOR_H
#define TRAPLINE_SENSORS_PCAP_SENSOR_H

#include <stdbool.h>

#include "sensors/sensor.h"

/*
 * What the sensors that read an interface through libpcap share: all of
 * struct sensor_ops but open().
 *
 * wants_log	the interface must be a pflog device, or must not be one
 */
int pcap_sensor_open(const struct sensor_conf *, int snaplen, bool wants_log,
    struct sensor **out);
int pcap_sensor_fd(const struct sensor *);
int pcap_sensor_read(struct sensor *, struct wall now, sensor_sink *,
    void *arg);
void pcap_sensor_stats(struct sensor *, struct sensor_stats *out);
void pcap_sensor_close(struct sensor *);

#endif
