/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Names of "set never": which answers count, and what stays without one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/compat.h"
#include "engine/host_names.h"

static char a_name[] = "a.example.org", b_name[] = "b.example.org";
static char *one[] = {a_name};
static char *two[] = {b_name, a_name};

static struct host_names *names;

static int
setup(void **state)
{
	(void)state;
	names = host_names_new();
	assert_non_null(names);
	assert_int_equal(host_names_set(names, one, 1), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	host_names_free(names);
	return 0;
}

/* An answer of these addresses; NULL ends them; none: with this result. */
static bool
answer(uint8_t family, enum host_name_result result, const char *first,
    const char *second)
{
	struct host_name_answer in = {.family = family, .result = result};

	strlcpy(in.name, "a.example.org", sizeof(in.name));
	strlcpy(in.why, "as the test wants it", sizeof(in.why));
	if (first != NULL)
		assert_int_equal(addr_parse(first, &in.addrs[in.n++]), 0);
	if (second != NULL)
		assert_int_equal(addr_parse(second, &in.addrs[in.n++]), 0);
	return host_names_answer(names, &in, (struct wall){1000});
}

/* "STATE ADDRESS ..." of the i-th name. */
static void
expect(size_t i, const char *want)
{
	static const char *const states[] = {"asked", "resolved", "stale",
	    "unknown"};
	char found[512], text[PREFIX_STRLEN];
	struct host_name_view view;
	size_t j;

	host_names_get(names, i, &view);
	strlcpy(found, states[view.state], sizeof(found));
	for (j = 0; j < view.naddrs; j++) {
		strlcat(found, " ", sizeof(found));
		strlcat(found,
		    addr_format(host_names_addr(names, i, j), text,
			sizeof(text)),
		    sizeof(found));
	}
	assert_string_equal(found, want);
}

static void
a_new_name_waits_for_its_first_answer(void **state)
{
	struct host_name_view view;

	(void)state;
	expect(0, "asked");
	host_names_get(names, 0, &view);
	assert_int_equal(view.since.ms, 0);
	assert_string_equal(view.name, "a.example.org");
}

static void
both_families_are_kept(void **state)
{
	(void)state;
	assert_true(answer(6, HOST_NAME_ADDRESSES, "2001:db8::1", NULL));
	assert_true(answer(4, HOST_NAME_ADDRESSES, "192.0.2.2", "192.0.2.1"));
	expect(0, "resolved 192.0.2.1 192.0.2.2 2001:db8::1");
}

static void
the_same_in_another_order_is_no_change(void **state)
{
	(void)state;
	answer(4, HOST_NAME_ADDRESSES, "192.0.2.1", "192.0.2.2");
	assert_false(answer(4, HOST_NAME_ADDRESSES, "192.0.2.2", "192.0.2.1"));
	assert_true(answer(4, HOST_NAME_ADDRESSES, "192.0.2.2", NULL));
	expect(0, "resolved 192.0.2.2");
}

static void
a_failure_keeps_the_last_answer_and_counts(void **state)
{
	struct host_name_view view;

	(void)state;
	answer(4, HOST_NAME_ADDRESSES, "192.0.2.1", NULL);
	assert_false(answer(4, HOST_NAME_FAILED, NULL, NULL));
	expect(0, "stale 192.0.2.1");
	assert_false(answer(4, HOST_NAME_FAILED, NULL, NULL));
	host_names_get(names, 0, &view);
	assert_int_equal(view.failures, 2);
	answer(4, HOST_NAME_ADDRESSES, "192.0.2.1", NULL);
	expect(0, "resolved 192.0.2.1");
}

static void
no_addresses_at_all_is_a_failure(void **state)
{
	(void)state;
	answer(4, HOST_NAME_NONE, NULL, NULL);
	expect(0, "asked");
	answer(6, HOST_NAME_NONE, NULL, NULL);
	expect(0, "unknown");
	answer(6, HOST_NAME_ADDRESSES, "2001:db8::1", NULL);
	expect(0, "resolved 2001:db8::1");
	assert_false(answer(6, HOST_NAME_NONE, NULL, NULL));
	expect(0, "stale 2001:db8::1");
}

static void
a_family_goes_when_the_other_has_addresses(void **state)
{
	(void)state;
	answer(4, HOST_NAME_ADDRESSES, "192.0.2.1", NULL);
	answer(6, HOST_NAME_ADDRESSES, "2001:db8::1", NULL);
	assert_true(answer(6, HOST_NAME_NONE, NULL, NULL));
	expect(0, "resolved 192.0.2.1");
	/* A move from one family to the other, told in two steps. */
	assert_false(answer(4, HOST_NAME_NONE, NULL, NULL));
	expect(0, "stale 192.0.2.1");
	assert_true(answer(6, HOST_NAME_ADDRESSES, "2001:db8::2", NULL));
	expect(0, "resolved 2001:db8::2");
}

static void
a_reload_keeps_what_is_known_of_the_names_that_stay(void **state)
{
	(void)state;
	answer(4, HOST_NAME_ADDRESSES, "192.0.2.1", NULL);
	assert_int_equal(host_names_set(names, two, 2), 0);
	assert_int_equal(host_names_count(names), 2);
	expect(0, "asked");
	expect(1, "resolved 192.0.2.1");
	assert_int_equal(host_names_set(names, two, 1), 0);
	assert_false(answer(4, HOST_NAME_ADDRESSES, "192.0.2.3", NULL));
	expect(0, "asked");
	assert_int_equal(host_names_set(names, NULL, 0), 0);
	assert_int_equal(host_names_count(names), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_new_name_waits_for_its_first_answer),
	    TEST(both_families_are_kept),
	    TEST(the_same_in_another_order_is_no_change),
	    TEST(a_failure_keeps_the_last_answer_and_counts),
	    TEST(no_addresses_at_all_is_a_failure),
	    TEST(a_family_goes_when_the_other_has_addresses),
	    TEST(a_reload_keeps_what_is_known_of_the_names_that_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
