/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_CTL_CLIENT_H
#define TRAPLINE_CTL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/control_protocol.h"

/* A connection to the control socket. */
struct client {
	int fd;
	const char *path;
	char in[2 * CONTROL_ANSWER_MAX];
	size_t used; /* bytes in in */
};

/* Connects.  0, or -1 with the reason and what to do about it on stderr. */
int client_open(struct client *, const char *path);
void client_close(struct client *);

/*
 * Takes one line of the answer, NUL terminated, without its newline.  False
 * ends client_talk(): the answer is over.
 */
typedef bool client_line(void *arg, const char *line, size_t len);

/*
 * Sends the bytes and hands out what is answered, both at once, so that
 * neither side waits for the other for ever.  0 when a line ended it; -1 when
 * the connection is gone, said on stderr.
 */
int client_talk(struct client *, const char *bytes, size_t len, client_line *,
    void *arg);
/*
 * Hands out the whole lines that are there, without blocking.  0, or -1 when
 * the connection is gone.
 */
int client_read(struct client *, client_line *, void *arg);

#endif
