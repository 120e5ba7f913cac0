/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_TESTS_BENCH_BENCH_H
#define TRAPLINE_TESTS_BENCH_BENCH_H

/* What the benches share: their clock, and how a figure is printed. */

#include <sys/resource.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Seconds that this process has had a processor: what else runs on the
 * machine takes caches from us, and no time.
 */
static inline double
bench_cpu_s(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* To be printed first: figures mean little on a machine that is busy. */
static inline void
bench_load(const char *what)
{
	double load[1] = {0};

	(void)getloadavg(load, 1);
	printf("%s; load %.2f on %ld processors\n", what, load[0],
	    sysconf(_SC_NPROCESSORS_ONLN));
}

/* A figure and its reference of the same run: ours by the bare one. */
static inline void
bench_ratio(const char *what, double ours, double bare, const char *unit)
{
	printf("%s: ratio %.2f, ours %.3f, bare %.3f %s\n", what, ours / bare,
	    ours, bare, unit);
	fflush(stdout);
}

#endif
