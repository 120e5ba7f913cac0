/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Times, spans and sizes as traplinectl shows them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/text.h"

static void
a_time_is_read_back_from_what_the_daemon_writes(void **state)
{
	static const int64_t times[] = {0, 951782399999, 951782400000,
	    951868800123, 1709164800000, 1709251199999, 1735689599000,
	    1795340197000, 4107542400000, 13569465600000};
	char text[WALL_STRLEN];
	struct wall w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		w.ms = times[i];
		wall_format(w, text, sizeof(text));
		assert_int_equal(text_time(text, &w), 0);
		if (w.ms != times[i])
			fail_msg("%s: %lld, not %lld", text, (long long)w.ms,
			    (long long)times[i]);
	}
	assert_int_equal(text_time("never", &w), 0);
	assert_true(wall_is_never(w));
}

static void
what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {"", "2026", "2026-11-22",
	    "2026-13-22T09:36:37.000Z", "2026-00-22T09:36:37.000Z",
	    "2026-11-22T09:36:37.000Zx", "2026-11-22T09:36:37.000"};
	struct wall w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (text_time(bad[i], &w) != -1)
			fail_msg("\"%s\" was taken for a time", bad[i]);
	}
}

static void
expect_span(int64_t seconds, const char *want)
{
	char text[TEXT_SPAN_LEN];

	assert_string_equal(text_span(seconds * 1000, text, sizeof(text)),
	    want);
}

static void
a_span_has_its_two_largest_units(void **state)
{
	(void)state;
	expect_span(-5, "0s");
	expect_span(0, "0s");
	expect_span(59, "59s");
	expect_span(60, "1m");
	expect_span(61, "1m1s");
	expect_span(3600, "1h");
	expect_span(86399, "23h59m");
	expect_span(86400 * 6 + 3601, "6d1h");
	expect_span(86400 * 42, "6w");
	expect_span(86400 * 42 - 1, "5w6d");
}

static void
bytes_have_three_digits_and_a_unit(void **state)
{
	char text[TEXT_SPAN_LEN];

	(void)state;
	assert_string_equal(text_bytes(0, text, sizeof(text)), "0 B");
	assert_string_equal(text_bytes(999, text, sizeof(text)), "999 B");
	assert_string_equal(text_bytes(1000, text, sizeof(text)), "1.0 kB");
	assert_string_equal(text_bytes(999999, text, sizeof(text)), "1.0 MB");
	assert_string_equal(text_bytes(96000000, text, sizeof(text)),
	    "96.0 MB");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_time_is_read_back_from_what_the_daemon_writes),
	    cmocka_unit_test(what_is_no_time_is_refused),
	    cmocka_unit_test(a_span_has_its_two_largest_units),
	    cmocka_unit_test(bytes_have_three_digits_and_a_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
