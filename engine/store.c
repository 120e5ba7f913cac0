/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The durable store.  Writes gather in memory as a list of operations, which
 * store_commit() carries out in one SQLite transaction; the list is emptied
 * only when that transaction is on the disk.  So a full disk loses nothing:
 * whatever SQLite rolled back is done again by the next commit, and doing an
 * operation twice is the same as doing it once.
 *
 * Texts stand once each in the table name and are numbered as names_intern()
 * numbers them.  Measured with 1M holds against texts in every row: half the
 * size (52 bytes a row, 107), reading twice and writing 1.5 times as fast.
 */

#include "engine/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "engine/compat.h"
#include "engine/log.h"
#include "engine/names.h"
#include "engine/store_file.h"

#define PREFIX_BLOB_LEN 17
#define OPS_FIRST       256
/* A list that grew beyond this is given back after the commit. */
#define OPS_KEPT 65536

/* The statements that are kept prepared; the first ones are operations. */
enum statement {
	PUT_HOLD,
	DELETE_HOLD,
	PUT_REMOVAL,
	DELETE_REMOVAL,
	PUT_PARDON,
	DELETE_PARDON,
	PUT_CLOCK,
	PUT_NAME,
	BEGIN,
	COMMIT,
	ROLLBACK,
	EACH_HOLD,
	EACH_REMOVAL,
	EACH_PARDON,
	EACH_NAME,
	GET_CLOCK,
	STATEMENTS,
};

static const char *const statement_text[STATEMENTS] = {
    [PUT_HOLD] = "INSERT OR REPLACE INTO hold VALUES (?,?,?,?,?,?,?,?,?)",
    [DELETE_HOLD] = "DELETE FROM hold"
		    " WHERE tbl = ? AND prefix = ? AND origin = ? AND by = ?",
    [PUT_REMOVAL] = "INSERT OR REPLACE INTO removal VALUES (?,?)",
    [DELETE_REMOVAL] = "DELETE FROM removal WHERE tbl = ? AND prefix = ?",
    [PUT_PARDON] = "INSERT OR REPLACE INTO pardon VALUES (?,?)",
    [DELETE_PARDON] = "DELETE FROM pardon WHERE prefix = ?",
    [PUT_CLOCK] = "INSERT OR REPLACE INTO clock VALUES (1, ?)",
    [PUT_NAME] = "INSERT INTO name VALUES (?,?)",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [EACH_HOLD] = "SELECT tbl, prefix, origin, by, sensor, cause, since,"
		  " expires, count FROM hold",
    [EACH_REMOVAL] = "SELECT tbl, prefix FROM removal",
    [EACH_PARDON] = "SELECT prefix, until FROM pardon",
    [EACH_NAME] = "SELECT id, text FROM name ORDER BY id",
    [GET_CLOCK] = "SELECT ms FROM clock WHERE id = 1",
};

/* One write that waits for its commit; fields beyond its need are zero. */
struct operation {
	struct prefix prefix;
	uint8_t kind; /* enum statement */
	uint8_t origin;
	uint32_t table, by, sensor, cause; /* of names_intern() */
	uint32_t count;
	int64_t since;
	int64_t expires; /* of a hold or pardon; the time of a clock */
};

struct store {
	char *path;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	struct names *names;
	uint32_t names_known;  /* numbers up to this one are in names */
	uint32_t names_stored; /* up to this one in the file as well */
	struct operation *ops; /* since the last commit, in order */
	size_t nops;
	size_t ops_size;
	char error[STORE_ERRLEN];
};

static int
refuse(struct store *s, const char *why)
{
	snprintf(s->error, sizeof(s->error), "%.200s: %s", s->path, why);
	return -1;
}

static int
fail(struct store *s, const char *doing)
{
	return store_file_fail(s->db, s->path, doing, s->error,
	    sizeof(s->error));
}

static int
prepare_statements(struct store *s)
{
	size_t i;

	for (i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(s->db, statement_text[i], -1,
			SQLITE_PREPARE_PERSISTENT, &s->statements[i],
			NULL) != SQLITE_OK)
			return fail(s, "damaged");
	}
	return 0;
}

