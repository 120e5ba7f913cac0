/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * From a capture file in the page cache to observations, against the bare
 * loop of the design: the same file through pcap_source, the addresses picked
 * out at fixed places and one random cache line touched for each packet.
 *
 * The captures are written here: SYNs of a million sources, as pflog entries
 * of FreeBSD 14 and as Ethernet frames.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sensors/decoder.h"
#include "sensors/link.h"
#include "sensors/pcap_source.h"
#include "tests/bench/bench.h"

#define PACKETS 2000000
#define SOURCES 1000000
#define ROUNDS  5

#define PFLOG_HEADER 72
#define ETHER_HEADER 14
#define TOUCHED_LEN  (64 * 1024 * 1024)

static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

static void
put_be32(uint8_t *out, uint32_t value)
{
	out[0] = (uint8_t)(value >> 24);
	out[1] = (uint8_t)(value >> 16);
	out[2] = (uint8_t)(value >> 8);
	out[3] = (uint8_t)value;
}

/* An IPv4 SYN of the given source: 20 + 40 bytes. */
static void
syn_make(uint8_t *out, uint32_t i)
{
	static const uint8_t head[12] = {0x45, 0, 0, 60, 0x12, 0x34, 0x40, 0,
	    64, 6, 0, 0};
	uint64_t random = mix(i + 1);

	memset(out, 0, 60);
	memcpy(out, head, sizeof(head));
	put_be32(out + 12, 0x0a000000 + (uint32_t)(random % SOURCES));
	put_be32(out + 16, 0xc000020a);
	put_be32(out + 20, (uint32_t)(random >> 20) << 16 | 22);
	put_be32(out + 24, (uint32_t)mix(random));
	out[32] = 0xa0;
	out[33] = 0x02;
}

static void
capture_write(FILE *file, int link_type)
{
	const uint32_t magic[6] = {0xa1b2c3d4, 4U << 16 | 2, 0, 0, 65535,
	    (uint32_t)link_type};
	size_t header = link_type == LINK_PFLOG ? PFLOG_HEADER : ETHER_HEADER;
	uint8_t bytes[PFLOG_HEADER + 60] = {0};
	uint32_t i, record[4];

	if (link_type == LINK_PFLOG) {
		bytes[0] = 69;
		bytes[1] = 2;
		memcpy(bytes + 4, "vtnet0", 6);
		bytes[60] = 1;
	} else {
		bytes[12] = 0x08;
	}
	fwrite(magic, sizeof(magic), 1, file);
	for (i = 0; i < PACKETS; i++) {
		record[0] = 1700000000 + i / 100000;
		record[1] = i % 100000 * 10;
		record[2] = record[3] = (uint32_t)header + 60;
		syn_make(bytes + header, i);
		fwrite(record, sizeof(record), 1, file);
		fwrite(bytes, header + 60, 1, file);
	}
	fflush(file);
}

static uint64_t sum;

static void
observe(void *arg, const struct observation *o, size_t n)
{
	(void)arg;
	sum += n + o->src.bytes[15];
}

static struct pcap_source *
source_open(const char *path)
{
	char error[PCAP_SOURCE_ERRLEN];
	struct pcap_source *source = pcap_source_open_file(path, error);

	if (source == NULL) {
		fprintf(stderr, "%s: %s\n", path, error);
		exit(1);
	}
	return source;
}

/* Nanoseconds a packet of the bare loop. */
static double
run_bare(const char *path, uint8_t *touched)
{
	struct pcap_source *source = source_open(path);
	size_t header = pcap_source_link_type(source) == LINK_PFLOG
			    ? PFLOG_HEADER
			    : ETHER_HEADER;
	char error[PCAP_SOURCE_ERRLEN];
	double start = bench_cpu_s();
	struct pcap_packet packet;
	uint32_t addrs[2];

	while (pcap_source_next(source, &packet, error) == 1) {
		memcpy(addrs, packet.bytes + header + 12, sizeof(addrs));
		touched[(mix(addrs[0] ^ addrs[1]) & (TOUCHED_LEN - 1))]++;
	}
	pcap_source_free(source);
	return (bench_cpu_s() - start) * 1e9 / PACKETS;
}

/* Nanoseconds a packet with decoding. */
static double
run_decoder(const char *path)
{
	struct pcap_source *source = source_open(path);
	struct decoder_conf conf = {.link_type = pcap_source_link_type(source)};
	struct decoder *decoder = decoder_new(&conf);
	char error[PCAP_SOURCE_ERRLEN];
	double start = bench_cpu_s();
	struct pcap_packet packet;
	double ns;

	while (pcap_source_next(source, &packet, error) == 1)
		decoder_packet(decoder, packet.time, packet.bytes, packet.len,
		    packet.wire_len, observe, NULL);
	ns = (bench_cpu_s() - start) * 1e9 / PACKETS;
	decoder_free(decoder);
	pcap_source_free(source);
	return ns;
}

static void
bench(const char *name, int link_type, uint8_t *touched)
{
	char path[] = "/tmp/bench_decode.XXXXXX";
	double bare, decoded, best_bare = 1e9, best_decoded = 1e9;
	int i, fd = mkstemp(path);
	FILE *file = fd == -1 ? NULL : fdopen(fd, "wb");

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	capture_write(file, link_type);
	for (i = 0; i < ROUNDS; i++) {
		bare = run_bare(path, touched);
		decoded = run_decoder(path);
		best_bare = bare < best_bare ? bare : best_bare;
		best_decoded = decoded < best_decoded ? decoded : best_decoded;
	}
	fclose(file);
	unlink(path);
	bench_ratio(name, 1e3 / best_decoded, 1e3 / best_bare, "M packets/s");
}

int
main(void)
{
	uint8_t *touched = calloc(1, TOUCHED_LEN);

	if (touched == NULL)
		return 1;
	memset(touched, 1, TOUCHED_LEN);
	bench_load("captures to observations");
	bench("pflog", LINK_PFLOG, touched);
	bench("ethernet, all SYNs", LINK_ETHERNET, touched);
	free(touched);
	return sum == 0;
}
