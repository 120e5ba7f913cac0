/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Entries and holds: who holds what until when, and in which order it ends. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tables.h"

static struct tables *t;

static int
start(void **state)
{
	(void)state;
	t = tables_new(100, 1, (struct wall){0});
	return t == NULL ? -1 : 0;
}

static int
stop(void **state)
{
	(void)state;
	tables_free(t);
	return 0;
}

static struct prefix
parse(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static enum tables_result
hold(uint16_t table, const char *text, enum origin origin, uint32_t by,
    int64_t since_ms, int64_t expires_ms)
{
	struct prefix p = parse(text);
	struct hold h = {.expires = {expires_ms},
	    .since = {since_ms},
	    .by = by,
	    .cause = 1,
	    .sensor = 2,
	    .count = 3,
	    .origin = origin};

	return tables_hold(t, table, &p, &h);
}

static enum tables_gone
end(uint16_t table, const char *text, enum origin origin, uint32_t by)
{
	struct prefix p = parse(text);

	return tables_end_hold(t, table, &p, origin, by);
}

static struct entry_view
get(uint16_t table, const char *text)
{
	struct prefix p = parse(text);
	struct entry_view view;

	assert_true(tables_get(t, table, &p, &view));
	return view;
}

static bool
has(uint16_t table, const char *text)
{
	struct prefix p = parse(text);

	return tables_has(t, table, &p.addr);
}

static void
the_latest_hold_decides_when_an_entry_ends(void **state)
{
	struct entry_view view;

	(void)state;
	assert_int_equal(hold(0, "192.0.2.1", ORIGIN_RULE, 1, 50, 1000),
	    TABLES_NEW);
	assert_int_equal(hold(0, "192.0.2.1", ORIGIN_BGP, 1, 40, 900),
	    TABLES_UNCHANGED);
	assert_int_equal(hold(0, "192.0.2.1", ORIGIN_RULE, 2, 60, 1100),
	    TABLES_EXTENDED);
	assert_int_equal(hold(0, "192.0.2.1", ORIGIN_BGP, 1, 70, 1200),
	    TABLES_EXTENDED);
	view = get(0, "192.0.2.1");
	assert_int_equal(view.nholds, 3);
	assert_int_equal(view.expires.ms, 1200);
	assert_int_equal(view.since.ms, 40);
	assert_int_equal(tables_count(t, 0), 1);
}

static void
a_hold_is_extended_and_never_shortened(void **state)
{
	struct prefix p = parse("192.0.2.1");
	struct hold h = {.expires = {500},
	    .since = {200},
	    .by = 1,
	    .cause = 7,
	    .sensor = 8,
	    .count = 9,
	    .origin = ORIGIN_RULE};

	(void)state;
	hold(0, "192.0.2.1", ORIGIN_RULE, 1, 100, 1000);
	assert_int_equal(tables_hold(t, 0, &p, &h), TABLES_UNCHANGED);
	assert_true(tables_get_hold(t, 0, &p, 0, &h));
	assert_int_equal(h.expires.ms, 1000);
	assert_int_equal(h.since.ms, 100);
	assert_int_equal(h.cause, 7);
	assert_int_equal(h.sensor, 8);
	assert_int_equal(h.count, 9);
	assert_false(tables_get_hold(t, 0, &p, 1, &h));
	assert_int_equal(hold(0, "192.0.2.1", ORIGIN_RULE, 1, 100, INT64_MAX),
	    TABLES_EXTENDED);
	assert_true(wall_is_never(get(0, "192.0.2.1").expires));
	assert_true(wall_is_never(tables_next(t)));
}

static void
an_entry_goes_with_its_last_hold(void **state)
{
	(void)state;
	hold(3, "192.0.2.1", ORIGIN_RULE, 1, 0, 100);
	hold(3, "192.0.2.1", ORIGIN_RULE, 2, 0, 300);
	hold(3, "192.0.2.1", ORIGIN_RULE, 3, 0, 200);
	assert_int_equal(end(3, "192.0.2.1", ORIGIN_BGP, 1), TABLES_ABSENT);
	assert_int_equal(end(3, "192.0.2.2", ORIGIN_RULE, 1), TABLES_ABSENT);
	assert_int_equal(end(2, "192.0.2.1", ORIGIN_RULE, 1), TABLES_ABSENT);
	assert_int_equal(end(3, "192.0.2.1", ORIGIN_RULE, 2), TABLES_KEPT);
	assert_int_equal(get(3, "192.0.2.1").expires.ms, 200);
	assert_int_equal(end(3, "192.0.2.1", ORIGIN_RULE, 1), TABLES_KEPT);
	assert_true(has(3, "192.0.2.1"));
	assert_int_equal(end(3, "192.0.2.1", ORIGIN_RULE, 3), TABLES_RELEASED);
	assert_false(has(3, "192.0.2.1"));
	assert_int_equal(tables_count_all(t), 0);
	assert_true(wall_is_never(tables_next(t)));
}

static void
holds_lapse_by_expiry_then_table_then_prefix(void **state)
{
	static const struct {
		int64_t expires_ms;
		uint16_t table;
		const char *prefix;
		uint32_t by;
		enum tables_gone what;
	} want[] = {
	    {4000, 0, "192.0.2.9", 1, TABLES_KEPT},
	    {5000, 0, "192.0.2.9", 2, TABLES_RELEASED},
	    {5000, 1, "192.0.2.0/24", 1, TABLES_RELEASED},
	    {5000, 1, "192.0.2.0", 1, TABLES_KEPT},
	    {5000, 1, "192.0.2.0", 2, TABLES_RELEASED},
	    {5000, 1, "192.0.2.1", 1, TABLES_KEPT},
	    {5001, 1, "192.0.2.1", 3, TABLES_RELEASED},
	};
	struct tables_lapse lapse;
	struct prefix p;
	size_t i;

	(void)state;
	hold(1, "192.0.2.1", ORIGIN_RULE, 3, 0, 5001);
	hold(1, "192.0.2.1", ORIGIN_RULE, 1, 0, 5000);
	hold(1, "192.0.2.0", ORIGIN_RULE, 2, 0, 5000);
	hold(1, "192.0.2.0", ORIGIN_RULE, 1, 0, 5000);
	hold(1, "192.0.2.0/24", ORIGIN_RULE, 1, 0, 5000);
	hold(0, "192.0.2.9", ORIGIN_RULE, 2, 0, 5000);
	hold(0, "192.0.2.9", ORIGIN_RULE, 1, 0, 4000);
	hold(0, "192.0.2.8", ORIGIN_RULE, 1, 0, 5002);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(
		    tables_expire(t, (struct wall){5001}, &lapse, 1), 1);
		p = parse(want[i].prefix);
		assert_int_equal(lapse.hold.expires.ms, want[i].expires_ms);
		assert_int_equal(lapse.table, want[i].table);
		assert_true(prefix_equal(&lapse.prefix, &p));
		assert_int_equal(lapse.hold.by, want[i].by);
		assert_int_equal(lapse.what, want[i].what);
	}
	assert_int_equal(tables_expire(t, (struct wall){5001}, &lapse, 1), 0);
	assert_int_equal(tables_count_all(t), 1);
}

