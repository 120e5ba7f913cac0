/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The nft firewall against the running kernel, in a network namespace of its
 * own: what is dropped is tried with packets, what is in the sets is asked of
 * the kernel element by element.
 */

#include <sys/socket.h>

#include <netinet/in.h>

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "actuators/actuator.h"
#include "actuators/nft_batch.h"
#include "actuators/nft_changes.h"
#include "actuators/nft_query.h"
#include "actuators/nft_sets.h"
#include "engine/clock.h"
#include "tests/unit/netns.h"

#define HOUR_MS   (3600 * INT64_C(1000))
#define MINUTE_MS (60 * INT64_C(1000))

static const struct actuator_ops *ops;

static struct table_conf tables[] = {
    {.name = "bruteforce", .enforce = ENFORCE_BLOCK},
    {.name = "watched", .enforce = ENFORCE_NONE},
    {.name = "9 odd.name", .enforce = ENFORCE_BLOCK},
};

static struct actuator_conf conf = {
    .tables = tables,
    .ntables = 3,
    .source_len_inet = 128,
    .source_len_inet6 = 64,
    .limit_entries = 200000,
};

static struct change
change_make(uint16_t table, const char *prefix, enum change_kind kind,
    int64_t remaining_ms)
{
	struct change c = {.table = table,
	    .kind = kind,
	    .remaining_ms = remaining_ms};

	if (prefix_parse(prefix, &c.prefix) == -1)
		fail_msg("no prefix: %s", prefix);
	return c;
}

static struct actuator *
open_firewall(void)
{
	struct actuator *a = NULL;

	assert_int_equal(ops->open(&conf, &a), 0);
	return a;
}

static void
hold(struct actuator *a, const char *prefix, int64_t remaining_ms)
{
	struct change c = change_make(0, prefix, CHANGE_HOLD, remaining_ms);

	assert_int_equal(ops->apply(a, &c, 1), 1);
}

static void
release(struct actuator *a, const char *prefix)
{
	struct change c = change_make(0, prefix, CHANGE_RELEASE, 0);

	assert_int_equal(ops->apply(a, &c, 1), 1);
}

/* What list() handed out. */
struct listing {
	struct prefix prefixes[64];
	int64_t remaining_ms[64];
	size_t n;
};

static void
keep(void *arg, uint16_t table, const struct prefix *p, int64_t remaining_ms)
{
	struct listing *l = arg;

	(void)table;
	if (l->n == 64)
		return;
	l->prefixes[l->n] = *p;
	l->remaining_ms[l->n++] = remaining_ms;
}

static struct listing
listing_make(struct actuator *a, size_t most)
{
	struct listing l = {.n = 0};

	assert_int_equal(ops->list(a, most, keep, &l), 0);
	return l;
}

/* The kernel's remaining time of exactly this prefix; -1: it is not there. */
static int64_t
remaining(struct actuator *a, const char *prefix)
{
	struct listing l = listing_make(a, 64);
	struct prefix p;
	size_t i;

	assert_int_equal(prefix_parse(prefix, &p), 0);
	for (i = 0; i < l.n; i++) {
		if (prefix_equal(&l.prefixes[i], &p))
			return l.remaining_ms[i];
	}
	return -1;
}

static void
assert_about(int64_t got, int64_t want)
{
	if (got < want - 10000 || got > want)
		fail_msg("%lld ms instead of about %lld ms", (long long)got,
		    (long long)want);
}

/*
 * True when a packet from source arrives.  Behind it one goes from loopback,
 * which always does, so that there is nothing to wait for.
 */
static bool
arrives(const char *source)
{
	int family = strchr(source, ':') == NULL ? AF_INET : AF_INET6;
	const char *innocent = family == AF_INET ? "127.0.0.1" : "::1";
	char text[64];
	uint16_t port;
	int fd = receiver(family, &port);
	ssize_t n;

	send_from(source, port);
	send_from(innocent, port);
	n = recv(fd, text, sizeof(text), 0);
	close(fd);
	return n == (ssize_t)strlen(source) &&
	       memcmp(text, source, (size_t)n) == 0;
}

static void
readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 5000), 1);
}

static int
clean(void **state)
{
	(void)state;
	(void)nft("add", "table", "inet", "trapline", NULL, NULL);
	(void)nft("delete", "table", "inet", "trapline", NULL, NULL);
	return 0;
}

