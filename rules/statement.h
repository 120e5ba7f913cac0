/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_STATEMENT_H
#define TRAPLINE_RULES_STATEMENT_H

#include "rules/conf.h"

struct arena;

/* The order of a rule's terms. */
enum term {
	TERM_NONE,
	TERM_DIR,
	TERM_QUICK,
	TERM_ON,
	TERM_FAMILY,
	TERM_SEEN,
	TERM_PROTO,
	TERM_FROM,
	TERM_TO,
	TERM_VIA,
	TERM_ANCHOR,
	TERM_PASSED,
	TERM_LABEL,
};

/* The statement that the grammar is putting together: one of these. */
struct statement {
	struct conf *conf;
	struct arena *arena;
	struct report *report;
	struct conf_set *sets, **sets_end;
	struct conf_table *table;
	struct conf_word *firewall;
	struct conf_sensor *sensor;
	struct conf_rule *rule;
	struct conf_option **options_end;
	struct conf_word *last_term;
	enum term last_rank;
};

/* Empties conf and starts without a statement. */
void statement_start(struct statement *, struct conf *, struct arena *,
    struct report *);
/* Ends a statement: it was wrong, or it joins the policy. */
void statement_drop(struct statement *);
void statement_keep(struct statement *);

/* Each starts a statement. */
void statement_set(struct statement *, struct conf_word *keyword,
    struct conf_word *what, struct conf_word *value);
void statement_table(struct statement *, struct conf_word *name);
void statement_rule(struct statement *, struct conf_word *action);
/* A sensor, or what "via" says of one. */
struct conf_sensor *statement_sensor(struct statement *, struct conf_word *kind,
    struct conf_word *on, struct conf_word *group);

/* Sets a word that may be given once. */
void statement_once(struct statement *, struct conf_word **slot,
    struct conf_word *keyword, struct conf_word *value);
void statement_members(struct statement *, struct conf_word *members);
/* Notes a rule's term, which stands in its order and at most once. */
void statement_term(struct statement *, enum term, struct conf_word *keyword);
struct conf_port *statement_port(struct statement *, enum conf_op,
    struct conf_word *);
/* flush: 0, 1 for "flush", 2 for "flush global". */
void statement_option(struct statement *, enum conf_option_type,
    struct conf_word *keyword, struct conf_word *value, int flush);

#endif
