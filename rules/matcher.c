/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Makes a matcher of a rule set: one mask of rules for each combination of
 * kind, protocol, family and direction, and one for each class of ports that
 * the rules tell apart.  Done once a load; match.c walks what is made here.
 */

#include "rules/matcher.h"

#include <stdlib.h>

#include "engine/observation.h"
#include "rules/match.h"
#include "rules/ruleset.h"

static struct match_term *
terms_compile(const struct host_list *list)
{
	struct match_term *terms;
	struct prefix mask;
	struct addr ones;
	size_t i;

	terms = calloc(list->nterms == 0 ? 1 : list->nterms, sizeof(*terms));
	if (terms == NULL)
		return NULL;
	memset(&ones, 0xff, sizeof(ones));
	for (i = 0; i < list->nterms; i++) {
		terms[i].is_negated = list->terms[i].is_negated;
		terms[i].is_table = list->terms[i].type == HOST_TABLE;
		terms[i].table = list->terms[i].table;
		mask = prefix_make(&ones, list->terms[i].prefix.len);
		terms[i].mask = wide_from(&mask.addr);
		terms[i].value = wide_from(&list->terms[i].prefix.addr);
	}
	return terms;
}

/* Does the rule take any protocol that is neither TCP nor UDP? */
static bool
takes_other(const struct rule *r)
{
	uint32_t word;
	size_t i;

	for (i = 0; i < 8; i++) {
		word = r->protos[i];
		if (i == 0)
			word &= ~(UINT32_C(1) << PROTO_TCP | UINT32_C(1)
								 << PROTO_UDP);
		if (word != 0)
			return true;
	}
	return false;
}

static unsigned int
rule_checks(const struct rule *r)
{
	unsigned int checks = 0;

	if (r->has_protos && takes_other(r))
		checks |= CHECK_PROTO;
	if (r->from.nterms > 0)
		checks |= CHECK_FROM;
	if (r->to.nterms > 0)
		checks |= CHECK_TO;
	if (r->from.nports > 0)
		checks |= CHECK_FROM_PORT;
	if (r->nifnames > 0)
		checks |= CHECK_IFNAME;
	if (r->sensors != 0)
		checks |= CHECK_SENSOR;
	if (r->anchor[0] != '\0')
		checks |= CHECK_ANCHOR;
	if (r->passed != 0)
		checks |= CHECK_PASSED;
	return checks;
}

/* Does an end of a connection have to be shown to this rule? */
static bool
sees_closed(const struct rule *r)
{
	if (r->is_ignore || r->is_quick)
		return (r->kinds &
			   (OBS_CLOSED | OBS_ESTABLISHED | OBS_OPENED)) != 0;
	return r->limits.max_src_conn != 0 || r->limits.max_src_states != 0;
}

bool
matcher_takes_kind(const struct rule *r, unsigned int kind)
{
	if (kind == OBS_CLOSED)
		return sees_closed(r);
	if (kind == OBS_OPENED && r->limits.max_src_states != 0)
		return true;
	return (r->kinds & kind) != 0;
}

static bool
takes_proto(const struct rule *r, unsigned int proto)
{
	if (!r->has_protos)
		return true;
	switch (proto) {
	case 0:
		return (r->protos[0] >> PROTO_TCP & 1) != 0;
	case 1:
		return (r->protos[0] >> PROTO_UDP & 1) != 0;
	default:
		return takes_other(r);
	}
}

static bool
belongs(const struct rule *r, unsigned int kind, unsigned int proto,
    unsigned int family, unsigned int dir)
{
	if (!matcher_takes_kind(r, 1U << kind) || !takes_proto(r, proto))
		return false;
	if (r->family != 0 && r->family != (family == 0 ? 4 : 6))
		return false;
	return r->dir == OBS_DIR_UNKNOWN || dir == OBS_DIR_UNKNOWN ||
	       r->dir == dir;
}

static void
mask_set(uint64_t *mask, size_t rule)
{
	mask[rule / 64] |= UINT64_C(1) << (rule % 64);
}

