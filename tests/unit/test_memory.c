/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The firewall in memory: what it was told is what it lists. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actuators/actuator.h"

static const struct actuator_ops *ops;

struct listing {
	struct prefix prefixes[8];
	int64_t remaining_ms[8];
	uint16_t tables[8];
	size_t n;
};

static void
keep(void *arg, uint16_t table, const struct prefix *p, int64_t remaining_ms)
{
	struct listing *l = arg;

	assert_true(l->n < 8);
	l->tables[l->n] = table;
	l->prefixes[l->n] = *p;
	l->remaining_ms[l->n++] = remaining_ms;
}

static void
count_even(void *arg, uint16_t table, const struct prefix *p,
    int64_t remaining_ms)
{
	struct listing *l = arg;

	(void)table;
	(void)remaining_ms;
	assert_int_equal(p->addr.bytes[15] % 2, 0);
	l->n++;
}

static struct actuator *
open_memory(void)
{
	struct actuator_conf conf = {.ntables = 0};
	struct actuator *a = NULL;

	assert_int_equal(ops->open(&conf, &a), 0);
	return a;
}

static void
tell(struct actuator *a, enum change_kind kind, uint16_t table,
    const char *prefix, int64_t remaining_ms)
{
	struct change c = {.kind = kind,
	    .table = table,
	    .remaining_ms = remaining_ms};

	assert_int_equal(prefix_parse(prefix, &c.prefix), 0);
	assert_int_equal(ops->apply(a, &c, 1), 1);
}

static void
entries_come_stay_and_go(void **state)
{
	struct actuator *a = open_memory();
	struct listing l = {.n = 0};
	char text[PREFIX_STRLEN];
	size_t at;

	(void)state;
	tell(a, CHANGE_HOLD, 1, "192.0.2.2", 1000);
	tell(a, CHANGE_HOLD, 0, "2001:db8::/32", CHANGE_FOREVER);
	tell(a, CHANGE_HOLD, 1, "192.0.2.1", 1000);
	tell(a, CHANGE_EXTEND, 1, "192.0.2.2", 5000);
	tell(a, CHANGE_RELEASE, 1, "192.0.2.1", 0);
	tell(a, CHANGE_RELEASE, 1, "192.0.2.9", 0);
	assert_int_equal(ops->list(a, 8, keep, &l), 0);
	assert_int_equal(l.n, 2);
	at = l.tables[0] == 1 ? 0 : 1;
	assert_string_equal(prefix_format(&l.prefixes[at], text, sizeof(text)),
	    "192.0.2.2");
	assert_int_equal(l.remaining_ms[at], 5000);
	assert_int_equal(l.tables[1 - at], 0);
	assert_int_equal(l.remaining_ms[1 - at], CHANGE_FOREVER);
	ops->close(a);
}

static void
big_tables_are_left_out(void **state)
{
	struct actuator *a = open_memory();
	struct listing l = {.n = 0};

	(void)state;
	tell(a, CHANGE_HOLD, 0, "192.0.2.1", 1000);
	tell(a, CHANGE_HOLD, 0, "192.0.2.2", 1000);
	tell(a, CHANGE_HOLD, 7, "192.0.2.1", 1000);
	assert_int_equal(ops->list(a, 1, keep, &l), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.tables[0], 7);
	ops->close(a);
}

static void
nobody_else_can_change_it(void **state)
{
	struct actuator *a = open_memory();
	struct actuator_counters counters;

	(void)state;
	assert_int_equal(ops->fd(a), -1);
	assert_int_equal(ops->notice(a), 0);
	tell(a, CHANGE_HOLD, 0, "192.0.2.1", 1000);
	ops->counters(a, &counters);
	assert_int_equal(counters.transactions, 1);
	assert_int_equal(counters.repairs, 0);
	ops->close(a);
	ops->close(NULL);
}

#define MANY 20000

/* Every other one is released; those that were moved up are still found. */
static void
many_entries_are_all_kept(void **state)
{
	struct actuator *a = open_memory();
	struct listing seen = {.n = 0};
	struct change c = {.kind = CHANGE_HOLD};
	uint32_t i, round;

	(void)state;
	for (round = 0; round < 2; round++) {
		for (i = round; i < MANY; i += 1 + round) {
			const uint8_t bytes[4] = {10, (uint8_t)(i >> 16),
			    (uint8_t)(i >> 8), (uint8_t)i};
			struct addr addr = addr_from_ipv4(bytes);

			c.prefix = prefix_host(&addr);
			assert_int_equal(ops->apply(a, &c, 1), 1);
		}
		c.kind = CHANGE_RELEASE;
	}
	assert_int_equal(ops->list(a, MANY / 2 - 1, keep, &seen), 0);
	assert_int_equal(seen.n, 0);
	assert_int_equal(ops->list(a, MANY / 2, count_even, &seen), 0);
	assert_int_equal(seen.n, MANY / 2);
	ops->close(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(entries_come_stay_and_go),
	    cmocka_unit_test(many_entries_are_all_kept),
	    cmocka_unit_test(big_tables_are_left_out),
	    cmocka_unit_test(nobody_else_can_change_it),
	};

	ops = actuator_find(FIREWALL_MEMORY);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
