/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The store: what comes back, and what is refused and left as it is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "engine/store.h"
#include "engine/store_check.h"
#include "tests/unit/store_dir.h"

static struct store *
open_or_fail(void)
{
	char error[STORE_ERRLEN] = "";
	struct store *s = store_open(path, error);

	if (s == NULL)
		fail_msg("%s", error);
	return s;
}

static struct prefix
prefix_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static void
put(struct store *s, const char *table, const char *prefix, const char *by,
    int64_t expires_ms)
{
	struct store_hold hold = {.table = table,
	    .prefix = prefix_of(prefix),
	    .origin = ORIGIN_RULE,
	    .by = by,
	    .sensor = "nflog group 5",
	    .cause = "max-src-conn-rate 15/5",
	    .since = {1000},
	    .expires = {expires_ms},
	    .count = 16};

	assert_int_equal(store_put_hold(s, &hold), 0);
}

/* All that is in the store, as text in the store's order. */
struct listing {
	char text[2048];
};

static void
list_hold(void *arg, const struct store_hold *h)
{
	struct listing *l = arg;
	size_t used = strlen(l->text);
	char prefix[PREFIX_STRLEN];

	snprintf(l->text + used, sizeof(l->text) - used,
	    "%s %s %d %s %s %s %lld %lld %u\n", h->table,
	    prefix_format(&h->prefix, prefix, sizeof(prefix)), (int)h->origin,
	    h->by, h->sensor, h->cause, (long long)h->since.ms,
	    (long long)h->expires.ms, h->count);
}

static void
list_removal(void *arg, const char *table, const struct prefix *p)
{
	struct listing *l = arg;
	size_t used = strlen(l->text);
	char prefix[PREFIX_STRLEN];

	snprintf(l->text + used, sizeof(l->text) - used, "%s %s\n", table,
	    prefix_format(p, prefix, sizeof(prefix)));
}

static void
list_pardon(void *arg, const struct prefix *p, struct wall until)
{
	struct listing *l = arg;
	size_t used = strlen(l->text);
	char prefix[PREFIX_STRLEN];

	snprintf(l->text + used, sizeof(l->text) - used, "%s %lld\n",
	    prefix_format(p, prefix, sizeof(prefix)), (long long)until.ms);
}

static void
expect_holds(struct store *s, const char *want)
{
	struct listing l = {""};

	assert_int_equal(store_each_hold(s, list_hold, &l), 0);
	assert_string_equal(l.text, want);
}

static void
committed_holds_come_back_whole(void **state)
{
	struct store_hold h = {.table = "trapped",
	    .prefix = prefix_of("2001:db8::/64"),
	    .origin = ORIGIN_BGP,
	    .by = "rs1",
	    .sensor = "",
	    .cause = "feed",
	    .since = {5},
	    .expires = WALL_NEVER,
	    .count = UINT32_MAX};
	struct store *s = open_or_fail();

	(void)state;
	put(s, "bruteforce", "192.0.2.1", "line 3", 2000);
	put(s, "bruteforce", "192.0.2.1", "line 4", 3000);
	assert_int_equal(store_put_hold(s, &h), 0);
	assert_int_equal(store_commit(s), 0);
	store_close(s);
	s = open_or_fail();
	expect_holds(s,
	    "bruteforce 192.0.2.1 0 line 3 nflog group 5"
	    " max-src-conn-rate 15/5 1000 2000 16\n"
	    "bruteforce 192.0.2.1 0 line 4 nflog group 5"
	    " max-src-conn-rate 15/5 1000 3000 16\n"
	    "trapped 2001:db8::/64 2 rs1  feed 5 9223372036854775807"
	    " 4294967295\n");
	store_close(s);
}

static void
the_same_hold_is_replaced_and_a_deleted_one_is_gone(void **state)
{
	struct prefix p = prefix_of("192.0.2.1");
	struct store *s = open_or_fail();

	(void)state;
	put(s, "t", "192.0.2.1", "a", 2000);
	put(s, "t", "192.0.2.1", "b", 2000);
	put(s, "t", "192.0.2.1", "a", 7000);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_delete_hold(s, "t", &p, ORIGIN_RULE, "b"), 0);
	assert_int_equal(store_delete_hold(s, "t", &p, ORIGIN_BGP, "a"), 0);
	assert_int_equal(store_delete_hold(s, "no", &p, ORIGIN_RULE, "a"), 0);
	assert_int_equal(store_commit(s), 0);
	expect_holds(s, "t 192.0.2.1 0 a nflog group 5"
			" max-src-conn-rate 15/5 1000 7000 16\n");
	store_close(s);
}

