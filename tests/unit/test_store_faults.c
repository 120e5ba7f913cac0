/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* The store when things go wrong: kill -9, a full disk, a strict sandbox. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/store.h"
#include "tests/unit/store_dir.h"
#include "trapline_config.h"

#ifdef HAVE_LIBSECCOMP
#include <seccomp.h>
#endif

#define ROUNDS 30

static struct prefix
prefix_number(uint32_t i)
{
	uint8_t bytes[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
	    (uint8_t)i};
	struct addr addr = addr_from_ipv4(bytes);

	return prefix_host(&addr);
}

/* The i-th hold of every test here; its count tells i. */
static int
put_number(struct store *s, uint32_t i)
{
	struct store_hold h = {.table = "bruteforce",
	    .prefix = prefix_number(i),
	    .origin = ORIGIN_RULE,
	    .by = i % 2 == 0 ? "line 1" : "line 2",
	    .sensor = "nflog group 5",
	    .cause = "max-src-conn-rate 15/5",
	    .since = {1},
	    .expires = {1000 + (int64_t)i},
	    .count = i};

	return store_put_hold(s, &h);
}

/* Which of the numbered holds are there, and how many in all. */
struct seen {
	uint8_t have[65536];
	size_t count;
};

static void
see(void *arg, const struct store_hold *h)
{
	struct seen *seen = arg;
	struct prefix want = prefix_number(h->count);

	assert_true(h->count < sizeof(seen->have));
	assert_true(prefix_equal(&want, &h->prefix));
	seen->have[h->count] = 1;
	seen->count++;
}

/* All numbered holds below n are in the store; how many there are. */
static size_t
expect_first(uint32_t n)
{
	static struct seen seen;
	char error[STORE_ERRLEN] = "";
	struct store *s = store_open(path, error);
	uint32_t i;

	if (s == NULL)
		fail_msg("%s", error);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(store_each_hold(s, see, &seen), 0);
	for (i = 0; i < n; i++) {
		if (!seen.have[i])
			fail_msg("hold %u of %u acknowledged is lost", i, n);
	}
	store_close(s);
	return seen.count;
}

/* Commits one hold at a time, tells each on the pipe, until it is killed. */
static void
write_until_killed(uint32_t first, int fd)
{
	char error[STORE_ERRLEN] = "";
	struct store *s = store_open(path, error);
	uint32_t i;

	for (i = first; s != NULL; i++) {
		if (put_number(s, i) == -1 || store_commit(s) == -1 ||
		    write(fd, &i, sizeof(i)) != sizeof(i))
			break;
	}
	fprintf(stderr, "writer: %s%s\n", error, s ? store_error(s) : "");
	_exit(1);
}

/* Kills a writer after some acknowledgements; returns the next number. */
static uint32_t
kill_one_writer(uint32_t first, unsigned int acks)
{
	uint32_t next = first, i;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		write_until_killed(first, fds[1]);
	}
	close(fds[1]);
	while (read(fds[0], &i, sizeof(i)) == sizeof(i)) {
		assert_int_equal(i, next);
		next = i + 1;
		/* What is in the pipe still was acknowledged, too. */
		if (next == first + acks)
			kill(pid, SIGKILL);
	}
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return next;
}

static void
nothing_acknowledged_is_lost_by_kill_9(void **state)
{
	unsigned int seed = (unsigned int)getpid();
	uint32_t next = 0;
	size_t count;
	int round;

	(void)state;
	printf("seed %u\n", seed);
	srand(seed);
	for (round = 0; round < ROUNDS; round++) {
		next = kill_one_writer(next, 1 + (unsigned int)rand() % 40);
		count = expect_first(next);
		/* One more may have been committed and not been told yet. */
		assert_in_range(count, next, next + 1);
	}
	printf("%u acknowledged in %d rounds\n", next, ROUNDS);
}

