/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_CONTROL_SESSION_H
#define TRAPLINE_ENGINE_CONTROL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/clock.h"
#include "engine/compat.h"
#include "engine/conf.h"
#include "engine/prefix.h"

/*
 * One conversation over the control socket, without the socket: command lines
 * go in, answers come out in a buffer.  The commands are in control_*.c.
 */
struct control_host;
struct engine;
struct evbuffer;
struct json;
struct ruleset;
struct table_conf;

enum control_state {
	CONTROL_IDLE,       /* waits for a command */
	CONTROL_ANSWERING,  /* more of the answer follows as it drains */
	CONTROL_LOADING,    /* lines behind "load" */
	CONTROL_RELOADING,  /* waits for control_session_reloaded() */
	CONTROL_MONITORING, /* until the client goes */
};

/* Once this many bytes wait to be read, an answer pauses. */
#define CONTROL_OUT_FULL 65536

struct control_session;
/*
 * Says more of a long answer, about as much as a screen.  False when all was
 * said; the closing line is then still to come.
 */
typedef bool control_more(struct control_session *);

struct control_session {
	struct engine *engine;
	struct control_host *host;
	struct evbuffer *out; /* borrowed */
	char by[32];          /* what the operator's holds are by */
	enum control_state state;

	/* A long answer: where it stands. */
	control_more *more;
	uint16_t table;
	uint64_t cursor;
	size_t index;

	/* A load. */
	struct {
		uint64_t expected, seen;
		uint64_t held, refused, bad;
		struct wall expires;
	} load;
};

/* by: who asks, such as "uid 0". */
void control_session_init(struct control_session *, struct engine *,
    struct control_host *, struct evbuffer *out, const char *by);
/* Will a line be taken now? */
bool control_session_wants_line(const struct control_session *);
/*
 * One line, without its newline, NUL terminated, len bytes; any content.
 * Words are cut out of it in place.
 */
void control_session_line(struct control_session *, char *line, size_t len);
/* A line that was longer than CONTROL_LINE_MAX was thrown away. */
void control_session_overlong(struct control_session *);
/* Goes on with a long answer until the buffer is full or all was said. */
void control_session_more(struct control_session *);
/* No more lines will come. */
void control_session_eof(struct control_session *);
/* Ends a waiting "reload"; error NULL: done. */
void control_session_reloaded(struct control_session *, const char *error);

/* ---- for the commands ---- */

/* Begins one object of an answer with its "what". */
void control_begin(struct json *, char line[], const char *what);
/* A time as RFC 3339. */
void control_time(struct json *, const char *key, struct wall);
/* At most 1000 bytes of a text that may be long. */
void control_text(struct json *, const char *key, const char *text);
/* Ends the object and says it. */
void control_say(struct control_session *, struct json *);
/* The closing lines of an answer. */
void control_ok(struct control_session *);
void control_error(struct control_session *, const char *format, ...)
    PRINTF_LIKE(2, 3);
/* Makes everything so far durable, then control_ok(); or says what lacks. */
void control_ok_durable(struct control_session *);
/* Starts a long answer. */
void control_long(struct control_session *, control_more *);

const struct ruleset *control_ruleset(const struct control_session *);
struct wall control_now(const struct control_session *);
/*
 * Index of the table with this name, with or without <>; -1 when an error was
 * answered because there is none.
 */
int control_table(struct control_session *, const char *name);
/* 0, or -1 when an error was answered. */
int control_prefix(struct control_session *, const char *text,
    struct prefix *out);
/*
 * The prefix under which the policy counts and holds an address
 * ("set source-prefix"); a network that is as wide or wider comes back as it
 * is.
 */
struct prefix control_source(const struct control_session *,
    const struct prefix *);
/* Room for "name " and a host name; for a reason that has it in it. */
#define CONTROL_WHY_LEN    (HOST_NAME_LEN + 8)
#define CONTROL_REASON_LEN (CONTROL_WHY_LEN + PREFIX_STRLEN + 40)
/* Why something is in "never", in words: a table's name is told as such. */
const char *control_never_why(const struct control_session *, const char *why,
    char *out, size_t size);
/*
 * Why the prefix may not be held by anybody, in words: "it covers
 * 192.0.2.1, which is never held (own address)".  False: it may.
 */
bool control_never_reason(const struct control_session *, const struct prefix *,
    char *out, size_t size);

/* A command's function; words behind the command's own. */
typedef void control_run(struct control_session *, int argc, char **argv);

control_run control_add, control_delete, control_pardon, control_flush,
    control_load, control_couple, control_decouple, control_reload,
    control_monitor, control_log;
control_run control_show_status, control_show_tables, control_show_table,
    control_show_rules, control_show_sensors, control_show_never,
    control_show_pardons, control_show_absent;
control_run control_show_source, control_check;
control_run control_metrics;

/* One line behind "load"; NULL for one that cannot be an address. */
void control_load_line(struct control_session *, const char *line);
/* The client is gone or done before all lines came. */
void control_load_cut(struct control_session *);

#endif
