/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The matcher: observations a second through 20 rules, as a ratio of a loop
 * that only looks at the same observations.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/match.h"
#include "rules/ruleset.h"
#include "tests/bench/bench.h"

#define OBSERVATIONS 65536
#define ROUNDS       200

static const char policy[] =
    "table <admins>\n"
    "table <bad> expire 6w\n"
    "ignore from <admins>\n"
    "ignore in from { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 }\n"
    "ignore in proto udp to port domain\n"
    "watch in proto tcp to port { ssh, telnet } "
    "(max-src-conn-rate 3/60, overload <bad> flush global)\n"
    "watch in proto tcp to port { smtp, submission, imaps } "
    "(max-src-conn 100, max-src-conn-rate 15/5, overload <bad>)\n"
    "watch in proto tcp to port { www, https } "
    "(max-src-conn-rate 100/10, overload <bad>)\n"
    "watch in seen blocked proto tcp "
    "(max-src-conn-rate 20/60, overload <bad>)\n"
    "watch in seen blocked proto udp "
    "(max-src-conn-rate 100/60, overload <bad>)\n"
    "watch in inet6 seen blocked (max-src-conn-rate 50/60, overload <bad>)\n"
    "watch in on em0 seen blocked proto tcp to port 3389 (overload <bad>)\n"
    "watch seen trapped (overload <bad>)\n"
    "watch seen greylisted (max-src-conn-rate 30/60, overload <bad>)\n"
    "watch in proto tcp from 198.51.100.0/24 to port 1:1024 "
    "(max-src-conn-rate 10/60, overload <bad>)\n"
    "watch in proto tcp from ! 203.0.113.0/24 to port 3306 "
    "(max-src-conn-rate 3/60, overload <bad>)\n"
    "watch in on { em0, em1 } proto tcp to port 5900:5910 "
    "(max-src-conn-rate 3/60, overload <bad>)\n"
    "watch in proto tcp to { 192.0.2.1, 192.0.2.2 } port 8080 "
    "(max-src-conn-rate 30/60, overload <bad>)\n"
    "watch in proto tcp (max-src-conn 500, overload <bad>)\n"
    "watch in seen passed proto tcp to port ssh "
    "(max-src-conn-rate 5/60, overload <bad>)\n"
    "watch out proto tcp to port smtp (max-src-conn-rate 50/60, overload "
    "<bad>)\n"
    "watch in seen opened proto tcp (max-src-states 200, overload <bad>)\n";

static bool
in_no_table(const struct match_tables *tables, uint16_t table,
    const struct addr *addr)
{
	(void)tables;
	return table == 0 && addr->bytes[15] == 7;
}

static struct ruleset *
load(void)
{
	struct policy_text *text = policy_text_new();
	struct policy_messages messages = {NULL, 0, 0};
	struct ruleset *rs;
	size_t i;

	policy_text_add(text, "bench", policy, strlen(policy));
	rs = ruleset_load("bench", text, false, NULL, 0, &messages);
	for (i = 0; rs == NULL && i < messages.n; i++)
		fprintf(stderr, "%s\n", messages.list[i].text);
	policy_messages_free(&messages);
	policy_text_free(text);
	return rs;
}

static uint32_t
next_random(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32);
}

static void
observation_make(struct observation *o)
{
	static const uint16_t kinds[] = {OBS_ESTABLISHED, OBS_ESTABLISHED,
	    OBS_PASSED, OBS_BLOCKED, OBS_OPENED, OBS_CLOSED};
	static const uint16_t ports[] = {22, 25, 80, 443, 993, 53, 3306, 8080};
	uint32_t r = next_random(), source = next_random();
	uint8_t bytes[4];

	memset(o, 0, sizeof(*o));
	memcpy(bytes, &source, sizeof(bytes));
	o->src = addr_from_ipv4(bytes);
	bytes[0] = 192;
	o->dst = addr_from_ipv4(bytes);
	o->kind = kinds[r % 6];
	o->dst_port = ports[r >> 8 & 7];
	o->src_port = (uint16_t)(r >> 16);
	o->proto = (r >> 12 & 7) == 0 ? 17 : 6;
	o->dir = OBS_DIR_IN;
	memcpy(o->ifname, "em0", 4);
}

static double
seconds_of(size_t run(const void *, const struct observation *),
    const void *arg, const struct observation *list, size_t *found)
{
	double start = bench_cpu_s();
	size_t round;

	*found = 0;
	for (round = 0; round < ROUNDS; round++)
		*found += run(arg, list);
	return bench_cpu_s() - start;
}

static size_t
run_match(const void *matcher, const struct observation *list)
{
	const struct match_tables tables = {in_no_table};
	struct match_walk walk;
	size_t i, found = 0;

	for (i = 0; i < OBSERVATIONS; i++) {
		match_start(&walk, matcher, &list[i], &tables);
		while (match_next(&walk) != NULL)
			found++;
	}
	return found;
}

static size_t
run_bare(const void *nothing, const struct observation *list)
{
	size_t i, found = 0;

	(void)nothing;
	for (i = 0; i < OBSERVATIONS; i++)
		found += list[i].src.bytes[15] == list[i].dst_port % 256;
	return found;
}

int
main(void)
{
	struct ruleset *rs = load();
	struct matcher *matcher = rs == NULL ? NULL : matcher_new(rs);
	struct observation *list = calloc(OBSERVATIONS, sizeof(*list));
	const double n = (double)OBSERVATIONS * ROUNDS;
	double bare, match;
	char what[64];
	size_t i, found, ignored;

	if (matcher == NULL || list == NULL)
		return 1;
	bench_load("the matcher against a loop that only looks");
	for (i = 0; i < OBSERVATIONS; i++)
		observation_make(&list[i]);
	bare = seconds_of(run_bare, NULL, list, &ignored);
	match = seconds_of(run_match, matcher, list, &found);
	snprintf(what, sizeof(what), "match, %zu rules, %.2f met by each",
	    rs->nrules, (double)found / n);
	bench_ratio(what, n / match / 1e6, n / bare / 1e6, "M observations/s");
	free(list);
	matcher_free(matcher);
	ruleset_free(rs);
	return 0;
}
