/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * traplinectl: takes a command's words from its arguments, sends them over
 * the control socket, and prints what is answered: for a reader, or with -j
 * as it came.  Exits with 0 when the command was carried out, 1 when it was
 * not, 2 when it was written wrongly.
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/json_read.h"
#include "ctl/load.h"
#include "ctl/text.h"
#include "ctl/top.h"
#include "engine/compat.h"
#include "engine/conf.h"
#include "engine/control_protocol.h"

#define EXIT_DONE   0
#define EXIT_FAILED 1
#define EXIT_USAGE  2

struct answer {
	bool as_json;
	const char *command; /* its name */
	struct load load;    /* "load" only */
	char last[24];       /* "what" of the object before */
	int status;
	struct json_object object;
};

static void
usage(void)
{
	const struct control_word *w;
	char line[80];

	fprintf(stderr,
	    "usage: traplinectl [-j] [-s socket] command ...\n"
	    "  -j  JSON Lines instead of text    -s  socket, default %s\n\n",
	    SOCKET_DEFAULT);
	for (w = control_words; w->name != NULL; w++) {
		snprintf(line, sizeof(line), "%s%s%s", w->name,
		    w->usage != NULL ? " " : "",
		    w->usage != NULL ? w->usage : "");
		fprintf(stderr, "  %-30s %s\n", line, w->help);
	}
	fprintf(stderr, "  %-30s %s\n", "top", "all of it, on one screen");
	exit(EXIT_USAGE);
}

/* What a line of a load was refused for, with the file's own number. */
static void
print_bad_line(const struct answer *a)
{
	unsigned int line =
	    load_line(&a->load, (size_t)json_number(&a->object, "line"));

	fprintf(stderr, "%s:%u: %s\n", a->load.path, line,
	    json_text(&a->object, "error"));
}

static void
print_object(struct answer *a)
{
	const struct json_object *o = &a->object;
	const char *what = json_text(o, "what");

	if (json_get(o, "line") != NULL && what[0] == '\0')
		printf("%s\n", json_text(o, "line"));
	else if (json_get(o, "event") != NULL)
		text_event(stdout, o);
	else if (a->load.n > 0 && strcmp(what, "line") == 0)
		print_bad_line(a);
	else if (strcmp(what, "status") == 0)
		text_status(stdout, o);
	else if (strcmp(a->command, "check") == 0 ||
		 strcmp(a->command, "show source") == 0)
		text_source(stdout, o, a->last, wall_read());
	else
		text_print(stdout, o, a->last, wall_read());
	strlcpy(a->last, what, sizeof(a->last));
}

/* Closes the answer. */
static void
end_answer(struct answer *a)
{
	if (json_is_true(&a->object, "ok"))
		a->status = EXIT_DONE;
	else if (!a->as_json)
		warnx("%s", json_text(&a->object, "error"));
	if (a->status == EXIT_DONE && !a->as_json &&
	    strcmp(a->command, "reload") == 0)
		puts("the new policy is in force");
}

static bool
answer_line(void *arg, const char *line, size_t len)
{
	struct answer *a = arg;
	bool is_end;

	if (json_read(&a->object, line, len) == -1) {
		warnx("not understood: %.200s", line);
		return false;
	}
	is_end = json_get(&a->object, "ok") != NULL;
	if (a->as_json)
		printf("%s\n", line);
	else if (!is_end)
		print_object(a);
	if (strcmp(a->command, "monitor") == 0)
		fflush(stdout);
	if (is_end)
		end_answer(a);
	/* Whoever read our output is gone: so are we. */
	return !is_end && !ferror(stdout);
}

/* Joins the words to a command line.  0, or -1 when they cannot be one. */
static int
join(int argc, char **argv, char *out, size_t size)
{
	int i;

	out[0] = '\0';
	for (i = 0; i < argc; i++) {
		if (argv[i][0] == '\0' || strpbrk(argv[i], " \t\r\n") != NULL) {
			warnx("\"%s\": a word is empty or has a blank in it",
			    argv[i]);
			return -1;
		}
		if (i > 0)
			strlcat(out, " ", size);
		strlcat(out, argv[i], size);
	}
	if (strlcat(out, "\n", size) >= size) {
		warnx("the command is longer than %d bytes",
		    CONTROL_LINE_MAX - 1);
		return -1;
	}
	return 0;
}

static int
talk(const char *socket, struct answer *a, const char *bytes, size_t len)
{
	struct client client;

	if (client_open(&client, socket) == -1)
		return EXIT_FAILED;
	if (client_talk(&client, bytes, len, answer_line, a) == -1)
		a->status = EXIT_FAILED;
	client_close(&client);
	if (fflush(stdout) == EOF || ferror(stdout))
		a->status = EXIT_FAILED;
	return a->status;
}

static int
talk_load(const char *socket, struct answer *a, char **argv)
{
	int status = EXIT_FAILED;

	if (load_read(&a->load, argv[0], argv[1]) == 0)
		status = talk(socket, a, a->load.bytes, a->load.len);
	load_free(&a->load);
	return status;
}

static int
run(const char *socket, struct answer *a, int argc, char **argv)
{
	char line[CONTROL_LINE_MAX];
	int word, skip;

	if (argc == 1 && strcmp(argv[0], "top") == 0)
		return top_run(socket);
	word = control_word_find(argv, argc, &skip);
	if (word == -1) {
		warnx("unknown command \"%s%s%s\"", argv[0],
		    argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
		usage();
	}
	if (argc - skip < control_words[word].least ||
	    argc - skip > control_words[word].most) {
		warnx("expected: %s %s", control_words[word].name,
		    control_words[word].usage != NULL
			? control_words[word].usage
			: "and nothing behind it");
		return EXIT_USAGE;
	}
	a->command = control_words[word].name;
	if (join(argc, argv, line, sizeof(line)) == -1)
		return EXIT_USAGE;
	if (strcmp(a->command, "load") == 0)
		return talk_load(socket, a, argv + skip);
	return talk(socket, a, line, strlen(line));
}

int
main(int argc, char *argv[])
{
	static struct answer answer = {.status = EXIT_FAILED};
	const char *socket = SOCKET_DEFAULT;
	int option;

	while ((option = getopt(argc, argv, "+js:")) != -1) {
		switch (option) {
		case 'j':
			answer.as_json = true;
			break;
		case 's':
			socket = optarg;
			break;
		default:
			usage();
		}
	}
	if (argc == optind)
		usage();
	return run(socket, &answer, argc - optind, argv + optind);
}
