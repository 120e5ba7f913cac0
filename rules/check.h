/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_CHECK_H
#define TRAPLINE_RULES_CHECK_H

#include <stdbool.h>

#include "engine/conf.h"
#include "rules/conf.h"

struct arena;
struct policy_text;
struct prefix;
struct rule;
struct ruleset;

/*
 * The judgement of what the grammar read.  Each function takes one kind of
 * statement, reports what is wrong and puts what is right into the rule set,
 * which is good for use when nothing was reported as an error.
 */
struct check {
	const struct conf *conf;
	struct arena *arena;
	struct report *report;
	struct policy_text *text;
	bool from_files;
	struct ruleset *ruleset;
};

/* In this order: later ones look at what earlier ones found. */
void check_tables(struct check *);
void check_settings(struct check *);
void check_sensors(struct check *);
void check_rules(struct check *);

/* Reads the file of a table into the members. */
void members_read(struct check *, uint16_t table, const struct conf_word *);
void members_add(struct check *, uint16_t table, const struct prefix *,
    const struct policy_pos *, bool is_from_file);

/* Which kinds a sensor can report: OBS_* bits. */
unsigned int check_sensor_kinds(const struct sensor_conf *);
/*
 * The sensors that "via" names, by index bits; 0 with an error reported.  A
 * sensor is named by its kind ("via pflog": all of that kind), or by its kind
 * and what tells it from its like ("via nflog group 5", "via capture on em2").
 */
uint64_t check_via(struct check *, const struct conf_sensor *);

/*
 * Says "expected WHAT, found "word"" with a hint from the list of what is
 * allowed; the list may be NULL.
 */
void check_expected(struct check *, const struct conf_word *, const char *what,
    const char *const *allowed);
/* Index of a table, or -1 with an error reported. */
int check_table_name(struct check *, const struct conf_word *);
/* A prefix and no host name; 0, or -1 with an error reported. */
int check_prefix(struct check *, const struct conf_word *, struct prefix *);
/* A number from least to most; 0, or -1 with an error reported. */
int check_number(struct check *, const char *keyword, const struct conf_word *,
    uint64_t least, uint64_t most, uint64_t *out);
/* A time of at least a second, or "never"; 0, or -1 with an error reported. */
int check_time(struct check *, const struct conf_word *, int64_t *out);
/* A name of fewer than size bytes; 0, or -1 with an error reported. */
int check_name(struct check *, const struct conf_word *, const char *what,
    char *out, size_t size);

/* The text of a rule as -nv prints it; the caller's to free(). */
char *print_rule(const struct ruleset *, const struct rule *,
    const struct conf_sensor *via);

#endif
