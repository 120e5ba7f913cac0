/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The sources that rules count.  Every observation of a watch rule comes
 * through sources_touch(), so a node is one cache line that holds its key,
 * its counters and its place in the order of staleness.
 *
 * That order is kept lazily.  Touches are numbered in steps; a node records
 * the step in which it was touched last and stays in the queue of the step
 * in which it was filed.  Only when it comes up as the stalest is it moved to
 * the queue where it belongs, so a touch writes to no other node.
 */

#include "engine/sources.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/index.h"
#include "engine/pool.h"

/* Steps that have a queue of their own; all before share the oldest. */
#define QUEUES 1024
/* Steps are numbered in 24 bits, and from the start again after these. */
#define STEP_MOST ((1U << 24) - 1)

#define FIRST_RULES 16

struct node {
	struct source source;
	struct addr addr;
	uint32_t next;          /* in its queue */
	unsigned int step : 24; /* of the last touch */
	unsigned int len : 8;
};

struct queue {
	uint32_t first, last; /* POOL_NONE: it is empty */
};

struct rule_count {
	size_t n;
	uint32_t rule;
	bool is_used;
};

struct sources {
	struct index_owner owner;
	struct index index;
	struct pool nodes;
	uint64_t seed;
	size_t most;
	size_t count;
	uint64_t forgotten;

	struct queue queues[QUEUES]; /* by step modulo QUEUES */
	uint32_t step;               /* now */
	uint32_t oldest;             /* no node is filed before */
	size_t touches;              /* in this step */

	struct rule_count *rules; /* open hash; a power of two */
	size_t rules_size;
	size_t rules_used;
};

static struct node *
node_at(const struct sources *s, uint32_t i)
{
	return pool_at(&s->nodes, i);
}

static uint64_t
hash_key(const struct sources *s, uint32_t rule, const struct prefix *p)
{
	return prefix_hash(p, s->seed + rule * UINT64_C(0x9e3779b97f4a7c15));
}

static struct prefix
node_prefix(const struct node *node)
{
	struct prefix p = {.addr = node->addr, .len = node->len};

	return p;
}

static uint64_t
hash_node(const struct sources *s, const struct node *node)
{
	struct prefix p = node_prefix(node);

	return hash_key(s, node->source.rule, &p);
}

static uint64_t
hash_item(const struct index_owner *owner, uint32_t i)
{
	/* The owner is the first member. */
	const struct sources *s = (const struct sources *)owner;

	return hash_node(s, node_at(s, i));
}

/*
 * Counts by rule.  Slots of rules without nodes are dropped on growth.
 */

static struct rule_count *
rule_slot(struct rule_count *rules, size_t size, uint32_t rule)
{
	size_t i = rule * UINT32_C(2654435769) & (size - 1);

	while (rules[i].is_used && rules[i].rule != rule)
		i = (i + 1) & (size - 1);
	return &rules[i];
}

static int
grow_rules(struct sources *s, size_t size)
{
	struct rule_count *rules, *slot;
	size_t i, used = 0;

	rules = calloc(size, sizeof(*rules));
	if (rules == NULL)
		return -1;
	for (i = 0; i < s->rules_size; i++) {
		if (s->rules[i].n == 0)
			continue;
		slot = rule_slot(rules, size, s->rules[i].rule);
		*slot = s->rules[i];
		used++;
	}
	free(s->rules);
	s->rules = rules;
	s->rules_size = size;
	s->rules_used = used;
	return 0;
}

static struct rule_count *
rule_count_get(struct sources *s, uint32_t rule)
{
	struct rule_count *slot = rule_slot(s->rules, s->rules_size, rule);

	if (slot->is_used)
		return slot;
	if (s->rules_used >= s->rules_size / 2) {
		if (grow_rules(s, s->rules_size * 2) == -1)
			return NULL;
		slot = rule_slot(s->rules, s->rules_size, rule);
	}
	slot->is_used = true;
	slot->rule = rule;
	s->rules_used++;
	return slot;
}

size_t
sources_count_rule(const struct sources *s, uint32_t rule)
{
	return rule_slot(s->rules, s->rules_size, rule)->n;
}

/*
 * The order of staleness.
 */

static struct queue *
queue_of(struct sources *s, uint32_t step)
{
	return &s->queues[step % QUEUES];
}

