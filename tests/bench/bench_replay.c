/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Replay, capture in the page cache to verdicts, on one core: 20 rules, and
 * 1, 10,000 and 1,000,000 sources.  The reference, in the same run on the same
 * file, is a bare loop that reads each packet, decodes both addresses and
 * touches one random cache line.  Prints ratios; judges nothing.
 *
 * "bench_replay FILE SOURCES PACKETS" only writes such a capture and, as
 * FILE.conf, the policy: for callgrind, whose count no other load disturbs.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/log.h"
#include "engine/replay.h"
#include "engine/sources.h"
#include "engine/tables.h"
#include "rules/ruleset.h"
#include "sensors/decoder.h"
#include "sensors/pcap_source.h"
#include "tests/bench/bench.h"

#define PACKETS        2000000
#define NRULES         20
#define PFLOG_LEN      64
#define PACKET_LEN     (PFLOG_LEN + 40)
#define LINES          (1 << 20)
#define ROUNDS         4
#define LINKTYPE_PFLOG 117
#define ENTRIES        1000000

struct record {
	uint32_t sec, usec, caplen, len;
	uint8_t bytes[PACKET_LEN];
};

struct line {
	uint64_t words[8];
};

static struct line *lines;
static volatile uint64_t sink;

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One SYN that pf passed; the port, and so the rule, goes with the source. */
static void
fill(struct record *r, uint32_t i, uint32_t source)
{
	uint8_t *p = r->bytes;

	memset(r, 0, sizeof(*r));
	r->sec = 1700000000 + i / 100000;
	r->usec = i % 100000 * 10;
	r->caplen = r->len = PACKET_LEN;
	p[0] = 61;
	p[1] = 2;
	memcpy(p + 4, "em0", 3);
	p[60] = 1;
	p += PFLOG_LEN;
	p[0] = 0x45;
	p[3] = 40;
	p[8] = 64;
	p[9] = 6;
	p[12] = 10;
	p[13] = (uint8_t)(source >> 16);
	p[14] = (uint8_t)(source >> 8);
	p[15] = (uint8_t)source;
	p[16] = 192;
	p[18] = 2;
	p[19] = 1;
	p[20] = (uint8_t)(i >> 8);
	p[21] = (uint8_t)i;
	p[22] = 0x10;
	p[23] = (uint8_t)(source % NRULES);
	memcpy(p + 24, &i, sizeof(i));
	p[32] = 0x50;
	p[33] = 0x02;
}

static void
write_capture(const char *path, uint32_t nsources, uint32_t packets)
{
	const uint32_t head[6] = {0xa1b2c3d4, 4U << 16 | 2, 0, 0, 65535,
	    LINKTYPE_PFLOG};
	FILE *f = fopen(path, "w");
	uint64_t state = 42;
	struct record r;
	uint32_t i;

	if (f == NULL || fwrite(head, sizeof(head), 1, f) != 1)
		fatal("%s", path);
	for (i = 0; i < packets; i++) {
		fill(&r, i, (uint32_t)(next_random(&state) % nsources));
		if (fwrite(&r, sizeof(r), 1, f) != 1)
			fatal("%s", path);
	}
	if (fclose(f) == EOF)
		fatal("%s", path);
}

static double
bare_loop(const char *path)
{
	char error[PCAP_SOURCE_ERRLEN];
	struct pcap_source *source = pcap_source_open_file(path, error);
	struct pcap_packet packet;
	struct addr src, dst;
	double began = bench_cpu_s();
	uint64_t hash;

	if (source == NULL)
		fatalx("%s: %s", path, error);
	while (pcap_source_next(source, &packet, error) == 1) {
		src = addr_from_ipv4(packet.bytes + PFLOG_LEN + 12);
		dst = addr_from_ipv4(packet.bytes + PFLOG_LEN + 16);
		hash = src.bytes[15] | (uint64_t)src.bytes[14] << 8 |
		       (uint64_t)src.bytes[13] << 16;
		hash = (hash + dst.bytes[15]) * 0x9e3779b97f4a7c15ULL;
		sink += lines[hash >> 44].words[0]++;
	}
	pcap_source_free(source);
	return bench_cpu_s() - began;
}

static void
on_change(struct engine_output *out, const struct change *c)
{
	(void)out;
	(void)c;
}

static void
on_hold(struct engine_output *out, uint16_t table, const struct prefix *p,
    const struct hold *h)
{
	(void)out;
	(void)table;
	(void)p;
	(void)h;
}

static void
on_decided(struct engine_output *out, const struct decision *d)
{
	(void)out;
	(void)d;
}

static struct engine_output output = {.change = on_change,
    .hold = on_hold,
    .decided = on_decided};

#define POLICY_LEN (NRULES * 128 + 128)

/* Returns the length. */
static size_t
make_policy(char *text)
{
	size_t used;
	int i;

	used = (size_t)snprintf(text, POLICY_LEN,
	    "set limit sources 2000000\n"
	    "table <bad> expire 6w enforce block\n");
	for (i = 0; i < NRULES; i++)
		used += (size_t)snprintf(text + used, POLICY_LEN - used,
		    "watch in seen passed proto tcp to port %d "
		    "(max-src-conn-rate 4000000/5, overload <bad>)\n",
		    0x1000 + i);
	return used;
}

