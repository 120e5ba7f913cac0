/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The policy as it reaches the engine: files in pieces from the parent, which
 * has read and judged them, and then the word to load them.  The engine parses
 * the same text again, so no structure of pointers crosses a process, and it
 * opens nothing.
 */

#include <stdlib.h>
#include <string.h>

#include "engine/channel.h"
#include "engine/journal.h"
#include "engine/log.h"
#include "engine/names.h"
#include "engine/service.h"
#include "engine/service_state.h"
#include "engine/store.h"
#include "rules/ruleset.h"

/* The file that is arriving. */
static struct {
	char *bytes;
	size_t len;
} arriving;

void
service_policy_file(struct service *s, const struct msg_policy_file *m)
{
	if (m->offset != arriving.len)
		fatalx("policy file %s: a piece is missing", m->path);
	if (m->offset == 0) {
		arriving.bytes = malloc((size_t)m->total + 1);
		if (arriving.bytes == NULL)
			fatal("policy file %s", m->path);
	}
	memcpy(arriving.bytes + m->offset, m->bytes, m->n);
	arriving.len += m->n;
	if (arriving.len < m->total)
		return;
	if (s->policy == NULL)
		s->policy = policy_text_new();
	if (s->policy == NULL || policy_text_add(s->policy, m->path,
				     arriving.bytes, arriving.len) == -1)
		fatal("policy file %s", m->path);
	free(arriving.bytes);
	arriving.bytes = NULL;
	arriving.len = 0;
}

void
service_never(struct service *s, const struct msg_never *m)
{
	uint32_t i;

	if (m->is_first)
		engine_never_begin(s->engine);
	for (i = 0; i < m->n; i++)
		engine_never_add(s->engine, &m->members[i].prefix,
		    m->members[i].why);
	/* Before the first policy there is nothing to compare with. */
	if (m->is_last && s->is_loaded)
		engine_never_end(s->engine, service_now(s));
}

struct restoring {
	struct service *service;
	const struct ruleset *old; /* tables that it has are in memory */
	struct wall now;
	size_t restored, unknown;
};

static void
restore_hold(void *arg, const struct store_hold *in)
{
	struct restoring *r = arg;
	struct names *names = engine_names(r->service->engine);
	int table =
	    ruleset_table(engine_ruleset(r->service->engine), in->table);
	struct hold hold = {
	    .expires = in->expires,
	    .since = in->since,
	    .by = names_intern(names, in->by),
	    .cause = names_intern(names, in->cause),
	    .sensor = names_intern(names, in->sensor),
	    .count = in->count,
	    .origin = in->origin,
	};

	if (table == -1) {
		r->unknown++;
		return;
	}
	if (r->old != NULL && ruleset_table(r->old, in->table) != -1)
		return;
	engine_restore(r->service->engine, (uint16_t)table, &in->prefix, &hold,
	    r->now);
	r->restored++;
}

static void
restore_pardon(void *arg, const struct prefix *prefix, struct wall until)
{
	struct restoring *r = arg;

	engine_restore_pardon(r->service->engine, prefix, until);
}

/* Brings back what the store holds for tables that old has not. */
static void
restore(struct service *s, const struct ruleset *old)
{
	struct restoring r = {.service = s, .old = old, .now = service_now(s)};

	if (old == NULL &&
	    store_each_pardon(s->store, restore_pardon, &r) == -1)
		fatalx("store: pardons: %s", store_error(s->store));
	if (store_each_hold(s->store, restore_hold, &r) == -1)
		fatalx("store: holds: %s", store_error(s->store));
	if (r.restored > 0)
		log_info("holds back from the store: %zu", r.restored);
	if (r.unknown > 0)
		log_warnx("the store keeps %zu holds of tables that the "
			  "policy does not have",
		    r.unknown);
	engine_advance(s->engine, r.now);
}

/* Do the kernel's tables have to be filled again? */
static bool
tables_differ(const struct ruleset *a, const struct ruleset *b)
{
	return a->firewall != b->firewall || a->ntables != b->ntables ||
	       a->source_len_inet != b->source_len_inet ||
	       a->source_len_inet6 != b->source_len_inet6 ||
	       memcmp(a->tables, b->tables,
		   a->ntables * sizeof(a->tables[0])) != 0;
}

/* What the core needs of the old policy while the new one is taken. */
static struct ruleset *
remember_tables(const struct ruleset *rs)
{
	struct ruleset *copy = ruleset_new();

	if (copy == NULL)
		fatal("policy");
	memcpy(copy->tables, rs->tables, sizeof(copy->tables));
	copy->ntables = rs->ntables;
	copy->firewall = rs->firewall;
	copy->source_len_inet = rs->source_len_inet;
	copy->source_len_inet6 = rs->source_len_inet6;
	return copy;
}

static void
load_first(struct service *s, struct ruleset *rs)
{
	s->is_decoupled = rs->is_decoupled;
	engine_ruleset_take(s->engine, &rs, service_now(s));
	s->is_loaded = true;
	service_control_init(s);
	engine_never_end(s->engine, service_now(s));
	restore(s, NULL);
	service_sync(s, true);
}

static void
load_again(struct service *s, struct ruleset *rs)
{
	struct ruleset *old = remember_tables(engine_ruleset(s->engine));

	service_forget_releases(s);
	engine_ruleset_take(s->engine, &rs, service_now(s));
	restore(s, old);
	s->reloads++;
	if (!s->was_coupled_by_hand)
		service_couple(s, !engine_ruleset(s->engine)->is_decoupled);
	if (tables_differ(engine_ruleset(s->engine), old))
		service_sync(s, false);
	ruleset_free(old);
	log_info("reload: the new policy is in force");
	control_reloaded(s->control, NULL);
}

void
service_policy_load(struct service *s, const struct msg_policy_load *m)
{
	struct policy_messages messages = {0};
	struct ruleset *rs;

	/* Old decisions are written under the old names of things. */
	if (s->is_loaded)
		service_commit(s);
	rs = ruleset_load(m->path, s->policy, false, s->start->macros,
	    s->start->nmacros, &messages);
	if (rs == NULL ||
	    (s->is_loaded && ruleset_inherit(rs, engine_ruleset(s->engine),
				 &messages) == -1))
		fatalx("policy %s: read differently than by the parent",
		    m->path);
	policy_messages_free(&messages);
	policy_text_free(s->policy);
	s->policy = NULL;
	s->npolicies++;
	if (s->is_loaded)
		load_again(s, rs);
	else
		load_first(s, rs);
}
