/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * One conversation over the control socket.  A line is cut into words, the
 * command is found in the table below, its words are counted, and its
 * function answers into the buffer.  A long answer is said piece by piece as
 * the buffer drains, and keeps no pointer into the policy or the tables in
 * between: only positions, since both may change before the next piece.
 * Nothing here knows sockets, so tests and the fuzzer hold conversations in
 * memory.
 */

#include "engine/control_session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>

#include "engine/control.h"
#include "engine/control_protocol.h"
#include "engine/engine.h"
#include "engine/json.h"
#include "engine/log.h"
#include "engine/never.h"
#include "rules/ruleset.h"

#define WORDS_MAX 8
#define TEXT_MAX  1000

/* What is run for each of control_words[]. */
static const struct {
	const char *name;
	control_run *run;
} runs[] = {
    {"show status", control_show_status},
    {"show tables", control_show_tables},
    {"show table", control_show_table},
    {"show source", control_show_source},
    {"show rules", control_show_rules},
    {"show sensors", control_show_sensors},
    {"show never", control_show_never},
    {"show pardons", control_show_pardons},
    {"show neighbors", control_show_absent},
    {"show redis", control_show_absent},
    {"show queues", control_show_absent},
    {"add", control_add},
    {"delete", control_delete},
    {"pardon", control_pardon},
    {"flush", control_flush},
    {"load", control_load},
    {"check", control_check},
    {"couple", control_couple},
    {"decouple", control_decouple},
    {"reload", control_reload},
    {"monitor", control_monitor},
    {"metrics", control_metrics},
    {"log", control_log},
};

void
control_session_init(struct control_session *s, struct engine *engine,
    struct control_host *host, struct evbuffer *out, const char *by)
{
	memset(s, 0, sizeof(*s));
	s->engine = engine;
	s->host = host;
	s->out = out;
	strlcpy(s->by, by, sizeof(s->by));
}

bool
control_session_wants_line(const struct control_session *s)
{
	return s->state == CONTROL_IDLE || s->state == CONTROL_LOADING;
}

/* Cuts the line into words; how many, or -1 when there are too many. */
static int
split(char *line, char *words[WORDS_MAX])
{
	static const char blanks[] = " \t\r";
	int n = 0;

	for (line += strspn(line, blanks); *line != '\0';
	     line += strspn(line, blanks)) {
		if (n == WORDS_MAX)
			return -1;
		words[n++] = line;
		line += strcspn(line, blanks);
		if (*line != '\0')
			*line++ = '\0';
	}
	return n;
}

/* Lists the commands, or what may follow "show". */
static void
list_names(char *out, size_t size, bool only_show)
{
	const struct control_word *c;
	const char *name;
	bool said_show = false;

	out[0] = '\0';
	for (c = control_words; c->name != NULL; c++) {
		bool is_show = strncmp(c->name, "show ", 5) == 0;

		if (is_show != only_show && (only_show || said_show))
			continue;
		said_show = said_show || is_show;
		name = only_show ? c->name + 5 : is_show ? "show" : c->name;
		if (out[0] != '\0')
			strlcat(out, ", ", size);
		strlcat(out, name, size);
	}
}

static void
answer_unknown(struct control_session *s, char **words, int n)
{
	char names[512], word[128];
	bool is_show = strcmp(words[0], "show") == 0;
	const char *wrong = is_show && n > 1 ? words[1] : words[0];

	list_names(names, sizeof(names), is_show);
	log_printable(wrong, strnlen(wrong, 30), word, sizeof(word));
	if (is_show && n < 2)
		control_error(s, "show what? expected one of %s", names);
	else if (is_show)
		control_error(s, "cannot show \"%s\": expected one of %s", word,
		    names);
	else
		control_error(s, "unknown command \"%s\": expected one of %s",
		    word, names);
}

static void
run_words(struct control_session *s, char **words, int n)
{
	const struct control_word *c;
	int skip, word = control_word_find(words, n, &skip);
	size_t i;

	if (word == -1) {
		answer_unknown(s, words, n);
		return;
	}
	c = &control_words[word];
	if (n - skip < c->least || n - skip > c->most) {
		control_error(s, "expected: %s%s%s", c->name,
		    c->usage != NULL ? " " : "",
		    c->usage != NULL ? c->usage : "");
		return;
	}
	if (control_ruleset(s) == NULL) {
		control_error(s, "no policy is in force yet");
		return;
	}
	for (i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		if (strcmp(runs[i].name, c->name) == 0) {
			runs[i].run(s, n - skip, words + skip);
			return;
		}
	}
}

