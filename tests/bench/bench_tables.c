/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Sources and entries by the million: bytes each, touches a second against a
 * bare loop that touches one random cache line a step, and 100,000 entries
 * that lapse within one minute.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/log.h"
#include "engine/sources.h"
#include "engine/tables.h"
#include "tests/bench/bench.h"

#define MILLION 1000000
#define TOUCHES 20000000
#define AHEAD   32
#define DUE     100000
#define START   INT64_C(1795340197000)

struct line {
	uint64_t words[8];
};

/* The i-th address: all differ, in no order. */
static struct prefix
scattered(uint32_t i)
{
	uint32_t bits = i * UINT32_C(2654435761);
	uint8_t bytes[4] = {(uint8_t)(bits >> 24), (uint8_t)(bits >> 16),
	    (uint8_t)(bits >> 8), (uint8_t)bits};
	struct addr addr = addr_from_ipv4(bytes);

	return prefix_host(&addr);
}

/* A number below n; the next in a long cycle. */
static uint32_t
draw(uint64_t *state, uint32_t n)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (uint32_t)((*state >> 32) * n >> 32);
}

/* Touches of one random cache line among n, a second. */
static double
bare_rate(uint32_t n)
{
	struct line *lines = aligned_alloc(64, n * sizeof(*lines));
	uint64_t random = 1, sum = 0;
	double start;
	struct prefix p;
	uint32_t i;
	double rate;

	if (lines == NULL)
		fatal("aligned_alloc");
	memset(lines, 0, n * sizeof(*lines));
	start = bench_cpu_s();
	for (i = 0; i < TOUCHES; i++) {
		p = scattered(draw(&random, n));
		/* What a step cannot do without: the address is looked at. */
		sum += p.addr.bytes[15];
		lines[draw(&random, n)].words[0]++;
	}
	rate = TOUCHES / (bench_cpu_s() - start);
	if (sum == 0)
		printf("no address\n");
	free(lines);
	return rate;
}

/* The same touches, with the hints given some steps ahead. */
static double
hinted_rate(struct sources *s, uint32_t n)
{
	struct prefix ahead[AHEAD];
	uint64_t hints[AHEAD], random = 1;
	double start = bench_cpu_s();
	bool is_new;
	uint32_t i;

	for (i = 0; i < TOUCHES + AHEAD; i++) {
		if (i >= AHEAD)
			sources_touch(s, 1, &ahead[i % AHEAD],
			    (struct wall){START + i}, &is_new)
			    ->conn++;
		ahead[i % AHEAD] = scattered(draw(&random, n));
		hints[i % AHEAD] = sources_hint(s, 1, &ahead[i % AHEAD]);
		if (i >= AHEAD / 2)
			sources_hint_node(s, hints[(i - AHEAD / 2) % AHEAD]);
	}
	return TOUCHES / (bench_cpu_s() - start);
}

static void
bench_touch(uint32_t n)
{
	struct sources *s = sources_new(MILLION, 0x1234567);
	uint64_t random = 1;
	double ours, hinted, bare;
	char what[64];
	double start;
	struct prefix p;
	bool is_new;
	uint32_t i;

	if (s == NULL)
		fatal("sources_new");
	for (i = 0; i < n; i++) {
		p = scattered(i);
		sources_touch(s, 1, &p, (struct wall){START}, &is_new);
	}
	start = bench_cpu_s();
	for (i = 0; i < TOUCHES; i++) {
		p = scattered(draw(&random, n));
		sources_touch(s, 1, &p, (struct wall){START + i}, &is_new)
		    ->conn++;
	}
	ours = TOUCHES / (bench_cpu_s() - start);
	hinted = hinted_rate(s, n);
	bare = bare_rate(n);
	snprintf(what, sizeof(what), "touch, %u sources", n);
	bench_ratio(what, ours / 1e6, bare / 1e6, "M/s");
	snprintf(what, sizeof(what), "touch with hints, %u sources", n);
	bench_ratio(what, hinted / 1e6, bare / 1e6, "M/s");
	if (n == MILLION)
		printf("source: %.1f bytes\n",
		    (double)sources_memory(s) / sources_count(s));
	sources_free(s);
}

