/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/statement.h"

#include "base/bytes.h"
#include "journal/sqlite/sql.h"
#include "journal/sum.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BUSY_MS 5000

/* Counting memory takes a lock for each allocation, and nobody asks for the count. */
static void configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int connection_open(struct sqlite *q, const char *name, int flags, const char *path)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int rc;

	pthread_once(&once, configure);
	memset(q, 0, sizeof(*q));
	q->base.backend = &journal_file_backend;
	q->base.journal = path;
	rc = sqlite3_open_v2(
	    name, &q->db,
	    flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW, NULL);
	return rc ? rc : sqlite3_busy_timeout(q->db, BUSY_MS);
}

void connection_close(struct sqlite *q)
{
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(q->statements[i]);
	sqlite3_close(q->db);
	memset(q, 0, sizeof(*q));
}

int connection_exec(struct sqlite *q, const char *sql)
{
	return sqlite3_exec(q->db, sql, NULL, NULL, NULL);
}

int connection_integer(struct sqlite *q, const char *sql, int64_t *value)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(q->db, sql, -1, &s, NULL);

	if (!rc) {
		rc = sqlite3_step(s);
		*value = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
		rc = rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
	}
	sqlite3_finalize(s);
	return rc;
}

int connection_damaged(struct connection *c, const char *format, ...)
{
	struct sqlite *q = sqlite_of(c);
	va_list ap;

	va_start(ap, format);
	vsnprintf(q->detail, sizeof(q->detail), format, ap);
	va_end(ap);
	return SQLITE_CORRUPT;
}

static int exit_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* a table or column that is not there */
	case SQLITE_SCHEMA:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
	case SQLITE_NOTFOUND:
		return EXIT_DAMAGED;
	case SQLITE_NOMEM:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
		return EXIT_INTERNAL;
	default:
		return EXIT_JOURNAL;
	}
}

/* What to do, behind what happened. */
static const char *advice_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return ": free some space there, then run again to go on";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ": another program holds it open for writing: end that one, then run again";
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return ": make the file and its folder writable for this user, then run again";
	case SQLITE_IOERR:
		return ": nothing behind the last commit is believed: look after the disk, then "
		       "run again to go on";
	default:
		return "";
	}
}

bool connection_may_pass(struct sqlite *q, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return true;
	}
	/* Nothing of the log was written in the first case, nothing was synced in the second. */
	return rc == SQLITE_IOERR_SHMSIZE ||
	       (rc == SQLITE_IOERR_WRITE && sqlite3_system_errno(q->db) == EDQUOT);
}

static void explain(struct sqlite *q, int rc, struct error *err)
{
	int number = q->db ? sqlite3_system_errno(q->db) : 0;
	bool io = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;
	const char *what =
	    q->db && sqlite3_errcode(q->db) ? sqlite3_errmsg(q->db) : sqlite3_errstr(rc);

	if (exit_of(rc) == EXIT_DAMAGED)
		journal_damaged(&q->base, err, "%s", q->detail[0] ? q->detail : what);
	else
		error_set(err, exit_of(rc), "journal %s: %s%s%s%s%s", q->base.journal, what,
			  io && number ? " (" : "", io && number ? strerrordesc_np(number) : "",
			  io && number ? ")" : "", advice_of(rc));
	q->detail[0] = '\0';
}

enum result connection_result(struct connection *c, int rc, struct error *err)
{
	struct sqlite *q = sqlite_of(c);

	switch (rc) {
	case SQLITE_OK:
	case SQLITE_ROW:
		return RESULT_OK;
	case SQLITE_DONE:
		return RESULT_NONE;
	default:
		explain(q, rc, err);
		return connection_may_pass(q, rc) ? RESULT_WAIT : RESULT_FAILED;
	}
}

struct statement statement(struct connection *c, enum statement_id id)
{
	struct sqlite *q = sqlite_of(c);
	struct statement s = { .s = q->statements[id] };

	if (s.s)
		return s;
	s.rc = sqlite3_prepare_v3(q->db, sql_text(id), -1, SQLITE_PREPARE_PERSISTENT, &s.s, NULL);
	q->statements[id] = s.s;
	return s;
}

static void note(struct statement *s, int rc)
{
	if (rc && !s->rc)
		s->rc = rc;
}

void bind_integer(struct statement *s, int64_t value)
{
	s->i++;
	s->sum = sum_add_integer(s->sum, value);
	if (!s->rc)
		note(s, sqlite3_bind_int64(s->s, s->i, value));
}

