/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The resolver's process: asks name servers what the host names of "set
 * never" are.  Answers are hostile bytes; libevent's evdns takes them apart
 * here, where there is nothing to be had but UDP sockets, and only addresses
 * leave for the engine.
 *
 * Each name is asked for IPv4 and IPv6 apart.  An answer is good for its TTL,
 * within bounds; a failure is tried again soon, then ever later.
 */

#include "engine/resolver.h"

#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/dns.h>
#include <event2/event.h>

#include "engine/channel.h"
#include "engine/hosts_file.h"
#include "engine/log.h"
#include "engine/privdrop.h"
#include "engine/sandbox.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS       "/etc/hosts"

#define SERVERS_MAX 8
/* Seconds until the next question: after an answer, after failures. */
#define TTL_LEAST   30
#define TTL_MOST    86400
#define RETRY_LEAST 30
#define RETRY_MOST  600

/* One name's addresses of one family. */
struct question {
	const char *name;
	uint8_t family;
	struct event *timer;
	unsigned int retry_s; /* 0: the last answer was good */
};

static struct {
	const struct resolver_start *start;
	struct event_base *base;
	struct evdns_base *dns;
	struct channel *engine;
	struct sockaddr_storage servers[SERVERS_MAX];
	int nservers;
	struct question *questions;
	size_t nasked; /* on their way */
	/* Of /etc/hosts: two for each name. */
	struct host_name_answer *known;
} resolver;

static void
tell(const struct host_name_answer *answer)
{
	static struct msg m;

	m.u.name = *answer;
	channel_send(resolver.engine, MSG_NAME, &m, sizeof(m.u.name), -1);
}

static void
begin_answer(struct host_name_answer *answer, const char *name, uint8_t family)
{
	memset(answer, 0, sizeof(*answer));
	strlcpy(answer->name, name, sizeof(answer->name));
	answer->family = family;
}

static void
ask_later(struct question *q, unsigned int seconds)
{
	struct timeval delay = {.tv_sec = seconds};

	if (event_add(q->timer, &delay) == -1)
		fatalx("no memory for events");
}

static unsigned int
after_answer(struct question *q, int ttl)
{
	q->retry_s = 0;
	if (ttl < TTL_LEAST)
		return TTL_LEAST;
	return ttl > TTL_MOST ? TTL_MOST : (unsigned int)ttl;
}

static unsigned int
after_failure(struct question *q)
{
	q->retry_s = q->retry_s == 0 ? RETRY_LEAST : q->retry_s * 2;
	if (q->retry_s > RETRY_MOST)
		q->retry_s = RETRY_MOST;
	return q->retry_s;
}

static void
take_addresses(struct host_name_answer *answer, int count, const void *bytes)
{
	size_t size = answer->family == 4 ? 4 : 16;
	const uint8_t *at = bytes;
	int i;

	if (count > HOST_NAME_ADDRS_MAX)
		count = HOST_NAME_ADDRS_MAX;
	for (i = 0; i < count; i++, at += size)
		answer->addrs[i] = answer->family == 4 ? addr_from_ipv4(at)
						       : addr_from_ipv6(at);
	answer->n = (uint16_t)count;
}

static void
on_answer(int error, char type, int count, int ttl, void *bytes, void *arg)
{
	struct question *q = arg;
	struct host_name_answer answer;

	resolver.nasked--;
	begin_answer(&answer, q->name, q->family);
	if (error == DNS_ERR_NONE && count > 0 &&
	    type == (q->family == 4 ? DNS_IPv4_A : DNS_IPv6_AAAA)) {
		take_addresses(&answer, count, bytes);
		answer.result = HOST_NAME_ADDRESSES;
		ask_later(q, after_answer(q, ttl));
	} else {
		answer.result = error == DNS_ERR_NONE || error == DNS_ERR_NODATA
				    ? HOST_NAME_NONE
				    : HOST_NAME_FAILED;
		strlcpy(answer.why, evdns_err_to_string(error),
		    sizeof(answer.why));
		ask_later(q, after_failure(q));
	}
	tell(&answer);
}

/*
 * New sockets, and so new source ports, for a forger to guess.  It also
 * forgets which servers were silent, before evdns would probe those with a
 * question of its own.
 */
static void
renew_servers(void)
{
	int i;

	evdns_base_clear_nameservers_and_suspend(resolver.dns);
	for (i = 0; i < resolver.nservers; i++) {
		if (evdns_base_nameserver_sockaddr_add(resolver.dns,
			(const struct sockaddr *)&resolver.servers[i],
			sizeof(resolver.servers[i]), 0) != 0)
			log_debug("name server %d cannot be used", i + 1);
	}
	evdns_base_resume(resolver.dns);
}

static void
on_ask(evutil_socket_t fd, short what, void *arg)
{
	struct question *q = arg;
	struct evdns_request *request;

	(void)fd;
	(void)what;
	if (resolver.nasked == 0)
		renew_servers();
	resolver.nasked++;
	if (q->family == 4)
		request = evdns_base_resolve_ipv4(resolver.dns, q->name,
		    DNS_QUERY_NO_SEARCH, on_answer, q);
	else
		request = evdns_base_resolve_ipv6(resolver.dns, q->name,
		    DNS_QUERY_NO_SEARCH, on_answer, q);
	if (request == NULL)
		on_answer(DNS_ERR_UNKNOWN, 0, 0, 0, NULL, q);
}