static void
a_held_source_is_dropped_and_another_arrives(void **state)
{
	struct actuator *a = open_firewall();

	(void)state;
	hold(a, "127.0.0.66", HOUR_MS);
	assert_false(arrives("127.0.0.66"));
	assert_true(arrives("127.0.0.67"));
	release(a, "127.0.0.66");
	assert_true(arrives("127.0.0.66"));
	ops->close(a);
}

static void
networks_of_every_length_are_dropped(void **state)
{
	static const char *const lengths[] = {"127.5.6.0/24", "127.5.0.0/16",
	    "127.5.6.4/30", "127.4.0.0/14", "127.5.6.7"};
	struct actuator *a = open_firewall();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		assert_true(arrives("127.5.6.7"));
		hold(a, lengths[i], HOUR_MS);
		if (arrives("127.5.6.7"))
			fail_msg("%s is not dropped", lengths[i]);
		assert_true(arrives("127.99.0.1"));
		release(a, lengths[i]);
	}
	ops->close(a);
}

static void
ipv6_networks_are_dropped(void **state)
{
	static const char *const lengths[] = {"2001:db8:1:2::/64",
	    "2001:db8:1::/48", "2001:db8:1::/56", "2001:db8::/33",
	    "2001:db8:1:2::3"};
	struct actuator *a = open_firewall();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		assert_true(arrives("2001:db8:1:2::3"));
		hold(a, lengths[i], HOUR_MS);
		if (arrives("2001:db8:1:2::3"))
			fail_msg("%s is not dropped", lengths[i]);
		release(a, lengths[i]);
	}
	ops->close(a);
}

static void
opening_again_keeps_entries_and_changes_nothing(void **state)
{
	struct actuator *a = open_firewall();
	char *before, *after;

	(void)state;
	hold(a, "127.0.0.66", HOUR_MS);
	hold(a, "10.0.0.0/9", CHANGE_FOREVER);
	ops->close(a);
	assert_false(arrives("127.0.0.66"));
	before = strdup(nft("-st", "list", "table", "inet", "trapline", NULL));
	a = open_firewall();
	after = nft("-st", "list", "table", "inet", "trapline", NULL);

	assert_string_equal(before, after);
	assert_false(arrives("127.0.0.66"));
	assert_int_equal(remaining(a, "10.0.0.0/9"), CHANGE_FOREVER);
	free(before);
	ops->close(a);
}

static void
an_entry_lasts_a_tenth_longer_in_the_kernel(void **state)
{
	struct actuator *a = open_firewall();

	(void)state;
	hold(a, "192.0.2.1", 20 * HOUR_MS);
	assert_about(remaining(a, "192.0.2.1"), 22 * HOUR_MS);
	hold(a, "192.0.2.2", 1000);
	assert_about(remaining(a, "192.0.2.2"), MINUTE_MS + 1000);
	hold(a, "192.0.2.3", 1000 * HOUR_MS);
	assert_about(remaining(a, "192.0.2.3"), 1024 * HOUR_MS);
	hold(a, "192.0.2.4", CHANGE_FOREVER);
	assert_int_equal(remaining(a, "192.0.2.4"), CHANGE_FOREVER);
	ops->close(a);
}

static void
adding_again_sets_the_time_anew(void **state)
{
	struct actuator *a = open_firewall();
	struct change c = change_make(0, "192.0.2.1", CHANGE_EXTEND, HOUR_MS);

	(void)state;
	hold(a, "192.0.2.1", HOUR_MS);
	hold(a, "192.0.0.0/17", HOUR_MS);
	c.remaining_ms = 20 * HOUR_MS;
	assert_int_equal(ops->apply(a, &c, 1), 1);
	assert_about(remaining(a, "192.0.2.1"), 22 * HOUR_MS);
	c = change_make(0, "192.0.0.0/17", CHANGE_EXTEND, 20 * HOUR_MS);
	assert_int_equal(ops->apply(a, &c, 1), 1);
	assert_about(remaining(a, "192.0.0.0/17"), 22 * HOUR_MS);
	/* For ever, and back to a time. */
	hold(a, "192.0.2.1", CHANGE_FOREVER);
	assert_int_equal(remaining(a, "192.0.2.1"), CHANGE_FOREVER);
	hold(a, "192.0.2.1", 10 * HOUR_MS);
	assert_about(remaining(a, "192.0.2.1"), 11 * HOUR_MS);
	ops->close(a);
}

