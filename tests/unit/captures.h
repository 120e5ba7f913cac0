/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_TESTS_UNIT_CAPTURES_H
#define TRAPLINE_TESTS_UNIT_CAPTURES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sensors/decoder.h"
#include "sensors/link.h"
#include "sensors/pcap_source.h"

#define SEEN_MAX 4096

/* What a capture file decoded to. */
struct seen {
	struct observation observations[SEEN_MAX];
	size_t n;
	struct sensor_stats stats;
	int link_type;
	int status; /* of the last pcap_source_next() */
	char error[PCAP_SOURCE_ERRLEN];
};

static inline void
seen_sink(void *arg, const struct observation *o, size_t n)
{
	struct seen *seen = arg;

	while (n-- > 0 && seen->n < SEEN_MAX)
		seen->observations[seen->n++] = *o++;
}

/* Decodes a whole file; NULL when it cannot be opened.  Free with free(). */
static inline struct seen *
seen_read(const char *path, const struct decoder_conf *template)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct decoder_conf conf = {.seen = OBS_PASSED};
	struct pcap_source *source;
	struct pcap_packet packet;
	struct decoder *decoder;

	if (seen == NULL)
		abort();
	source = pcap_source_open_file(path, seen->error);
	if (source == NULL) {
		free(seen);
		return NULL;
	}
	if (template != NULL)
		conf = *template;
	seen->link_type = conf.link_type = pcap_source_link_type(source);
	conf.is_swapped = pcap_source_is_swapped(source);
	decoder = decoder_new(&conf);
	if (decoder == NULL)
		abort();
	while ((seen->status =
		       pcap_source_next(source, &packet, seen->error)) == 1)
		decoder_packet(decoder, packet.time, packet.bytes, packet.len,
		    packet.wire_len, seen_sink, seen);
	decoder_stats(decoder, &seen->stats);
	decoder_free(decoder);
	pcap_source_free(source);
	return seen;
}

static inline size_t
seen_count(const struct seen *seen, enum obs_kind kind)
{
	size_t i, count = 0;

	for (i = 0; i < seen->n; i++)
		count += seen->observations[i].kind == kind;
	return count;
}

/* "passed 192.0.2.1:80 > 192.0.2.2:81 proto 6 in em0 anchor" */
static inline const char *
seen_text(const struct observation *o, char *out, size_t size)
{
	static const char *const dirs[] = {"?", "in", "out"};
	char src[PREFIX_STRLEN], dst[PREFIX_STRLEN];

	snprintf(out, size, "%s %s:%u > %s:%u proto %u %s%s%s%s%s%s",
	    obs_kind_name((enum obs_kind)o->kind),
	    addr_format(&o->src, src, sizeof(src)), o->src_port,
	    addr_format(&o->dst, dst, sizeof(dst)), o->dst_port, o->proto,
	    dirs[o->dir], o->ifname[0] != '\0' ? " on " : "", o->ifname,
	    o->anchor[0] != '\0' ? " anchor " : "", o->anchor,
	    o->flags & OBS_NOT_FIRST ? " not first" : "");
	return out;
}

/* Two digits a byte; returns the number of bytes. */
static inline size_t
hex_read(const char *hex, uint8_t *out, size_t size)
{
	unsigned int byte;
	size_t n;

	for (n = 0; n < size && sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		out[n] = (uint8_t)byte;
	return n;
}

/*
 * Opens a capture that is not part of this tree, or says why it cannot be
 * and returns NULL: the caller skips.
 */
static inline struct seen *
seen_read_shared(const char *name)
{
	char path[256];
	struct seen *seen;

	snprintf(path, sizeof(path), "%s/../shared/data/captures/%s",
	    TRAPLINE_SOURCE_DIR, name);
	seen = seen_read(path, NULL);
	if (seen == NULL)
		printf("skipped: no %s\n", path);
	return seen;
}

/* Opens a capture of tests/data/captures. */
static inline struct seen *
seen_read_own(const char *name, const struct decoder_conf *conf)
{
	char path[256];
	struct seen *seen;

	snprintf(path, sizeof(path), "%s/tests/data/captures/%s",
	    TRAPLINE_SOURCE_DIR, name);
	seen = seen_read(path, conf);
	if (seen == NULL) {
		printf("missing: %s\n", path);
		abort();
	}
	return seen;
}

#endif
