/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_LANDLOCK_H
#define TRAPLINE_ENGINE_LANDLOCK_H

/*
 * Forbids this process every file, TCP port, abstract socket and foreign
 * process that this kernel's Landlock can forbid (landlock(7)); what is open
 * stays usable.  no_new_privs must be set.  The kernel's version of Landlock;
 * 0 when it has none or has it switched off; -1 with errno.
 */
int landlock_enter(void);

#endif
