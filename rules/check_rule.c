/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Checks of "watch" and "ignore": the terms.  The options in parentheses are
 * check_option.c's.  A rule is built in place at the end of the rule set's
 * array; what is wrong with it is all said, not just the first thing.
 */

#include "rules/check_rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"
#include "rules/arena.h"
#include "rules/check.h"
#include "rules/ruleset.h"
#include "rules/values.h"

/* Enough, and the masks of the matcher stay small. */
#define RULES_MOST 10000
#define LABEL_LEN  64
#define ALL_KINDS  0x1ff
#define PROTO_TCP  6
#define PROTO_UDP  17

static const struct {
	const char *name;
	enum obs_kind kind;
} kinds[] = {
    {"passed", OBS_PASSED},
    {"blocked", OBS_BLOCKED},
    {"opened", OBS_OPENED},
    {"established", OBS_ESTABLISHED},
    {"trapped", OBS_TRAPPED},
    {"whitelisted", OBS_WHITELISTED},
    {"greylisted", OBS_GREYLISTED},
    {"listed", OBS_LISTED},
};

#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
rule_seen(struct check *c, const struct conf_rule *r, struct rule *out)
{
	const char *names[NKINDS + 1];
	size_t i;

	out->kinds = out->is_ignore ? ALL_KINDS : OBS_ESTABLISHED;
	if (r->seen == NULL)
		return;
	for (i = 0; i < NKINDS; i++) {
		names[i] = kinds[i].name;
		if (strcmp(kinds[i].name, r->seen->text) == 0) {
			out->kinds = (uint16_t)kinds[i].kind;
			return;
		}
	}
	names[i] = NULL;
	check_expected(c, r->seen,
	    "a kind such as passed, blocked, opened or "
	    "established",
	    names);
}

static void
rule_protos(struct check *c, const struct conf_rule *r, struct rule *out)
{
	const struct conf_word *w;
	uint8_t proto;

	for (w = r->protos; w != NULL; w = w->next) {
		if (value_proto(w->text, &proto) == -1) {
			check_expected(c, w, "a protocol's name or number",
			    value_proto_names());
			continue;
		}
		out->has_protos = true;
		out->protos[proto / 32] |= UINT32_C(1) << (proto % 32);
	}
}

static void
rule_interfaces(struct check *c, const struct conf_rule *r, struct rule *out)
{
	const struct conf_word *w;
	char name[OBS_NAME_LEN];
	size_t i;

	for (w = r->on; w != NULL; w = w->next) {
		if (check_name(c, w, "an interface's name", name,
			sizeof(name)) == -1)
			continue;
		for (i = 0; i < out->nifnames; i++) {
			if (strcmp(out->ifnames[i], name) == 0)
				break;
		}
		if (i < out->nifnames)
			continue;
		out->ifnames = rules_grow(out->ifnames, out->nifnames,
		    sizeof(*out->ifnames));
		memset(out->ifnames[out->nifnames], 0, OBS_NAME_LEN);
		strlcpy(out->ifnames[out->nifnames++], name, OBS_NAME_LEN);
	}
}

static void
list_add(struct host_list *list, const struct host_term *term)
{
	list->terms =
	    rules_grow(list->terms, list->nterms, sizeof(*list->terms));
	list->terms[list->nterms++] = *term;
}

/* "any" in a list makes every term without "!" needless. */
static void
list_drop_positive(struct host_list *list)
{
	size_t i, n = 0;

	for (i = 0; i < list->nterms; i++) {
		if (list->terms[i].is_negated)
			list->terms[n++] = list->terms[i];
	}
	list->nterms = n;
}

static void
rule_family(struct check *c, const struct conf_word *w, const struct rule *r,
    const struct prefix *p)
{
	unsigned int family = prefix_is_ipv4(p) ? 4 : 6;

	if (r->family != 0 && r->family != family)
		report_error(c->report, &w->pos,
		    "an IPv%u address in an \"%s\" rule", family,
		    r->family == 4 ? "inet" : "inet6");
}

