/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The engine's process.  Messages, time and commands enter through one
 * libevent loop; what they cause goes out at the end of the turn: changes to
 * the parent first, since the kernel is to know at once, then the store, and
 * a few milliseconds later, when the commit stands, the reports.
 */

#include "engine/service.h"

#include <sys/resource.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "engine/channel.h"
#include "engine/journal.h"
#include "engine/log.h"
#include "engine/names.h"
#include "engine/privdrop.h"
#include "engine/sandbox.h"
#include "engine/service_state.h"
#include "engine/store.h"
#include "rules/ruleset.h"

/* Inside the state directory, to which this process is confined. */
#define STORE_PATH "/trapline.db"
/* What gathers in four times what the last commit took is one commit, ... */
#define COMMIT_DELAY_MS 3
#define COMMIT_PATIENCE 4
/* ... but no report waits longer than this. */
#define COMMIT_DELAY_MOST_MS 250
#define COMMIT_RETRY_MS      1000
#define TICK_MOST_MS         10000
#define CLOCK_STORE_MS       60000
#define DECISIONS_LOGGED_MAX 200

struct wall
service_now(struct service *s)
{
	struct wall now = clock_update(&s->clock, wall_read(), mono_read());

	if (s->clock.steps != s->steps_told) {
		s->steps_told = s->clock.steps;
		log_warnx("the system's clock is %lld s away from ours: it is "
			  "followed gradually, no hold lapses at once",
		    (long long)(s->clock.lag_ms / 1000));
	}
	return now;
}

const char *
service_table_name(struct service *s, uint16_t table)
{
	struct names *names = engine_names(s->engine);

	return names_text(names,
	    names_intern(names, engine_ruleset(s->engine)->tables[table].name));
}

static void
arm_ms(struct event *timer, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000,
	    .tv_usec = (ms % 1000) * 1000};

	event_add(timer, &tv);
}

void
service_turn(struct service *s)
{
	event_active(s->turn, EV_TIMEOUT, 0);
}

/* When time has work next. */
static void
arm_tick(struct service *s)
{
	struct wall next = engine_next(s->engine);
	int64_t ms = TICK_MOST_MS;

	if (!wall_is_never(next) && next.ms - s->clock.now.ms < ms)
		ms = next.ms - s->clock.now.ms;
	arm_ms(s->tick, ms < 1 ? 1 : ms);
}

/*
 * A commit writes each page that it touched, so a load of many entries in no
 * order costs the more the more commits it takes.
 */
static int64_t
commit_delay_ms(const struct service *s)
{
	int64_t ms = COMMIT_PATIENCE * s->commit_took_ns / 1000000;

	if (ms < COMMIT_DELAY_MS)
		return COMMIT_DELAY_MS;
	return ms > COMMIT_DELAY_MOST_MS ? COMMIT_DELAY_MOST_MS : ms;
}

int
service_commit(struct service *s)
{
	size_t pending = journal_pending(s->journal);
	struct mono began;

	service_send_changes(s);
	if (pending == 0 && !store_is_dirty(s->store))
		return 0;
	began = mono_read();
	if (journal_commit(s->journal) == -1) {
		if (!s->store_failed)
			log_warnx("store %s%s: %zu decisions are in force and "
				  "not durable yet",
			    s->start->state_dir, store_error(s->store),
			    pending);
		s->store_failed = true;
		arm_ms(s->commit, COMMIT_RETRY_MS);
		return -1;
	}
	if (s->store_failed)
		log_info("store %s" STORE_PATH ": all is durable again",
		    s->start->state_dir);
	s->store_failed = false;
	s->commits++;
	s->commit_took_ns = mono_read().ns - began.ns;
	event_del(s->commit);
	return 0;
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)fd;
	(void)what;
	service_send_changes(s);
	if (journal_pending(s->journal) > 0 &&
	    !event_pending(s->commit, EV_TIMEOUT, NULL))
		arm_ms(s->commit, commit_delay_ms(s));
	arm_tick(s);
}

static void
on_commit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	service_commit(arg);
}

/* Begins a new second of the log; says what the one before kept back. */
static void
log_second(struct service *s)
{
	int64_t second = s->clock.now.ms / 1000;

	if (second == s->log_second)
		return;
	if (s->log_told > DECISIONS_LOGGED_MAX)
		log_info("%u more decisions within a second",
		    s->log_told - DECISIONS_LOGGED_MAX);
	s->log_second = second;
	s->log_told = 0;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;
	struct wall now = service_now(s);

	(void)fd;
	(void)what;
	engine_advance(s->engine, now);
	log_second(s);
	if (now.ms - s->clock_stored.ms >= CLOCK_STORE_MS) {
		journal_clock(s->journal, now);
		s->clock_stored = now;
	}
	service_turn(s);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	service_sync(arg, false);
}

/* The operator's history; a burst is told in one line. */
static void
log_decision(struct service *s, const struct decision *decision)
{
	char text[DECISION_STRLEN];

	log_second(s);
	if (decision->kind == DECISION_EXTEND && !log_is_verbose())
		return;
	if (s->log_told++ >= DECISIONS_LOGGED_MAX)
		return;
	decision_text(decision, text, sizeof(text));
	log_info("%s", text);
}

static void
report(void *arg, const struct decision *decision)
{
	struct service *s = arg;

	log_decision(s, decision);
	if (s->control != NULL)
		control_decision(s->control, decision);
}

