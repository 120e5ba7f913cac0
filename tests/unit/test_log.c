/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Log lines: one a call, bounded, and nothing from outside but printable. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/clock.h"
#include "engine/log.h"

static int saved_stderr = -1;
static int pipe_ends[2];

/* Standard error goes to a pipe until it is read. */
static void
listen_to_log(void)
{
	assert_int_equal(pipe(pipe_ends), 0);
	saved_stderr = dup(STDERR_FILENO);
	assert_int_equal(dup2(pipe_ends[1], STDERR_FILENO), STDERR_FILENO);
	close(pipe_ends[1]);
}

static void
expect_log(const char *want)
{
	char got[4096];
	ssize_t n;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	n = read(pipe_ends[0], got, sizeof(got) - 1);
	close(pipe_ends[0]);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, want);
}

static void
lines_name_the_process_and_the_priority(void **state)
{
	(void)state;
	listen_to_log();
	log_init(LOG_TO_TERMINAL, "engine", false);
	log_info("neighbor %s up", "rs1");
	log_debug("not asked for");
	log_init(LOG_TO_SUPERVISOR, "engine", true);
	log_warnx("100 %% of %d", 5);
	log_debug("asked for");
	expect_log("traplined[engine]: neighbor rs1 up\n"
		   "<4>traplined[engine]: 100 % of 5\n"
		   "<7>traplined[engine]: asked for\n");
}

static void
an_overlong_line_is_cut_and_still_ends(void **state)
{
	char text[3000], want[1100];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	listen_to_log();
	log_init(LOG_TO_TERMINAL, "engine", false);
	log_warnx("%s", text);
	memset(want, 'a', sizeof(want));
	memcpy(want, "traplined[engine]: ", 19);
	memcpy(want + 1023, "\n", 2);
	expect_log(want);
}

static void
a_bounded_site_tells_what_it_withheld(void **state)
{
	struct log_site site = {0};
	struct mono now = {INT64_C(1000000000)};
	int i;

	(void)state;
	listen_to_log();
	log_init(LOG_TO_TERMINAL, "sensor", false);
	for (i = 0; i < 4; i++)
		log_bounded(&site, now, "bad packet %d", i);
	now.ns += INT64_C(9999999999);
	log_bounded(&site, now, "bad packet 4");
	now.ns++;
	log_bounded(&site, now, "bad packet 5");
	now.ns += INT64_C(10000000000);
	log_bounded(&site, now, "bad packet 6");
	expect_log("traplined[sensor]: bad packet 0\n"
		   "traplined[sensor]: bad packet 5 "
		   "(4 more of this kind were withheld)\n"
		   "traplined[sensor]: bad packet 6\n");
}

static void
text_from_outside_is_made_printable(void **state)
{
	static const char bytes[] = "a\\\n\x1b\0\x7f\xff~";
	char out[64];

	(void)state;
	assert_string_equal(
	    log_printable(bytes, sizeof(bytes) - 1, out, sizeof(out)),
	    "a\\x5c\\x0a\\x1b\\x00\\x7f\\xff~");
	assert_string_equal(log_printable("", 0, out, sizeof(out)), "");
}

static void
printable_text_is_cut_between_characters(void **state)
{
	char out[16];
	size_t size;

	(void)state;
	for (size = 1; size <= sizeof(out); size++) {
		memset(out, 'z', sizeof(out));
		log_printable("\n\n\n\n\n\n", 6, out, size);
		assert_true(strlen(out) < size);
		assert_int_equal(strlen(out) % 4, 0);
		assert_int_equal(strlen(out) / 4, (size - 1) / 4);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_name_the_process_and_the_priority),
	    cmocka_unit_test(an_overlong_line_is_cut_and_still_ends),
	    cmocka_unit_test(a_bounded_site_tells_what_it_withheld),
	    cmocka_unit_test(text_from_outside_is_made_printable),
	    cmocka_unit_test(printable_text_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
