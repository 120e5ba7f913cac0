/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What is this file?  SQLite takes an empty file, or another program's
 * database, for its own and writes to it; so before it is let near one, the
 * first hundred bytes are read here: SQLite's magic, the application's number
 * and the version of the schema.  Nothing here ever writes to a file that has
 * content.
 */

#include "engine/store_check.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/buf.h"

#define HEADER_LEN     100
#define VERSION_AT     60
#define APPLICATION_AT 68

static const char magic[16] = "SQLite format 3";

const char *
store_check_numbers(uint32_t application_id, uint32_t version)
{
	if (application_id != STORE_APPLICATION_ID)
		return "another program's database, not a trapline store";
	if (version > STORE_VERSION)
		return "written by a newer trapline, which must be used for it";
	if (version < STORE_VERSION)
		return "a trapline store without a version, so damaged";
	return NULL;
}

const char *
store_check_header(const uint8_t *bytes, size_t n)
{
	struct buf b = buf_make(bytes, n), at;
	uint32_t application_id, version;

	if (n < sizeof(magic) || memcmp(bytes, magic, sizeof(magic)) != 0)
		return "not a trapline store";
	at = b;
	if (buf_skip(&at, VERSION_AT) == -1 ||
	    buf_get_be32(&at, &version) == -1)
		return "damaged: its header is cut short";
	at = b;
	if (buf_skip(&at, APPLICATION_AT) == -1 ||
	    buf_get_be32(&at, &application_id) == -1 || n < HEADER_LEN)
		return "damaged: its header is cut short";
	return store_check_numbers(application_id, version);
}

/* The file's beginning is judged; errno's text where reading fails. */
static const char *
check_content(int fd)
{
	uint8_t header[HEADER_LEN];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	n = pread(fd, header, sizeof(header), 0);
	if (n == -1)
		return strerror(errno);
	if (n == 0)
		return NULL;
	return store_check_header(header, (size_t)n);
}

int
store_check(const char *path, char *error, size_t size)
{
	const char *why;
	int fd;

	/* Not blocking: somebody's fifo must not hang the start. */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
	    0600);
	if (fd == -1) {
		snprintf(error, size, "%s: %s", path, strerror(errno));
		return -1;
	}
	why = check_content(fd);
	close(fd);
	if (why == NULL)
		return 0;
	snprintf(error, size, "%s: %s", path, why);
	return -1;
}
