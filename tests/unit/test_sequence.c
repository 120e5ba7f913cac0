/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Losses by gaps: none that are false, and all that are true. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sensors/sequence.h"

static void
the_first_number_is_taken_as_it_comes(void **state)
{
	struct sequence s = {.next = 0};

	(void)state;
	assert_int_equal(sequence_lost(&s, 4711), 0);
	assert_int_equal(sequence_lost(&s, 4712), 0);
}

static void
a_gap_is_as_many_as_were_lost(void **state)
{
	struct sequence s = {.next = 0};

	(void)state;
	assert_int_equal(sequence_lost(&s, 156), 0);
	assert_int_equal(sequence_lost(&s, 5000), 4843);
	assert_int_equal(sequence_lost(&s, 5001), 0);
}

static void
numbers_wrap(void **state)
{
	struct sequence s = {.next = 0};

	(void)state;
	assert_int_equal(sequence_lost(&s, UINT32_MAX), 0);
	assert_int_equal(sequence_lost(&s, 0), 0);
	s.next = UINT32_MAX;
	assert_int_equal(sequence_lost(&s, 1), 2);
}

static void
a_number_from_behind_starts_anew(void **state)
{
	struct sequence s = {.next = 0};

	(void)state;
	assert_int_equal(sequence_lost(&s, 90000), 0);
	assert_int_equal(sequence_lost(&s, 0), 0);
	assert_int_equal(sequence_lost(&s, 1), 0);
	assert_int_equal(sequence_lost(&s, 3), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_number_is_taken_as_it_comes),
	    cmocka_unit_test(a_gap_is_as_many_as_were_lost),
	    cmocka_unit_test(numbers_wrap),
	    cmocka_unit_test(a_number_from_behind_starts_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
