/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The automatic members of "never": sessions from made-up files, addresses
 * and routes from a network namespace of the test's own.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utmpx.h>

#include "engine/hostaddrs.h"

#define SKIPPED 77

static char dir[64], utmp[96], sessions[96];
static const struct hostaddrs_paths paths = {utmp, sessions};

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/trapline-hosts-%ld", (long)getpid());
	snprintf(utmp, sizeof(utmp), "%s/utmp", dir);
	snprintf(sessions, sizeof(sessions), "%s/sessions", dir);
	return mkdir(dir, 0700) == -1 ? -1 : mkdir(sessions, 0700);
}

static void
remove_session(const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", sessions, name);
	unlink(path);
}

static int
remove_dir(void **state)
{
	(void)state;
	remove_session("1");
	remove_session("2");
	remove_session("3");
	remove_session("4.ref");
	rmdir(sessions);
	unlink(utmp);
	return rmdir(dir);
}

/* What was visited, one line each. */
struct listing {
	char text[16384];
};

static void
list(void *arg, const struct prefix *p, const char *why)
{
	struct listing *l = arg;
	size_t used = strlen(l->text);
	char text[PREFIX_STRLEN];

	snprintf(l->text + used, sizeof(l->text) - used, "%s %s\n",
	    prefix_format(p, text, sizeof(text)), why);
}

static bool
has_line(const struct listing *l, const char *line)
{
	const char *at = strstr(l->text, line);
	size_t len = strlen(line);

	while (at != NULL &&
	       ((at != l->text && at[-1] != '\n') || at[len] != '\n'))
		at = strstr(at + 1, line);
	return at != NULL;
}

static struct listing
gather(void)
{
	struct listing l = {""};

	if (hostaddrs_gather(&paths, list, &l) == -1)
		fail_msg("gather: %s", strerror(errno));
	return l;
}

static void
expect_line(const struct listing *l, const char *line)
{
	if (!has_line(l, line))
		fail_msg("no \"%s\" among:\n%s", line, l->text);
}

static void
login(short type, const char *host, const char *address)
{
	struct utmpx u = {.ut_type = type};
	int fd = open(utmp, O_WRONLY | O_CREAT | O_APPEND, 0600);

	/* A host that fills its field has no NUL behind it. */
	memcpy(u.ut_host, host, strnlen(host, sizeof(u.ut_host)));
	if (inet_pton(AF_INET, address, u.ut_addr_v6) != 1)
		inet_pton(AF_INET6, address, u.ut_addr_v6);
	assert_int_equal(write(fd, &u, sizeof(u)), sizeof(u));
	close(fd);
}

