/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Addresses and prefixes: text, masks, families, order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/prefix.h"

static void
expect_text(const char *in, const char *want)
{
	char text[PREFIX_STRLEN];
	struct prefix p;

	assert_int_equal(prefix_parse(in, &p), 0);
	assert_string_equal(prefix_format(&p, text, sizeof(text)), want);
}

static void
text_comes_back_normalised(void **state)
{
	(void)state;
	expect_text("192.0.2.1", "192.0.2.1");
	expect_text("192.0.2.1/32", "192.0.2.1");
	expect_text("192.0.2.77/24", "192.0.2.0/24");
	expect_text("0.0.0.0/0", "0.0.0.0/0");
	expect_text("2001:DB8::1", "2001:db8::1");
	expect_text("2001:db8:ffff::/33", "2001:db8:8000::/33");
	expect_text("::/0", "::/0");
	expect_text("::ffff:192.0.2.1", "192.0.2.1");
	expect_text("::ffff:192.0.2.1/120", "192.0.2.0/24");
}

static void
nonsense_is_refused(void **state)
{
	static const char *const bad[] = {"", "/", "192.0.2.1/", "192.0.2.1/33",
	    "192.0.2.1/-1", "192.0.2.1/ 8", "192.0.2.256", "2001:db8::/129",
	    "2001:db8::1/64/64", "host", "192.0.2.1/24x"};
	struct prefix p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (prefix_parse(bad[i], &p) != -1)
			fail_msg("\"%s\" was taken for a prefix", bad[i]);
	}
}

static void
a_network_covers_its_hosts_and_nothing_else(void **state)
{
	struct prefix net, in, out;

	(void)state;
	prefix_parse("198.51.100.128/25", &net);
	prefix_parse("198.51.100.128", &in);
	prefix_parse("198.51.100.127", &out);
	assert_true(prefix_covers(&net, &in));
	assert_false(prefix_covers(&net, &out));
	assert_false(prefix_covers(&in, &net));
	assert_true(prefix_covers(&net, &net));
	prefix_parse("::/0", &net);
	assert_true(prefix_covers(&net, &in));
	assert_false(prefix_is_ipv4(&net));
}

static void
the_last_address_ends_the_prefix(void **state)
{
	char text[PREFIX_STRLEN];
	struct prefix p;
	struct addr last;

	(void)state;
	prefix_parse("10.0.0.0/9", &p);
	last = prefix_last(&p);
	assert_string_equal(addr_format(&last, text, sizeof(text)),
	    "10.127.255.255");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_comes_back_normalised),
	    cmocka_unit_test(nonsense_is_refused),
	    cmocka_unit_test(a_network_covers_its_hosts_and_nothing_else),
	    cmocka_unit_test(the_last_address_ends_the_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