static void
rule_hosts(struct check *c, const struct conf_peer *peer,
    const struct rule *rule, struct host_list *out)
{
	const struct conf_word *w;
	struct host_term term;
	bool is_any = false;
	int table;

	for (w = peer->hosts; w != NULL; w = w->next) {
		memset(&term, 0, sizeof(term));
		term.is_negated = w->is_negated;
		if (w->is_table) {
			table = check_table_name(c, w);
			term.type = HOST_TABLE;
			term.table = table == -1 ? 0 : (uint16_t)table;
		} else if (strcmp(w->text, "any") == 0) {
			if (w->is_negated)
				report_error(c->report, &w->pos,
				    "\"! any\" matches nothing");
			is_any = true;
			continue;
		} else {
			term.type = HOST_PREFIX;
			if (check_prefix(c, w, &term.prefix) == 0)
				rule_family(c, w, rule, &term.prefix);
		}
		list_add(out, &term);
	}
	if (is_any)
		list_drop_positive(out);
}

static void
ports_add(struct host_list *list, uint32_t low, uint32_t high)
{
	list->ports =
	    rules_grow(list->ports, list->nports, sizeof(*list->ports));
	list->ports[list->nports].low = (uint16_t)low;
	list->ports[list->nports++].high = (uint16_t)high;
}

/* One port by name or number; 0, or -1 with an error reported. */
static int
port_value(struct check *c, const struct conf_word *w, const char *text,
    uint16_t *out)
{
	if (value_port(text, c->text, c->from_files, out) == 0)
		return 0;
	check_expected(c, w,
	    "a port from 0 to 65535, a service's name or a "
	    "range a:b",
	    value_port_names());
	return -1;
}

static void
port_range(struct check *c, const struct conf_word *w, const char *colon,
    struct host_list *out)
{
	const char *first =
	    arena_text(c->arena, w->text, (size_t)(colon - w->text));
	uint16_t low, high;

	if (port_value(c, w, first, &low) == -1 ||
	    port_value(c, w, colon + 1, &high) == -1)
		return;
	if (low > high)
		report_error(c->report, &w->pos,
		    "port range %u:%u ends before it starts", low, high);
	else
		ports_add(out, low, high);
}

/* The ports that an operator leaves. */
static void
port_compare(struct check *c, const struct conf_port *p, uint16_t port,
    struct host_list *out)
{
	size_t before = out->nports;

	if (p->op == CONF_OP_IS || p->op == CONF_OP_LE || p->op == CONF_OP_GE)
		ports_add(out, p->op == CONF_OP_LE ? 0 : port,
		    p->op == CONF_OP_GE ? UINT16_MAX : port);
	if ((p->op == CONF_OP_LT || p->op == CONF_OP_NE) && port > 0)
		ports_add(out, 0, port - 1U);
	if ((p->op == CONF_OP_GT || p->op == CONF_OP_NE) && port < UINT16_MAX)
		ports_add(out, port + 1U, UINT16_MAX);
	if (out->nports == before)
		report_error(c->report, &p->word->pos, "no port is %s than %u",
		    p->op == CONF_OP_LT ? "less" : "greater", port);
}

static void
rule_ports(struct check *c, const struct conf_peer *peer, struct host_list *out)
{
	const struct conf_port *p;
	const char *colon;
	uint16_t port;

	for (p = peer->ports; p != NULL; p = p->next) {
		colon = strchr(p->word->text, ':');
		if (colon != NULL && p->op == CONF_OP_IS)
			port_range(c, p->word, colon, out);
		else if (port_value(c, p->word, p->word->text, &port) == 0)
			port_compare(c, p, port, out);
	}
	out->nports = ports_join(out->ports, out->nports);
}

static void
rule_ports_need_proto(struct check *c, const struct conf_rule *r,
    const struct rule *out)
{
	const struct conf_peer *peer = r->to.ports != NULL ? &r->to : &r->from;
	/* An observation has the ports of these two only (observation.h). */
	const uint32_t with_ports = UINT32_C(1) << PROTO_TCP | UINT32_C(1)
								   << PROTO_UDP;
	bool has_others = (out->protos[0] & ~with_ports) != 0;
	size_t i;

	if (peer->ports == NULL)
		return;
	for (i = 1; i < 8; i++)
		has_others = has_others || out->protos[i] != 0;
	if (has_others || (r->protos == NULL && !out->has_protos))
		report_error(c->report, &peer->ports->word->pos,
		    "\"port\" needs \"proto\" with tcp or udp only");
}

