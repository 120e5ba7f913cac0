/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The entries of an interval set, kept in a binary tree by the bits of their
 * prefixes: a node's children lie inside it.  Branching nodes that hold no
 * entry have two children, so there are fewer of them than entries, and no
 * path is longer than an address has bits.  Nothing here talks to the kernel;
 * what it must be told is appended to the caller's steps.
 */

#include "actuators/nft_ranges.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Longest path, and room for one pending sibling on each step of it. */
#define DEPTH 160

struct node {
	struct prefix prefix;
	int64_t due_ms;
	bool is_entry;
	bool is_found; /* in the kernel, wanted by nobody yet */
	struct node *child[2];
};

struct nft_ranges {
	struct node *root;
	size_t count; /* entries */
};

struct nft_ranges *
nft_ranges_new(void)
{
	return calloc(1, sizeof(struct nft_ranges));
}

/* Frees a tree and says how many entries it held. */
static size_t
tree_free(struct node *top)
{
	struct node *stack[DEPTH];
	size_t n = 0, entries = 0;

	if (top != NULL)
		stack[n++] = top;
	while (n > 0) {
		struct node *node = stack[--n];

		assert(n + 2 <= DEPTH);
		if (node->child[0] != NULL)
			stack[n++] = node->child[0];
		if (node->child[1] != NULL)
			stack[n++] = node->child[1];
		entries += node->is_entry;
		free(node);
	}
	return entries;
}

void
nft_ranges_clear(struct nft_ranges *r)
{
	(void)tree_free(r->root);
	r->root = NULL;
	r->count = 0;
}

void
nft_ranges_free(struct nft_ranges *r)
{
	if (r == NULL)
		return;
	nft_ranges_clear(r);
	free(r);
}

size_t
nft_ranges_count(const struct nft_ranges *r)
{
	return r->count;
}

void
nft_range_steps_free(struct nft_range_steps *steps)
{
	free(steps->list);
	memset(steps, 0, sizeof(*steps));
}

/* Makes room for n more steps, so that appending them cannot fail. */
static int
steps_reserve(struct nft_range_steps *steps, size_t n)
{
	struct nft_range_step *bigger;
	size_t room = steps->room == 0 ? 16 : steps->room;

	while (room < steps->n + n)
		room *= 2;
	if (room == steps->room)
		return 0;
	bigger = reallocarray(steps->list, room, sizeof(*bigger));
	if (bigger == NULL)
		return -1;
	steps->list = bigger;
	steps->room = room;
	return 0;
}

static void
step(struct nft_range_steps *steps, const struct node *node, bool is_add)
{
	struct nft_range_step *s = &steps->list[steps->n++];

	assert(steps->n <= steps->room);
	s->prefix = node->prefix;
	s->due_ms = node->due_ms;
	s->is_add = is_add;
}

/* The bit of an address behind its first len bits. */
static unsigned int
bit(const struct addr *a, unsigned int len)
{
	return (a->bytes[len / 8] >> (7 - len % 8)) & 1U;
}

/* The length of the longest prefix that both are in. */
static unsigned int
common_len(const struct prefix *a, const struct prefix *b)
{
	unsigned int most = a->len < b->len ? a->len : b->len, len = 0;

	while (len < most) {
		uint8_t differ =
		    a->addr.bytes[len / 8] ^ b->addr.bytes[len / 8];

		if (differ == 0 && len % 8 == 0) {
			len += 8;
			continue;
		}
		if ((differ >> (7 - len % 8)) & 1)
			break;
		len++;
	}
	return len < most ? len : most;
}

/* Where in the tree a prefix is, or would be put. */
struct place {
	struct node **link;  /* what points to the node there */
	struct node **above; /* what points to its parent; NULL: root */
	struct node *cover;  /* the widest entry that properly covers it */
};

static struct place
find(struct nft_ranges *r, const struct prefix *p)
{
	struct place at = {.link = &r->root};

	while (*at.link != NULL) {
		struct node *node = *at.link;

		if (node->prefix.len >= p->len ||
		    !prefix_covers(&node->prefix, p))
			break;
		if (node->is_entry && at.cover == NULL)
			at.cover = node;
		at.above = at.link;
		at.link = &node->child[bit(&p->addr, node->prefix.len)];
	}
	return at;
}

static bool
is_at(const struct place *at, const struct prefix *p)
{
	return *at->link != NULL && prefix_equal(&(*at->link)->prefix, p);
}

static struct node *
node_new(const struct prefix *p)
{
	struct node *node = calloc(1, sizeof(*node));

	if (node != NULL)
		node->prefix = *p;
	return node;
}

/* Puts a node, without an entry yet, where the prefix belongs. */
static struct node *
insert(struct place *at, const struct prefix *p)
{
	struct node *there = *at->link, *node, *fork;
	struct prefix shared;

	if (is_at(at, p))
		return there;
	node = node_new(p);
	if (node == NULL || there == NULL) {
		*at->link = node != NULL ? node : there;
		return node;
	}
	if (prefix_covers(p, &there->prefix)) {
		node->child[bit(&there->prefix.addr, p->len)] = there;
		*at->link = node;
		return node;
	}
	shared = prefix_make(&p->addr, common_len(p, &there->prefix));
	fork = node_new(&shared);
	if (fork == NULL) {
		free(node);
		return NULL;
	}
	fork->child[bit(&p->addr, shared.len)] = node;
	fork->child[bit(&there->prefix.addr, shared.len)] = there;
	*at->link = fork;
	return node;
}

