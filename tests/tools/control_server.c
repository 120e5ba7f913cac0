/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * control_server SOCKET [ENTRIES]: the daemon's control socket over an engine
 * in memory, with the policy of the unit tests and ENTRIES entries in
 * <bruteforce>.  No firewall, no sensors, no store; a reload succeeds at
 * once, and one more entry is held every 100 ms.  For trying traplinectl,
 * its completions and "top".  Ends when its standard input does.
 */

#include <err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "tests/unit/control_fixture.h"

#define TABLE "bruteforce"

static struct fixture fixture;
static uint32_t held;

static int
listen_at(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	if (fd == -1 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fd, 16) == -1)
		err(1, "%s", path);
	return fd;
}

static void
hold_one(void)
{
	int table = ruleset_table(engine_ruleset(fixture.engine), TABLE);
	struct addr addr = addr_from_ipv4((uint8_t[]){100,
	    (uint8_t)(held >> 16), (uint8_t)(held >> 8), (uint8_t)held});
	struct prefix p = prefix_host(&addr);

	held++;
	engine_claim(fixture.engine, (uint16_t)table, &p, ORIGIN_RULE,
	    "line 10", "max-src-conn-rate 3/30", wall_add_s(fixture.now, 3600),
	    fixture.now);
}

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	static unsigned int reloads;

	(void)fd;
	(void)what;
	(void)arg;
	fixture.now = wall_read();
	engine_advance(fixture.engine, fixture.now);
	hold_one();
	if (fixture.reloads != reloads)
		control_reloaded(fixture.control, NULL);
	reloads = fixture.reloads;
}

static void
input_ended(evutil_socket_t fd, short what, void *arg)
{
	char byte;

	(void)what;
	if (read(fd, &byte, 1) <= 0)
		event_base_loopbreak(arg);
}

int
main(int argc, char *argv[])
{
	static const struct timeval period = {0, 100000};
	struct event_base *base = event_base_new();
	struct event *ticking, *input;
	const char *error;
	long long entries = 0;

	if (argc == 3)
		entries = strtonum(argv[2], 0, 4000000, &error);
	if (argc < 2 || argc > 3 || base == NULL)
		errx(2, "usage: control_server SOCKET [ENTRIES]");
	fixture_start(&fixture);
	fixture.now = wall_read();
	engine_advance(fixture.engine, fixture.now);
	while (entries-- > 0)
		hold_one();
	fixture.control = control_new(base, listen_at(argv[1]), fixture.engine,
	    &fixture.host);
	ticking = event_new(base, -1, EV_PERSIST, tick, NULL);
	input = event_new(base, 0, EV_READ | EV_PERSIST, input_ended, base);
	if (fixture.control == NULL || ticking == NULL || input == NULL)
		errx(1, "out of memory");
	event_add(ticking, &period);
	event_add(input, NULL);
	puts("ready");
	fflush(stdout);
	event_base_dispatch(base);
	control_free(fixture.control);
	event_free(ticking);
	event_free(input);
	event_base_free(base);
	fixture_end(&fixture);
	unlink(argv[1]);
	return 0;
}
