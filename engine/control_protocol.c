/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The words of the control protocol: one table that the server runs its
 * commands by and that traplinectl checks its arguments and prints its usage
 * with.
 */

#include "engine/control_protocol.h"

#include <string.h>

const struct control_word control_words[] = {
    {"show status", NULL, 0, 0, "how the daemon is"},
    {"show tables", NULL, 0, 0, "the tables and how many entries they have"},
    {"show table", "NAME", 1, 1, "the entries of a table"},
    {"show source", "ADDR", 1, 1, "who holds an address, why, until when"},
    {"show rules", NULL, 0, 0, "the rules and how many sources each tracks"},
    {"show sensors", NULL, 0, 0, "what the sensors read and lost"},
    {"show never", NULL, 0, 0, "what nobody may hold"},
    {"show pardons", NULL, 0, 0, "the pardons in force"},
    {"show neighbors", NULL, 0, 0, "BGP neighbors"},
    {"show redis", NULL, 0, 0, "the Redis connection"},
    {"show queues", NULL, 0, 0, "the queues"},
    {"add", "TABLE PREFIX [for TIME]", 2, 4, "hold a prefix"},
    {"delete", "TABLE PREFIX", 2, 2, "let one entry go"},
    {"pardon", "ADDR [for TIME]", 1, 3, "let it go and keep it free"},
    {"flush", "TABLE", 1, 1, "let a whole table go"},
    {"load", "TABLE FILE", 2, 2, "hold every prefix in a file"},
    {"check", "ADDR", 1, 1, "is it held, and would it be"},
    {"couple", NULL, 0, 0, "touch the firewall (again)"},
    {"decouple", NULL, 0, 0, "decide and show, touch nothing"},
    {"reload", NULL, 0, 0, "read the policy again"},
    {"monitor", NULL, 0, 0, "events as they happen"},
    {"metrics", NULL, 0, 0, "OpenMetrics text"},
    {"log", "brief|verbose", 1, 1, "how much the daemon logs"},
    {NULL, NULL, 0, 0, NULL},
};

/* How many of the words are this name; 0: they are not. */
static int
name_words(const char *name, char *const *words, int n)
{
	size_t len = strlen(words[0]);

	if (strncmp(name, words[0], len) != 0)
		return 0;
	if (name[len] == '\0')
		return 1;
	if (name[len] != ' ' || n < 2)
		return 0;
	return strcmp(name + len + 1, words[1]) == 0 ? 2 : 0;
}

int
control_word_find(char *const *words, int n, int *skip)
{
	int i;

	for (i = 0; n > 0 && control_words[i].name != NULL; i++) {
		*skip = name_words(control_words[i].name, words, n);
		if (*skip > 0)
			return i;
	}
	return -1;
}