static void
the_same_term_again_starts_from_the_beginning(void **state)
{
	struct actuator *a = open_firewall();
	int64_t was;

	(void)state;
	assert_non_null(nft("add", "element", "inet", "trapline",
	    "bruteforce_v4", "{ 192.0.2.1 timeout 11h expires 1h }"));
	was = remaining(a, "192.0.2.1");
	assert_about(was, HOUR_MS);
	hold(a, "192.0.2.1", 10 * HOUR_MS);
	assert_about(remaining(a, "192.0.2.1"), 11 * HOUR_MS);
	ops->close(a);
}

static void
releasing_what_is_absent_succeeds(void **state)
{
	struct actuator *a = open_firewall();
	struct change c[3];

	(void)state;
	c[0] = change_make(0, "192.0.2.1", CHANGE_RELEASE, 0);
	c[1] = change_make(0, "10.0.0.0/9", CHANGE_RELEASE, 0);
	c[2] = change_make(0, "192.0.2.2", CHANGE_HOLD, HOUR_MS);
	assert_int_equal(ops->apply(a, c, 3), 3);
	assert_int_not_equal(remaining(a, "192.0.2.2"), -1);
	ops->close(a);
}

static void
changes_of_one_prefix_take_effect_in_order(void **state)
{
	struct actuator *a = open_firewall();
	struct change c[6];

	(void)state;
	c[0] = change_make(0, "192.0.2.1", CHANGE_HOLD, HOUR_MS);
	c[1] = change_make(0, "192.0.2.2", CHANGE_HOLD, HOUR_MS);
	c[2] = change_make(0, "192.0.2.1", CHANGE_RELEASE, 0);
	c[3] = change_make(0, "10.0.0.0/9", CHANGE_HOLD, HOUR_MS);
	c[4] = change_make(0, "192.0.2.1", CHANGE_HOLD, 10 * HOUR_MS);
	c[5] = change_make(0, "10.0.0.0/9", CHANGE_RELEASE, 0);
	assert_int_equal(ops->apply(a, c, 6), 6);
	assert_about(remaining(a, "192.0.2.1"), 11 * HOUR_MS);
	assert_int_not_equal(remaining(a, "192.0.2.2"), -1);
	assert_int_equal(remaining(a, "10.0.0.0/9"), -1);
	ops->close(a);
}

static void
tables_that_do_not_block_need_no_set(void **state)
{
	struct actuator *a = open_firewall();
	struct change c = change_make(1, "127.0.0.66", CHANGE_HOLD, HOUR_MS);

	(void)state;
	assert_int_equal(ops->apply(a, &c, 1), 1);
	assert_true(arrives("127.0.0.66"));
	assert_int_equal(listing_make(a, 64).n, 0);
	ops->close(a);
}

static void
any_table_name_makes_names_that_nft_takes(void **state)
{
	struct actuator *a = open_firewall();
	struct change c = change_make(2, "192.0.2.1", CHANGE_HOLD, HOUR_MS);

	(void)state;
	assert_int_equal(ops->apply(a, &c, 1), 1);
	assert_non_null(nft("list", "set", "inet", "trapline",
	    "n/9.20odd.2ename_v4", NULL));
	ops->close(a);
}

static void
overlapping_prefixes_do_not_disturb_each_other(void **state)
{
	struct actuator *a = open_firewall();

	(void)state;
	hold(a, "127.8.0.0/15", HOUR_MS);
	hold(a, "127.8.4.0/22", 2 * HOUR_MS);
	hold(a, "127.8.0.0/13", HOUR_MS);
	assert_false(arrives("127.8.4.1"));
	release(a, "127.8.0.0/13");
	assert_true(arrives("127.10.0.1"));
	assert_false(arrives("127.8.0.1"));
	release(a, "127.8.0.0/15");
	assert_true(arrives("127.8.0.1"));
	assert_false(arrives("127.8.4.1"));
	assert_about(remaining(a, "127.8.4.0/22"), 132 * MINUTE_MS);
	/* Neighbours, the whole space, and the end of it. */
	hold(a, "127.8.8.0/22", HOUR_MS);
	hold(a, "255.255.252.0/22", HOUR_MS);
	hold(a, "0.0.0.0/0", HOUR_MS);
	assert_int_equal(listing_make(a, 64).n, 1);
	release(a, "0.0.0.0/0");
	assert_int_equal(listing_make(a, 64).n, 3);
	assert_int_not_equal(remaining(a, "255.255.252.0/22"), -1);
	ops->close(a);
}

