/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The matcher: which rules an observation meets.  A set of rules is a mask
 * with one bit a rule, in the order of the file.  matcher_new() makes one
 * mask for each combination of kind, protocol, family and direction, and one
 * for each class of ports that the rules tell apart; a walk looks at the rules
 * that are in both, and checks of each what is left to check.
 *
 * The end of a connection is walked apart: it goes to the rules that counted
 * its beginning, not to those whose table terms hold by now (match.h).
 */

#include "rules/match.h"

#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"
#include "rules/ruleset.h"

#define NKINDS    9
#define NPROTOS   3 /* TCP, UDP, any other */
#define NFAMILIES 2
#define NDIRS     3
#define NMASKS    (NKINDS * NPROTOS * NFAMILIES * NDIRS)
#define NPORTS    65536

#define PROTO_TCP 6
#define PROTO_UDP 17

/* What a rule still has to check. */
enum check_flag {
	CHECK_PROTO = 1 << 0,
	CHECK_FROM = 1 << 1,
	CHECK_TO = 1 << 2,
	CHECK_FROM_PORT = 1 << 3,
	CHECK_IFNAME = 1 << 4,
	CHECK_SENSOR = 1 << 5,
	CHECK_ANCHOR = 1 << 6,
	CHECK_PASSED = 1 << 7,
};

/* How terms that name a table are judged. */
enum table_terms {
	TABLES_ASKED,
	TABLES_MATCH,
	TABLES_DO_NOT_MATCH,
};

/* What of a connection's end is meant for no further rule. */
enum over_flag {
	OVER_CONN = 1 << 0,   /* what counts established connections */
	OVER_STATES = 1 << 1, /* what counts opened ones */
};

/* An address or a prefix, its mask spread over two words. */
struct wide {
	uint64_t word[2];
};

struct match_term {
	struct wide value, mask;
	uint16_t table;
	bool is_table;
	bool is_negated;
};

struct match_rule {
	const struct rule *rule;
	unsigned int checks;
	struct match_term *from, *to;
	size_t nfrom, nto;
};

struct matcher {
	struct match_rule *rules;
	size_t nrules;
	size_t nwords;        /* of a mask */
	uint64_t *masks;      /* NMASKS, one behind the other */
	uint64_t *port_masks; /* one for each class */
	uint16_t classes[NPORTS];
};

static unsigned int
mask_number(unsigned int kind, unsigned int proto, unsigned int family,
    unsigned int dir)
{
	return ((kind * NPROTOS + proto) * NFAMILIES + family) * NDIRS + dir;
}

static struct wide
wide_from(const struct addr *a)
{
	struct wide w;

	memcpy(w.word, a->bytes, sizeof(w.word));
	return w;
}

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

static bool
takes_kind(const struct rule *r, unsigned int kind)
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
	if (!takes_kind(r, 1U << kind) || !takes_proto(r, proto))
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

static bool
ports_match(const struct host_list *list, uint16_t port)
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
			if (to->nports == 0 || ports_match(to, (uint16_t)port))
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

static inline bool
term_contains(const struct match_term *t, const struct addr *a)
{
	struct wide w = wide_from(a);

	return (((w.word[0] ^ t->value.word[0]) & t->mask.word[0]) |
		   ((w.word[1] ^ t->value.word[1]) & t->mask.word[1])) == 0;
}

/* Is the address in what the term names, "!" aside? */
static inline bool
term_holds(const struct match_walk *w, const struct match_term *t,
    const struct addr *a, enum table_terms how)
{
	if (!t->is_table)
		return term_contains(t, a);
	switch (how) {
	case TABLES_MATCH:
		return !t->is_negated;
	case TABLES_DO_NOT_MATCH:
		return t->is_negated;
	default:
		return w->tables->has(w->tables, t->table, a);
	}
}

static bool
terms_match(const struct match_walk *w, const struct match_term *terms,
    size_t n, const struct addr *a, enum table_terms how)
{
	bool is_found = false, has_positive = false;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!terms[i].is_negated) {
			has_positive = true;
			if (is_found)
				continue;
		}
		if (!term_holds(w, &terms[i], a, how))
			continue;
		if (terms[i].is_negated)
			return false;
		is_found = true;
	}
	return is_found || !has_positive;
}

static bool
ifname_matches(const struct rule *r, const char *ifname)
{
	size_t i;

	if (ifname[0] == '\0')
		return true;
	for (i = 0; i < r->nifnames; i++) {
		if (memcmp(r->ifnames[i], ifname, OBS_NAME_LEN) == 0)
			return true;
	}
	return false;
}

static bool
rule_matches(const struct match_walk *w, const struct match_rule *m,
    enum table_terms how)
{
	const struct observation *o = w->observation;
	const struct rule *r = m->rule;
	unsigned int checks = m->checks;

