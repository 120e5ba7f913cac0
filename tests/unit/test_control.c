/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The control socket itself: real connections, a real loop.  The loop is run
 * until what is waited for has come, never for a time.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "engine/control_protocol.h"
#include "tests/unit/control_fixture.h"

#define OK "{\"ok\":true}\n"

static struct fixture fixture;
static struct event_base *base;
static char path[64];

static int
set_up(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/trapline-control-%ld.sock",
	    (long)getpid());
	unlink(path);
	strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 128), 0);
	fixture_start(&fixture);
	base = event_base_new();
	fixture.control = control_new(base, fd, fixture.engine, &fixture.host);
	assert_non_null(fixture.control);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	control_free(fixture.control);
	event_base_free(base);
	fixture_end(&fixture);
	unlink(path);
	return 0;
}

static int
dial(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

/* Sends all of it, running the loop meanwhile. */
static void
tell(int fd, const char *text, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, text, len, MSG_NOSIGNAL);
		if (n == -1) {
			assert_int_equal(errno, EAGAIN);
			event_base_loop(base, EVLOOP_ONCE);
			continue;
		}
		text += n;
		len -= (size_t)n;
	}
}

/* Reads until the text ends with this, or the connection ends. */
static const char *
hear(int fd, const char *ending)
{
	static char text[1 << 22];
	size_t used = 0, want = strlen(ending);
	ssize_t n;

	for (;;) {
		n = recv(fd, text + used, sizeof(text) - 1 - used, 0);
		if (n == 0)
			break;
		if (n == -1) {
			assert_int_equal(errno, EAGAIN);
			event_base_loop(base, EVLOOP_ONCE);
			continue;
		}
		used += (size_t)n;
		if (want > 0 && used >= want &&
		    memcmp(text + used - want, ending, want) == 0)
			break;
	}
	text[used] = '\0';
	return text;
}

static void
tell_text(int fd, const char *text)
{
	tell(fd, text, strlen(text));
}

static size_t
count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		n++;
	return n;
}

static void
commands_in_one_write_are_answered_in_order(void **state)
{
	int fd = dial();
	const char *answer;

	(void)state;
	tell_text(fd, "log brief\nadd kept 203.0.113.9\nnonsense\n"
		      "show table kept\nlog verbose\nshow redis\n");
	answer = hear(fd, "statements\"}\n");
	assert_int_equal(count(answer, "{\"ok\":"), 6);
	assert_true(strstr(answer, "\"outcome\":\"held\"") <
		    strstr(answer, "unknown command"));
	assert_true(strstr(answer, "unknown command") <
		    strstr(answer, "\"what\":\"entry\""));
	close(fd);
}

static void
a_command_byte_by_byte_is_one_command(void **state)
{
	const char *command = "delete kept 203.0.113.9\n", *p;
	int fd = dial();

	(void)state;
	for (p = command; *p != '\0'; p++) {
		tell(fd, p, 1);
		event_base_loop(base, EVLOOP_ONCE);
	}
	assert_string_equal(hear(fd, "}\n"),
	    "{\"ok\":false,\"error\":\"203.0.113.9 is no entry of "
	    "<kept>\"}\n");
	close(fd);
}

/* Sends a text in pieces of random lengths; what is answered to it all. */
static const char *
answer_to_pieces(const char *text, unsigned int seed)
{
	size_t left = strlen(text), n;
	int fd = dial();
	const char *answer;

	while (left > 0) {
		seed = seed * 1103515245 + 12345;
		n = 1 + (seed >> 16) % 40;
		n = n < left ? n : left;
		tell(fd, text, n);
		event_base_loop(base, EVLOOP_NONBLOCK);
		text += n;
		left -= n;
	}
	shutdown(fd, SHUT_WR);
	answer = hear(fd, "");
	close(fd);
	return answer;
}

