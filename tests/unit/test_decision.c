/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Decisions as the pinned JSON of DESIGN 6 and as a line of text. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/decision.h"

/* 2026-11-22T09:36:37.000Z and six weeks later. */
#define TIME_MS   INT64_C(1795340197000)
#define EXPIRE_MS (TIME_MS + INT64_C(3628800000))

static struct decision
make(enum decision_kind kind)
{
	struct decision d = {.time = {TIME_MS},
	    .kind = kind,
	    .table_name = "bruteforce",
	    .origin = ORIGIN_RULE,
	    .by = "ssh",
	    .sensor = "nflog group 5",
	    .cause = "max-src-conn-rate 15/5",
	    .count = 16,
	    .expires = {EXPIRE_MS}};

	prefix_parse("192.0.2.1", &d.prefix);
	return d;
}

static void
expect_json(const struct decision *d, const char *want)
{
	char out[DECISION_STRLEN];

	assert_int_equal(decision_json(d, out, sizeof(out)), strlen(want));
	assert_string_equal(out, want);
}

static void
expect_text(const struct decision *d, const char *want)
{
	char out[DECISION_STRLEN];

	assert_int_equal(decision_text(d, out, sizeof(out)), strlen(want));
	assert_string_equal(out, want);
}

static void
a_hold_has_every_key_in_the_pinned_order(void **state)
{
	struct decision d = make(DECISION_HOLD);

	(void)state;
	expect_json(&d,
	    "{\"time\":\"2026-11-22T09:36:37.000Z\",\"event\":\"hold\","
	    "\"table\":\"bruteforce\",\"prefix\":\"192.0.2.1\","
	    "\"origin\":\"rule\",\"by\":\"ssh\","
	    "\"sensor\":\"nflog group 5\","
	    "\"cause\":\"max-src-conn-rate 15/5\",\"count\":16,"
	    "\"expires\":\"2027-01-03T09:36:37.000Z\"}");
}

static void
keys_that_do_not_apply_are_left_out(void **state)
{
	struct decision d = make(DECISION_RELEASE);

	(void)state;
	d.sensor = "";
	d.count = DECISION_NO_COUNT;
	d.cause = "expired";
	d.origin = ORIGIN_OPERATOR;
	prefix_parse("2001:db8::/64", &d.prefix);
	expect_json(&d,
	    "{\"time\":\"2026-11-22T09:36:37.000Z\",\"event\":\"release\","
	    "\"table\":\"bruteforce\",\"prefix\":\"2001:db8::/64\","
	    "\"origin\":\"operator\",\"by\":\"ssh\",\"cause\":\"expired\"}");
}

static void
an_expiry_that_never_comes_says_never(void **state)
{
	struct decision d = make(DECISION_EXTEND);

	(void)state;
	d.expires = WALL_NEVER;
	d.sensor = "";
	d.count = 0;
	expect_json(&d,
	    "{\"time\":\"2026-11-22T09:36:37.000Z\",\"event\":\"extend\","
	    "\"table\":\"bruteforce\",\"prefix\":\"192.0.2.1\","
	    "\"origin\":\"rule\",\"by\":\"ssh\","
	    "\"cause\":\"max-src-conn-rate 15/5\",\"count\":0,"
	    "\"expires\":\"never\"}");
}

static void
json_that_does_not_fit_is_refused_whole(void **state)
{
	struct decision d = make(DECISION_HOLD);
	char out[DECISION_STRLEN];
	size_t len = decision_json(&d, out, sizeof(out));

	(void)state;
	assert_int_equal(decision_json(&d, out, len), 0);
	assert_int_equal(decision_json(&d, out, len + 1), len);
}

static void
text_tells_a_reader_what_until_when_and_why(void **state)
{
	struct decision d = make(DECISION_HOLD);

	(void)state;
	expect_text(&d,
	    "2026-11-22T09:36:37.000Z hold <bruteforce> 192.0.2.1 until "
	    "2027-01-03T09:36:37.000Z: max-src-conn-rate 15/5 (16) by rule "
	    "ssh, seen by nflog group 5");
	d.expires = WALL_NEVER;
	expect_text(&d,
	    "2026-11-22T09:36:37.000Z hold <bruteforce> 192.0.2.1, expires "
	    "never: max-src-conn-rate 15/5 (16) by rule ssh, seen by nflog "
	    "group 5");
	d.kind = DECISION_REFUSE;
	d.sensor = "";
	d.cause = "never";
	d.count = DECISION_NO_COUNT;
	expect_text(&d,
	    "2026-11-22T09:36:37.000Z refuse <bruteforce> 192.0.2.1: never by "
	    "rule ssh");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hold_has_every_key_in_the_pinned_order),
	    cmocka_unit_test(keys_that_do_not_apply_are_left_out),
	    cmocka_unit_test(an_expiry_that_never_comes_says_never),
	    cmocka_unit_test(json_that_does_not_fit_is_refused_whole),
	    cmocka_unit_test(text_tells_a_reader_what_until_when_and_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
