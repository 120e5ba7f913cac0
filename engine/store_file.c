/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Opening the store's file.  What is not a trapline store, is damaged or too
 * new is refused before anything is written to it.  Afterwards SQLite holds
 * the file exclusively, so it needs no shared memory, and closing removes
 * nothing, so it needs no directory: the sandbox may forbid both.
 */

#include "engine/store_file.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "engine/store_check.h"

static const char schema[] =
    "CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL);"
    "CREATE TABLE hold (tbl INTEGER, prefix BLOB, origin INTEGER, by INTEGER,"
    " sensor INTEGER, cause INTEGER, since INTEGER, expires INTEGER,"
    " count INTEGER, PRIMARY KEY (tbl, prefix, origin, by)) WITHOUT ROWID;"
    "CREATE TABLE removal (tbl INTEGER, prefix BLOB,"
    " PRIMARY KEY (tbl, prefix)) WITHOUT ROWID;"
    "CREATE TABLE pardon (prefix BLOB PRIMARY KEY, until INTEGER)"
    " WITHOUT ROWID;"
    "CREATE TABLE clock (id INTEGER PRIMARY KEY, ms INTEGER);"
    "INSERT INTO clock VALUES (1, 0);";

/* Where the steps of one opening leave their reason. */
struct opening {
	sqlite3 *db;
	const char *path;
	char *error;
	size_t size;
};

static int
refuse(struct opening *o, const char *why, const char *detail)
{
	snprintf(o->error, o->size, "%.200s: %.200s%s%.80s", o->path, why,
	    detail[0] == '\0' ? "" : ": ", detail);
	return -1;
}

int
store_file_fail(struct sqlite3 *db, const char *path, const char *doing,
    char *error, size_t size)
{
	struct opening o = {db, path, error, size};

	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return refuse(&o, "in use by another traplined", "");
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return refuse(&o, "damaged", sqlite3_errmsg(db));
	default:
		return refuse(&o, doing, sqlite3_errmsg(db));
	}
}

static int
fail(struct opening *o)
{
	return store_file_fail(o->db, o->path, "cannot be opened", o->error,
	    o->size);
}

/* Runs SQL that returns nothing of interest. */
static int
run(struct opening *o, const char *sql)
{
	if (sqlite3_exec(o->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(o);
	return 0;
}

/* The one number that a pragma returns. */
static int
get_number(struct opening *o, const char *sql, uint32_t *out)
{
	sqlite3_stmt *st = NULL;
	int code, result = 0;

	if (sqlite3_prepare_v2(o->db, sql, -1, &st, NULL) != SQLITE_OK)
		return fail(o);
	code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		*out = (uint32_t)sqlite3_column_int64(st, 0);
	else
		result = fail(o);
	sqlite3_finalize(st);
	return result;
}

/* The first text that a pragma returns must be the wanted one. */
static int
expect_text(struct opening *o, const char *sql, const char *want,
    const char *trouble)
{
	sqlite3_stmt *st = NULL;
	const char *got;
	int result = 0;

	if (sqlite3_prepare_v2(o->db, sql, -1, &st, NULL) != SQLITE_OK)
		return fail(o);
	if (sqlite3_step(st) != SQLITE_ROW) {
		result = fail(o);
	} else {
		got = (const char *)sqlite3_column_text(st, 0);
		if (got == NULL || strcmp(got, want) != 0)
			result = refuse(o, trouble, got == NULL ? "" : got);
	}
	sqlite3_finalize(st);
	return result;
}

/* In one transaction of the rollback journal: whole, or not there at all. */
static int
create_schema(struct opening *o)
{
	char sql[sizeof(schema) + 128];

	snprintf(sql, sizeof(sql),
	    "BEGIN IMMEDIATE; PRAGMA application_id = %lu;"
	    "PRAGMA user_version = %d; %s COMMIT;",
	    (unsigned long)STORE_APPLICATION_ID, STORE_VERSION, schema);
	return run(o, sql);
}

/*
 * An empty file gets the schema; any other is judged again, now that the
 * write-ahead log is taken into account, and read through once for damage
 * (0.15 s for 1M holds).
 */
static int
check_or_create(struct opening *o)
{
	uint32_t application_id, pages, version;
	const char *why;

	if (get_number(o, "PRAGMA page_count", &pages) == -1)
		return -1;
	if (pages == 0)
		return create_schema(o);
	if (get_number(o, "PRAGMA application_id", &application_id) == -1 ||
	    get_number(o, "PRAGMA user_version", &version) == -1)
		return -1;
	why = store_check_numbers(application_id, version);
	if (why != NULL)
		return refuse(o, why, "");
	return expect_text(o, "PRAGMA quick_check(1)", "ok", "damaged");
}

static int
open_steps(struct opening *o)
{
	static const char settings[] =
	    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY;"
	    "PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8000;"
	    "PRAGMA synchronous = FULL;";
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE;
	int persist = 1;

	if (sqlite3_open_v2(o->path, &o->db, flags, NULL) != SQLITE_OK)
		return fail(o);
	/* A refused file stays as it is, whatever its log holds. */
	sqlite3_db_config(o->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
	    (int *)NULL);
	if (sqlite3_file_control(o->db, "main", SQLITE_FCNTL_PERSIST_WAL,
		&persist) != SQLITE_OK)
		return fail(o);
	if (run(o, settings) == -1 || check_or_create(o) == -1)
		return -1;
	return expect_text(o, "PRAGMA journal_mode = WAL", "wal",
	    "no write-ahead log");
}

struct sqlite3 *
store_file_open(const char *path, char *error, size_t size)
{
	struct opening o = {NULL, path, error, size};

	if (store_check(path, error, size) == -1)
		return NULL;
	if (open_steps(&o) == 0)
		return o.db;
	sqlite3_close(o.db);
	return NULL;
}

int
store_file_settle(struct sqlite3 *db, const char *path, char *error,
    size_t size)
{
	unsigned char byte;

	sqlite3_randomness(sizeof(byte), &byte);
	if (sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE,
		NULL, NULL) != SQLITE_OK)
		return store_file_fail(db, path, "cannot be written", error,
		    size);
	return 0;
}
