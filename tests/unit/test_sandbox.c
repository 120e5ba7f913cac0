/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The sandbox: what is forbidden kills, one child for each attempt; what a
 * process of ours does all day goes on.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "trapline_config.h"

#ifdef HAVE_LIBSECCOMP

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/landlock.h"
#include "engine/sandbox.h"
#include "engine/store.h"

static char dir[64];
/* Opened before the sandbox, used inside. */
static int unconnected;

static void
try_open(void)
{
	/* glibc's open() is openat(). */
	syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
}

static void
try_old_open(void)
{
#ifdef SYS_open
	syscall(SYS_open, "/dev/null", O_RDONLY);
#else
	try_open();
#endif
}

static void
try_make_file(void)
{
	syscall(SYS_openat, AT_FDCWD, "/tmp/x", O_WRONLY | O_CREAT, 0600);
}

static void
try_unlink(void)
{
	syscall(SYS_unlinkat, AT_FDCWD, "/nonexistent", 0);
}

static void
try_tcp_socket(void)
{
	syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static void
try_netlink_socket(void)
{
	syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0);
}

static void
try_connect(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = 1};

	syscall(SYS_connect, unconnected, &sin, sizeof(sin));
}

static void
try_bind(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};

	syscall(SYS_bind, unconnected, &sin, sizeof(sin));
}

static void
try_execve(void)
{
	syscall(SYS_execve, "/bin/true", NULL, NULL);
}

static void
try_fork(void)
{
	syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
}

static void
try_ptrace(void)
{
	syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL);
}

static void
try_kill_parent(void)
{
	syscall(SYS_kill, getppid(), 0);
}

static void
try_tgkill_parent(void)
{
	syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static void
try_executable_memory(void)
{
	syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
try_mount(void)
{
	syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL);
}

static void
try_tty_injection(void)
{
	/* TIOCSTI: types into the operator's terminal. */
	syscall(SYS_ioctl, STDIN_FILENO, 0x5412, "x");
}

/* How a child ends that enters the sandbox and does this. */
static int
status_of(enum sandbox_profile profile, void (*attempt)(void))
{
	const struct rlimit none = {0, 0};
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		sandbox_enter(profile);
		attempt();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void
expect_all_killed(enum sandbox_profile profile)
{
	static const struct {
		const char *name;
		void (*attempt)(void);
	} attempts[] = {
	    {"openat", try_open},
	    {"open", try_old_open},
	    {"create", try_make_file},
	    {"unlink", try_unlink},
	    {"TCP socket", try_tcp_socket},
	    {"netlink socket", try_netlink_socket},
	    {"connect", try_connect},
	    {"bind", try_bind},
	    {"execve", try_execve},
	    {"fork", try_fork},
	    {"ptrace", try_ptrace},
	    {"kill", try_kill_parent},
	    {"tgkill", try_tgkill_parent},
	    {"executable memory", try_executable_memory},
	    {"mount", try_mount},
	    {"terminal injection", try_tty_injection},
	};
	size_t i;
	int status;

	for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		status = status_of(profile, attempts[i].attempt);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: not killed by SIGSYS, status %#x",
			    attempts[i].name, status);
	}
}

static void
what_a_sensor_has_no_business_with_kills_it(void **state)
{
	(void)state;
	expect_all_killed(SANDBOX_SENSOR);
}

static void
what_the_engine_has_no_business_with_kills_it(void **state)
{
	(void)state;
	expect_all_killed(SANDBOX_ENGINE);
}

static void
what_the_resolver_has_no_business_with_kills_it(void **state)
{
	(void)state;
	expect_all_killed(SANDBOX_RESOLVER);
}

