/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What may be reported when: never before it is on the disk, all of it once it
 * is, in the order of the decisions, whatever the store says meanwhile.  The
 * store here is a stand-in that can be told to fail.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/journal.h"
#include "engine/names.h"
#include "engine/store.h"

#define LINES_MAX 64
#define LINE_MAX  80

struct store {
	size_t refuse_from; /* this write and later ones; 0: none */
	bool refuses_commit;
	size_t nwrites, ncommits;
	char writes[LINES_MAX][LINE_MAX];
};

static struct store disk;
static struct names *names;
static struct journal *journal;
static size_t nreports;
static char reports[LINES_MAX][LINE_MAX];
static size_t commits_before_report;

static int
take(const char *what, const char *table, const struct prefix *prefix,
    const char *more)
{
	char text[PREFIX_STRLEN] = "";

	if (disk.refuse_from != 0 && disk.nwrites + 1 >= disk.refuse_from)
		return -1;
	assert_true(disk.nwrites < LINES_MAX);
	if (prefix != NULL)
		prefix_format(prefix, text, sizeof(text));
	snprintf(disk.writes[disk.nwrites++], LINE_MAX, "%s %s %s %s", what,
	    table, text, more);
	return 0;
}

int
store_put_hold(struct store *s, const struct store_hold *hold)
{
	(void)s;
	return take("hold", hold->table, &hold->prefix, hold->by);
}

int
store_delete_hold(struct store *s, const char *table,
    const struct prefix *prefix, enum origin origin, const char *by)
{
	(void)s;
	(void)origin;
	return take("unhold", table, prefix, by);
}

int
store_put_removal(struct store *s, const char *table,
    const struct prefix *prefix)
{
	(void)s;
	return take("removal", table, prefix, "");
}

int
store_delete_removal(struct store *s, const char *table,
    const struct prefix *prefix)
{
	(void)s;
	return take("removed", table, prefix, "");
}

int
store_put_pardon(struct store *s, const struct prefix *prefix,
    struct wall until)
{
	(void)s;
	(void)until;
	return take("pardon", "", prefix, "");
}

int
store_delete_pardon(struct store *s, const struct prefix *prefix)
{
	(void)s;
	return take("pardon ended", "", prefix, "");
}

int
store_put_clock(struct store *s, struct wall now)
{
	(void)s;
	(void)now;
	return take("clock", "", NULL, "");
}

int
store_commit(struct store *s)
{
	if (s->refuses_commit)
		return -1;
	s->ncommits++;
	return 0;
}

static void
report(void *arg, const struct decision *decision)
{
	assert_ptr_equal(arg, &disk);
	assert_true(nreports < LINES_MAX);
	commits_before_report = disk.ncommits;
	snprintf(reports[nreports++], LINE_MAX, "%s", decision->cause);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&disk, 0, sizeof(disk));
	nreports = commits_before_report = 0;
	names = names_new();
	journal = journal_new(&disk, names, report, &disk);
	return names == NULL || journal == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	journal_free(journal);
	names_free(names);
	return 0;
}

static struct prefix
host(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

static void
decide(const char *cause)
{
	struct decision decision = {.cause = cause};

	journal_decision(journal, &decision);
}

static void
hold(const char *text, const char *by)
{
	struct prefix prefix = host(text);
	struct hold hold = {.by = names_intern(names, by)};

	journal_hold(journal, "bad", &prefix, &hold);
}

static void
expect_writes(size_t n, const char *const *want)
{
	size_t i;

	assert_int_equal(disk.nwrites, n);
	for (i = 0; i < n; i++)
		assert_string_equal(disk.writes[i], want[i]);
}

static void
nothing_is_written_or_reported_before_the_commit(void **state)
{
	(void)state;
	hold("192.0.2.1", "ssh");
	decide("first");
	assert_int_equal(journal_pending(journal), 2);
	assert_int_equal(disk.nwrites, 0);
	assert_int_equal(nreports, 0);
	assert_int_equal(journal_commit(journal), 0);
	assert_int_equal(nreports, 1);
	assert_int_equal(commits_before_report, 1);
	assert_int_equal(journal_pending(journal), 0);
}

static void
the_order_of_events_is_kept(void **state)
{
	static const char *const want[] = {"hold bad 192.0.2.1 ssh",
	    "removal bad 192.0.2.1 ", "unhold bad 192.0.2.1 ssh",
	    "removed bad 192.0.2.1 ", "pardon  192.0.2.1 ",
	    "pardon ended  192.0.2.1 ", "clock   ",
	    "hold bad 192.0.2.1 telnet"};
	struct prefix prefix = host("192.0.2.1");

	(void)state;
	hold("192.0.2.1", "ssh");
	journal_removal(journal, "bad", &prefix);
	journal_unhold(journal, "bad", &prefix, ORIGIN_RULE,
	    names_intern(names, "ssh"));
	journal_removed(journal, "bad", &prefix);
	journal_pardon(journal, &prefix, (struct wall){1});
	journal_pardon(journal, &prefix, (struct wall){0});
	journal_clock(journal, (struct wall){1});
	hold("192.0.2.1", "telnet");
	assert_int_equal(journal_commit(journal), 0);
	expect_writes(sizeof(want) / sizeof(want[0]), want);
}

static void
a_refused_commit_reports_nothing_and_keeps_everything(void **state)
{
	(void)state;
	hold("192.0.2.1", "ssh");
	decide("first");
	disk.refuses_commit = true;
	assert_int_equal(journal_commit(journal), -1);
	assert_int_equal(journal_commit(journal), -1);
	hold("192.0.2.2", "ssh");
	decide("second");
	assert_int_equal(journal_commit(journal), -1);
	assert_int_equal(nreports, 0);
	disk.refuses_commit = false;
	assert_int_equal(journal_commit(journal), 0);
	/* What the store took once it is not handed again. */
	assert_int_equal(disk.nwrites, 2);
	assert_int_equal(nreports, 2);
	assert_string_equal(reports[0], "first");
	assert_string_equal(reports[1], "second");
	assert_int_equal(journal_commit(journal), 0);
	assert_int_equal(nreports, 2);
}

static void
a_refused_write_stops_there_and_goes_on_there(void **state)
{
	static const char *const want[] = {"hold bad 192.0.2.1 ssh",
	    "hold bad 192.0.2.2 ssh", "hold bad 192.0.2.3 ssh"};

	(void)state;
	hold("192.0.2.1", "ssh");
	hold("192.0.2.2", "ssh");
	hold("192.0.2.3", "ssh");
	decide("first");
	disk.refuse_from = 2;
	assert_int_equal(journal_commit(journal), -1);
	assert_int_equal(disk.nwrites, 1);
	assert_int_equal(disk.ncommits, 0);
	assert_int_equal(nreports, 0);
	disk.refuse_from = 0;
	assert_int_equal(journal_commit(journal), 0);
	expect_writes(3, want);
	assert_int_equal(nreports, 1);
}

static void
a_burst_stays_pending_whole(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 1000; i++)
		decide("again");
	assert_int_equal(journal_pending(journal), 1000);
	disk.refuses_commit = true;
	assert_int_equal(journal_commit(journal), -1);
	assert_int_equal(journal_pending(journal), 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		nothing_is_written_or_reported_before_the_commit, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(the_order_of_events_is_kept, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		a_refused_commit_reports_nothing_and_keeps_everything, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		a_refused_write_stops_there_and_goes_on_there, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(a_burst_stays_pending_whole, set_up,
		tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
