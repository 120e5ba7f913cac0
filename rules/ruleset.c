/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The rule set: loading runs lexer, grammar and checker over a policy and
 * leaves what they made, or nothing but messages.  Numbers of tables, sensors
 * and rules are carried over a reload by inherit.c.
 */

#include "rules/ruleset.h"

#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"
#include "rules/arena.h"
#include "rules/check.h"
#include "rules/input.h"
#include "rules/lex.h"
#include "rules/macro.h"
#include "rules/parse.h"

#define STATE_DIR_DEFAULT COMPAT_STATE_DIR "/trapline"
#define LIMIT_SOURCES     1000000
#define LIMIT_ENTRIES     1000000

void
policy_messages_free(struct policy_messages *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		free(m->list[i].text);
	free(m->list);
	memset(m, 0, sizeof(*m));
}

struct ruleset *
ruleset_new(void)
{
	struct ruleset *rs = rules_alloc(1, sizeof(*rs));

	rs->next_rule_id = 1;
	rs->source_len_inet = PREFIX_V4_BASE + 32;
	rs->source_len_inet6 = 64;
	rs->limit_sources = LIMIT_SOURCES;
	rs->limit_entries = LIMIT_ENTRIES;
	rs->state_dir = rules_strdup(STATE_DIR_DEFAULT);
	rs->socket = rules_strdup(SOCKET_DEFAULT);
	rs->user = rules_strdup(TRAPLINE_USER);
	return rs;
}

static void
rule_fini(struct rule *r)
{
	free(r->file);
	free(r->label);
	free(r->by);
	free(r->text);
	free(r->ifnames);
	free(r->from.terms);
	free(r->from.ports);
	free(r->to.terms);
	free(r->to.ports);
	free(r->cause_conn);
	free(r->cause_rate);
	free(r->cause_states);
}

void
ruleset_free(struct ruleset *rs)
{
	size_t i;

	if (rs == NULL)
		return;
	for (i = 0; i < rs->nrules; i++)
		rule_fini(&rs->rules[i]);
	free(rs->rules);
	for (i = 0; i < rs->nmembers; i++)
		free(rs->members[i].by);
	free(rs->members);
	for (i = 0; i < TABLES_MAX; i++)
		free(rs->table_files[i]);
	free(rs->never);
	for (i = 0; i < rs->nnever_names; i++)
		free(rs->never_names[i]);
	free(rs->never_names);
	free(rs->state_dir);
	free(rs->socket);
	free(rs->user);
	free(rs);
}

/* Takes the macros of the command line. */
static void
define_macros(struct check *c, struct macros *macros,
    const struct policy_macro *list, size_t n)
{
	struct policy_pos pos = {.file = "-D"};
	char quoted[REPORT_QUOTE_LEN];
	const char *value;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!macro_name_is_valid(list[i].name)) {
			report_error(c->report, &pos,
			    "expected a macro's name, found %s",
			    report_quote(list[i].name, quoted));
			continue;
		}
		for (value = list[i].value; *value != '\0'; value++) {
			if ((unsigned char)*value < ' ' && *value != '\t')
				break;
		}
		if (*value != '\0')
			report_error(c->report, &pos,
			    "control character in the value of %s",
			    report_quote(list[i].name, quoted));
		else
			macro_define(macros, c->arena, list[i].name,
			    list[i].value, true);
	}
}

static void
ruleset_check(struct check *c)
{
	check_tables(c);
	check_settings(c);
	check_sensors(c);
	check_rules(c);
}

static void
ruleset_read(struct check *c, const char *path, const struct policy_macro *list,
    size_t n)
{
	struct policy_pos start = {.file = path};
	struct macros macros = {NULL};
	struct conf *conf = arena_alloc(c->arena, sizeof(*conf));
	struct input *in =
	    input_new(c->arena, c->report, c->text, c->from_files);
	struct lexer *lexer = lexer_new(c->arena, c->report, in, &macros);

	define_macros(c, &macros, list, n);
	if (input_open(in, path, &start) == 0) {
		parse_policy(conf, lexer, c->arena, c->report);
		c->conf = conf;
		ruleset_check(c);
	}
	lexer_free(lexer);
}

struct ruleset *
ruleset_load(const char *path, struct policy_text *text, bool from_files,
    const struct policy_macro *macros, size_t nmacros,
    struct policy_messages *messages)
{
	struct check c = {
	    .arena = arena_new(),
	    .report = report_new(),
	    .text = text,
	    .from_files = from_files,
	    .ruleset = ruleset_new(),
	};

	ruleset_read(&c, path, macros, nmacros);
	if (report_errors(c.report) > 0) {
		ruleset_free(c.ruleset);
		c.ruleset = NULL;
	}
	report_finish(c.report, messages);
	report_free(c.report);
	arena_free(c.arena);
	return c.ruleset;
}

int
ruleset_table(const struct ruleset *rs, const char *name)
{
	size_t i;

	if (*name == '\0')
		return -1;
	for (i = 0; i < rs->ntables; i++) {
		if (strcmp(rs->tables[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}
