/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Interned texts: one number a text, over growth. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/names.h"

static void
the_empty_text_has_number_0(void **state)
{
	struct names *names = names_new();

	(void)state;
	assert_non_null(names);
	assert_string_equal(names_text(names, 0), "");
	assert_int_equal(names_intern(names, ""), 0);
	names_free(names);
}

static void
equal_texts_have_one_number(void **state)
{
	struct names *names = names_new();
	char again[] = "rule ssh";
	uint32_t first = names_intern(names, "rule ssh");

	(void)state;
	assert_int_not_equal(first, 0);
	assert_int_equal(names_intern(names, again), first);
	assert_int_not_equal(names_intern(names, "rule smtp"), first);
	names_free(names);
}

static void
numbers_and_texts_outlast_growth(void **state)
{
	struct names *names = names_new();
	const char *early = names_text(names, names_intern(names, "text 0"));
	uint32_t numbers[5000], i;
	char text[32];

	(void)state;
	for (i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "text %u", i);
		numbers[i] = names_intern(names, text);
	}
	assert_ptr_equal(early, names_text(names, numbers[0]));
	for (i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "text %u", i);
		assert_string_equal(names_text(names, numbers[i]), text);
		assert_int_equal(names_intern(names, text), numbers[i]);
	}
	names_free(names);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_empty_text_has_number_0),
	    cmocka_unit_test(equal_texts_have_one_number),
	    cmocka_unit_test(numbers_and_texts_outlast_growth),
	};

	names_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
