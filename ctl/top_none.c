/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* "top" of a build without curses: says so. */

#include <err.h>

#include "ctl/top.h"

int
top_run(const char *socket)
{
	(void)socket;
	warnx("top: this traplinectl was built without curses");
	return 1;
}
