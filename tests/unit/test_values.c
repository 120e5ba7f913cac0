/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Words to values: numbers, times, protocols, ports; keywords and hints. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/conf.h"
#include "rules/keywords.h"
#include "rules/report.h"
#include "rules/ruleset.h"
#include "rules/values.h"

static void
numbers_stop_at_their_bound(void **state)
{
	uint64_t n;

	(void)state;
	assert_int_equal(value_number("255", 255, &n), 0);
	assert_int_equal(n, 255);
	assert_int_equal(value_number("256", 255, &n), -1);
	assert_int_equal(value_number("18446744073709551615", UINT64_MAX, &n),
	    0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(value_number("18446744073709551616", UINT64_MAX, &n),
	    -1);
	assert_int_equal(value_number("7", 5, &n), -1);
	assert_int_equal(value_number("", 5, &n), -1);
	assert_int_equal(value_number("+1", 5, &n), -1);
	assert_int_equal(value_number("1 ", 5, &n), -1);
}

static void
expect_time(const char *text, int64_t seconds, const char *printed)
{
	char out[VALUE_TIME_LEN];
	int64_t s;

	assert_int_equal(value_time(text, &s), 0);
	assert_int_equal(s, seconds);
	assert_string_equal(value_time_format(s, out, sizeof(out)), printed);
}

static void
times_print_in_the_largest_unit_that_divides(void **state)
{
	char out[VALUE_TIME_LEN];

	(void)state;
	expect_time("90", 90, "90s");
	expect_time("120s", 120, "2m");
	expect_time("15m", 900, "15m");
	expect_time("24h", 86400, "1d");
	expect_time("75d", 6480000, "75d");
	expect_time("6w", 3628800, "6w");
	expect_time("42d", 3628800, "6w");
	assert_string_equal(value_time_format(EXPIRE_NEVER, out, sizeof(out)),
	    "never");
}

static void
what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {"", "s", "1y", "1.5h", "-1", "1w2d",
	    "101w ", "99999999999999999999", "5220w6", "9999w"};
	int64_t s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (value_time(bad[i], &s) != -1)
			fail_msg("\"%s\" was taken for a time", bad[i]);
	}
}

static void
protocols_go_by_name_and_by_number(void **state)
{
	uint8_t proto;

	(void)state;
	assert_int_equal(value_proto("icmp6", &proto), 0);
	assert_int_equal(proto, 58);
	assert_string_equal(value_proto_name(58), "ipv6-icmp");
	assert_int_equal(value_proto("0", &proto), 0);
	assert_int_equal(value_proto("256", &proto), -1);
	assert_null(value_proto_name(200));
}

static void
other_services_are_looked_up_in_the_text(void **state)
{
	static const char services[] = "# comment\nx\nnull 0/tcp\n"
				       "git 9418/tcp gitd # the daemon\n"
				       "bad 70000/tcp\nlast 7/udp";
	struct policy_text *text = policy_text_new();
	uint16_t port;

	(void)state;
	assert_int_equal(value_port("git", text, false, &port), -1);
	policy_text_add(text, "/etc/services", services, strlen(services));
	assert_int_equal(value_port("git", text, false, &port), 0);
	assert_int_equal(port, 9418);
	assert_int_equal(value_port("gitd", text, false, &port), 0);
	assert_int_equal(value_port("last", text, false, &port), 0);
	assert_int_equal(port, 7);
	assert_int_equal(value_port("bad", text, false, &port), -1);
	assert_int_equal(value_port("the", text, false, &port), -1);
	assert_int_equal(value_port("ssh", text, false, &port), 0);
	assert_int_equal(port, 22);
	policy_text_free(text);
}

static void
ranges_that_touch_become_one(void **state)
{
	struct port_range list[] = {{80, 90}, {91, 95}, {22, 22}, {85, 93},
	    {65535, 65535}, {0, 0}, {97, 97}};

	(void)state;
	assert_int_equal(ports_join(list, 7), 5);
	assert_int_equal(list[0].high, 0);
	assert_int_equal(list[1].low, 22);
	assert_int_equal(list[2].low, 80);
	assert_int_equal(list[2].high, 95);
	assert_int_equal(list[3].low, 97);
	assert_int_equal(list[4].low, 65535);
	assert_int_equal(ports_join(list, 0), 0);
}

static void
keywords_are_sorted_and_found(void **state)
{
	const char *const *names = keyword_names(false);
	size_t i;

	(void)state;
	for (i = 0; names[i] != NULL; i++) {
		assert_non_null(keyword_find(names[i]));
		assert_string_equal(keyword_find(names[i])->name, names[i]);
		if (i > 0)
			assert_true(strcmp(names[i - 1], names[i]) < 0);
	}
	assert_null(keyword_find("tables"));
}

static void
slips_of_the_pen_are_understood(void **state)
{
	static const struct {
		const char *word, *meant;
	} slips[] = {{"tabel", "table"}, {"wacth", "watch"}, {"quik", "quick"},
	    {"protocol", "proto"}, {"prot", "proto"},
	    {"max-src-con", "max-src-conn"}, {"sensors", "sensor"},
	    {"overlaod", "overload"}, {"Watch", "watch"}, {"xyzzy", NULL},
	    {"a", NULL}, {"persist", NULL}};
	const char *nearest;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(slips) / sizeof(slips[0]); i++) {
		nearest = report_nearest(slips[i].word, keyword_names(false));
		if (slips[i].meant == NULL)
			assert_null(nearest);
		else
			assert_string_equal(nearest, slips[i].meant);
	}
}

static void
host_names_are_as_long_as_they_may_be(void **state)
{
	char name[HOST_NAME_LEN + 1], out[HOST_NAME_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < HOST_NAME_LEN; i++)
		name[i] = i % 2 == 0 ? 'A' : '.';
	name[HOST_NAME_LEN - 1] = '\0';
	assert_int_equal(value_host_name(name, out), 0);
	assert_int_equal(strlen(out), 253);
	assert_int_equal(out[252], 'a');
	name[HOST_NAME_LEN - 1] = 'b';
	name[HOST_NAME_LEN] = '\0';
	assert_int_equal(value_host_name(name, out), -1);
	memset(name, 'c', 63);
	memcpy(name + 63, ".org", 5);
	assert_int_equal(value_host_name(name, out), 0);
	memset(name, 'c', 64);
	memcpy(name + 64, ".org", 5);
	assert_int_equal(value_host_name(name, out), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_stop_at_their_bound),
	    cmocka_unit_test(times_print_in_the_largest_unit_that_divides),
	    cmocka_unit_test(what_is_no_time_is_refused),
	    cmocka_unit_test(protocols_go_by_name_and_by_number),
	    cmocka_unit_test(other_services_are_looked_up_in_the_text),
	    cmocka_unit_test(ranges_that_touch_become_one),
	    cmocka_unit_test(keywords_are_sorted_and_found),
	    cmocka_unit_test(host_names_are_as_long_as_they_may_be),
	    cmocka_unit_test(slips_of_the_pen_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
