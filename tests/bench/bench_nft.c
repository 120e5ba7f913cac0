/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What the nft firewall costs over bare netlink: one change as a transaction
 * of its own, and a bulk load, against messages that are written here by hand
 * for a set of the same kind.  Everything happens in a network namespace of
 * its own.  The bare side runs before the firewall is opened, so that nobody
 * listens to the kernel's notices then.
 */

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "actuators/actuator.h"
#include "engine/clock.h"
#include "engine/log.h"
#include "tests/bench/bare.h"
#include "tests/bench/bench.h"

#define SINGLES 5000
#define CHUNK   4096
#define HOUR_MS (3600 * INT64_C(1000))

static struct change *changes;
static size_t bulk = 100000;

struct figures {
	struct bare_figures one;
	double bulk_s;
};

/* One change at a time, and everything in chunks. */
static struct figures
measure(const struct actuator_ops *ops, struct actuator *a)
{
	static int64_t took[SINGLES];
	struct figures f;
	int64_t start;
	size_t i;

	start = mono_read().ns;
	for (i = 0; i < bulk; i += CHUNK) {
		size_t n = bulk - i < CHUNK ? bulk - i : CHUNK;

		if (a == NULL)
			bare_apply(changes + i, n);
		else if (ops->apply(a, changes + i, n) != n)
			fatalx("not everything was taken");
	}
	f.bulk_s = (double)(mono_read().ns - start) / 1e9;
	for (i = 0; i < SINGLES; i++) {
		start = mono_read().ns;
		if (a == NULL)
			bare_apply(changes + bulk + i, 1);
		else if (ops->apply(a, changes + bulk + i, 1) != 1)
			fatalx("not taken");
		took[i] = mono_read().ns - start;
	}
	f.one = bare_figures(took, SINGLES);
	return f;
}

static void
report(const struct figures *raw, const struct figures *ours)
{
	char what[64];

	bench_ratio("one change, median", ours->one.median_us,
	    raw->one.median_us, "us");
	bench_ratio("one change, p99", ours->one.p99_us, raw->one.p99_us, "us");
	snprintf(what, sizeof(what), "%zu in chunks", bulk);
	bench_ratio(what, ours->bulk_s, raw->bulk_s, "s");
}

int
main(int argc, char **argv)
{
	static struct table_conf table = {.name = "bruteforce",
	    .enforce = ENFORCE_BLOCK};
	struct actuator_conf conf = {.tables = &table,
	    .ntables = 1,
	    .source_len_inet = 128,
	    .source_len_inet6 = 64,
	    .limit_entries = 2000000};
	const struct actuator_ops *ops = actuator_find(FIREWALL_NFT);
	struct actuator *a = NULL;
	struct figures raw, ours;

	if (argc > 1)
		bulk = strtoul(argv[1], NULL, 10);
	if (ops == NULL || unshare(CLONE_NEWNET) == -1) {
		printf("skipped: no nftables here, or no namespace\n");
		return 0;
	}
	bench_load("changes to the kernel's sets against raw netlink");
	changes = bare_changes(0, bulk + SINGLES);
	bare_open();
	bare_table();
	raw = measure(NULL, NULL);
	bare_nft("delete table inet bare");
	if (ops->open(&conf, &a) == -1)
		return 1;
	ours = measure(ops, a);
	report(&raw, &ours);
	ops->close(a);
	free(changes);
	return 0;
}
