/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The nft firewall decoupled, against the running kernel in a network
 * namespace of its own: what an earlier run left stays as it is, sensors get
 * their log rules all the same, and coupling finds everything again.
 */

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actuators/actuator.h"
#include "tests/unit/netns.h"

#define HOUR_MS (3600 * INT64_C(1000))

static const struct actuator_ops *ops;

static const struct table_conf tables[] = {
    {.name = "bruteforce", .enforce = ENFORCE_BLOCK},
};

static const struct sensor_conf sensors[] = {
    {.text = "a", .type = SENSOR_NFLOG, .group = 7, .log_new = true},
    {.text = "b", .type = SENSOR_NFLOG, .group = 8, .log_new = true},
};

/* With so many of the sensors. */
static struct actuator_conf
conf_make(bool is_decoupled, size_t nsensors)
{
	struct actuator_conf conf = {.tables = tables,
	    .ntables = 1,
	    .sensors = sensors,
	    .nsensors = nsensors,
	    .source_len_inet = 128,
	    .source_len_inet6 = 64,
	    .limit_entries = 1000,
	    .is_decoupled = is_decoupled};

	return conf;
}

static struct actuator *
open_firewall(bool is_decoupled, size_t nsensors)
{
	struct actuator_conf conf = conf_make(is_decoupled, nsensors);
	struct actuator *a = NULL;

	assert_int_equal(ops->open(&conf, &a), 0);
	return a;
}

static void
reconfigure(struct actuator *a, bool is_decoupled, size_t nsensors)
{
	struct actuator_conf conf = conf_make(is_decoupled, nsensors);

	assert_int_equal(ops->reconfigure(a, &conf), 0);
}

static void
hold(struct actuator *a, const char *prefix)
{
	struct change c = {.kind = CHANGE_HOLD, .remaining_ms = HOUR_MS};

	assert_int_equal(prefix_parse(prefix, &c.prefix), 0);
	assert_int_equal(ops->apply(a, &c, 1), 1);
}

/* The table without counts and times; the caller frees it. */
static char *
table_text(void)
{
	char *text = nft("-st", "list", "table", "inet", "trapline", NULL);

	assert_non_null(text);
	return strdup(text);
}

static bool
has_element(const char *set, const char *element)
{
	const char *text = nft("list", "set", "inet", "trapline", set, NULL);

	return text != NULL && strstr(text, element) != NULL;
}

static bool
has_log_rule(const char *group)
{
	const char *text =
	    nft("list", "chain", "inet", "trapline", "observe", NULL);

	return text != NULL && strstr(text, group) != NULL;
}

/* Two entries, one of them in an interval set, from an earlier run. */
static void
earlier_run(void)
{
	struct actuator *a = open_firewall(false, 0);

	hold(a, "192.0.2.1");
	hold(a, "10.0.0.0/9");
	ops->close(a);
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
a_start_leaves_an_earlier_run_as_it_is(void **state)
{
	struct actuator *a;
	char *before, *after;

	(void)state;
	earlier_run();
	before = table_text();
	a = open_firewall(true, 0);
	ops->close(a);
	after = table_text();
	assert_string_equal(before, after);
	free(before);
	free(after);
	assert_true(has_element("bruteforce_v4", "192.0.2.1"));
	assert_true(has_element("bruteforce_v4_other", "10.0.0.0/9"));
}

static void
a_start_on_nothing_makes_nothing(void **state)
{
	struct actuator *a = open_firewall(true, 0);

	(void)state;
	assert_null(nft("list", "table", "inet", "trapline", NULL, NULL));
	ops->close(a);
}

static void
sensors_get_their_log_rules(void **state)
{
	struct actuator *a;

	(void)state;
	earlier_run();
	a = open_firewall(true, 1);
	assert_true(has_log_rule("log group 7"));
	assert_false(has_log_rule("log group 8"));
	reconfigure(a, true, 2);
	assert_true(has_log_rule("log group 8"));
	assert_true(has_element("bruteforce_v4", "192.0.2.1"));
	ops->close(a);
}

static void
a_dormant_table_stays_dormant(void **state)
{
	struct actuator *a;
	char *text;

	(void)state;
	earlier_run();
	assert_non_null(nft("add", "table", "inet", "trapline",
	    "{ flags dormant; }", NULL));
	a = open_firewall(true, 1);
	text = table_text();
	assert_non_null(strstr(text, "dormant"));
	free(text);
	ops->close(a);
}

static void
coupling_makes_everything_and_knows_what_is_there(void **state)
{
	struct change c = {.kind = CHANGE_RELEASE};
	struct actuator *a;

	(void)state;
	earlier_run();
	a = open_firewall(true, 1);
	reconfigure(a, false, 1);
	hold(a, "192.0.2.2");
	assert_true(has_element("bruteforce_v4", "192.0.2.1"));
	assert_true(has_element("bruteforce_v4", "192.0.2.2"));
	/* Only who knows the interval can let it go. */
	assert_int_equal(prefix_parse("10.0.0.0/9", &c.prefix), 0);
	assert_int_equal(ops->apply(a, &c, 1), 1);
	assert_false(has_element("bruteforce_v4_other", "10.0.0.0/9"));
	assert_true(has_log_rule("log group 7"));
	assert_int_equal(ops->notice(a), 0);
	ops->close(a);
}

static void
coupling_on_nothing_makes_everything(void **state)
{
	struct actuator *a = open_firewall(true, 0);

	(void)state;
	reconfigure(a, false, 0);
	hold(a, "192.0.2.1");
	assert_true(has_element("bruteforce_v4", "192.0.2.1"));
	ops->close(a);
}

static void
readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 5000), 1);
}

static void
what_others_change_while_decoupled_stays_changed(void **state)
{
	struct actuator *a = open_firewall(false, 1);

	(void)state;
	hold(a, "192.0.2.1");
	reconfigure(a, true, 1);
	assert_non_null(
	    nft("flush", "chain", "inet", "trapline", "enforce", NULL));
	assert_non_null(
	    nft("delete", "chain", "inet", "trapline", "observe", NULL));
	readable(ops->fd(a));
	assert_int_equal(ops->notice(a), 1);
	assert_true(has_log_rule("log group 7"));
	assert_null(strstr(
	    nft("list", "chain", "inet", "trapline", "enforce", NULL), "drop"));
	reconfigure(a, false, 1);
	assert_non_null(strstr(
	    nft("list", "chain", "inet", "trapline", "enforce", NULL), "drop"));
	ops->close(a);
}

#define TEST(name) cmocka_unit_test_setup(name, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_start_leaves_an_earlier_run_as_it_is),
	    TEST(a_start_on_nothing_makes_nothing),
	    TEST(sensors_get_their_log_rules),
	    TEST(a_dormant_table_stays_dormant),
	    TEST(coupling_makes_everything_and_knows_what_is_there),
	    TEST(coupling_on_nothing_makes_everything),
	    TEST(what_others_change_while_decoupled_stays_changed),
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
