/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include <string.h>

/*
 * The format of the file, version 2. migrate-journal(5) describes every column.
 * The texts are compared with those in the file, so that a damaged schema is
 * noticed: any change here is a new JOURNAL_FORMAT.
 */
static const char *const tables[] = {
	"CREATE TABLE job (id TEXT PRIMARY KEY, fingerprint TEXT, canonical TEXT, source TEXT, "
	"destination TEXT, databases TEXT, caches TEXT, created INTEGER, sum INTEGER) "
	"WITHOUT ROWID",

	"CREATE TABLE run (id INTEGER PRIMARY KEY, started INTEGER, ended INTEGER, exit INTEGER, "
	"pid INTEGER, host TEXT, command TEXT, reason TEXT, sum INTEGER)",

	"CREATE TABLE pass (number INTEGER PRIMARY KEY, state INTEGER, started INTEGER, "
	"ended INTEGER, orphaned INTEGER, cursor BLOB, sum INTEGER)",

	"CREATE TABLE batch (id INTEGER PRIMARY KEY, pass INTEGER, kind INTEGER, first_key BLOB, "
	"last_key BLOB, position BLOB, n INTEGER, dropped INTEGER, state INTEGER, began INTEGER, "
	"durable INTEGER, done INTEGER, objects INTEGER, bytes INTEGER, copied INTEGER, same "
	"INTEGER, "
	"skipped INTEGER, gone INTEGER, failed INTEGER, copied_bytes INTEGER, native INTEGER, "
	"lost_attributes INTEGER, rows_changed INTEGER, rows_already INTEGER, "
	"rows_conflict INTEGER, rows_gone INTEGER, rows_failed INTEGER, rows_missing INTEGER, "
	"skip_rule INTEGER, skip_symlink INTEGER, skip_special INTEGER, skip_mount INTEGER, "
	"skip_archived INTEGER, skip_empty_folder INTEGER, skip_own INTEGER, sum INTEGER)",

	"CREATE TABLE object (batch INTEGER, n INTEGER, key BLOB, new_key BLOB, size INTEGER, "
	"mtime INTEGER, etag BLOB, stored BLOB, algorithm INTEGER, digest BLOB, replaces BLOB, "
	"state INTEGER, created INTEGER, level INTEGER, fail INTEGER, attempts INTEGER, "
	"hung INTEGER, flags INTEGER, message TEXT, moved_batch INTEGER, moved_n INTEGER, "
	"sum INTEGER, PRIMARY KEY (batch, n)) WITHOUT ROWID",

	"CREATE TABLE chunk (id INTEGER PRIMARY KEY, batch INTEGER, database INTEGER, n INTEGER, "
	"intended INTEGER, settled INTEGER, form INTEGER, sum INTEGER)",

	"CREATE TABLE row (chunk INTEGER, n INTEGER, object INTEGER, identity BLOB, place BLOB, "
	"before BLOB, after BLOB, extra BLOB, text TEXT, outcome INTEGER, message TEXT, "
	"sum INTEGER, PRIMARY KEY (chunk, n)) WITHOUT ROWID",

	"CREATE TABLE upload (new_key BLOB PRIMARY KEY, id BLOB, part_size INTEGER, etag BLOB, "
	"size INTEGER, mtime INTEGER) WITHOUT ROWID",

	"CREATE TABLE event (id INTEGER PRIMARY KEY, at INTEGER, level INTEGER, text TEXT)",

	"CREATE TABLE sample (id INTEGER PRIMARY KEY, at INTEGER, objects INTEGER, "
	"bytes INTEGER, rows INTEGER, failed INTEGER, workers INTEGER, errors INTEGER, "
	"why INTEGER)",

	"CREATE INDEX batch_open ON batch (id) WHERE state < 4",
	"CREATE INDEX batch_range ON batch (pass, first_key) WHERE kind = 0",
	"CREATE INDEX chunk_batch ON chunk (batch)",
};

#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

int journal_tables_create(struct sqlite *q)
{
	char pragmas[128];
	int rc;

	sqlite3_snprintf(sizeof(pragmas), pragmas,
			 "BEGIN; PRAGMA application_id = %d; PRAGMA user_version = %d;",
			 JOURNAL_APPLICATION, JOURNAL_FORMAT);
	rc = connection_exec(q, pragmas);
	for (size_t i = 0; !rc && i < TABLE_COUNT; i++)
		rc = connection_exec(q, tables[i]);
	return rc ? rc : connection_exec(q, "COMMIT");
}

/* Each text in order of creation, and none besides; indexes of SQLite's own have no text. */
static int compare_tables(struct sqlite *q)
{
	sqlite3_stmt *s = NULL;
	size_t i = 0;
	int rc = sqlite3_prepare_v2(q->db,
				    "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND "
				    "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid",
				    -1, &s, NULL);

	while (!rc && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(s, 0);

		rc = i < TABLE_COUNT && text && !strcmp(text, tables[i++])
			 ? SQLITE_OK
			 : connection_damaged(&q->base, "the tables are not those of a journal");
	}
	sqlite3_finalize(s);
	if (rc == SQLITE_DONE)
		rc = i == TABLE_COUNT ? SQLITE_OK
				      : connection_damaged(&q->base, "tables are missing");
	return rc;
}

int journal_tables_check(struct sqlite *q, struct error *err)
{
	const char *path = q->base.journal;
	int64_t application = 0, format = 0;
	int rc = connection_integer(q, "PRAGMA application_id", &application);

	if (!rc)
		rc = connection_integer(q, "PRAGMA user_version", &format);
	if (rc)
		return connection_result(&q->base, rc, err) ? -1 : 0;
	if (application != JOURNAL_APPLICATION)
		return error_set(err, EXIT_DAMAGED,
				 "%s is not a migrate journal, or its header is damaged: look at "
				 "the job file's journal option",
				 path);
	if (format > JOURNAL_FORMAT)
		return error_set(err, EXIT_UNFIT,
				 "journal %s has format %lld, this version of migrate reads up to "
				 "%d: use the newer version that wrote it",
				 path, (long long)format, JOURNAL_FORMAT);
	if (format < 1)
		return error_set(err, EXIT_DAMAGED, "journal %s: damaged: it has format %lld", path,
				 (long long)format);
	if (format < JOURNAL_FORMAT)
		return error_set(err, EXIT_UNFIT,
				 "journal %s has format %lld, of a version of migrate that was "
				 "never released: finish the job with that version, or begin it "
				 "anew with --new-journal",
				 path, (long long)format);
	return connection_result(&q->base, compare_tables(q), err) ? -1 : 0;
}