static void
masks_fill(struct matcher *m, const struct ruleset *rs)
{
	unsigned int n, dir, family, proto, kind;
	size_t i;

	for (n = 0; n < NMASKS; n++) {
		dir = n % NDIRS;
		family = n / NDIRS % NFAMILIES;
		proto = n / NDIRS / NFAMILIES % NPROTOS;
		kind = n / NDIRS / NFAMILIES / NPROTOS;
		for (i = 0; i < rs->nrules; i++) {
			if (belongs(&rs->rules[i], kind, proto, family, dir))
				mask_set(m->masks + n * m->nwords, i);
		}
	}
}

/*
 * Gives every port its class: a new one starts wherever a range of a rule
 * starts or has ended.  Returns the number of classes.
 */
static size_t
classes_fill(struct matcher *m, const struct ruleset *rs)
{
	const struct port_range *range;
	size_t i, j, port, class = 0;

	for (i = 0; i < rs->nrules; i++) {
		for (j = 0; j < rs->rules[i].to.nports; j++) {
			range = &rs->rules[i].to.ports[j];
			m->classes[range->low] = 1;
			if (range->high < NPORTS - 1)
				m->classes[range->high + 1] = 1;
		}
	}
	m->classes[0] = 0;
	for (port = 1; port < NPORTS; port++) {
		class += m->classes[port];
		m->classes[port] = (uint16_t) class;
	}
	return class + 1;
}

bool
matcher_port_in(const struct host_list *list, uint16_t port)
{
	size_t low = 0, high = list->nports, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (port < list->ports[middle].low)
			high = middle;
		else if (port > list->ports[middle].high)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

/* 0, or -1 when memory is out. */
static int
ports_fill(struct matcher *m, const struct ruleset *rs)
{
	const struct host_list *to;
	size_t i, port, class;

	m->port_masks =
	    calloc(classes_fill(m, rs), m->nwords * sizeof(*m->port_masks));
	if (m->port_masks == NULL)
		return -1;
	for (port = 0; port < NPORTS; port++) {
		class = m->classes[port];
		if (port > 0 && class == m->classes[port - 1])
			continue;
		for (i = 0; i < rs->nrules; i++) {
			to = &rs->rules[i].to;
			if (to->nports == 0 ||
			    matcher_port_in(to, (uint16_t)port))
				mask_set(m->port_masks + class * m->nwords, i);
		}
	}
	return 0;
}

/* 0, or -1 when memory is out. */
static int
rules_fill(struct matcher *m, const struct ruleset *rs)
{
	struct match_rule *r;
	size_t i;

	for (i = 0; i < rs->nrules; i++) {
		r = &m->rules[i];
		r->rule = &rs->rules[i];
		r->checks = rule_checks(r->rule);
		r->nfrom = r->rule->from.nterms;
		r->nto = r->rule->to.nterms;
		r->from = terms_compile(&r->rule->from);
		r->to = terms_compile(&r->rule->to);
		if (r->from == NULL || r->to == NULL)
			return -1;
	}
	return 0;
}

struct matcher *
matcher_new(const struct ruleset *rs)
{
	struct matcher *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->nrules = rs->nrules;
	m->nwords = rs->nrules / 64 + 1;
	m->rules = calloc(rs->nrules + 1, sizeof(*m->rules));
	m->masks = calloc(NMASKS, m->nwords * sizeof(*m->masks));
	if (m->rules == NULL || m->masks == NULL || rules_fill(m, rs) == -1 ||
	    ports_fill(m, rs) == -1) {
		matcher_free(m);
		return NULL;
	}
	masks_fill(m, rs);
	return m;
}

void
matcher_free(struct matcher *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; m->rules != NULL && i < m->nrules; i++) {
		free(m->rules[i].from);
		free(m->rules[i].to);
	}
	free(m->rules);
	free(m->masks);
	free(m->port_masks);
	free(m);
}
