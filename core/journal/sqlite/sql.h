/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOURNAL_SQLITE_SQL_H
#define MIGRATE_JOURNAL_SQLITE_SQL_H

#include "journal/sqlite/statement.h"

/*
 * The columns that a record's sum is made of, in this order for ever: the format
 * of the file. What comes behind a comma in several statements stands here once.
 */
#define JOB_COLUMNS "id, fingerprint, canonical, source, destination, databases, caches, created"
#define RUN_COLUMNS "id, started, ended, exit, pid, host, command, reason"
#define PASS_COLUMNS "number, state, started, ended, orphaned, cursor"
#define BATCH_FIXED "id, pass, kind, first_key, last_key, position, n"
#define BATCH_OBJECTS                                                                              \
	"objects, bytes, copied, same, skipped, gone, failed, copied_bytes, native, "              \
	"lost_attributes"
#define BATCH_ROWCOUNTS                                                                            \
	"rows_changed, rows_already, rows_conflict, rows_gone, rows_failed, rows_missing"
#define BATCH_SKIPS                                                                                \
	"skip_rule, skip_symlink, skip_special, skip_mount, skip_archived, skip_empty_folder, "    \
	"skip_own"
#define BATCH_COUNTS BATCH_OBJECTS ", " BATCH_ROWCOUNTS ", " BATCH_SKIPS
#define BATCH_COLUMNS BATCH_FIXED ", dropped, state, began, durable, done, " BATCH_COUNTS
#define OBJECT_COLUMNS                                                                             \
	"batch, n, key, new_key, size, mtime, etag, stored, algorithm, digest, replaces, state, "  \
	"created, level, fail, attempts, hung, flags, message, moved_batch, moved_n"
#define UPLOAD_COLUMNS "new_key, id, part_size, etag, size, mtime"
#define CHUNK_COLUMNS "id, batch, database, n, intended, settled, form"
#define ROW_COLUMNS                                                                                \
	"chunk, n, object, identity, place, before, after, extra, text, outcome, message"

/* As many as those; the sum is the next one. */
#define JOB_COUNT 8
#define RUN_COUNT 8
#define PASS_COUNT 6
#define BATCH_COUNT 35
#define OBJECT_COUNT 21
#define CHUNK_COUNT 7
#define ROW_COUNT 11

const char *sql_text(enum statement_id id);

#endif
