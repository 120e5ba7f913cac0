/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Writing of flat JSON objects: order, escapes, what does not fit. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/json.h"

static void
members_come_out_in_the_order_of_the_calls(void **state)
{
	static const char want[] =
	    "{\"b\":\"x\",\"a\":-9223372036854775808,\"r\":1.50,"
	    "\"yes\":true,\"no\":false}";
	char out[128];
	struct json j;

	(void)state;
	json_begin(&j, out, sizeof(out));
	json_string(&j, "b", "x");
	json_int(&j, "a", INT64_MIN);
	json_real(&j, "r", 1.5, 2);
	json_bool(&j, "yes", true);
	json_bool(&j, "no", false);
	assert_int_equal(json_end(&j), strlen(want));
	assert_string_equal(out, want);
}

static void
whatever_is_not_plain_is_escaped(void **state)
{
	char out[128];
	struct json j;

	(void)state;
	json_begin(&j, out, sizeof(out));
	json_string(&j, "k", "\"\\/\n\x1b[0m\x7f\xc3\xa9~ ");
	json_end(&j);
	assert_string_equal(out,
	    "{\"k\":\"\\\"\\\\/\\u000a\\u001b[0m\\u007f\\u00c3\\u00a9~ \"}");
}

static void
an_empty_object_is_one(void **state)
{
	char out[3];
	struct json j;

	(void)state;
	json_begin(&j, out, sizeof(out));
	assert_int_equal(json_end(&j), 2);
	assert_string_equal(out, "{}");
}

static void
what_does_not_fit_ends_with_0_and_stays_inside(void **state)
{
	static const char want[] = "{\"key\":\"a\\u000ab\",\"n\":10}";
	char out[64];
	struct json j;
	size_t size;

	(void)state;
	for (size = 0; size <= sizeof(want); size++) {
		memset(out, 'z', sizeof(out));
		json_begin(&j, out, size);
		json_string(&j, "key", "a\nb");
		json_int(&j, "n", 10);
		assert_int_equal(json_end(&j),
		    size == sizeof(want) ? strlen(want) : 0);
		assert_int_equal(out[size], 'z');
		if (size > 0)
			assert_non_null(memchr(out, '\0', size));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_come_out_in_the_order_of_the_calls),
	    cmocka_unit_test(whatever_is_not_plain_is_escaped),
	    cmocka_unit_test(an_empty_object_is_one),
	    cmocka_unit_test(what_does_not_fit_ends_with_0_and_stays_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
