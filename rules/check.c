/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Checks of everything but rules: tables and their members, settings, the
 * firewall, sensors.  Also the small judgements that all checks share, so
 * that the same fault always gets the same words.
 */

#include "rules/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"
#include "engine/prefix.h"
#include "rules/arena.h"
#include "rules/ruleset.h"
#include "rules/values.h"

/* The shortest sun_path of the systems that are cared for. */
#define SOCKET_PATH_MOST 104

void
check_expected(struct check *c, const struct conf_word *w, const char *what,
    const char *const *allowed)
{
	char found[REPORT_QUOTE_LEN], hint[REPORT_QUOTE_LEN] = "";

	if (allowed != NULL)
		report_hint(w->text, allowed, hint);
	if (w->is_table)
		snprintf(found, sizeof(found), "<%.40s>", w->text);
	else
		report_quote(w->text, found);
	report_error(c->report, &w->pos, "expected %s, found %s%s", what, found,
	    hint);
}

int
check_table_name(struct check *c, const struct conf_word *w)
{
	const char *names[TABLES_MAX + 1];
	char hint[REPORT_QUOTE_LEN];
	size_t i, n = 0;
	int table = ruleset_table(c->ruleset, w->text);

	if (table != -1)
		return table;
	for (i = 0; i < c->ruleset->ntables; i++)
		names[n++] = c->ruleset->tables[i].name;
	names[n] = NULL;
	report_error(c->report, &w->pos, "table <%.40s> is not defined%s",
	    w->text, report_hint(w->text, names, hint));
	return -1;
}

int
check_prefix(struct check *c, const struct conf_word *w, struct prefix *out)
{
	char name[HOST_NAME_LEN];

	if (!w->is_table && prefix_parse(w->text, out) == 0)
		return 0;
	if (!w->is_table && value_host_name(w->text, name) == 0)
		check_expected(c, w,
		    "an address or a prefix, since host names stand in "
		    "\"set never\" only",
		    NULL);
	else
		check_expected(c, w,
		    "an address or a prefix such as 192.0.2.0/24", NULL);
	return -1;
}

int
check_number(struct check *c, const char *keyword, const struct conf_word *w,
    uint64_t least, uint64_t most, uint64_t *out)
{
	char found[REPORT_QUOTE_LEN];

	if (value_number(w->text, most, out) == 0 && *out >= least)
		return 0;
	report_error(c->report, &w->pos,
	    "expected a number from %llu to %llu behind \"%s\", found %s",
	    (unsigned long long)least, (unsigned long long)most, keyword,
	    report_quote(w->text, found));
	return -1;
}

int
check_time(struct check *c, const struct conf_word *w, int64_t *out)
{
	if (strcmp(w->text, "never") == 0) {
		*out = EXPIRE_NEVER;
		return 0;
	}
	if (value_time(w->text, out) == 0 && *out > 0)
		return 0;
	check_expected(c, w,
	    "a time such as 90s, 15m, 24h, 75d or 6w, or \"never\"", NULL);
	return -1;
}

int
check_name(struct check *c, const struct conf_word *w, const char *what,
    char *out, size_t size)
{
	char found[REPORT_QUOTE_LEN];

	if (*w->text != '\0' && strlen(w->text) < size) {
		strlcpy(out, w->text, size);
		return 0;
	}
	report_error(c->report, &w->pos,
	    "expected %s of 1 to %zu bytes, "
	    "found %s",
	    what, size - 1, report_quote(w->text, found));
	return -1;
}

/* Which of the allowed words it is, or -1 with an error reported. */
static int
check_choice(struct check *c, const struct conf_word *w, const char *what,
    const char *const *allowed)
{
	int i;

	for (i = 0; allowed[i] != NULL; i++) {
		if (strcmp(allowed[i], w->text) == 0)
			return i;
	}
	check_expected(c, w, what, allowed);
	return -1;
}

