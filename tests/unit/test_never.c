/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The never set: covering, covered, and which member is named. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/never.h"

static struct prefix
parse(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static void
add(struct never *never, const char *text, const char *why)
{
	struct prefix p = parse(text);

	assert_int_equal(never_add(never, &p, why), 0);
}

static void
expect(const struct never *never, const char *text, const char *why,
    const char *member)
{
	struct prefix p = parse(text), found, want = parse(member);

	assert_string_equal(never_forbids(never, &p, &found), why);
	assert_true(prefix_equal(&found, &want));
}

static void
expect_allowed(const struct never *never, const char *text)
{
	struct prefix p = parse(text);

	assert_null(never_forbids(never, &p, NULL));
}

static void
an_empty_set_allows_everything(void **state)
{
	struct never *never = never_new();

	(void)state;
	never_finish(never);
	expect_allowed(never, "0.0.0.0/0");
	expect_allowed(never, "::1");
	assert_int_equal(never_count(never), 0);
	never_free(never);
}

static void
what_covers_or_lies_in_a_member_is_forbidden(void **state)
{
	struct never *never = never_new();

	(void)state;
	add(never, "198.51.100.0/24", "set never");
	add(never, "192.0.2.17", "own address");
	add(never, "2001:db8::/32", "set never");
	never_finish(never);
	expect(never, "198.51.100.200", "set never", "198.51.100.0/24");
	expect(never, "198.51.100.128/25", "set never", "198.51.100.0/24");
	expect(never, "192.0.2.17", "own address", "192.0.2.17");
	expect(never, "192.0.2.0/27", "own address", "192.0.2.17");
	expect(never, "0.0.0.0/0", "own address", "192.0.2.17");
	expect(never, "2001:db8:1::/64", "set never", "2001:db8::/32");
	expect_allowed(never, "192.0.2.16");
	expect_allowed(never, "192.0.2.18/31");
	expect_allowed(never, "198.51.101.0/24");
	expect_allowed(never, "2001:db9::1");
	never_free(never);
}

static void
the_narrowest_member_around_is_named(void **state)
{
	struct never *never = never_new();

	(void)state;
	add(never, "10.0.0.0/8", "set never");
	add(never, "10.0.1.0/24", "gateway");
	add(never, "10.0.0.77", "own address");
	never_finish(never);
	expect(never, "10.0.0.77", "own address", "10.0.0.77");
	expect(never, "10.0.1.5", "gateway", "10.0.1.0/24");
	expect(never, "10.0.2.5", "set never", "10.0.0.0/8");
	expect(never, "10.255.0.0/16", "set never", "10.0.0.0/8");
	never_free(never);
}

static void
members_may_be_added_twice_and_later(void **state)
{
	struct never *never = never_new();

	(void)state;
	add(never, "192.0.2.1", "own address");
	add(never, "192.0.2.1", "own address");
	never_finish(never);
	assert_int_equal(never_count(never), 1);
	add(never, "192.0.2.0/24", "set never");
	never_finish(never);
	assert_int_equal(never_count(never), 2);
	expect(never, "192.0.2.1", "own address", "192.0.2.1");
	expect(never, "192.0.2.2", "set never", "192.0.2.0/24");
	never_free(never);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_set_allows_everything),
	    cmocka_unit_test(what_covers_or_lies_in_a_member_is_forbidden),
	    cmocka_unit_test(the_narrowest_member_around_is_named),
	    cmocka_unit_test(members_may_be_added_twice_and_later),
	};

	never_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
