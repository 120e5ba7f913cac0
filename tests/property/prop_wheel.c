/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The wheel against a plain array of due times that is searched for the
 * least: the same items in the same order, and never called too late.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/wheel.h"
#include "tests/property/random.h"

#define ITEMS 300

struct model {
	struct wheel_owner owner;
	struct wheel_item items[ITEMS];
	bool is_filed[ITEMS];
	size_t count;
	struct wall now;
	struct random random;
};

static struct model model;

static struct wheel_item *
get_item(const struct wheel_owner *owner, uint32_t i)
{
	(void)owner;
	return &model.items[i];
}

static bool
is_lower(const struct wheel_owner *owner, uint32_t a, uint32_t b)
{
	(void)owner;
	return a < b;
}

/* The filed item that is due first, ITEMS if there is none. */
static uint32_t
find_first(const struct model *m)
{
	uint32_t i, first = ITEMS;

	for (i = 0; i < ITEMS; i++) {
		if (m->is_filed[i] &&
		    (first == ITEMS ||
			m->items[i].due.ms < m->items[first].due.ms))
			first = i;
	}
	return first;
}

/* Times ahead of every size, a few behind, and many that are equal. */
static int64_t
random_due(struct model *m)
{
	uint32_t bits = random_below(&m->random, 45);
	int64_t ahead;

	if (random_below(&m->random, 10) == 0)
		return INT64_MAX;
	ahead =
	    (int64_t)(random_next(&m->random) & ((UINT64_C(1) << bits) - 1));
	if (random_below(&m->random, 3) == 0)
		ahead = ahead / 5000 * 5000;
	if (random_below(&m->random, 8) == 0)
		ahead = -ahead;
	return m->now.ms + ahead;
}

static void
add_or_remove(struct model *m, struct wheel *w)
{
	uint32_t i = random_below(&m->random, ITEMS);

	if (m->is_filed[i] || random_below(&m->random, 4) == 0) {
		wheel_remove(w, i);
		m->count -= m->is_filed[i];
		m->is_filed[i] = false;
		return;
	}
	m->items[i].due.ms = random_due(m);
	wheel_add(w, i);
	m->is_filed[i] = !wall_is_never(m->items[i].due);
	m->count += m->is_filed[i];
}

static void
expect_due(struct model *m, struct wheel *w)
{
	uint32_t out[ITEMS], n = 1 + random_below(&m->random, 20), i, first;
	size_t done = wheel_due(w, m->now, out, n), k;

	for (k = 0; k < done; k++) {
		first = find_first(m);
		assert_int_equal(out[k], first);
		assert_true(m->items[first].due.ms <= m->now.ms);
		m->is_filed[first] = false;
		m->count--;
	}
	i = find_first(m);
	if (done < n && i != ITEMS) {
		assert_true(m->items[i].due.ms > m->now.ms);
		assert_true(wheel_next(w).ms <= m->items[i].due.ms);
		assert_true(wheel_next(w).ms > m->now.ms);
	}
	if (i == ITEMS)
		assert_true(wall_is_never(wheel_next(w)));
}

static void
move_clock(struct model *m, struct wheel *w)
{
	uint32_t bits = random_below(&m->random, 36);
	struct wall next = wheel_next(w);

	switch (random_below(&m->random, 4)) {
	case 0:
		break;
	case 1:
		if (!wall_is_never(next) && next.ms < INT64_MAX / 2)
			m->now = wall_later(m->now, next);
		break;
	case 2:
		m->now.ms += random_below(&m->random, 3000);
		break;
	default:
		m->now.ms += (int64_t)(random_next(&m->random) &
				       ((UINT64_C(1) << bits) - 1));
		break;
	}
}

static void
the_wheel_hands_out_like_a_plain_array(void **state)
{
	struct wheel *w;
	uint32_t n, round;

	(void)state;
	model.random = random_start("prop_wheel");
	for (round = 0; round < 20; round++) {
		memset(model.items, 0, sizeof(model.items));
		memset(model.is_filed, 0, sizeof(model.is_filed));
		model.count = 0;
		model.now.ms = (int64_t)(random_next(&model.random) >> 22);
		model.owner.item = get_item;
		model.owner.is_before = is_lower;
		w = wheel_new(&model.owner, model.now);
		for (n = 0; n < 3000; n++) {
			if (random_below(&model.random, 5) != 0) {
				add_or_remove(&model, w);
			} else {
				move_clock(&model, w);
				expect_due(&model, w);
			}
			assert_int_equal(wheel_count(w), model.count);
		}
		wheel_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_wheel_hands_out_like_a_plain_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
