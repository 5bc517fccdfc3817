/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sql.h"

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
	[SQL_JOB_GET] = "SELECT " JOB_COLUMNS ", sum FROM job",
	[SQL_JOB_SET] = "INSERT OR REPLACE INTO job (" JOB_COLUMNS
			", sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_RUN_BEGIN] =
	    "INSERT INTO run (" RUN_COLUMNS ", sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_RUN_GET] = "SELECT " RUN_COLUMNS ", sum FROM run WHERE id = ?1",
	[SQL_RUN_SET] = "UPDATE run SET ended = ?3, exit = ?4, reason = ?8, sum = ?9 WHERE id = ?1",
	[SQL_RUN_LAST] = "SELECT " RUN_COLUMNS ", sum FROM run ORDER BY id DESC LIMIT 1",
	[SQL_PASS_LAST] = "SELECT " PASS_COLUMNS ", sum FROM pass ORDER BY number DESC LIMIT 1",
	[SQL_PASS_SET] = "INSERT OR REPLACE INTO pass (" PASS_COLUMNS
			 ", sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_EVENT_ADD] = "INSERT INTO event (at, level, text) VALUES (?1, ?2, ?3)",
	[SQL_EVENT_LIST] = "SELECT at, level, text FROM (SELECT * FROM event ORDER BY id DESC "
			   "LIMIT ?1) ORDER BY id",
	[SQL_SAMPLE_ADD] = "INSERT INTO sample (at, objects, bytes, rows, failed, workers, errors, "
			   "why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_SAMPLE_LIST] = "SELECT at, objects, bytes, rows, failed, workers, errors, why FROM "
			    "sample ORDER BY id DESC LIMIT ?1",
	[SQL_BATCH_ADD] =
	    "INSERT INTO batch (" BATCH_COLUMNS
	    ", sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
	    "?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, "
	    "?33, ?34, ?35, ?36)",
	[SQL_BATCH_SET] =
	    "UPDATE batch SET dropped = ?8, state = ?9, began = ?10, durable = ?11, done = ?12, "
	    "objects = ?13, bytes = ?14, copied = ?15, same = ?16, skipped = ?17, gone = ?18, "
	    "failed = ?19, copied_bytes = ?20, native = ?21, lost_attributes = ?22, "
	    "rows_changed = ?23, rows_already = ?24, rows_conflict = ?25, rows_gone = ?26, "
	    "rows_failed = ?27, rows_missing = ?28, skip_rule = ?29, skip_symlink = ?30, "
	    "skip_special = ?31, skip_mount = ?32, skip_archived = ?33, skip_empty_folder = ?34, "
	    "skip_own = ?35, sum = ?36 WHERE id = ?1",
	[SQL_BATCH_GET] = "SELECT " BATCH_COLUMNS ", sum FROM batch WHERE id = ?1",
	[SQL_BATCH_NEXT] = "SELECT id FROM batch WHERE id > ?1 ORDER BY id LIMIT ?2",
	[SQL_BATCH_OPEN] = "SELECT id FROM batch WHERE state < 4 AND id > ?1 ORDER BY id LIMIT ?2",
	[SQL_BATCH_ACTIVE] =
	    "SELECT id FROM batch WHERE state < 4 AND id > ?1 ORDER BY state = 0, id LIMIT ?2",
	[SQL_BATCH_FAILED] =
	    "SELECT id FROM batch WHERE failed > 0 AND id > ?1 ORDER BY id LIMIT ?2",
	[SQL_BATCH_SKIPPED] =
	    "SELECT id FROM batch WHERE skipped > 0 AND id > ?1 ORDER BY id LIMIT ?2",
	[SQL_BATCH_BAD_ROWS] =
	    "SELECT id FROM batch WHERE rows_conflict + rows_failed > 0 AND id > ?1 "
	    "ORDER BY id LIMIT ?2",
	[SQL_BATCH_POSITION] =
	    "SELECT position FROM batch WHERE +pass = ?1 AND kind = 0 ORDER BY id DESC LIMIT 1",
	[SQL_BATCH_BEFORE] = "SELECT id FROM batch WHERE pass < ?1 ORDER BY id DESC LIMIT 1",
	[SQL_BATCH_LAST_KEY] =
	    "SELECT last_key FROM batch WHERE pass = ?1 AND kind = 0 AND first_key "
	    "IS NOT NULL ORDER BY first_key DESC LIMIT 1",
	[SQL_BATCH_RANGE] = "SELECT id, n, last_key FROM batch WHERE pass = ?1 AND kind = 0 AND "
			    "first_key <= ?2 ORDER BY first_key DESC LIMIT 1",
	[SQL_BATCH_KEYS] = "SELECT min(first_key), max(last_key) FROM batch WHERE kind = 0",
	[SQL_BATCH_AFTER_KEY] = "SELECT id, first_key FROM batch WHERE pass = ?1 AND kind = 0 AND "
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
	[SQL_OBJECT_ADD] =
	    "INSERT INTO object (" OBJECT_COLUMNS
	    ", sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
	    "?16, ?17, ?18, ?19, ?20, ?21, ?22)",
	[SQL_OBJECT_SET] =
	    "UPDATE object SET key = ?3, new_key = ?4, size = ?5, mtime = ?6, etag = ?7, stored = "
	    "?8, algorithm = ?9, digest = ?10, replaces = ?11, state = ?12, created = ?13, level = "
	    "?14, fail = ?15, attempts = ?16, hung = ?17, flags = ?18, message = ?19, "
	    "moved_batch = ?20, moved_n = ?21, sum = ?22 WHERE batch = ?1 AND n = ?2 AND hung <= "
	    "?17",
	[SQL_OBJECT_GET] = "SELECT " OBJECT_COLUMNS ", sum FROM object WHERE batch = ?1 AND n = ?2",
	[SQL_OBJECT_FROM] = "SELECT " OBJECT_COLUMNS
			    ", sum FROM object WHERE batch = ?1 AND n >= ?2 ORDER BY n LIMIT ?3",
	[SQL_OBJECT_DROP] = "DELETE FROM object WHERE batch = ?1 AND state <> 5 AND n NOT IN "
			    "(SELECT r.object FROM chunk c JOIN row r ON r.chunk = c.id WHERE "
			    "c.batch = ?1)",
	[SQL_OBJECT_OF_KEY] =
	    "SELECT batch, n FROM object WHERE key = ?1 AND batch > ?2 AND batch IN (SELECT id "
	    "FROM batch WHERE kind <> 0 OR (first_key <= ?1 AND last_key >= ?1)) ORDER BY batch "
	    "LIMIT 1",
	[SQL_CHUNK_ADD] =
	    "INSERT INTO chunk (" CHUNK_COLUMNS ", sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_CHUNK_GET] = "SELECT " CHUNK_COLUMNS ", sum FROM chunk WHERE id = ?1",
	[SQL_CHUNK_SET] = "UPDATE chunk SET settled = ?6, sum = ?8 WHERE id = ?1",
	[SQL_CHUNK_LIST] =
	    "SELECT " CHUNK_COLUMNS ", sum FROM chunk WHERE batch = ?1 AND (?2 OR settled IS NULL) "
	    "ORDER BY id",
	[SQL_ROW_ADD] = "INSERT INTO row (" ROW_COLUMNS
			", sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
	[SQL_ROW_GET] = "SELECT " ROW_COLUMNS ", sum FROM row WHERE chunk = ?1 AND n = ?2",
	[SQL_ROW_SET] = "UPDATE row SET extra = ?8, outcome = ?10, message = ?11, sum = ?12 WHERE "
			"chunk = ?1 AND n = ?2",
	[SQL_ROW_LIST] = "SELECT " ROW_COLUMNS ", sum FROM row WHERE chunk = ?1 ORDER BY n",
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
