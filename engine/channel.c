/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Messages over a SOCK_SEQPACKET pair: boundaries are kept by the kernel and
 * a descriptor travels with exactly its own message.  What comes in is checked
 * here and nowhere else; a peer that sends nonsense is a bug or an intruder,
 * and this process ends rather than guess.
 */

#include "engine/channel.h"

#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "engine/log.h"

/* Messages read in one turn of the loop, so that others get theirs. */
#define CHANNEL_TURN 32

#ifdef MSG_CMSG_CLOEXEC
#define CHANNEL_RECEIVE MSG_CMSG_CLOEXEC
#else
#define CHANNEL_RECEIVE 0
#endif

static const char *const process_names[] = {
    [PROCESS_PARENT] = "parent",
    [PROCESS_ENGINE] = "engine",
    [PROCESS_SENSOR] = "sensor",
};

struct queued {
	TAILQ_ENTRY(queued) link;
	int fd;
	size_t len;
	unsigned char bytes[];
};

struct channel {
	int fd;
	enum process self, peer;
	struct event *readable, *writable;
	channel_receive *receive;
	channel_gone *gone;
	void *arg;
	TAILQ_HEAD(, queued) queue;
	size_t nqueued;
};

int
channel_pair(int fds[2])
{
	int i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) == -1 ||
		    fcntl(fds[i], F_SETFL, O_NONBLOCK) == -1) {
			close(fds[0]);
			close(fds[1]);
			return -1;
		}
	}
	return 0;
}

void
channel_set_buffers(int fd, int bytes)
{
#ifdef SO_SNDBUFFORCE
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) ==
	    0)
		return;
#endif
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

/* 1: sent; 0: the socket is full; -1: the peer is gone. */
static int
send_now(int sock, const void *bytes, size_t len, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_len = len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cmsg;

	memcpy(&iov.iov_base, &bytes, sizeof(bytes));
	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control.room);
		cmsg = CMSG_FIRSTHDR(&mh);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	while (sendmsg(sock, &mh, MSG_NOSIGNAL) == -1) {
		if (errno == EAGAIN || errno == ENOBUFS)
			return 0;
		if (errno != EINTR)
			return -1;
	}
	return 1;
}

static void
queued_free(struct queued *q)
{
	if (q->fd != -1)
		close(q->fd);
	free(q);
}

static void
peer_gone(struct channel *ch)
{
	event_del(ch->readable);
	event_del(ch->writable);
	ch->gone(ch->arg);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;
	struct queued *q;
	int done;

	(void)what;
	while ((q = TAILQ_FIRST(&ch->queue)) != NULL) {
		done = send_now(fd, q->bytes, q->len, q->fd);
		if (done == 0) {
			event_add(ch->writable, NULL);
			return;
		}
		if (done == -1) {
			peer_gone(ch);
			return;
		}
		TAILQ_REMOVE(&ch->queue, q, link);
		ch->nqueued--;
		queued_free(q);
	}
}

void
channel_send(struct channel *ch, enum msg_type type, struct msg *m, size_t len,
    int fd)
{
	size_t whole = sizeof(m->header) + len;
	struct queued *q;
	int done = 0;

	m->header.type = type;
	m->header.len = (uint32_t)len;
	if (TAILQ_EMPTY(&ch->queue))
		done = send_now(ch->fd, m, whole, fd);
	if (done != 0) {
		/* A peer that is gone is noticed by reading. */
		if (fd != -1)
			close(fd);
		return;
	}
	q = malloc(sizeof(*q) + whole);
	if (q == NULL)
		fatal("message to another process");
	q->fd = fd;
	q->len = whole;
	memcpy(q->bytes, m, whole);
	TAILQ_INSERT_TAIL(&ch->queue, q, link);
	ch->nqueued++;
	event_add(ch->writable, NULL);
}

size_t
channel_queued(const struct channel *ch)
{
	return ch->nqueued;
}

/*
 * The descriptor that came with a message, or -1.  Of our own only the parent
 * passes any, and one at a time.
 */
static int
passed_fd(const struct channel *ch, struct msghdr *mh)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(mh);
	int fd = -1;

	if (cmsg == NULL && (mh->msg_flags & MSG_CTRUNC) == 0)
		return -1;
	if (cmsg == NULL || ch->peer != PROCESS_PARENT ||
	    cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(int)))
		fatalx("the %s sent descriptors that it may not: ending",
		    process_names[ch->peer]);
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	/* One a process is enough, and too large for the stack. */
	static union {
		struct msg msg;
		unsigned char bytes[MSG_MAX];
	} in;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct channel *ch = arg;
	struct decode_error err;
	struct iovec iov = {.iov_base = &in, .iov_len = sizeof(in)};
	struct msghdr mh;
	ssize_t len;
	int turn, passed;

	(void)what;
	for (turn = 0; turn < CHANNEL_TURN; turn++) {
		memset(&mh, 0, sizeof(mh));
		mh.msg_iov = &iov;
		mh.msg_iovlen = 1;
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control.room);
		len = recvmsg(fd, &mh, CHANNEL_RECEIVE);
		if (len == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len <= 0) {
			peer_gone(ch);
			return;
		}
		passed = passed_fd(ch, &mh);
		if ((mh.msg_flags & MSG_TRUNC) != 0)
			len = MSG_MAX + 1;
		if (msg_check(&in.msg, (size_t)len, ch->peer, ch->self, &err) ==
		    -1)
			fatalx("message from the %s: %s at byte %zu: ending",
			    process_names[ch->peer], err.what, err.at);
		ch->receive(ch->arg, &in.msg, passed);
	}
}

struct channel *
channel_new(struct event_base *base, int fd, enum process self,
    enum process peer, channel_receive *receive, channel_gone *gone, void *arg)
{
	struct channel *ch = calloc(1, sizeof(*ch));

	if (ch == NULL) {
		close(fd);
		return NULL;
	}
	ch->fd = fd;
	ch->self = self;
	ch->peer = peer;
	ch->receive = receive;
	ch->gone = gone;
	ch->arg = arg;
	TAILQ_INIT(&ch->queue);
	ch->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, on_readable, ch);
	ch->writable = event_new(base, fd, EV_WRITE, on_writable, ch);
	if (ch->readable == NULL || ch->writable == NULL ||
	    event_add(ch->readable, NULL) == -1) {
		channel_free(ch);
		return NULL;
	}
	return ch;
}

void
channel_free(struct channel *ch)
{
	struct queued *q;

	if (ch == NULL)
		return;
	while ((q = TAILQ_FIRST(&ch->queue)) != NULL) {
		TAILQ_REMOVE(&ch->queue, q, link);
		queued_free(q);
	}
	if (ch->readable != NULL)
		event_free(ch->readable);
	if (ch->writable != NULL)
		event_free(ch->writable);
	close(ch->fd);
	free(ch);
}
