/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Whole conversations over the control protocol, without the socket, with an
 * engine in memory: lines as a stranger writes them.  Whatever comes, each
 * answer is JSON Lines that our own reader takes, and each line that is no
 * part of a load is closed exactly once.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/json_read.h"
#include "engine/control_protocol.h"
#include "tests/unit/control_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Checks one line of an answer; true when it closes. */
static bool
line_closes(const char *line, size_t len)
{
	static struct json_object o;

	if (len + 1 > CONTROL_ANSWER_MAX || json_read(&o, line, len) == -1 ||
	    o.n == 0)
		abort();
	return json_get(&o, "ok") != NULL;
}

/* Reads what was said; how many closing lines there were. */
static unsigned int
listen_to(struct control_session *s)
{
	unsigned int closed = 0;
	size_t len;
	char *line;

	do {
		control_session_more(s);
		while ((line = evbuffer_readln(s->out, &len,
			    EVBUFFER_EOL_LF)) != NULL) {
			closed += line_closes(line, len);
			free(line);
		}
	} while (s->state == CONTROL_ANSWERING);
	if (evbuffer_get_length(s->out) != 0)
		abort();
	return closed;
}

/* One line of the conversation. */
static void
talk(struct control_session *s, const uint8_t *data, size_t len)
{
	char line[CONTROL_LINE_MAX];
	bool was_loading = s->state == CONTROL_LOADING;
	unsigned int closed;

	if (len >= sizeof(line)) {
		control_session_overlong(s);
	} else {
		memcpy(line, data, len);
		line[len] = '\0';
		control_session_line(s, line, len);
	}
	closed = listen_to(s);
	if (s->state == CONTROL_RELOADING) {
		control_session_reloaded(s, len % 2 ? "no" : NULL);
		closed += listen_to(s);
	}
	if (closed > 1)
		abort();
	if (closed == 0 && s->state == CONTROL_IDLE && !was_loading)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fixture fixture;
	struct control_session session;
	struct evbuffer *out = evbuffer_new();
	const uint8_t *end;
	size_t len;

	if (out == NULL)
		abort();
	fixture_start(&fixture);
	fixture.store_fails = size % 7 == 0;
	control_session_init(&session, fixture.engine, &fixture.host, out,
	    "uid 0");
	while (size > 0 && control_session_wants_line(&session)) {
		end = memchr(data, '\n', size);
		len = end != NULL ? (size_t)(end - data) : size;
		talk(&session, data, len);
		fixture.now.ms += 1000;
		engine_advance(fixture.engine, fixture.now);
		len += end != NULL;
		data += len;
		size -= len;
	}
	control_session_eof(&session);
	listen_to(&session);
	evbuffer_free(out);
	fixture_end(&fixture);
	return 0;
}