static void
write_session(const char *name, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", sessions, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
loopback_and_unspecified_are_always_members(void **state)
{
	struct listing l = gather();

	(void)state;
	expect_line(&l, "127.0.0.0/8 loopback");
	expect_line(&l, "::1 loopback");
	expect_line(&l, "0.0.0.0 unspecified address");
	expect_line(&l, ":: unspecified address");
	assert_null(strstr(l.text, "login session"));
}

static void
utmp_names_the_far_ends_of_logins(void **state)
{
	struct listing l;

	(void)state;
	login(USER_PROCESS, "admin.example.org", "192.0.2.7");
	login(USER_PROCESS, "host6.example.org", "2001:db8::7");
	login(USER_PROCESS, "192.0.2.8", "");
	login(USER_PROCESS, "192.0.2.9:S.0", "");
	login(USER_PROCESS, "2001:db8::9 via mosh [17]", "");
	login(USER_PROCESS, "fe80::9%eth0", "");
	l = gather();
	expect_line(&l, "192.0.2.7 login session");
	expect_line(&l, "2001:db8::7 login session");
	expect_line(&l, "192.0.2.8 login session");
	expect_line(&l, "192.0.2.9 login session");
	expect_line(&l, "2001:db8::9 login session");
	expect_line(&l, "fe80::9 login session");
}

static void
who_left_and_who_sits_here_is_no_member(void **state)
{
	char long_host[300];
	struct listing l;

	(void)state;
	memset(long_host, '1', sizeof(long_host));
	long_host[sizeof(long_host) - 1] = '\0';
	login(DEAD_PROCESS, "192.0.2.7", "192.0.2.7");
	login(USER_PROCESS, "", "");
	login(USER_PROCESS, "tmux(311).%0", "");
	login(USER_PROCESS, ":0", "");
	login(USER_PROCESS, long_host, "");
	l = gather();
	assert_null(strstr(l.text, "login session"));
}

static void
a_utmp_cut_short_is_read_as_far_as_it_goes(void **state)
{
	struct listing l;

	(void)state;
	login(USER_PROCESS, "192.0.2.8", "");
	login(USER_PROCESS, "192.0.2.9", "");
	assert_int_equal(truncate(utmp, 2 * sizeof(struct utmpx) - 1), 0);
	l = gather();
	expect_line(&l, "192.0.2.8 login session");
	assert_false(has_line(&l, "192.0.2.9 login session"));
}

static void
session_files_name_far_ends_too(void **state)
{
	char fifo[160];
	struct listing l;

	(void)state;
	write_session("1", "UID=0\nREMOTE=1\nREMOTE_HOST=198.51.100.4\n");
	write_session("2", "REMOTE_HOST=2001:db8::5");
	write_session("3",
	    "REMOTE_HOST=a.example.org\nX_REMOTE_HOST=10.9.9.9\n");
	snprintf(fifo, sizeof(fifo), "%s/4.ref", sessions);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	l = gather();
	expect_line(&l, "198.51.100.4 login session");
	expect_line(&l, "2001:db8::5 login session");
	assert_null(strstr(l.text, "10.9.9.9"));
}

static void
what_cannot_be_read_is_told_and_the_rest_is_visited(void **state)
{
	struct hostaddrs_paths wrong = {utmp, utmp};
	struct listing l = {""};

	(void)state;
	login(USER_PROCESS, "192.0.2.8", "");
	assert_int_equal(hostaddrs_gather(&wrong, list, &l), -1);
	assert_int_equal(errno, ENOTDIR);
	expect_line(&l, "127.0.0.0/8 loopback");
	expect_line(&l, "192.0.2.8 login session");
}

static const struct mono noon = {INT64_C(1000000000000)};

static void
logins_are_noticed_once(void **state)
{
	struct hostaddrs_watch *w;

	(void)state;
	w = hostaddrs_watch_new(&paths);
	assert_non_null(w);
	hostaddrs_changed(w, noon);
	assert_false(hostaddrs_changed(w, noon));
	login(USER_PROCESS, "192.0.2.8", "");
	assert_true(hostaddrs_changed(w, noon));
	assert_false(hostaddrs_changed(w, noon));
	write_session("1", "REMOTE_HOST=192.0.2.1\n");
	assert_true(hostaddrs_changed(w, noon));
	assert_false(hostaddrs_changed(w, noon));
	unlink(utmp);
	assert_true(hostaddrs_changed(w, noon));
	hostaddrs_watch_free(w);
	hostaddrs_watch_free(NULL);
}

/* Runs ip(8) with the words of the line; its exit status. */
static int
ip(const char *line)
{
	char copy[160], *argv[24], *rest = copy;
	size_t n = 1;
	int status;
	pid_t pid;

	snprintf(copy, sizeof(copy), "%s", line);
	argv[0] = copy + strlen(copy);
	while (n < 23 && (argv[n] = strsep(&rest, " ")) != NULL)
		n++;
	argv[n] = NULL;
	pid = fork();
	if (pid == 0) {
		execvp("ip", argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A namespace with addresses, gateways of both families, several paths. */
static const char *
make_network(void)
{
	static const char *const lines[] = {
	    "link add t0 type veth peer name t1",
	    /* Else addresses of the kernel's own making come and go. */
	    "link set t0 addrgenmode none",
	    "link set t1 addrgenmode none",
	    "addr add 192.0.2.10/24 dev t0",
	    "link set t0 up",
	    "link set t1 up",
	    "-6 addr add 2001:db8::10/64 dev t0 nodad",
	    "route add default via 192.0.2.1",
	    "route add 198.51.100.0/24 nexthop via 192.0.2.2"
	    " nexthop via 192.0.2.3",
	    "-6 route add default via fe80::1 dev t0",
	    "-6 route add 2001:db8:1::/48 nexthop via fe80::2 dev t0"
	    " nexthop via 2001:db8::3 dev t0",
	    "route add 203.0.113.0/24 via inet6 fe80::4 dev t0",
	    "route add 203.0.113.128/25 via 192.0.2.5 table 77",
	};
	size_t i;

	if (unshare(CLONE_NEWNET) == -1)
		return strerror(errno);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (ip(lines[i]) != 0)
			return lines[i];
	}
	return NULL;
}

/* The child's part: as its exit status. */
static int
in_network(int (*check)(void))
{
	const char *trouble = make_network();

	if (trouble != NULL) {
		printf("no network namespace: %s\n", trouble);
		fflush(stdout);
		return SKIPPED;
	}
	return check();
}

static void
run_in_network(int (*check)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(in_network(check));
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

static int
check_members(void)
{
	static const char *const want[] = {"192.0.2.10 own address",
	    "2001:db8::10 own address", "192.0.2.1 gateway",
	    "192.0.2.2 gateway", "192.0.2.3 gateway", "fe80::1 gateway",
	    "fe80::2 gateway", "2001:db8::3 gateway", "fe80::4 gateway",
	    "192.0.2.5 gateway"};
	struct listing l = {""};
	int missing = 0;
	size_t i;

	if (hostaddrs_gather(&paths, list, &l) == -1)
		return 1;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		if (has_line(&l, want[i]))
			continue;
		printf("no \"%s\" among:\n%s", want[i], l.text);
		fflush(stdout);
		missing++;
	}
	return missing == 0 ? 0 : 2;
}

static void
addresses_and_next_hops_are_members(void **state)
{
	(void)state;
	run_in_network(check_members);
}

static int
check_watch(void)
{
	struct mono later = {noon.ns + INT64_C(30000000000)};
	struct hostaddrs_watch *w = hostaddrs_watch_new(&paths);

	if (w == NULL || hostaddrs_changed(w, noon))
		return 1;
	if (ip("addr add 192.0.2.11/24 dev t0") != 0 ||
	    !hostaddrs_changed(w, noon) || hostaddrs_changed(w, noon))
		return 2;
	/* A first change of routes came with the address, so this one waits. */
	if (ip("route add 10.0.0.0/8 via 192.0.2.6") != 0 ||
	    hostaddrs_changed(w, noon))
		return 3;
	if (!hostaddrs_changed(w, later) || hostaddrs_changed(w, later))
		return 4;
	if (ip("addr del 192.0.2.11/24 dev t0") != 0 ||
	    !hostaddrs_changed(w, later))
		return 5;
	hostaddrs_watch_free(w);
	return 0;
}

static void
addresses_are_noticed_at_once_and_routes_soon(void **state)
{
	(void)state;
	run_in_network(check_watch);
}

/* A full routing table: few next hops however many routes. */
static int
check_many_routes(void)
{
	static struct listing l;
	char line[160];
	int fds[2], i;
	pid_t pid;

	if (pipe(fds) == -1 || (pid = fork()) == -1)
		return 1;
	if (pid == 0) {
		dup2(fds[0], STDIN_FILENO);
		close(fds[1]);
		execlp("ip", "ip", "-batch", "-", (char *)NULL);
		_exit(127);
	}
	for (i = 0; i < 20000; i++) {
		snprintf(line, sizeof(line),
		    "route add 10.%d.%d.0/24 via 192.0.2.%d\n", i / 256,
		    i % 256, 20 + i % 3);
		if (write(fds[1], line, strlen(line)) == -1)
			return 2;
	}
	close(fds[1]);
	waitpid(pid, &i, 0);
	if (i != 0 || hostaddrs_gather(&paths, list, &l) == -1)
		return 3;
	return strlen(l.text) < sizeof(l.text) / 4 &&
		       has_line(&l, "192.0.2.22 gateway")
		   ? 0
		   : 4;
}

static void
many_routes_report_their_next_hops_a_few_times(void **state)
{
	(void)state;
	run_in_network(check_many_routes);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(loopback_and_unspecified_are_always_members),
	    TEST(utmp_names_the_far_ends_of_logins),
	    TEST(who_left_and_who_sits_here_is_no_member),
	    TEST(a_utmp_cut_short_is_read_as_far_as_it_goes),
	    TEST(session_files_name_far_ends_too),
	    TEST(what_cannot_be_read_is_told_and_the_rest_is_visited),
	    TEST(logins_are_noticed_once),
	    TEST(addresses_and_next_hops_are_members),
	    TEST(addresses_are_noticed_at_once_and_routes_soon),
	    TEST(many_routes_report_their_next_hops_a_few_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
