/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_CTL_TOP_H
#define TRAPLINE_CTL_TOP_H

/*
 * Shows status, tables, sensors and the last events on the whole terminal,
 * anew every two seconds, until "q".  The exit status.
 */
int top_run(const char *socket);

#endif
