/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The tables against plain arrays: every hold of every prefix has a place of
 * its own there, and every question is answered by looking at all of them.
 * Two tables with different seeds must do the same.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tables.h"
#include "tests/property/random.h"

#define TABLES   3
#define PREFIXES 40
#define ORIGINS  2
#define BYS      4
#define HOLDS    (ORIGINS * BYS)
#define MOST     30

struct known {
	bool is_there;
	struct hold hold;
};

struct model {
	struct tables *a, *b;
	struct prefix prefixes[PREFIXES];
	struct known known[TABLES][PREFIXES][HOLDS];
	struct wall now;
	size_t most;
	struct random random;
};

static struct model model;

/* Many lengths, nested, sorted as prefix_cmp() does and without repetition. */
static void
make_prefixes(struct model *m)
{
	size_t n = 0, i;
	struct prefix p;
	struct addr a;

	while (n < PREFIXES) {
		memset(&a, 0, sizeof(a));
		a.bytes[0] = 0x20;
		a.bytes[8] = (uint8_t)random_below(&m->random, 4) << 6;
		a.bytes[15] = (uint8_t)random_below(&m->random, 8);
		p = prefix_make(&a, 128);
		if (random_below(&m->random, 3) == 0)
			p = prefix_make(&a, random_below(&m->random, 129));
		for (i = n; i > 0 && prefix_cmp(&m->prefixes[i - 1], &p) > 0;
		     i--)
			continue;
		if (i > 0 && prefix_equal(&m->prefixes[i - 1], &p))
			continue;
		memmove(&m->prefixes[i + 1], &m->prefixes[i],
		    (n - i) * sizeof(p));
		m->prefixes[i] = p;
		n++;
	}
}

static bool
view_known(const struct model *m, uint32_t table, uint32_t prefix,
    struct entry_view *view)
{
	const struct known *k = m->known[table][prefix];
	size_t i;

	memset(view, 0, sizeof(*view));
	view->table = (uint16_t)table;
	view->prefix = m->prefixes[prefix];
	view->since.ms = INT64_MAX;
	for (i = 0; i < HOLDS; i++) {
		if (!k[i].is_there)
			continue;
		view->expires = wall_later(view->expires, k[i].hold.expires);
		if (wall_before(k[i].hold.since, view->since))
			view->since = k[i].hold.since;
		view->nholds++;
	}
	return view->nholds > 0;
}

static size_t
count_known(const struct model *m, uint32_t table)
{
	struct entry_view view;
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < PREFIXES; i++)
		n += view_known(m, table, i, &view);
	return n;
}

static void
expect_view(const struct entry_view *got, const struct entry_view *want)
{
	assert_int_equal(got->table, want->table);
	assert_true(prefix_equal(&got->prefix, &want->prefix));
	assert_int_equal(got->expires.ms, want->expires.ms);
	assert_int_equal(got->since.ms, want->since.ms);
	assert_int_equal(got->nholds, want->nholds);
}

static void
expect_hold(const struct hold *got, const struct hold *want)
{
	assert_int_equal(got->expires.ms, want->expires.ms);
	assert_int_equal(got->since.ms, want->since.ms);
	assert_int_equal(got->origin, want->origin);
	assert_int_equal(got->by, want->by);
	assert_int_equal(got->cause, want->cause);
	assert_int_equal(got->sensor, want->sensor);
	assert_int_equal(got->count, want->count);
}

static size_t
place_of(const struct hold *hold)
{
	return (size_t)hold->origin * BYS + hold->by;
}

static struct hold
random_hold(struct model *m)
{
	struct hold h;

	memset(&h, 0, sizeof(h));
	h.origin = (enum origin)random_below(&m->random, ORIGINS);
	h.by = random_below(&m->random, BYS);
	h.cause = random_below(&m->random, 1000);
	h.sensor = random_below(&m->random, 1000);
	h.count = random_below(&m->random, 1000);
	h.since.ms = m->now.ms - random_below(&m->random, 3);
	switch (random_below(&m->random, 6)) {
	case 0:
		h.expires = WALL_NEVER;
		break;
	case 1:
		h.expires.ms = m->now.ms + random_below(&m->random, 4);
		break;
	case 2:
		h.expires.ms = m->now.ms + random_below(&m->random, 4000);
		break;
	default:
		/* Whole minutes, so that many are equal. */
		h.expires.ms = m->now.ms / 60000 * 60000 +
			       random_below(&m->random, 4) * 60000;
		break;
	}
	return h;
}

