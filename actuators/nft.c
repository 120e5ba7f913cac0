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

#include <stdlib.h>

#include "actuators/actuator.h"
#include "actuators/firewalls.h"
#include "actuators/nft_batch.h"
#include "actuators/nft_changes.h"
#include "actuators/nft_list.h"
#include "actuators/nft_probe.h"
#include "actuators/nft_ranges.h"
#include "actuators/nft_sets.h"
#include "actuators/nft_structure.h"
#include "actuators/nft_watch.h"
#include "engine/clock.h"
#include "engine/log.h"

/* From so many changes on it pays not to listen meanwhile ... */
#define BULK 256
/* ... unless others were seen to be busy less than this ago. */
#define BUSY_MS (60 * INT64_C(1000))
/* The structure is made so often in one notice. */
#define ATTEMPTS 4

struct actuator {
	struct nft_batch *batch;
	struct nft_changes *changes;
	struct nft_watch *watch;
	struct nft_sets *sets;
	struct nft_groups groups;
	struct actuator_counters counters; /* without those of changes */
	bool is_decoupled;     /* nothing but log rules is touched */
	bool is_probed;        /* what this kernel can is known */
	bool is_damaged;       /* everything must be offered again */
	int64_t busy_until_ms; /* others commit: do not stop listening */
	struct log_site damage_site;
};

/* Everything must be offered again: the next notice will say so. */
static void
set_damaged(struct actuator *a)
{
	a->is_damaged = true;
	nft_watch_nudge(a->watch);
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
		result = nft_list_set(s, SIZE_MAX, &found);
		for (k = 0; k < found.n && result == 0; k++)
			result =
			    nft_ranges_found(s->ranges, &found.list[k].prefix,
				nft_changes_due_ms(found.list[k].remaining_ms));
	}
	nft_found_free(&found);
	return result;
}

/* Decoupled: what sensors need and no more. */
static int
observe(struct actuator *a)
{
	if (nft_structure_observe(a->batch, &a->groups) == -1) {
		a->counters.failed++;
		log_warn("firewall nft: cannot make the log rules of table "
			 "inet " NFT_TABLE);
		return -1;
	}
	return 0;
}

static int
structure(struct actuator *a)
{
	if (a->is_decoupled)
		return observe(a);
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

/* Counts and says what somebody did, once until all was offered again. */
static void
note_damage(struct actuator *a)
{
	if (a->is_damaged)
		return;
	a->counters.repairs++;
	log_bounded(&a->damage_site, mono_read(),
	    "firewall nft: somebody changed table inet " NFT_TABLE ": %s",
	    a->is_decoupled ? "decoupled, so only log rules are put right"
			    : "putting it right");
}

static void
nft_close(struct actuator *a)
{
	if (a == NULL)
		return;
	nft_watch_free(a->watch);
	nft_changes_free(a->changes);
	nft_batch_free(a->batch);
	nft_sets_free(a->sets);
	free(a);
}

/* Needs the table, so it waits until that may be touched. */
static int
probe(struct actuator *a)
{
	struct nft_abilities can = {.extends = false};

	if (a->is_decoupled || a->is_probed)
		return 0;
	if (nft_probe(a->batch, &can) == -1) {
		log_warn("firewall nft: cannot try a set's timeouts");
		return -1;
	}
	a->is_probed = true;
	nft_changes_set_abilities(a->changes, &can);
	log_debug("firewall nft: kernel %s timeouts in place, %s destroy",
	    can.extends ? "extends" : "does not extend",
	    can.destroys ? "knows" : "does not know");
	return 0;
}

static int
start(struct actuator *a, const struct actuator_conf *conf)
{
	a->is_decoupled = conf->is_decoupled;
	a->groups = nft_groups_make(conf);
	a->sets = nft_sets_new(conf);
	a->batch = nft_batch_new();
	a->changes = nft_changes_new(a->batch);
	if (a->sets == NULL || a->batch == NULL || a->changes == NULL) {
		log_warn("firewall nft: cannot open netlink");
		return -1;
	}
	a->watch = nft_watch_new(nft_batch_port(a->batch));
	if (a->watch == NULL) {
		log_warn("firewall nft: cannot watch the kernel's notices");
		return -1;
	}
	return structure(a) == -1 ? -1 : probe(a);
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
reconfigure(struct actuator *a, const struct actuator_conf *conf)
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
		set_damaged(a);
	a->sets = sets;
	nft_sets_free(old);
	return 0;
}

static int
nft_reconfigure(struct actuator *a, const struct actuator_conf *conf)
{
	bool was_decoupled = a->is_decoupled;

	a->is_decoupled = conf->is_decoupled;
	if (a->is_decoupled) {
		a->groups = nft_groups_make(conf);
		return observe(a);
	}
	if (reconfigure(a, conf) == -1)
		return -1;
	/* As at the start: what the sets hold meanwhile is not known. */
	if (was_decoupled && (find_ranges(a) == -1 || probe(a) == -1))
		return -1;
	return 0;
}

/* Applies and, where the structure is found to lack, makes it again. */
static size_t
apply_heard(struct actuator *a, const struct change *changes, size_t n)
{
	bool is_damaged;
	size_t done =
	    nft_changes_apply(a->changes, a->sets, changes, n, &is_damaged);

	if (is_damaged) {
		note_damage(a);
		set_damaged(a);
		(void)structure(a);
	}
	return done;
}

/*
 * Applies without listening to the kernel's notices.  When others committed
 * meanwhile, it may have been about our table: everything is offered again,
 * and for a while this is not done, so that it comes to an end.
 */
static size_t
apply_unheard(struct actuator *a, const struct change *changes, size_t n)
{
	uint32_t before = nft_changes_commits(a->changes);
	size_t done;
	int result;

	if (nft_watch_pause(a->watch) == -1)
		return apply_heard(a, changes, n);
	done = apply_heard(a, changes, n);
	result = nft_watch_resume(a->watch,
	    nft_changes_commits(a->changes) - before);
	if (result == 0)
		return done;
	if (result == -1)
		log_warn("firewall nft: cannot watch the kernel's notices");
	log_debug("firewall nft: others made changes during a bulk load");
	a->busy_until_ms = nft_changes_now_ms() + BUSY_MS;
	set_damaged(a);
	return done;
}

static size_t
nft_apply(struct actuator *a, const struct change *changes, size_t n)
{
	if (n >= BULK && nft_changes_now_ms() >= a->busy_until_ms)
		return apply_unheard(a, changes, n);
	return apply_heard(a, changes, n);
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
		    nft_list_set(&a->sets->list[i], most - found->n, found);
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

/*
 * Makes the structure again until nothing more happened to it meanwhile: what
 * is told while that is done may be the rest of the same commit, or news.
 */
static int
restore(struct actuator *a)
{
	int result = 1, attempt;

	for (attempt = 0; result == 1 && attempt < ATTEMPTS; attempt++) {
		if (structure(a) == -1)
			return -1;
		result = nft_watch_read(a->watch);
	}
	/* Somebody does nothing else: the rest is for the next notice. */
	a->is_damaged = false;
	if (result != 0)
		set_damaged(a);
	return 1;
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
	if (result == 1)
		note_damage(a);
	a->is_damaged = true;
	return restore(a);
}

static void
nft_counters(const struct actuator *a, struct actuator_counters *out)
{
	*out = a->counters;
	nft_changes_counters(a->changes, out);
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