static void
prefixes_from_before_give_way_to_wanted_ones(void **state)
{
	struct actuator *a = open_firewall();

	(void)state;
	hold(a, "10.0.0.0/9", HOUR_MS);
	hold(a, "172.16.4.0/22", HOUR_MS);
	hold(a, "::/0", HOUR_MS);
	ops->close(a);
	a = open_firewall();
	hold(a, "10.1.0.0/17", HOUR_MS);
	hold(a, "172.16.0.0/12", HOUR_MS);
	hold(a, "2001:db8::/33", HOUR_MS);
	assert_int_not_equal(remaining(a, "10.1.0.0/17"), -1);
	assert_int_equal(remaining(a, "10.0.0.0/9"), -1);
	assert_int_not_equal(remaining(a, "172.16.0.0/12"), -1);
	assert_int_equal(remaining(a, "172.16.4.0/22"), -1);
	assert_int_not_equal(remaining(a, "2001:db8::/33"), -1);
	ops->close(a);
}

static void
a_deleted_table_is_made_again(void **state)
{
	struct actuator *a = open_firewall();
	struct actuator_counters counters;

	(void)state;
	hold(a, "127.0.0.66", HOUR_MS);
	hold(a, "127.64.0.0/11", HOUR_MS);
	assert_int_equal(ops->notice(a), 0);
	assert_non_null(nft("delete", "table", "inet", "trapline", NULL, NULL));
	assert_true(arrives("127.0.0.66"));
	readable(ops->fd(a));
	assert_int_equal(ops->notice(a), 1);
	assert_int_equal(ops->notice(a), 0);
	hold(a, "127.0.0.66", HOUR_MS);
	hold(a, "127.64.0.0/11", HOUR_MS);
	assert_false(arrives("127.0.0.66"));
	assert_false(arrives("127.65.0.1"));
	ops->counters(a, &counters);
	assert_int_equal(counters.repairs, 1);
	ops->close(a);
}

static void
a_missing_set_is_found_by_the_next_change(void **state)
{
	struct actuator *a = open_firewall();
	struct change c = change_make(0, "127.0.0.66", CHANGE_HOLD, HOUR_MS);
	struct actuator_counters counters;

	(void)state;
	assert_non_null(nft("delete", "table", "inet", "trapline", NULL, NULL));
	assert_int_equal(ops->apply(a, &c, 1), 0);
	assert_int_equal(ops->apply(a, &c, 1), 1);
	assert_false(arrives("127.0.0.66"));
	assert_int_equal(ops->notice(a), 1);
	assert_int_equal(ops->notice(a), 0);
	ops->counters(a, &counters);
	assert_int_equal(counters.repairs, 1);
	ops->close(a);
}

static void
a_flushed_set_a_lost_rule_and_a_dormant_table_are_noticed(void **state)
{
	struct actuator *a = open_firewall();

	(void)state;
	hold(a, "127.0.0.66", HOUR_MS);
	nft("flush", "set", "inet", "trapline", "bruteforce_v4", NULL);
	readable(ops->fd(a));
	assert_int_equal(ops->notice(a), 1);
	hold(a, "127.0.0.66", HOUR_MS);
	nft("flush", "chain", "inet", "trapline", "enforce", NULL);
	readable(ops->fd(a));
	assert_true(arrives("127.0.0.66"));
	assert_int_equal(ops->notice(a), 1);
	assert_false(arrives("127.0.0.66"));
	nft("add", "table", "inet", "trapline", "{ flags dormant; }", NULL);
	readable(ops->fd(a));
	assert_true(arrives("127.0.0.66"));
	assert_int_equal(ops->notice(a), 1);
	assert_false(arrives("127.0.0.66"));
	ops->close(a);
}

