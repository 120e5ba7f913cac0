/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

#ifndef TRAPLINE_SENSORS_PCAP_SOURCE_H
#define TRAPLINE_SENSORS_PCAP_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/clock.h"

/* The one place that knows libpcap: live interfaces and capture files. */
struct pcap_source;

#define PCAP_SOURCE_ERRLEN 256

/*
 * Opens a capture file; "-" is standard input.  NULL with the reason,
 * without the file's name, in error (PCAP_SOURCE_ERRLEN bytes).
 */
struct pcap_source *pcap_source_open_file(const char *path, char *error);
/*
 * Opens an interface, non-blocking, in immediate mode, with the given snap
 * length.  promiscuous is for span ports.  *is_missing says that there is no
 * such interface (yet).
 */
struct pcap_source *pcap_source_open_live(const char *ifname, int snaplen,
    bool promiscuous, bool *is_missing, char *error);
void pcap_source_free(struct pcap_source *);

/* LINKTYPE_ number (the system's own DLT_ numbers are mapped). */
int pcap_source_link_type(const struct pcap_source *);
/*
 * Host-order fields in the packets, as they are handed out, are in the other
 * byte order; what libpcap has swapped by itself does not count.
 */
bool pcap_source_is_swapped(const struct pcap_source *);
int pcap_source_fd(const struct pcap_source *);

struct pcap_packet {
	struct wall time;
	const uint8_t *bytes; /* valid until the next call */
	size_t len;
	size_t wire_len;
};

/*
 * The next packet.  1 with *out set; 0 when there is none now, or at the end
 * of a file; -1 with the reason in error when the file is damaged or cut, or
 * the interface is gone.
 */
int pcap_source_next(struct pcap_source *, struct pcap_packet *out,
    char *error);
/* Packets that the kernel dropped since the source was opened; 0 for files. */
uint64_t pcap_source_dropped(struct pcap_source *);

#endif
