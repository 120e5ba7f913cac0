/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Giving up root on OpenBSD and NetBSD: user numbers are all there is to give
 * up, and a process that changed them is not open to debuggers of the same
 * user.
 */

#include "engine/privdrop.h"

#include <stdio.h>

void
privdrop_advise(const char *user, char *out)
{
	snprintf(out, PRIVDROP_ADVICE_LEN,
	    "useradd -d /var/empty -s /sbin/nologin %.32s", user);
}

void
privdrop_seal(void)
{
}
