/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The resolver's process: there while the policy has host names, and a new
 * one after each reload, which may be about /etc/resolv.conf as well.
 */

#include <string.h>

#include "engine/channel.h"
#include "engine/log.h"
#include "engine/parent_state.h"
#include "engine/resolver.h"
#include "rules/ruleset.h"

static void
run(struct parent_child *child, int engine_fd, int life_fd)
{
	const struct parent *p = child->parent;
	struct resolver_start start = {
	    .names = p->ruleset->never_names,
	    .nnames = p->ruleset->nnever_names,
	    .user = p->user,
	    .engine_fd = engine_fd,
	    .parent_fd = life_fd,
	};

	log_set_process("resolver");
	resolver_run(&start);
}

static void
attach(struct parent_child *child, int fd)
{
	static struct msg m;

	channel_send(child->parent->engine, MSG_RESOLVER_ATTACH, &m, 0, fd);
}

void
parent_resolver_update(struct parent *p)
{
	struct parent_child *child = &p->resolver;

	parent_child_end(child);
	if (p->ruleset->nnever_names == 0)
		return;
	strlcpy(child->name, "resolver", sizeof(child->name));
	child->parent = p;
	child->run = run;
	child->attach = attach;
	parent_child_start(child);
}
