/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_RULES_MATCHER_H
#define TRAPLINE_RULES_MATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/prefix.h"

struct host_list;
struct rule;

/*
 * What matcher.c makes and match.c walks.  A set of rules is a mask: one bit a
 * rule, in the order of the file.
 */

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

/* An address or a prefix, its mask spread over two words. */
struct wide {
	uint64_t word[2];
};

/* One term of a host list, ready to be compared. */
struct match_term {
	struct wide value, mask;
	uint16_t table;
	bool is_table;
	bool is_negated;
};

/* A rule and what of it the masks do not settle: CHECK_ bits. */
struct match_rule {
	const struct rule *rule;
	unsigned int checks;
	struct match_term *from, *to;
	size_t nfrom, nto;
};

/* All that a walk needs; mask words are nwords a mask, rule 0 is bit 0. */
struct matcher {
	struct match_rule *rules; /* as many as the rule set has */
	size_t nrules;
	size_t nwords;            /* of a mask */
	uint64_t *masks;          /* NMASKS, one behind the other */
	uint64_t *port_masks;     /* one for each class */
	uint16_t classes[NPORTS]; /* which port mask a port has */
};

/* Which of the NMASKS is for these. */
static inline unsigned int
mask_number(unsigned int kind, unsigned int proto, unsigned int family,
    unsigned int dir)
{
	return ((kind * NPROTOS + proto) * NFAMILIES + family) * NDIRS + dir;
}

static inline struct wide
wide_from(const struct addr *a)
{
	struct wide w;

	memcpy(w.word, a->bytes, sizeof(w.word));
	return w;
}

/* Does the rule look at observations of this kind (an OBS_ bit)? */
bool matcher_takes_kind(const struct rule *, unsigned int kind);
bool matcher_port_in(const struct host_list *, uint16_t port);

#endif