/* Numbers in the file run from 1 without a gap: rows are never deleted. */
static int
load_names(struct store *s)
{
	sqlite3_stmt *st = s->statements[EACH_NAME];
	const char *text;
	uint32_t id;
	int code;

	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(st, 1);
		if (text == NULL)
			break;
		id = names_intern(s->names, text);
		if (id != s->names_known + 1 ||
		    sqlite3_column_int64(st, 0) != (sqlite3_int64)id)
			break;
		s->names_known = id;
	}
	sqlite3_reset(st);
	s->names_stored = s->names_known;
	if (code == SQLITE_ROW)
		return refuse(s, "damaged: its names are out of order");
	return code == SQLITE_DONE ? 0 : fail(s, "cannot be read");
}

/* A first commit shows that the file can be written, and opens the log. */
static int
write_once(struct store *s)
{
	if (store_put_clock(s, store_get_clock(s)) == -1 ||
	    store_commit(s) == -1)
		return -1;
	return store_file_settle(s->db, s->path, s->error, sizeof(s->error));
}

static void
store_free(struct store *s)
{
	size_t i;

	for (i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	names_free(s->names);
	free(s->ops);
	free(s->path);
	free(s);
}

static struct store *
store_new(const char *path)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->path = strdup(path);
	s->names = names_new();
	s->ops = calloc(OPS_FIRST, sizeof(*s->ops));
	s->ops_size = OPS_FIRST;
	if (s->path != NULL && s->names != NULL && s->ops != NULL)
		return s;
	store_free(s);
	return NULL;
}

struct store *
store_open(const char *path, char *error)
{
	struct store *s = store_new(path);

	if (s == NULL) {
		snprintf(error, STORE_ERRLEN, "%.200s: out of memory", path);
		return NULL;
	}
	s->db = store_file_open(path, s->error, sizeof(s->error));
	if (s->db != NULL && prepare_statements(s) == 0 && load_names(s) == 0 &&
	    write_once(s) == 0)
		return s;
	strlcpy(error, s->error, STORE_ERRLEN);
	store_free(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (store_commit(s) == -1)
		log_warnx("%s; %zu writes are lost", s->error, s->nops);
	/* The file becomes whole by itself; if not, the log has the rest. */
	sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
	    NULL);
	store_free(s);
}

static struct operation *
add_operation(struct store *s, enum statement kind)
{
	struct operation *bigger, *op;

	if (s->nops == s->ops_size) {
		bigger = reallocarray(s->ops, s->ops_size, 2 * sizeof(*s->ops));
		if (bigger == NULL) {
			refuse(s, "out of memory");
			return NULL;
		}
		s->ops = bigger;
		s->ops_size *= 2;
	}
	op = &s->ops[s->nops];
	memset(op, 0, sizeof(*op));
	op->kind = (uint8_t)kind;
	return op;
}

/* The number of a text; it is stored with the next commit. */
static int
get_name(struct store *s, const char *text, uint32_t *out)
{
	uint32_t id;

	if (text == NULL)
		text = "";
	id = names_intern(s->names, text);
	if (id == 0 && text[0] != '\0')
		return refuse(s, "out of memory");
	if (id > s->names_known)
		s->names_known = id;
	*out = id;
	return 0;
}

int
store_put_hold(struct store *s, const struct store_hold *hold)
{
	struct operation *op = add_operation(s, PUT_HOLD);

	if (op == NULL || get_name(s, hold->table, &op->table) == -1 ||
	    get_name(s, hold->by, &op->by) == -1 ||
	    get_name(s, hold->sensor, &op->sensor) == -1 ||
	    get_name(s, hold->cause, &op->cause) == -1)
		return -1;
	op->prefix = hold->prefix;
	op->origin = (uint8_t)hold->origin;
	op->count = hold->count;
	op->since = hold->since.ms;
	op->expires = hold->expires.ms;
	s->nops++;
	return 0;
}

int
store_delete_hold(struct store *s, const char *table,
    const struct prefix *prefix, enum origin origin, const char *by)
{
	struct operation *op = add_operation(s, DELETE_HOLD);

	if (op == NULL || get_name(s, table, &op->table) == -1 ||
	    get_name(s, by, &op->by) == -1)
		return -1;
	op->prefix = *prefix;
	op->origin = (uint8_t)origin;
	s->nops++;
	return 0;
}

static int
write_removal(struct store *s, enum statement kind, const char *table,
    const struct prefix *prefix)
{
	struct operation *op = add_operation(s, kind);

	if (op == NULL || get_name(s, table, &op->table) == -1)
		return -1;
	op->prefix = *prefix;
	s->nops++;
	return 0;
}

int
store_put_removal(struct store *s, const char *table,
    const struct prefix *prefix)
{
	return write_removal(s, PUT_REMOVAL, table, prefix);
}

