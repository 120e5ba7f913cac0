/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The live NFLOG sensor, on netlink itself rather than through libpcap: so
 * the sequence number tells true losses and the kernel's own time stamp is
 * the observation's (protocols/pflog.md, sections 4.2 to 4.4).  Datagrams of
 * the kernel's come in, nflog_decode.c knows their bytes, observations leave
 * through the sink.  Everything is opened before the sandbox; afterwards this
 * only receives, never blocks, and reads a bounded number in one call.
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "engine/compat.h"
#include "engine/log.h"
#include "sensors/dedupe.h"
#include "sensors/links.h"
#include "sensors/nflog_decode.h"
#include "sensors/packet.h"
#include "sensors/registry.h"
#include "sensors/sensor.h"
#include "sensors/sequence.h"

#define RECEIVE_BUFFER (16 << 20)
#define COPY_RANGE     128
/* The kernel's own batch buffer is a page; more does not come at once. */
#define DATAGRAM_WORDS 2048
#define DATAGRAMS      64
#define ROUNDS         64 /* of DATAGRAMS each, in one call */

struct sensor {
	int fd;
	uint16_t seen;
	uint8_t index;
	struct sequence sequence;
	struct dedupe *dedupe;
	struct links *links;
	struct sensor_stats stats;
	char text[SENSOR_TEXT_LEN];

	uint32_t words[DATAGRAMS][DATAGRAM_WORDS];
	struct iovec vectors[DATAGRAMS];
	struct mmsghdr datagrams[DATAGRAMS];
	struct observation ready[DATAGRAMS];
	size_t nready;
};

/* Where observations of the call in work go. */
struct passage {
	struct sensor *s;
	struct wall now;
	sensor_sink *sink;
	void *arg;
};

struct request {
	uint32_t words[32];
	struct nlmsghdr *header;
};