static void
removals_pardons_and_the_clock_come_back(void **state)
{
	struct prefix a = prefix_of("192.0.2.1"), b = prefix_of("10.0.0.0/8");
	struct listing l = {""};
	struct store *s = open_or_fail();

	(void)state;
	assert_int_equal(store_get_clock(s).ms, 0);
	assert_int_equal(store_put_removal(s, "t", &a), 0);
	assert_int_equal(store_put_removal(s, "t", &b), 0);
	assert_int_equal(store_put_removal(s, "u", &b), 0);
	assert_int_equal(store_delete_removal(s, "t", &b), 0);
	assert_int_equal(store_put_pardon(s, &a, (struct wall){77}), 0);
	assert_int_equal(store_put_pardon(s, &b, (struct wall){78}), 0);
	assert_int_equal(store_put_pardon(s, &b, (struct wall){79}), 0);
	assert_int_equal(store_delete_pardon(s, &a), 0);
	assert_int_equal(store_put_clock(s, (struct wall){123456}), 0);
	store_close(s);
	s = open_or_fail();
	assert_int_equal(store_each_removal(s, list_removal, &l), 0);
	assert_int_equal(store_each_pardon(s, list_pardon, &l), 0);
	assert_string_equal(l.text,
	    "t 192.0.2.1\nu 10.0.0.0/8\n10.0.0.0/8 79\n");
	assert_int_equal(store_get_clock(s).ms, 123456);
	store_close(s);
}

static void
dirty_means_that_a_commit_is_due(void **state)
{
	struct store *s = open_or_fail();

	(void)state;
	assert_false(store_is_dirty(s));
	put(s, "t", "192.0.2.1", "a", 2000);
	assert_true(store_is_dirty(s));
	assert_int_equal(store_commit(s), 0);
	assert_false(store_is_dirty(s));
	store_close(s);
}

/* A file's bytes; its length is returned. */
static size_t
slurp(const char *name, uint8_t *out, size_t size)
{
	int fd = open(name, O_RDONLY);
	ssize_t n = read(fd, out, size);

	close(fd);
	assert_true(n >= 0);
	return (size_t)n;
}

/* What is at path must be refused with these words and stay as it is. */
static void
expect_refusal(const char *words)
{
	static uint8_t before[65536], after[65536];
	char error[STORE_ERRLEN] = "";
	size_t n = slurp(path, before, sizeof(before));

	if (store_open(path, error) != NULL)
		fail_msg("taken for a store; wanted: %s", words);
	if (strstr(error, words) == NULL || strstr(error, path) == NULL)
		fail_msg("said \"%s\", wanted: %s", error, words);
	assert_int_equal(slurp(path, after, sizeof(after)), n);
	assert_memory_equal(after, before, n);
}

static void
write_file(const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void
make_database(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
a_text_file_is_refused(void **state)
{
	(void)state;
	write_file("# a list of mine\n", 17);
	expect_refusal("not a trapline store");
}

static void
a_header_cut_short_is_refused(void **state)
{
	(void)state;
	write_file("SQLite format 3\0\x10\0", 18);
	expect_refusal("damaged");
}

static void
another_programs_database_is_refused(void **state)
{
	(void)state;
	make_database("CREATE TABLE t (a); INSERT INTO t VALUES (1);");
	expect_refusal("another program's database");
}

static void
a_newer_store_is_refused(void **state)
{
	store_close(open_or_fail());
	make_database("PRAGMA user_version = 2");
	expect_refusal("newer trapline");
	(void)state;
}

/* The newer version may stand in the log only, the file's header is older. */
static void
a_newer_store_that_was_killed_is_refused(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	store_close(open_or_fail());
	pid = fork();
	if (pid == 0) {
		sqlite3 *db;

		if (sqlite3_open(path, &db) != SQLITE_OK ||
		    sqlite3_exec(db,
			"PRAGMA locking_mode = EXCLUSIVE;"
			"PRAGMA user_version = 2",
			NULL, NULL, NULL) != SQLITE_OK)
			_exit(1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	expect_refusal("newer trapline");
}

static void
a_damaged_store_is_refused(void **state)
{
	struct store *s = open_or_fail();
	uint8_t junk[512];
	char prefix[32];
	struct stat st;
	int fd, i;

	(void)state;
	for (i = 0; i < 500; i++) {
		snprintf(prefix, sizeof(prefix), "10.0.%d.%d", i / 250,
		    i % 250);
		put(s, "t", prefix, "a", 2000);
	}
	store_close(s);
	memset(junk, 0x5a, sizeof(junk));
	fd = open(path, O_RDWR);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_size > 16384);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), st.st_size - 4096),
	    sizeof(junk));
	close(fd);
	expect_refusal("damaged");
}