int
store_delete_removal(struct store *s, const char *table,
    const struct prefix *prefix)
{
	return write_removal(s, DELETE_REMOVAL, table, prefix);
}

int
store_put_pardon(struct store *s, const struct prefix *prefix,
    struct wall until)
{
	struct operation *op = add_operation(s, PUT_PARDON);

	if (op == NULL)
		return -1;
	op->prefix = *prefix;
	op->expires = until.ms;
	s->nops++;
	return 0;
}

int
store_delete_pardon(struct store *s, const struct prefix *prefix)
{
	struct operation *op = add_operation(s, DELETE_PARDON);

	if (op == NULL)
		return -1;
	op->prefix = *prefix;
	s->nops++;
	return 0;
}

int
store_put_clock(struct store *s, struct wall now)
{
	struct operation *op = add_operation(s, PUT_CLOCK);

	if (op == NULL)
		return -1;
	op->expires = now.ms;
	s->nops++;
	return 0;
}

bool
store_is_dirty(const struct store *s)
{
	return s->nops > 0;
}

const char *
store_error(const struct store *s)
{
	return s->error;
}

/* Runs a statement whose parameters are bound. */
static int
step(struct store *s, enum statement which)
{
	int code = sqlite3_step(s->statements[which]);

	if (code == SQLITE_DONE) {
		sqlite3_reset(s->statements[which]);
		return 0;
	}
	fail(s, "cannot be written");
	sqlite3_reset(s->statements[which]);
	return -1;
}

static void
pack_prefix(const struct prefix *p, uint8_t *blob)
{
	memcpy(blob, p->addr.bytes, sizeof(p->addr.bytes));
	blob[PREFIX_BLOB_LEN - 1] = p->len;
}

static void
bind_hold(sqlite3_stmt *st, const struct operation *op)
{
	sqlite3_bind_int64(st, 3, op->origin);
	sqlite3_bind_int64(st, 4, op->by);
	if (op->kind != PUT_HOLD)
		return;
	sqlite3_bind_int64(st, 5, op->sensor);
	sqlite3_bind_int64(st, 6, op->cause);
	sqlite3_bind_int64(st, 7, op->since);
	sqlite3_bind_int64(st, 8, op->expires);
	sqlite3_bind_int64(st, 9, op->count);
}

static int
apply(struct store *s, const struct operation *op)
{
	sqlite3_stmt *st = s->statements[op->kind];
	uint8_t blob[PREFIX_BLOB_LEN];

	pack_prefix(&op->prefix, blob);
	switch (op->kind) {
	case PUT_HOLD:
	case DELETE_HOLD:
		bind_hold(st, op);
		/* FALLTHROUGH */
	case PUT_REMOVAL:
	case DELETE_REMOVAL:
		sqlite3_bind_int64(st, 1, op->table);
		sqlite3_bind_blob(st, 2, blob, sizeof(blob), SQLITE_STATIC);
		break;
	case PUT_PARDON:
		sqlite3_bind_int64(st, 2, op->expires);
		/* FALLTHROUGH */
	case DELETE_PARDON:
		sqlite3_bind_blob(st, 1, blob, sizeof(blob), SQLITE_STATIC);
		break;
	case PUT_CLOCK:
		sqlite3_bind_int64(st, 1, op->expires);
		break;
	}
	return step(s, (enum statement)op->kind);
}

static int
apply_names(struct store *s)
{
	sqlite3_stmt *st = s->statements[PUT_NAME];
	uint32_t id;

	for (id = s->names_stored + 1; id <= s->names_known; id++) {
		sqlite3_bind_int64(st, 1, id);
		sqlite3_bind_text(st, 2, names_text(s->names, id), -1,
		    SQLITE_STATIC);
		if (step(s, PUT_NAME) == -1)
			return -1;
	}
	return 0;
}

static int
apply_all(struct store *s)
{
	size_t i;

	if (step(s, BEGIN) == -1 || apply_names(s) == -1)
		return -1;
	for (i = 0; i < s->nops; i++) {
		if (apply(s, &s->ops[i]) == -1)
			return -1;
	}
	return step(s, COMMIT);
}

/* The list is empty again; one that a burst blew up is given back. */
static void
forget_operations(struct store *s)
{
	struct operation *smaller;

	s->nops = 0;
	if (s->ops_size <= OPS_KEPT)
		return;
	smaller = calloc(OPS_FIRST, sizeof(*smaller));
	if (smaller == NULL)
		return;
	free(s->ops);
	s->ops = smaller;
	s->ops_size = OPS_FIRST;
}

