/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * "top": the whole state on one screen.  One connection asks every two
 * seconds, another monitors; between them the screen is drawn anew at most
 * five times a second, however many events come.
 */

#include "ctl/top.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curses.h>

#include "ctl/client.h"
#include "ctl/json_read.h"
#include "ctl/text.h"
#include "engine/compat.h"
#include "engine/conf.h"

#define ASK_MS    2000
#define DRAW_MS   200
#define EVENTS    128 /* kept, the newest over the oldest */
#define EVENT_LEN 200
#define QUESTIONS "show status\nshow tables\nshow sensors\n"

/* A row of a list: a table with its entries, a sensor with its observations. */
struct row {
	char name[SENSOR_TEXT_LEN];
	char state[32];
	long long number, lost, undecodable;
};

struct rows {
	struct row list[TABLES_MAX];
	size_t n;
};

struct top {
	struct client ask, watch;
	struct json_object status, object;
	struct rows tables, sensors; /* as drawn */
	struct rows next_tables, next_sensors;
	int answers; /* that came of the three */
	long long observations, rate;
	struct mono asked, counted;
	char events[EVENTS][EVENT_LEN];
	size_t nevents;
	char error[200];
	bool is_stale; /* the screen is behind */
};

static int64_t
ms_since(struct mono then)
{
	return (mono_read().ns - then.ns) / 1000000;
}

