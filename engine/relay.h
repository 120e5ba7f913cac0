/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_RELAY_H
#define TRAPLINE_ENGINE_RELAY_H

struct event_base;

/*
 * Leaves the terminal: the caller goes on in the background, with its log in
 * syslog, and standard error, the children's too, is a pipe.
 */
void relay_daemonize(void);
/* Carries lines from that pipe to syslog; nothing without relay_daemonize(). */
void relay_start(struct event_base *);
/* Carries what is in the pipe now: before this process says its last. */
void relay_drain(void);

#endif
