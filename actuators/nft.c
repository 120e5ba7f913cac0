/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The firewall nftables.  Changes come in as they were decided and leave as
 * transactions of the kernel's, one a call where they fit into one.  Which
 * set a prefix belongs to is nft_sets.c's knowledge, what an interval set
 * takes nft_ranges.c's, and nft_structure.c makes what all this needs.  What
 * others do to our table comes in through nft_watch.c; then the structure is
 * made again and everything wanted has to be offered again.  No element is
 * without a timeout unless its entry never lapses, so a dead daemon never
 * means a hold for ever.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actuators/actuator.h"
#include "actuators/firewalls.h"
#include "actuators/nft_batch.h"
#include "actuators/nft_elements.h"
#include "actuators/nft_probe.h"
#include "actuators/nft_query.h"
#include "actuators/nft_ranges.h"
#include "actuators/nft_sets.h"
#include "actuators/nft_structure.h"
#include "actuators/nft_watch.h"
#include "engine/clock.h"
#include "engine/log.h"

/* Changes in one transaction; larger ones only take the kernel longer. */
#define CHUNK 8192
#define NONE  UINT32_MAX

struct actuator {
	struct nft_batch *batch;
	struct nft_watch *watch;
	struct nft_sets *sets;
	struct nft_groups groups;
	struct nft_abilities can;
	struct actuator_counters counters;
	struct nft_range_steps steps;
	bool is_damaged; /* everything must be offered again */
	struct log_site damage_site, refused_site, full_site;

	/* The changes of the transaction in work, by set, in order. */
	uint32_t next[CHUNK];
	struct nft_set *touched[CHUNK];
	size_t ntouched;
};

static int64_t
now_ms(void)
{
	return mono_read().ns / 1000000;
}

/* When an entry is due, in milliseconds of the monotonic clock. */
static int64_t
due_ms(int64_t remaining_ms)
{
	int64_t now = now_ms();

	if (remaining_ms > NFT_RANGES_FOREVER - now)
		return NFT_RANGES_FOREVER;
	return now + remaining_ms;
}

static uint64_t
timeout_until(int64_t due)
{
	return nft_elements_timeout(
	    due == NFT_RANGES_FOREVER ? CHANGE_FOREVER : due - now_ms());
}

/* Reads what the interval sets hold from before: nothing inside fits in. */
static int
find_ranges(struct actuator *a)
{
	struct nft_found_list found = {.n = 0};
	int result = 0;
	size_t i, k;

	for (i = 0; i < a->sets->n && result == 0; i++) {
		struct nft_set *s = &a->sets->list[i];

		s->count = 0;
		s->ask_at = 0;
		if (!s->is_interval)
			continue;
		nft_ranges_clear(s->ranges);
		found.n = 0;
		result = nft_query_list(s, SIZE_MAX, &found);
		for (k = 0; k < found.n && result == 0; k++)
			result =
			    nft_ranges_found(s->ranges, &found.list[k].prefix,
				due_ms(found.list[k].remaining_ms));
	}
	nft_found_free(&found);
	return result;
}

static int
structure(struct actuator *a)
{
	if (nft_structure_build(a->batch, a->sets, &a->groups) == -1) {
		a->counters.failed++;
		log_warn("firewall nft: cannot make table inet " NFT_TABLE);
		return -1;
	}
	a->counters.transactions++;
	if (find_ranges(a) == -1) {
		log_warn("firewall nft: cannot list interval sets");
		return -1;
	}
	return 0;
}

/* Puts right what somebody did.  0, or -1 with the reason logged. */
static int
repair(struct actuator *a)
{
	if (!a->is_damaged)
		a->counters.repairs++;
	a->is_damaged = true;
	if (structure(a) == -1)
		return -1;
	log_bounded(&a->damage_site, mono_read(),
	    "firewall nft: somebody changed table inet " NFT_TABLE
	    ": put right");
	return 0;
}

static void
nft_close(struct actuator *a)
{
	if (a == NULL)
		return;
	nft_watch_free(a->watch);
	nft_batch_free(a->batch);
	nft_sets_free(a->sets);
	nft_range_steps_free(&a->steps);
	free(a);
}