static int
by_number(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void
keep_row(struct rows *rows, const struct json_object *o, const char *name,
    const char *state, const char *number)
{
	struct row *row;

	if (rows->n == TABLES_MAX)
		return;
	row = &rows->list[rows->n++];
	strlcpy(row->name, json_text(o, name), sizeof(row->name));
	strlcpy(row->state, json_text(o, state), sizeof(row->state));
	row->number = json_number(o, number);
	row->lost =
	    json_number(o, "lost_kernel") + json_number(o, "batches_dropped");
	row->undecodable = json_number(o, "undecodable");
}

static void
keep_status(struct top *t)
{
	long long now = json_number(&t->object, "observations");

	int64_t elapsed_ms = ms_since(t->counted);

	if (t->status.n > 0 && now >= t->observations && elapsed_ms > 0)
		t->rate = (now - t->observations) * 1000 / elapsed_ms;
	t->observations = now;
	t->counted = mono_read();
	t->is_stale = true;
}

/* All three answers are there: they are what is shown. */
static void
take_over(struct top *t)
{
	t->tables = t->next_tables;
	t->sensors = t->next_sensors;
	t->next_tables.n = t->next_sensors.n = 0;
	t->answers = 0;
	qsort(t->tables.list, t->tables.n, sizeof(struct row), by_number);
	qsort(t->sensors.list, t->sensors.n, sizeof(struct row), by_number);
	t->is_stale = true;
}

static bool
answered(void *arg, const char *line, size_t len)
{
	struct top *t = arg;
	const char *what;

	if (json_read(&t->object, line, len) == -1)
		return true;
	what = json_text(&t->object, "what");
	if (strcmp(what, "status") == 0) {
		keep_status(t);
		/* A copy's members would point into the original. */
		(void)json_read(&t->status, line, len);
	} else if (strcmp(what, "table") == 0) {
		keep_row(&t->next_tables, &t->object, "table", "enforce",
		    "entries");
	} else if (strcmp(what, "sensor") == 0) {
		keep_row(&t->next_sensors, &t->object, "sensor", "state",
		    "observations");
	} else if (json_get(&t->object, "ok") != NULL) {
		strlcpy(t->error, json_text(&t->object, "error"),
		    sizeof(t->error));
		if (++t->answers == 3)
			take_over(t);
	}
	return true;
}

static bool
happened(void *arg, const char *line, size_t len)
{
	struct top *t = arg;
	const struct json_object *o = &t->object;
	const char *time;

	if (json_read(&t->object, line, len) == -1 ||
	    json_get(o, "event") == NULL)
		return true;
	/* The day is no news on a screen of the last minutes. */
	time = json_text(o, "time");
	snprintf(t->events[t->nevents++ % EVENTS], EVENT_LEN,
	    "%.8s %-7s <%s> %s  %s: %s", strlen(time) > 11 ? time + 11 : "",
	    json_text(o, "event"), json_text(o, "table"),
	    json_text(o, "prefix"), json_text(o, "by"), json_text(o, "cause"));
	t->is_stale = true;
	return true;
}

/* Writes one line of the screen, cut at its edge; false below the last. */
static bool put(int *y, int attributes, const char *format, ...)
    PRINTF_LIKE(3, 4);

static bool
put(int *y, int attributes, const char *format, ...)
{
	char text[512];
	va_list ap;

	if (*y >= LINES)
		return false;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	attrset(attributes);
	mvaddnstr((*y)++, 0, text, COLS);
	attrset(A_NORMAL);
	return true;
}

static void
draw_status(const struct top *t, int *y)
{
	const struct json_object *o = &t->status;
	char up[TEXT_SPAN_LEN];

	text_span(json_number(o, "uptime_seconds") * 1000, up, sizeof(up));
	put(y, A_BOLD, "trapline %s  up %s  %s %s%s", json_text(o, "version"),
	    up, json_text(o, "firewall"),
	    json_is_true(o, "decoupled") ? "DECOUPLED" : "coupled",
	    json_is_true(o, "synced") ? "" : ", being brought in line");
	put(y, A_NORMAL,
	    "entries %lld  pardons %lld  sources %lld  observations %lld "
	    "(%lld/s)",
	    json_number(o, "entries"), json_number(o, "pardons"),
	    json_number(o, "sources"), t->observations, t->rate);
	put(y, A_NORMAL, "holds %lld  releases %lld  pending %lld/%lld",
	    json_number(o, "holds"), json_number(o, "releases"),
	    json_number(o, "pending_changes"),
	    json_number(o, "pending_commits"));
	if (json_get(o, "store_error") != NULL)
		put(y, A_BOLD, "store fails: %s", json_text(o, "store_error"));
	if (t->error[0] != '\0')
		put(y, A_BOLD, "%s", t->error);
}

/* Lists take a third of the screen each at most; events have the rest. */
static void
draw(struct top *t)
{
	int y = 0, most = LINES / 3 - 2;
	size_t i, n;

	erase();
	draw_status(t, &y);
	y++;
	put(&y, A_REVERSE, "%-32s %12s  %-8s", "TABLE", "ENTRIES", "ENFORCE");
	for (i = 0; i < t->tables.n && (int)i < most; i++)
		put(&y, A_NORMAL, "%-32s %12lld  %s", t->tables.list[i].name,
		    t->tables.list[i].number, t->tables.list[i].state);
	y++;
	put(&y, A_REVERSE, "%-32s %12s  %-8s %8s %8s", "SENSOR", "OBSERVED",
	    "STATE", "LOST", "BAD");
	for (i = 0; i < t->sensors.n && (int)i < most; i++)
		put(&y, A_NORMAL, "%-32.32s %12lld  %-8s %8lld %8lld",
		    t->sensors.list[i].name, t->sensors.list[i].number,
		    t->sensors.list[i].state, t->sensors.list[i].lost,
		    t->sensors.list[i].undecodable);
	y++;
	put(&y, A_REVERSE, "%-60s", "LAST EVENTS (UTC), newest first; q quits");
	n = t->nevents < EVENTS ? t->nevents : EVENTS;
	for (i = 1; i <= n; i++) {
		if (!put(&y, A_NORMAL, "%s",
			t->events[(t->nevents - i) % EVENTS]))
			break;
	}
	refresh();
	t->is_stale = false;
}

static void
ask(struct top *t)
{
	t->asked = mono_read();
	if (write(t->ask.fd, QUESTIONS, strlen(QUESTIONS)) == -1)
		strlcpy(t->error, "the daemon does not answer",
		    sizeof(t->error));
}

/* Until "q" or the end of a connection.  True: it was "q". */
static bool
watch(struct top *t)
{
	struct pollfd pfds[3] = {{.fd = STDIN_FILENO, .events = POLLIN},
	    {.fd = t->ask.fd, .events = POLLIN},
	    {.fd = t->watch.fd, .events = POLLIN}};
	struct mono drawn = {0};
	int key;

	for (;;) {
		if (ms_since(t->asked) >= ASK_MS && t->answers == 0)
			ask(t);
		if (poll(pfds, 3, DRAW_MS) == -1 && errno != EINTR)
			return false;
		while ((key = getch()) != ERR) {
			if (key == 'q')
				return true;
			t->is_stale = true;
		}
		if (client_read(&t->ask, answered, t) == -1 ||
		    client_read(&t->watch, happened, t) == -1)
			return false;
		if (t->is_stale && ms_since(drawn) >= DRAW_MS) {
			draw(t);
			drawn = mono_read();
		}
	}
}

int
top_run(const char *socket)
{
	static struct top t;
	bool was_asked = false;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		warnx("top: needs a terminal");
		return 1;
	}
	if (client_open(&t.ask, socket) == -1)
		return 1;
	if (client_open(&t.watch, socket) == 0 &&
	    write(t.watch.fd, "monitor\n", 8) == 8) {
		if (initscr() == NULL)
			errx(1, "top: this terminal is not known");
		cbreak();
		noecho();
		nodelay(stdscr, TRUE);
		keypad(stdscr, TRUE);
		curs_set(0);
		ask(&t);
		was_asked = watch(&t);
		endwin();
		if (!was_asked)
			warnx("%s: the connection ended", socket);
	}
	client_close(&t.watch);
	client_close(&t.ask);
	return was_asked ? 0 : 1;
}
