/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The firewall as the engine sees it: changes go to the parent in batches,
 * each confirmed.  What was not confirmed as removed is remembered in the
 * store.  A synchronisation, at the start and whenever the kernel's tables
 * were disturbed or refused something, goes through three steps: removals that
 * did not get through; at the start, what small tables hold that we do not
 * know; and everything that is wanted, a chunk after the other, so that a new
 * offender waits behind one chunk at most.
 */

#include <sys/queue.h>

#include <stdlib.h>

#include <event2/event.h>

#include "engine/channel.h"
#include "engine/journal.h"
#include "engine/log.h"
#include "engine/names.h"
#include "engine/service_state.h"
#include "engine/store.h"
#include "rules/ruleset.h"

/* Tables with more entries are not listed: listing is quadratic. */
#define LIST_MOST 10000
/* Chunks of a synchronisation on their way at once. */
#define FLIGHTS_MOST 2
/* After a refusal by the kernel: doubled from the first to the second. */
#define RETRY_LEAST_MS 1000
#define RETRY_MOST_MS  30000
/* This often a synchronisation is told in this time. */
#define SYNCS_LOGGED_MAX 10
#define SYNCS_PERIOD_NS  (60 * INT64_C(1000000000))
/* After a disturbance during a synchronisation. */
#define AGAIN_MS 100

static void sync_step(struct service *);

void
service_send_changes(struct service *s)
{
	static struct msg m;
	struct flight *flight;
	uint32_t i, n = s->batch.n, nreleases = 0;

	if (n == 0)
		return;
	for (i = 0; i < n; i++)
		nreleases += s->batch.changes[i].kind == CHANGE_RELEASE;
	flight = calloc(1,
	    sizeof(*flight) + nreleases * sizeof(flight->releases[0]));
	if (flight == NULL)
		fatal("changes");
	flight->serial = s->batch.serial = ++s->serial;
	s->batch.policy = s->npolicies;
	flight->n = n;
	for (i = 0; i < n; i++) {
		if (s->batch.changes[i].kind == CHANGE_RELEASE)
			flight->releases[flight->nreleases++] =
			    s->batch.changes[i];
	}
	TAILQ_INSERT_TAIL(&s->flights, flight, link);
	s->nflights++;
	m.u.changes = s->batch;
	channel_send(s->parent, MSG_CHANGES, &m, msg_changes_len(n), -1);
	s->batch.n = 0;
}

void
service_change(struct service *s, const struct change *change)
{
	if (change->kind == CHANGE_RELEASE && !s->is_replaying)
		journal_removal(s->journal,
		    service_table_name(s, change->table), &change->prefix);
	if (s->is_decoupled)
		return;
	s->batch.changes[s->batch.n++] = *change;
	if (s->batch.n == MSG_CHANGES_MAX)
		service_send_changes(s);
	else if (!s->is_offering)
		service_turn(s);
}

static void
sync_later(struct service *s, int64_t ms)
{
	struct timeval delay = {.tv_sec = ms / 1000,
	    .tv_usec = (ms % 1000) * 1000};

	if (!event_pending(s->retry, EV_TIMEOUT, NULL))
		event_add(s->retry, &delay);
}

/* Something was refused: all is offered again, with growing patience. */
static void
note_refusal(struct service *s)
{
	s->retry_ms = s->retry_ms == 0 ? RETRY_LEAST_MS : s->retry_ms * 2;
	if (s->retry_ms > RETRY_MOST_MS)
		s->retry_ms = RETRY_MOST_MS;
	s->was_refused = true;
	sync_later(s, s->retry_ms);
}

void
service_changes_done(struct service *s, const struct msg_changes_done *m)
{
	struct flight *flight = TAILQ_FIRST(&s->flights);
	uint32_t i;

	if (flight == NULL || flight->serial != m->serial ||
	    m->applied > flight->n)
		fatalx("changes %u confirmed out of turn", m->serial);
	if (m->applied == flight->n) {
		for (i = 0; i < flight->nreleases; i++)
			journal_removed(s->journal,
			    service_table_name(s, flight->releases[i].table),
			    &flight->releases[i].prefix);
	} else {
		note_refusal(s);
	}
	TAILQ_REMOVE(&s->flights, flight, link);
	s->nflights--;
	free(flight);
	sync_step(s);
}

void
service_forget_releases(struct service *s)
{
	struct flight *flight;

	for (flight = TAILQ_FIRST(&s->flights); flight != NULL;
	     flight = TAILQ_NEXT(flight, link))
		flight->nreleases = 0;
}

static void
replay_removal(void *arg, const char *table, const struct prefix *prefix)
{
	struct service *s = arg;
	struct change change = {.prefix = *prefix, .kind = CHANGE_RELEASE};
	struct entry_view entry;
	int index = ruleset_table(engine_ruleset(s->engine), table);

	if (index == -1) {
		/* Its kernel table is gone, and the entry with it. */
		journal_removed(s->journal,
		    names_text(engine_names(s->engine),
			names_intern(engine_names(s->engine), table)),
		    prefix);
		return;
	}
	change.table = (uint16_t)index;
	if (tables_get(engine_tables(s->engine), change.table, prefix, &entry))
		journal_removed(s->journal, service_table_name(s, change.table),
		    prefix);
	else
		service_change(s, &change);
}