static void
try_ping_socket(void)
{
	syscall(SYS_socket, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

static void
try_raw_socket(void)
{
	syscall(SYS_socket, AF_INET, SOCK_RAW, 0);
}

static void
try_unix_socket(void)
{
	syscall(SYS_socket, AF_UNIX, SOCK_DGRAM, 0);
}

static void
try_udp_socket(void)
{
	syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void
sockets_unlike_udp_kill_the_resolver(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(status_of(SANDBOX_RESOLVER, try_ping_socket)),
	    SIGSYS);
	assert_int_equal(WTERMSIG(status_of(SANDBOX_RESOLVER, try_raw_socket)),
	    SIGSYS);
	assert_int_equal(WTERMSIG(status_of(SANDBOX_RESOLVER, try_unix_socket)),
	    SIGSYS);
}

static void
a_udp_socket_is_the_resolvers_alone(void **state)
{
	(void)state;
	assert_int_equal(status_of(SANDBOX_RESOLVER, try_udp_socket), 0);
	assert_int_equal(WTERMSIG(status_of(SANDBOX_SENSOR, try_udp_socket)),
	    SIGSYS);
	assert_int_equal(WTERMSIG(status_of(SANDBOX_ENGINE, try_udp_socket)),
	    SIGSYS);
}

/* A question to a server on this host and its answer, as evdns does it. */
static int
do_resolver_work(int server, const struct sockaddr_in *where)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char bytes[2];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1 || socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) == -1 ||
	    sendto(fd, "q", 1, 0, (const struct sockaddr *)where,
		sizeof(*where)) != 1)
		return 1;
	if (recvfrom(server, bytes, sizeof(bytes), 0, (struct sockaddr *)&from,
		&len) != 1 ||
	    sendto(server, "a", 1, 0, (struct sockaddr *)&from, len) != 1)
		return 2;
	len = sizeof(from);
	if (recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from,
		&len) != 1)
		return 3;
	close(fd);
	return 0;
}

static void
the_resolver_works_on(void **state)
{
	struct sockaddr_in where = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(where);
	int status, server = socket(AF_INET, SOCK_DGRAM, 0);
	pid_t pid;

	(void)state;
	assert_int_equal(bind(server, (struct sockaddr *)&where, len), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&where, &len),
	    0);
	pid = fork();
	if (pid == 0) {
		sandbox_enter(SANDBOX_RESOLVER);
		exit(do_resolver_work(server, &where));
	}
	waitpid(pid, &status, 0);
	close(server);
	assert_int_equal(status, 0);
}

static void
try_fsync(void)
{
	syscall(SYS_fsync, STDERR_FILENO);
}

static void
try_accept(void)
{
	syscall(SYS_accept4, unconnected, NULL, NULL, 0);
}

static void
the_engines_own_calls_kill_a_sensor(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(status_of(SANDBOX_SENSOR, try_fsync)),
	    SIGSYS);
	assert_int_equal(WTERMSIG(status_of(SANDBOX_SENSOR, try_accept)),
	    SIGSYS);
}

static void
abort_still_aborts(void **state)
{
	int status = status_of(SANDBOX_SENSOR, abort);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static volatile sig_atomic_t signals;

static void
count_signal(int number)
{
	(void)number;
	signals++;
}

/* Sends a message through a socket pair and waits for it with epoll. */
static int
message_arrives(int epoll, const int *pair)
{
	struct epoll_event event = {.events = EPOLLIN};
	char in[4] = "", out[4] = "abc";
	struct iovec iov = {out, 4};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, pair[1], &event) == -1 ||
	    sendmsg(pair[0], &msg, 0) != 4 ||
	    epoll_wait(epoll, &event, 1, 1000) != 1)
		return -1;
	iov.iov_base = in;
	if (recvmsg(pair[1], &msg, MSG_DONTWAIT) != 4)
		return -1;
	return strcmp(in, "abc");
}

static int
do_sensor_work(int epoll, const int *pair)
{
	char *memory, *bigger;
	struct timespec now;
	int yes = 1;

	if (message_arrives(epoll, pair) != 0)
		return 1;
	if (clock_gettime(CLOCK_REALTIME, &now) == -1)
		return 2;
	memory = malloc(64 << 20);
	if (memory == NULL)
		return 3;
	memset(memory, 1, 64 << 20);
	bigger = realloc(memory, 128 << 20);
	free(bigger == NULL ? memory : bigger);
	if (setsockopt(pair[0], SOL_SOCKET, SO_RCVBUF, &yes, sizeof(yes)) ==
		-1 ||
	    fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1)
		return 4;
	signal(SIGUSR1, count_signal);
	raise(SIGUSR1);
	if (signals != 1)
		return 5;
	fprintf(stderr, "%s", "");
	return 0;
}

