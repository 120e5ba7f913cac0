/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_CONF_H
#define TRAPLINE_RULES_CONF_H

#include <stdbool.h>

#include "rules/report.h"

/*
 * A policy as the grammar leaves it: words and where they stand, in the order
 * of the file, judged by nobody yet.  All of it lives in the reading's arena;
 * lists are singly linked and end with NULL.
 */

/* A word, a quoted string, a <table>'s name without <>, or a keyword. */
struct conf_word {
	struct conf_word *next;
	const char *text;
	struct policy_pos pos;
	bool is_table;   /* it was written as <text> */
	bool is_negated; /* with "!" before it */
};

enum conf_op {
	CONF_OP_IS, /* a number, a name, or a range "a:b" */
	CONF_OP_NE,
	CONF_OP_LT,
	CONF_OP_LE,
	CONF_OP_GT,
	CONF_OP_GE,
};

struct conf_port {
	struct conf_port *next;
	enum conf_op op;
	struct conf_word *word;
};

/* "from" or "to". */
struct conf_peer {
	struct conf_word *hosts; /* NULL: only ports were written */
	struct conf_port *ports;
};

enum conf_option_type {
	OPTION_SRC_CONN,
	OPTION_SRC_CONN_RATE,
	OPTION_SRC_STATES,
	OPTION_SRC_NODES,
	OPTION_OVERLOAD,
	OPTION_EXPIRE,
};

/* One option in the parentheses of a rule. */
struct conf_option {
	struct conf_option *next;
	enum conf_option_type type;
	struct conf_word *keyword;
	struct conf_word *value;
	bool is_flush;
	bool is_flush_global;
};

/* What a sensor is named by; a rule's "via" uses the first three. */
struct conf_sensor {
	struct conf_sensor *next;
	struct conf_word *kind;
	struct conf_word *on;
	struct conf_word *group;
	struct conf_word *seen;
	struct conf_word *log;
};

struct conf_rule {
	struct conf_rule *next;
	struct conf_word *action; /* "watch" or "ignore" */
	struct conf_word *dir;
	struct conf_word *quick;
	struct conf_word *on; /* list */
	struct conf_word *family;
	struct conf_word *seen;
	struct conf_word *protos; /* list */
	struct conf_peer from, to;
	struct conf_sensor *via;
	struct conf_word *anchor;
	struct conf_word *passed;
	struct conf_word *label;
	struct conf_option *options;
	bool has_options;
};

struct conf_table {
	struct conf_table *next;
	struct conf_word *name;
	struct conf_word *members; /* list */
	struct conf_word *file;
	struct conf_word *expire;
	struct conf_word *from_first;
	struct conf_word *enforce;
};

/* "set KEYWORD [WHAT] VALUE": what is a limit's name or a family. */
struct conf_set {
	struct conf_set *next;
	struct conf_word *keyword;
	struct conf_word *what;
	struct conf_word *value; /* list for "never" */
};

struct conf {
	struct conf_set *sets, **sets_end;
	struct conf_table *tables, **tables_end;
	struct conf_word *firewalls, **firewalls_end;
	struct conf_sensor *sensors, **sensors_end;
	struct conf_rule *rules, **rules_end;
};

#endif
