/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The entries of an interval set against a plain array and a kernel that
 * refuses overlaps: after each step the kernel holds the widest entries with
 * their times and nothing else, and is never asked for what it would refuse.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actuators/nft_ranges.h"
#include "tests/property/random.h"

#define ENTRIES 512
#define ROUNDS  150
#define STEPS   300
/* Bits of an address in use: few, so that much overlaps. */
#define BITS 6

struct entry {
	struct prefix prefix;
	int64_t due_ms;
	bool is_found;
};

struct list {
	struct entry entries[ENTRIES];
	size_t n;
};

struct model {
	struct nft_ranges *ranges;
	struct nft_range_steps steps;
	struct list wanted; /* with what was found */
	struct list kernel;
	struct random random;
};

static bool
overlap(const struct prefix *a, const struct prefix *b)
{
	return prefix_covers(a, b) || prefix_covers(b, a);
}

static struct entry *
find(struct list *l, const struct prefix *p)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (prefix_equal(&l->entries[i].prefix, p))
			return &l->entries[i];
	}
	return NULL;
}

static void
drop(struct list *l, struct entry *e)
{
	*e = l->entries[--l->n];
}

static struct entry *
append(struct list *l, const struct prefix *p, int64_t due_ms)
{
	struct entry *e = &l->entries[l->n++];

	assert_true(l->n < ENTRIES);
	e->prefix = *p;
	e->due_ms = due_ms;
	e->is_found = false;
	return e;
}

/* Either family, so that the first bits are walked too. */
static struct prefix
random_prefix(struct random *r)
{
	unsigned int bits = random_below(r, 1 << BITS);
	bool is_ipv4 = random_below(r, 2) == 0;
	const uint8_t v4[4] = {(uint8_t)(bits << (8 - BITS)), 0, 0, 0};
	uint8_t v6[16] = {0x20, (uint8_t)(bits << (8 - BITS))};
	struct addr a = is_ipv4 ? addr_from_ipv4(v4) : addr_from_ipv6(v6);

	return prefix_make(&a, (is_ipv4 ? 96 : 8) + random_below(r, BITS + 2));
}

/* Does to the kernel what the steps say. */
static void
carry_out(struct model *m)
{
	size_t i, k;

	for (i = 0; i < m->steps.n; i++) {
		const struct nft_range_step *s = &m->steps.list[i];
		struct entry *e = find(&m->kernel, &s->prefix);

		if (!s->is_add) {
			assert_non_null(e);
			drop(&m->kernel, e);
			continue;
		}
		for (k = 0; k < m->kernel.n; k++)
			assert_false(
			    overlap(&m->kernel.entries[k].prefix, &s->prefix));
		append(&m->kernel, &s->prefix, s->due_ms);
	}
	m->steps.n = 0;
}

static bool
is_widest(struct model *m, const struct entry *e)
{
	size_t i;

	for (i = 0; i < m->wanted.n; i++) {
		const struct entry *other = &m->wanted.entries[i];

		if (other != e && prefix_covers(&other->prefix, &e->prefix))
			return false;
	}
	return true;
}

static void
check(struct model *m)
{
	size_t i, widest = 0;

	for (i = 0; i < m->wanted.n; i++) {
		const struct entry *e = &m->wanted.entries[i], *there;

		if (!is_widest(m, e))
			continue;
		widest++;
		there = find(&m->kernel, &e->prefix);
		assert_non_null(there);
		assert_int_equal(there->due_ms, e->due_ms);
	}
	assert_int_equal(m->kernel.n, widest);
	assert_int_equal(nft_ranges_count(m->ranges), m->wanted.n);
}

static void
add(struct model *m, const struct prefix *p, int64_t due_ms)
{
	struct entry *e;
	size_t i = 0;

	while (i < m->wanted.n) {
		e = &m->wanted.entries[i];
		if (e->is_found && overlap(&e->prefix, p))
			drop(&m->wanted, e);
		else
			i++;
	}
	e = find(&m->wanted, p);
	if (e == NULL)
		e = append(&m->wanted, p, due_ms);
	e->due_ms = due_ms;
	assert_int_equal(nft_ranges_add(m->ranges, p, due_ms, &m->steps), 0);
}

static void
remove_one(struct model *m, const struct prefix *p)
{
	struct entry *e = find(&m->wanted, p);

	if (e != NULL)
		drop(&m->wanted, e);
	assert_int_equal(nft_ranges_remove(m->ranges, p, &m->steps), 0);
}

/* What a kernel may hold from before: nothing overlaps. */
static void
find_some(struct model *m)
{
	struct prefix p;
	size_t i, k;

	for (i = 0; i < 20; i++) {
		p = random_prefix(&m->random);
		for (k = 0; k < m->kernel.n; k++) {
			if (overlap(&m->kernel.entries[k].prefix, &p))
				break;
		}
		if (k < m->kernel.n)
			continue;
		append(&m->kernel, &p, (int64_t)i);
		append(&m->wanted, &p, (int64_t)i)->is_found = true;
		assert_int_equal(nft_ranges_found(m->ranges, &p, (int64_t)i),
		    0);
	}
}

/* Writing the set anew gives what is there. */
static void
check_all(struct model *m)
{
	m->kernel.n = 0;
	assert_int_equal(nft_ranges_all(m->ranges, &m->steps), 0);
	carry_out(m);
	check(m);
}

static void
round_run(struct model *m)
{
	int64_t step;

	m->ranges = nft_ranges_new();
	assert_non_null(m->ranges);
	m->wanted.n = m->kernel.n = 0;
	find_some(m);
	check(m);
	for (step = 0; step < STEPS; step++) {
		struct prefix p = random_prefix(&m->random);

		if (random_below(&m->random, 5) < 3)
			add(m, &p, 1000 + step);
		else
			remove_one(m, &p);
		/* Several changes may share a transaction. */
		if (random_below(&m->random, 3) == 0)
			continue;
		carry_out(m);
		check(m);
	}
	carry_out(m);
	check_all(m);
	nft_ranges_clear(m->ranges);
	assert_int_equal(nft_ranges_count(m->ranges), 0);
	nft_ranges_free(m->ranges);
}

static void
the_kernel_holds_the_widest_entries_only(void **state)
{
	static struct model m;
	size_t i;

	(void)state;
	m.random = random_start("prop_ranges");
	for (i = 0; i < ROUNDS; i++)
		round_run(&m);
	nft_range_steps_free(&m.steps);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_kernel_holds_the_widest_entries_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
