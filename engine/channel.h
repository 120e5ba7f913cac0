/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_ENGINE_CHANNEL_H
#define TRAPLINE_ENGINE_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/msg.h"

/*
 * One end of the socket pair between two processes, on a libevent loop.
 * Nothing sent is lost: what the socket does not take waits in a queue.
 */
struct channel;
struct event_base;

/*
 * Called for every message, checked by msg_check().  fd is a descriptor that
 * came with it, the receiver's now, or -1.
 */
typedef void channel_receive(void *arg, const struct msg *, int fd);
/* Called once, when the other process is gone.  May free the channel. */
typedef void channel_gone(void *arg);

/*
 * Takes fd, a SOCK_SEQPACKET socket.  self is the process this runs in, peer
 * the one at the other end.  NULL: memory is out (fd is closed).
 */
struct channel *channel_new(struct event_base *, int fd, enum process self,
    enum process peer, channel_receive *, channel_gone *, void *arg);
void channel_free(struct channel *);
/*
 * Sends a message; m->header is filled in.  fd, if not -1, travels with it
 * and is closed here.  Ends the process when memory is out: a message that
 * was not sent would leave both sides with different beliefs.
 */
void channel_send(struct channel *, enum msg_type, struct msg *m, size_t len,
    int fd);
/* Messages that the socket has not taken yet. */
size_t channel_queued(const struct channel *);

/* Makes the pair: both ends non-blocking and close-on-exec.  0 or -1. */
int channel_pair(int fds[2]);
/* Room in the socket for a burst; errors are of no consequence. */
void channel_set_buffers(int fd, int bytes);

#endif