static void
rule_passed(struct check *c, const struct conf_rule *r, struct rule *out)
{
	uint64_t passed;

	if (r->passed == NULL)
		return;
	if (out->kinds != OBS_WHITELISTED)
		report_error(c->report, &r->passed->pos,
		    "\"passed\" needs \"seen whitelisted\"");
	if (check_number(c, "passed", r->passed, 1, UINT16_MAX, &passed) == 0)
		out->passed = (uint16_t)passed;
}

static void
rule_names(struct check *c, const struct conf_rule *r, struct rule *out)
{
	char label[LABEL_LEN], by[LABEL_LEN];

	if (r->anchor != NULL)
		check_name(c, r->anchor, "an anchor's name", out->anchor,
		    sizeof(out->anchor));
	snprintf(by, sizeof(by), "line %u", r->action->pos.line);
	if (r->label != NULL &&
	    check_name(c, r->label, "a label", label, sizeof(label)) == 0) {
		out->label = rules_strdup(label);
		out->by = rules_strdup(label);
	} else {
		out->by = rules_strdup(by);
	}
}

static void
rule_terms(struct check *c, const struct conf_rule *r, struct rule *out)
{
	out->is_ignore = strcmp(r->action->text, "ignore") == 0;
	out->is_quick = r->quick != NULL;
	if (r->dir != NULL)
		out->dir =
		    strcmp(r->dir->text, "in") == 0 ? OBS_DIR_IN : OBS_DIR_OUT;
	if (r->family != NULL)
		out->family = strcmp(r->family->text, "inet") == 0 ? 4 : 6;
	rule_seen(c, r, out);
	rule_interfaces(c, r, out);
	rule_protos(c, r, out);
	rule_hosts(c, &r->from, out, &out->from);
	rule_hosts(c, &r->to, out, &out->to);
	rule_ports(c, &r->from, &out->from);
	rule_ports(c, &r->to, &out->to);
	rule_ports_need_proto(c, r, out);
	if (r->via != NULL)
		out->sensors = check_via(c, r->via);
	rule_passed(c, r, out);
	rule_names(c, r, out);
}

/*
 * Warns about a rule that waits for what no sensor reports.  A policy without
 * any sensor is one for replay, whose captures choose the sensors.
 */
static void
rule_warn_kinds(struct check *c, const struct conf_rule *r,
    const struct rule *rule)
{
	const struct ruleset *rs = c->ruleset;
	unsigned int reported = 0, wanted = rule->kinds;
	size_t i;

	if (rs->nsensors == 0 || (rule->is_ignore && r->seen == NULL))
		return;
	for (i = 0; i < rs->nsensors; i++) {
		if (rule->sensors == 0 || (rule->sensors >> i & 1) != 0)
			reported |= check_sensor_kinds(&rs->sensors[i]);
	}
	if (rule->limits.max_src_states != 0)
		wanted |= OBS_OPENED;
	for (i = 0; i < NKINDS; i++) {
		if ((wanted & ~reported & (unsigned int)kinds[i].kind) != 0)
			report_warning(c->report, &r->action->pos,
			    "rule waits for \"seen %s\", which no %s reports",
			    kinds[i].name,
			    rule->sensors == 0 ? "configured sensor"
					       : "sensor of its \"via\"");
	}
}

static void
check_rule(struct check *c, const struct conf_rule *r)
{
	struct ruleset *rs = c->ruleset;
	struct rule *out;

	rs->rules = rules_grow(rs->rules, rs->nrules, sizeof(*rs->rules));
	out = &rs->rules[rs->nrules++];
	memset(out, 0, sizeof(*out));
	out->id = rs->next_rule_id++;
	out->line = r->action->pos.line;
	out->file = rules_strdup(r->action->pos.file);
	out->overload = -1;
	rule_terms(c, r, out);
	check_options(c, r, out);
	rule_warn_kinds(c, r, out);
	out->text = print_rule(rs, out, r->via);
}

void
check_rules(struct check *c)
{
	const struct conf_rule *r;

	for (r = c->conf->rules; r != NULL; r = r->next) {
		if (c->ruleset->nrules == RULES_MOST) {
			report_error(c->report, &r->action->pos,
			    "more than %d rules", RULES_MOST);
			return;
		}
		check_rule(c, r);
	}
}