void bind_size(struct statement *s, uint64_t value)
{
	bind_integer(s, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void bind_null(struct statement *s)
{
	s->i++;
	s->sum = sum_add_none(s->sum);
	if (!s->rc)
		note(s, sqlite3_bind_null(s->s, s->i));
}

void bind_bytes(struct statement *s, struct migrate_bytes b)
{
	if (!b.n) {
		bind_null(s);
		return;
	}
	s->i++;
	s->sum = sum_add_bytes(s->sum, SUM_BYTES, b);
	if (!s->rc)
		note(s, sqlite3_bind_blob64(s->s, s->i, b.p, b.n, SQLITE_STATIC));
}

void bind_text(struct statement *s, const char *text)
{
	struct migrate_bytes b = bytes_of_text(text);

	if (!text) {
		bind_null(s);
		return;
	}
	s->i++;
	s->sum = sum_add_bytes(s->sum, SUM_TEXT, b);
	if (!s->rc)
		note(s, sqlite3_bind_text64(s->s, s->i, text, b.n, SQLITE_STATIC, SQLITE_UTF8));
}

/* Of a column too, as long as one thread at a time has the connection. */
static uint64_t sum_add_value(uint64_t sum, sqlite3_value *v)
{
	int type = sqlite3_value_type(v);
	const void *p;

	if (type == SQLITE_INTEGER)
		return sum_add_integer(sum, sqlite3_value_int64(v));
	if (type == SQLITE_NULL)
		return sum_add_none(sum);
	p = type == SQLITE_TEXT ? (const void *)sqlite3_value_text(v) : sqlite3_value_blob(v);
	return sum_add_bytes(sum, (enum sum_kind)type, bytes_of(p, (size_t)sqlite3_value_bytes(v)));
}

void bind_column(struct statement *s, struct statement *from, int i)
{
	sqlite3_value *v = sqlite3_column_value(from->s, i);

	s->i++;
	s->sum = sum_add_value(s->sum, v);
	if (!s->rc)
		note(s, sqlite3_bind_value(s->s, s->i, v));
}

void bind_sum(struct statement *s)
{
	bind_integer(s, sum_end(s->sum));
}

/* Its numbers for what a column holds are those of the sum. */
_Static_assert(SUM_INTEGER == SQLITE_INTEGER && SUM_TEXT == SQLITE_TEXT &&
		   SUM_BYTES == SQLITE_BLOB && SUM_NONE == SQLITE_NULL,
	       "kinds of columns");

bool sum_fits(sqlite3_stmt *s, int n)
{
	uint64_t sum = 0;

	for (int i = 0; i < n; i++)
		sum = sum_add_value(sum, sqlite3_column_value(s, i));
	return sqlite3_column_type(s, n) == SQLITE_INTEGER &&
	       sqlite3_column_int64(s, n) == sum_end(sum);
}

int statement_step(struct statement *s)
{
	int rc = s->rc ? s->rc : sqlite3_step(s->s);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		note(s, rc);
	if (rc != SQLITE_ROW && s->s)
		sqlite3_reset(s->s);
	return rc;
}

void statement_end(struct statement *s)
{
	if (s->s)
		sqlite3_reset(s->s);
}

int statement_run(struct statement *s)
{
	int rc = statement_step(s);

	if (rc == SQLITE_ROW)
		statement_end(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int64_t column_integer(struct statement *s, int i)
{
	return sqlite3_column_int64(s->s, i);
}

uint64_t column_size(struct statement *s, int i)
{
	return (uint64_t)sqlite3_column_int64(s->s, i);
}

struct migrate_bytes column_bytes(struct statement *s, int i)
{
	const void *p = sqlite3_column_blob(s->s, i);

	return (struct migrate_bytes){ .p = p, .n = (size_t)sqlite3_column_bytes(s->s, i) };
}

struct migrate_bytes column_copy(struct statement *s, int i, struct arena *a)
{
	struct migrate_bytes b = column_bytes(s, i), copy = { .p = NULL, .n = 0 };

	if (b.n && !arena_bytes(a, b, &copy))
		note(s, SQLITE_NOMEM);
	return copy;
}

const char *column_text(struct statement *s, int i, struct arena *a)
{
	const unsigned char *text = sqlite3_column_text(s->s, i);
	const char *copy;

	if (!text)
		return NULL;
	copy = arena_text(a, (const char *)text);
	if (!copy)
		note(s, SQLITE_NOMEM);
	return copy;
}
