/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The words for what an observation can be. */

#include "engine/observation.h"

const char *
obs_kind_name(enum obs_kind kind)
{
	switch (kind) {
	case OBS_PASSED:
		return "passed";
	case OBS_BLOCKED:
		return "blocked";
	case OBS_OPENED:
		return "opened";
	case OBS_ESTABLISHED:
		return "established";
	case OBS_CLOSED:
		return "closed";
	case OBS_TRAPPED:
		return "trapped";
	case OBS_WHITELISTED:
		return "whitelisted";
	case OBS_GREYLISTED:
		return "greylisted";
	case OBS_LISTED:
		return "listed";
	}
	return "unknown";
}
