/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_TESTS_UNIT_STORE_DIR_H
#define TRAPLINE_TESTS_UNIT_STORE_DIR_H

#include <sys/stat.h>

#include <stdio.h>
#include <unistd.h>

/* A directory for one store: set-up and tear-down of the store's tests. */

static char dir[64];
static char path[96];

/* Every test has a directory of its own. */
static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/trapline-store-%ld", (long)getpid());
	if (mkdir(dir, 0700) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/store.db", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-journal", "-shm"};
	char name[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
	return rmdir(dir);
}

#endif
