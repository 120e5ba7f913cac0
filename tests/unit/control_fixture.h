/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * An engine with a small policy, and a host that only notes what it was asked
 * for: what the tests and the fuzzer of the control protocol talk to.
 */

#ifndef TRAPLINE_TESTS_UNIT_CONTROL_FIXTURE_H
#define TRAPLINE_TESTS_UNIT_CONTROL_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "engine/control.h"
#include "engine/control_session.h"
#include "engine/decision.h"
#include "engine/engine.h"
#include "engine/prefix.h"
#include "rules/ruleset.h"

/* 2026-11-22T09:36:37.000Z */
#define FIXTURE_NOW 1795340197000

static const char fixture_policy[] =
    "set never { 127.0.0.0/8, 192.0.2.254, <admins> }\n"
    "set source-prefix inet6 64\n"
    "table <admins> { 198.51.100.0/24 }\n"
    "table <bruteforce> expire 6w enforce block\n"
    "table <seen> expire 24h\n"
    "table <kept>\n"
    "firewall memory\n"
    "sensor capture on em2\n"
    "ignore from <admins>\n"
    "watch in proto tcp to port ssh (max-src-conn 100, "
    "max-src-conn-rate 3/30, overload <bruteforce>)\n"
    "watch inet6 proto tcp (max-src-conn-rate 3/30, overload <seen>)\n";

struct fixture {
	struct engine_output output;
	struct control_host host;
	struct engine *engine;
	struct control *control; /* NULL: none is told of events */
	struct clock clock;
	struct wall now;
	bool store_fails;
	bool is_coupled;
	bool is_verbose;
	unsigned int commits, reloads, decisions;
};

static struct fixture *
fixture_of_output(struct engine_output *output)
{
	return (struct fixture *)output;
}

static struct fixture *
fixture_of_host(struct control_host *host)
{
	return (struct fixture *)(void *)((char *)host -
					  offsetof(struct fixture, host));
}

static void
fixture_change(struct engine_output *output, const struct change *change)
{
	(void)output;
	(void)change;
}

static void
fixture_hold(struct engine_output *output, uint16_t table,
    const struct prefix *prefix, const struct hold *hold)
{
	(void)output;
	(void)table;
	(void)prefix;
	(void)hold;
}

static void
fixture_unhold(struct engine_output *output, uint16_t table,
    const struct prefix *prefix, enum origin origin, uint32_t by)
{
	(void)output;
	(void)table;
	(void)prefix;
	(void)origin;
	(void)by;
}

static void
fixture_pardon(struct engine_output *output, const struct prefix *prefix,
    struct wall until)
{
	(void)output;
	(void)prefix;
	(void)until;
}

static void
fixture_decided(struct engine_output *output, const struct decision *decision)
{
	struct fixture *f = fixture_of_output(output);

	f->decisions++;
	if (f->control != NULL)
		control_decision(f->control, decision);
}

static void
fixture_status(struct control_host *host, struct control_status *out)
{
	struct fixture *f = fixture_of_host(host);

	memset(out, 0, sizeof(*out));
	out->started.ms = FIXTURE_NOW - 3600000;
	out->now = f->now;
	out->clock = &f->clock;
	out->is_decoupled = !f->is_coupled;
	out->firewall = "memory";
	out->store_error = f->store_fails ? "disk is full" : NULL;
	out->store_commits = f->commits;
	out->policy = "test.conf";
}

static bool
fixture_sensor(struct control_host *host, size_t i, struct control_sensor *out)
{
	(void)host;
	if (i > 0)
		return false;
	memset(out, 0, sizeof(*out));
	out->name = "capture on em2";
	out->is_running = true;
	out->since.ms = FIXTURE_NOW - 3600000;
	out->stats.packets = 1000;
	out->stats.undecodable = 3;
	strlcpy(out->stats.reasons[0].what, "a \"bad\" header",
	    sizeof(out->stats.reasons[0].what));
	out->stats.reasons[0].count = 3;
	return true;
}

static struct wall
fixture_now(struct control_host *host)
{
	return fixture_of_host(host)->now;
}

static void
fixture_reload(struct control_host *host)
{
	fixture_of_host(host)->reloads++;
}

static void
fixture_couple(struct control_host *host, bool is_coupled)
{
	fixture_of_host(host)->is_coupled = is_coupled;
}

static void
fixture_verbose(struct control_host *host, bool is_verbose)
{
	fixture_of_host(host)->is_verbose = is_verbose;
}

static int
fixture_commit(struct control_host *host)
{
	fixture_of_host(host)->commits++;
	return fixture_of_host(host)->store_fails ? -1 : 0;
}

/* Loads a policy from memory; NULL after saying why. */
static struct ruleset *
fixture_ruleset(const char *policy)
{
	struct policy_messages messages = {0};
	struct policy_text *text = policy_text_new();
	struct ruleset *rules;
	size_t i;

	if (text == NULL ||
	    policy_text_add(text, "test.conf", policy, strlen(policy)) == -1)
		abort();
	rules = ruleset_load("test.conf", text, false, NULL, 0, &messages);
	for (i = 0; rules == NULL && i < messages.n; i++)
		fprintf(stderr, "%s\n", messages.list[i].text);
	policy_messages_free(&messages);
	policy_text_free(text);
	return rules;
}

static void
fixture_start(struct fixture *f)
{
	struct ruleset *rules = fixture_ruleset(fixture_policy);

	if (rules == NULL)
		abort();
	memset(f, 0, sizeof(*f));
	f->output.change = fixture_change;
	f->output.hold = fixture_hold;
	f->output.unhold = fixture_unhold;
	f->output.pardon = fixture_pardon;
	f->output.decided = fixture_decided;
	f->host.status = fixture_status;
	f->host.sensor = fixture_sensor;
	f->host.now = fixture_now;
	f->host.reload = fixture_reload;
	f->host.couple = fixture_couple;
	f->host.verbose = fixture_verbose;
	f->host.commit = fixture_commit;
	f->now.ms = FIXTURE_NOW;
	f->is_coupled = true;
	f->engine = engine_new(&f->output, 1, f->now);
	if (f->engine == NULL)
		abort();
	engine_ruleset_take(f->engine, &rules, f->now);
}

static void
fixture_end(struct fixture *f)
{
	engine_free(f->engine);
}

#endif
