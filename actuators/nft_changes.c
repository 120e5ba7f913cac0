/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * From changes to transactions.  The changes of a call are filed under their
 * sets, since only the order within a set matters, and written as runs of
 * additions and removals.  A transaction that the kernel refuses is gone
 * through change by change, so that one full set or one odd entry never holds
 * up the rest; an interval set is then written anew from its ranges.
 */

#include "actuators/nft_changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actuators/nft_batch.h"
#include "actuators/nft_elements.h"
#include "actuators/nft_query.h"
#include "actuators/nft_ranges.h"
#include "actuators/nft_sets.h"
#include "engine/clock.h"
#include "engine/log.h"

/* Changes in one transaction; larger ones only take the kernel longer. */
#define CHUNK 8192
#define NONE  UINT32_MAX

struct nft_changes {
	struct nft_batch *batch;
	struct nft_abilities can;
	struct nft_range_steps steps;
	uint32_t commits;
	uint64_t transactions, failed, entries_full;
	struct log_site refused_site, full_site;

	/* The changes of the transaction in work, by set, in order. */
	uint32_t next[CHUNK];
	struct nft_set *touched[CHUNK];
	size_t ntouched;
};

struct nft_changes *
nft_changes_new(struct nft_batch *batch)
{
	struct nft_changes *c = calloc(1, sizeof(*c));

	if (c != NULL)
		c->batch = batch;
	return c;
}

void
nft_changes_free(struct nft_changes *c)
{
	if (c == NULL)
		return;
	nft_range_steps_free(&c->steps);
	free(c);
}

void
nft_changes_set_abilities(struct nft_changes *c,
    const struct nft_abilities *can)
{
	c->can = *can;
}

uint32_t
nft_changes_commits(const struct nft_changes *c)
{
	return c->commits;
}

void
nft_changes_counters(const struct nft_changes *c, struct actuator_counters *out)
{
	out->transactions += c->transactions;
	out->failed += c->failed;
	out->entries_full += c->entries_full;
}

int64_t
nft_changes_now_ms(void)
{
	return mono_read().ns / 1000000;
}

int64_t
nft_changes_due_ms(int64_t remaining_ms)
{
	int64_t now = nft_changes_now_ms();

	if (remaining_ms > NFT_RANGES_FOREVER - now)
		return NFT_RANGES_FOREVER;
	return now + remaining_ms;
}

static uint64_t
timeout_until(int64_t due_ms)
{
	return nft_elements_timeout(due_ms == NFT_RANGES_FOREVER
					? CHANGE_FOREVER
					: due_ms - nft_changes_now_ms());
}

static int
commit(struct nft_changes *c)
{
	c->transactions++;
	if (nft_batch_commit(c->batch) == -1)
		return -1;
	c->commits++;
	return 0;
}

/* Files the changes under their sets; those for no set need nothing. */
static void
sort_changes(struct nft_changes *c, struct nft_sets *sets,
    const struct change *changes, size_t n)
{
	uint32_t i;

	c->ntouched = 0;
	for (i = 0; i < n; i++) {
		struct nft_set *s =
		    nft_sets_find(sets, changes[i].table, &changes[i].prefix);

		if (s == NULL)
			continue;
		c->next[i] = NONE;
		if (s->first_change == NONE) {
			s->first_change = i;
			c->touched[c->ntouched++] = s;
		} else {
			c->next[s->last_change] = i;
		}
		s->last_change = i;
	}
}

static void
unsort_changes(struct nft_changes *c)
{
	size_t i;

	for (i = 0; i < c->ntouched; i++) {
		c->touched[i]->first_change = NONE;
		c->touched[i]->last_change = NONE;
	}
	c->ntouched = 0;
}

/* Puts a run of changes, from first to before end, as one kind of message. */
static void
put_run(struct nft_changes *c, struct nft_elements *e, const struct nft_set *s,
    enum nft_elements_kind kind, const struct change *changes, uint32_t first,
    uint32_t end)
{
	uint32_t i;

	for (i = first; i != end; i = c->next[i])
		nft_elements_put(e, s, kind, &changes[i].prefix,
		    nft_elements_timeout(changes[i].remaining_ms));
}

