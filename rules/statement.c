/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * One statement of a policy while the grammar reads it.  It joins the policy
 * when its line has ended without an error, and is forgotten otherwise.  Here
 * stands what the grammar itself cannot say: that a thing is given once, and
 * that the terms of a rule have one order.
 */

#include "rules/statement.h"

#include <string.h>

#include "rules/arena.h"

void
statement_start(struct statement *s, struct conf *conf, struct arena *arena,
    struct report *report)
{
	memset(conf, 0, sizeof(*conf));
	conf->sets_end = &conf->sets;
	conf->tables_end = &conf->tables;
	conf->firewalls_end = &conf->firewalls;
	conf->sensors_end = &conf->sensors;
	conf->rules_end = &conf->rules;
	memset(s, 0, sizeof(*s));
	s->conf = conf;
	s->arena = arena;
	s->report = report;
	statement_drop(s);
}

void
statement_once(struct statement *s, struct conf_word **slot,
    struct conf_word *keyword, struct conf_word *value)
{
	if (*slot != NULL)
		report_error(s->report, &keyword->pos, "\"%s\" given twice",
		    keyword->text);
	*slot = value;
}

void
statement_term(struct statement *s, enum term rank, struct conf_word *keyword)
{
	if (rank == s->last_rank)
		report_error(s->report, &keyword->pos,
		    rank == TERM_DIR || rank == TERM_FAMILY
			? "\"%s\" given behind \"%s\""
			: "\"%s\" given twice",
		    keyword->text, s->last_term->text);
	else if (rank < s->last_rank)
		report_error(s->report, &keyword->pos,
		    "expected \"%s\" before \"%s\", found it behind",
		    keyword->text, s->last_term->text);
	if (rank < s->last_rank)
		return;
	s->last_rank = rank;
	s->last_term = keyword;
}

struct conf_port *
statement_port(struct statement *s, enum conf_op op, struct conf_word *word)
{
	struct conf_port *port = arena_alloc(s->arena, sizeof(*port));

	port->op = op;
	port->word = word;
	return port;
}

void
statement_option(struct statement *s, enum conf_option_type type,
    struct conf_word *keyword, struct conf_word *value, int flush)
{
	struct conf_option *o = arena_alloc(s->arena, sizeof(*o));

	o->type = type;
	o->keyword = keyword;
	o->value = value;
	o->is_flush = flush > 0;
	o->is_flush_global = flush > 1;
	*s->options_end = o;
	s->options_end = &o->next;
}

void
statement_set(struct statement *s, struct conf_word *keyword,
    struct conf_word *what, struct conf_word *value)
{
	struct conf_set *set = arena_alloc(s->arena, sizeof(*set));

	set->keyword = keyword;
	set->what = what;
	set->value = value;
	*s->sets_end = set;
	s->sets_end = &set->next;
}

struct conf_sensor *
statement_sensor(struct statement *s, struct conf_word *kind,
    struct conf_word *on, struct conf_word *group)
{
	struct conf_sensor *sensor = arena_alloc(s->arena, sizeof(*sensor));

	sensor->kind = kind;
	sensor->on = on;
	sensor->group = group;
	return sensor;
}

void
statement_rule(struct statement *s, struct conf_word *action)
{
	s->rule = arena_alloc(s->arena, sizeof(*s->rule));
	s->rule->action = action;
	s->options_end = &s->rule->options;
	s->last_rank = TERM_NONE;
	s->last_term = NULL;
}

void
statement_table(struct statement *s, struct conf_word *name)
{
	s->table = arena_alloc(s->arena, sizeof(*s->table));
	s->table->name = name;
}

void
statement_drop(struct statement *s)
{
	s->sets = NULL;
	s->sets_end = &s->sets;
	s->table = NULL;
	s->firewall = NULL;
	s->sensor = NULL;
	s->rule = NULL;
	s->last_rank = TERM_NONE;
}

void
statement_keep(struct statement *s)
{
	struct conf *conf = s->conf;

	if (s->sets != NULL) {
		*conf->sets_end = s->sets;
		conf->sets_end = s->sets_end;
	}
	if (s->table != NULL) {
		*conf->tables_end = s->table;
		conf->tables_end = &s->table->next;
	}
	if (s->firewall != NULL) {
		*conf->firewalls_end = s->firewall;
		conf->firewalls_end = &s->firewall->next;
	}
	if (s->sensor != NULL) {
		*conf->sensors_end = s->sensor;
		conf->sensors_end = &s->sensor->next;
	}
	if (s->rule != NULL) {
		*conf->rules_end = s->rule;
		conf->rules_end = &s->rule->next;
	}
	statement_drop(s);
}

void
statement_members(struct statement *s, struct conf_word *members)
{
	if (s->table->members != NULL)
		report_error(s->report, &members->pos, "members given twice");
	s->table->members = members;
}
