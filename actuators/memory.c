/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The firewall that is none: entries live in this process and drop nothing.
 * Replay and tests use it.  It keeps a plain array, sorted by table and
 * prefix, so that list() shows what a kernel would hold; no time passes
 * here, so what is held stays until it is released.
 */

#include <stdlib.h>
#include <string.h>

#include "actuators/actuator.h"
#include "actuators/firewalls.h"
#include "engine/log.h"

struct memory_entry {
	struct prefix prefix;
	int64_t remaining_ms;
	uint16_t table;
};

struct actuator {
	struct memory_entry *entries;
	size_t n, room;
	struct actuator_counters counters;
};

static int
entry_cmp(const struct memory_entry *e, uint16_t table, const struct prefix *p)
{
	if (e->table != table)
		return (int)e->table - (int)table;
	return prefix_cmp(&e->prefix, p);
}

/* Where the entry is, or where it belongs. */
static size_t
position(const struct actuator *a, uint16_t table, const struct prefix *p,
    bool *is_there)
{
	size_t low = 0, high = a->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entry_cmp(&a->entries[middle], table, p) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*is_there = low < a->n && entry_cmp(&a->entries[low], table, p) == 0;
	return low;
}

static int
make_room(struct actuator *a)
{
	struct memory_entry *bigger;
	size_t room = a->room == 0 ? 64 : a->room * 2;

	if (a->n < a->room)
		return 0;
	bigger = reallocarray(a->entries, room, sizeof(*bigger));
	if (bigger == NULL)
		return -1;
	a->entries = bigger;
	a->room = room;
	return 0;
}

static int
memory_add(struct actuator *a, const struct change *c)
{
	bool is_there;
	size_t at = position(a, c->table, &c->prefix, &is_there);
	struct memory_entry *e;

	if (!is_there) {
		if (make_room(a) == -1)
			return -1;
		memmove(a->entries + at + 1, a->entries + at,
		    (a->n - at) * sizeof(*a->entries));
		a->n++;
	}
	e = &a->entries[at];
	e->table = c->table;
	e->prefix = c->prefix;
	e->remaining_ms = c->remaining_ms;
	return 0;
}

static void
memory_remove(struct actuator *a, const struct change *c)
{
	bool is_there;
	size_t at = position(a, c->table, &c->prefix, &is_there);

	if (!is_there)
		return;
	a->n--;
	memmove(a->entries + at, a->entries + at + 1,
	    (a->n - at) * sizeof(*a->entries));
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
	size_t first = 0, next;

	for (; first < a->n; first = next) {
		uint16_t table = a->entries[first].table;

		for (next = first; next < a->n; next++) {
			if (a->entries[next].table != table)
				break;
		}
		for (; next - first <= most && first < next; first++) {
			const struct memory_entry *e = &a->entries[first];

			found(arg, table, &e->prefix, e->remaining_ms);
		}
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
	free(a->entries);
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