static void
answers_do_not_depend_on_how_commands_are_cut(void **state)
{
	static const char text[] =
	    "add kept 203.0.113.9\n\nload kept 3\n203.0.113.1\nx\n"
	    "2001:db8::/64\nshow table admins\npardon 203.0.113.0/24 for 5m\n"
	    "show pardons\nshow rules\ncheck 203.0.113.9\nban\n"
	    "delete kept 2001:db8::/64\nmetrics\nflush kept\n";
	static char whole[1 << 16];
	unsigned int seed;

	(void)state;
	/* The first makes what later ones would find made already. */
	answer_to_pieces(text, 0);
	strlcpy(whole, answer_to_pieces(text, 0), sizeof(whole));
	for (seed = 1; seed < 40; seed++) {
		const char *answer = answer_to_pieces(text, seed);
		/* Counters go on. */
		const char *end = strstr(answer, "{\"line\"");

		if (strncmp(answer, whole, (size_t)(end - answer)) != 0)
			fail_msg("seed %u: %s\nis not\n%s", seed, answer,
			    whole);
	}
}

static void
a_line_that_is_too_long_is_skipped_whole(void **state)
{
	static char junk[3 * CONTROL_LINE_MAX];
	char fits[CONTROL_LINE_MAX];
	int fd = dial();

	(void)state;
	memset(junk, 'a', sizeof(junk));
	tell(fd, junk, sizeof(junk));
	tell_text(fd, "\nlog brief\n");
	assert_string_equal(hear(fd, OK),
	    "{\"ok\":false,\"error\":\"the line is longer than 4095 "
	    "bytes\"}\n" OK);
	/* The longest that is allowed, newline included. */
	memset(fits, ' ', sizeof(fits));
	memcpy(fits, "log brief", 9);
	fits[sizeof(fits) - 1] = '\n';
	tell(fd, fits, sizeof(fits));
	assert_string_equal(hear(fd, OK), OK);
	close(fd);
}

static void
an_unfinished_last_line_is_not_carried_out(void **state)
{
	int fd = dial();

	(void)state;
	tell_text(fd, "log brief\nadd kept 203.0.113.0/2");
	shutdown(fd, SHUT_WR);
	assert_string_equal(hear(fd, ""), OK);
	close(fd);
	fd = dial();
	tell_text(fd, "show table kept\n");
	assert_string_equal(hear(fd, OK), OK);
	close(fd);
}

static void
a_load_before_the_end_of_input_is_carried_out_whole(void **state)
{
	static char text[1 << 16];
	const char *answer;
	int fd = dial(), i;

	(void)state;
	/* More answers than the socket takes: the load waits, input ends. */
	for (i = 0; i < 60; i++)
		strlcat(text, "metrics\n", sizeof(text));
	strlcat(text, "load kept 1500\n", sizeof(text));
	for (i = 0; i < 1500; i++)
		strlcat(text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
		    sizeof(text));
	tell_text(fd, text);
	shutdown(fd, SHUT_WR);
	for (i = 0; i < 200; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	answer = hear(fd, "");
	assert_int_equal(count(answer, "{\"what\":\"line\""), 1000);
	assert_non_null(
	    strstr(answer, "\"1500 of 1500 lines were not taken\""));
	close(fd);
}

static void
a_million_bytes_of_answer_wait_for_a_slow_reader(void **state)
{
	char command[64];
	int fd = dial(), i;

	(void)state;
	tell_text(fd, "load kept 8000\n");
	for (i = 0; i < 8000; i++) {
		snprintf(command, sizeof(command), "203.%d.%d.1\n", i / 250,
		    i % 250);
		tell_text(fd, command);
	}
	assert_non_null(strstr(hear(fd, OK), "\"held\":8000,"));
	tell_text(fd, "show table kept\nlog brief\n");
	/* All that goes without our reading. */
	while (event_base_loop(base, EVLOOP_NONBLOCK) == 0 &&
	       recv(fd, command, 1, MSG_PEEK) == -1)
		;
	for (i = 0; i < 100; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(count(hear(fd, OK OK), "\"entry\""), 8000);
	close(fd);
}

static void
a_monitor_hears_what_happens(void **state)
{
	int monitor = dial(), fd = dial();
	char event[300];

	(void)state;
	tell_text(monitor, "monitor\n");
	/* It has no answer of its own: the loop has run once more for it. */
	tell_text(fd, "log brief\n");
	hear(fd, OK);
	tell_text(fd, "add kept 203.0.113.9\n");
	snprintf(event, sizeof(event),
	    "{\"time\":\"2026-11-22T09:36:37.000Z\",\"event\":\"hold\","
	    "\"table\":\"kept\",\"prefix\":\"203.0.113.9\","
	    "\"origin\":\"operator\",\"by\":\"uid %lu\","
	    "\"cause\":\"added\",\"expires\":\"never\"}\n",
	    (unsigned long)getuid());
	assert_string_equal(hear(monitor, "}\n"), event);
	close(monitor);
	tell_text(fd, "add kept 203.0.113.10\n");
	hear(fd, OK);
	close(fd);
}

static void
a_monitor_that_does_not_read_is_told_and_dropped(void **state)
{
	struct prefix p;
	int monitor = dial(), fd = dial(), i;
	const char *text;

	(void)state;
	tell_text(monitor, "monitor\n");
	tell_text(fd, "log brief\n");
	hear(fd, OK);
	for (i = 0; i < 12000; i++) {
		assert_int_equal(prefix_parse("203.0.113.1", &p), 0);
		p.addr.bytes[14] = (uint8_t)(i >> 8);
		p.addr.bytes[13] = (uint8_t)i;
		engine_claim(fixture.engine, 3, &p, ORIGIN_OPERATOR, "x", "y",
		    WALL_NEVER, fixture.now);
	}
	text = hear(monitor, "");
	assert_non_null(strstr(text, "{\"ok\":false,\"error\":\"dropped: more "
				     "than 1048576 bytes of events were not "
				     "read\"}\n"));
	assert_true(count(text, "\"event\"") < 12000);
	tell_text(fd, "log brief\n");
	hear(fd, OK);
	close(monitor);
	close(fd);
}

static void
one_client_too_many_is_told_so(void **state)
{
	int fds[CONTROL_CLIENTS_MAX], extra, i;

	(void)state;
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fds[i] = dial();
		tell_text(fds[i], "log brief\n");
		hear(fds[i], OK);
	}
	extra = dial();
	assert_string_equal(hear(extra, "}\n"),
	    "{\"ok\":false,\"error\":\"64 connections are open: no more\"}\n");
	close(extra);
	close(fds[7]);
	do {
		event_base_loop(base, EVLOOP_NONBLOCK);
		extra = dial();
		tell_text(extra, "log brief\n");
		i = strcmp(hear(extra, "}\n"), OK);
		close(extra);
	} while (i != 0);
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (i != 7)
			close(fds[i]);
	}
}

