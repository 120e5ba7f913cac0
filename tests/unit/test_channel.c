/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/* Messages between processes: order, full sockets, descriptors, the end. */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "engine/channel.h"

#define CROWD 500

/* Two ends in one process, on one loop. */
struct ends {
	struct event_base *base;
	struct channel *parent, *engine;
	uint32_t received, serials[CROWD];
	int fd;
	unsigned int gone;
};

static void
engine_receives(void *arg, const struct msg *m, int fd)
{
	struct ends *e = arg;

	assert_true(e->received < CROWD);
	if (m->header.type == MSG_CHANGES_DONE)
		e->serials[e->received] = m->u.changes_done.serial;
	e->received++;
	if (fd != -1)
		e->fd = fd;
}

static void
parent_receives(void *arg, const struct msg *m, int fd)
{
	(void)arg;
	(void)m;
	(void)fd;
}

static void
is_gone(void *arg)
{
	((struct ends *)arg)->gone++;
}

static void
set_up(struct ends *e)
{
	int fds[2];

	memset(e, 0, sizeof(*e));
	e->fd = -1;
	e->base = event_base_new();
	assert_non_null(e->base);
	assert_int_equal(channel_pair(fds), 0);
	e->parent = channel_new(e->base, fds[0], PROCESS_PARENT, PROCESS_ENGINE,
	    parent_receives, is_gone, e);
	e->engine = channel_new(e->base, fds[1], PROCESS_ENGINE, PROCESS_PARENT,
	    engine_receives, is_gone, e);
	assert_non_null(e->parent);
	assert_non_null(e->engine);
}

static void
tear_down(struct ends *e)
{
	channel_free(e->parent);
	channel_free(e->engine);
	if (e->fd != -1)
		close(e->fd);
	event_base_free(e->base);
}

static void
run(struct ends *e, uint32_t until)
{
	while (e->received < until)
		assert_int_equal(event_base_loop(e->base, EVLOOP_ONCE), 0);
}

static void
a_full_socket_loses_nothing_and_keeps_the_order(void **state)
{
	static struct msg m;
	struct ends e;
	uint32_t i;

	(void)state;
	set_up(&e);
	for (i = 0; i < CROWD; i++) {
		m.u.changes_done.serial = i;
		channel_send(e.parent, MSG_CHANGES_DONE, &m,
		    sizeof(m.u.changes_done), -1);
	}
	assert_true(channel_queued(e.parent) > 0);
	run(&e, CROWD);
	for (i = 0; i < CROWD; i++)
		assert_int_equal(e.serials[i], i);
	assert_int_equal(channel_queued(e.parent), 0);
	tear_down(&e);
}

