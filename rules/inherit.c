/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Numbers over a reload.  Messages, the store and the sources name tables,
 * sensors and rules by number, so what did not change keeps its number, and
 * a number that was in use a moment ago goes to nobody else.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/arena.h"
#include "rules/report.h"
#include "rules/ruleset.h"

#define NO_NUMBER SIZE_MAX

/*
 * Numbers for n new names, out of most: that of the same old name, else one
 * that neither side uses.  name(set, i) is empty for a number not in use.  0,
 * or -1 when there are too few.
 */
typedef const char *name_of(const struct ruleset *, size_t i);

static int
assign(const struct ruleset *rs, size_t n, const struct ruleset *old,
    size_t nold, name_of *name, size_t most, size_t *map)
{
	size_t i, j, next = 0;

	for (i = 0; i < n; i++) {
		map[i] = NO_NUMBER;
		for (j = 0; j < nold; j++) {
			if (strcmp(name(rs, i), name(old, j)) == 0)
				map[i] = j;
		}
	}
	for (i = 0; i < n; i++) {
		if (map[i] != NO_NUMBER)
			continue;
		while (next < nold && *name(old, next) != '\0')
			next++;
		if (next >= most)
			return -1;
		map[i] = next++;
	}
	return 0;
}

static const char *
table_name(const struct ruleset *rs, size_t i)
{
	return rs->tables[i].name;
}

static const char *
sensor_name(const struct ruleset *rs, size_t i)
{
	return rs->sensors[i].text;
}

static void
terms_renumber(struct host_term *terms, size_t n, const size_t *map)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (terms[i].type == HOST_TABLE)
			terms[i].table = (uint16_t)map[terms[i].table];
	}
}

static void
tables_move(struct ruleset *rs, const size_t *map)
{
	struct table_conf *tables = rules_alloc(TABLES_MAX, sizeof(*tables));
	char **files = rules_alloc(TABLES_MAX, sizeof(*files));
	size_t i, n = rs->ntables;

	rs->ntables = 0;
	for (i = 0; i < n; i++) {
		tables[map[i]] = rs->tables[i];
		files[map[i]] = rs->table_files[i];
		if (map[i] >= rs->ntables)
			rs->ntables = map[i] + 1;
	}
	memcpy(rs->tables, tables, sizeof(rs->tables));
	memcpy(rs->table_files, files, sizeof(rs->table_files));
	free(tables);
	free(files);
}

static void
tables_renumber(struct ruleset *rs, const size_t *map)
{
	struct rule *r;
	size_t i;

	tables_move(rs, map);
	terms_renumber(rs->never, rs->nnever, map);
	for (i = 0; i < rs->nmembers; i++)
		rs->members[i].table = (uint16_t)map[rs->members[i].table];
	for (i = 0; i < rs->nrules; i++) {
		r = &rs->rules[i];
		terms_renumber(r->from.terms, r->from.nterms, map);
		terms_renumber(r->to.terms, r->to.nterms, map);
		if (r->overload != -1)
			r->overload = (int)map[r->overload];
	}
}

static void
sensors_renumber(struct ruleset *rs, const size_t *map)
{
	struct sensor_conf sensors[SENSORS_MAX];
	size_t i, j, n = rs->nsensors;
	uint64_t bits;

	memset(sensors, 0, sizeof(sensors));
	rs->nsensors = 0;
	for (i = 0; i < n; i++) {
		sensors[map[i]] = rs->sensors[i];
		sensors[map[i]].index = (uint8_t)map[i];
		if (map[i] >= rs->nsensors)
			rs->nsensors = map[i] + 1;
	}
	memcpy(rs->sensors, sensors, sizeof(rs->sensors));
	for (i = 0; i < rs->nrules; i++) {
		bits = 0;
		for (j = 0; j < n; j++) {
			if ((rs->rules[i].sensors >> j & 1) != 0)
				bits |= UINT64_C(1) << map[j];
		}
		rs->rules[i].sensors = bits;
	}
}

/* Equal rules are told apart by their order. */
static void
rules_renumber(struct ruleset *rs, const struct ruleset *old)
{
	bool *is_taken = rules_alloc(old->nrules, sizeof(*is_taken));
	size_t i, j;

	rs->next_rule_id = old->next_rule_id;
	for (i = 0; i < rs->nrules; i++) {
		for (j = 0; j < old->nrules; j++) {
			if (!is_taken[j] &&
			    strcmp(rs->rules[i].text, old->rules[j].text) == 0)
				break;
		}
		if (j < old->nrules) {
			rs->rules[i].id = old->rules[j].id;
			is_taken[j] = true;
		} else {
			rs->rules[i].id = rs->next_rule_id++;
		}
	}
	free(is_taken);
}

static int
fail(struct policy_messages *out, const char *what)
{
	struct report *report = report_new();
	struct policy_pos pos = {.file = "reload"};

	report_error(report, &pos,
	    "too many %s in the old and the new policy "
	    "together; a restart helps",
	    what);
	report_finish(report, out);
	report_free(report);
	return -1;
}

int
ruleset_inherit(struct ruleset *rs, const struct ruleset *old,
    struct policy_messages *messages)
{
	size_t tables[TABLES_MAX], sensors[SENSORS_MAX];

	if (assign(rs, rs->ntables, old, old->ntables, table_name, TABLES_MAX,
		tables) == -1)
		return fail(messages, "tables");
	if (assign(rs, rs->nsensors, old, old->nsensors, sensor_name,
		SENSORS_MAX, sensors) == -1)
		return fail(messages, "sensors");
	tables_renumber(rs, tables);
	sensors_renumber(rs, sensors);
	rules_renumber(rs, old);
	return 0;
}
