/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * How long a restart takes: a real traplined with many entries is ended by
 * kill -9 and started again, until it tells its supervisor that everything is
 * enforced; with the kernel's table as it was, and with an empty kernel as
 * after a reboot.  Beside it stand bare loads of the same set, each into a set
 * as full as the daemon finds it, in the size of chunk that is the quickest.
 *
 *	bench_restart [ENTRIES [TRAPLINED [TRAPLINECTL]]]
 */

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/clock.h"
#include "engine/log.h"
#include "engine/prefix.h"
#include "tests/bench/bare.h"
#include "tests/bench/bench.h"
#include "tests/bench/daemon.h"

#define ROUNDS 5
/* From so many entries on, once is enough. */
#define MANY 500000

static const char statements[] = "set limit table-entries 2000000\n"
				 "table <bad> expire 6w enforce block\n"
				 "firewall nft\n";

static size_t entries = 100000;
static struct change *changes;

static double
seconds_since(struct mono began)
{
	return (double)(mono_read().ns - began.ns) / 1e9;
}

/* Has the daemon hold everything; in seconds. */
static double
load_daemon(const struct daemon *d, const char *ctl)
{
	char file[96], text[PREFIX_STRLEN];
	const char *const argv[] = {ctl, "-s", d->socket, "load", "bad", file,
	    NULL};
	struct mono began;
	FILE *f;
	size_t i;

	snprintf(file, sizeof(file), "%s/list", d->dir);
	f = fopen(file, "w");
	if (f == NULL)
		fatal("%s", file);
	for (i = 0; i < entries; i++) {
		prefix_format(&changes[i].prefix, text, sizeof(text));
		fprintf(f, "%s\n", text);
	}
	fclose(f);
	began = mono_read();
	bare_run(argv);
	return seconds_since(began);
}

/* A bare load of everything; in seconds. */
static double
load_bare(size_t chunk)
{
	struct mono began = mono_read();
	size_t i, n;

	for (i = 0; i < entries; i += chunk) {
		n = entries - i < chunk ? entries - i : chunk;
		bare_apply(changes + i, n);
	}
	return seconds_since(began);
}

/* What is there already gets its time anew, as from a daemon. */
static double
load_bare_again(size_t chunk)
{
	size_t i;

	for (i = 0; i < entries; i++)
		changes[i].remaining_ms += 1000;
	return load_bare(chunk);
}

/* The quickest of several sizes of chunk. */
static void
measure_bare(double *empty, double *full)
{
	static const size_t chunks[] = {1024, 4096, 8192, 16384};
	size_t i;
	double s;

	*empty = *full = 1e9;
	for (i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		bare_table();
		s = load_bare(chunks[i]);
		*empty = s < *empty ? s : *empty;
		s = load_bare_again(chunks[i]);
		*full = s < *full ? s : *full;
		bare_nft("delete table inet bare");
	}
}

static double
restart(struct daemon *d, bool is_empty)
{
	daemon_kill(d);
	if (is_empty)
		bare_nft("delete table inet trapline");
	return (double)daemon_start(d) / 1e9;
}

static double
median(double *list, size_t n)
{
	size_t i, k;
	double x;

	for (i = 1; i < n; i++) {
		x = list[i];
		for (k = i; k > 0 && list[k - 1] > x; k--)
			list[k] = list[k - 1];
		list[k] = x;
	}
	return list[n / 2];
}

static void
run(struct daemon *d)
{
	double bare_empty[ROUNDS], bare_full[ROUNDS], empty[ROUNDS],
	    full[ROUNDS], e, f, be, bf;
	size_t i, rounds = entries >= MANY ? 1 : ROUNDS;

	for (i = 0; i < rounds; i++) {
		measure_bare(&bare_empty[i], &bare_full[i]);
		full[i] = restart(d, false);
		empty[i] = restart(d, true);
	}
	e = median(empty, rounds);
	f = median(full, rounds);
	be = median(bare_empty, rounds);
	bf = median(bare_full, rounds);
	bench_ratio("restart, kernel empty", e, be, "s");
	bench_ratio("restart, kernel full", f, bf, "s");
}

int
main(int argc, char **argv)
{
	const char *program =
	    argc > 2 ? argv[2] : "build/release/engine/traplined";
	const char *ctl = argc > 3 ? argv[3] : "build/release/ctl/traplinectl";
	static struct daemon d;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		entries = strtoul(argv[1], NULL, 10);
	if (access(program, X_OK) == -1 || access(ctl, X_OK) == -1 ||
	    unshare(CLONE_NEWNET) == -1) {
		printf("skipped: no %s or %s here, or no namespace\n", program,
		    ctl);
		return 0;
	}
	bench_load("a restart against a bare load");
	changes = bare_changes(0, entries);
	bare_open();
	daemon_make(&d, program, statements);
	(void)daemon_start(&d);
	printf("%zu entries: traplinectl load took %.3f s\n", entries,
	    load_daemon(&d, ctl));
	run(&d);
	free(changes);
	return 0;
}
