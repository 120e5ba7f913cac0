/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The resolver as the engine sees it: the parent hands in a descriptor, what
 * host names are comes in on it, and when it ends the last answers stay.
 */

#include "engine/channel.h"
#include "engine/log.h"
#include "engine/service_state.h"

static void
on_resolver(void *arg, const struct msg *m, int fd)
{
	struct service *s = arg;

	(void)fd;
	if (m->header.type != MSG_NAME)
		fatalx("message %u from the resolver is not for the engine",
		    m->header.type);
	if (s->is_loaded)
		engine_name_answer(s->engine, &m->u.name, service_now(s));
}

static void
on_resolver_gone(void *arg)
{
	struct service *s = arg;

	channel_free(s->resolver);
	s->resolver = NULL;
}

void
service_resolver_attach(struct service *s, int fd)
{
	if (fd == -1)
		fatalx("resolver: no descriptor came with it");
	channel_free(s->resolver);
	s->resolver = channel_new(s->base, fd, PROCESS_ENGINE, PROCESS_RESOLVER,
	    on_resolver, on_resolver_gone, s);
	if (s->resolver == NULL)
		fatalx("resolver: no memory for its channel");
}
