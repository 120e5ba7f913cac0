/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The sandbox of systems for which trapline knows none: it says so. */

#include "engine/sandbox.h"

#include "engine/log.h"

void
sandbox_enter(enum sandbox_profile profile)
{
	(void)profile;
	log_warnx("sandbox: none on this system:"
		  " nothing but chroot and the user confines this process");
}
