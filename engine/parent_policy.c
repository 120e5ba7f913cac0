/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What the parent tells the engine about the policy and the host: the files
 * that it read, in pieces, and the addresses that nobody may hold.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actuators/actuator.h"
#include "engine/channel.h"
#include "engine/hostaddrs.h"
#include "engine/log.h"
#include "engine/parent_actuator.h"
#include "engine/parent_state.h"
#include "rules/ruleset.h"

static void
send_file(struct parent *p, const char *path, const char *bytes, size_t len)
{
	static struct msg m;
	struct msg_policy_file *piece = &m.u.policy_file;
	size_t done = 0, n;

	do {
		n = len - done;
		if (n > MSG_TEXT_MAX)
			n = MSG_TEXT_MAX;
		memset(piece->path, 0, sizeof(piece->path));
		strlcpy(piece->path, path, sizeof(piece->path));
		piece->offset = (uint32_t)done;
		piece->total = (uint32_t)len;
		piece->n = (uint32_t)n;
		memcpy(piece->bytes, bytes + done, n);
		channel_send(p->engine, MSG_POLICY_FILE, &m,
		    msg_policy_file_len(piece->n), -1);
		done += n;
	} while (done < len);
}

void
parent_send_policy(struct parent *p)
{
	static struct msg m;
	const void *bytes;
	const char *path;
	size_t i, len;

	for (i = 0; i < policy_text_count(p->text); i++) {
		path = policy_text_get(p->text, i, &bytes, &len);
		send_file(p, path, bytes, len);
	}
	memset(&m.u.policy_load, 0, sizeof(m.u.policy_load));
	strlcpy(m.u.policy_load.path, p->start->policy,
	    sizeof(m.u.policy_load.path));
	channel_send(p->engine, MSG_POLICY_LOAD, &m, sizeof(m.u.policy_load),
	    -1);
	p->npolicies++;
}

static void
refuse_reload(struct parent *p, const struct policy_messages *messages)
{
	static struct msg m;
	size_t i;

	memset(&m.u.text, 0, sizeof(m.u.text));
	for (i = 0; i < messages->n; i++) {
		if (messages->list[i].is_warning)
			continue;
		if (m.u.text.text[0] != '\0')
			strlcat(m.u.text.text, "\n", sizeof(m.u.text.text));
		strlcat(m.u.text.text, messages->list[i].text,
		    sizeof(m.u.text.text));
	}
	log_warnx("reload: the old policy stays in force");
	channel_send(p->engine, MSG_POLICY_REFUSED, &m, sizeof(m.u.text), -1);
}

/* What cannot change while the processes run. */
static void
warn_fixed(const struct ruleset *old, const struct ruleset *new)
{
	if (strcmp(old->state_dir, new->state_dir) != 0 ||
	    strcmp(old->socket, new->socket) != 0 ||
	    strcmp(old->user, new->user) != 0 || old->firewall != new->firewall)
		log_warnx("reload: state-dir, socket, user and firewall take "
			  "effect at the next start only");
}

static void
take_policy(struct parent *p, struct ruleset *rs, struct policy_text *text)
{
	warn_fixed(p->ruleset, rs);
	ruleset_free(p->ruleset);
	policy_text_free(p->text);
	p->ruleset = rs;
	p->text = text;
	(void)parent_actuator_reconfigure(p);
	parent_send_policy(p);
	parent_sensors_update(p);
	parent_resolver_update(p);
}

void
parent_reload(struct parent *p)
{
	struct policy_messages messages = {0};
	struct policy_text *text = policy_text_new();
	struct ruleset *rs = NULL;
	size_t i;

	if (text != NULL)
		rs = ruleset_load(p->start->policy, text, true,
		    p->start->macros, p->start->nmacros, &messages);
	if (rs != NULL && ruleset_inherit(rs, p->ruleset, &messages) == -1) {
		ruleset_free(rs);
		rs = NULL;
	}
	for (i = 0; i < messages.n; i++)
		log_warnx("%s", messages.list[i].text);
	if (rs == NULL) {
		refuse_reload(p, &messages);
		policy_text_free(text);
	} else {
		take_policy(p, rs, text);
	}
	policy_messages_free(&messages);
}

struct gathering {
	struct msg_never_member *list;
	size_t n, room;
};

static void
gather(void *arg, const struct prefix *prefix, const char *why)
{
	struct gathering *g = arg;
	struct msg_never_member *list;
	size_t room;

	if (g->n == g->room) {
		room = g->room == 0 ? 64 : g->room * 2;
		list = reallocarray(g->list, room, sizeof(*list));
		if (list == NULL)
			fatal("addresses of this host");
		g->list = list;
		g->room = room;
	}
	memset(&g->list[g->n], 0, sizeof(g->list[g->n]));
	g->list[g->n].prefix = *prefix;
	strlcpy(g->list[g->n].why, why, sizeof(g->list[g->n].why));
	g->n++;
}

static bool
is_same(const struct parent *p, const struct gathering *g)
{
	size_t i;

	if (p->never == NULL || p->nnever != g->n)
		return false;
	for (i = 0; i < g->n; i++) {
		if (!prefix_equal(&p->never[i].prefix, &g->list[i].prefix) ||
		    strcmp(p->never[i].why, g->list[i].why) != 0)
			return false;
	}
	return true;
}

/* Has anything changed since the last look, or did that one fail? */
static bool
never_may_differ(struct parent *p)
{
	bool was_old = p->never_is_old;

	if (p->never_watch == NULL) {
		p->never_watch = hostaddrs_watch_new(NULL);
		if (p->never_watch == NULL)
			fatal("addresses of this host");
		return true;
	}
	return hostaddrs_changed(p->never_watch, mono_read()) || was_old;
}

static void
send_never(struct parent *p)
{
	static struct msg m;
	size_t done = 0, n;

	do {
		n = p->nnever - done;
		if (n > MSG_NEVER_MAX)
			n = MSG_NEVER_MAX;
		m.u.never.n = (uint32_t)n;
		m.u.never.is_first = done == 0;
		if (n > 0)
			memcpy(m.u.never.members, p->never + done,
			    n * sizeof(p->never[0]));
		done += n;
		m.u.never.is_last = done == p->nnever;
		channel_send(p->engine, MSG_NEVER, &m,
		    msg_never_len((uint32_t)n), -1);
	} while (done < p->nnever);
}

void
parent_send_never(struct parent *p)
{
	static struct log_site site;
	struct gathering g = {0};

	if (!never_may_differ(p))
		return;
	p->never_is_old = hostaddrs_gather(NULL, gather, &g) == -1;
	if (p->never_is_old)
		log_bounded(&site, mono_read(),
		    "never: this host's addresses, gateways or sessions cannot "
		    "be read: %s: the old ones stay, tried again",
		    strerror(errno));
	/* Better an old list than one that lacks somebody. */
	if ((p->never_is_old && p->never != NULL) || is_same(p, &g)) {
		free(g.list);
		return;
	}
	free(p->never);
	p->never = g.list;
	p->nnever = g.n;
	send_never(p);
}