static void
queue_clear(struct queue *q)
{
	q->first = q->last = POOL_NONE;
}

static void
queue_append(struct sources *s, uint32_t step, uint32_t i)
{
	struct queue *q = queue_of(s, step);

	node_at(s, i)->next = POOL_NONE;
	if (q->first == POOL_NONE)
		q->first = i;
	else
		node_at(s, q->last)->next = i;
	q->last = i;
}

static void
queue_drop_first(struct sources *s, struct queue *q)
{
	q->first = node_at(s, q->first)->next;
	if (q->first != POOL_NONE)
		PREFETCH(node_at(s, q->first));
}

/* Puts all of the oldest queue before the next one. */
static void
merge_oldest(struct sources *s)
{
	struct queue *from = queue_of(s, s->oldest);
	struct queue *to = queue_of(s, s->oldest + 1);

	s->oldest++;
	if (from->first == POOL_NONE)
		return;
	node_at(s, from->last)->next = to->first;
	if (to->first == POOL_NONE)
		to->last = from->last;
	to->first = from->first;
	queue_clear(from);
}

/* Numbers the steps from the start again, in the same order. */
static void
renumber(struct sources *s)
{
	/* A multiple of QUEUES, so that every queue stays where it is. */
	uint32_t less = s->oldest / QUEUES * QUEUES, i, next;
	struct node *node;
	size_t q;

	for (q = 0; q < QUEUES; q++) {
		for (i = s->queues[q].first; i != POOL_NONE; i = next) {
			node = node_at(s, i);
			next = node->next;
			node->step = node->step > less ? node->step - less : 0;
		}
	}
	s->oldest -= less;
	s->step -= less;
}

static void
count_touch(struct sources *s)
{
	if (++s->touches < s->most / SOURCES_STEPS)
		return;
	s->touches = 0;
	if (s->step == STEP_MOST)
		renumber(s);
	s->step++;
	if (s->step - s->oldest == QUEUES)
		merge_oldest(s);
}

/*
 * The first of the oldest queue after it was moved to where it belongs, or
 * POOL_NONE when that was a younger queue: then ask again.
 */
static uint32_t
settle_first(struct sources *s)
{
	struct queue *q;
	uint32_t i;

	while ((q = queue_of(s, s->oldest))->first == POOL_NONE)
		s->oldest++;
	i = q->first;
	if (node_at(s, i)->step <= s->oldest)
		return i;
	queue_drop_first(s, q);
	queue_append(s, node_at(s, i)->step, i);
	return POOL_NONE;
}

/* Frees a node that is in no queue any more. */
static void
node_free(struct sources *s, uint32_t i)
{
	struct node *node = node_at(s, i);

	rule_slot(s->rules, s->rules_size, node->source.rule)->n--;
	index_remove(&s->index, hash_node(s, node), i);
	pool_remove(&s->nodes, i);
	s->count--;
}

static void
forget_first(struct sources *s)
{
	struct queue *q = queue_of(s, s->oldest);
	uint32_t i = q->first;

	queue_drop_first(s, q);
	node_free(s, i);
}

static void
forget_stalest(struct sources *s)
{
	while (settle_first(s) == POOL_NONE)
		continue;
	forget_first(s);
	s->forgotten++;
}

struct sources *
sources_new(size_t most, uint64_t seed)
{
	struct sources *s = calloc(1, sizeof(*s));
	size_t i;

	if (s == NULL)
		return NULL;
	s->owner.hash = hash_item;
	s->seed = seed;
	s->most = most == 0 ? 1 : most;
	for (i = 0; i < QUEUES; i++)
		queue_clear(&s->queues[i]);
	pool_init(&s->nodes, sizeof(struct node));
	if (index_init(&s->index, &s->owner) == -1 ||
	    grow_rules(s, FIRST_RULES) == -1) {
		sources_free(s);
		return NULL;
	}
	return s;
}

void
sources_free(struct sources *s)
{
	if (s == NULL)
		return;
	index_fini(&s->index);
	pool_fini(&s->nodes);
	free(s->rules);
	free(s);
}

void
sources_set_limit(struct sources *s, size_t most)
{
	s->most = most == 0 ? 1 : most;
	while (s->count > s->most)
		forget_stalest(s);
}

