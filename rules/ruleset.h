/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_RULESET_H
#define TRAPLINE_RULES_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/conf.h"
#include "engine/observation.h"
#include "engine/prefix.h"

/*
 * A checked policy: read-only once it was loaded, freed whole at reload.
 * Tables, sensors and rules are named by small numbers that stay the same
 * over a reload for whatever did not change (ruleset_inherit()).
 */
struct policy_text;

struct port_range {
	uint16_t low, high; /* both included */
};

enum host_type {
	HOST_PREFIX,
	HOST_TABLE,
};

struct host_term {
	enum host_type type;
	bool is_negated;
	uint16_t table;       /* HOST_TABLE */
	struct prefix prefix; /* HOST_PREFIX */
};

/*
 * Matches when a term without "!" does (or there is none such) and no term
 * with "!" does.  No terms: any.
 */
struct host_list {
	struct host_term *terms;
	size_t nterms;
	struct port_range *ports; /* sorted, disjoint; none: any */
	size_t nports;
};

enum rule_flush {
	FLUSH_NONE,
	FLUSH_RULE,
	FLUSH_GLOBAL,
};

/* 0 in a number: that limit is not set. */
struct rule_limits {
	uint32_t max_src_conn;
	uint32_t max_src_states;
	uint32_t max_src_nodes;
	uint32_t rate; /* max-src-conn-rate rate/rate_seconds */
	uint32_t rate_seconds;
};

struct rule {
	uint32_t id; /* survives a reload of an unchanged rule */
	unsigned int line;
	char *file;  /* as the policy named it */
	char *label; /* NULL if there is none */
	char *by;    /* what events say: the label, or "line N" */
	char *text;  /* the rule as -nv prints it */

	bool is_ignore;
	bool is_quick;
	uint8_t dir;    /* enum obs_dir; unknown is any */
	uint8_t family; /* 4, 6; 0 is any */
	uint16_t kinds; /* OBS_* bits that it counts or ignores */
	bool has_protos;
	uint32_t protos[8]; /* bit set by IP protocol number */
	char (*ifnames)[OBS_NAME_LEN];
	size_t nifnames;
	struct host_list from, to;
	uint64_t sensors;          /* "via": bits by index; 0 is any */
	char anchor[OBS_NAME_LEN]; /* empty: any */
	uint16_t passed;           /* least count of mails passed */

	/* watch */
	struct rule_limits limits;
	int overload; /* table index, or -1 */
	enum rule_flush flush;
	int64_t expire_s; /* 0: the table's own */
	char *cause_conn; /* limits as written, for events; NULL */
	char *cause_rate;
	char *cause_states;
};

/* A prefix that "table { ... }" or "table ... file" names. */
struct ruleset_member {
	uint16_t table;
	struct prefix prefix;
	char *by;          /* "FILE:LINE" */
	bool is_from_file; /* of the table's file */
};

struct ruleset {
	struct table_conf tables[TABLES_MAX];
	size_t ntables;                /* highest index in use + 1 */
	char *table_files[TABLES_MAX]; /* by index; NULL: none */
	struct sensor_conf sensors[SENSORS_MAX];
	size_t nsensors;
	struct rule *rules; /* in the order of the file */
	size_t nrules;
	uint32_t next_rule_id;
	struct ruleset_member *members;
	size_t nmembers;

	/* "set" and "firewall" */
	enum firewall_type firewall;
	bool firewall_is_said; /* and is no default */
	struct host_term *never;
	size_t nnever;
	char **never_names; /* host names, in lower case, none twice */
	size_t nnever_names;
	unsigned int source_len_inet; /* of the 128-bit form */
	unsigned int source_len_inet6;
	uint64_t limit_sources;
	uint64_t limit_entries;
	uint32_t limit_holds;         /* new holds by own rules ... */
	uint32_t limit_holds_seconds; /* ... in this time; 0: no limit */
	bool rate_is_window;
	bool is_decoupled;
	char *state_dir;
	char *socket;
	char *user;
};

/* One message for the operator about the policy. */
struct policy_message {
	char *text; /* "FILE:LINE: text" */
	bool is_warning;
};

struct policy_messages {
	struct policy_message *list;
	size_t n;
	size_t nerrors; /* those that are not warnings */
};

void policy_messages_free(struct policy_messages *);

/*
 * The files a policy was read from: the main file, its includes, its tables'
 * files.  Loading from the file system records them, so that another
 * process can load the same policy without opening anything.
 */
struct policy_text *policy_text_new(void);
void policy_text_free(struct policy_text *);
/* Adds one file's content (copied).  0, or -1 when memory is out. */
int policy_text_add(struct policy_text *, const char *path, const void *bytes,
    size_t len);
size_t policy_text_count(const struct policy_text *);
/* The i-th file; the first is the main one.  Borrowed. */
const char *policy_text_get(const struct policy_text *, size_t i,
    const void **bytes, size_t *len);

/* A macro from the command line, "name=value"; it wins over the file's. */
struct policy_macro {
	const char *name;
	const char *value;
};

/*
 * Loads and checks a policy.  With from_files the files are read from the
 * file system and recorded in text; without, only what text holds is there.
 * All messages, warnings too, are appended in the order of the lines.
 * Returns NULL when there was any error.
 */
struct ruleset *ruleset_load(const char *path, struct policy_text *text,
    bool from_files, const struct policy_macro *macros, size_t nmacros,
    struct policy_messages *);
/* An empty rule set with every setting at its default. */
struct ruleset *ruleset_new(void);
void ruleset_free(struct ruleset *);
/*
 * Gives what did not change since old the numbers that it had there: tables
 * by name, sensors by their text, rules by theirs.  Call before any number
 * of the new rule set was handed to anybody.  0, or -1 with a message when
 * the numbers run out (a restart helps).
 */
int ruleset_inherit(struct ruleset *, const struct ruleset *old,
    struct policy_messages *);
/* Index of a table by its name without <>, or -1. */
int ruleset_table(const struct ruleset *, const char *name);
/* Writes the policy in the form that parses to the same rule set. */
void ruleset_print(const struct ruleset *, FILE *);

#endif