void
members_add(struct check *c, uint16_t table, const struct prefix *prefix,
    const struct policy_pos *pos, bool is_from_file)
{
	struct ruleset *rs = c->ruleset;
	struct ruleset_member *m;
	char by[512];

	rs->members =
	    rules_grow(rs->members, rs->nmembers, sizeof(*rs->members));
	m = &rs->members[rs->nmembers++];
	m->table = table;
	m->prefix = *prefix;
	m->is_from_file = is_from_file;
	snprintf(by, sizeof(by), "%s:%u", pos->file, pos->line);
	m->by = rules_strdup(by);
}

static void
check_members(struct check *c, const struct conf_table *t, uint16_t table)
{
	const struct conf_word *w;
	struct prefix prefix;

	for (w = t->members; w != NULL; w = w->next) {
		if (w->is_negated)
			report_error(c->report, &w->pos,
			    "\"!\" has no meaning among a table's members");
		else if (check_prefix(c, w, &prefix) == 0)
			members_add(c, table, &prefix, &w->pos, false);
	}
	if (t->file != NULL)
		members_read(c, table, t->file);
}

static void
check_table(struct check *c, const struct conf_table *t)
{
	static const char *const enforces[] = {"none", "block", NULL};
	static const char *const firsts[] = {"first", NULL};
	struct ruleset *rs = c->ruleset;
	struct table_conf *table;
	int choice;

	if (ruleset_table(rs, t->name->text) != -1) {
		report_error(c->report, &t->name->pos,
		    "table <%s> is defined twice", t->name->text);
		return;
	}
	if (rs->ntables == TABLES_MAX) {
		report_error(c->report, &t->name->pos, "more than %d tables",
		    TABLES_MAX);
		return;
	}
	table = &rs->tables[rs->ntables];
	if (check_name(c, t->name, "a table's name", table->name,
		sizeof(table->name)) == -1)
		return;
	table->expire_s = EXPIRE_NEVER;
	if (t->expire != NULL)
		check_time(c, t->expire, &table->expire_s);
	if (t->from_first != NULL)
		table->from_first =
		    check_choice(c, t->from_first, "\"first\"", firsts) == 0;
	if (t->enforce != NULL &&
	    (choice = check_choice(c, t->enforce, "\"block\" or \"none\"",
		 enforces)) != -1)
		table->enforce = choice == 1 ? ENFORCE_BLOCK : ENFORCE_NONE;
	check_members(c, t, (uint16_t)rs->ntables++);
}

void
check_tables(struct check *c)
{
	const struct conf_table *t;

	for (t = c->conf->tables; t != NULL; t = t->next)
		check_table(c, t);
}

/* A name in "set never"; false: it is none. */
static bool
check_never_name(struct check *c, const struct conf_word *w)
{
	struct ruleset *rs = c->ruleset;
	char name[HOST_NAME_LEN];
	size_t i;

	if (value_host_name(w->text, name) == -1)
		return false;
	for (i = 0; i < rs->nnever_names; i++) {
		if (strcmp(rs->never_names[i], name) == 0)
			return true;
	}
	if (rs->nnever_names == HOST_NAMES_MAX) {
		report_error(c->report, &w->pos, "more than %d host names",
		    HOST_NAMES_MAX);
		return true;
	}
	rs->never_names = rules_grow(rs->never_names, rs->nnever_names,
	    sizeof(*rs->never_names));
	rs->never_names[rs->nnever_names++] = rules_strdup(name);
	return true;
}

