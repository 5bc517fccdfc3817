/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PROGRESS_STEPS 20000 /* of SQLite's virtual machine: some milliseconds */

/* Somebody else holds the lock: wait a little, at most busy_timeout in all. */
static int on_busy(void *arg, int count)
{
	static const int delays[] = { 1, 1, 2, 5, 10, 15, 25 };
	const int n = (int)(sizeof(delays) / sizeof(delays[0]));
	struct self *self = arg;
	int delay = delays[count < n ? count : n - 1];

	self->waited = true;
	if (!count)
		self->busy_since = now_ms();
	if (now_ms() - self->busy_since >= self->instance->busy_timeout)
		return 0;
	/* SQLite's file locks can only be polled: there is no descriptor to wait on */
	return migrate_wait(self->session, -1, 0, delay) == 0;
}

static int on_progress(void *arg)
{
	struct self *self = arg;

	migrate_progress(self->session);
	return migrate_cancelled(self->session);
}

enum migrate_status status_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return MIGRATE_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return MIGRATE_UNAVAILABLE;
	case SQLITE_FULL:
		return MIGRATE_NO_SPACE;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return MIGRATE_DENIED;
	case SQLITE_READONLY:
		return rc == SQLITE_READONLY_DBMOVED ? MIGRATE_FATAL : MIGRATE_DENIED;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
	case SQLITE_RANGE:
	case SQLITE_ERROR: /* a trigger or a function of the schema stumbled over this row */
		return MIGRATE_INVALID;
	case SQLITE_INTERRUPT:
		return MIGRATE_CANCELLED;
	case SQLITE_NOMEM:
	case SQLITE_SCHEMA:
	case SQLITE_ABORT:
		return MIGRATE_TRANSIENT;
	default:
		return MIGRATE_FATAL;
	}
}

/* The schema changed under us, which no other row will fare better with. */
static bool lost_schema(int rc, const char *message)
{
	return (rc & 0xff) == SQLITE_ERROR && !strncmp(message, "no such ", 8);
}

enum migrate_status fail_sql(struct self *self, int rc, const char *what)
{
	const char *message = self->db ? sqlite3_errmsg(self->db) : sqlite3_errstr(rc);
	enum migrate_status status = status_of(rc);

	if (lost_schema(rc, message))
		status = MIGRATE_FATAL;
	if ((rc & 0xff) == SQLITE_BUSY)
		return migrate_fail(self->session, status,
				    "%s: another program has held the lock of '%s' for more than "
				    "%lld ms",
				    what, self->instance->path,
				    (long long)self->instance->busy_timeout);
	return migrate_fail(self->session, status, "%s: %s", what, message);
}

/* What keeps a database from being used at all, with what to do about it. */
static enum migrate_status fail_open(struct self *self, int rc)
{
	const char *path = self->instance->path;

	switch (rc) {
	case SQLITE_READONLY_ROLLBACK:
	case SQLITE_READONLY_RECOVERY:
		return migrate_fail(self->session, MIGRATE_DENIED,
				    "path: '%s' was left by a crashed program in the middle of a "
				    "transaction; open it once with that program, or with sqlite3, "
				    "so that it is rolled back",
				    path);
	case SQLITE_READONLY_DIRECTORY:
	case SQLITE_READONLY_CANTINIT:
		return migrate_fail(self->session, MIGRATE_DENIED,
				    "path: the folder of '%s' must be writable for its log", path);
	default:
		break;
	}
	switch (rc & 0xff) {
	case SQLITE_NOTADB:
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "path: '%s' is not an SQLite database", path);
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return migrate_fail(self->session, MIGRATE_DENIED,
				    "path: cannot open '%s': %s; the file and, for a database in "
				    "WAL mode, its folder must be accessible",
				    path, sqlite3_errmsg(self->db));
	default:
		return fail_sql(self, rc, "path: cannot open the database");
	}
}

static enum migrate_status look_at_file(struct self *self, struct stat *st)
{
	struct instance *i = self->instance;

	if (stat(i->path, st) < 0)
		return migrate_fail_errno(self->session, errno, "path: cannot find '%s'", i->path);
	if (!S_ISREG(st->st_mode))
		return migrate_fail(self->session, MIGRATE_INVALID, "path: '%s' is not a file",
				    i->path);
	return MIGRATE_OK;
}

/* File systems that tell no id of their own are known by their device. */
static unsigned long long file_system_of(const char *path, dev_t device)
{
	struct statfs f;
	unsigned long long id = 0;

	if (!statfs(path, &f))
		memcpy(&id, &f.f_fsid,
		       sizeof(f.f_fsid) < sizeof(id) ? sizeof(f.f_fsid) : sizeof(id));
	return id ? id : (unsigned long long)device;
}

enum migrate_status connect_same_file(struct self *self)
{
	struct instance *i = self->instance;
	enum migrate_status status;
	struct stat st;

