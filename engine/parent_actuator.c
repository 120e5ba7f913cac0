/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The parent carries out changes on the kernel.  It does what fixed structs
 * say and decides nothing; what the kernel tells on its own, that somebody
 * disturbed our tables, goes to the engine as one word.
 */

#include "engine/parent_actuator.h"

#include <string.h>

#include <event2/event.h>

#include "actuators/actuator.h"
#include "engine/channel.h"
#include "engine/log.h"
#include "engine/parent_state.h"
#include "rules/ruleset.h"

/* How often changed counters are told to the engine. */
#define COUNTERS_S 1

/* What the firewall is to look like. */
static struct actuator_conf
actuator_conf_of(const struct parent *p)
{
	const struct ruleset *rs = p->ruleset;
	struct actuator_conf conf = {
	    .tables = rs->tables,
	    .ntables = rs->ntables,
	    .sensors = rs->sensors,
	    .nsensors = rs->nsensors,
	    .source_len_inet = rs->source_len_inet,
	    .source_len_inet6 = rs->source_len_inet6,
	    .limit_entries = rs->limit_entries,
	    .is_decoupled = !p->is_coupled,
	};

	return conf;
}

static void
on_notice(evutil_socket_t fd, short what, void *arg)
{
	static struct msg m;
	struct parent *p = arg;
	int result = p->ops->notice(p->actuator);

	(void)fd;
	(void)what;
	if (result == 0)
		return;
	/*
	 * What could not be put right is tried again, but not at once; and
	 * somebody who puts it wrong again and again, such as a second
	 * traplined, is not raced.
	 */
	event_del(p->notice);
	channel_send(p->engine, MSG_DAMAGED, &m, 0, -1);
}

static void
on_counters(evutil_socket_t fd, short what, void *arg)
{
	static struct msg m;
	struct parent *p = arg;

	(void)fd;
	(void)what;
	if (p->is_unfit && parent_actuator_reconfigure(p) == 0)
		channel_send(p->engine, MSG_DAMAGED, &m, 0, -1);
	if (p->notice != NULL && !event_pending(p->notice, EV_READ, NULL)) {
		event_add(p->notice, NULL);
		on_notice(-1, 0, p);
	}
	memset(&m.u.counters, 0, sizeof(m.u.counters));
	p->ops->counters(p->actuator, &m.u.counters);
	if (memcmp(&m.u.counters, &p->told, sizeof(p->told)) == 0)
		return;
	p->told = m.u.counters;
	channel_send(p->engine, MSG_COUNTERS, &m, sizeof(m.u.counters), -1);
}

void
parent_actuator_open(struct parent *p)
{
	struct actuator_conf conf;
	struct timeval period = {.tv_sec = COUNTERS_S};
	int fd;

	p->is_coupled = !p->ruleset->is_decoupled;
	conf = actuator_conf_of(p);
	p->ops = actuator_find(p->ruleset->firewall);
	if (p->ops == NULL)
		fatalx("firewall %s: not in this build of traplined: with "
		       "\"firewall memory\" it decides and enforces nothing",
		    firewall_name(p->ruleset->firewall));
	if (p->ops->open(&conf, &p->actuator) == -1)
		fatalx("firewall %s: could not be opened", p->ops->name);
	p->counters = event_new(p->base, -1, EV_PERSIST, on_counters, p);
	if (p->counters == NULL || event_add(p->counters, &period) == -1)
		fatalx("no memory for events");
	fd = p->ops->fd(p->actuator);
	if (fd == -1)
		return;
	p->notice = event_new(p->base, fd, EV_READ | EV_PERSIST, on_notice, p);
	if (p->notice == NULL || event_add(p->notice, NULL) == -1)
		fatalx("no memory for events");
}

int
parent_actuator_reconfigure(struct parent *p)
{
	struct actuator_conf conf = actuator_conf_of(p);
	bool was_unfit = p->is_unfit;

	p->is_unfit = p->ops->reconfigure(p->actuator, &conf) == -1;
	if (p->is_unfit && !was_unfit)
		log_warnx("firewall %s: does not fit the policy and so does "
			  "not enforce all of it: tried again every %d s",
		    p->ops->name, COUNTERS_S);
	if (was_unfit && !p->is_unfit)
		log_info("firewall %s: fits the policy again", p->ops->name);
	return p->is_unfit ? -1 : 0;
}

void
parent_actuator_couple(struct parent *p, bool is_coupled)
{
	p->is_coupled = is_coupled;
	(void)parent_actuator_reconfigure(p);
}

void
parent_actuator_apply(struct parent *p, const struct msg_changes *m)
{
	static struct msg answer;
	uint32_t serial = m->serial;
	size_t applied = 0;

	/*
	 * A number of the policy before this one means the same table or none;
	 * of an older one, it may be another's by now.
	 */
	if (p->npolicies - m->policy <= 1)
		applied = p->ops->apply(p->actuator, m->changes, m->n);
	answer.u.changes_done.serial = serial;
	answer.u.changes_done.applied = (uint32_t)applied;
	channel_send(p->engine, MSG_CHANGES_DONE, &answer,
	    sizeof(answer.u.changes_done), -1);
}

struct finding {
	struct parent *parent;
	struct msg m;
};

static void
send_found(struct finding *f, bool is_last)
{
	f->m.u.found.is_last = is_last;
	channel_send(f->parent->engine, MSG_FOUND, &f->m,
	    msg_found_len(f->m.u.found.n), -1);
	f->m.u.found.n = 0;
}

static void
found(void *arg, uint16_t table, const struct prefix *prefix,
    int64_t remaining_ms)
{
	struct finding *f = arg;
	struct msg_found_entry *entry;

	if (f->m.u.found.n == MSG_FOUND_MAX)
		send_found(f, false);
	entry = &f->m.u.found.entries[f->m.u.found.n++];
	memset(entry, 0, sizeof(*entry));
	entry->remaining_ms = remaining_ms;
	entry->prefix = *prefix;
	entry->table = table;
}

void
parent_actuator_list(struct parent *p, const struct msg_list *m)
{
	static struct finding f;

	f.parent = p;
	f.m.u.found.n = 0;
	if (p->ops->list(p->actuator, m->most, found, &f) == -1)
		log_warnx("firewall %s: what it holds could not be read",
		    p->ops->name);
	send_found(&f, true);
}