static void
a_truncated_store_is_refused(void **state)
{
	struct store *s = open_or_fail();
	char prefix[32];
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		snprintf(prefix, sizeof(prefix), "10.0.0.%d", i);
		put(s, "t", prefix, "a", 2000);
	}
	store_close(s);
	assert_int_equal(truncate(path, 12288), 0);
	expect_refusal("damaged");
}

static void
a_directory_a_fifo_and_a_missing_directory_are_refused(void **state)
{
	char error[STORE_ERRLEN], missing[160];

	(void)state;
	assert_null(store_open(dir, error));
	assert_non_null(strstr(error, "Is a directory"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(store_open(path, error));
	assert_non_null(strstr(error, "not a regular file"));
	snprintf(missing, sizeof(missing), "%s/no/store.db", dir);
	assert_null(store_open(missing, error));
	assert_non_null(strstr(error, "No such file or directory"));
}

static void
an_unreadable_file_is_refused(void **state)
{
	char error[STORE_ERRLEN] = "";
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0) {
		printf("not root: cannot make a file that root cannot read\n");
		skip();
	}
	write_file("x", 1);
	assert_int_equal(chmod(dir, 0755), 0);
	pid = fork();
	if (pid == 0) {
		if (setgid(65534) == -1 || setuid(65534) == -1)
			_exit(2);
		_exit(store_open(path, error) != NULL ||
		      strstr(error, "Permission denied") == NULL);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

/* SQLite makes an empty file its own; so may we. */
static void
an_empty_file_becomes_a_store_for_its_owner_only(void **state)
{
	struct stat st;

	(void)state;
	store_close(open_or_fail());
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	unlink(path);
	write_file("", 0);
	store_close(open_or_fail());
}

static void
a_second_daemon_is_told_that_the_store_is_in_use(void **state)
{
	struct store *s = open_or_fail();
	char error[STORE_ERRLEN] = "";
	pid_t pid;
	int status;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(store_open(path, error) != NULL ||
		      strstr(error, "in use by another traplined") == NULL);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	put(s, "t", "192.0.2.1", "a", 2000);
	assert_int_equal(store_commit(s), 0);
	store_close(s);
}

static void
header_bytes_alone_decide(void **state)
{
	uint8_t h[100] = "SQLite format 3";

	(void)state;
	h[63] = STORE_VERSION;
	memcpy(h + 68, "trap", 4);
	assert_null(store_check_header(h, sizeof(h)));
	assert_non_null(store_check_header(h, 99));
	assert_non_null(store_check_header(h, 0));
	h[60] = 1;
	assert_non_null(strstr(store_check_header(h, sizeof(h)), "newer"));
	h[60] = h[63] = 0;
	assert_non_null(strstr(store_check_header(h, sizeof(h)), "damaged"));
	h[68] = 'T';
	assert_non_null(strstr(store_check_header(h, sizeof(h)), "another"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(committed_holds_come_back_whole),
	    TEST(the_same_hold_is_replaced_and_a_deleted_one_is_gone),
	    TEST(removals_pardons_and_the_clock_come_back),
	    TEST(dirty_means_that_a_commit_is_due),
	    TEST(a_text_file_is_refused),
	    TEST(a_header_cut_short_is_refused),
	    TEST(another_programs_database_is_refused),
	    TEST(a_newer_store_is_refused),
	    TEST(a_newer_store_that_was_killed_is_refused),
	    TEST(a_damaged_store_is_refused),
	    TEST(a_truncated_store_is_refused),
	    TEST(a_directory_a_fifo_and_a_missing_directory_are_refused),
	    TEST(an_unreadable_file_is_refused),
	    TEST(an_empty_file_becomes_a_store_for_its_owner_only),
	    TEST(a_second_daemon_is_told_that_the_store_is_in_use),
	    cmocka_unit_test(header_bytes_alone_decide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