static void
add(struct model *m)
{
	uint32_t table = random_below(&m->random, TABLES);
	uint32_t prefix = random_below(&m->random, PREFIXES);
	struct hold h = random_hold(m);
	struct known *k = &m->known[table][prefix][place_of(&h)];
	struct entry_view before, after;
	bool was_there = view_known(m, table, prefix, &before);
	enum tables_result want;

	if (!was_there && count_known(m, table) >= m->most) {
		want = TABLES_FULL;
	} else {
		if (k->is_there) {
			h.since = k->hold.since;
			h.expires = wall_later(h.expires, k->hold.expires);
		}
		k->is_there = true;
		k->hold = h;
		view_known(m, table, prefix, &after);
		want = !was_there ? TABLES_NEW
		       : wall_before(before.expires, after.expires)
			   ? TABLES_EXTENDED
			   : TABLES_UNCHANGED;
	}
	assert_int_equal(
	    tables_hold(m->a, (uint16_t)table, &m->prefixes[prefix], &h), want);
	assert_int_equal(
	    tables_hold(m->b, (uint16_t)table, &m->prefixes[prefix], &h), want);
}

static void
end(struct model *m)
{
	uint32_t table = random_below(&m->random, TABLES);
	uint32_t prefix = random_below(&m->random, PREFIXES);
	struct hold h = random_hold(m);
	struct known *k = &m->known[table][prefix][place_of(&h)];
	const struct prefix *p = &m->prefixes[prefix];
	struct entry_view view;
	enum tables_gone want = TABLES_ABSENT;

	if (random_below(&m->random, 8) == 0) {
		assert_int_equal(tables_remove(m->a, (uint16_t)table, p),
		    view_known(m, table, prefix, &view));
		tables_remove(m->b, (uint16_t)table, p);
		memset(m->known[table][prefix], 0,
		    sizeof(m->known[table][prefix]));
		return;
	}
	if (k->is_there) {
		k->is_there = false;
		want = view_known(m, table, prefix, &view) ? TABLES_KEPT
							   : TABLES_RELEASED;
	}
	assert_int_equal(
	    tables_end_hold(m->a, (uint16_t)table, p, h.origin, h.by), want);
	assert_int_equal(
	    tables_end_hold(m->b, (uint16_t)table, p, h.origin, h.by), want);
}

/* The hold that lapses first; prefixes are sorted, so the scan's order is
 * that of tables_expire(). */
static struct known *
first_to_lapse(struct model *m, uint32_t *table, uint32_t *prefix)
{
	struct known *k, *first = NULL;
	uint32_t i, j, n;

	for (i = 0; i < TABLES; i++) {
		for (j = 0; j < PREFIXES; j++) {
			for (n = 0; n < HOLDS; n++) {
				k = &m->known[i][j][n];
				if (!k->is_there ||
				    (first != NULL &&
					!wall_before(k->hold.expires,
					    first->hold.expires)))
					continue;
				first = k;
				*table = i;
				*prefix = j;
			}
		}
	}
	return first;
}

static void
expire(struct model *m)
{
	struct tables_lapse out[8], other[8];
	size_t n = 1 + random_below(&m->random, 8), done, i;
	uint32_t table = 0, prefix = 0;
	struct entry_view view;
	struct known *first;

	done = tables_expire(m->a, m->now, out, n);
	assert_int_equal(tables_expire(m->b, m->now, other, n), done);
	for (i = 0; i < done; i++) {
		first = first_to_lapse(m, &table, &prefix);
		assert_non_null(first);
		assert_true(first->hold.expires.ms <= m->now.ms);
		assert_int_equal(out[i].table, table);
		assert_true(prefix_equal(&out[i].prefix, &m->prefixes[prefix]));
		expect_hold(&out[i].hold, &first->hold);
		expect_hold(&other[i].hold, &first->hold);
		first->is_there = false;
		assert_int_equal(out[i].what,
		    view_known(m, table, prefix, &view) ? TABLES_KEPT
							: TABLES_RELEASED);
	}
	first = first_to_lapse(m, &table, &prefix);
	if (first == NULL || wall_is_never(first->hold.expires)) {
		assert_true(wall_is_never(tables_next(m->a)));
		return;
	}
	assert_true(tables_next(m->a).ms <= first->hold.expires.ms);
	if (done < n)
		assert_true(first->hold.expires.ms > m->now.ms);
}