	status = look_at_file(self, &st);
	if (status)
		return status;
	if (!i->inode) { /* open(): this is the one */
		i->device = st.st_dev;
		i->file_system = file_system_of(i->path, st.st_dev);
		i->inode = st.st_ino;
	}
	if (i->device != st.st_dev || i->inode != st.st_ino)
		return migrate_fail(self->session, MIGRATE_FATAL,
				    "'%s' was replaced by another file while the job ran", i->path);
	return MIGRATE_OK;
}

/* The schema is the file's and not trusted with more than the job needs. */
static void harden(struct self *self)
{
	sqlite3 *db = self->db;

	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, (int)self->instance->foreign_keys, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_busy_handler(db, on_busy, self);
	sqlite3_progress_handler(db, PROGRESS_STEPS, on_progress, self);
}

enum migrate_status connect_open(struct self *self)
{
	struct instance *i = self->instance;
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE |
		    (i->writes && !i->dry ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	enum migrate_status status;
	int rc;

	status = connect_same_file(self);
	if (status)
		return status;
	rc = sqlite3_open_v2(i->path, &self->db, flags, NULL);
	if (rc)
		return fail_open(self, rc);
	harden(self);
	/* EXTRA: as FULL, and the folder too once the rollback journal is gone */
	rc = sqlite3_exec(self->db,
			  "PRAGMA synchronous=EXTRA; PRAGMA cache_size=-8192;"
			  "SELECT 1 FROM sqlite_schema LIMIT 1",
			  NULL, NULL, NULL);
	if (rc)
		return fail_open(self, rc);
	if (i->writes && (i->dry ? faccessat(AT_FDCWD, i->path, W_OK, AT_EACCESS)
				 : sqlite3_db_readonly(self->db, "main")))
		return migrate_fail(self->session, MIGRATE_DENIED,
				    "path: '%s' cannot be written to", i->path);
	return MIGRATE_OK;
}

void connect_close(struct self *self)
{
	for (int i = 0; i < S_COUNT_OF; i++)
		sqlite3_finalize(self->statements[i]);
	sqlite3_finalize(self->in);
	sqlite3_close(self->db);
}

sqlite3_stmt *statement_text(struct self *self, const char *sql, enum migrate_status *status)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	if (!sql) {
		*status = migrate_fail(self->session, MIGRATE_TRANSIENT, "out of memory");
		return NULL;
	}
	rc = sqlite3_prepare_v3(self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
	if (rc) {
		*status = fail_sql(self, rc, "cannot prepare a statement");
		if (*status == MIGRATE_INVALID) /* not the fault of any row */
			*status = MIGRATE_FATAL;
	}
	return stmt;
}

sqlite3_stmt *statement(struct self *self, enum statement which, enum migrate_status *status)
{
	if (!self->statements[which])
		self->statements[which] = statement_text(self, self->instance->sql[which], status);
	return self->statements[which];
}

void statement_done(sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

static int run(struct self *self, enum statement which, enum migrate_status *status)
{
	sqlite3_stmt *stmt = statement(self, which, status);
	int rc;

	if (!stmt)
		return -1;
	rc = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	return rc;
}

static enum migrate_status begin(struct self *self, enum statement which)
{
	enum migrate_status status = connect_same_file(self);
	int rc;

	if (status)
		return status;
	rc = run(self, which, &status);
	if (rc < 0 || rc == SQLITE_DONE)
		return status;
	return fail_sql(self, rc, "cannot lock the database");
}

enum migrate_status transaction_read(struct self *self)
{
	return begin(self, S_READ);
}

enum migrate_status transaction_begin(struct self *self)
{
	self->waited = false;
	return begin(self, S_BEGIN);
}

enum migrate_status transaction_rollback(struct self *self, enum migrate_status status)
{
	enum migrate_status ignored;

	/* after FULL, IOERR, NOMEM or INTERRUPT it may have been rolled back already */
	if (!sqlite3_get_autocommit(self->db))
		run(self, S_ROLLBACK, &ignored);
	return status;
}

/*
 * Busy or full, the transaction was still open or is rolled back: nothing
 * changed. After any other error the commit may be on the disk or not.
 */
enum migrate_status transaction_commit(struct self *self)
{
	enum migrate_status status = MIGRATE_OK;
	int rc = run(self, S_COMMIT, &status);

	if (rc == SQLITE_DONE)
		return MIGRATE_OK;
	if (rc > 0)
		status = fail_sql(self, rc, "cannot commit");
	switch (rc & 0xff) {
	case SQLITE_IOERR:
	case SQLITE_NOMEM:
	case SQLITE_CORRUPT:
		status = MIGRATE_UNKNOWN_OUTCOME;
		break;
	default:
		break;
	}
	return transaction_rollback(self, status);
}

int bind_bytes(sqlite3_stmt *stmt, int parameter, struct migrate_bytes bytes, bool blob)
{
	const void *p = bytes.n ? bytes.p : ""; /* a null pointer would be NULL */

	if (blob)
		return sqlite3_bind_blob64(stmt, parameter, p, bytes.n, SQLITE_STATIC);
	return sqlite3_bind_text64(stmt, parameter, p, bytes.n, SQLITE_STATIC, SQLITE_UTF8);
}