static void
others_tables_are_neither_touched_nor_damage(void **state)
{
	struct actuator *a = open_firewall();

	(void)state;
	assert_non_null(nft("add", "table", "ip", "trapline", NULL, NULL));
	assert_non_null(nft("add", "table", "inet", "other", NULL, NULL));
	assert_non_null(nft("add", "chain", "inet", "other", "mine", NULL));
	hold(a, "192.0.2.1", HOUR_MS);
	assert_int_equal(ops->notice(a), 0);
	assert_non_null(nft("delete", "table", "ip", "trapline", NULL, NULL));
	readable(ops->fd(a));
	assert_int_equal(ops->notice(a), 0);
	assert_int_not_equal(remaining(a, "192.0.2.1"), -1);
	assert_non_null(nft("list", "chain", "inet", "other", "mine", NULL));
	assert_non_null(nft("delete", "table", "inet", "other", NULL, NULL));
	ops->close(a);
}

static void
what_has_another_shape_is_made_anew(void **state)
{
	struct actuator *a;

	(void)state;
	assert_non_null(nft("add", "table", "inet", "trapline", NULL, NULL));
	assert_non_null(nft("add", "set", "inet", "trapline", "bruteforce_v4",
	    "{ type ipv6_addr; }"));
	assert_non_null(nft("add", "chain", "inet", "trapline", "enforce",
	    "{ type filter hook input priority 0; }"));
	a = open_firewall();
	hold(a, "127.0.0.66", HOUR_MS);
	assert_false(arrives("127.0.0.66"));
	ops->close(a);
}

static void
reload_removes_sets_and_keeps_the_rest(void **state)
{
	struct actuator *a = open_firewall();
	struct table_conf fewer[] = {tables[0], tables[1]};
	struct actuator_conf smaller = conf;

	(void)state;
	smaller.tables = fewer;
	smaller.ntables = 2;
	smaller.limit_entries = 100000;
	smaller.source_len_inet6 = 60;
	hold(a, "127.0.0.66", HOUR_MS);
	hold(a, "10.0.0.0/9", HOUR_MS);
	assert_int_equal(ops->reconfigure(a, &smaller), 0);
	assert_false(arrives("127.0.0.66"));
	assert_null(nft("list", "set", "inet", "trapline",
	    "n/9.20odd.2ename_v4", NULL));
	assert_non_null(
	    nft("list", "set", "inet", "trapline", "bruteforce_v6_60", NULL));
	/* What it knew of the ranges is still known. */
	hold(a, "10.1.0.0/17", HOUR_MS);
	assert_int_equal(remaining(a, "10.1.0.0/17"), -1);
	release(a, "10.0.0.0/9");
	assert_int_not_equal(remaining(a, "10.1.0.0/17"), -1);
	fewer[0].enforce = ENFORCE_NONE;
	assert_int_equal(ops->reconfigure(a, &smaller), 0);
	assert_true(arrives("127.0.0.66"));
	ops->close(a);
}

static void
a_log_new_sensor_gets_its_rule_and_takes_it_along(void **state)
{
	static const struct sensor_conf sensors[] = {
	    {.text = "a", .type = SENSOR_NFLOG, .group = 7, .log_new = true},
	    {.text = "b", .type = SENSOR_NFLOG, .group = 8, .log_new = false},
	    {.text = "c", .type = SENSOR_NFLOG, .group = 7, .log_new = true},
	};
	static const char chain[] = "iifname != \"lo\" ct state new log "
				    "group 7 snaplen 128 queue-threshold 1";
	struct actuator_conf logging = conf;
	struct actuator *a = open_firewall();
	char *text, *first;

	(void)state;
	assert_null(nft("list", "chain", "inet", "trapline", "observe", NULL));
	logging.sensors = sensors;
	logging.nsensors = 3;
	assert_int_equal(ops->reconfigure(a, &logging), 0);
	text = nft("list", "chain", "inet", "trapline", "observe", NULL);
	assert_non_null(text);
	first = strstr(text, chain);
	assert_non_null(first);
	assert_null(strstr(first + strlen(chain), "log group"));
	assert_int_equal(ops->reconfigure(a, &conf), 0);
	assert_null(nft("list", "chain", "inet", "trapline", "observe", NULL));
	ops->close(a);
}