static void
the_widest_entry_is_found(void **state)
{
	struct addr addr = parse("2001:db8::77").addr;
	struct entry_view view;
	struct prefix wide = parse("2001:db8::/32");

	(void)state;
	assert_false(tables_lookup(t, 9, &addr, &view));
	hold(0, "2001:db8::77", ORIGIN_RULE, 1, 0, 100);
	hold(0, "2001:db8::/64", ORIGIN_RULE, 1, 0, 100);
	hold(0, "2001:db8::/32", ORIGIN_RULE, 1, 0, 100);
	hold(1, "::/0", ORIGIN_RULE, 1, 0, 100);
	assert_true(tables_lookup(t, 0, &addr, &view));
	assert_true(prefix_equal(&view.prefix, &wide));
	assert_true(has(0, "2001:db8:ffff::1"));
	assert_false(has(0, "2001:db9::1"));
	assert_true(has(1, "2001:db9::1"));
	/* A prefix that a wider one covered is not lost with it. */
	end(0, "2001:db8::/32", ORIGIN_RULE, 1);
	assert_false(has(0, "2001:db8:ffff::1"));
	assert_true(has(0, "2001:db8::77"));
}

static void
count_related(void *arg, const struct entry_view *view)
{
	(void)view;
	++*(int *)arg;
}