static void
check_never(struct check *c, const struct conf_word *w)
{
	struct ruleset *rs = c->ruleset;
	struct host_term term = {.type = HOST_PREFIX};
	int table;

	if (w->is_negated) {
		report_error(c->report, &w->pos,
		    "\"!\" has no meaning in \"set never\"");
		return;
	}
	if (w->is_table) {
		if ((table = check_table_name(c, w)) == -1)
			return;
		term.type = HOST_TABLE;
		term.table = (uint16_t)table;
	} else if (prefix_parse(w->text, &term.prefix) == -1) {
		if (!check_never_name(c, w))
			check_expected(c, w,
			    "an address, a prefix such as 192.0.2.0/24 or a "
			    "host name such as www.example.org",
			    NULL);
		return;
	}
	rs->never = rules_grow(rs->never, rs->nnever, sizeof(*rs->never));
	rs->never[rs->nnever++] = term;
}

static void
check_source_prefix(struct check *c, const struct conf_set *s)
{
	uint64_t bits;

	if (strcmp(s->what->text, "inet") == 0) {
		if (check_number(c, s->what->text, s->value, 1, 32, &bits) == 0)
			c->ruleset->source_len_inet =
			    PREFIX_V4_BASE + (unsigned int)bits;
	} else if (check_number(c, s->what->text, s->value, 1, 128, &bits) ==
		   0) {
		c->ruleset->source_len_inet6 = (unsigned int)bits;
	}
}

static void
check_limit_holds(struct check *c, const struct conf_word *w)
{
	struct ruleset *rs = c->ruleset;
	const char *slash = strchr(w->text, '/');
	const char *number;
	uint64_t holds;
	int64_t seconds;

	if (slash != NULL) {
		number =
		    arena_text(c->arena, w->text, (size_t)(slash - w->text));
		if (value_number(number, UINT32_MAX, &holds) == 0 &&
		    holds > 0 && value_time(slash + 1, &seconds) == 0 &&
		    seconds > 0 && seconds <= UINT32_MAX) {
			rs->limit_holds = (uint32_t)holds;
			rs->limit_holds_seconds = (uint32_t)seconds;
			return;
		}
	}
	check_expected(c, w, "NUMBER/TIME such as 10000/1m", NULL);
}

static void
check_limit(struct check *c, const struct conf_set *s)
{
	static const char *const limits[] = {"sources", "table-entries",
	    "holds", NULL};
	struct ruleset *rs = c->ruleset;

	switch (check_choice(c, s->what,
	    "\"sources\", \"table-entries\" or \"holds\"", limits)) {
	case 0:
		check_number(c, s->what->text, s->value, 1, UINT32_MAX,
		    &rs->limit_sources);
		break;
	case 1:
		check_number(c, s->what->text, s->value, 1, UINT32_MAX,
		    &rs->limit_entries);
		break;
	case 2:
		check_limit_holds(c, s->value);
		break;
	default:
		break;
	}
}

static void
check_path(struct check *c, const struct conf_word *w, size_t most, char **out)
{
	if (w->text[0] != '/') {
		check_expected(c, w, "a path that starts with \"/\"", NULL);
		return;
	}
	if (strlen(w->text) >= most) {
		report_error(c->report, &w->pos, "path longer than %zu bytes",
		    most - 1);
		return;
	}
	free(*out);
	*out = rules_strdup(w->text);
}

static void
check_user(struct check *c, const struct conf_word *w)
{
	char user[33];

	if (check_name(c, w, "a user's name", user, sizeof(user)) == -1)
		return;
	free(c->ruleset->user);
	c->ruleset->user = rules_strdup(user);
}

static void
check_setting(struct check *c, const struct conf_set *s)
{
	static const char *const rates[] = {"average", "window", NULL};
	static const char *const answers[] = {"no", "yes", NULL};
	struct ruleset *rs = c->ruleset;
	const char *name = s->keyword->text;
	const struct conf_word *w;

	if (strcmp(name, "never") == 0) {
		for (w = s->value; w != NULL; w = w->next)
			check_never(c, w);
	} else if (strcmp(name, "limit") == 0) {
		check_limit(c, s);
	} else if (strcmp(name, "rate") == 0) {
		rs->rate_is_window =
		    check_choice(c, s->value, "\"average\" or \"window\"",
			rates) == 1;
	} else if (strcmp(name, "decoupled") == 0) {
		rs->is_decoupled = check_choice(c, s->value,
				       "\"yes\" or \"no\"", answers) == 1;
	} else if (strcmp(name, "state-dir") == 0) {
		check_path(c, s->value, 1024, &rs->state_dir);
	} else if (strcmp(name, "socket") == 0) {
		check_path(c, s->value, SOCKET_PATH_MOST, &rs->socket);
	} else if (strcmp(name, "user") == 0) {
		check_user(c, s->value);
	} else {
		check_source_prefix(c, s);
	}
}