/* A descriptor must stay with its message, through the queue too. */
static void
a_descriptor_travels_with_its_message(void **state)
{
	static struct msg m;
	char path[] = "/tmp/trapline-channel.XXXXXX";
	struct stat sent, got;
	struct ends e;
	int i, fd = mkstemp(path);

	(void)state;
	assert_true(fd != -1);
	unlink(path);
	assert_int_equal(fstat(fd, &sent), 0);
	set_up(&e);
	for (i = 0; i < CROWD - 1; i++)
		channel_send(e.parent, MSG_STATUS, &m, 0, -1);
	assert_true(channel_queued(e.parent) > 0);
	memset(&m, 0, sizeof(m));
	channel_send(e.parent, MSG_SENSOR_ATTACH, &m, sizeof(m.u.sensor_state),
	    fd);
	run(&e, CROWD - 1);
	run(&e, CROWD);
	assert_true(e.fd != -1);
	assert_int_equal(fstat(e.fd, &got), 0);
	assert_int_equal(got.st_ino, sent.st_ino);
	assert_int_equal(fcntl(e.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	tear_down(&e);
}

static void
a_peer_that_went_is_told_once_and_after_its_last_words(void **state)
{
	static struct msg m;
	struct ends e;

	(void)state;
	set_up(&e);
	channel_send(e.parent, MSG_STATUS, &m, 0, -1);
	channel_send(e.parent, MSG_STATUS, &m, 0, -1);
	channel_free(e.parent);
	e.parent = NULL;
	while (e.gone == 0)
		assert_int_equal(event_base_loop(e.base, EVLOOP_ONCE), 0);
	assert_int_equal(e.received, 2);
	/* Speaking to nobody is no error. */
	channel_send(e.engine, MSG_READY, &m, 0, -1);
	event_base_loop(e.base, EVLOOP_NONBLOCK);
	assert_int_equal(e.gone, 1);
	tear_down(&e);
}

/*
 * What a process does that receives these bytes and descriptors from a
 * sensor: its exit status, and what it says.
 */
static int
end_of_receiver(const void *bytes, size_t len, const int *passed,
    size_t npassed, char *said, size_t size)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec iov = {.iov_len = len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct ends e = {.fd = -1};
	int fds[2], out[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(channel_pair(fds), 0);
	assert_int_equal(pipe(out), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		close(fds[0]);
		dup2(out[1], STDERR_FILENO);
		e.base = event_base_new();
		e.engine = channel_new(e.base, fds[1], PROCESS_ENGINE,
		    PROCESS_SENSOR, engine_receives, is_gone, &e);
		while (e.received == 0 && e.gone == 0)
			event_base_loop(e.base, EVLOOP_ONCE);
		_exit(0);
	}
	close(fds[1]);
	close(out[1]);
	memcpy(&iov.iov_base, &bytes, sizeof(bytes));
	memset(&control, 0, sizeof(control));
	if (npassed > 0) {
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(npassed * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(npassed * sizeof(int));
		memcpy(CMSG_DATA(&control.header), passed,
		    npassed * sizeof(int));
	}
	assert_int_equal(sendmsg(fds[0], &mh, MSG_NOSIGNAL), (ssize_t)len);
	n = read(out[0], said, size - 1);
	said[n > 0 ? n : 0] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fds[0]);
	close(out[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct msg stats = {
    .header = {MSG_SENSOR_STATS, sizeof(struct msg_sensor_stats)},
};
#define STATS_LEN (sizeof(struct msg_header) + sizeof(struct msg_sensor_stats))

static void
a_right_message_of_a_sensor_is_taken(void **state)
{
	char said[512];

	(void)state;
	assert_int_equal(
	    end_of_receiver(&stats, STATS_LEN, NULL, 0, said, sizeof(said)), 0);
	assert_string_equal(said, "");
}

static void
a_sensor_that_passes_descriptors_ends_the_receiver(void **state)
{
	const int passed[] = {0, 0, 0};
	char said[512];
	size_t n;

	(void)state;
	for (n = 1; n <= 3; n++) {
		assert_int_equal(end_of_receiver(&stats, STATS_LEN, passed, n,
				     said, sizeof(said)),
		    1);
		assert_non_null(strstr(said, "the sensor sent descriptors"));
	}
}

static void
a_message_that_is_too_long_ends_the_receiver(void **state)
{
	static unsigned char bytes[MSG_MAX + 100];
	struct msg_header header = {MSG_SENSOR_STATS,
	    MSG_MAX - sizeof(struct msg_header)};
	char said[512];

	(void)state;
	memcpy(bytes, &header, sizeof(header));
	assert_int_equal(
	    end_of_receiver(bytes, sizeof(bytes), NULL, 0, said, sizeof(said)),
	    1);
	assert_non_null(strstr(said,
	    "message from the sensor: bad message size at byte 0"));
}

static void
a_message_of_the_wrong_direction_names_its_sender(void **state)
{
	struct msg_header header = {MSG_RELOAD, 0};
	char said[512];

	(void)state;
	assert_int_equal(end_of_receiver(&header, sizeof(header), NULL, 0, said,
			     sizeof(said)),
	    1);
	assert_non_null(strstr(said,
	    "message from the sensor: not a message for this direction"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_socket_loses_nothing_and_keeps_the_order),
	    cmocka_unit_test(a_descriptor_travels_with_its_message),
	    cmocka_unit_test(
		a_peer_that_went_is_told_once_and_after_its_last_words),
	    cmocka_unit_test(a_right_message_of_a_sensor_is_taken),
	    cmocka_unit_test(
		a_sensor_that_passes_descriptors_ends_the_receiver),
	    cmocka_unit_test(a_message_that_is_too_long_ends_the_receiver),
	    cmocka_unit_test(a_message_of_the_wrong_direction_names_its_sender),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