static int
start(struct actuator *a, const struct actuator_conf *conf)
{
	a->groups = nft_groups_make(conf);
	a->sets = nft_sets_new(conf);
	a->batch = nft_batch_new();
	if (a->sets == NULL || a->batch == NULL) {
		log_warn("firewall nft: cannot open netlink");
		return -1;
	}
	a->watch = nft_watch_new(nft_batch_port(a->batch));
	if (a->watch == NULL) {
		log_warn("firewall nft: cannot watch the kernel's notices");
		return -1;
	}
	if (structure(a) == -1)
		return -1;
	if (nft_probe(a->batch, &a->can) == -1) {
		log_warn("firewall nft: cannot try a set's timeouts");
		return -1;
	}
	log_debug("firewall nft: kernel %s timeouts in place, %s destroy",
	    a->can.extends ? "extends" : "does not extend",
	    a->can.destroys ? "knows" : "does not know");
	return 0;
}

static int
nft_open(const struct actuator_conf *conf, struct actuator **out)
{
	struct actuator *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		log_warn("firewall nft");
		return -1;
	}
	if (start(a, conf) == -1) {
		nft_close(a);
		return -1;
	}
	*out = a;
	return 0;
}

static int
nft_reconfigure(struct actuator *a, const struct actuator_conf *conf)
{
	struct nft_sets *old = a->sets, *sets = nft_sets_new(conf);
	struct nft_groups groups = a->groups;
	int result;

	if (sets == NULL) {
		log_warn("firewall nft: reload");
		return -1;
	}
	a->groups = nft_groups_make(conf);
	result = nft_structure_build(a->batch, sets, &a->groups);
	if (result == -1) {
		log_warn("firewall nft: cannot change table inet " NFT_TABLE);
		a->counters.failed++;
		a->groups = groups;
		nft_sets_free(sets);
		return -1;
	}
	a->counters.transactions++;
	if (result == 0)
		nft_sets_inherit(sets, old);
	else
		a->is_damaged = true;
	a->sets = sets;
	nft_sets_free(old);
	return 0;
}

/* Files the changes under their sets; those for no set need nothing. */
static void
sort_changes(struct actuator *a, const struct change *changes, size_t n)
{
	uint32_t i;

	a->ntouched = 0;
	for (i = 0; i < n; i++) {
		struct nft_set *s = nft_sets_find(a->sets, changes[i].table,
		    &changes[i].prefix);

		if (s == NULL)
			continue;
		a->next[i] = NONE;
		if (s->first_change == NONE) {
			s->first_change = i;
			a->touched[a->ntouched++] = s;
		} else {
			a->next[s->last_change] = i;
		}
		s->last_change = i;
	}
}

static void
unsort_changes(struct actuator *a)
{
	size_t i;

	for (i = 0; i < a->ntouched; i++) {
		a->touched[i]->first_change = NONE;
		a->touched[i]->last_change = NONE;
	}
	a->ntouched = 0;
}

/* Puts a run of changes, from first to before end, as one kind of message. */
static void
put_run(struct actuator *a, struct nft_elements *e, const struct nft_set *s,
    enum nft_elements_kind kind, const struct change *changes, uint32_t first,
    uint32_t end)
{
	uint32_t i;

	for (i = first; i != end; i = a->next[i])
		nft_elements_put(e, s, kind, &changes[i].prefix,
		    nft_elements_timeout(changes[i].remaining_ms));
}

/* A run of additions, or of removals, to a hash set. */
static void
write_run(struct actuator *a, struct nft_elements *e, const struct nft_set *s,
    const struct change *changes, uint32_t first, uint32_t end)
{
	enum nft_elements_kind gone =
	    a->can.destroys ? NFT_ELEMENTS_DESTROY : NFT_ELEMENTS_DELETE;

	if (changes[first].kind == CHANGE_RELEASE) {
		put_run(a, e, s, gone, changes, first, end);
		return;
	}
	if (!a->can.extends) {
		/* Without destroy, adding first makes the removal safe. */
		if (!a->can.destroys)
			put_run(a, e, s, NFT_ELEMENTS_ADD, changes, first, end);
		put_run(a, e, s, gone, changes, first, end);
	}
	put_run(a, e, s, NFT_ELEMENTS_ADD, changes, first, end);
}

static void
write_hash(struct actuator *a, struct nft_elements *e, const struct nft_set *s,
    const struct change *changes)
{
	uint32_t first = s->first_change, end;

	for (; first != NONE; first = end) {
		bool is_release = changes[first].kind == CHANGE_RELEASE;

		end = a->next[first];
		while (end != NONE &&
		       (changes[end].kind == CHANGE_RELEASE) == is_release)
			end = a->next[end];
		write_run(a, e, s, changes, first, end);
	}
}

