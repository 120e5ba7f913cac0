/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Which set a prefix goes into, what sets are called, what timeouts say. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actuators/actuator.h"
#include "actuators/nft_elements.h"
#include "actuators/nft_sets.h"
#include "engine/change.h"

static struct table_conf tables[] = {
    {.name = "none", .enforce = ENFORCE_NONE},
    {.name = "bruteforce", .enforce = ENFORCE_BLOCK},
    {.name = "", .enforce = ENFORCE_BLOCK},
    {.name = "a.b", .enforce = ENFORCE_BLOCK},
    {.name = "a_b", .enforce = ENFORCE_BLOCK},
    {.name = "_a", .enforce = ENFORCE_BLOCK},
    {.name = "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<", .enforce = ENFORCE_BLOCK},
};

static struct actuator_conf conf = {
    .tables = tables,
    .ntables = sizeof(tables) / sizeof(tables[0]),
    .source_len_inet = 128,
    .source_len_inet6 = 60,
    .limit_entries = 1000,
};

static void
expect_set(struct nft_sets *sets, uint16_t table, const char *prefix,
    const char *name)
{
	struct nft_set *s;
	struct prefix p;

	assert_int_equal(prefix_parse(prefix, &p), 0);
	s = nft_sets_find(sets, table, &p);
	if (name == NULL) {
		assert_null(s);
		return;
	}
	assert_non_null(s);
	assert_string_equal(s->name, name);
}

static void
a_prefix_goes_to_the_set_of_its_length(void **state)
{
	struct nft_sets *sets = nft_sets_new(&conf);

	(void)state;
	expect_set(sets, 1, "192.0.2.1", "bruteforce_v4");
	expect_set(sets, 1, "192.0.2.0/24", "bruteforce_v4_24");
	expect_set(sets, 1, "192.0.0.0/16", "bruteforce_v4_16");
	expect_set(sets, 1, "192.0.0.0/23", "bruteforce_v4_other");
	expect_set(sets, 1, "0.0.0.0/0", "bruteforce_v4_other");
	expect_set(sets, 1, "2001:db8::1", "bruteforce_v6");
	expect_set(sets, 1, "2001:db8::/64", "bruteforce_v6_64");
	expect_set(sets, 1, "2001:db8::/60", "bruteforce_v6_60");
	expect_set(sets, 1, "2001:db8::/56", "bruteforce_v6_56");
	expect_set(sets, 1, "2001:db8::/48", "bruteforce_v6_48");
	expect_set(sets, 1, "2001:db8::/120", "bruteforce_v6_other");
	expect_set(sets, 1, "::/0", "bruteforce_v6_other");
	nft_sets_free(sets);
}

static void
tables_that_do_not_block_have_no_set(void **state)
{
	struct nft_sets *sets = nft_sets_new(&conf);

	(void)state;
	expect_set(sets, 0, "192.0.2.1", NULL);
	expect_set(sets, 2, "192.0.2.1", NULL);
	expect_set(sets, 200, "192.0.2.1", NULL);
	expect_set(sets, UINT16_MAX, "192.0.2.1", NULL);
	nft_sets_free(sets);
}

static void
names_are_told_apart(void **state)
{
	struct nft_sets *sets = nft_sets_new(&conf);
	size_t i;

	(void)state;
	expect_set(sets, 3, "192.0.2.1", "a.2eb_v4");
	expect_set(sets, 4, "192.0.2.1", "a_b_v4");
	expect_set(sets, 5, "192.0.2.1", "n/_a_v4");
	for (i = 0; i < sets->n; i++) {
		assert_true(strlen(sets->list[i].name) < NFT_SET_NAME_LEN - 1);
		assert_ptr_equal(nft_sets_named(sets, sets->list[i].name),
		    &sets->list[i]);
	}
	assert_null(nft_sets_named(sets, "a_b"));
	nft_sets_free(sets);
}

static void
no_timeout_overflows(void **state)
{
	const int64_t day = 24 * 3600 * INT64_C(1000);

	(void)state;
	assert_int_equal(nft_elements_timeout(CHANGE_FOREVER), 0);
	assert_int_equal(nft_elements_timeout(0), 60000);
	assert_int_equal(nft_elements_timeout(-5), 60000);
	assert_int_equal(nft_elements_timeout(10 * day), 11 * day);
	assert_int_equal(nft_elements_timeout(100 * day), 101 * day);
	assert_int_equal(nft_elements_timeout(INT64_MAX - 1), 20001 * day);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_prefix_goes_to_the_set_of_its_length),
	    cmocka_unit_test(tables_that_do_not_block_have_no_set),
	    cmocka_unit_test(names_are_told_apart),
	    cmocka_unit_test(no_timeout_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