static void
a_full_set_takes_no_more_and_the_rest_goes_on(void **state)
{
	struct actuator_conf small = conf;
	struct actuator_counters counters;
	struct actuator *a;
	struct change c[4];

	(void)state;
	small.limit_entries = 2;
	assert_int_equal(ops->open(&small, &a), 0);
	c[0] = change_make(0, "192.0.2.1", CHANGE_HOLD, HOUR_MS);
	c[1] = change_make(0, "192.0.2.2", CHANGE_HOLD, HOUR_MS);
	c[2] = change_make(0, "192.0.2.3", CHANGE_HOLD, HOUR_MS);
	c[3] = change_make(0, "2001:db8::1", CHANGE_HOLD, HOUR_MS);
	assert_int_equal(ops->apply(a, c, 4), 4);
	ops->counters(a, &counters);
	assert_int_equal(counters.entries_full, 1);
	assert_int_not_equal(remaining(a, "192.0.2.2"), -1);
	assert_int_not_equal(remaining(a, "2001:db8::1"), -1);
	ops->close(a);
}

static void
listing_leaves_out_big_tables(void **state)
{
	struct actuator *a = open_firewall();
	struct change c = change_make(2, "198.51.100.1", CHANGE_HOLD, HOUR_MS);

	(void)state;
	assert_int_equal(ops->apply(a, &c, 1), 1);
	hold(a, "192.0.2.1", HOUR_MS);
	hold(a, "192.0.2.0/24", HOUR_MS);
	hold(a, "10.0.0.0/9", HOUR_MS);
	assert_int_equal(listing_make(a, 3).n, 4);
	assert_int_equal(listing_make(a, 2).n, 1);
	assert_int_equal(listing_make(a, 0).n, 0);
	ops->close(a);
}

static void
the_kernel_tells_how_many_a_set_holds(void **state)
{
	struct actuator *a = open_firewall();
	uint64_t count = 0;

	(void)state;
	hold(a, "192.0.2.1", HOUR_MS);
	hold(a, "192.0.2.2", HOUR_MS);
	if (nft_query_count("bruteforce_v4", &count) == -1) {
		assert_int_equal(errno, EOPNOTSUPP);
		print_message("this kernel does not count; not tried\n");
		skip();
	}
	assert_int_equal(count, 2);
	ops->close(a);
}

static void
an_unknown_range_in_the_way_is_written_over(void **state)
{
	struct actuator *a = open_firewall();
	struct change c[2];

	(void)state;
	hold(a, "172.16.0.0/12", HOUR_MS);
	assert_non_null(nft("add", "element", "inet", "trapline",
	    "bruteforce_v4_other", "{ 10.0.0.0/10 timeout 1h }"));
	c[0] = change_make(0, "10.1.0.0/17", CHANGE_HOLD, HOUR_MS);
	c[1] = change_make(0, "192.0.2.1", CHANGE_HOLD, HOUR_MS);
	assert_int_equal(ops->apply(a, c, 2), 2);
	assert_int_not_equal(remaining(a, "10.1.0.0/17"), -1);
	assert_int_not_equal(remaining(a, "172.16.0.0/12"), -1);
	assert_int_not_equal(remaining(a, "192.0.2.1"), -1);
	assert_int_equal(remaining(a, "10.0.0.0/10"), -1);
	ops->close(a);
}

/* Takes the roles of the kernels before 6.12 and before 6.3. */
static void
older_kernels_are_served_by_removing_and_adding(void **state)
{
	static const struct nft_abilities kernels[] = {
	    {.extends = false, .destroys = true},
	    {.extends = false, .destroys = false},
	};
	struct actuator *a = open_firewall();
	struct nft_sets *sets = nft_sets_new(&conf);
	struct nft_batch *batch = nft_batch_new();
	struct nft_changes *changes = nft_changes_new(batch);
	struct change c[4];
	bool is_damaged;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		nft_changes_set_abilities(changes, &kernels[i]);
		c[0] = change_make(0, "192.0.2.1", CHANGE_HOLD, HOUR_MS);
		c[1] = change_make(0, "192.0.2.2", CHANGE_HOLD, HOUR_MS);
		c[2] = change_make(0, "10.0.0.0/9", CHANGE_HOLD, HOUR_MS);
		c[3] = change_make(0, "192.0.2.3", CHANGE_RELEASE, 0);
		assert_int_equal(
		    nft_changes_apply(changes, sets, c, 4, &is_damaged), 4);
		c[0].remaining_ms = 10 * HOUR_MS;
		c[2].remaining_ms = 10 * HOUR_MS;
		c[1] = change_make(0, "192.0.2.2", CHANGE_RELEASE, 0);
		assert_int_equal(
		    nft_changes_apply(changes, sets, c, 4, &is_damaged), 4);
		assert_false(is_damaged);
		assert_about(remaining(a, "192.0.2.1"), 11 * HOUR_MS);
		assert_about(remaining(a, "10.0.0.0/9"), 11 * HOUR_MS);
		assert_int_equal(remaining(a, "192.0.2.2"), -1);
	}
	nft_changes_free(changes);
	nft_batch_free(batch);
	nft_sets_free(sets);
	ops->close(a);
}

