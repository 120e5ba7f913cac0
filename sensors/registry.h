/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_REGISTRY_H
#define TRAPLINE_SENSORS_REGISTRY_H

#include "sensors/sensor.h"

/* One block of functions a sensor; sensors.c lists those that were built. */
extern const struct sensor_ops sensor_pflog;
extern const struct sensor_ops sensor_capture;
extern const struct sensor_ops sensor_nflog;

#endif