static void
out_change(struct engine_output *out, const struct change *change)
{
	service_change((struct service *)out, change);
}

static void
out_hold(struct engine_output *out, uint16_t table, const struct prefix *prefix,
    const struct hold *hold)
{
	struct service *s = (struct service *)out;

	if (hold->origin != ORIGIN_FILE)
		journal_hold(s->journal, service_table_name(s, table), prefix,
		    hold);
}

static void
out_unhold(struct engine_output *out, uint16_t table,
    const struct prefix *prefix, enum origin origin, uint32_t by)
{
	struct service *s = (struct service *)out;

	if (origin != ORIGIN_FILE)
		journal_unhold(s->journal, service_table_name(s, table), prefix,
		    origin, by);
}

static void
out_pardon(struct engine_output *out, const struct prefix *prefix,
    struct wall until)
{
	struct service *s = (struct service *)out;

	journal_pardon(s->journal, prefix, until);
}

static void
out_decision(struct engine_output *out, const struct decision *decision)
{
	struct service *s = (struct service *)out;

	journal_decision(s->journal, decision);
	service_turn(s);
}

static void
log_status(struct service *s)
{
	struct engine_counters counters;

	engine_counters(s->engine, &counters);
	log_info("%zu entries, %llu observations, %llu holds, %llu releases, "
		 "%llu refused by never",
	    tables_count_all(engine_tables(s->engine)),
	    (unsigned long long)counters.observations,
	    (unsigned long long)counters.holds,
	    (unsigned long long)counters.releases,
	    (unsigned long long)counters.refused_never);
}

static void
on_parent(void *arg, const struct msg *m, int fd)
{
	struct service *s = arg;

	service_now(s);
	switch ((enum msg_type)m->header.type) {
	case MSG_POLICY_FILE:
		service_policy_file(s, &m->u.policy_file);
		break;
	case MSG_POLICY_LOAD:
		service_policy_load(s, &m->u.policy_load);
		break;
	case MSG_POLICY_REFUSED:
		if (s->control != NULL)
			control_reloaded(s->control, m->u.text.text);
		break;
	case MSG_SENSOR_ATTACH:
		service_sensor_attach(s, &m->u.sensor_state, fd);
		break;
	case MSG_RESOLVER_ATTACH:
		service_resolver_attach(s, fd);
		break;
	case MSG_NEVER:
		service_never(s, &m->u.never);
		break;
	case MSG_CHANGES_DONE:
		service_changes_done(s, &m->u.changes_done);
		break;
	case MSG_FOUND:
		service_found(s, &m->u.found);
		break;
	case MSG_DAMAGED:
		service_sync(s, false);
		break;
	case MSG_COUNTERS:
		s->actuator = m->u.counters;
		break;
	case MSG_STATUS:
		log_status(s);
		break;
	default:
		fatalx("message %u from the parent is not for the engine",
		    m->header.type);
	}
	service_turn(s);
}

static void
on_parent_gone(void *arg)
{
	struct service *s = arg;

	service_commit(s);
	journal_clock(s->journal, service_now(s));
	if (journal_commit(s->journal) == -1)
		log_warnx("store %s%s: what was not reported is not kept",
		    s->start->state_dir, store_error(s->store));
	store_close(s->store);
	log_debug("the parent is gone: ending");
	_exit(0);
}

static void
init_loop(struct service *s)
{
	s->base = event_base_new();
	if (s->base == NULL)
		fatalx("no event loop");
	s->turn = event_new(s->base, -1, 0, on_turn, s);
	s->commit = event_new(s->base, -1, 0, on_commit, s);
	s->tick = event_new(s->base, -1, 0, on_tick, s);
	s->retry = event_new(s->base, -1, 0, on_retry, s);
	if (s->turn == NULL || s->commit == NULL || s->tick == NULL ||
	    s->retry == NULL)
		fatalx("no memory for timers");
	TAILQ_INIT(&s->flights);
}

static void
init_core(struct service *s)
{
	char error[STORE_ERRLEN];
	uint64_t seed;

	s->store = store_open(STORE_PATH, error);
	if (s->store == NULL)
		/* To this process the state directory is the root. */
		fatalx("store %s%s", s->start->state_dir, error);
	arc4random_buf(&seed, sizeof(seed));
	clock_start(&s->clock, wall_read(), mono_read(),
	    store_get_clock(s->store));
	s->started = s->clock.now;
	s->out.change = out_change;
	s->out.hold = out_hold;
	s->out.unhold = out_unhold;
	s->out.pardon = out_pardon;
	s->out.decided = out_decision;
	s->engine = engine_new(&s->out, seed, s->clock.now);
	if (s->engine == NULL)
		fatal("engine");
	s->journal = journal_new(s->store, engine_names(s->engine), report, s);
	if (s->journal == NULL)
		fatal("journal");
}

void
service_run(const struct service_start *start)
{
	static struct service service;
	struct service *s = &service;

	s->start = start;
	init_loop(s);
	privdrop(start->user, start->state_dir);
	init_core(s);
	s->parent = channel_new(s->base, start->parent_fd, PROCESS_ENGINE,
	    PROCESS_PARENT, on_parent, on_parent_gone, s);
	if (s->parent == NULL)
		fatalx("no memory for the parent's channel");
	sandbox_enter(SANDBOX_ENGINE);
	event_base_dispatch(s->base);
	fatalx("the event loop ended");
}
