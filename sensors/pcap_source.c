/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The one place that knows libpcap.  Packets of a live interface or of a
 * capture file leave as plain bytes with a time; link types leave as the
 * LINKTYPE_ numbers of capture files, which are the same on every system.
 *
 * Foreign byte order: libpcap swaps the NFLOG attributes of a foreign file
 * itself, all versions in use do.  With pflog's uid and pid fields old
 * versions do not and new ones do, so a file of two packets in memory is read
 * to find out which it is.
 */

#include "sensors/pcap_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "engine/compat.h"
#include "sensors/device.h"
#include "sensors/link.h"

#define LIVE_BUFFER_BYTES (16 * 1024 * 1024)
#define FILE_BUFFER_BYTES (64 * 1024)
/* Times beyond this are nonsense, and their milliseconds still fit. */
#define SECONDS_MAX (INT64_C(1) << 40)

struct pcap_source {
	pcap_t *pcap;
	bool is_file;
	bool is_swapped;
	uint32_t dropped_before; /* pcap_stats() wraps at 32 bits */
	uint64_t dropped;
};

/*
 * A big-endian capture of link type 117 whose one packet is a 61-byte header
 * with uid 1, in the order of its writer.
 */
static bool
pflog_is_left_swapped(void)
{
	static const uint8_t head[40] = {0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0,
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 117, 0, 0, 0, 0, 0, 0,
	    0, 0, 0, 0, 0, 64, 0, 0, 0, 64};
	uint8_t file[sizeof(head) + 64] = {0};
	char error[PCAP_ERRBUF_SIZE];
	const uint8_t *bytes;
	struct pcap_pkthdr *header;
	uint32_t uid = 0, one = 1;
	FILE *stream;
	pcap_t *pcap;

	memcpy(file, head, sizeof(head));
	file[sizeof(head)] = 61;
	file[sizeof(head) + 1] = 2;
	file[sizeof(head) + 47] = 1;
	stream = fmemopen(file, sizeof(file), "rb");
	if (stream == NULL)
		return true;
	pcap = pcap_fopen_offline(stream, error);
	if (pcap == NULL) {
		fclose(stream);
		return true;
	}
	if (pcap_next_ex(pcap, &header, &bytes) == 1 && header->caplen == 64)
		memcpy(&uid, bytes + 44, sizeof(uid));
	pcap_close(pcap);
	return memcmp(&uid, &one, sizeof(one)) != 0;
}

static struct pcap_source *
source_new(pcap_t *pcap, bool is_file, char *error)
{
	struct pcap_source *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		strlcpy(error, "out of memory", PCAP_SOURCE_ERRLEN);
		pcap_close(pcap);
		return NULL;
	}
	s->pcap = pcap;
	s->is_file = is_file;
	return s;
}

struct pcap_source *
pcap_source_open_file(const char *path, char *error)
{
	char pcap_error[PCAP_ERRBUF_SIZE] = "";
	struct pcap_source *s;
	pcap_t *pcap;
	FILE *file = stdin;

	if (strcmp(path, "-") != 0)
		file = fopen(path, "rb");
	if (file == NULL) {
		strlcpy(error, strerror(errno), PCAP_SOURCE_ERRLEN);
		return NULL;
	}
	setvbuf(file, NULL, _IOFBF, FILE_BUFFER_BYTES);
	pcap = pcap_fopen_offline(file, pcap_error);
	if (pcap == NULL) {
		strlcpy(error, pcap_error, PCAP_SOURCE_ERRLEN);
		if (file != stdin)
			fclose(file);
		return NULL;
	}
	s = source_new(pcap, true, error);
	if (s == NULL)
		return NULL;
	if (pcap_is_swapped(pcap) == 1 &&
	    pcap_source_link_type(s) == LINK_PFLOG)
		s->is_swapped = pflog_is_left_swapped();
	return s;
}

/* What libpcap answers when the interface is not there, or not yet up. */
static bool
status_is_missing(int status)
{
	return status == PCAP_ERROR_NO_SUCH_DEVICE ||
	       status == PCAP_ERROR_IFACE_NOT_UP;
}