/* A run of additions, or of removals, to a hash set. */
static void
write_run(struct nft_changes *c, struct nft_elements *e,
    const struct nft_set *s, const struct change *changes, uint32_t first,
    uint32_t end)
{
	enum nft_elements_kind gone =
	    c->can.destroys ? NFT_ELEMENTS_DESTROY : NFT_ELEMENTS_DELETE;

	if (changes[first].kind == CHANGE_RELEASE) {
		put_run(c, e, s, gone, changes, first, end);
		return;
	}
	if (!c->can.extends) {
		/* Without destroy, adding first makes the removal safe. */
		if (!c->can.destroys)
			put_run(c, e, s, NFT_ELEMENTS_ADD, changes, first, end);
		put_run(c, e, s, gone, changes, first, end);
	}
	put_run(c, e, s, NFT_ELEMENTS_ADD, changes, first, end);
}

static void
write_hash(struct nft_changes *c, struct nft_elements *e,
    const struct nft_set *s, const struct change *changes)
{
	uint32_t first = s->first_change, end;

	for (; first != NONE; first = end) {
		bool is_release = changes[first].kind == CHANGE_RELEASE;

		end = c->next[first];
		while (end != NONE &&
		       (changes[end].kind == CHANGE_RELEASE) == is_release)
			end = c->next[end];
		write_run(c, e, s, changes, first, end);
	}
}

static void
write_steps(struct nft_changes *c, struct nft_elements *e,
    const struct nft_set *s)
{
	enum nft_elements_kind gone =
	    c->can.destroys ? NFT_ELEMENTS_DESTROY : NFT_ELEMENTS_DELETE;
	size_t i;

	for (i = 0; i < c->steps.n; i++) {
		const struct nft_range_step *t = &c->steps.list[i];

		nft_elements_put(e, s, t->is_add ? NFT_ELEMENTS_ADD : gone,
		    &t->prefix, timeout_until(t->due_ms));
	}
}

/* 0, or -1 when memory is out. */
static int
write_interval(struct nft_changes *c, struct nft_elements *e, struct nft_set *s,
    const struct change *changes)
{
	int result = 0;
	uint32_t i;

	c->steps.n = 0;
	for (i = s->first_change; i != NONE && result == 0; i = c->next[i]) {
		const struct prefix *p = &changes[i].prefix;

		if (changes[i].kind == CHANGE_RELEASE)
			result = nft_ranges_remove(s->ranges, p, &c->steps);
		else
			result = nft_ranges_add(s->ranges, p,
			    nft_changes_due_ms(changes[i].remaining_ms),
			    &c->steps);
	}
	write_steps(c, e, s);
	return result;
}

/* Writes all filed changes into one transaction and commits it. */
static int
commit_sorted(struct nft_changes *c, const struct change *changes)
{
	struct nft_elements e = {.batch = c->batch};
	int result = 0;
	size_t i;

	nft_batch_begin(c->batch);
	for (i = 0; i < c->ntouched && result == 0; i++) {
		struct nft_set *s = c->touched[i];

		if (s->is_interval)
			result = write_interval(c, &e, s, changes);
		else
			write_hash(c, &e, s, changes);
	}
	nft_elements_end(&e);
	if (result == -1) {
		errno = ENOMEM;
		return -1;
	}
	if (nft_batch_count(c->batch) == 0)
		return 0;
	return commit(c);
}

/* Says once when a set nears its size. */
static void
check_size(struct nft_set *s)
{
	uint64_t high = s->most - s->most / 5, count;

	if (s->most == 0 || s->count < high || s->count < s->ask_at) {
		s->is_warned = s->is_warned && s->count >= s->most / 10 * 7;
		return;
	}
	/* Ours only ever errs upwards: what was there already counts twice. */
	if (!s->is_interval && nft_query_count(s->name, &count) == 0)
		s->count = count;
	s->ask_at = s->count + s->most / 100 + 1;
	if (s->count < high || s->is_warned)
		return;
	s->is_warned = true;
	log_warnx("firewall nft: set %s holds %llu of %llu entries", s->name,
	    (unsigned long long)s->count, (unsigned long long)s->most);
}

static void
count_changes(struct nft_changes *c, const struct change *changes)
{
	size_t k;

	for (k = 0; k < c->ntouched; k++) {
		struct nft_set *s = c->touched[k];
		uint32_t i;

		for (i = s->first_change; i != NONE; i = c->next[i]) {
			if (changes[i].kind == CHANGE_HOLD)
				s->count++;
			else if (changes[i].kind == CHANGE_RELEASE &&
				 s->count > 0)
				s->count--;
		}
		if (s->is_interval)
			s->count = nft_ranges_count(s->ranges);
		check_size(s);
	}
}

