/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The matcher against an evaluator that goes through all rules and all their
 * terms for every observation, written from the text of match.h alone.
 * Policies are made as text, so that the grammar is on the way, too.  The
 * seed is printed; TRAPLINE_SEED repeats a run.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/compat.h"
#include "rules/match.h"
#include "rules/ruleset.h"

#define POLICIES     60
#define OBSERVATIONS 1500
#define NTABLES      4

static uint64_t seed;

static unsigned int
pick(unsigned int n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned int)(seed >> 33) % n;
}

/* True in one of n cases. */
static bool
one_in(unsigned int n)
{
	return pick(n) == 0;
}

static const char *const v4[] = {"10.0.0.1", "10.0.0.2", "10.1.0.0/16",
    "10.0.0.0/8", "192.0.2.128/25", "0.0.0.0/0", "192.0.2.200"};
static const char *const v6[] = {"2001:db8::1", "2001:db8::/32",
    "2001:db8:0:1::/64", "::/0", "2001:db8:0:1::7", "::1", "2001:db9::/32"};
static const char *const sources[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3",
    "10.1.2.3", "192.0.2.200", "192.0.2.1", "198.51.100.1", "2001:db8::1",
    "2001:db8::2", "2001:db8:0:1::7", "2001:db9::1", "::1", "fe80::1"};
static const char *const ports[] = {"22", "80:90", "!= 22", "< 1024",
    "{ 22, 25, 80:443 }", ">= 1024", "{ 0, 65535 }", "1:65535"};
static const uint16_t port_values[] = {0, 1, 21, 22, 23, 25, 79, 80, 85, 90, 91,
    443, 444, 1023, 1024, 1025, 65534, 65535};
static const char *const kinds[] = {"passed", "blocked", "opened",
    "established", "trapped", "whitelisted", "greylisted", "listed"};
static const char *const vias[] = {"pflog", "pflog on pflog1", "nflog group 5",
    "capture", "capture on em2"};

#define COUNT(array) ((unsigned int)(sizeof(array) / sizeof((array)[0])))

static void
write_host(FILE *out, unsigned int family)
{
	fputs(one_in(4) ? "! " : "", out);
	if (one_in(3))
		fprintf(out, "<t%u>", pick(NTABLES));
	else if (family == 6 || (family == 0 && one_in(2)))
		fputs(v6[pick(COUNT(v6))], out);
	else
		fputs(v4[pick(COUNT(v4))], out);
}

static void
write_peer(FILE *out, const char *keyword, unsigned int family, bool has_ports)
{
	unsigned int n = pick(4), i;

	if (one_in(2) && !has_ports)
		return;
	fprintf(out, " %s", keyword);
	if (n == 0)
		fputs(" any", out);
	else if (n == 1) {
		fputc(' ', out);
		write_host(out, family);
	} else {
		fputs(one_in(8) ? " { any" : " {", out);
		for (i = 0; i < n; i++) {
			fputc(' ', out);
			write_host(out, family);
		}
		fputs(" }", out);
	}
	if (has_ports && one_in(2))
		fprintf(out, " port %s", ports[pick(COUNT(ports))]);
}

static void
write_limits(FILE *out, unsigned int kind, bool has_seen)
{
	bool counts = !has_seen || kind == 3;

	fputs(" (overload <t0>", out);
	if (counts && one_in(2))
		fputs(", max-src-conn 5", out);
	if ((counts || kind == 2) && one_in(2))
		fputs(", max-src-states 7", out);
	fputs(")", out);
}

static void
write_rule(FILE *out)
{
	bool is_watch = !one_in(4), has_ports = one_in(2), has_seen = one_in(2);
	unsigned int family = one_in(3) ? 4 + 2 * pick(2) : 0;
	unsigned int kind = pick(COUNT(kinds));

	fputs(is_watch ? "watch" : "ignore", out);
	if (one_in(2))
		fputs(one_in(2) ? " in" : " out", out);
	if (one_in(6))
		fputs(" quick", out);
	if (one_in(4))
		fputs(one_in(2) ? " on em0" : " on { em1, em2 }", out);
	if (family != 0)
		fputs(family == 4 ? " inet" : " inet6", out);
	if (has_seen)
		fprintf(out, " seen %s", kinds[kind]);
	if (has_ports)
		fputs(one_in(2) ? " proto tcp" : " proto { udp, tcp }", out);
	else if (one_in(3))
		fputs(one_in(2) ? " proto { icmp, 58, 200 }" : " proto udp",
		    out);
	write_peer(out, "from", family, has_ports);
	write_peer(out, "to", family, has_ports);
	if (one_in(6))
		fprintf(out, " via %s", vias[pick(COUNT(vias))]);
	if (one_in(10))
		fputs(one_in(2) ? " anchor a" : " anchor a/b", out);
	if (has_seen && kind == 5 && one_in(2))
		fputs(" passed 10", out);
	if (is_watch)
		write_limits(out, kind, has_seen);
	fputc('\n', out);
}

