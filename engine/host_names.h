/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_HOST_NAMES_H
#define TRAPLINE_ENGINE_HOST_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/prefix.h"

/*
 * The host names of "set never" and the addresses that they were last heard
 * to have.  An address stays until a good answer takes its place.
 */
struct host_names;

/* Addresses of one name and family that are taken; libevent's own bound. */
#define HOST_NAME_ADDRS_MAX 32
#define HOST_NAME_WHY_LEN   48

enum host_name_result {
	HOST_NAME_ADDRESSES,
	HOST_NAME_NONE, /* none of this family, or no such name */
	HOST_NAME_FAILED,
};

/* What asking for one name's addresses of one family came to. */
struct host_name_answer {
	char name[HOST_NAME_LEN];
	char why[HOST_NAME_WHY_LEN]; /* there are no addresses */
	uint8_t family;              /* 4 or 6 */
	uint8_t result;              /* enum host_name_result */
	uint16_t n;
	struct addr addrs[HOST_NAME_ADDRS_MAX];
};

enum host_name_state {
	HOST_NAME_ASKED,    /* no answer yet */
	HOST_NAME_RESOLVED, /* the last answer was good */
	HOST_NAME_STALE,    /* it was not: older addresses are kept */
	HOST_NAME_UNKNOWN,  /* it was not, and there are none */
};

/* One name, for showing. */
struct host_name_view {
	const char *name;
	enum host_name_state state;
	size_t naddrs;
	uint64_t failures;
	struct wall since; /* of the last good answer; 0: there was none */
};

/* NULL: memory is out. */
struct host_names *host_names_new(void);
void host_names_free(struct host_names *);
/*
 * Makes these n texts the names that count.  Those that were there keep their
 * addresses.  0, or -1 when memory is out and nothing changed.
 */
int host_names_set(struct host_names *, char *const *texts, size_t n);
/*
 * Takes an answer and logs what changed; one for a name that is not there is
 * left alone.  An answer of no addresses counts when the other family has
 * some, and is a failure otherwise.  True when the addresses are others now.
 */
bool host_names_answer(struct host_names *, const struct host_name_answer *,
    struct wall now);
size_t host_names_count(const struct host_names *);
void host_names_get(const struct host_names *, size_t i,
    struct host_name_view *);
/* The j-th address of the i-th name, of naddrs. */
const struct addr *host_names_addr(const struct host_names *, size_t i,
    size_t j);

#endif
