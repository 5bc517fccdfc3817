/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOURNAL_SQLITE_STATEMENT_H
#define MIGRATE_JOURNAL_SQLITE_STATEMENT_H

#include "journal/backend.h"

#include <sqlite3.h>

/*
 * Connections and their prepared statements. Results are SQLite's codes; the
 * first failure of a statement sticks until it is looked at, so that a row of
 * binds needs one check at its end.
 */
#define STATEMENTS(X)                                                                              \
	X(BEGIN_WRITE)                                                                             \
	X(BEGIN_READ)                                                                              \
	X(COMMIT)                                                                                  \
	X(ROLLBACK)                                                                                \
	X(JOB_GET)                                                                                 \
	X(JOB_SET)                                                                                 \
	X(RUN_BEGIN)                                                                               \
	X(RUN_GET)                                                                                 \
	X(RUN_SET)                                                                                 \
	X(RUN_LAST)                                                                                \
	X(PASS_LAST)                                                                               \
	X(PASS_SET)                                                                                \
	X(EVENT_ADD)                                                                               \
	X(EVENT_LIST)                                                                              \
	X(SAMPLE_ADD)                                                                              \
	X(SAMPLE_LIST)                                                                             \
	X(BATCH_ADD)                                                                               \
	X(BATCH_SET)                                                                               \
	X(BATCH_GET)                                                                               \
	X(BATCH_NEXT)                                                                              \
	X(BATCH_OPEN)                                                                              \
	X(BATCH_ACTIVE)                                                                            \
	X(BATCH_FAILED)                                                                            \
	X(BATCH_SKIPPED)                                                                           \
	X(BATCH_BAD_ROWS)                                                                          \
	X(BATCH_POSITION)                                                                          \
	X(BATCH_BEFORE)                                                                            \
	X(BATCH_LAST_KEY)                                                                          \
	X(BATCH_RANGE)                                                                             \
	X(BATCH_KEYS)                                                                              \
	X(BATCH_AFTER_KEY)                                                                         \
	X(BATCH_LAST_PASS)                                                                         \
	X(COUNTS)                                                                                  \
	X(OBJECT_ADD)                                                                              \
	X(OBJECT_SET)                                                                              \
	X(OBJECT_GET)                                                                              \
	X(OBJECT_FROM)                                                                             \
	X(OBJECT_DROP)                                                                             \
	X(OBJECT_OF_KEY)                                                                           \
	X(CHUNK_ADD)                                                                               \
	X(CHUNK_GET)                                                                               \
	X(CHUNK_SET)                                                                               \
	X(CHUNK_LIST)                                                                              \
	X(ROW_ADD)                                                                                 \
	X(ROW_GET)                                                                                 \
	X(ROW_SET)                                                                                 \
	X(ROW_LIST)                                                                                \
	X(ROW_DROP)                                                                                \
	X(UPLOAD_ADD)                                                                              \
	X(UPLOAD_DROP)                                                                             \
	X(UPLOAD_GET)                                                                              \
	X(UPLOAD_NEXT)

enum statement_id {
#define X(name_) SQL_##name_,
	STATEMENTS(X)
#undef X
	    STATEMENT_COUNT
};

struct sqlite {
	struct connection base;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	char detail[160]; /* what SQLITE_CORRUPT of our own checks is about; "": ask SQLite */
	/* the writer's */
	int64_t next_batch, next_chunk;
	uint32_t log_frames; /* in the log after the last commit */
	uint32_t log_tried;  /* when a checkpoint was last tried */
};

static inline struct sqlite *sqlite_of(struct connection *c)
{
	return (struct sqlite *)c;
}

/* flags: SQLITE_OPEN_...; path: the journal's, for messages. */
int connection_open(struct sqlite *q, const char *name, int flags, const char *path);
void connection_close(struct sqlite *q);
int connection_exec(struct sqlite *q, const char *sql);
/* One integer; 0 rows are an error. */
int connection_integer(struct sqlite *q, const char *sql, int64_t *value);
/* Our own checks: leave a sentence, return SQLITE_CORRUPT. */
int connection_damaged(struct connection *c, const char *format, ...) MIGRATE_PRINTF(2, 3);
/* What a result code means: SQLITE_OK and _ROW are well, _DONE: there is none. */
enum result connection_result(struct connection *c, int rc, struct error *err);
/* Is it something that passes: no space, quota, somebody else's lock? */
bool connection_may_pass(struct sqlite *q, int rc);

struct statement {
	sqlite3_stmt *s;
	int i;        /* parameters bound so far */
	int rc;       /* the first failure */
	uint64_t sum; /* of what was bound: a record's, when its columns are bound in their order */
};

/* Ready to be bound from parameter 1 on. */
struct statement statement(struct connection *c, enum statement_id id);
void bind_integer(struct statement *s, int64_t value);
void bind_size(struct statement *s, uint64_t value); /* INT64_MAX at most */
void bind_null(struct statement *s);
void bind_bytes(struct statement *s, struct migrate_bytes b); /* none: NULL. Not copied */
void bind_text(struct statement *s, const char *text);        /* NULL: NULL. Not copied */
/* Column i of the row that `from` stands on. Copied. */
void bind_column(struct statement *s, struct statement *from, int i);
/* The sum of all that was bound before. */
void bind_sum(struct statement *s);

/* SQLITE_ROW, SQLITE_DONE or a failure (the statement is reset then). */
int statement_step(struct statement *s);
void statement_end(struct statement *s);
/* Step once to the end: SQLITE_OK or a failure. */
int statement_run(struct statement *s);

int64_t column_integer(struct statement *s, int i);
uint64_t column_size(struct statement *s, int i);
/* Valid until the next step. */
struct migrate_bytes column_bytes(struct statement *s, int i);
/* Copied; a failure sticks in s->rc. */
struct migrate_bytes column_copy(struct statement *s, int i, struct arena *a);
const char *column_text(struct statement *s, int i, struct arena *a); /* NULL stays NULL */

/* Is column n of the row that s stands on the sum of the n before it? */
bool sum_fits(sqlite3_stmt *s, int n);

/*
 * A record that is written again with some columns changed: what it was is read, and its
 * sum looked at, so that a new sum never hides damage. `get` has its parameters.
 */
enum change_kind { CHANGE_INTEGER, CHANGE_NULL, CHANGE_BYTES, CHANGE_TEXT };
struct change {
	int column;
	enum change_kind kind;
	int64_t integer;
	struct migrate_bytes bytes;
	const char *text;
};
/* SQLITE_ROW: get stands on it. SQLITE_DONE: it is not there. what, id: for the message. */
int record_read(struct connection *c, struct statement *get, int columns, const char *what,
		int64_t id);
/* In order of columns; get has ended then. */
int record_write(struct connection *c, struct statement *get, enum statement_id set, int columns,
		 const struct change *changes, size_t n);
/* Both, where it has to be there. */
int record_change(struct connection *c, struct statement *get, enum statement_id set, int columns,
		  const char *what, int64_t id, const struct change *changes, size_t n);

#endif
