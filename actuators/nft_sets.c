/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Which sets a policy needs in the kernel and which of them a prefix goes
 * into.  A hash set a table, family and common length is matched under its
 * mask, which is as quick at a million elements as at one; all odd lengths of
 * a table and family share an interval set.  Nothing here talks to the
 * kernel.
 */

#include "actuators/nft_sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actuators/actuator.h"
#include "actuators/nft_ranges.h"

/* Lengths, of the 128-bit form, that always have a hash set. */
static const uint8_t common_v4[] = {128, 120, 112};
static const uint8_t common_v6[] = {128, 64, 56, 48};

/* The lengths of one family's hash sets; the interval set is behind them. */
struct lengths {
	uint8_t list[8];
	uint8_t n;
};

static struct lengths
lengths_make(const uint8_t *common, size_t n, unsigned int source_len)
{
	struct lengths l = {.n = (uint8_t)n};

	memcpy(l.list, common, n);
	if (source_len > 0 && memchr(l.list, (int)source_len, n) == NULL)
		l.list[l.n++] = (uint8_t)source_len;
	return l;
}

static void
fill_slots(uint8_t *slots, const struct lengths *l, size_t first)
{
	size_t i;

	memset(slots, (int)(first + l->n), 129);
	for (i = 0; i < l->n; i++)
		slots[l->list[i]] = (uint8_t)(first + i);
}

/*
 * A table's name as nft takes it: letters, digits, '-' and '_' as they are,
 * others as ".xx".  What must not come first is put behind "n/".
 */
static void
table_name(const char *table, char *out, size_t size)
{
	size_t used = 0;
	unsigned char c = (unsigned char)*table;

	if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
		used = (size_t)snprintf(out, size, "n/");
	for (; (c = (unsigned char)*table) != '\0' && used < size; table++) {
		bool is_plain = (c >= 'a' && c <= 'z') ||
				(c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || c == '-' || c == '_';

		used += (size_t)snprintf(out + used, size - used,
		    is_plain ? "%c" : ".%02x", c);
	}
}

static void
set_name(struct nft_set *s, const char *table)
{
	char name[3 * TABLE_NAME_LEN + 2];
	const char *family = s->is_ipv4 ? "v4" : "v6";

	table_name(table, name, sizeof(name));
	if (s->is_interval)
		snprintf(s->name, sizeof(s->name), "%s_%s_other", name, family);
	else if (s->len == 128)
		snprintf(s->name, sizeof(s->name), "%s_%s", name, family);
	else
		snprintf(s->name, sizeof(s->name), "%s_%s_%u", name, family,
		    (unsigned int)(s->is_ipv4 ? s->len - PREFIX_V4_BASE
					      : s->len));
}

/* Adds one table's sets of one family.  0, or -1 when memory is out. */
static int
add_family(struct nft_sets *sets, const struct actuator_conf *conf,
    uint16_t table, const struct lengths *l, bool is_ipv4)
{
	size_t i;

	for (i = 0; i <= l->n; i++) {
		struct nft_set *s = &sets->list[sets->n];

		s->table = table;
		s->is_ipv4 = is_ipv4;
		s->is_interval = i == l->n;
		s->len = s->is_interval ? 0 : l->list[i];
		s->id = (uint32_t)++sets->n;
		s->most = conf->limit_entries;
		s->first_change = s->last_change = UINT32_MAX;
		set_name(s, conf->tables[table].name);
		if (!s->is_interval)
			continue;
		s->ranges = nft_ranges_new();
		if (s->ranges == NULL)
			return -1;
	}
	return 0;
}

static bool
is_blocking(const struct table_conf *t)
{
	return t->name[0] != '\0' && t->enforce == ENFORCE_BLOCK;
}

struct nft_sets *
nft_sets_new(const struct actuator_conf *conf)
{
	struct nft_sets *sets = calloc(1, sizeof(*sets));
	struct lengths v4 =
	    lengths_make(common_v4, sizeof(common_v4), conf->source_len_inet);
	struct lengths v6 =
	    lengths_make(common_v6, sizeof(common_v6), conf->source_len_inet6);
	size_t i;

	if (sets == NULL)
		return NULL;
	sets->per_table = v4.n + v6.n + 2U;
	fill_slots(sets->slot_v4, &v4, 0);
	fill_slots(sets->slot_v6, &v6, v4.n + 1U);
	sets->list =
	    calloc(sets->per_table * (conf->ntables + 1), sizeof(*sets->list));
	if (sets->list == NULL)
		goto fail;
	for (i = 0; i < TABLES_MAX; i++) {
		sets->first[i] = -1;
		if (i >= conf->ntables || !is_blocking(&conf->tables[i]))
			continue;
		sets->first[i] = (int32_t)sets->n;
		if (add_family(sets, conf, (uint16_t)i, &v4, true) == -1 ||
		    add_family(sets, conf, (uint16_t)i, &v6, false) == -1)
			goto fail;
	}
	return sets;

fail:
	nft_sets_free(sets);
	return NULL;
}

void
nft_sets_free(struct nft_sets *sets)
{
	size_t i;

	if (sets == NULL)
		return;
	for (i = 0; i < sets->n; i++)
		nft_ranges_free(sets->list[i].ranges);
	free(sets->list);
	free(sets);
}

struct nft_set *
nft_sets_find(struct nft_sets *sets, uint16_t table, const struct prefix *p)
{
	uint8_t slot;

	if (table >= TABLES_MAX || sets->first[table] == -1)
		return NULL;
	slot =
	    prefix_is_ipv4(p) ? sets->slot_v4[p->len] : sets->slot_v6[p->len];
	return &sets->list[(size_t)sets->first[table] + slot];
}

struct nft_set *
nft_sets_named(struct nft_sets *sets, const char *name)
{
	size_t i;

	for (i = 0; i < sets->n; i++) {
		if (strcmp(sets->list[i].name, name) == 0)
			return &sets->list[i];
	}
	return NULL;
}

void
nft_sets_inherit(struct nft_sets *sets, struct nft_sets *old)
{
	size_t i;

	for (i = 0; i < sets->n; i++) {
		struct nft_set *s = &sets->list[i];
		struct nft_set *before = nft_sets_named(old, s->name);
		struct nft_ranges *ranges;

		if (before == NULL)
			continue;
		s->count = before->count;
		s->ask_at = before->ask_at;
		s->is_warned = before->is_warned;
		ranges = s->ranges;
		s->ranges = before->ranges;
		before->ranges = ranges;
	}
}

size_t
nft_set_key_len(const struct nft_set *s)
{
	return s->is_ipv4 ? 4 : 16;
}

const uint8_t *
nft_set_key(const struct nft_set *s, const struct addr *a)
{
	return s->is_ipv4 ? a->bytes + 12 : a->bytes;
}