static void
check_entry(const struct model *m, uint32_t table, uint32_t prefix)
{
	const struct prefix *p = &m->prefixes[prefix];
	struct entry_view want, got;
	bool seen[HOLDS] = {false};
	struct wall first = {0};
	struct hold hold;
	size_t i;

	if (!view_known(m, table, prefix, &want)) {
		assert_false(tables_get(m->a, (uint16_t)table, p, &got));
		assert_false(
		    tables_get_hold(m->a, (uint16_t)table, p, 0, &hold));
		return;
	}
	assert_true(tables_get(m->a, (uint16_t)table, p, &got));
	expect_view(&got, &want);
	for (i = 0; i < want.nholds; i++) {
		assert_true(
		    tables_get_hold(m->a, (uint16_t)table, p, i, &hold));
		expect_hold(&hold,
		    &m->known[table][prefix][place_of(&hold)].hold);
		assert_false(seen[place_of(&hold)]);
		seen[place_of(&hold)] = true;
		if (i == 0)
			first = hold.expires;
		assert_false(wall_before(hold.expires, first));
	}
	assert_false(tables_get_hold(m->a, (uint16_t)table, p, i, &hold));
}

static void
count_visit(void *arg, const struct entry_view *view)
{
	(void)view;
	++*(size_t *)arg;
}

static void
check_questions(struct model *m)
{
	const struct prefix *q =
	    &m->prefixes[random_below(&m->random, PREFIXES)];
	uint32_t table = random_below(&m->random, TABLES), i, widest;
	size_t want = 0, got = 0;
	struct entry_view view, found;

	for (i = 0, widest = PREFIXES; i < PREFIXES; i++) {
		if (!view_known(m, table, i, &view) ||
		    !prefix_contains(&view.prefix, &q->addr))
			continue;
		if (widest == PREFIXES ||
		    view.prefix.len < m->prefixes[widest].len)
			widest = i;
	}
	assert_int_equal(tables_has(m->a, (uint16_t)table, &q->addr),
	    widest != PREFIXES);
	assert_int_equal(tables_lookup(m->a, (uint16_t)table, &q->addr, &found),
	    widest != PREFIXES);
	if (widest != PREFIXES) {
		view_known(m, table, widest, &view);
		expect_view(&found, &view);
	}
	for (table = 0; table < TABLES - 1; table++) {
		for (i = 0; i < PREFIXES; i++)
			want += view_known(m, table, i, &view) &&
				(prefix_covers(&view.prefix, q) ||
				    prefix_covers(q, &view.prefix));
	}
	tables_each_related(m->a, TABLES - 1, q, count_visit, &got);
	assert_int_equal(got, want);
}

static void
check_walk(const struct model *m)
{
	struct entry_view views[7];
	uint64_t cursor = 0;
	size_t n, total = 0, in_table = 0, all = 0;
	uint32_t i;

	while ((n = tables_walk(m->a, UINT16_MAX, &cursor, views, 7)) > 0)
		total += n;
	cursor = 0;
	while ((n = tables_walk(m->a, 1, &cursor, views, 7)) > 0)
		in_table += n;
	for (i = 0; i < TABLES; i++) {
		n = count_known(m, i);
		assert_int_equal(tables_count(m->a, (uint16_t)i), n);
		if (i == 1)
			assert_int_equal(in_table, n);
		all += n;
	}
	assert_int_equal(tables_count_all(m->a), all);
	assert_int_equal(total, all);
}

static void
check(struct model *m)
{
	uint32_t table, prefix;

	for (table = 0; table < TABLES; table++) {
		for (prefix = 0; prefix < PREFIXES; prefix++)
			check_entry(m, table, prefix);
	}
	check_questions(m);
	check_walk(m);
}

static void
step(struct model *m)
{
	switch (random_below(&m->random, 10)) {
	case 0:
	case 1:
		end(m);
		break;
	case 2:
		/* Half of the time the clock stands still. */
		if (random_below(&m->random, 2) == 0)
			m->now.ms += random_below(&m->random, 40000);
		expire(m);
		break;
	default:
		add(m);
		break;
	}
}

static void
the_tables_do_what_plain_arrays_do(void **state)
{
	uint32_t round, n;

	(void)state;
	model.random = random_start("prop_tables");
	for (round = 0; round < 8; round++) {
		memset(model.known, 0, sizeof(model.known));
		make_prefixes(&model);
		model.now.ms =
		    1000000 + (int64_t)random_below(&model.random, 99999999);
		model.most = MOST;
		model.a = tables_new(MOST, 1, model.now);
		model.b =
		    tables_new(MOST, random_next(&model.random), model.now);
		for (n = 0; n < 2000; n++) {
			step(&model);
			if (n % 10 == 0)
				check(&model);
			if (random_below(&model.random, 500) == 0) {
				model.most =
				    random_below(&model.random, PREFIXES);
				tables_set_limit(model.a, model.most);
				tables_set_limit(model.b, model.most);
			}
		}
		tables_free(model.a);
		tables_free(model.b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_tables_do_what_plain_arrays_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