/* Makes an interval set in the kernel what its ranges say. */
static int
rewrite_interval(struct nft_changes *c, struct nft_set *s)
{
	struct nft_elements e = {.batch = c->batch};

	c->steps.n = 0;
	if (nft_ranges_all(s->ranges, &c->steps) == -1) {
		errno = ENOMEM;
		return -1;
	}
	nft_batch_begin(c->batch);
	nft_elements_flush(&e, s);
	write_steps(c, &e, s);
	nft_elements_end(&e);
	return commit(c);
}

/* What a change that failed by itself means for the rest. */
enum outcome {
	OUTCOME_TAKEN,   /* nothing more can be done about it */
	OUTCOME_STOP,    /* it and the rest must be offered again */
	OUTCOME_DAMAGED, /* what it needs is not there */
};

static enum outcome
judge(struct nft_changes *c, const struct change *change, int error)
{
	char text[PREFIX_STRLEN];

	if (error == ENOENT)
		return change->kind == CHANGE_RELEASE ? OUTCOME_TAKEN
						      : OUTCOME_DAMAGED;
	c->failed++;
	prefix_format(&change->prefix, text, sizeof(text));
	if (error == ENFILE) {
		c->entries_full++;
		log_bounded(&c->full_site, mono_read(),
		    "firewall nft: set is full: %s not enforced", text);
		return OUTCOME_TAKEN;
	}
	log_bounded(&c->refused_site, mono_read(),
	    "firewall nft: kernel refused %s: %s", text, strerror(error));
	if (error == EINVAL || error == EEXIST || error == ENOTEMPTY)
		return OUTCOME_TAKEN;
	return OUTCOME_STOP;
}

/* One change, a transaction of its own. */
static enum outcome
apply_one(struct nft_changes *c, struct nft_sets *sets,
    const struct change *change)
{
	enum outcome outcome = OUTCOME_TAKEN;

	sort_changes(c, sets, change, 1);
	/* Interval sets were rewritten whole, with this change in them. */
	if (c->ntouched == 0 || c->touched[0]->is_interval) {
		unsort_changes(c);
		return outcome;
	}
	if (commit_sorted(c, change) == 0)
		count_changes(c, change);
	else
		outcome = judge(c, change, errno);
	unsort_changes(c);
	return outcome;
}

static int
rewrite_touched(struct nft_changes *c)
{
	int result = 0;
	size_t i;

	for (i = 0; i < c->ntouched && result == 0; i++) {
		if (c->touched[i]->is_interval)
			result = rewrite_interval(c, c->touched[i]);
	}
	return result;
}

/* The transaction failed as a whole: finds out what of it can be done. */
static size_t
apply_singly(struct nft_changes *c, struct nft_sets *sets,
    const struct change *changes, size_t n, bool *is_damaged)
{
	enum outcome outcome = OUTCOME_TAKEN;
	size_t i;
	int result = rewrite_touched(c);
	int error = errno;

	unsort_changes(c);
	if (result == -1)
		outcome = error == ENOENT ? OUTCOME_DAMAGED : OUTCOME_STOP;
	for (i = 0; i < n && outcome == OUTCOME_TAKEN; i++)
		outcome = apply_one(c, sets, &changes[i]);
	if (outcome == OUTCOME_TAKEN)
		return n;
	*is_damaged = outcome == OUTCOME_DAMAGED;
	return i > 0 ? i - 1 : 0;
}

static size_t
apply_chunk(struct nft_changes *c, struct nft_sets *sets,
    const struct change *changes, size_t n, bool *is_damaged)
{
	sort_changes(c, sets, changes, n);
	if (commit_sorted(c, changes) == 0) {
		count_changes(c, changes);
		unsort_changes(c);
		return n;
	}
	c->failed++;
	return apply_singly(c, sets, changes, n, is_damaged);
}

size_t
nft_changes_apply(struct nft_changes *c, struct nft_sets *sets,
    const struct change *changes, size_t n, bool *is_damaged)
{
	size_t done = 0;

	*is_damaged = false;
	while (done < n) {
		size_t part = n - done < CHUNK ? n - done : CHUNK;
		size_t took =
		    apply_chunk(c, sets, changes + done, part, is_damaged);

		done += took;
		if (took < part)
			break;
	}
	return done;
}
