/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

/* Transactions, and the log that they are written to. */

/* Frames of 4 KiB in the log: tidy up when idle; in any case; cut the file. */
#define FRAMES_IDLE 1024
#define FRAMES_BUSY 8192
#define FRAMES_CUT 65536

static int count_frames(void *arg, sqlite3 *db, const char *name, int frames)
{
	struct sqlite *q = arg;

	(void)db;
	(void)name;
	q->log_frames = (uint32_t)frames;
	return SQLITE_OK;
}

void file_watch_log(struct sqlite *q)
{
	sqlite3_wal_hook(q->db, count_frames, q);
}

static int run_statement(struct connection *c, enum statement_id id)
{
	struct statement s = statement(c, id);

	return statement_run(&s);
}

enum result file_begin_write(struct connection *c, struct error *err)
{
	return connection_result(c, run_statement(c, SQL_BEGIN_WRITE), err);
}

enum result file_commit(struct connection *c, struct error *err)
{
	return connection_result(c, run_statement(c, SQL_COMMIT), err);
}

void file_roll_back(struct connection *c)
{
	if (!sqlite3_get_autocommit(sqlite_of(c)->db))
		run_statement(c, SQL_ROLLBACK);
}

enum result file_begin_read(struct connection *c, struct error *err)
{
	return connection_result(c, run_statement(c, SQL_BEGIN_READ), err);
}

void file_end_read(struct connection *c)
{
	if (!sqlite3_get_autocommit(sqlite_of(c)->db))
		run_statement(c, SQL_COMMIT);
}

/* TRUNCATE waits for readers at most the busy timeout; either may leave some for later. */
static enum result checkpoint(struct sqlite *q, int mode, struct error *err)
{
	int rc = sqlite3_wal_checkpoint_v2(q->db, NULL, mode, NULL, NULL);

	q->log_tried = q->log_frames;
	if (!rc && mode == SQLITE_CHECKPOINT_TRUNCATE)
		q->log_frames = q->log_tried = 0;
	return !rc || connection_may_pass(q, rc) ? RESULT_OK : connection_result(&q->base, rc, err);
}

enum result file_empty_log(struct sqlite *q, struct error *err)
{
	return checkpoint(q, SQLITE_CHECKPOINT_TRUNCATE, err);
}

enum result file_tidy(struct connection *c, enum tidy when, struct error *err)
{
	struct sqlite *q = sqlite_of(c);
	uint32_t grown =
	    q->log_frames < q->log_tried ? q->log_frames : q->log_frames - q->log_tried;

	/* what the log holds of old pages may make room */
	if (when == TIDY_FOR_ROOM)
		return file_empty_log(q, err);
	if (grown < (when == TIDY_IDLE ? FRAMES_IDLE : FRAMES_BUSY))
		return RESULT_OK;
	return checkpoint(
	    q, q->log_frames >= FRAMES_CUT ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
	    err);
}
