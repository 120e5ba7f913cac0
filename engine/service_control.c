/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* What the control socket may see and ask of the engine's process. */

#include <string.h>

#include "engine/channel.h"
#include "engine/journal.h"
#include "engine/log.h"
#include "engine/service.h"
#include "engine/service_state.h"
#include "engine/store.h"
#include "rules/ruleset.h"

static struct service *
service_of(struct control_host *host)
{
	return ((struct service_host *)host)->service;
}

static void
host_status(struct control_host *host, struct control_status *out)
{
	struct service *s = service_of(host);

	memset(out, 0, sizeof(*out));
	out->started = s->started;
	out->now = service_now(s);
	out->clock = &s->clock;
	out->is_decoupled = s->is_decoupled;
	out->firewall = firewall_name(engine_ruleset(s->engine)->firewall);
	out->pending_changes = s->nflights;
	out->pending_commits = journal_pending(s->journal);
	out->store_error = s->store_failed ? store_error(s->store) : NULL;
	out->store_commits = s->commits;
	out->is_synced = s->is_ready && s->sync == SYNC_IDLE;
	out->actuator = s->actuator;
	out->reloads = s->reloads;
	out->policy = s->start->policy;
}

static bool
host_sensor(struct control_host *host, size_t i, struct control_sensor *out)
{
	struct service *s = service_of(host);
	const struct ruleset *rs = engine_ruleset(s->engine);
	const struct service_sensor *sensor;
	size_t index;

	for (index = 0; index < rs->nsensors; index++) {
		if (rs->sensors[index].text[0] != '\0' && i-- == 0)
			break;
	}
	if (index == rs->nsensors)
		return false;
	sensor = &s->sensors[index];
	*out = (struct control_sensor){
	    .name = rs->sensors[index].text,
	    .is_running = sensor->is_running,
	    .is_waiting = sensor->is_waiting,
	    .restarts = sensor->restarts,
	    .batches_dropped = sensor->batches_dropped,
	    .since = sensor->since,
	    .stats = sensor->stats,
	};
	return true;
}

static struct wall
host_now(struct control_host *host)
{
	return service_now(service_of(host));
}

static void
host_reload(struct control_host *host)
{
	static struct msg m;

	channel_send(service_of(host)->parent, MSG_RELOAD, &m, 0, -1);
}

static void
host_couple(struct control_host *host, bool is_coupled)
{
	struct service *s = service_of(host);

	/* What the policy says anyway leaves the say to the policy. */
	s->was_coupled_by_hand =
	    is_coupled == engine_ruleset(s->engine)->is_decoupled;
	service_couple(s, is_coupled);
}

static void
host_verbose(struct control_host *host, bool is_verbose)
{
	static struct msg m;

	log_set_verbose(is_verbose);
	m.u.verbose.is_verbose = is_verbose;
	channel_send(service_of(host)->parent, MSG_VERBOSE, &m,
	    sizeof(m.u.verbose), -1);
}

static int
host_commit(struct control_host *host)
{
	return service_commit(service_of(host));
}

void
service_control_init(struct service *s)
{
	s->host.service = s;
	s->host.host.status = host_status;
	s->host.host.sensor = host_sensor;
	s->host.host.now = host_now;
	s->host.host.reload = host_reload;
	s->host.host.couple = host_couple;
	s->host.host.verbose = host_verbose;
	s->host.host.commit = host_commit;
	s->control =
	    control_new(s->base, s->start->listen_fd, s->engine, &s->host.host);
	if (s->control == NULL)
		fatalx("no memory for the control socket");
}
