/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Where captured bytes become observations.  The link type chooses the way:
 * pflog and NFLOG entries are decoded one by one and freed of duplicates,
 * everything else is stripped to TCP and handed to the handshake tracker.
 * What cannot be decoded is counted under its reason and goes no further.
 */

#include "sensors/decoder.h"

#include <stdlib.h>
#include <string.h>

#include "engine/buf.h"
#include "sensors/dedupe.h"
#include "sensors/handshake.h"
#include "sensors/link.h"
#include "sensors/nflog_decode.h"
#include "sensors/packet.h"
#include "sensors/pflog_decode.h"

struct decoder {
	struct decoder_conf conf;
	struct sensor_stats stats;
	struct dedupe *dedupe;       /* pflog, nflog */
	struct handshake *handshake; /* ordinary captures */
};

/* Counts what passes on its way to the caller's sink. */
struct passage {
	struct decoder *d;
	sensor_sink *sink;
	void *arg;
};

static bool
is_log(int link_type)
{
	return link_type == LINK_PFLOG || link_type == LINK_OLD_PFLOG ||
	       link_type == LINK_NFLOG;
}

bool
decoder_supports(int link_type)
{
	return is_log(link_type) || link_is_ordinary(link_type);
}

struct decoder *
decoder_new(const struct decoder_conf *conf)
{
	static const struct handshake_caps caps = {HANDSHAKE_SYN_CAP,
	    HANDSHAKE_SYN_ACK_CAP, HANDSHAKE_ESTABLISHED_CAP};
	struct observation template = {.sensor = conf->sensor};
	struct decoder *d;

	if (!decoder_supports(conf->link_type))
		return NULL;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	d->conf = *conf;
	memcpy(template.ifname, conf->ifname, sizeof(template.ifname));
	if (is_log(conf->link_type))
		d->dedupe = dedupe_new();
	else
		d->handshake = handshake_new(&caps, &template);
	if (d->dedupe == NULL && d->handshake == NULL) {
		decoder_free(d);
		return NULL;
	}
	return d;
}

void
decoder_free(struct decoder *d)
{
	if (d == NULL)
		return;
	dedupe_free(d->dedupe);
	handshake_free(d->handshake);
	free(d);
}

static void
pass_on(void *arg, const struct observation *o, size_t n)
{
	struct passage *passage = arg;

	passage->d->stats.observations += n;
	passage->sink(passage->arg, o, n);
}

/* Hands a logged packet on, unless it was logged before. */
static void
log_pass_on(struct passage *passage, struct observation *o,
    const struct packet *p)
{
	struct decoder *d = passage->d;

	if (dedupe_is_duplicate(d->dedupe, o, p)) {
		d->stats.duplicates++;
		return;
	}
	if (o->ifname[0] == '\0')
		memcpy(o->ifname, d->conf.ifname, sizeof(o->ifname));
	pass_on(passage, o, 1);
}

static int
pflog_packet(struct passage *passage, struct wall time, struct buf *b,
    struct decode_error *err)
{
	const struct decoder_conf *conf = &passage->d->conf;
	struct pflog_record record;
	struct observation o;
	struct packet p;
	int status;

	if (conf->link_type == LINK_OLD_PFLOG)
		status = pflog_decode_old(b, &record, err);
	else
		status = pflog_decode(b, conf->is_swapped, &record, err);
	if (status == 0)
		status = pflog_observe(&record, b, time, &o, &p, err);
	if (status != 0)
		return status;
	o.sensor = conf->sensor;
	log_pass_on(passage, &o, &p);
	return 0;
}

static int
nflog_packet(struct passage *passage, struct wall time, const struct buf *b,
    bool is_cut, struct decode_error *err)
{
	const struct decoder_conf *conf = &passage->d->conf;
	struct nflog_record record;
	struct observation o;
	struct packet p;
	size_t i;
	int status;

	if (nflog_decode(b, conf->is_swapped, is_cut, &record, err) == -1)
		return -1;
	status = nflog_observe(&record, conf->seen, time, &o, &p, err);
	if (status != 0)
		return status;
	o.sensor = conf->sensor;
	for (i = 0; i < conf->ngroups; i++) {
		if (conf->groups[i].group != record.group)
			continue;
		o.kind = conf->groups[i].seen;
		o.sensor = conf->groups[i].sensor;
		break;
	}
	log_pass_on(passage, &o, &p);
	return 0;
}

static int
ordinary_packet(struct passage *passage, struct wall time, struct buf *b,
    struct decode_error *err)
{
	struct decoder *d = passage->d;
	struct packet p;
	int status;

	handshake_advance(d->handshake, time, pass_on, passage);
	status = link_strip(d->conf.link_type, b, err);
	if (status != 0)
		return status;
	if (packet_decode(b, &p, err) == -1)
		return -1;
	if (p.proto == PROTO_TCP && !p.has_tcp && !p.is_later_fragment)
		return decode_fail(err, "tcp header cut short or bad", b->pos);
	handshake_packet(d->handshake, time, &p, pass_on, passage);
	return 0;
}

void
decoder_packet(struct decoder *d, struct wall time, const uint8_t *bytes,
    size_t len, size_t wire_len, sensor_sink *sink, void *arg)
{
	struct passage passage = {.d = d, .sink = sink, .arg = arg};
	struct buf b = buf_make(bytes, len);
	struct decode_error err;
	int status;

	d->stats.packets++;
	switch (d->conf.link_type) {
	case LINK_PFLOG:
	case LINK_OLD_PFLOG:
		status = pflog_packet(&passage, time, &b, &err);
		break;
	case LINK_NFLOG:
		status = nflog_packet(&passage, time, &b, len < wire_len, &err);
		break;
	default:
		status = ordinary_packet(&passage, time, &b, &err);
		break;
	}
	if (status == -1)
		sensor_stats_undecodable(&d->stats, err.what);
}

void
decoder_advance(struct decoder *d, struct wall now, sensor_sink *sink,
    void *arg)
{
	struct passage passage = {.d = d, .sink = sink, .arg = arg};

	if (d->handshake != NULL)
		handshake_advance(d->handshake, now, pass_on, &passage);
}

void
decoder_stats(const struct decoder *d, struct sensor_stats *out)
{
	size_t i;

	out->packets += d->stats.packets;
	out->observations += d->stats.observations;
	out->duplicates += d->stats.duplicates;
	if (d->handshake != NULL) {
		out->flows += handshake_flows(d->handshake);
		out->flows_forgotten += handshake_forgotten(d->handshake);
	}
	for (i = 0; i < SENSOR_REASONS_MAX; i++)
		sensor_stats_add(out, d->stats.reasons[i].what,
		    d->stats.reasons[i].count);
}