void
control_session_line(struct control_session *s, char *line, size_t len)
{
	char *words[WORDS_MAX];
	bool has_nul = memchr(line, '\0', len) != NULL;
	int n;

	if (s->state == CONTROL_LOADING) {
		control_load_line(s, has_nul ? NULL : line);
		return;
	}
	if (has_nul) {
		control_error(s, "the line has a NUL byte in it");
		return;
	}
	n = split(line, words);
	if (n == 0)
		control_error(s, "the line is empty: expected a command");
	else if (n < 0)
		control_error(s, "more than %d words in a line", WORDS_MAX);
	else
		run_words(s, words, n);
}

void
control_session_overlong(struct control_session *s)
{
	if (s->state == CONTROL_LOADING)
		control_load_line(s, NULL);
	else
		control_error(s, "the line is longer than %d bytes",
		    CONTROL_LINE_MAX - 1);
}

void
control_session_more(struct control_session *s)
{
	while (s->state == CONTROL_ANSWERING &&
	       evbuffer_get_length(s->out) < CONTROL_OUT_FULL) {
		if (s->more(s))
			continue;
		/* The last piece may have been an error: that closed it. */
		if (s->state == CONTROL_ANSWERING)
			control_ok(s);
	}
}

void
control_session_eof(struct control_session *s)
{
	if (s->state == CONTROL_LOADING)
		control_load_cut(s);
}

void
control_session_reloaded(struct control_session *s, const char *error)
{
	if (s->state != CONTROL_RELOADING)
		return;
	if (error == NULL)
		control_ok(s);
	else
		control_error(s, "the old policy stays in force: %s", error);
}

void
control_begin(struct json *j, char line[], const char *what)
{
	/* One byte is left for the newline. */
	json_begin(j, line, CONTROL_ANSWER_MAX - 1);
	json_string(j, "what", what);
}

void
control_time(struct json *j, const char *key, struct wall when)
{
	char text[WALL_STRLEN];

	json_string(j, key, wall_format(when, text, sizeof(text)));
}

void
control_text(struct json *j, const char *key, const char *text)
{
	char part[TEXT_MAX + 4];

	if (strlcpy(part, text, TEXT_MAX) >= TEXT_MAX)
		strlcat(part, "...", sizeof(part));
	json_string(j, key, part);
}

void
control_say(struct control_session *s, struct json *j)
{
	size_t len = json_end(j);

	if (len == 0)
		return;
	j->out[len] = '\n';
	if (evbuffer_add(s->out, j->out, len + 1) == -1)
		log_warnx("control: memory is out: a line was not said");
}

static void
close_answer(struct control_session *s, const char *error)
{
	char line[CONTROL_ANSWER_MAX];
	struct json j;

	s->state = CONTROL_IDLE;
	json_begin(&j, line, sizeof(line) - 1);
	json_bool(&j, "ok", error == NULL);
	if (error != NULL)
		control_text(&j, "error", error);
	control_say(s, &j);
}

void
control_ok(struct control_session *s)
{
	close_answer(s, NULL);
}

void
control_error(struct control_session *s, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	close_answer(s, text);
}

void
control_ok_durable(struct control_session *s)
{
	struct control_status status;

	/* What was added may be an administrator whom somebody holds. */
	engine_advance(s->engine, control_now(s));
	if (s->host->commit(s->host) == 0) {
		control_ok(s);
		return;
	}
	memset(&status, 0, sizeof(status));
	s->host->status(s->host, &status);
	control_error(s,
	    "done and in force, but not durable yet: the store fails (%s); "
	    "trapline goes on trying, and forgets this if it stops before",
	    status.store_error != NULL ? status.store_error : "no reason");
}

void
control_long(struct control_session *s, control_more *more)
{
	s->state = CONTROL_ANSWERING;
	s->more = more;
	s->cursor = 0;
	s->index = 0;
}

const struct ruleset *
control_ruleset(const struct control_session *s)
{
	return engine_ruleset(s->engine);
}

struct wall
control_now(const struct control_session *s)
{
	return s->host->now(s->host);
}
