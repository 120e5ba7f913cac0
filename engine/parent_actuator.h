/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_PARENT_ACTUATOR_H
#define TRAPLINE_ENGINE_PARENT_ACTUATOR_H

#include <stdbool.h>

#include "engine/msg.h"

struct parent;

/* The parent's hands: the one actuator that it opened for the firewall. */

/* Opens it; ends the process when there is no way. */
void parent_actuator_open(struct parent *);
/*
 * Brings the firewall in line with the policy in force; while decoupled it is
 * left as it is.  0, or -1 with the reason logged.
 */
int parent_actuator_reconfigure(struct parent *);
void parent_actuator_couple(struct parent *, bool is_coupled);
void parent_actuator_apply(struct parent *, const struct msg_changes *);
void parent_actuator_list(struct parent *, const struct msg_list *);

#endif