static bool
is_same_setting(const struct conf_set *a, const struct conf_set *b)
{
	if (strcmp(a->keyword->text, b->keyword->text) != 0)
		return false;
	return a->what == NULL || strcmp(a->what->text, b->what->text) == 0;
}

static void
check_firewall(struct check *c)
{
	static const char *const names[] = {"memory", "nft", "pf", NULL};
	static const enum firewall_type types[] = {FIREWALL_MEMORY,
	    FIREWALL_NFT, FIREWALL_PF};
	const struct conf_word *w;
	int choice;

	c->ruleset->firewall_is_said = c->conf->firewalls != NULL;
	for (w = c->conf->firewalls; w != NULL; w = w->next) {
		choice =
		    check_choice(c, w, "\"nft\", \"pf\" or \"memory\"", names);
		if (choice != -1)
			c->ruleset->firewall = types[choice];
		if (w != c->conf->firewalls)
			report_error(c->report, &w->pos,
			    "\"firewall\" given twice");
	}
}

/*
 * A policy with sensors is meant to run: that nothing enforces what it holds
 * is worth a word, unless "firewall memory" says that this is meant.
 */
static void
check_enforced(struct check *c)
{
	const struct conf_table *t;
	int table;

	if (c->conf->firewalls != NULL || c->conf->sensors == NULL)
		return;
	for (t = c->conf->tables; t != NULL; t = t->next) {
		table = ruleset_table(c->ruleset, t->name->text);
		if (table != -1 &&
		    c->ruleset->tables[table].enforce == ENFORCE_BLOCK)
			report_warning(c->report, &t->name->pos,
			    "\"enforce block\" without \"firewall\": "
			    "<%s> will block nobody",
			    t->name->text);
	}
}

/* "set limit table-entries" may come behind the tables. */
static void
check_member_counts(struct check *c)
{
	const struct ruleset *rs = c->ruleset;
	const struct conf_table *t;
	uint64_t counts[TABLES_MAX] = {0};
	size_t i;
	int table;

	for (i = 0; i < rs->nmembers; i++)
		counts[rs->members[i].table]++;
	for (t = c->conf->tables; t != NULL; t = t->next) {
		table = ruleset_table(rs, t->name->text);
		if (table == -1 || counts[table] <= rs->limit_entries)
			continue;
		report_error(c->report, &t->name->pos,
		    "table <%s> has %llu members: \"set limit "
		    "table-entries\" allows %llu",
		    t->name->text, (unsigned long long)counts[table],
		    (unsigned long long)rs->limit_entries);
		counts[table] = 0;
	}
}

void
check_settings(struct check *c)
{
	const struct conf_set *s, *earlier;

	for (s = c->conf->sets; s != NULL; s = s->next) {
		for (earlier = c->conf->sets; earlier != s;
		     earlier = earlier->next) {
			if (is_same_setting(earlier, s))
				break;
		}
		if (earlier != s)
			report_error(c->report, &s->keyword->pos,
			    s->what == NULL ? "\"set %s\" given twice"
					    : "\"set %s\" given twice for "
					      "\"%s\"",
			    s->keyword->text,
			    s->what == NULL ? "" : s->what->text);
		else
			check_setting(c, s);
	}
	check_firewall(c);
	check_enforced(c);
	check_member_counts(c);
}