static uint32_t
find(const struct sources *s, uint64_t hash, uint32_t rule,
    const struct prefix *p)
{
	struct index_search search;
	const struct node *node;
	uint32_t i;

	index_search(&s->index, hash, &search);
	while ((i = index_next(&s->index, &search)) != INDEX_NONE) {
		node = node_at(s, i);
		if (node->source.rule == rule && node->len == p->len &&
		    addr_equal(&node->addr, &p->addr))
			break;
	}
	return i;
}

struct source *
sources_find(struct sources *s, uint32_t rule, const struct prefix *p)
{
	uint32_t i = find(s, hash_key(s, rule, p), rule, p);

	return i == INDEX_NONE ? NULL : &node_at(s, i)->source;
}

uint64_t
sources_hint(const struct sources *s, uint32_t rule, const struct prefix *p)
{
	uint64_t hash = hash_key(s, rule, p);

	index_prefetch(&s->index, hash);
	return hash;
}

bool
sources_hint_node(const struct sources *s, uint64_t hint)
{
	struct index_search search;
	uint32_t i;

	index_search(&s->index, hint, &search);
	i = index_next(&s->index, &search);
	if (i == INDEX_NONE)
		return false;
	PREFETCH(node_at(s, i));
	return true;
}

static struct node *
node_new(struct sources *s, uint64_t hash, uint32_t rule,
    const struct prefix *p)
{
	struct rule_count *count;
	struct node *node;
	uint32_t i;

	if (s->count >= s->most)
		forget_stalest(s);
	count = rule_count_get(s, rule);
	if (count == NULL)
		return NULL;
	i = pool_add(&s->nodes);
	if (i == POOL_NONE)
		return NULL;
	if (index_add(&s->index, hash, i) == -1) {
		pool_remove(&s->nodes, i);
		return NULL;
	}
	node = node_at(s, i);
	memset(node, 0, sizeof(*node));
	node->source.rule = rule;
	node->addr = p->addr;
	node->len = p->len;
	queue_append(s, s->step, i);
	count->n++;
	s->count++;
	return node;
}

struct source *
sources_touch(struct sources *s, uint32_t rule, const struct prefix *p,
    struct wall now, bool *is_new)
{
	return sources_touch_hinted(s, hash_key(s, rule, p), rule, p, now,
	    is_new);
}

struct source *
sources_touch_hinted(struct sources *s, uint64_t hint, uint32_t rule,
    const struct prefix *p, struct wall now, bool *is_new)
{
	uint32_t i = find(s, hint, rule, p);
	struct node *node;

	count_touch(s);
	*is_new = i == INDEX_NONE;
	if (*is_new) {
		node = node_new(s, hint, rule, p);
		if (node == NULL)
			return NULL;
		node->source.first = now;
	} else {
		node = node_at(s, i);
	}
	node->step = s->step & STEP_MOST;
	node->source.last = now;
	return &node->source;
}

size_t
sources_count(const struct sources *s)
{
	return s->count;
}

uint64_t
sources_forgotten(const struct sources *s)
{
	return s->forgotten;
}

size_t
sources_memory(const struct sources *s)
{
	return sizeof(*s) + index_memory(&s->index) + pool_memory(&s->nodes) +
	       s->rules_size * sizeof(*s->rules);
}

void
sources_drop_rule(struct sources *s, uint32_t rule)
{
	struct queue *q;
	uint32_t i, next;

	for (q = s->queues; q < s->queues + QUEUES; q++) {
		i = q->first;
		queue_clear(q);
		for (; i != POOL_NONE; i = next) {
			next = node_at(s, i)->next;
			if (node_at(s, i)->source.rule == rule)
				node_free(s, i);
			else
				queue_append(s, (uint32_t)(q - s->queues), i);
		}
	}
}

void
sources_expire(struct sources *s, struct wall now, size_t n, int64_t idle_s)
{
	const struct source *source;
	struct node *node;
	uint32_t i;

	for (; n > 0 && s->count > 0; n--) {
		i = settle_first(s);
		if (i == POOL_NONE)
			continue;
		node = node_at(s, i);
		source = &node->source;
		if (source->conn > 0 || source->states > 0) {
			queue_drop_first(s, queue_of(s, s->oldest));
			node->step = s->step & STEP_MOST;
			queue_append(s, s->step, i);
		} else if ((now.ms - source->last.ms) / 1000 >= idle_s) {
			forget_first(s);
		} else {
			return;
		}
	}
}
