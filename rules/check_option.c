/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Checks of the options of a rule: limits and what happens when one is
 * exceeded.  Bounds are pf's where it has some.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/arena.h"
#include "rules/check.h"
#include "rules/check_rule.h"
#include "rules/ruleset.h"
#include "rules/values.h"

/* pf.conf(5): the rate is kept in thousandths in 32 bits. */
#define RATE_MOST (UINT32_MAX / 1000)

static void
option_rate(struct check *c, const struct conf_option *o, struct rule *out)
{
	struct rule_limits *l = &out->limits;

	if (value_pair(o->value->text, &l->rate, &l->rate_seconds) == -1 ||
	    l->rate == 0 || l->rate_seconds == 0) {
		check_expected(c, o->value,
		    "NUMBER/SECONDS such as 15/5, both above 0", NULL);
		return;
	}
	if (l->rate > RATE_MOST)
		report_error(c->report, &o->value->pos,
		    "\"max-src-conn-rate\" counts up to %u, found %u",
		    RATE_MOST, l->rate);
}

static void
option_number(struct check *c, const struct conf_option *o, uint32_t *out)
{
	uint64_t n;

	if (check_number(c, o->keyword->text, o->value, 1, UINT32_MAX, &n) == 0)
		*out = (uint32_t)n;
}

static bool
is_never_table(const struct ruleset *rs, int table)
{
	size_t i;

	for (i = 0; i < rs->nnever; i++) {
		if (rs->never[i].type == HOST_TABLE &&
		    rs->never[i].table == table)
			return true;
	}
	return false;
}

static void
option_overload(struct check *c, const struct conf_option *o, struct rule *out)
{
	out->overload = check_table_name(c, o->value);
	if (o->is_flush)
		out->flush = o->is_flush_global ? FLUSH_GLOBAL : FLUSH_RULE;
	if (out->overload != -1 && is_never_table(c->ruleset, out->overload))
		report_error(c->report, &o->value->pos,
		    "overload into <%s>, which \"set never\" names",
		    o->value->text);
}

static void
option_expire(struct check *c, const struct conf_option *o, struct rule *out)
{
	check_time(c, o->value, &out->expire_s);
}

static void
check_option(struct check *c, const struct conf_option *o, struct rule *out)
{
	switch (o->type) {
	case OPTION_SRC_CONN:
		option_number(c, o, &out->limits.max_src_conn);
		break;
	case OPTION_SRC_CONN_RATE:
		option_rate(c, o, out);
		break;
	case OPTION_SRC_STATES:
		option_number(c, o, &out->limits.max_src_states);
		break;
	case OPTION_SRC_NODES:
		option_number(c, o, &out->limits.max_src_nodes);
		break;
	case OPTION_OVERLOAD:
		option_overload(c, o, out);
		break;
	case OPTION_EXPIRE:
		option_expire(c, o, out);
		break;
	}
}

static const struct conf_option *
option_find(const struct conf_rule *r, enum conf_option_type type)
{
	const struct conf_option *o;

	for (o = r->options; o != NULL && o->type != type; o = o->next)
		;
	return o;
}

/* What each limit needs the rule to see. */
static void
options_need_kinds(struct check *c, const struct conf_rule *r,
    const struct rule *out)
{
	const struct conf_option *conn = option_find(r, OPTION_SRC_CONN);
	const struct conf_option *states = option_find(r, OPTION_SRC_STATES);

	if (conn != NULL && out->kinds != OBS_ESTABLISHED)
		report_error(c->report, &conn->keyword->pos,
		    "\"max-src-conn\" counts established connections: it "
		    "cannot go with \"seen %s\"",
		    r->seen->text);
	if (states != NULL && out->kinds != OBS_ESTABLISHED &&
	    out->kinds != OBS_OPENED)
		report_error(c->report, &states->keyword->pos,
		    "\"max-src-states\" counts what is opened and closed: it "
		    "cannot go with \"seen %s\"",
		    r->seen->text);
}

static void
options_need_each_other(struct check *c, const struct conf_rule *r)
{
	const struct conf_option *overload = option_find(r, OPTION_OVERLOAD);
	const struct conf_option *expire = option_find(r, OPTION_EXPIRE);
	const struct conf_option *nodes = option_find(r, OPTION_SRC_NODES);

	if (expire != NULL && overload == NULL)
		report_error(c->report, &expire->keyword->pos,
		    "\"expire\" needs \"overload <table>\"");
	if (nodes != NULL && overload != NULL &&
	    option_find(r, OPTION_SRC_CONN) == NULL &&
	    option_find(r, OPTION_SRC_CONN_RATE) == NULL &&
	    option_find(r, OPTION_SRC_STATES) == NULL)
		report_error(c->report, &nodes->keyword->pos,
		    "\"max-src-nodes\" bounds how many sources a rule follows "
		    "and is no offence: expected a limit such as "
		    "\"max-src-conn-rate\" beside it");
	if (overload == NULL)
		report_warning(c->report, &r->action->pos,
		    "rule counts, but does nothing: it has no \"overload\"");
}

static char *
cause(const char *name, uint32_t limit)
{
	char text[64];

	if (limit == 0)
		return NULL;
	snprintf(text, sizeof(text), "%s %u", name, limit);
	return rules_strdup(text);
}

static void
options_causes(struct rule *out)
{
	char text[64];

	out->cause_conn = cause("max-src-conn", out->limits.max_src_conn);
	out->cause_states = cause("max-src-states", out->limits.max_src_states);
	if (out->limits.rate == 0)
		return;
	snprintf(text, sizeof(text), "max-src-conn-rate %u/%u",
	    out->limits.rate, out->limits.rate_seconds);
	out->cause_rate = rules_strdup(text);
}

void
check_options(struct check *c, const struct conf_rule *r, struct rule *out)
{
	const struct conf_option *o;

	if (out->is_ignore) {
		if (r->has_options)
			report_error(c->report, &r->options->keyword->pos,
			    "an \"ignore\" rule takes no options");
		return;
	}
	for (o = r->options; o != NULL; o = o->next) {
		if (option_find(r, o->type) != o)
			report_error(c->report, &o->keyword->pos,
			    "\"%s\" given twice", o->keyword->text);
		else
			check_option(c, o, out);
	}
	options_need_kinds(c, r, out);
	options_need_each_other(c, r);
	options_causes(out);
}