static struct ruleset *
policy_make(char **policy)
{
	struct policy_text *text = policy_text_new();
	struct policy_messages messages = {NULL, 0, 0};
	struct ruleset *rs;
	size_t len = 0, i;
	unsigned int n;
	FILE *out;

	*policy = NULL;
	out = open_memstream(policy, &len);
	for (n = 0; n < NTABLES; n++)
		fprintf(out, "table <t%u>\n", n);
	fputs("sensor pflog on pflog0\nsensor pflog on pflog1\n"
	      "sensor nflog group 5 seen passed\nsensor capture on em2\n",
	    out);
	for (n = one_in(3) ? 1 + pick(150) : 1 + pick(20); n > 0; n--)
		write_rule(out);
	fclose(out);
	policy_text_add(text, "made", *policy, len);
	rs = ruleset_load("made", text, false, NULL, 0, &messages);
	for (i = 0; rs == NULL && i < messages.n; i++) {
		if (!messages.list[i].is_warning)
			print_error("%s\n", messages.list[i].text);
	}
	if (rs == NULL)
		fail_msg("refused:\n%s", *policy);
	policy_messages_free(&messages);
	policy_text_free(text);
	return rs;
}

static void
observation_make(struct observation *o)
{
	static const uint16_t odd[] = {0, 3, 0x200, 0x208};
	static const uint8_t protos[] = {6, 6, 6, 17, 17, 1, 58, 132, 0, 200};
	static const char *const ifnames[] = {"", "em0", "em1", "em2", "em3"};
	static const char *const anchors[] = {"", "a", "a/b", "b"};

	memset(o, 0, sizeof(*o));
	addr_parse(sources[pick(COUNT(sources))], &o->src);
	addr_parse(sources[pick(COUNT(sources))], &o->dst);
	o->kind = (uint16_t)(1U << pick(9));
	if (one_in(3))
		o->kind = one_in(2) ? OBS_CLOSED : OBS_ESTABLISHED;
	if (one_in(50))
		o->kind = odd[pick(COUNT(odd))];
	o->src_port = port_values[pick(COUNT(port_values))];
	o->dst_port = port_values[pick(COUNT(port_values))];
	o->passed = (uint16_t)(8 + pick(4));
	o->proto = protos[pick(COUNT(protos))];
	o->dir = (uint8_t)pick(3);
	o->flags = one_in(5) ? OBS_NOT_FIRST : 0;
	o->sensor = (uint8_t)pick(5);
	strlcpy(o->ifname, ifnames[pick(COUNT(ifnames))], sizeof(o->ifname));
	strlcpy(o->anchor, anchors[pick(COUNT(anchors))], sizeof(o->anchor));
}

static bool
table_has(const struct match_tables *tables, uint16_t table,
    const struct addr *a)
{
	(void)tables;
	return ((a->bytes[15] + a->bytes[13] + table) & 1) != 0;
}

/* What a term that names a table counts as. */
enum answer {
	ASK,
	MATCHES,
	DOES_NOT,
};

static bool
naive_hosts(const struct host_list *list, const struct addr *a, enum answer how)
{
	bool wanted = false, found = false, holds;
	size_t i;

	for (i = 0; i < list->nterms; i++) {
		const struct host_term *t = &list->terms[i];

		if (t->type == HOST_PREFIX)
			holds = prefix_contains(&t->prefix, a) != t->is_negated;
		else if (how == ASK)
			holds = table_has(NULL, t->table, a) != t->is_negated;
		else
			holds = how == MATCHES;
		if (t->is_negated && !holds)
			return false;
		if (!t->is_negated) {
			wanted = true;
			found = found || holds;
		}
	}
	return !wanted || found;
}

static bool
naive_port(const struct host_list *list, uint16_t port)
{
	size_t i;

	for (i = 0; i < list->nports; i++) {
		if (list->ports[i].low <= port && port <= list->ports[i].high)
			return true;
	}
	return list->nports == 0;
}

static bool
naive_interface(const struct rule *r, const struct observation *o)
{
	size_t i;

	for (i = 0; i < r->nifnames; i++) {
		if (strcmp(r->ifnames[i], o->ifname) == 0)
			return true;
	}
	return r->nifnames == 0 || o->ifname[0] == '\0';
}