static void
a_sensor_works_on(void **state)
{
	int epoll, pair[2], status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
		epoll = epoll_create1(0);
		sandbox_enter(SANDBOX_SENSOR);
		/* exit(): what runs at the end of a process may run, too. */
		exit(do_sensor_work(epoll, pair));
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static int
listen_at(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fd, 5) == -1)
		return -1;
	return fd;
}

/* Connects to the control socket from outside the sandbox. */
static int
connect_to(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	return connect(fd, (struct sockaddr *)&sun, sizeof(sun));
}

static int
do_engine_work(struct store *s, int listener)
{
	struct store_hold h = {.table = "t", .by = "b", .expires = {5}};
	socklen_t len = sizeof(struct ucred);
	struct ucred peer;
	int fd, i;

	for (i = 0; i < 5000; i++) {
		h.prefix.addr.bytes[0] = (uint8_t)(i >> 8);
		h.prefix.addr.bytes[1] = (uint8_t)i;
		h.prefix.len = 128;
		if (store_put_hold(s, &h) == -1 ||
		    (i % 20 == 0 && store_commit(s) == -1))
			return 1;
	}
	store_close(s);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1 ||
	    write(fd, "x", 1) != 1)
		return 2;
	close(fd);
	return 0;
}

static void
the_engine_works_on(void **state)
{
	char error[STORE_ERRLEN], name[96], socket_name[96], wal[104];
	int listener, status;
	struct store *s;
	pid_t pid;

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/trapline-sandbox-%ld", (long)getpid());
	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(name, sizeof(name), "%s/store.db", dir);
	snprintf(wal, sizeof(wal), "%s-wal", name);
	snprintf(socket_name, sizeof(socket_name), "%s/sock", dir);
	listener = listen_at(socket_name);
	assert_true(listener >= 0);
	assert_int_equal(connect_to(socket_name), 0);
	pid = fork();
	if (pid == 0) {
		s = store_open(name, error);
		sandbox_enter(SANDBOX_ENGINE);
		exit(do_engine_work(s, listener));
	}
	waitpid(pid, &status, 0);
	unlink(socket_name);
	unlink(wal);
	unlink(name);
	rmdir(dir);
	assert_int_equal(status, 0);
}

/* 0: as it should be; 77: there is no Landlock here. */
static int
try_landlock(void)
{
	int version, open_before = open("/dev/null", O_WRONLY);

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return 1;
	version = landlock_enter();
	if (version == 0)
		return 77;
	if (version == -1)
		return 2;
	if (open("/dev/null", O_RDONLY) != -1 || errno != EACCES)
		return 3;
	if (mkdir("/tmp/trapline-landlock", 0700) != -1 || errno != EACCES)
		return 4;
	if (write(open_before, "x", 1) != 1)
		return 5;
	return 0;
}

static void
landlock_alone_forbids_files(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(try_landlock());
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		printf("this kernel has no Landlock\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static int
open_socket(void **state)
{
	(void)state;
	unconnected = socket(AF_INET, SOCK_STREAM, 0);
	return unconnected == -1 ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_sensor_has_no_business_with_kills_it),
	    cmocka_unit_test(what_the_engine_has_no_business_with_kills_it),
	    cmocka_unit_test(what_the_resolver_has_no_business_with_kills_it),
	    cmocka_unit_test(sockets_unlike_udp_kill_the_resolver),
	    cmocka_unit_test(a_udp_socket_is_the_resolvers_alone),
	    cmocka_unit_test(the_resolver_works_on),
	    cmocka_unit_test(the_engines_own_calls_kill_a_sensor),
	    cmocka_unit_test(abort_still_aborts),
	    cmocka_unit_test(a_sensor_works_on),
	    cmocka_unit_test(the_engine_works_on),
	    cmocka_unit_test(landlock_alone_forbids_files),
	};

	return cmocka_run_group_tests(tests, open_socket, NULL);
}

#else

int
main(void)
{
	printf("built without libseccomp: the sandbox cannot be tested\n");
	return 0;
}

#endif
