/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The index of numbered items, with hashes as this test wants them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/index.h"

#define ITEMS 1000

struct owner {
	struct index_owner base; /* first */
	uint64_t hashes[ITEMS];
};

static size_t asked;

static uint64_t
tell(const struct index_owner *base, uint32_t item)
{
	const struct owner *o = (const struct owner *)base;

	asked++;
	return o->hashes[item];
}

static bool
has(const struct index *x, uint64_t hash, uint32_t item)
{
	struct index_search search;
	uint32_t i;

	index_search(x, hash, &search);
	while ((i = index_next(x, &search)) != INDEX_NONE) {
		if (i == item)
			return true;
	}
	return false;
}

static void
fill(struct index *x, struct owner *o, uint64_t step)
{
	uint32_t i;

	o->base.hash = tell;
	asked = 0;
	assert_int_equal(index_init(x, &o->base), 0);
	for (i = 0; i < ITEMS; i++) {
		o->hashes[i] = (i + 1) * step;
		assert_int_equal(index_add(x, o->hashes[i], i), 0);
	}
}

/* Takes every third item out and looks for all of them now and then. */
static void
thin_out(struct index *x, const struct owner *o)
{
	uint32_t i, j;

	for (i = 0; i < ITEMS; i += 3) {
		index_remove(x, o->hashes[i], i);
		for (j = 0; i % 30 == 0 && j < ITEMS; j++)
			assert_int_equal(has(x, o->hashes[j], j),
			    j % 3 != 0 || j > i);
	}
}

static void
scattered_items_are_found_and_the_owner_is_not_asked(void **state)
{
	static struct owner o;
	struct index x;

	(void)state;
	fill(&x, &o, UINT64_C(0x9e3779b97f4a7c15));
	thin_out(&x, &o);
	assert_int_equal(asked, 0);
	index_fini(&x);
}

static void
crowded_items_are_found_too(void **state)
{
	static struct owner o;
	struct index x;

	(void)state;
	/* All belong in the first slot. */
	fill(&x, &o, UINT64_C(1) << 39);
	assert_true(x.is_far);
	thin_out(&x, &o);
	assert_int_not_equal(asked, 0);
	index_fini(&x);
}

static void
items_around_the_last_slot_are_found(void **state)
{
	static struct owner o;
	struct index x;
	uint32_t i;

	(void)state;
	o.base.hash = tell;
	assert_int_equal(index_init(&x, &o.base), 0);
	for (i = 0; i < 100; i++) {
		o.hashes[i] = UINT64_MAX - i;
		assert_int_equal(index_add(&x, o.hashes[i], i), 0);
	}
	for (i = 0; i < 100; i++) {
		index_remove(&x, o.hashes[i], i);
		assert_false(has(&x, o.hashes[i], i));
		assert_int_equal(has(&x, o.hashes[99], 99), i < 99);
	}
	index_fini(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		scattered_items_are_found_and_the_owner_is_not_asked),
	    cmocka_unit_test(crowded_items_are_found_too),
	    cmocka_unit_test(items_around_the_last_slot_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