static void
on_evdns_log(int is_warning, const char *text)
{
	(void)is_warning;
	log_debug("%s", text);
}

/* The servers of resolv.conf(5), noted so that they can be added anew. */
static void
read_servers(void)
{
	int i, n;

	evdns_set_log_fn(on_evdns_log);
	resolver.dns = evdns_base_new(resolver.base, 0);
	if (resolver.dns == NULL)
		fatalx("no memory for questions");
	evdns_base_resolv_conf_parse(resolver.dns,
	    DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC, RESOLV_CONF);
	/* The longest there is: see renew_servers(). */
	evdns_base_set_option(resolver.dns, "initial-probe-timeout:", "3600");
	/* A later libevent goes to TCP for what is cut short: not here. */
	evdns_base_set_option(resolver.dns, "ignore-tc:", "1");
	n = evdns_base_count_nameservers(resolver.dns);
	for (i = 0; i < n && resolver.nservers < SERVERS_MAX; i++) {
		if (evdns_base_get_nameserver_addr(resolver.dns, i,
			(struct sockaddr *)&resolver.servers[resolver.nservers],
			sizeof(resolver.servers[0])) > 0)
			resolver.nservers++;
	}
	if (resolver.nservers == 0)
		fatalx("%s: no name server that can be asked", RESOLV_CONF);
}

static void
take_known(void *arg, const struct addr *addr, const char *name)
{
	struct host_name_answer *known;
	size_t i;

	(void)arg;
	for (i = 0; i < resolver.start->nnames; i++) {
		if (strcasecmp(resolver.start->names[i], name) != 0)
			continue;
		known = &resolver.known[2 * i + !addr_is_ipv4(addr)];
		if (known->n < HOST_NAME_ADDRS_MAX)
			known->addrs[known->n++] = *addr;
	}
}

static void
read_hosts(void)
{
	struct host_name_answer *known;
	size_t i, n = resolver.start->nnames;

	resolver.known = calloc(2 * n, sizeof(*known));
	if (resolver.known == NULL)
		fatal("%s", HOSTS);
	if (hosts_file_read(HOSTS, take_known, NULL) == -1)
		log_debug("%s cannot be read", HOSTS);
	for (i = 0; i < 2 * n; i++) {
		known = &resolver.known[i];
		strlcpy(known->name, resolver.start->names[i / 2],
		    sizeof(known->name));
		known->family = i % 2 == 0 ? 4 : 6;
		known->result =
		    known->n > 0 ? HOST_NAME_ADDRESSES : HOST_NAME_NONE;
	}
}

/* A name of the host's own list is not asked for. */
static void
start_questions(void)
{
	const struct host_name_answer *known;
	struct question *q;
	size_t i, n = resolver.start->nnames;

	resolver.questions = calloc(2 * n, sizeof(*q));
	if (resolver.questions == NULL)
		fatal("questions");
	for (i = 0; i < 2 * n; i++) {
		known = &resolver.known[i - i % 2];
		if (known[0].n > 0 || known[1].n > 0) {
			tell(&resolver.known[i]);
			continue;
		}
		q = &resolver.questions[i];
		q->name = resolver.start->names[i / 2];
		q->family = i % 2 == 0 ? 4 : 6;
		q->timer = event_new(resolver.base, -1, 0, on_ask, q);
		if (q->timer == NULL)
			fatalx("no memory for events");
		ask_later(q, 0);
	}
	free(resolver.known);
}

static void
on_message(void *arg, const struct msg *m, int fd)
{
	(void)arg;
	(void)fd;
	fatalx("message %u is not for the resolver", m->header.type);
}

static void
on_engine_gone(void *arg)
{
	(void)arg;
	_exit(0);
}

static void
on_parent_gone(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	_exit(0);
}

void
resolver_run(const struct resolver_start *start)
{
	struct event *parent;

	resolver.start = start;
	resolver.base = event_base_new();
	if (resolver.base == NULL)
		fatalx("no event loop");
	read_servers();
	read_hosts();
	resolver.engine = channel_new(resolver.base, start->engine_fd,
	    PROCESS_RESOLVER, PROCESS_ENGINE, on_message, on_engine_gone, NULL);
	parent = event_new(resolver.base, start->parent_fd, EV_READ,
	    on_parent_gone, NULL);
	if (resolver.engine == NULL || parent == NULL ||
	    event_add(parent, NULL) == -1)
		fatalx("no memory for events");
	privdrop(start->user, NULL);
	sandbox_enter(SANDBOX_RESOLVER);
	log_info("running, for names: %zu, with name servers: %d",
	    start->nnames, resolver.nservers);
	start_questions();
	event_base_dispatch(resolver.base);
	fatalx("the event loop ended");
}
