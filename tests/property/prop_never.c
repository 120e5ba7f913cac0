/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The never set against a loop over all of its members. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/never.h"
#include "tests/property/random.h"

#define MEMBERS 60
#define ROUNDS  400

/* Few distinct bits, so that prefixes nest often. */
static struct prefix
random_prefix(struct random *random)
{
	struct addr a;
	uint32_t i;

	memset(&a, 0, sizeof(a));
	if (random_below(random, 2) == 0)
		a.bytes[10] = a.bytes[11] = 0xff;
	for (i = 12; i < 16; i++) {
		if (random_below(random, 3) == 0)
			a.bytes[i] = (uint8_t)random_next(random) & 0x81;
	}
	if (random_below(random, 2) == 0)
		return prefix_host(&a);
	/* Mostly lengths of which a set has many that are disjoint. */
	return prefix_make(&a, random_below(random, 8) == 0
				   ? random_below(random, 129)
				   : 97 + random_below(random, 32));
}

static bool
is_member(const struct never *never, const struct prefix *p)
{
	size_t i;

	for (i = 0; i < never_count(never); i++) {
		if (prefix_equal(never_get(never, i), p))
			return true;
	}
	return false;
}

static void
expect_answer(const struct never *never, const struct prefix *members, size_t n,
    const struct prefix *p)
{
	bool is_forbidden = false;
	struct prefix member;
	const char *why;
	size_t i;

	for (i = 0; i < n; i++) {
		if (prefix_covers(&members[i], p) ||
		    prefix_covers(p, &members[i]))
			is_forbidden = true;
	}
	why = never_forbids(never, p, &member);
	assert_int_equal(why != NULL, is_forbidden);
	assert_ptr_equal(never_forbids(never, p, NULL), why);
	if (why == NULL)
		return;
	assert_true(is_member(never, &member));
	assert_true(prefix_covers(&member, p) || prefix_covers(p, &member));
	/* why[] is a text of one letter, told by the length of the member. */
	assert_int_equal(why[0], 'a' + member.len % 26);
}

static void
the_set_forbids_what_a_loop_would(void **state)
{
	static const char whys[26][2] = {"a", "b", "c", "d", "e", "f", "g", "h",
	    "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u",
	    "v", "w", "x", "y", "z"};
	struct random random = random_start("prop_never");
	struct prefix members[MEMBERS], p;
	struct never *never;
	size_t n, i, round, least;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		n = random_below(&random, MEMBERS);
		/* Sets without wide members have something to allow. */
		least = random_below(&random, 2) == 0 ? 0 : 110;
		never = never_new();
		for (i = 0; i < n; i++) {
			do {
				members[i] = random_prefix(&random);
			} while (members[i].len < least);
			assert_int_equal(never_add(never, &members[i],
					     whys[members[i].len % 26]),
			    0);
		}
		never_finish(never);
		assert_true(never_count(never) <= n);
		for (i = 1; i < never_count(never); i++)
			assert_true(prefix_cmp(never_get(never, i - 1),
					never_get(never, i)) < 0);
		for (i = 0; i < n; i++)
			assert_true(is_member(never, &members[i]));
		for (i = 0; i < 50; i++) {
			p = random_prefix(&random);
			expect_answer(never, members, n, &p);
		}
		never_free(never);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_set_forbids_what_a_loop_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