static void
write_steps(struct actuator *a, struct nft_elements *e, const struct nft_set *s)
{
	enum nft_elements_kind gone =
	    a->can.destroys ? NFT_ELEMENTS_DESTROY : NFT_ELEMENTS_DELETE;
	size_t i;

	for (i = 0; i < a->steps.n; i++) {
		const struct nft_range_step *t = &a->steps.list[i];

		nft_elements_put(e, s, t->is_add ? NFT_ELEMENTS_ADD : gone,
		    &t->prefix, timeout_until(t->due_ms));
	}
}

/* 0, or -1 when memory is out. */
static int
write_interval(struct actuator *a, struct nft_elements *e, struct nft_set *s,
    const struct change *changes)
{
	int result = 0;
	uint32_t i;

	a->steps.n = 0;
	for (i = s->first_change; i != NONE && result == 0; i = a->next[i]) {
		const struct change *c = &changes[i];

		if (c->kind == CHANGE_RELEASE)
			result =
			    nft_ranges_remove(s->ranges, &c->prefix, &a->steps);
		else
			result = nft_ranges_add(s->ranges, &c->prefix,
			    due_ms(c->remaining_ms), &a->steps);
	}
	write_steps(a, e, s);
	return result;
}

/* Writes all filed changes into one transaction and commits it. */
static int
commit_sorted(struct actuator *a, const struct change *changes)
{
	struct nft_elements e = {.batch = a->batch};
	int result = 0;
	size_t i;

	nft_batch_begin(a->batch);
	for (i = 0; i < a->ntouched && result == 0; i++) {
		struct nft_set *s = a->touched[i];

		if (s->is_interval)
			result = write_interval(a, &e, s, changes);
		else
			write_hash(a, &e, s, changes);
	}
	nft_elements_end(&e);
	if (result == -1) {
		errno = ENOMEM;
		return -1;
	}
	if (nft_batch_count(a->batch) == 0)
		return 0;
	a->counters.transactions++;
	return nft_batch_commit(a->batch);
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
	if (nft_query_count(s->name, &count) == 0)
		s->count = count;
	s->ask_at = s->count + s->most / 100 + 1;
	if (s->count < high || s->is_warned)
		return;
	s->is_warned = true;
	log_warnx("firewall nft: set %s holds %llu of %llu entries", s->name,
	    (unsigned long long)s->count, (unsigned long long)s->most);
}

static void
count_changes(struct actuator *a, const struct change *changes)
{
	size_t k;

	for (k = 0; k < a->ntouched; k++) {
		struct nft_set *s = a->touched[k];
		uint32_t i;

		for (i = s->first_change; i != NONE; i = a->next[i]) {
			if (changes[i].kind == CHANGE_HOLD)
				s->count++;
			else if (changes[i].kind == CHANGE_RELEASE &&
				 s->count > 0)
				s->count--;
		}
		if (s->is_interval)
			s->count = nft_ranges_count(s->ranges);
		else
			check_size(s);
	}
}

/* Makes an interval set in the kernel what its ranges say. */
static int
rewrite_interval(struct actuator *a, struct nft_set *s)
{
	struct nft_elements e = {.batch = a->batch};

	a->steps.n = 0;
	if (nft_ranges_all(s->ranges, &a->steps) == -1) {
		errno = ENOMEM;
		return -1;
	}
	nft_batch_begin(a->batch);
	nft_elements_flush(&e, s);
	write_steps(a, &e, s);
	nft_elements_end(&e);
	a->counters.transactions++;
	return nft_batch_commit(a->batch);
}

/* What a change that failed by itself means for the rest. */
enum outcome {
	OUTCOME_TAKEN,   /* nothing more can be done about it */
	OUTCOME_STOP,    /* it and the rest must be offered again */
	OUTCOME_DAMAGED, /* what it needs is not there */
};

static enum outcome
judge(struct actuator *a, const struct change *c, int error)
{
	char text[PREFIX_STRLEN];

	if (error == ENOENT)
		return c->kind == CHANGE_RELEASE ? OUTCOME_TAKEN
						 : OUTCOME_DAMAGED;
	a->counters.failed++;
	if (error == ENFILE) {
		a->counters.entries_full++;
		log_bounded(&a->full_site, mono_read(),
		    "firewall nft: set is full: %s not enforced",
		    prefix_format(&c->prefix, text, sizeof(text)));
		return OUTCOME_TAKEN;
	}
	log_bounded(&a->refused_site, mono_read(),
	    "firewall nft: kernel refused %s: %s",
	    prefix_format(&c->prefix, text, sizeof(text)), strerror(error));
	if (error == EINVAL || error == EEXIST || error == ENOTEMPTY)
		return OUTCOME_TAKEN;
	return OUTCOME_STOP;
}

