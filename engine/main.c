/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* traplined(8): reads the command line and the policy, then becomes what was
 * asked for: a check (-n), a replay (-r), or the daemon. */

#include <sys/stat.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/log.h"
#include "engine/parent.h"
#include "engine/replay.h"
#include "rules/ruleset.h"

#define POLICY_PATH  "/etc/trapline.conf"
#define EXIT_USAGE   2
#define MACROS_MAX   64
#define CAPTURES_MAX 256

struct options {
	const char *policy;
	const char *captures[CAPTURES_MAX];
	size_t ncaptures;
	struct policy_macro macros[MACROS_MAX];
	size_t nmacros;
	int verbose;
	bool is_check;
	bool is_foreground;
	bool is_json;
	bool has_format;
};

static void usage(void) NO_RETURN;

static void
usage(void)
{
	fputs("usage: traplined [-dnv] [-D macro=value] [-f file]\n"
	      "                 [-r capture ... [-o text|json]]\n",
	    stderr);
	exit(EXIT_USAGE);
}

static void
add_macro(struct options *o, const char *text)
{
	const char *equals = strchr(text, '=');
	char *name;

	if (equals == NULL || equals == text || o->nmacros == MACROS_MAX) {
		fprintf(stderr, "traplined: -D %s: expected macro=value\n",
		    text);
		usage();
	}
	/* The arguments stay whole: supervisors find the daemon by them. */
	name = strndup(text, (size_t)(equals - text));
	if (name == NULL)
		fatal("-D %s", text);
	o->macros[o->nmacros].name = name;
	o->macros[o->nmacros++].value = equals + 1;
}

static void
add_capture(struct options *o, const char *path)
{
	if (o->ncaptures == CAPTURES_MAX) {
		fprintf(stderr, "traplined: %s: more than %d captures\n", path,
		    CAPTURES_MAX);
		usage();
	}
	o->captures[o->ncaptures++] = path;
}

static void
set_format(struct options *o, const char *word)
{
	o->has_format = true;
	o->is_json = strcmp(word, "json") == 0;
	if (!o->is_json && strcmp(word, "text") != 0) {
		fprintf(stderr, "traplined: -o %s: expected text or json\n",
		    word);
		usage();
	}
}

static void
read_option(struct options *o, int c)
{
	switch (c) {
	case 'd':
		o->is_foreground = true;
		break;
	case 'n':
		o->is_check = true;
		break;
	case 'v':
		o->verbose++;
		break;
	case 'D':
		add_macro(o, optarg);
		break;
	case 'f':
		o->policy = optarg;
		break;
	case 'r':
		add_capture(o, optarg);
		break;
	case 'o':
		set_format(o, optarg);
		break;
	default:
		usage();
	}
}

/* Options may follow captures: getopt(3) is told to stop at each of them. */
static void
read_options(struct options *o, int argc, char *argv[])
{
	int c;

	o->policy = POLICY_PATH;
	while (optind < argc) {
		c = getopt(argc, argv, COMPAT_GETOPT_IN_ORDER "dnvD:f:r:o:");
		if (c != -1)
			read_option(o, c);
		else if (optind < argc && o->ncaptures > 0)
			add_capture(o, argv[optind++]);
		else if (optind < argc)
			usage();
	}
	if (o->has_format && o->ncaptures == 0)
		usage();
}

static struct ruleset *
load(const struct options *o, struct policy_text *text)
{
	struct policy_messages messages = {0};
	struct ruleset *rs;
	size_t i;

	rs = ruleset_load(o->policy, text, true, o->macros, o->nmacros,
	    &messages);
	for (i = 0; i < messages.n; i++)
		fprintf(stderr, "%s\n", messages.list[i].text);
	policy_messages_free(&messages);
	return rs;
}

static int
check(const struct options *o, struct ruleset *rs)
{
	if (o->verbose > 0)
		ruleset_print(rs, stdout);
	else
		printf("%s: the policy is right\n", o->policy);
	ruleset_free(rs);
	return fflush(stdout) == EOF ? 1 : 0;
}

/*
 * The daemon reads no input, and no socket of its may become what others
 * write their complaints to.
 */
static void
open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd <= STDERR_FILENO);
	if (fd == -1 || dup2(fd, STDIN_FILENO) == -1)
		fatal("/dev/null");
	close(fd);
}

/* Is standard error what the supervisor says that it reads? */
static bool
is_supervised(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) == -1)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

/* In the background "." is another directory, and a reload reads again. */
static const char *
absolute_path(const char *path)
{
	char *cwd, *whole;

	if (path[0] == '/')
		return path;
	cwd = getcwd(NULL, 0);
	if (cwd == NULL || asprintf(&whole, "%s/%s", cwd, path) == -1)
		fatal("%s", path);
	free(cwd);
	return whole;
}

static void run_daemon(const struct options *, struct ruleset *,
    struct policy_text *) NO_RETURN;

static void
run_daemon(const struct options *o, struct ruleset *rs,
    struct policy_text *text)
{
	struct parent_start start = {
	    .policy = o->policy,
	    .macros = o->macros,
	    .nmacros = o->nmacros,
	    .is_foreground = o->is_foreground,
	    .is_verbose = o->verbose > 0,
	};

	open_standard();
	if (geteuid() != 0) {
		fputs("traplined: must be started by root; -n checks a policy "
		      "and -r replays a capture as anybody\n",
		    stderr);
		exit(1);
	}
	log_init(is_supervised() ? LOG_TO_SUPERVISOR : LOG_TO_TERMINAL,
	    "parent", o->verbose > 0);
	parent_run(&start, rs, text);
}

int
main(int argc, char *argv[])
{
	static struct options options;
	struct policy_text *text = policy_text_new();
	struct ruleset *rs;
	bool is_daemon;

	if (text == NULL)
		fatal("policy");
	/* The C library wants its time zone before any sandbox. */
	tzset();
	read_options(&options, argc, argv);
	is_daemon = !options.is_check && options.ncaptures == 0;
	if (is_daemon && !options.is_foreground)
		options.policy = absolute_path(options.policy);
	rs = load(&options, text);
	if (rs == NULL) {
		policy_text_free(text);
		return EXIT_USAGE;
	}
	if (is_daemon)
		run_daemon(&options, rs, text);
	policy_text_free(text);
	if (options.is_check)
		return check(&options, rs);
	return replay_run(rs, options.captures, options.ncaptures,
	    options.is_json);
}