static void
related_entries_contain_or_are_contained(void **state)
{
	struct prefix host = parse("192.0.2.1"), net = parse("192.0.2.0/25");
	int n = 0;

	(void)state;
	hold(0, "192.0.2.1", ORIGIN_RULE, 1, 0, 100);
	hold(0, "192.0.2.0/24", ORIGIN_RULE, 1, 0, 100);
	hold(0, "192.0.2.2", ORIGIN_RULE, 1, 0, 100);
	hold(1, "192.0.2.1", ORIGIN_RULE, 1, 0, 100);
	hold(1, "192.0.2.200", ORIGIN_RULE, 1, 0, 100);
	hold(2, "192.0.2.1", ORIGIN_RULE, 1, 0, 100);
	tables_each_related(t, 2, &host, count_related, &n);
	assert_int_equal(n, 3);
	n = 0;
	tables_each_related(t, 2, &net, count_related, &n);
	assert_int_equal(n, 4);
}

static void
a_full_table_takes_no_entry_but_further_holds(void **state)
{
	(void)state;
	tables_set_limit(t, 2);
	assert_int_equal(hold(0, "192.0.2.1", ORIGIN_RULE, 1, 0, 100),
	    TABLES_NEW);
	assert_int_equal(hold(0, "192.0.2.2", ORIGIN_RULE, 1, 0, 100),
	    TABLES_NEW);
	assert_int_equal(hold(0, "192.0.2.3", ORIGIN_RULE, 1, 0, 100),
	    TABLES_FULL);
	assert_false(has(0, "192.0.2.3"));
	assert_int_equal(hold(0, "192.0.2.1", ORIGIN_BGP, 1, 0, 200),
	    TABLES_EXTENDED);
	assert_int_equal(hold(1, "192.0.2.3", ORIGIN_RULE, 1, 0, 100),
	    TABLES_NEW);
}

static void
the_generation_tells_that_entries_came_or_went(void **state)
{
	uint64_t before = tables_generation(t, 5), now;

	(void)state;
	hold(5, "192.0.2.1", ORIGIN_RULE, 1, 0, 100);
	now = tables_generation(t, 5);
	assert_int_not_equal(now, before);
	hold(5, "192.0.2.1", ORIGIN_RULE, 2, 0, 200);
	end(5, "192.0.2.1", ORIGIN_RULE, 2);
	assert_int_equal(tables_generation(t, 5), now);
	end(5, "192.0.2.1", ORIGIN_RULE, 1);
	assert_int_not_equal(tables_generation(t, 5), now);
	assert_int_equal(tables_generation(t, 6), tables_generation(t, 7));
}

static void
an_entry_with_one_hold_takes_at_most_96_bytes(void **state)
{
	const size_t n = 300000;
	struct hold h = {.expires = {1}, .origin = ORIGIN_RULE};
	struct prefix p;
	size_t i;

	(void)state;
	tables_set_limit(t, n);
	p = parse("2001:db8::1");
	for (i = 0; i < n; i++) {
		p.addr.bytes[12] = (uint8_t)(i >> 16);
		p.addr.bytes[13] = (uint8_t)(i >> 8);
		p.addr.bytes[14] = (uint8_t)i;
		h.expires.ms = (int64_t)i;
		assert_int_equal(tables_hold(t, 0, &p, &h), TABLES_NEW);
	}
	print_message("%.1f bytes an entry\n",
	    (double)tables_memory(t) / (double)n);
	assert_true(tables_memory(t) <= 96 * n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		the_latest_hold_decides_when_an_entry_ends, start, stop),
	    cmocka_unit_test_setup_teardown(
		a_hold_is_extended_and_never_shortened, start, stop),
	    cmocka_unit_test_setup_teardown(an_entry_goes_with_its_last_hold,
		start, stop),
	    cmocka_unit_test_setup_teardown(
		holds_lapse_by_expiry_then_table_then_prefix, start, stop),
	    cmocka_unit_test_setup_teardown(the_widest_entry_is_found, start,
		stop),
	    cmocka_unit_test_setup_teardown(
		related_entries_contain_or_are_contained, start, stop),
	    cmocka_unit_test_setup_teardown(
		a_full_table_takes_no_entry_but_further_holds, start, stop),
	    cmocka_unit_test_setup_teardown(
		the_generation_tells_that_entries_came_or_went, start, stop),
	    cmocka_unit_test_setup_teardown(
		an_entry_with_one_hold_takes_at_most_96_bytes, start, stop),
	};

	tables_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