/* Every touch makes a new node and forgets the stalest. */
static void
bench_flood(void)
{
	struct sources *s = sources_new(MILLION, 0x1234567);
	double start;
	struct prefix p;
	bool is_new;
	uint32_t i;

	if (s == NULL)
		fatal("sources_new");
	for (i = 0; i < MILLION; i++) {
		p = scattered(i);
		sources_touch(s, 1, &p, (struct wall){START}, &is_new);
	}
	start = bench_cpu_s();
	for (; i < 5 * MILLION; i++) {
		p = scattered(i);
		sources_touch(s, 1, &p, (struct wall){START}, &is_new);
	}
	printf("flood, 1000000 sources: %.1f M new ones/s, %llu forgotten\n",
	    4.0 / (bench_cpu_s() - start),
	    (unsigned long long)sources_forgotten(s));
	sources_free(s);
}

static struct tables *
fill_tables(uint32_t n, int64_t term_ms, int64_t spread_ms)
{
	struct tables *t =
	    tables_new(2 * MILLION, 0x1234567, (struct wall){START});
	struct hold hold = {.since = {START}, .origin = ORIGIN_RULE, .by = 1};
	struct prefix p;
	uint64_t random = 1;
	uint32_t i;

	if (t == NULL)
		fatal("tables_new");
	for (i = 0; i < n; i++) {
		p = scattered(i);
		hold.expires.ms =
		    START + term_ms + draw(&random, (uint32_t)spread_ms);
		if (tables_hold(t, 0, &p, &hold) != TABLES_NEW)
			fatalx("entry %u was not new", i);
	}
	return t;
}

static void
bench_entries(void)
{
	double start = bench_cpu_s();
	struct tables *t = fill_tables(MILLION, INT64_C(3628800000), 86400000);
	uint64_t random = 1, found = 0;
	struct prefix p;
	uint32_t i;

	printf("hold, 1000000 entries: %.2f M/s\n",
	    1 / (bench_cpu_s() - start));
	printf("entry with one hold: %.1f bytes\n",
	    (double)tables_memory(t) / tables_count_all(t));
	start = bench_cpu_s();
	for (i = 0; i < TOUCHES / 4; i++) {
		p = scattered(draw(&random, 2 * MILLION));
		found += tables_has(t, 0, &p.addr);
	}
	printf("has, 1000000 entries: %.1f M/s, %.2f found\n",
	    TOUCHES / 4 / (bench_cpu_s() - start) / 1e6,
	    (double)found / (TOUCHES / 4));
	tables_free(t);
}

/* Wakes as the engine does, for one minute. */
static void
bench_due(const char *what, int64_t spread_ms)
{
	struct tables *t = fill_tables(DUE, INT64_C(3628800000), spread_ms);
	struct tables_lapse out[256];
	double all = 0, longest = 0, once;
	size_t wakes = 0, n, lapsed = 0;
	double start;
	struct wall next;

	while (!wall_is_never(next = tables_next(t))) {
		start = bench_cpu_s();
		n = tables_expire(t, next, out, 256);
		once = (bench_cpu_s() - start);
		all += once;
		if (once > longest)
			longest = once;
		lapsed += n;
		wakes++;
	}
	printf("%zu lapse within %s: %.1f ms in all, longest %.2f ms, "
	       "%zu wakes\n",
	    lapsed, what, all * 1e3, longest * 1e3, wakes);
	tables_free(t);
}

int
main(void)
{
	bench_load("sources and tables");
	bench_touch(1);
	bench_touch(10000);
	bench_touch(MILLION);
	bench_flood();
	bench_entries();
	bench_due("one minute", 60000);
	bench_due("one second", 1000);
	bench_due("one millisecond", 1);
	return 0;
}
