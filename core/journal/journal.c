/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
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

static int fresh_id(char out[17])
{
	unsigned char random[8];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -1;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(out + 2 * i, 3, "%02x", random[i]);
	return 0;
}

static struct journal *journal_new(const struct journal_options *o, struct error *err)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (!j || fresh_id(j->fresh_id)) {
		free(j);
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	j->mode = o->mode;
	j->patience = o->patience;
	j->lock_fd = -1;
	j->last = &j->first;
	pthread_mutex_init(&j->queue_lock, NULL);
	pthread_cond_init(&j->queued, NULL);
	pthread_mutex_init(&j->read_lock, NULL);
	return j;
}

static int open_writer(struct journal *j, struct error *err)
{
	struct connection *c = &j->writer;
	int rc = connection_open(c, j->path, SQLITE_OPEN_READWRITE);

	if (!rc)
		rc = connection_exec(c, writer_setup);
	if (rc)
		return connection_error(c, j->path, rc, err);
	if (journal_tables_check(c, j->path, err))
		return -1;
	rc = connection_integer(c, "SELECT coalesce(max(id), 0) + 1 FROM batch", &c->next_batch);
	if (!rc)
		rc = connection_integer(c, "SELECT coalesce(max(id), 0) + 1 FROM chunk",
					&c->next_chunk);
	return rc ? connection_error(c, j->path, rc, err) : 0;
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
static int open_immutable(struct journal *j)
{
	BUF_AUTO struct buf uri = BUF_INIT(65536);
	char *log = journal_file_beside(j->path, "-wal");
	struct stat st;
	int64_t ignored;
	bool at_rest = log && stat(log, &st) && errno == ENOENT;
	int rc;

	free(log);
	if (!at_rest || !immutable_uri(j->path, &uri))
		return SQLITE_CANTOPEN;
	connection_close(&j->reader);
	rc = connection_open(&j->reader, (const char *)uri.p,
			     SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
	if (!rc)
		rc = connection_exec(&j->reader, reader_setup);
	return rc ? rc : connection_integer(&j->reader, "PRAGMA user_version", &ignored);
}

static int open_reader(struct journal *j, struct error *err)
{
	struct connection *c = &j->reader;
	int64_t ignored;
	int rc = connection_open(c, j->path, SQLITE_OPEN_READONLY);

	if (!rc)
		rc = connection_exec(c, reader_setup);
	if (!rc)
		rc = connection_integer(c, "PRAGMA user_version", &ignored);
	if (((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY) &&
	    j->mode == JOURNAL_READ)
		rc = open_immutable(j);
	if (rc)
		return connection_error(c, j->path, rc, err);
	return journal_tables_check(c, j->path, err);
}

/* All that a run does before SQLite sees the file. */
static int prepare(struct journal *j, const struct journal_options *o, struct error *err)
{
	if (!journal_file_exists(j->path) && !o->create)
		return error_set(err, EXIT_USAGE, "there is no journal %s yet", j->path);
	if (!o->allow_volatile && journal_file_place(j->path, err))
		return -1;
	j->lock_fd = journal_lock(j->path, o->trusted, err);
	if (j->lock_fd < 0)
		return -1;
	if (!journal_file_exists(j->path) && journal_file_create(j->path, err))
		return -1;
	return journal_file_settle(o, j->path, err);
}

static int open_run(struct journal *j, const struct journal_options *o, struct error *err)
{
	int failed;

	if (prepare(j, o, err))
		return -1;
	failed = open_writer(j, err) || open_reader(j, err);
	journal_file_opened(j->path);
	if (failed)
		return -1;
	if (o->full_check ? journal_check_full(j, err) : journal_check_quick(j, err))
		return -1;
	return journal_writer_start(j, err);
}

static int open_read(struct journal *j, const struct journal_options *o, struct error *err)
{
	if (!journal_file_exists(j->path))
		return error_set(err, EXIT_USAGE,
				 "there is no journal %s: migrate-run has not begun this job",
				 j->path);
	if (open_reader(j, err))
		return -1;
	return o->full_check ? journal_check_full(j, err) : 0;
}

struct journal *journal_open(const struct journal_options *o, struct error *err)
{
	struct journal *j = journal_new(o, err);

	if (!j)
		return NULL;
	j->path = journal_file_resolve(o->path, err);
	if (j->path && !journal_file_trust(o, j->path, err) &&
	    !(o->mode == JOURNAL_RUN ? open_run(j, o, err) : open_read(j, o, err)))
		return j;
	/* Leave everything as it was found. */
	j->dead = *err;
	journal_close(j);
	return NULL;
}

int journal_trust(const struct journal_options *o, struct error *err)
{
	char *path = journal_file_resolve(o->path, err);
	int result = path ? journal_file_trust(o, path, err) : -1;

	free(path);
	return result;
}

void journal_close_files(struct journal *j)
{
	journal_writer_stop(j);
	/* What could not be written must not be tried once more by closing. */
	if (j->dead.exit && j->writer.db)
		sqlite3_db_config(j->writer.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (j->dead.exit && j->reader.db)
		sqlite3_db_config(j->reader.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	connection_close(&j->reader);
	connection_close(&j->writer);
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	journal_close_files(j);
	journal_unlock(j->lock_fd);
	pthread_mutex_destroy(&j->queue_lock);
	pthread_cond_destroy(&j->queued);
	pthread_mutex_destroy(&j->read_lock);
	free(j->path);
	free(j);
}

/* As measured: 180 bytes and a short key an object, twice the key and an identity a row. */
uint64_t journal_estimate(uint64_t objects, uint64_t rows)
{
	const uint64_t log = UINT64_C(64) << 20;

	if (objects > UINT64_MAX / 1024 || rows > UINT64_MAX / 1024)
		return UINT64_MAX;
	return log + objects * 260 + rows * 200;
}