static void
without_a_commit_nothing_is_in_the_file(void **state)
{
	char error[STORE_ERRLEN];
	struct store *s;
	pid_t pid;
	int status;

	(void)state;
	pid = fork();
	if (pid == 0) {
		s = store_open(path, error);
		_exit(s == NULL || put_number(s, 0) == -1 ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(expect_first(0), 0);
}

/*
 * Puts and commits until a commit fails; returns how many were put.  All of
 * them are still to be committed, or are.
 */
static uint32_t
fill(struct store *s, uint32_t first)
{
	uint32_t i = first;

	do {
		if (i >= first + 60000)
			fail_msg("the disk never got full");
		assert_int_equal(put_number(s, i), 0);
		i++;
	} while (i % 200 != 0 || store_commit(s) == 0);
	return i;
}

static void
a_refused_write_is_made_again_by_the_next_commit(void **state)
{
	struct rlimit old, small = {300 * 1024, RLIM_INFINITY};
	char error[STORE_ERRLEN] = "";
	struct store *s = store_open(path, error);
	uint32_t n;

	(void)state;
	assert_non_null(s);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	n = fill(s, 0);
	assert_true(store_is_dirty(s));
	assert_non_null(strstr(store_error(s), path));
	assert_int_equal(put_number(s, n), 0);
	assert_int_equal(store_commit(s), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(store_commit(s), 0);
	assert_false(store_is_dirty(s));
	store_close(s);
	assert_int_equal(expect_first(n + 1), n + 1);
}

/* Runs in a child with a mount namespace of its own; 77: cannot be had. */
static int
fill_a_small_disk(void)
{
	char error[STORE_ERRLEN] = "";
	struct store *s;
	uint32_t n;

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=1m") == -1) {
		printf("no mount namespace of one's own: %s\n",
		    strerror(errno));
		return 77;
	}
	s = store_open(path, error);
	if (s == NULL)
		return 1;
	n = fill(s, 0);
	if (strstr(store_error(s), "full") == NULL)
		return 2;
	if (put_number(s, n) == -1 || store_commit(s) == 0)
		return 3;
	if (mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=64m") == -1)
		return 4;
	if (store_commit(s) == -1 || store_is_dirty(s))
		return 5;
	store_close(s);
	return expect_first(n + 1) == n + 1 ? 0 : 6;
}

static void
a_full_disk_loses_nothing(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		status = fill_a_small_disk();
		fflush(stdout);
		_exit(status);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

#ifdef HAVE_LIBSECCOMP
static const int forbidden[] = {SCMP_SYS(open), SCMP_SYS(openat),
    SCMP_SYS(creat), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename),
    SCMP_SYS(socket), SCMP_SYS(execve)};

/* All that the daemon does with a store, with no file to be opened. */
static int
work_without_opening(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	struct prefix p = prefix_number(1);
	char error[STORE_ERRLEN] = "";
	struct store *s = store_open(path, error);
	static struct seen seen;
	uint32_t i;
	size_t k;

	if (s == NULL || ctx == NULL)
		return 1;
	for (k = 0; k < sizeof(forbidden) / sizeof(forbidden[0]); k++) {
		if (seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, forbidden[k],
			0) < 0)
			return 2;
	}
	if (seccomp_load(ctx) < 0)
		return 3;
	/* Enough for several automatic checkpoints (1,000 pages each). */
	for (i = 0; i < 10000; i++) {
		if (put_number(s, i * 7919 % 10000) == -1 ||
		    (i % 10 == 0 && store_commit(s) == -1))
			return 4;
	}
	if (store_delete_hold(s, "bruteforce", &p, ORIGIN_RULE, "line 2") ==
		-1 ||
	    store_put_removal(s, "bruteforce", &p) == -1 ||
	    store_put_pardon(s, &p, WALL_NEVER) == -1 ||
	    store_put_clock(s, (struct wall){9}) == -1 ||
	    store_commit(s) == -1 || store_each_hold(s, see, &seen) == -1)
		return 5;
	store_close(s);
	return seen.count == 9999 ? 0 : 6;
}
#endif

static void
after_opening_no_file_is_opened_or_unlinked(void **state)
{
	(void)state;
#ifdef HAVE_LIBSECCOMP
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(work_without_opening());
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	/* Twice: the second time the files are there already. */
	pid = fork();
	if (pid == 0)
		_exit(work_without_opening());
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
#else
	printf("built without libseccomp: opening cannot be forbidden\n");
	skip();
#endif
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_acknowledged_is_lost_by_kill_9),
	    TEST(without_a_commit_nothing_is_in_the_file),
	    TEST(a_refused_write_is_made_again_by_the_next_commit),
	    TEST(a_full_disk_loses_nothing),
	    TEST(after_opening_no_file_is_opened_or_unlinked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
