/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * What the store costs over SQLite itself: the same rows in the same order,
 * by store_put_hold() and by bare statements under the same pragmas.  Each
 * side gets files of its own in the working directory, or in the directory
 * that is given.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "engine/clock.h"
#include "engine/log.h"
#include "engine/store.h"
#include "tests/bench/bench.h"

#define ONE_ROW_COMMITS 3000
#define MANY_ROWS       1000000

static char our_path[256];
static char bare_path[256];

static double
seconds_since(struct mono start)
{
	return (double)(mono_read().ns - start.ns) / 1e9;
}

/* The i-th address: all differ, in no order. */
static struct prefix
scattered(uint32_t i)
{
	uint32_t bits = i * UINT32_C(2654435761);
	uint8_t bytes[4] = {(uint8_t)(bits >> 24), (uint8_t)(bits >> 16),
	    (uint8_t)(bits >> 8), (uint8_t)bits};
	struct addr addr = addr_from_ipv4(bytes);

	return prefix_host(&addr);
}

static void
remove_files(const char *path)
{
	char wal[300];

	snprintf(wal, sizeof(wal), "%s-wal", path);
	unlink(path);
	unlink(wal);
}

static double
write_ours(uint32_t rows, uint32_t each)
{
	char error[STORE_ERRLEN];
	struct store_hold h = {.table = "bruteforce",
	    .origin = ORIGIN_RULE,
	    .by = "line 12",
	    .sensor = "nflog group 5",
	    .cause = "max-src-conn-rate 15/5",
	    .count = 16};
	struct store *s;
	struct mono start;
	uint32_t i;

	remove_files(our_path);
	s = store_open(our_path, error);
	if (s == NULL)
		fatalx("%s", error);
	start = mono_read();
	for (i = 0; i < rows; i++) {
		h.prefix = scattered(i);
		h.since.ms = INT64_C(1790000000000) + i;
		h.expires.ms = INT64_C(1793000000000) + i;
		if (store_put_hold(s, &h) == -1 ||
		    ((i + 1) % each == 0 && store_commit(s) == -1))
			fatalx("%s", store_error(s));
	}
	store_close(s);
	return seconds_since(start);
}

static void
run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fatalx("%s: %s", sql, sqlite3_errmsg(db));
}

static sqlite3 *
open_bare(void)
{
	sqlite3 *db;

	if (sqlite3_open(bare_path, &db) != SQLITE_OK)
		fatalx("%s: %s", bare_path, sqlite3_errmsg(db));
	run(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
		"PRAGMA synchronous = FULL; PRAGMA cache_size = -8000;"
		"CREATE TABLE IF NOT EXISTS hold (tbl INTEGER, prefix BLOB,"
		" origin INTEGER, by INTEGER, sensor INTEGER, cause INTEGER,"
		" since INTEGER, expires INTEGER, count INTEGER,"
		" PRIMARY KEY (tbl, prefix, origin, by)) WITHOUT ROWID");
	return db;
}

static double
write_bare(uint32_t rows, uint32_t each)
{
	struct prefix p;
	sqlite3_stmt *st;
	struct mono start;
	uint8_t blob[17];
	sqlite3 *db;
	uint32_t i;

	remove_files(bare_path);
	db = open_bare();
	if (sqlite3_prepare_v2(db,
		"INSERT OR REPLACE INTO hold VALUES (1,?,0,2,3,4,?,?,16)", -1,
		&st, NULL) != SQLITE_OK)
		fatalx("prepare: %s", sqlite3_errmsg(db));
	start = mono_read();
	for (i = 0; i < rows; i++) {
		if (i % each == 0)
			run(db, "BEGIN");
		p = scattered(i);
		memcpy(blob, p.addr.bytes, 16);
		blob[16] = p.len;
		sqlite3_bind_blob(st, 1, blob, sizeof(blob), SQLITE_STATIC);
		sqlite3_bind_int64(st, 2, INT64_C(1790000000000) + i);
		sqlite3_bind_int64(st, 3, INT64_C(1793000000000) + i);
		if (sqlite3_step(st) != SQLITE_DONE)
			fatalx("step: %s", sqlite3_errmsg(db));
		sqlite3_reset(st);
		if ((i + 1) % each == 0)
			run(db, "COMMIT");
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	return seconds_since(start);
}

static void
count_hold(void *arg, const struct store_hold *h)
{
	uint64_t *sum = arg;

	*sum += h->prefix.addr.bytes[15] + h->count;
}

/* Opening is in it: what the daemon waits for at its start. */
static double
read_ours(double *open_s)
{
	struct mono start = mono_read();
	char error[STORE_ERRLEN];
	uint64_t sum = 0;
	struct store *s;

	s = store_open(our_path, error);
	if (s == NULL)
		fatalx("%s", error);
	*open_s = seconds_since(start);
	if (store_each_hold(s, count_hold, &sum) == -1)
		fatalx("%s", store_error(s));
	store_close(s);
	return seconds_since(start);
}

static double
read_bare(void)
{
	struct mono start = mono_read();
	sqlite3 *db = open_bare();
	sqlite3_stmt *st;
	uint64_t sum = 0;
	int i;

	if (sqlite3_prepare_v2(db, "SELECT * FROM hold", -1, &st, NULL) !=
	    SQLITE_OK)
		fatalx("prepare: %s", sqlite3_errmsg(db));
	while (sqlite3_step(st) == SQLITE_ROW) {
		sum += *(const uint8_t *)sqlite3_column_blob(st, 1);
		for (i = 2; i < 9; i++)
			sum += (uint64_t)sqlite3_column_int64(st, i);
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	if (sum == 0)
		fatalx("%s: nothing in it", bare_path);
	return seconds_since(start);
}

static void
bench_writes(uint32_t rows, uint32_t each)
{
	double bare = write_bare(rows, each);
	double ours = write_ours(rows, each);
	char what[64];

	snprintf(what, sizeof(what), "commits of %u", each);
	bench_ratio(what, rows / ours, rows / bare, "rows/s");
}

int
main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : ".";
	double ours, bare, open_s;
	struct stat st;

	snprintf(our_path, sizeof(our_path), "%s/bench-ours.db", dir);
	snprintf(bare_path, sizeof(bare_path), "%s/bench-bare.db", dir);
	bench_load("the store against plain SQLite");
	bench_writes(ONE_ROW_COMMITS, 1);
	bench_writes(MANY_ROWS / 10, 100);
	bench_writes(MANY_ROWS, 10000);
	if (stat(our_path, &st) == 0)
		printf("1M rows: %.1f bytes a row\n",
		    (double)st.st_size / MANY_ROWS);
	bare = read_bare();
	ours = read_ours(&open_s);
	bench_ratio("read of 1M rows", ours, bare, "s");
	printf("of it opening and checking: %.3f s\n", open_s);
	remove_files(our_path);
	remove_files(bare_path);
	return 0;
}