/* All terms but "seen". */
static bool
naive_terms(const struct rule *r, const struct observation *o, enum answer how)
{
	int family = addr_is_ipv4(&o->src) ? 4 : 6;

	return (r->dir == OBS_DIR_UNKNOWN || o->dir == OBS_DIR_UNKNOWN ||
		   r->dir == o->dir) &&
	       (r->family == 0 || r->family == family) &&
	       (!r->has_protos ||
		   (r->protos[o->proto / 32] & (1U << o->proto % 32)) != 0) &&
	       naive_interface(r, o) && naive_hosts(&r->from, &o->src, how) &&
	       naive_hosts(&r->to, &o->dst, how) &&
	       naive_port(&r->from, o->src_port) &&
	       naive_port(&r->to, o->dst_port) &&
	       (r->sensors == 0 ||
		   (r->sensors & UINT64_C(1) << o->sensor) != 0) &&
	       (r->anchor[0] == '\0' || strcmp(r->anchor, o->anchor) == 0) &&
	       o->passed >= r->passed;
}

static bool
naive_sees(const struct rule *r, unsigned int kind)
{
	return (r->kinds & kind) != 0 ||
	       (kind == OBS_OPENED && r->limits.max_src_states != 0);
}

/*
 * Is a connection's end kept from what a rule counts of that kind?  It is if
 * a rule before it ended the walk when that kind was seen.
 */
static bool
naive_is_kept(const struct ruleset *rs, size_t rule, unsigned int kind,
    const struct observation *o)
{
	size_t i;

	for (i = 0; i < rs->nrules && i < rule; i++) {
		const struct rule *r = &rs->rules[i];

		if ((r->is_ignore || r->is_quick) && naive_sees(r, kind) &&
		    naive_terms(r, o, DOES_NOT))
			return true;
	}
	return false;
}

static size_t
naive_closed(const struct ruleset *rs, const struct observation *o,
    const struct rule **out)
{
	size_t i, n = 0;

	for (i = 0; i < rs->nrules; i++) {
		const struct rule *r = &rs->rules[i];
		bool conn = r->limits.max_src_conn != 0 &&
			    !naive_is_kept(rs, i, OBS_ESTABLISHED, o);
		bool states = r->limits.max_src_states != 0 &&
			      !naive_is_kept(rs, i, OBS_OPENED, o);

		if (!r->is_ignore && (conn || states) &&
		    naive_terms(r, o, MATCHES))
			out[n++] = r;
	}
	return n;
}

static size_t
naive_walk(const struct ruleset *rs, const struct observation *o,
    const struct rule **out)
{
	size_t i, n = 0;

	if (o->kind == OBS_CLOSED)
		return naive_closed(rs, o, out);
	if (o->kind == 0 || o->kind > OBS_LISTED ||
	    (o->kind & (o->kind - 1)) != 0)
		return 0;
	if ((o->kind == OBS_PASSED || o->kind == OBS_BLOCKED) &&
	    (o->flags & OBS_NOT_FIRST) != 0)
		return 0;
	for (i = 0; i < rs->nrules; i++) {
		const struct rule *r = &rs->rules[i];

		if (!naive_sees(r, o->kind) || !naive_terms(r, o, ASK))
			continue;
		if (r->is_ignore)
			break;
		out[n++] = r;
		if (r->is_quick)
			break;
	}
	return n;
}

static size_t
compare(const struct ruleset *rs, const struct matcher *m,
    const struct observation *o, const char *policy)
{
	static const struct match_tables tables = {table_has};
	const struct rule *wanted[256], *found;
	size_t n = naive_walk(rs, o, wanted), i = 0;
	struct match_walk walk;

	match_start(&walk, m, o, &tables);
	while ((found = match_next(&walk)) != NULL) {
		if (i >= n || wanted[i] != found)
			fail_msg("%s\nkind %u: rule \"%s\" came, \"%s\" was "
				 "wanted",
			    policy, o->kind, found->text,
			    i < n ? wanted[i]->text : "the end");
		i++;
	}
	if (i < n)
		fail_msg("%s\nkind %u: the end came, \"%s\" was wanted", policy,
		    o->kind, wanted[i]->text);
	assert_null(match_next(&walk));
	return n;
}

static void
the_matcher_finds_what_a_plain_walk_finds(void **state)
{
	size_t i, j, met = 0;

	(void)state;
	for (i = 0; i < POLICIES; i++) {
		struct observation o;
		char *policy;
		struct ruleset *rs = policy_make(&policy);
		struct matcher *m = matcher_new(rs);

		assert_non_null(m);
		for (j = 0; j < OBSERVATIONS; j++) {
			observation_make(&o);
			met += compare(rs, m, &o, policy);
		}
		matcher_free(m);
		ruleset_free(rs);
		free(policy);
	}
	print_message("%zu rules met\n", met);
	assert_true(met > POLICIES * OBSERVATIONS / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_matcher_finds_what_a_plain_walk_finds),
	};
	const char *given = getenv("TRAPLINE_SEED");

	seed = given != NULL ? strtoull(given, NULL, 0)
			     : (uint64_t)time(NULL) * 2654435761U | 1;
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