	if (checks == 0)
		return true;
	if ((checks & CHECK_FROM_PORT) && !ports_match(&r->from, o->src_port))
		return false;
	if ((checks & CHECK_PROTO) &&
	    (r->protos[o->proto / 32] >> (o->proto % 32) & 1) == 0)
		return false;
	if ((checks & CHECK_SENSOR) &&
	    (o->sensor >= 64 || (r->sensors >> o->sensor & 1) == 0))
		return false;
	if ((checks & CHECK_PASSED) && o->passed < r->passed)
		return false;
	if ((checks & CHECK_IFNAME) && !ifname_matches(r, o->ifname))
		return false;
	if ((checks & CHECK_ANCHOR) && strcmp(r->anchor, o->anchor) != 0)
		return false;
	if ((checks & CHECK_FROM) &&
	    !terms_match(w, m->from, m->nfrom, &o->src, how))
		return false;
	return !(checks & CHECK_TO) ||
	       terms_match(w, m->to, m->nto, &o->dst, how);
}

void
match_start(struct match_walk *w, const struct matcher *m,
    const struct observation *o, const struct match_tables *tables)
{
	unsigned int proto = o->proto == PROTO_TCP   ? 0
			     : o->proto == PROTO_UDP ? 1
						     : 2;
	unsigned int family = addr_is_ipv4(&o->src) ? 0 : 1, kind = o->kind;

	w->matcher = m;
	w->observation = o;
	w->tables = tables;
	w->over = 0;
	w->left = 0;
	w->word = m->nwords;
	if (kind == 0 || kind >= 1U << NKINDS || (kind & (kind - 1)) != 0 ||
	    o->dir >= NDIRS)
		return;
	/* A packet that opens nothing is no offence (observation.h). */
	if ((o->flags & OBS_NOT_FIRST) != 0 &&
	    (kind & (OBS_PASSED | OBS_BLOCKED)) != 0)
		return;
	w->mask = m->masks + m->nwords * mask_number(lowest_bit(kind), proto,
					     family, o->dir);
	w->port_mask = m->port_masks + m->nwords * m->classes[o->dst_port];
	w->word = 0;
	w->left = w->mask[0] & w->port_mask[0];
}

/* The next rule that the masks leave, NULL at the end. */
static inline const struct match_rule *
walk_next(struct match_walk *w)
{
	unsigned int bit;

	while (w->left == 0) {
		if (w->word + 1 >= w->matcher->nwords)
			return NULL;
		w->word++;
		w->left = w->mask[w->word] & w->port_mask[w->word];
	}
	bit = lowest_bit(w->left);
	w->left &= w->left - 1;
	return &w->matcher->rules[w->word * 64 + bit];
}

static void
walk_end(struct match_walk *w)
{
	w->left = 0;
	w->word = w->matcher->nwords;
}

/* What a rule that ends the walk leaves for no one behind it. */
static unsigned int
rule_ends(const struct rule *r)
{
	unsigned int over = 0;

	if (r->is_ignore && (r->kinds & OBS_CLOSED) != 0)
		return OVER_CONN | OVER_STATES;
	if ((r->kinds & OBS_ESTABLISHED) != 0)
		over |= OVER_CONN;
	if (takes_kind(r, OBS_OPENED))
		over |= OVER_STATES;
	return over;
}

static bool
wants_closed(const struct rule *r, unsigned int over)
{
	return (r->limits.max_src_conn != 0 && (over & OVER_CONN) == 0) ||
	       (r->limits.max_src_states != 0 && (over & OVER_STATES) == 0);
}

static const struct rule *
match_next_closed(struct match_walk *w)
{
	const struct match_rule *m;
	bool is_wanted;

	while (w->over != (OVER_CONN | OVER_STATES) &&
	       (m = walk_next(w)) != NULL) {
		is_wanted = wants_closed(m->rule, w->over) &&
			    rule_matches(w, m, TABLES_MATCH);
		if ((m->rule->is_ignore || m->rule->is_quick) &&
		    rule_matches(w, m, TABLES_DO_NOT_MATCH))
			w->over |= rule_ends(m->rule);
		if (is_wanted)
			return m->rule;
	}
	return NULL;
}

const struct rule *
match_next(struct match_walk *w)
{
	const struct match_rule *m;

	if (w->observation->kind == OBS_CLOSED)
		return match_next_closed(w);
	while ((m = walk_next(w)) != NULL) {
		if (!rule_matches(w, m, TABLES_ASKED))
			continue;
		if (m->rule->is_ignore || m->rule->is_quick)
			walk_end(w);
		return m->rule->is_ignore ? NULL : m->rule;
	}
	return NULL;
}
