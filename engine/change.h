/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_CHANGE_H
#define TRAPLINE_ENGINE_CHANGE_H

#include <stdint.h>

#include "engine/prefix.h"

enum change_kind {
	CHANGE_HOLD,    /* the entry appeared */
	CHANGE_EXTEND,  /* it lasts longer than was said before */
	CHANGE_RELEASE, /* it is gone */
};

/* CHANGE_HOLD and CHANGE_EXTEND without expiry. */
#define CHANGE_FOREVER INT64_MAX

/* What an actuator is told; fixed size, travels between processes. */
struct change {
	int64_t remaining_ms; /* until expiry; CHANGE_FOREVER; 0 on release */
	struct prefix prefix;
	uint8_t kind;   /* enum change_kind */
	uint16_t table; /* index into the rule set's tables */
};

#endif