static void
sync_removals(struct service *s)
{
	/* The store must know of those that are still in the journal. */
	if (service_commit(s) == -1)
		log_debug("removals that are not stored yet are not replayed");
	s->is_replaying = true;
	if (store_each_removal(s->store, replay_removal, s) == -1)
		log_warnx("store: removals: %s", store_error(s->store));
	s->is_replaying = false;
	service_send_changes(s);
}

/* Where somebody disturbs the kernel's tables all the time: not every time. */
static void
log_offered(struct service *s)
{
	struct mono now = mono_read();

	if (now.ns - s->syncs_counted.ns > SYNCS_PERIOD_NS) {
		s->syncs_counted = now;
		s->nsyncs = 0;
	}
	if (s->nsyncs++ >= SYNCS_LOGGED_MAX && !log_is_verbose())
		return;
	log_info("firewall: %llu entries were offered in %lld ms%s",
	    (unsigned long long)s->sync_offered,
	    (long long)((now.ns - s->sync_began.ns) / 1000000),
	    s->nsyncs == SYNCS_LOGGED_MAX
		? ", often now: the next times are not told for a minute"
		: "");
}

static void
sync_finish(struct service *s)
{
	static struct msg m;

	log_offered(s);
	s->sync = SYNC_IDLE;
	if (!s->is_ready)
		channel_send(s->parent, MSG_READY, &m, 0, -1);
	s->is_ready = true;
	if (!s->was_refused)
		s->retry_ms = 0;
	/* A kernel that refuses is not asked without a rest. */
	if (s->sync_again)
		sync_later(s, s->was_refused ? s->retry_ms : AGAIN_MS);
}

/* Adds one chunk.  False when there is nothing left to add. */
static bool
offer_chunk(struct service *s)
{
	size_t n = 0, got = 1;

	s->is_offering = true;
	while (n < MSG_CHANGES_MAX && got > 0) {
		got = engine_offer(s->engine, &s->sync_cursor,
		    MSG_CHANGES_MAX - n, s->clock.now);
		n += got;
	}
	s->is_offering = false;
	service_send_changes(s);
	s->sync_offered += n;
	return n > 0;
}

static void
sync_step(struct service *s)
{
	static struct msg m;

	if (s->sync == SYNC_REMOVALS && s->nflights == 0) {
		s->sync = SYNC_OFFER;
		if (s->sync_wants_list) {
			s->sync = SYNC_LIST;
			m.u.list.most = LIST_MOST;
			channel_send(s->parent, MSG_LIST, &m, sizeof(m.u.list),
			    -1);
		}
	}
	while (s->sync == SYNC_OFFER && s->nflights < FLIGHTS_MOST) {
		if (offer_chunk(s))
			continue;
		if (s->nflights == 0)
			sync_finish(s);
		return;
	}
}

void
service_sync(struct service *s, bool with_list)
{
	if (s->is_decoupled || !s->is_loaded) {
		s->sync_began = mono_read();
		if (s->is_loaded && !s->is_ready)
			sync_finish(s);
		return;
	}
	if (s->sync != SYNC_IDLE) {
		s->sync_again = true;
		return;
	}
	s->sync_again = false;
	s->was_refused = false;
	s->sync = SYNC_REMOVALS;
	s->sync_wants_list = with_list;
	s->sync_cursor = 0;
	s->sync_offered = 0;
	s->sync_began = mono_read();
	sync_removals(s);
	sync_step(s);
}

/* An entry that only the kernel knows becomes a hold of the kernel's. */
static void
adopt(struct service *s, const struct msg_found_entry *found)
{
	const struct ruleset *rs = engine_ruleset(s->engine);
	struct change release = {.prefix = found->prefix,
	    .table = found->table,
	    .kind = CHANGE_RELEASE};
	struct entry_view entry;
	struct wall now = service_now(s), expires = WALL_NEVER;

	if (found->table >= rs->ntables ||
	    rs->tables[found->table].name[0] == '\0' ||
	    tables_get(engine_tables(s->engine), found->table, &found->prefix,
		&entry))
		return;
	if (found->remaining_ms != CHANGE_FOREVER)
		expires.ms = now.ms + found->remaining_ms;
	if (engine_claim(s->engine, found->table, &found->prefix, ORIGIN_KERNEL,
		"firewall", "found", expires, now) != ENGINE_DONE)
		service_change(s, &release);
}

void
service_found(struct service *s, const struct msg_found *m)
{
	uint32_t i;

	for (i = 0; i < m->n; i++)
		adopt(s, &m->entries[i]);
	if (!m->is_last || s->sync != SYNC_LIST)
		return;
	s->sync = SYNC_OFFER;
	sync_step(s);
}

void
service_couple(struct service *s, bool is_coupled)
{
	static struct msg m;

	if (s->is_decoupled == !is_coupled)
		return;
	s->is_decoupled = !is_coupled;
	m.u.couple.is_coupled = is_coupled;
	channel_send(s->parent, MSG_COUPLE, &m, sizeof(m.u.couple), -1);
	log_info("%s",
	    is_coupled ? "coupled: decisions are carried out again"
		       : "decoupled: decisions are shown and not carried out");
	if (is_coupled)
		service_sync(s, true);
}
