/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The host's own list of names, /etc/hosts: an address and its names a line,
 * "#" starts a comment.  It is the administrator's and read with care all the
 * same; what does not look like that is skipped, as the C library does.
 */

#include "engine/hosts_file.h"

#include <stdio.h>
#include <string.h>

#include "engine/prefix.h"

#define BLANKS " \t\r\n"
/* The rest of a longer line is taken for a line of its own, and skipped. */
#define LINE_MOST 4096

/* Cuts the first word off and moves *line behind it; NULL: there is none. */
static char *
next_word(char **line)
{
	char *word = *line + strspn(*line, BLANKS);
	size_t len = strcspn(word, BLANKS);

	if (len == 0)
		return NULL;
	*line = word + len;
	if (**line != '\0')
		*(*line)++ = '\0';
	return word;
}

static void
read_line(char *line, hosts_file_visit *visit, void *arg)
{
	const char *word;
	struct addr addr;

	line[strcspn(line, "#")] = '\0';
	word = next_word(&line);
	if (word == NULL || addr_parse(word, &addr) == -1)
		return;
	while ((word = next_word(&line)) != NULL)
		visit(arg, &addr, word);
}

int
hosts_file_read(const char *path, hosts_file_visit *visit, void *arg)
{
	FILE *file = fopen(path, "re");
	char line[LINE_MOST];

	if (file == NULL)
		return -1;
	while (fgets(line, sizeof(line), file) != NULL)
		read_line(line, visit, arg);
	fclose(file);
	return 0;
}
