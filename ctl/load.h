/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_CTL_LOAD_H
#define TRAPLINE_CTL_LOAD_H

#include <stddef.h>

/* A file of prefixes, read whole: what is sent, and where it came from. */
struct load {
	const char *path;
	char *bytes; /* "load TABLE N\n" and N lines */
	size_t len, size;
	unsigned int *lines; /* of the file, for each line that is sent */
	size_t n, room;
};

/*
 * Reads a file of one prefix a line; "#" begins a comment, blank lines are
 * skipped; "-" is standard input.  0; -1 when it cannot be read, or has lines
 * that are no prefix: all are said as FILE:LINE: text on stderr.
 */
int load_read(struct load *, const char *table, const char *path);
void load_free(struct load *);
/* The line of the file that the i-th sent line, from 1, came from; 0: none. */
unsigned int load_line(const struct load *, size_t i);

#endif