int
store_commit(struct store *s)
{
	if (s->nops == 0)
		return 0;
	if (apply_all(s) == -1) {
		/* SQLite may have rolled back by itself already. */
		if (!sqlite3_get_autocommit(s->db)) {
			sqlite3_step(s->statements[ROLLBACK]);
			sqlite3_reset(s->statements[ROLLBACK]);
		}
		return -1;
	}
	s->names_stored = s->names_known;
	forget_operations(s);
	return 0;
}

/* Reads column i; false when it is no prefix. */
static bool
get_prefix(sqlite3_stmt *st, int i, struct prefix *out)
{
	const uint8_t *blob = sqlite3_column_blob(st, i);
	struct addr addr;

	if (blob == NULL || sqlite3_column_bytes(st, i) != PREFIX_BLOB_LEN ||
	    blob[PREFIX_BLOB_LEN - 1] > 128)
		return false;
	addr = addr_from_ipv6(blob);
	*out = prefix_make(&addr, blob[PREFIX_BLOB_LEN - 1]);
	return addr_equal(&addr, &out->addr);
}

/* Reads column i, the number of a text; NULL when there is no such text. */
static const char *
get_text(const struct store *s, sqlite3_stmt *st, int i)
{
	sqlite3_int64 id = sqlite3_column_int64(st, i);

	if (id < 0 || id > (sqlite3_int64)s->names_known)
		return NULL;
	return names_text(s->names, (uint32_t)id);
}

static bool
get_hold(const struct store *s, sqlite3_stmt *st, struct store_hold *out)
{
	sqlite3_int64 origin = sqlite3_column_int64(st, 2);
	sqlite3_int64 count = sqlite3_column_int64(st, 8);

	if (origin < 0 || origin > ORIGIN_KERNEL || count < 0 ||
	    count > UINT32_MAX)
		return false;
	out->table = get_text(s, st, 0);
	out->origin = (enum origin)origin;
	out->by = get_text(s, st, 3);
	out->sensor = get_text(s, st, 4);
	out->cause = get_text(s, st, 5);
	out->since.ms = sqlite3_column_int64(st, 6);
	out->expires.ms = sqlite3_column_int64(st, 7);
	out->count = (uint32_t)count;
	return get_prefix(st, 1, &out->prefix) && out->table != NULL &&
	       out->by != NULL && out->sensor != NULL && out->cause != NULL;
}

/* Ends a walk: code is what its last step returned. */
static int
end_walk(struct store *s, enum statement which, int code)
{
	int result = 0;

	if (code == SQLITE_ROW) {
		result = refuse(s, "damaged: a row makes no sense");
	} else if (code != SQLITE_DONE) {
		result = fail(s, "cannot be read");
	}
	sqlite3_reset(s->statements[which]);
	return result;
}

int
store_each_hold(struct store *s, store_visit_hold *visit, void *arg)
{
	sqlite3_stmt *st = s->statements[EACH_HOLD];
	struct store_hold hold;
	int code;

	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		if (!get_hold(s, st, &hold))
			break;
		visit(arg, &hold);
	}
	return end_walk(s, EACH_HOLD, code);
}

int
store_each_removal(struct store *s, store_visit_removal *visit, void *arg)
{
	sqlite3_stmt *st = s->statements[EACH_REMOVAL];
	struct prefix prefix;
	const char *table;
	int code;

	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		table = get_text(s, st, 0);
		if (table == NULL || !get_prefix(st, 1, &prefix))
			break;
		visit(arg, table, &prefix);
	}
	return end_walk(s, EACH_REMOVAL, code);
}

int
store_each_pardon(struct store *s, store_visit_pardon *visit, void *arg)
{
	sqlite3_stmt *st = s->statements[EACH_PARDON];
	struct prefix prefix;
	struct wall until;
	int code;

	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		if (!get_prefix(st, 0, &prefix))
			break;
		until.ms = sqlite3_column_int64(st, 1);
		visit(arg, &prefix, until);
	}
	return end_walk(s, EACH_PARDON, code);
}

struct wall
store_get_clock(struct store *s)
{
	sqlite3_stmt *st = s->statements[GET_CLOCK];
	struct wall clock = {0};

	if (sqlite3_step(st) == SQLITE_ROW)
		clock.ms = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return clock;
}
