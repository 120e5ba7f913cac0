/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ACTUATORS_FIREWALLS_H
#define TRAPLINE_ACTUATORS_FIREWALLS_H

#include "actuators/actuator.h"

/* What the registry knows; callers use actuator_find(). */
extern const struct actuator_ops actuator_memory;
extern const struct actuator_ops actuator_nft;

#endif
