/* SPDX-License-Identifier: MIT */
#include "journal/statement.h"

#include "journal/sql.h"

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
	if (!rc)
		rc = sqlite3_busy_timeout(c->db, BUSY_MS);
	if (!rc)
		rc = sum_register(c->db);
	return rc;
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
	if (!s->rc)
		note(s, sqlite3_bind_null(s->s, s->i));
}

void bind_bytes(struct statement *s, struct migrate_bytes b)
{
	s->i++;
	if (!s->rc)
		note(s, b.n ? sqlite3_bind_blob64(s->s, s->i, b.p, b.n, SQLITE_STATIC)
			    : sqlite3_bind_null(s->s, s->i));
}

void bind_text(struct statement *s, const char *text)
{
	s->i++;
	if (!s->rc)
		note(s, text ? sqlite3_bind_text(s->s, s->i, text, -1, SQLITE_STATIC)
			     : sqlite3_bind_null(s->s, s->i));
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
