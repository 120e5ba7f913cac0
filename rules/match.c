/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The walk through the rules for one observation.  The matcher's masks leave
 * the rules whose kind, protocol, family, direction and destination port fit;
 * of each of them is checked what is left to check.
 *
 * The end of a connection is walked apart: it goes to the rules that counted
 * its beginning, not to those whose table terms hold by now (match.h).
 */

#include "rules/match.h"

#include <string.h>

#include "engine/compat.h"
#include "rules/matcher.h"
#include "rules/ruleset.h"

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
	if ((checks & CHECK_FROM_PORT) &&
	    !matcher_port_in(&r->from, o->src_port))
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
	if (matcher_takes_kind(r, OBS_OPENED))
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
