/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The firewall that is none: entries live in this process and drop nothing.
 * Tests use it, and who only wants to see what would be held.  Entries are
 * kept in an open hash table, so that list() shows what a kernel would hold;
 * no time passes here, so what is held stays until it is released.
 */

#include <stdlib.h>
#include <string.h>

#include "actuators/actuator.h"
#include "actuators/firewalls.h"
#include "engine/log.h"

/* Slots of a table that has entries, at least; a power of two. */
#define SLOTS_LEAST 64

struct memory_entry {
	struct prefix prefix;
	int64_t remaining_ms;
	uint16_t table;
	bool is_there;
};

struct actuator {
	struct memory_entry *slots;
	size_t nslots; /* a power of two, at least twice as many as entries */
	size_t n;
	size_t counts[TABLES_MAX];
	struct actuator_counters counters;
};

static size_t
home(const struct actuator *a, uint16_t table, const struct prefix *p)
{
	return (size_t)prefix_hash(p, table) & (a->nslots - 1);
}

/* The slot where the entry is, or would be put. */
static size_t
find(const struct actuator *a, uint16_t table, const struct prefix *p)
{
	size_t at = home(a, table, p);

	for (;; at = (at + 1) & (a->nslots - 1)) {
		const struct memory_entry *e = &a->slots[at];

		if (!e->is_there ||
		    (e->table == table && prefix_equal(&e->prefix, p)))
			return at;
	}
}

static int
make_room(struct actuator *a)
{
	struct memory_entry *old = a->slots;
	size_t nold = a->nslots, i;

	if (2 * (a->n + 1) <= a->nslots)
		return 0;
	a->nslots = nold == 0 ? SLOTS_LEAST : 2 * nold;
	a->slots = calloc(a->nslots, sizeof(*a->slots));
	if (a->slots == NULL) {
		a->slots = old;
		a->nslots = nold;
		return -1;
	}
	for (i = 0; i < nold; i++) {
		if (old[i].is_there)
			a->slots[find(a, old[i].table, &old[i].prefix)] =
			    old[i];
	}
	free(old);
	return 0;
}

static int
memory_add(struct actuator *a, const struct change *c)
{
	struct memory_entry *e;

	if (make_room(a) == -1)
		return -1;
	e = &a->slots[find(a, c->table, &c->prefix)];
	if (!e->is_there) {
		a->n++;
		a->counts[c->table % TABLES_MAX]++;
	}
	e->is_there = true;
	e->table = c->table;
	e->prefix = c->prefix;
	e->remaining_ms = c->remaining_ms;
	return 0;
}

/* Frees a slot and moves up what was put behind it for want of room. */
static void
vacate(struct actuator *a, size_t at)
{
	size_t mask = a->nslots - 1, next;

	a->slots[at].is_there = false;
	for (next = (at + 1) & mask; a->slots[next].is_there;
	     next = (next + 1) & mask) {
		const struct memory_entry *e = &a->slots[next];
		size_t wanted = home(a, e->table, &e->prefix);

		/* It stays where the hole is not between home and here. */
		if (((next - wanted) & mask) < ((next - at) & mask))
			continue;
		a->slots[at] = *e;
		a->slots[next].is_there = false;
		at = next;
	}
}

static void
memory_remove(struct actuator *a, const struct change *c)
{
	size_t at;

	if (a->nslots == 0)
		return;
	at = find(a, c->table, &c->prefix);
	if (!a->slots[at].is_there)
		return;
	a->n--;
	a->counts[c->table % TABLES_MAX]--;
	vacate(a, at);
}

static int
memory_open(const struct actuator_conf *conf, struct actuator **out)
{
	(void)conf;
	*out = calloc(1, sizeof(**out));
	if (*out == NULL) {
		log_warn("firewall memory");
		return -1;
	}
	return 0;
}

static int
memory_reconfigure(struct actuator *a, const struct actuator_conf *conf)
{
	(void)a;
	(void)conf;
	return 0;
}

static size_t
memory_apply(struct actuator *a, const struct change *changes, size_t n)
{
	size_t i;

	a->counters.transactions++;
	for (i = 0; i < n; i++) {
		if (changes[i].kind == CHANGE_RELEASE)
			memory_remove(a, &changes[i]);
		else if (memory_add(a, &changes[i]) == -1)
			break;
	}
	return i;
}

static int
memory_list(struct actuator *a, size_t most, actuator_found *found, void *arg)
{
	size_t i;

	for (i = 0; i < a->nslots; i++) {
		const struct memory_entry *e = &a->slots[i];

		if (e->is_there && a->counts[e->table % TABLES_MAX] <= most)
			found(arg, e->table, &e->prefix, e->remaining_ms);
	}
	return 0;
}

static int
memory_fd(const struct actuator *a)
{
	(void)a;
	return -1;
}

static int
memory_notice(struct actuator *a)
{
	(void)a;
	return 0;
}

static void
memory_counters(const struct actuator *a, struct actuator_counters *out)
{
	*out = a->counters;
}

static void
memory_close(struct actuator *a)
{
	if (a == NULL)
		return;
	free(a->slots);
	free(a);
}

const struct actuator_ops actuator_memory = {
    .type = FIREWALL_MEMORY,
    .name = "memory",
    .open = memory_open,
    .reconfigure = memory_reconfigure,
    .apply = memory_apply,
    .list = memory_list,
    .fd = memory_fd,
    .notice = memory_notice,
    .counters = memory_counters,
    .close = memory_close,
};
