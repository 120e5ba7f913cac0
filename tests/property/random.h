/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_TESTS_PROPERTY_RANDOM_H
#define TRAPLINE_TESTS_PROPERTY_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * Numbers for property tests: the same for the same seed.  The seed comes
 * from TRAPLINE_SEED or the time of day, and is printed either way.
 */
struct random {
	uint64_t state;
};

static inline uint64_t
random_next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 to below - 1. */
static inline uint32_t
random_below(struct random *r, uint32_t below)
{
	return (uint32_t)(random_next(r) % below);
}

static inline struct random
random_start(const char *test)
{
	const char *text = getenv("TRAPLINE_SEED");
	struct random r;

	r.state = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
	printf("%s: TRAPLINE_SEED=%llu\n", test, (unsigned long long)r.state);
	fflush(stdout);
	return r;
}

#endif