/* One change, a transaction of its own. */
static enum outcome
apply_one(struct actuator *a, const struct change *c)
{
	enum outcome outcome = OUTCOME_TAKEN;

	sort_changes(a, c, 1);
	/* Interval sets were rewritten whole, with this change in them. */
	if (a->ntouched == 0 || a->touched[0]->is_interval) {
		unsort_changes(a);
		return outcome;
	}
	if (commit_sorted(a, c) == 0)
		count_changes(a, c);
	else
		outcome = judge(a, c, errno);
	unsort_changes(a);
	return outcome;
}

static int
rewrite_touched(struct actuator *a)
{
	int result = 0;
	size_t i;

	for (i = 0; i < a->ntouched && result == 0; i++) {
		if (a->touched[i]->is_interval)
			result = rewrite_interval(a, a->touched[i]);
	}
	return result;
}

/* The transaction failed as a whole: finds out what of it can be done. */
static size_t
apply_singly(struct actuator *a, const struct change *changes, size_t n)
{
	enum outcome outcome = OUTCOME_TAKEN;
	size_t i;
	int result = rewrite_touched(a);
	int error = errno;

	unsort_changes(a);
	if (result == -1)
		outcome = error == ENOENT ? OUTCOME_DAMAGED : OUTCOME_STOP;
	for (i = 0; i < n && outcome == OUTCOME_TAKEN; i++)
		outcome = apply_one(a, &changes[i]);
	if (outcome == OUTCOME_TAKEN)
		return n;
	if (outcome == OUTCOME_DAMAGED)
		(void)repair(a);
	return i > 0 ? i - 1 : 0;
}

static size_t
apply_chunk(struct actuator *a, const struct change *changes, size_t n)
{
	sort_changes(a, changes, n);
	if (commit_sorted(a, changes) == 0) {
		count_changes(a, changes);
		unsort_changes(a);
		return n;
	}
	a->counters.failed++;
	return apply_singly(a, changes, n);
}

static size_t
nft_apply(struct actuator *a, const struct change *changes, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t part = n - done < CHUNK ? n - done : CHUNK;
		size_t took = apply_chunk(a, changes + done, part);

		done += took;
		if (took < part)
			break;
	}
	return done;
}

/* Lists one table's sets, unless they hold too much. */
static int
list_table(struct actuator *a, size_t first, size_t most,
    struct nft_found_list *found)
{
	int result = 0;
	size_t i;

	found->n = 0;
	for (i = first; i < first + a->sets->per_table && result == 0; i++)
		result =
		    nft_query_list(&a->sets->list[i], most - found->n, found);
	if (result == 1 || found->n > most)
		found->n = 0;
	return result == -1 ? -1 : 0;
}

static int
nft_list(struct actuator *a, size_t most, actuator_found *tell, void *arg)
{
	struct nft_found_list found = {.n = 0};
	size_t table, i;
	int result = 0;

	for (table = 0; table < TABLES_MAX && result == 0; table++) {
		if (a->sets->first[table] == -1)
			continue;
		result =
		    list_table(a, (size_t)a->sets->first[table], most, &found);
		for (i = 0; i < found.n && result == 0; i++)
			tell(arg, (uint16_t)table, &found.list[i].prefix,
			    found.list[i].remaining_ms);
	}
	if (result == -1)
		log_warn("firewall nft: cannot list table inet " NFT_TABLE);
	nft_found_free(&found);
	return result;
}

static int
nft_fd(const struct actuator *a)
{
	return nft_watch_fd(a->watch);
}

static int
nft_notice(struct actuator *a)
{
	int result = nft_watch_read(a->watch);

	if (result == -1) {
		log_warn("firewall nft: cannot read the kernel's notices");
		return -1;
	}
	if (result == 0 && !a->is_damaged)
		return 0;
	if (repair(a) == -1)
		return -1;
	a->is_damaged = false;
	return 1;
}

static void
nft_counters(const struct actuator *a, struct actuator_counters *out)
{
	*out = a->counters;
}

const struct actuator_ops actuator_nft = {
    .type = FIREWALL_NFT,
    .name = "nft",
    .open = nft_open,
    .reconfigure = nft_reconfigure,
    .apply = nft_apply,
    .list = nft_list,
    .fd = nft_fd,
    .notice = nft_notice,
    .counters = nft_counters,
    .close = nft_close,
};
