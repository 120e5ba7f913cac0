/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The pool of sources against a plain array: the same counters, and what is
 * forgotten is among the stalest up to the bound that sources.h states.  Two
 * pools with different seeds must forget the same.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sources.h"
#include "tests/property/random.h"

#define RULES 3
#define HOSTS 150
#define KEYS  (RULES * HOSTS)

struct known {
	bool is_there;
	bool was_in_use; /* since the last touch: staleness is not known */
	uint64_t touched;
	struct wall last;
	uint32_t conn;
};

struct model {
	struct known known[KEYS];
	struct sources *a, *b;
	size_t most;
	uint64_t step; /* stays that of the limit that the pool began with */
	uint64_t touches;
	struct wall now;
	struct random random;
};

static struct prefix
key_prefix(uint32_t key)
{
	struct addr a;

	memset(&a, 0, sizeof(a));
	a.bytes[0] = 0x20;
	a.bytes[3] = (uint8_t)(key / RULES);
	return prefix_make(&a, key % 2 == 0 ? 64 : 128);
}

static struct source *
find(struct sources *s, uint32_t key)
{
	struct prefix p = key_prefix(key);

	return sources_find(s, key % RULES, &p);
}

/* Nothing that lives may be staler than the freshest that was forgotten. */
static void
check_staleness(const struct model *m, uint64_t forgotten)
{
	uint64_t step = m->step;
	const struct known *k;

	if (m->touches - forgotten > 1000 * step)
		return;
	for (k = m->known; k < m->known + KEYS; k++) {
		if (k->is_there && !k->was_in_use)
			assert_true(k->touched + step > forgotten);
	}
}

/* Compares everything; counts what is gone that the model still has. */
static size_t
check(struct model *m, uint32_t fresh)
{
	size_t gone = 0, count[RULES] = {0};
	const struct source *a, *b;
	uint64_t freshest = 0;
	struct known *k;
	uint32_t key;

	for (key = 0; key < KEYS; key++) {
		k = &m->known[key];
		a = find(m->a, key);
		b = find(m->b, key);
		assert_int_equal(a == NULL, b == NULL);
		if (a == NULL && k->is_there) {
			assert_int_not_equal(key, fresh);
			k->is_there = false;
			if (!k->was_in_use && k->touched > freshest)
				freshest = k->touched;
			gone++;
		}
		assert_int_equal(a != NULL, k->is_there);
		if (a == NULL)
			continue;
		assert_int_equal(a->conn, k->conn);
		assert_int_equal(b->conn, k->conn);
		assert_int_equal(a->last.ms, k->last.ms);
		count[key % RULES]++;
	}
	if (gone > 0)
		check_staleness(m, freshest);
	for (key = 0; key < RULES; key++)
		assert_int_equal(sources_count_rule(m->a, key), count[key]);
	assert_int_equal(sources_count(m->a), count[0] + count[1] + count[2]);
	assert_true(sources_count(m->a) <= m->most);
	return gone;
}

static void
touch(struct model *m)
{
	uint32_t key = random_below(&m->random, KEYS);
	struct prefix p = key_prefix(key);
	struct known *k = &m->known[key];
	bool was_full = sources_count(m->a) == m->most;
	bool is_new, is_new_b;
	struct source *a, *b;
	size_t gone;

	/* Some are touched much more often than others. */
	if (random_below(&m->random, 2) == 0) {
		key %= 40;
		p = key_prefix(key);
		k = &m->known[key];
	}
	/* One of the two goes without the hints. */
	sources_hint_node(m->a, sources_hint(m->a, key % RULES, &p));
	a = sources_touch(m->a, key % RULES, &p, m->now, &is_new);
	b = sources_touch(m->b, key % RULES, &p, m->now, &is_new_b);
	assert_int_equal(is_new, !k->is_there);
	assert_int_equal(is_new, is_new_b);
	if (is_new)
		k->conn = 0;
	if (random_below(&m->random, 20) == 0)
		k->conn = random_below(&m->random, 2);
	a->conn = b->conn = k->conn;
	k->is_there = true;
	k->was_in_use = k->conn > 0;
	k->touched = ++m->touches;
	k->last = m->now;
	gone = check(m, key);
	assert_int_equal(gone, is_new && was_full);
}

static void
expire(struct model *m)
{
	uint32_t n = 1 + random_below(&m->random, KEYS), key;
	int64_t idle_s = random_below(&m->random, 60);
	const struct known *k;

	sources_expire(m->a, m->now, n, idle_s);
	sources_expire(m->b, m->now, n, idle_s);
	for (key = 0; key < KEYS; key++) {
		k = &m->known[key];
		if (!k->is_there || find(m->a, key) != NULL)
			continue;
		assert_int_equal(k->conn, 0);
		assert_true(m->now.ms - k->last.ms >= idle_s * 1000);
		assert_null(find(m->b, key));
		m->known[key].is_there = false;
	}
	check(m, KEYS);
}

static void
drop(struct model *m)
{
	uint32_t rule = random_below(&m->random, RULES), key;

	sources_drop_rule(m->a, rule);
	sources_drop_rule(m->b, rule);
	for (key = rule; key < KEYS; key += RULES)
		m->known[key].is_there = false;
	assert_int_equal(check(m, KEYS), 0);
}

static void
step(struct model *m)
{
	uint32_t what = random_below(&m->random, 1000);

	/* Half of the time the clock stands still. */
	if (random_below(&m->random, 2) == 0)
		m->now.ms += random_below(&m->random, 2000);
	if (what < 20)
		expire(m);
	else if (what < 21)
		drop(m);
	else
		touch(m);
}

static void
the_pool_forgets_like_a_plain_array(void **state)
{
	static const size_t limits[] = {1, 2, 40, 63, 64, 130, 300, 1000};
	struct model m;
	size_t i, n;

	(void)state;
	memset(&m, 0, sizeof(m));
	m.random = random_start("prop_sources");
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		memset(m.known, 0, sizeof(m.known));
		m.most = limits[i];
		m.step = m.most < SOURCES_STEPS ? 1 : m.most / SOURCES_STEPS;
		m.a = sources_new(m.most, 1);
		m.b = sources_new(m.most, random_next(&m.random));
		for (n = 0; n < 3000; n++)
			step(&m);
		m.most = 1 + random_below(&m.random, (uint32_t)m.most);
		sources_set_limit(m.a, m.most);
		sources_set_limit(m.b, m.most);
		check(&m, KEYS);
		sources_free(m.a);
		sources_free(m.b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_pool_forgets_like_a_plain_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
