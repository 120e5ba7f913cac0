/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The registry of firewalls: one line each.  What this build lacks is found
 * as NULL, and the caller tells the operator so.
 */

#include "actuators/actuator.h"

#include "actuators/firewalls.h"
#include "trapline_config.h"

static const struct actuator_ops *const firewalls[] = {
    &actuator_memory,
#ifdef HAVE_LIBMNL
    &actuator_nft,
#endif
};

const struct actuator_ops *
actuator_find(enum firewall_type type)
{
	size_t i;

	for (i = 0; i < sizeof(firewalls) / sizeof(firewalls[0]); i++) {
		if (firewalls[i]->type == type)
			return firewalls[i];
	}
	return NULL;
}
