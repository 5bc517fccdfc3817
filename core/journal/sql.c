/* SPDX-License-Identifier: MIT */
#include "journal/sql.h"

/*
 * Every statement. The numbers in them are values of journal.h: state 4 is
 * BATCH_DONE, object state 5 OBJECT_FAILED, kind 0 BATCH_SORTED, outcomes 1 and
 * 2 are MIGRATE_ROW_CHANGED and MIGRATE_ROW_ALREADY.
 */
static const char *const texts[STATEMENT_COUNT] = {
	[SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[SQL_BEGIN_READ] = "BEGIN",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_JOB_GET] = "SELECT " JOB_COLUMNS ", sum IS migrate_sum(" JOB_COLUMNS ") FROM job",
	[SQL_JOB_SET] = "INSERT OR REPLACE INTO job (" JOB_COLUMNS
			", sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
			"migrate_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))",
	[SQL_RUN_BEGIN] =
	    "INSERT INTO run (" RUN_COLUMNS ", sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
	    "migrate_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))",
	[SQL_RUN_END] = "UPDATE run SET ended = ?2, exit = ?3, reason = ?4, sum = migrate_sum(id, "
			"started, ?2, ?3, pid, host, command, ?4) WHERE id = ?1",
	[SQL_RUN_LAST] = "SELECT " RUN_COLUMNS ", sum IS migrate_sum(" RUN_COLUMNS
			 ") FROM run ORDER BY id DESC LIMIT 1",
	[SQL_PASS_LAST] = "SELECT " PASS_COLUMNS ", sum IS migrate_sum(" PASS_COLUMNS
			  ") FROM pass ORDER BY number DESC LIMIT 1",
	[SQL_PASS_SET] =
	    "INSERT OR REPLACE INTO pass (" PASS_COLUMNS
	    ", sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, migrate_sum(?1, ?2, ?3, ?4, ?5, ?6))",
	[SQL_EVENT_ADD] = "INSERT INTO event (at, level, text) VALUES (?1, ?2, ?3)",
	[SQL_EVENT_LIST] = "SELECT at, level, text FROM (SELECT * FROM event ORDER BY id DESC "
			   "LIMIT ?1) ORDER BY id",
	[SQL_SAMPLE_ADD] = "INSERT INTO sample (at, objects, bytes, rows, failed, workers, errors, "
			   "why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_SAMPLE_LIST] = "SELECT at, objects, bytes, rows, failed, workers, errors, why FROM "
			    "sample ORDER BY id DESC LIMIT ?1",
	[SQL_BATCH_ADD] = "INSERT INTO batch (" BATCH_COLUMNS ", sum) VALUES (" BATCH_VALUES
			  ", migrate_sum(" BATCH_VALUES "))",
	[SQL_BATCH_SAVE] =
	    "UPDATE batch SET state = ?2, began = ?3, durable = ?28, done = CASE WHEN ?2 < 4 THEN "
	    "NULL ELSE "
	    "coalesce(done, ?4) END, "
	    "objects = ?5, bytes = ?6, copied = ?7, same = ?8, skipped = ?9, gone = ?10, failed = "
	    "?11, "
	    "copied_bytes = ?12, native = ?13, lost_attributes = ?14, rows_changed = ?15, "
	    "rows_already "
	    "= ?16, rows_conflict = ?17, rows_gone = ?18, rows_failed = ?19, rows_missing = ?20, "
	    "skip_rule = ?21, skip_symlink = ?22, skip_special = ?23, skip_mount = ?24, "
	    "skip_archived "
	    "= ?25, skip_empty_folder = ?26, skip_own = ?27"
	    ", sum = migrate_sum(" BATCH_FIXED
	    ", dropped, ?2, ?3, ?28, CASE WHEN ?2 < 4 THEN NULL ELSE "
	    "coalesce(done, ?4) END, ?5, ?6, ?7, "
	    "?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, "
	    "?25, "
	    "?26, ?27) WHERE id = ?1",
	[SQL_BATCH_BEGAN] =
	    "UPDATE batch SET state = ?2, began = ?3, sum = migrate_sum(" BATCH_FIXED
	    ", dropped, ?2, ?3, durable, done, " BATCH_COUNTS ") WHERE id = ?1",
	[SQL_BATCH_INTENT] = "UPDATE batch SET state = ?2, sum = migrate_sum(" BATCH_FIXED
			     ", dropped, ?2, began, durable, done, " BATCH_COUNTS ") WHERE id = ?1",
	[SQL_BATCH_OUTCOME] = "UPDATE batch SET state = ?2, done = CASE WHEN ?2 < 4 THEN NULL ELSE "
			      "coalesce(done, ?3) "
			      "END, "
			      "rows_changed = ?4, rows_already = ?5, rows_conflict = ?6, rows_gone "
			      "= ?7, rows_failed = "
			      "?8, rows_missing = ?9"
			      ", sum = migrate_sum(" BATCH_FIXED
			      ", dropped, ?2, began, durable, CASE WHEN ?2 < 4 THEN NULL ELSE "
			      "coalesce(done, ?3) END, " BATCH_OBJECTS
			      ", ?4, ?5, ?6, ?7, ?8, ?9, " BATCH_SKIPS ") WHERE id = ?1",
	[SQL_BATCH_DROP] = "UPDATE batch SET dropped = 1, sum = migrate_sum(" BATCH_FIXED
			   ", 1, state, began, durable, done, " BATCH_COUNTS ") WHERE id = ?1",
	[SQL_BATCH_GET] = "SELECT " BATCH_COLUMNS ", sum IS migrate_sum(" BATCH_COLUMNS
			  ") FROM batch WHERE id = ?1",
	[SQL_BATCH_DROPPED] = "SELECT dropped FROM batch WHERE id = ?1",
	[SQL_BATCH_BEGAN_AT] = "SELECT coalesce(began, 0) FROM batch WHERE id = ?1",
	[SQL_BATCH_NEXT] = "SELECT id FROM batch WHERE id > ?1 ORDER BY id LIMIT 1",
	[SQL_BATCH_OPEN] = "SELECT id FROM batch WHERE state < 4 AND id > ?1 ORDER BY id LIMIT ?2",
	[SQL_BATCH_ACTIVE] = "SELECT id FROM batch WHERE state < 4 ORDER BY state = 0, id LIMIT ?1",
	[SQL_BATCH_FAILED] =
	    "SELECT id FROM batch WHERE failed > 0 AND id > ?1 ORDER BY id LIMIT 1",
	[SQL_BATCH_SKIPPED] =
	    "SELECT id FROM batch WHERE skipped > 0 AND id > ?1 ORDER BY id LIMIT 1",
	[SQL_BATCH_BAD_ROWS] =
	    "SELECT id FROM batch WHERE rows_conflict + rows_failed > 0 AND id > ?1 "
	    "ORDER BY id LIMIT 1",
	[SQL_BATCH_POSITION] =
	    "SELECT position FROM batch WHERE +pass = ?1 AND kind = 0 ORDER BY id DESC LIMIT 1",
	[SQL_BATCH_BEFORE] = "SELECT id FROM batch WHERE pass < ?1 ORDER BY id DESC LIMIT 1",
	[SQL_BATCH_LAST_KEY] =
	    "SELECT last_key FROM batch WHERE pass = ?1 AND kind = 0 AND first_key "
	    "IS NOT NULL ORDER BY first_key DESC LIMIT 1",
	[SQL_BATCH_RANGE] = "SELECT id, n, last_key FROM batch WHERE pass = ?1 AND kind = 0 AND "
			    "first_key <= ?2 ORDER BY first_key DESC LIMIT 1",
	[SQL_BATCH_KEYS] = "SELECT min(first_key), max(last_key) FROM batch WHERE kind = 0",
	[SQL_BATCH_AFTER_KEY] =
	    "SELECT id, n, first_key FROM batch WHERE pass = ?1 AND kind = 0 AND "
	    "first_key > coalesce(?2, x'') ORDER BY first_key LIMIT 1",
	[SQL_BATCH_LAST_PASS] = "SELECT max(pass) FROM batch WHERE kind = 0",
	[SQL_COUNTS] = "SELECT coalesce(sum(objects), 0), CAST(total(bytes) AS INTEGER), "
		       "coalesce(sum(copied), 0), "
		       "coalesce(sum(same), 0), coalesce(sum(skipped), 0), coalesce(sum(gone), 0), "
		       "coalesce(sum(failed), 0), CAST(total(copied_bytes) AS INTEGER), "
		       "coalesce(sum(native), 0), "
		       "coalesce(sum(lost_attributes), 0), coalesce(sum(rows_changed), 0), "
		       "coalesce(sum(rows_already), 0), coalesce(sum(rows_conflict), 0), "
		       "coalesce(sum(rows_gone), "
		       "0), coalesce(sum(rows_failed), 0), coalesce(sum(rows_missing), 0), "
		       "coalesce(sum(skip_rule), 0), coalesce(sum(skip_symlink), 0), "
		       "coalesce(sum(skip_special), "
		       "0), coalesce(sum(skip_mount), 0), coalesce(sum(skip_archived), 0), "
		       "coalesce(sum(skip_empty_folder), 0), coalesce(sum(skip_own), 0) FROM batch "
		       "WHERE ?1 = 0 "
		       "OR pass = ?1",
	[SQL_OBJECT_ADD] = "INSERT INTO object (" OBJECT_COLUMNS ", sum) VALUES (" OBJECT_VALUES
			   ", migrate_sum(" OBJECT_VALUES "))",
	[SQL_OBJECT_SAVE] =
	    "UPDATE object SET key = ?3, new_key = ?4, size = ?5, mtime = ?6, etag = ?7, stored = "
	    "?8, algorithm = ?9, digest = ?10, replaces = ?11, state = ?12, created = ?13, level = "
	    "?14, fail = ?15, attempts = ?16, hung = max(hung, ?17), flags = ?18, message = ?19, "
	    "moved_batch = ?20, moved_n = ?21, sum = migrate_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
	    "?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, max(hung, ?17), ?18, ?19, ?20, ?21) WHERE "
	    "batch = ?1 AND n = ?2",
	[SQL_OBJECT_GET] = "SELECT " OBJECT_COLUMNS ", sum IS migrate_sum(" OBJECT_COLUMNS
			   ") FROM object WHERE batch = ?1 AND n = ?2",
	[SQL_OBJECT_FROM] = "SELECT " OBJECT_COLUMNS ", sum IS migrate_sum(" OBJECT_COLUMNS
			    ") FROM object WHERE batch = ?1 AND n >= ?2 ORDER BY n LIMIT ?3",
	[SQL_OBJECT_DROP] = "DELETE FROM object WHERE batch = ?1 AND state <> 5 AND n NOT IN "
			    "(SELECT r.object FROM chunk c JOIN row r ON r.chunk = c.id WHERE "
			    "c.batch = ?1)",
	[SQL_OBJECT_HUNG] = "UPDATE object SET hung = hung + 1, sum = migrate_sum(batch, n, key, "
			    "new_key, size, mtime, "
			    "etag, stored, algorithm, digest, replaces, state, created, level, "
			    "fail, attempts, hung + "
			    "1, flags, message, moved_batch, moved_n) WHERE batch = ?1 AND n = ?2",
	[SQL_OBJECT_OF_KEY] =
	    "SELECT batch, n FROM object WHERE key = ?1 AND batch > ?2 AND batch IN (SELECT id "
	    "FROM batch WHERE kind <> 0 OR (first_key <= ?1 AND last_key >= ?1)) ORDER BY batch "
	    "LIMIT 1",
	[SQL_CHUNK_ADD] =
	    "INSERT INTO chunk (" CHUNK_COLUMNS
	    ", sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, migrate_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7))",
	[SQL_CHUNK_SETTLE] =
	    "UPDATE chunk SET settled = ?2, sum = migrate_sum(id, batch, database, n, "
	    "intended, ?2, form) WHERE id = ?1",
	[SQL_CHUNK_LIST] = "SELECT " CHUNK_COLUMNS ", sum IS migrate_sum(" CHUNK_COLUMNS
			   ") FROM chunk WHERE batch = ?1 AND (?2 OR settled IS NULL) ORDER BY id",
	[SQL_ROW_ADD] =
	    "INSERT INTO row (" ROW_COLUMNS
	    ", sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, migrate_sum(?1, "
	    "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11))",
	[SQL_ROW_OUTCOME] =
	    "UPDATE row SET outcome = ?3, message = ?4, extra = coalesce(?5, extra), sum = "
	    "migrate_sum(chunk, n, object, identity, place, before, after, coalesce(?5, extra), "
	    "text, ?3, ?4) WHERE chunk = ?1 AND n = ?2",
	[SQL_ROW_LIST] = "SELECT " ROW_COLUMNS ", sum IS migrate_sum(" ROW_COLUMNS
			 ") FROM row WHERE chunk = ?1 ORDER BY n",
	[SQL_ROW_DROP] =
	    "DELETE FROM row WHERE chunk IN (SELECT id FROM chunk WHERE batch = ?1 AND "
	    "settled IS NOT NULL) AND coalesce(outcome, 1) IN (1, 2)",
	[SQL_UPLOAD_ADD] =
	    "INSERT OR REPLACE INTO upload (" UPLOAD_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_UPLOAD_DROP] = "DELETE FROM upload WHERE new_key = ?1",
	[SQL_UPLOAD_GET] = "SELECT " UPLOAD_COLUMNS " FROM upload WHERE new_key = ?1",
	[SQL_UPLOAD_NEXT] =
	    "SELECT " UPLOAD_COLUMNS
	    " FROM upload WHERE new_key > coalesce(?1, x'') ORDER BY new_key LIMIT 1",
};

const char *sql_text(enum statement_id id)
{
	return texts[id];
}