static struct ruleset *
load_policy(void)
{
	char text[POLICY_LEN];
	struct policy_messages messages = {0};
	struct policy_text *files = policy_text_new();
	struct ruleset *rs;

	policy_text_add(files, "bench.conf", text, make_policy(text));
	rs = ruleset_load("bench.conf", files, false, NULL, 0, &messages);
	if (rs == NULL)
		fatalx("%s", messages.list[0].text);
	policy_text_free(files);
	policy_messages_free(&messages);
	return rs;
}

static struct engine *
make_engine(void)
{
	struct engine *engine =
	    engine_new(&output, 1, (struct wall){1700000000000});
	struct ruleset *rs = load_policy();

	if (engine == NULL)
		fatal("engine");
	engine_ruleset_take(engine, &rs, (struct wall){1700000000000});
	return engine;
}

static void
observe(void *arg, const struct observation *obs, size_t n)
{
	engine_observe(arg, obs, n, obs[n - 1].time);
}

/* What "traplined -r" does, its output thrown away. */
static double
replay(const char *path)
{
	int out = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY);
	struct ruleset *rs = load_policy();
	double took, began;

	fflush(stdout);
	if (out == -1 || null == -1 || dup2(null, STDOUT_FILENO) == -1)
		fatal("/dev/null");
	began = bench_cpu_s();
	if (replay_run(rs, &path, 1, true) != 0)
		fatalx("%s: not replayed to its end", path);
	took = bench_cpu_s() - began;
	if (dup2(out, STDOUT_FILENO) == -1)
		fatal("standard output");
	close(out);
	close(null);
	return took;
}

/* How much the sources of the capture take; not timed. */
static size_t
bytes_a_source(const char *path)
{
	char error[PCAP_SOURCE_ERRLEN];
	struct decoder_conf conf = {.link_type = LINKTYPE_PFLOG};
	struct pcap_source *source = pcap_source_open_file(path, error);
	struct decoder *decoder = decoder_new(&conf);
	struct engine *engine = make_engine();
	struct engine_counters counters;
	struct pcap_packet packet;
	size_t bytes;

	if (source == NULL || decoder == NULL)
		fatalx("%s: %s", path, error);
	while (pcap_source_next(source, &packet, error) == 1)
		decoder_packet(decoder, packet.time, packet.bytes, packet.len,
		    packet.wire_len, observe, engine);
	engine_counters(engine, &counters);
	if (counters.matched != PACKETS)
		fatalx("%llu of %d packets reached a rule",
		    (unsigned long long)counters.matched, PACKETS);
	bytes = sources_memory(engine_sources(engine)) /
		sources_count(engine_sources(engine));
	engine_free(engine);
	decoder_free(decoder);
	pcap_source_free(source);
	return bytes;
}

static void
measure(const char *path, uint32_t nsources)
{
	double bare = 1e9, full = 1e9, took;
	char what[64];
	int i;

	write_capture(path, nsources, PACKETS);
	for (i = 0; i < ROUNDS; i++) {
		took = bare_loop(path);
		bare = took < bare ? took : bare;
		took = replay(path);
		full = took < full ? took : full;
	}
	snprintf(what, sizeof(what), "replay, %u sources, %zu bytes each",
	    nsources, bytes_a_source(path));
	bench_ratio(what, PACKETS / full / 1e6, PACKETS / bare / 1e6,
	    "M packets/s");
}

/* What 1M entries of one hold each cost. */
static void
measure_entries(void)
{
	struct wall now = {1700000000000};
	struct tables *tables = tables_new(2 * ENTRIES, 1, now);
	struct hold hold = {.expires = wall_add_s(now, 3628800),
	    .since = now,
	    .count = 16};
	struct prefix p;
	uint8_t bytes[4];
	uint32_t i;

	for (i = 0; i < ENTRIES; i++) {
		bytes[0] = 10;
		bytes[1] = (uint8_t)(i >> 16);
		bytes[2] = (uint8_t)(i >> 8);
		bytes[3] = (uint8_t)i;
		p.addr = addr_from_ipv4(bytes);
		p.len = 128;
		hold.expires.ms += 1000;
		if (tables_hold(tables, 0, &p, &hold) != TABLES_NEW)
			fatalx("entry %u was not taken", i);
	}
	printf("%u entries: %zu bytes an entry\n", ENTRIES,
	    tables_memory(tables) / ENTRIES);
	tables_free(tables);
}

static void
write_files(const char *path, const char *nsources, const char *packets)
{
	char name[1024], text[POLICY_LEN];
	size_t n = make_policy(text);
	FILE *f;

	write_capture(path, (uint32_t)strtoul(nsources, NULL, 10),
	    (uint32_t)strtoul(packets, NULL, 10));
	snprintf(name, sizeof(name), "%s.conf", path);
	f = fopen(name, "w");
	if (f == NULL || fwrite(text, n, 1, f) != 1 || fclose(f) == EOF)
		fatal("%s", name);
}

int
main(int argc, char **argv)
{
	static const uint32_t counts[] = {1, 10000, 1000000};
	char path[] = "/tmp/trapline-bench-XXXXXX";
	size_t i;
	int fd;

	if (argc == 4) {
		write_files(argv[1], argv[2], argv[3]);
		return 0;
	}
	fd = mkstemp(path);
	if (fd == -1)
		fatal("%s", path);
	close(fd);
	lines = calloc(LINES, sizeof(*lines));
	if (lines == NULL)
		fatal("lines");
	bench_load("replay of 2M packets with 20 rules");
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		measure(path, counts[i]);
	measure_entries();
	unlink(path);
	free(lines);
	return 0;
}