#define MANY 100000

static void
a_hundred_thousand_entries_load(void **state)
{
	struct actuator *a = open_firewall();
	struct change *c = calloc(MANY, sizeof(*c));
	int64_t start;
	size_t i, round;

	(void)state;
	for (i = 0; i < MANY; i++) {
		const uint8_t bytes[4] = {10, (uint8_t)(i >> 16),
		    (uint8_t)(i >> 8), (uint8_t)i};
		struct addr addr = addr_from_ipv4(bytes);

		c[i].prefix = prefix_host(&addr);
		c[i].remaining_ms = HOUR_MS + (int64_t)i;
	}
	for (round = 0; round < 2; round++) {
		start = mono_read().ns;
		for (i = 0; i < MANY; i += 4096)
			assert_int_equal(ops->apply(a, c + i,
					     MANY - i < 4096 ? MANY - i : 4096),
			    MANY - i < 4096 ? MANY - i : 4096);
		print_message("%d entries, round %zu: %.3f s\n", MANY, round,
		    (double)(mono_read().ns - start) / 1e9);
	}
	assert_int_equal(ops->notice(a), 0);
	assert_int_equal(listing_make(a, MANY - 1).n, 0);
	/* A notice for each, and still only one repair. */
	assert_non_null(
	    nft("flush", "set", "inet", "trapline", "bruteforce_v4", NULL));
	readable(ops->fd(a));
	assert_int_equal(ops->notice(a), 1);
	assert_int_equal(ops->notice(a), 0);
	free(c);
	ops->close(a);
}

#define TEST(name) cmocka_unit_test_setup(name, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_held_source_is_dropped_and_another_arrives),
	    TEST(networks_of_every_length_are_dropped),
	    TEST(ipv6_networks_are_dropped),
	    TEST(opening_again_keeps_entries_and_changes_nothing),
	    TEST(an_entry_lasts_a_tenth_longer_in_the_kernel),
	    TEST(adding_again_sets_the_time_anew),
	    TEST(the_same_term_again_starts_from_the_beginning),
	    TEST(releasing_what_is_absent_succeeds),
	    TEST(changes_of_one_prefix_take_effect_in_order),
	    TEST(tables_that_do_not_block_need_no_set),
	    TEST(any_table_name_makes_names_that_nft_takes),
	    TEST(overlapping_prefixes_do_not_disturb_each_other),
	    TEST(prefixes_from_before_give_way_to_wanted_ones),
	    TEST(a_deleted_table_is_made_again),
	    TEST(a_missing_set_is_found_by_the_next_change),
	    TEST(a_flushed_set_a_lost_rule_and_a_dormant_table_are_noticed),
	    TEST(others_tables_are_neither_touched_nor_damage),
	    TEST(what_has_another_shape_is_made_anew),
	    TEST(reload_removes_sets_and_keeps_the_rest),
	    TEST(a_log_new_sensor_gets_its_rule_and_takes_it_along),
	    TEST(a_full_set_takes_no_more_and_the_rest_goes_on),
	    TEST(listing_leaves_out_big_tables),
	    TEST(the_kernel_tells_how_many_a_set_holds),
	    TEST(an_unknown_range_in_the_way_is_written_over),
	    TEST(older_kernels_are_served_by_removing_and_adding),
	    TEST(a_hundred_thousand_entries_load),
	};

	ops = actuator_find(FIREWALL_NFT);
	if (ops == NULL || namespace_enter() == -1) {
		printf("skipped: %s\n",
		    ops == NULL ? "built without nftables"
				: "may not make a network namespace");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