/* Takes a node without an entry out when it no longer branches. */
static void
prune(struct node **link)
{
	struct node *node = *link;

	if (node == NULL || node->is_entry ||
	    (node->child[0] != NULL && node->child[1] != NULL))
		return;
	*link = node->child[0] != NULL ? node->child[0] : node->child[1];
	free(node);
}

static void
remove_entry(struct nft_ranges *r, struct place *at)
{
	struct node *node = *at->link;

	node->is_entry = node->is_found = false;
	r->count--;
	prune(at->link);
	/* Below a parent without an entry, one child alone is no branch. */
	if (at->above != NULL)
		prune(at->above);
}

/*
 * The widest entries below a node, not the node itself: appends a step for
 * each (n of them), or with steps NULL only counts.
 */
static size_t
each_below(const struct node *top, struct nft_range_steps *steps, bool is_add)
{
	const struct node *stack[DEPTH];
	size_t n = 0, seen = 0;
	int side;

	for (side = 1; side >= 0; side--) {
		if (top->child[side] != NULL)
			stack[n++] = top->child[side];
	}
	while (n > 0) {
		const struct node *node = stack[--n];

		if (node->is_entry) {
			seen++;
			if (steps != NULL)
				step(steps, node, is_add);
			continue;
		}
		assert(n + 2 <= DEPTH);
		for (side = 1; side >= 0; side--) {
			if (node->child[side] != NULL)
				stack[n++] = node->child[side];
		}
	}
	return seen;
}

/* Forgets the prefix of a step that took out what was only found. */
static void
forget_found(struct nft_ranges *r, const struct prefix *p)
{
	struct place at = find(r, p);

	if (is_at(&at, p) && (*at.link)->is_found)
		remove_entry(r, &at);
}

/* Under what was only found nothing else can be: it gives way. */
static void
replace_found(struct nft_ranges *r, const struct node *cover,
    struct nft_range_steps *steps)
{
	struct prefix p = cover->prefix;

	step(steps, cover, false);
	forget_found(r, &p);
}

/* Installs an entry that nothing covers, in place of what it covers. */
static void
install(struct nft_ranges *r, const struct node *node,
    struct nft_range_steps *steps)
{
	size_t first = steps->n, last, i;

	(void)each_below(node, steps, false);
	last = steps->n;
	step(steps, node, true);
	for (i = first; i < last; i++)
		forget_found(r, &steps->list[i].prefix);
}

int
nft_ranges_found(struct nft_ranges *r, const struct prefix *p, int64_t due_ms)
{
	struct place at = find(r, p);
	struct node *node;

	if (at.cover != NULL || (is_at(&at, p) && (*at.link)->is_entry))
		return 0;
	node = insert(&at, p);
	if (node == NULL)
		return -1;
	node->is_entry = node->is_found = true;
	node->due_ms = due_ms;
	r->count++;
	return 0;
}

int
nft_ranges_add(struct nft_ranges *r, const struct prefix *p, int64_t due_ms,
    struct nft_range_steps *steps)
{
	struct place at = find(r, p);
	bool was_entry = is_at(&at, p) && (*at.link)->is_entry;
	struct node *node = insert(&at, p);

	if (node == NULL)
		return -1;
	if (steps_reserve(steps, each_below(node, NULL, true) + 3) == -1) {
		/* An unused node on the way does no harm. */
		return -1;
	}
	node->due_ms = due_ms;
	node->is_found = false;
	node->is_entry = true;
	r->count += !was_entry;
	if (at.cover != NULL && !at.cover->is_found)
		return 0;
	if (at.cover != NULL)
		replace_found(r, at.cover, steps);
	if (was_entry) {
		step(steps, node, false);
		step(steps, node, true);
	} else {
		install(r, node, steps);
	}
	return 0;
}

int
nft_ranges_remove(struct nft_ranges *r, const struct prefix *p,
    struct nft_range_steps *steps)
{
	struct place at = find(r, p);
	struct node *node = *at.link;

	if (!is_at(&at, p) || !node->is_entry)
		return 0;
	if (steps_reserve(steps, each_below(node, NULL, true) + 1) == -1)
		return -1;
	if (at.cover == NULL) {
		step(steps, node, false);
		(void)each_below(node, steps, true);
	}
	remove_entry(r, &at);
	return 0;
}

int
nft_ranges_all(const struct nft_ranges *r, struct nft_range_steps *steps)
{
	if (r->root == NULL)
		return 0;
	if (steps_reserve(steps, r->count) == -1)
		return -1;
	if (r->root->is_entry)
		step(steps, r->root, true);
	else
		(void)each_below(r->root, steps, true);
	return 0;
}
