/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Names and their addresses, by family, since IPv4 and IPv6 are asked for
 * apart and each may fail alone.  What was once answered is kept through any
 * failure: a name server that is down, or that has forgotten the name, must
 * not open the door for a hold of somebody who is never to be held.
 */

#include "engine/host_names.h"

#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"
#include "engine/log.h"

/* Addresses that a log line names. */
#define ADDRS_LOGGED 4

struct answers {
	bool is_there;
	enum host_name_result result; /* the last one */
	size_t n;
	struct addr addrs[HOST_NAME_ADDRS_MAX];
};

struct name {
	char text[HOST_NAME_LEN];
	struct answers families[2]; /* IPv4, IPv6 */
	uint64_t failures;
	struct wall since;
	bool is_failing;
};

struct host_names {
	struct name *list;
	size_t n;
};

struct host_names *
host_names_new(void)
{
	return calloc(1, sizeof(struct host_names));
}

void
host_names_free(struct host_names *names)
{
	if (names == NULL)
		return;
	free(names->list);
	free(names);
}

static struct name *
find(const struct host_names *names, const char *text)
{
	size_t i;

	for (i = 0; i < names->n; i++) {
		if (strcmp(names->list[i].text, text) == 0)
			return &names->list[i];
	}
	return NULL;
}

int
host_names_set(struct host_names *names, char *const *texts, size_t n)
{
	struct name *list = NULL, *old;
	size_t i;

	if (n > 0) {
		list = calloc(n, sizeof(*list));
		if (list == NULL)
			return -1;
	}
	for (i = 0; i < n; i++) {
		old = find(names, texts[i]);
		if (old != NULL)
			list[i] = *old;
		strlcpy(list[i].text, texts[i], sizeof(list[i].text));
	}
	free(names->list);
	names->list = list;
	names->n = n;
	return 0;
}

static size_t
count_addrs(const struct name *name)
{
	return name->families[0].n + name->families[1].n;
}

static const struct addr *
nth_addr(const struct name *name, size_t i)
{
	const struct answers *v4 = &name->families[0];

	if (i < v4->n)
		return &v4->addrs[i];
	return &name->families[1].addrs[i - v4->n];
}

static int
addr_order(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

/* Servers hand addresses out in turns: order is no change. */
static bool
replace(struct answers *a, const struct host_name_answer *in)
{
	struct addr sorted[HOST_NAME_ADDRS_MAX];
	size_t i;

	memcpy(sorted, in->addrs, sizeof(sorted));
	qsort(sorted, in->n, sizeof(sorted[0]), addr_order);
	for (i = 0; i < in->n && a->n == in->n; i++) {
		if (!addr_equal(&sorted[i], &a->addrs[i]))
			break;
	}
	if (i == in->n && a->n == in->n)
		return false;
	memcpy(a->addrs, sorted, in->n * sizeof(sorted[0]));
	a->n = in->n;
	return true;
}

/* A family without addresses is no failure where the other has some. */
static bool
drop_absent(struct name *name)
{
	struct answers *a, *other;
	bool has_changed = false;
	size_t i;

	for (i = 0; i < 2; i++) {
		a = &name->families[i];
		other = &name->families[1 - i];
		if (!a->is_there || a->result != HOST_NAME_NONE ||
		    !other->is_there || other->result != HOST_NAME_ADDRESSES ||
		    a->n == 0)
			continue;
		a->n = 0;
		has_changed = true;
	}
	return has_changed;
}

static bool
is_failing(const struct name *name)
{
	size_t i, absent = 0;

	for (i = 0; i < 2; i++) {
		if (!name->families[i].is_there)
			continue;
		if (name->families[i].result == HOST_NAME_FAILED)
			return true;
		absent += name->families[i].result == HOST_NAME_NONE;
	}
	return absent == 2;
}

static void
log_addrs(const struct name *name)
{
	char text[ADDRS_LOGGED * (PREFIX_STRLEN + 2)] = "";
	char one[PREFIX_STRLEN];
	size_t i, n = count_addrs(name);

	for (i = 0; i < n && i < ADDRS_LOGGED; i++) {
		if (i > 0)
			strlcat(text, ", ", sizeof(text));
		strlcat(text, addr_format(nth_addr(name, i), one, sizeof(one)),
		    sizeof(text));
	}
	log_info("never: name %s is %s%s", name->text, text,
	    n > ADDRS_LOGGED ? " and others" : "");
}

/* Said once, when it starts. */
static void
note_failure(struct name *name, const struct host_name_answer *in)
{
	char why[HOST_NAME_WHY_LEN * 4];
	bool was_failing = name->is_failing;

	name->is_failing = is_failing(name);
	if (!name->is_failing || in->result == HOST_NAME_ADDRESSES)
		return;
	name->failures++;
	if (was_failing)
		return;
	log_printable(in->why, strlen(in->why), why, sizeof(why));
	if (count_addrs(name) > 0)
		log_warnx("never: name %s does not resolve for IPv%u (%s): "
			  "what it was last known to be stays",
		    name->text, in->family, why);
	else
		log_warnx("never: name %s does not resolve for IPv%u (%s): "
			  "it keeps nobody from being held until it does",
		    name->text, in->family, why);
}

bool
host_names_answer(struct host_names *names, const struct host_name_answer *in,
    struct wall now)
{
	struct name *name = find(names, in->name);
	struct answers *a;
	bool has_changed = false, was_failing;

	if (name == NULL)
		return false;
	was_failing = name->is_failing;
	a = &name->families[in->family == 6];
	a->is_there = true;
	a->result = in->result;
	if (in->result == HOST_NAME_ADDRESSES) {
		has_changed = replace(a, in);
		name->since = now;
	}
	if (drop_absent(name))
		has_changed = true;
	note_failure(name, in);
	if (has_changed || (was_failing && !name->is_failing))
		log_addrs(name);
	return has_changed;
}

size_t
host_names_count(const struct host_names *names)
{
	return names->n;
}

void
host_names_get(const struct host_names *names, size_t i,
    struct host_name_view *out)
{
	const struct name *name = &names->list[i];

	memset(out, 0, sizeof(*out));
	out->name = name->text;
	out->naddrs = count_addrs(name);
	out->failures = name->failures;
	out->since = name->since;
	if (name->is_failing)
		out->state =
		    out->naddrs > 0 ? HOST_NAME_STALE : HOST_NAME_UNKNOWN;
	else
		out->state =
		    out->naddrs > 0 ? HOST_NAME_RESOLVED : HOST_NAME_ASKED;
}

const struct addr *
host_names_addr(const struct host_names *names, size_t i, size_t j)
{
	return nth_addr(&names->list[i], j);
}