static void
a_reload_is_answered_when_it_is_over(void **state)
{
	int fd = dial();

	(void)state;
	tell_text(fd, "reload\nlog brief\n");
	while (fixture.reloads == 0)
		event_base_loop(base, EVLOOP_ONCE);
	control_reloaded(fixture.control, "test.conf:1: syntax error");
	assert_string_equal(hear(fd, OK),
	    "{\"ok\":false,\"error\":\"the old policy stays in force: "
	    "test.conf:1: syntax error\"}\n" OK);
	close(fd);
}

static void
a_client_that_goes_in_the_middle_is_forgotten(void **state)
{
	int fd, i;

	(void)state;
	for (i = 0; i < 200; i++) {
		fd = dial();
		tell_text(fd, i % 2 ? "metrics\nmetrics\nmetrics\nreload\n"
				    : "load kept 7\n203.0.113.9\n");
		event_base_loop(base, EVLOOP_NONBLOCK);
		close(fd);
	}
	control_reloaded(fixture.control, NULL);
	do {
		event_base_loop(base, EVLOOP_NONBLOCK);
		fd = dial();
		tell_text(fd, "log brief\n");
		i = strcmp(hear(fd, "}\n"), OK);
		close(fd);
	} while (i != 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(commands_in_one_write_are_answered_in_order),
	    TEST(a_command_byte_by_byte_is_one_command),
	    TEST(answers_do_not_depend_on_how_commands_are_cut),
	    TEST(a_line_that_is_too_long_is_skipped_whole),
	    TEST(an_unfinished_last_line_is_not_carried_out),
	    TEST(a_load_before_the_end_of_input_is_carried_out_whole),
	    TEST(a_million_bytes_of_answer_wait_for_a_slow_reader),
	    TEST(a_monitor_hears_what_happens),
	    TEST(a_monitor_that_does_not_read_is_told_and_dropped),
	    TEST(one_client_too_many_is_told_so),
	    TEST(a_reload_is_answered_when_it_is_over),
	    TEST(a_client_that_goes_in_the_middle_is_forgotten),
	};

	/* What is waited for may never come. */
	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