struct pcap_source *
pcap_source_open_live(const char *ifname, int snaplen, bool promiscuous,
    bool *is_missing, char *error)
{
	char pcap_error[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap;
	int status;

	*is_missing = false;
	pcap = pcap_create(ifname, pcap_error);
	if (pcap == NULL) {
		strlcpy(error, pcap_error, PCAP_SOURCE_ERRLEN);
		return NULL;
	}
	pcap_set_snaplen(pcap, snaplen);
	if (promiscuous && !device_sets_promiscuous())
		pcap_set_promisc(pcap, 1);
	pcap_set_immediate_mode(pcap, 1);
	pcap_set_buffer_size(pcap, LIVE_BUFFER_BYTES);
	status = pcap_activate(pcap);
	if (status < 0) {
		*is_missing = status_is_missing(status);
		strlcpy(error, pcap_geterr(pcap), PCAP_SOURCE_ERRLEN);
		if (error[0] == '\0')
			strlcpy(error, pcap_statustostr(status),
			    PCAP_SOURCE_ERRLEN);
		pcap_close(pcap);
		return NULL;
	}
	/* The device of all interfaces, "any", cannot be promiscuous. */
	if (promiscuous && strcmp(ifname, "any") != 0 &&
	    device_set_promiscuous(pcap_fileno(pcap), ifname) == -1) {
		snprintf(error, PCAP_SOURCE_ERRLEN, "promiscuous mode: %s",
		    strerror(errno));
		pcap_close(pcap);
		return NULL;
	}
	if (pcap_setnonblock(pcap, 1, pcap_error) == -1) {
		strlcpy(error, pcap_error, PCAP_SOURCE_ERRLEN);
		pcap_close(pcap);
		return NULL;
	}
	return source_new(pcap, false, error);
}

void
pcap_source_free(struct pcap_source *s)
{
	if (s == NULL)
		return;
	pcap_close(s->pcap);
	free(s);
}

int
pcap_source_link_type(const struct pcap_source *s)
{
	int dlt = pcap_datalink(s->pcap);

	switch (dlt) {
	case DLT_RAW:
		return LINK_RAW;
	case DLT_LOOP:
		return LINK_LOOP;
	case DLT_PFLOG:
		return LINK_PFLOG;
	default:
		return dlt;
	}
}

bool
pcap_source_is_swapped(const struct pcap_source *s)
{
	return s->is_swapped;
}

int
pcap_source_fd(const struct pcap_source *s)
{
	if (s->is_file)
		return fileno(pcap_file(s->pcap));
	return pcap_get_selectable_fd(s->pcap);
}

/*
 * libpcap reads the 32-bit seconds of a classic file with a sign; a pcapng
 * file can hold any time at all.
 */
static struct wall
time_convert(const struct timeval *tv)
{
	int64_t seconds = tv->tv_sec;
	struct wall time;

	if (seconds < 0 && seconds >= INT32_MIN)
		seconds += INT64_C(1) << 32;
	if (seconds < 0)
		seconds = 0;
	if (seconds > SECONDS_MAX)
		seconds = SECONDS_MAX;
	time.ms = seconds * 1000 + tv->tv_usec / 1000;
	return time;
}

int
pcap_source_next(struct pcap_source *s, struct pcap_packet *out, char *error)
{
	struct pcap_pkthdr *header;
	const uint8_t *bytes;

	switch (pcap_next_ex(s->pcap, &header, &bytes)) {
	case 1:
		out->time = time_convert(&header->ts);
		out->bytes = bytes;
		out->len = header->caplen;
		out->wire_len = header->len;
		return 1;
	case 0:
		if (s->is_file || !device_is_gone(pcap_fileno(s->pcap)))
			return 0;
		strlcpy(error, "the interface is gone", PCAP_SOURCE_ERRLEN);
		return -1;
	case PCAP_ERROR_BREAK:
		return 0;
	default:
		strlcpy(error, pcap_geterr(s->pcap), PCAP_SOURCE_ERRLEN);
		return -1;
	}
}

uint64_t
pcap_source_dropped(struct pcap_source *s)
{
	struct pcap_stat stat;

	if (s->is_file || pcap_stats(s->pcap, &stat) == -1)
		return s->dropped;
	s->dropped += (uint32_t)(stat.ps_drop - s->dropped_before);
	s->dropped_before = stat.ps_drop;
	return s->dropped;
}