static void
request_start(struct request *r, uint16_t group)
{
	struct nfgenmsg *g;

	memset(r, 0, sizeof(*r));
	r->header = mnl_nlmsg_put_header(r->words);
	r->header->nlmsg_type = (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG;
	r->header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	g = mnl_nlmsg_put_extra_header(r->header, sizeof(*g));
	g->version = NFNETLINK_V0;
	g->res_id = htons(group);
}

/* What the kernel answers to a configuration request. */
static int
answer_error(int fd)
{
	uint32_t words[DATAGRAM_WORDS];

	for (;;) {
		ssize_t n = recv(fd, words, sizeof(words), 0);
		const struct nlmsghdr *h = (const void *)words;
		const struct nlmsgerr *e;

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno;
		/* Logged packets may already come in between. */
		if (!mnl_nlmsg_ok(h, (int)n) || h->nlmsg_type != NLMSG_ERROR ||
		    h->nlmsg_len < mnl_nlmsg_size(sizeof(*e)))
			continue;
		e = mnl_nlmsg_get_payload(h);
		return -e->error;
	}
}

/* Sends a request and waits for its answer.  0, or -1 with errno. */
static int
request(int fd, struct request *r)
{
	int error;

	if (send(fd, r->words, r->header->nlmsg_len, 0) == -1)
		return -1;
	error = answer_error(fd);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

static int
command(int fd, uint16_t group, uint8_t what)
{
	struct request r;

	request_start(&r, group);
	mnl_attr_put_u8(r.header, NFULA_CFG_CMD, what);
	return request(fd, &r);
}

/* Packets up to the copy range, each at once, numbered. */
static int
set_up(int fd, uint16_t group)
{
	struct nfulnl_msg_config_mode mode = {.copy_range = htonl(COPY_RANGE),
	    .copy_mode = NFULNL_COPY_PACKET};
	struct request r;

	request_start(&r, group);
	mnl_attr_put(r.header, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(r.header, NFULA_CFG_QTHRESH, htonl(1));
	if (request(fd, &r) == -1)
		return -1;
	/* By itself: with a flag it does not know, the kernel takes none. */
	request_start(&r, group);
	mnl_attr_put_u16(r.header, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
	return request(fd, &r);
}

static int
bind_group(struct sensor *s, uint16_t group)
{
	/* Does nothing any more but tell whether we may. */
	if (command(s->fd, 0, NFULNL_CFG_CMD_PF_BIND) == -1) {
		log_warn("sensor %s: cannot configure nflog", s->text);
		return -1;
	}
	if (command(s->fd, group, NFULNL_CFG_CMD_BIND) == -1) {
		if (errno == EPERM || errno == EBUSY)
			log_warnx("sensor %s: group %u has another listener; "
				  "each group can have one",
			    s->text, group);
		else
			log_warn("sensor %s: cannot listen", s->text);
		return -1;
	}
	if (set_up(s->fd, group) == -1) {
		log_warn("sensor %s: cannot set up the group", s->text);
		return -1;
	}
	return 0;
}

static void
prepare(struct sensor *s)
{
	size_t i;

	for (i = 0; i < DATAGRAMS; i++) {
		s->vectors[i].iov_base = s->words[i];
		s->vectors[i].iov_len = sizeof(s->words[i]);
		s->datagrams[i].msg_hdr.msg_iov = &s->vectors[i];
		s->datagrams[i].msg_hdr.msg_iovlen = 1;
	}
}

static void
nflog_close(struct sensor *s)
{
	if (s == NULL)
		return;
	if (s->fd != -1)
		close(s->fd);
	dedupe_free(s->dedupe);
	links_free(s->links);
	free(s);
}

static int
nflog_open(const struct sensor_conf *conf, struct sensor **out)
{
	struct sensor *s = calloc(1, sizeof(*s));
	int size = RECEIVE_BUFFER;

	if (s == NULL) {
		log_warn("sensor %s", conf->text);
		return -1;
	}
	memcpy(s->text, conf->text, sizeof(s->text));
	s->seen = conf->seen;
	s->index = conf->index;
	prepare(s);
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	s->dedupe = dedupe_new();
	s->links = links_new();
	if (s->fd == -1 || s->dedupe == NULL || s->links == NULL) {
		log_warn("sensor %s", s->text);
		goto fail;
	}
	(void)setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
	    sizeof(size));
	if (bind_group(s, conf->group) == -1)
		goto fail;
	*out = s;
	return 0;

fail:
	nflog_close(s);
	return -1;
}

static int
nflog_fd(const struct sensor *s)
{
	return s->fd;
}

static void
hand_over(struct passage *p)
{
	struct sensor *s = p->s;

	if (s->nready == 0)
		return;
	s->stats.observations += s->nready;
	p->sink(p->arg, s->ready, s->nready);
	s->nready = 0;
}

static void
take_record(struct passage *passage, const struct nflog_record *record,
    struct decode_error *err)
{
	struct sensor *s = passage->s;
	struct observation o;
	struct packet p;
	int status = nflog_observe(record, s->seen, passage->now, &o, &p, err);

	if (status == -1)
		sensor_stats_undecodable(&s->stats, err->what);
	if (status != 0)
		return;
	o.sensor = s->index;
	strlcpy(o.ifname,
	    links_name(s->links,
		o.dir == OBS_DIR_OUT ? record->outdev : record->indev),
	    sizeof(o.ifname));
	if (dedupe_is_duplicate(s->dedupe, &o, &p)) {
		s->stats.duplicates++;
		return;
	}
	if (s->nready == DATAGRAMS)
		hand_over(passage);
	s->ready[s->nready++] = o;
}

static void
take_message(struct passage *passage, const struct nlmsghdr *h)
{
	struct sensor *s = passage->s;
	struct buf b =
	    buf_make(mnl_nlmsg_get_payload(h), mnl_nlmsg_get_payload_len(h));
	struct nflog_record record;
	struct decode_error err;

	s->stats.packets++;
	if (nflog_decode(&b, false, false, &record, &err) == -1) {
		sensor_stats_undecodable(&s->stats, err.what);
		return;
	}
	if (record.has_seq)
		s->stats.lost_kernel += sequence_lost(&s->sequence, record.seq);
	take_record(passage, &record, &err);
}

static void
take_datagram(struct passage *passage, const struct mmsghdr *d)
{
	const struct nlmsghdr *h = d->msg_hdr.msg_iov->iov_base;
	int left = (int)d->msg_len;

	if (d->msg_hdr.msg_flags & MSG_TRUNC)
		sensor_stats_undecodable(&passage->s->stats,
		    "nflog datagram cut short");
	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		if (h->nlmsg_type ==
		    ((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET))
			take_message(passage, h);
	}
}

/* How many datagrams were read; -1 with errno. */
static int
read_round(struct passage *passage)
{
	struct sensor *s = passage->s;
	int i, n = recvmmsg(s->fd, s->datagrams, DATAGRAMS, MSG_DONTWAIT, NULL);

	for (i = 0; i < n; i++)
		take_datagram(passage, &s->datagrams[i]);
	hand_over(passage);
	return n;
}

static int
nflog_read(struct sensor *s, struct wall now, sensor_sink *sink, void *arg)
{
	struct passage passage = {.s = s, .now = now, .sink = sink, .arg = arg};
	int round, n;

	links_update(s->links);
	for (round = 0; round < ROUNDS; round++) {
		n = read_round(&passage);
		if (n == DATAGRAMS)
			continue;
		if (n >= 0 || errno == EAGAIN || errno == EWOULDBLOCK)
			return 0;
		if (errno == ENOBUFS) {
			s->stats.overruns++;
		} else if (errno != EINTR) {
			log_warn("sensor %s", s->text);
			return -1;
		}
	}
	return 0;
}

static void
nflog_stats(struct sensor *s, struct sensor_stats *out)
{
	*out = s->stats;
}

const struct sensor_ops sensor_nflog = {
    .type = SENSOR_NFLOG,
    .name = "nflog",
    .kinds = OBS_PASSED | OBS_BLOCKED,
    .open = nflog_open,
    .fd = nflog_fd,
    .read = nflog_read,
    .stats = nflog_stats,
    .close = nflog_close,
};
