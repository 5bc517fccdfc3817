/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Rows are never shared with other programs' statements: no need to zero what is freed. */
static const char writer_setup[] = "PRAGMA journal_mode = WAL;"
				   "PRAGMA synchronous = FULL;"
				   "PRAGMA wal_autocheckpoint = 0;"
				   "PRAGMA journal_size_limit = 268435456;"
				   "PRAGMA secure_delete = OFF;"
				   "PRAGMA temp_store = MEMORY;"
				   "PRAGMA trusted_schema = OFF;"
				   "PRAGMA cell_size_check = ON;"
				   "PRAGMA cache_size = -8192;";
static const char reader_setup[] = "PRAGMA temp_store = MEMORY;"
				   "PRAGMA trusted_schema = OFF;"
				   "PRAGMA cell_size_check = ON;"
				   "PRAGMA query_only = ON;"
				   "PRAGMA cache_size = -2048;";

static int open_writer(struct file_store *f, struct error *err)
{
	struct sqlite *q = &f->writer;
	int rc = connection_open(q, f->path, SQLITE_OPEN_READWRITE, f->path);

	if (!rc)
		rc = connection_exec(q, writer_setup);
	if (rc)
		return connection_result(&q->base, rc, err) ? -1 : 0;
	if (journal_tables_check(q, err))
		return -1;
	rc = connection_integer(q, "SELECT coalesce(max(id), 0) + 1 FROM batch", &q->next_batch);
	if (!rc)
		rc = connection_integer(q, "SELECT coalesce(max(id), 0) + 1 FROM chunk",
					&q->next_chunk);
	file_watch_log(q);
	return connection_result(&q->base, rc, err) ? -1 : 0;
}

/* "file:PATH?immutable=1", with what a URI would understand otherwise encoded. */
static bool immutable_uri(const char *path, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";

	if (!buf_add_text(out, "file:"))
		return false;
	for (const char *p = path; *p; p++) {
		unsigned char byte = (unsigned char)*p;
		const char code[] = { '%', hex[byte >> 4], hex[byte & 15] };

		if (!(strchr("?#%", byte) ? buf_add(out, code, 3) : buf_add(out, p, 1)))
			return false;
	}
	return buf_add(out, "?immutable=1", sizeof("?immutable=1"));
}

/*
 * A journal at rest, and a reader who may not create the log's index beside it:
 * without a log the file alone is the truth.
 */
static int open_immutable(struct file_store *f)
{
	BUF_AUTO struct buf uri = BUF_INIT(65536);
	char *log = journal_file_beside(f->path, "-wal");
	struct stat st;
	int64_t ignored;
	bool at_rest = log && stat(log, &st) && errno == ENOENT;
	int rc;

	free(log);
	if (!at_rest || !immutable_uri(f->path, &uri))
		return SQLITE_CANTOPEN;
	connection_close(&f->reader);
	rc = connection_open(&f->reader, (const char *)uri.p,
			     SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, f->path);
	if (!rc)
		rc = connection_exec(&f->reader, reader_setup);
	return rc ? rc : connection_integer(&f->reader, "PRAGMA user_version", &ignored);
}

static int open_reader(struct file_store *f, struct error *err)
{
	struct sqlite *q = &f->reader;
	int64_t ignored;
	int rc = connection_open(q, f->path, SQLITE_OPEN_READONLY, f->path);

	if (!rc)
		rc = connection_exec(q, reader_setup);
	if (!rc)
		rc = connection_integer(q, "PRAGMA user_version", &ignored);
	if (((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY) &&
	    f->mode == JOURNAL_READ)
		rc = open_immutable(f);
	if (rc)
		return connection_result(&q->base, rc, err) ? -1 : 0;
	return journal_tables_check(q, err);
}

/* All that a run does before SQLite sees the file. */
static int prepare_file(struct file_store *f, const struct journal_options *o, struct error *err)
{
	if (!journal_file_exists(f->path) && !o->create)
		return error_set(err, EXIT_USAGE, "there is no journal %s yet", f->path);
	if (!o->place.allow_volatile && journal_file_place(f->path, err))
		return -1;
	f->lock_fd = journal_lock(f->path, o->place.trusted, err);
	if (f->lock_fd < 0)
		return -1;
	if (!journal_file_exists(f->path) && journal_file_create(f->path, err))
		return -1;
	return journal_file_settle(o, f->path, err);
}

static int open_run(struct file_store *f, const struct journal_options *o, struct error *err)
{
	int failed;

	if (prepare_file(f, o, err))
		return -1;
	failed = open_writer(f, err) || open_reader(f, err);
	journal_file_opened(f->path);
	return failed || file_check(&f->reader, o->full_check, err) ? -1 : 0;
}

static int open_read(struct file_store *f, const struct journal_options *o, struct error *err)
{
	if (!journal_file_exists(f->path))
		return error_set(err, EXIT_USAGE,
				 "there is no journal %s: migrate-run has not begun this job",
				 f->path);
	if (open_reader(f, err))
		return -1;
	return o->full_check && file_check(&f->reader, true, err) ? -1 : 0;
}

struct store *file_open(const struct journal_options *o, struct error *err)
{
	struct file_store *f = calloc(1, sizeof(*f));

	if (!f) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	f->mode = o->mode;
	f->lock_fd = -1;
	f->base.reader = &f->reader.base;
	f->base.writer = o->mode == JOURNAL_RUN ? &f->writer.base : NULL;
	f->path = journal_file_resolve(o->place.path, err);
	if (f->path && !journal_file_trust(o, f->path, err) &&
	    !(o->mode == JOURNAL_RUN ? open_run(f, o, err) : open_read(f, o, err)))
		return &f->base;
	file_disconnect(&f->base, false);
	file_close(&f->base);
	return NULL;
}

void file_disconnect(struct store *store, bool clean)
{
	struct file_store *f = (struct file_store *)store;
	struct error ignored = ERROR_INIT;

	if (clean && f->writer.db)
		clean = !file_empty_log(&f->writer, &ignored);
	/* What could not be written must not be tried once more by closing. */
	if (!clean && f->writer.db)
		sqlite3_db_config(f->writer.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (!clean && f->reader.db)
		sqlite3_db_config(f->reader.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	connection_close(&f->reader);
	connection_close(&f->writer);
}

void file_close(struct store *store)
{
	struct file_store *f = (struct file_store *)store;

	journal_unlock(f->lock_fd);
	free(f->path);
	free(f);
}
