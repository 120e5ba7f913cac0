/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Giving up root, each time in a child; needs root to have it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/privdrop.h"

#define USER "nobody"

static char dir[64];

static void
skip_unless_root(void)
{
	if (geteuid() == 0 && getpwnam(USER) != NULL)
		return;
	printf("not root, or no user %s: nothing can be given up\n", USER);
	skip();
}

/*
 * Runs privdrop() and then the check in a child.  Its exit status; what it
 * said is in said.
 */
static int
status_of(const char *user, const char *where, int (*check)(void), char *said,
    size_t size)
{
	size_t used = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		privdrop(user, where);
		_exit(check());
	}
	close(fds[1]);
	while ((n = read(fds[0], said + used, size - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = '\0';
	close(fds[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
expect_done(const char *where, int (*check)(void))
{
	char said[1024];
	int status = status_of(USER, where, check, said, sizeof(said));

	if (status != 0)
		fail_msg("status %d, said: %s", status, said);
}

static void
expect_refusal(const char *user, const char *where, const char *words)
{
	char said[1024];
	int status = status_of(user, where, NULL, said, sizeof(said));

	assert_int_equal(status, 1);
	if (strstr(said, words) == NULL)
		fail_msg("said \"%s\", wanted: %s", said, words);
}

static int
nothing_of_root_is_left(void)
{
	struct rlimit core;
	gid_t groups[8];
	int n = getgroups(8, groups);

	if (getuid() == 0 || geteuid() == 0 || getgid() == 0)
		return 2;
	if (n != 1 || groups[0] != getgid())
		return 3;
	if (setuid(0) != -1 || setgid(0) != -1 || chroot("/") != -1)
		return 4;
	if (getrlimit(RLIMIT_CORE, &core) == -1 || core.rlim_max != 0)
		return 5;
	return 0;
}

static int
only_the_mark_is_seen(void)
{
	char cwd[64] = "";

	if (getcwd(cwd, sizeof(cwd)) == NULL || strcmp(cwd, "/") != 0)
		return 2;
	if (access("/mark", F_OK) == -1 || access("mark", F_OK) == -1)
		return 3;
	return access("/etc", F_OK) == 0 ? 4 : 0;
}

static int
nothing_is_there_and_nothing_can_be_made(void)
{
	if (access("/etc", F_OK) == 0 || access("/proc", F_OK) == 0)
		return 2;
	if (open("/x", O_WRONLY | O_CREAT, 0600) != -1)
		return 3;
	return mkdir("x", 0700) != -1 ? 4 : 0;
}

static void
root_is_gone_for_good(void **state)
{
	(void)state;
	skip_unless_root();
	expect_done(NULL, nothing_of_root_is_left);
}

static void
the_given_directory_becomes_the_root(void **state)
{
	char mark[80];

	(void)state;
	skip_unless_root();
	snprintf(dir, sizeof(dir), "/tmp/trapline-root-%ld", (long)getpid());
	snprintf(mark, sizeof(mark), "%s/mark", dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(mkdir(mark, 0755), 0);
	expect_done(dir, only_the_mark_is_seen);
	rmdir(mark);
	rmdir(dir);
}

static void
without_a_directory_the_place_is_empty(void **state)
{
	(void)state;
	skip_unless_root();
	expect_done(NULL, nothing_is_there_and_nothing_can_be_made);
}

static void
a_missing_user_is_told_with_what_to_type(void **state)
{
	(void)state;
	expect_refusal("_no_such_user", NULL, "user _no_such_user does not");
	expect_refusal("_no_such_user", NULL, "useradd ");
}

static void
root_is_no_user_to_become(void **state)
{
	(void)state;
	expect_refusal("root", NULL, "root's user or group number");
}

static void
a_missing_directory_is_named(void **state)
{
	(void)state;
	skip_unless_root();
	expect_refusal(USER, "/nonexistent/state", "/nonexistent/state");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(root_is_gone_for_good),
	    cmocka_unit_test(the_given_directory_becomes_the_root),
	    cmocka_unit_test(without_a_directory_the_place_is_empty),
	    cmocka_unit_test(a_missing_user_is_told_with_what_to_type),
	    cmocka_unit_test(root_is_no_user_to_become),
	    cmocka_unit_test(a_missing_directory_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
