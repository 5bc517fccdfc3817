/* SPDX-License-Identifier: MIT */
#include "journal/statement.h"

#include "base/bytes.h"
#include "journal/sql.h"
#include "journal/sum.h"

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

int connection_open(struct connection *c, const char *name, int flags)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int rc;

	pthread_once(&once, configure);
	memset(c, 0, sizeof(*c));
	rc = sqlite3_open_v2(
	    name, &c->db,
	    flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW, NULL);
	return rc ? rc : sqlite3_busy_timeout(c->db, BUSY_MS);
}

void connection_close(struct connection *c)
{
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(c->statements[i]);
	sqlite3_close(c->db);
	memset(c, 0, sizeof(*c));
}

int connection_exec(struct connection *c, const char *sql)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL);
}

int connection_integer(struct connection *c, const char *sql, int64_t *value)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(c->db, sql, -1, &s, NULL);

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
	va_list ap;

	va_start(ap, format);
	vsnprintf(c->detail, sizeof(c->detail), format, ap);
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

int connection_error(struct connection *c, const char *path, int rc, struct error *err)
{
	int exit = exit_of(rc), number = c->db ? sqlite3_system_errno(c->db) : 0;
	const char *what =
	    c->db && sqlite3_errcode(c->db) ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);
	bool io = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;

	if (c->detail[0])
		what = c->detail;
	error_set(err, exit, "journal %s: %s%s%s%s%s%s", path,
		  exit == EXIT_DAMAGED ? "damaged: " : "", what, io && number ? " (" : "",
		  io && number ? strerrordesc_np(number) : "", io && number ? ")" : "",
		  exit == EXIT_DAMAGED ? ": put back a backup, or see migrate-journal(5)"
				       : advice_of(rc));
	c->detail[0] = '\0';
	return -1;
}

struct statement statement(struct connection *c, enum statement_id id)
{
	struct statement s = { .s = c->statements[id] };

	if (s.s)
		return s;
	s.rc = sqlite3_prepare_v3(c->db, sql_text(id), -1, SQLITE_PREPARE_PERSISTENT, &s.s, NULL);
	c->statements[id] = s.s;
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

int record_read(struct connection *c, struct statement *get, int columns, const char *what,
		int64_t id)
{
	int rc = statement_step(get);

	if (rc != SQLITE_ROW || sum_fits(get->s, columns))
		return rc;
	statement_end(get);
	return connection_damaged(c, "%s %lld differs from its sum", what, (long long)id);
}

static void bind_change(struct statement *s, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_INTEGER:
		bind_integer(s, change->integer);
		break;
	case CHANGE_NULL:
		bind_null(s);
		break;
	case CHANGE_BYTES:
		bind_bytes(s, change->bytes);
		break;
	case CHANGE_TEXT:
		bind_text(s, change->text);
		break;
	}
}

int record_write(struct connection *c, struct statement *get, enum statement_id set, int columns,
		 const struct change *changes, size_t n)
{
	struct statement s = statement(c, set);

	for (int i = 0; i < columns; i++) {
		if (n && changes->column == i) {
			bind_change(&s, changes++);
			n--;
		} else {
			bind_column(&s, get, i);
		}
	}
	bind_sum(&s);
	statement_end(get);
	return statement_run(&s);
}

int record_change(struct connection *c, struct statement *get, enum statement_id set, int columns,
		  const char *what, int64_t id, const struct change *changes, size_t n)
{
	int rc = record_read(c, get, columns, what, id);

	if (rc == SQLITE_DONE)
		return connection_damaged(c, "%s %lld is missing", what, (long long)id);
	return rc == SQLITE_ROW ? record_write(c, get, set, columns, changes, n) : rc;
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
