/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * A live interface, its packets decoded: what the pflog and the capture
 * sensor have in common.  Everything is opened before the sandbox; reading
 * never blocks and stops after a bounded number of packets, so that a flood
 * cannot keep the caller from its other work.
 */

#include "sensors/pcap_sensor.h"

#include <stdlib.h>
#include <string.h>

#include "engine/log.h"
#include "sensors/decoder.h"
#include "sensors/link.h"
#include "sensors/pcap_source.h"

#define PACKETS_PER_READ 8192

struct sensor {
	struct pcap_source *source;
	struct decoder *decoder;
	char text[SENSOR_TEXT_LEN];
};

/* A decoder for the open source; the reason is logged when there is none. */
static int
decoder_open(struct sensor *s, const struct sensor_conf *conf, bool wants_log)
{
	struct decoder_conf decoder_conf = {
	    .link_type = pcap_source_link_type(s->source),
	    .sensor = conf->index,
	};
	bool is_log = decoder_conf.link_type == LINK_PFLOG ||
		      decoder_conf.link_type == LINK_OLD_PFLOG;

	if (is_log != wants_log || !decoder_supports(decoder_conf.link_type)) {
		log_warnx("sensor %s: interface has link type %d, which this "
			  "sensor does not read",
		    s->text, decoder_conf.link_type);
		return -1;
	}
	/* A pflog entry names its own interface. */
	if (!wants_log)
		memcpy(decoder_conf.ifname, conf->ifname, OBS_NAME_LEN);
	s->decoder = decoder_new(&decoder_conf);
	if (s->decoder == NULL) {
		log_warn("sensor %s", s->text);
		return -1;
	}
	return 0;
}

int
pcap_sensor_open(const struct sensor_conf *conf, int snaplen, bool wants_log,
    struct sensor **out)
{
	char error[PCAP_SOURCE_ERRLEN] = "";
	struct sensor *s = calloc(1, sizeof(*s));
	bool is_missing = false;

	if (s == NULL) {
		log_warn("sensor %s", conf->text);
		return -1;
	}
	memcpy(s->text, conf->text, sizeof(s->text));
	s->source = pcap_source_open_live(conf->ifname, snaplen, !wants_log,
	    &is_missing, error);
	if (s->source == NULL && !is_missing)
		log_warnx("sensor %s: %s", s->text, error);
	if (s->source == NULL || decoder_open(s, conf, wants_log) == -1) {
		pcap_sensor_close(s);
		return is_missing ? 1 : -1;
	}
	*out = s;
	return 0;
}

int
pcap_sensor_fd(const struct sensor *s)
{
	return pcap_source_fd(s->source);
}

int
pcap_sensor_read(struct sensor *s, struct wall now, sensor_sink *sink,
    void *arg)
{
	char error[PCAP_SOURCE_ERRLEN] = "";
	struct pcap_packet packet;
	int i, status;

	for (i = 0; i < PACKETS_PER_READ; i++) {
		status = pcap_source_next(s->source, &packet, error);
		if (status == -1) {
			log_warnx("sensor %s: %s", s->text, error);
			return -1;
		}
		if (status == 0) {
			/* Nothing older is left: time may move on. */
			decoder_advance(s->decoder, now, sink, arg);
			break;
		}
		decoder_packet(s->decoder, packet.time, packet.bytes,
		    packet.len, packet.wire_len, sink, arg);
	}
	return 0;
}

void
pcap_sensor_stats(struct sensor *s, struct sensor_stats *out)
{
	memset(out, 0, sizeof(*out));
	decoder_stats(s->decoder, out);
	out->lost_kernel = pcap_source_dropped(s->source);
}

void
pcap_sensor_close(struct sensor *s)
{
	if (s == NULL)
		return;
	decoder_free(s->decoder);
	pcap_source_free(s->source);
	free(s);
}
