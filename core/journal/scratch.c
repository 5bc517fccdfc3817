/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX "-scratch-"

/*
 * A database that nobody else sees: its name is gone as soon as it is open, it
 * is never synced and has no journal. Its key index is made at the first search,
 * when all is there, which is one sort instead of a million insertions.
 */
struct scratch {
	sqlite3 *db;
	sqlite3_stmt *add, *find;
};

static const char setup[] = "PRAGMA journal_mode = OFF;"
			    "PRAGMA synchronous = OFF;"
			    "PRAGMA locking_mode = EXCLUSIVE;"
			    "PRAGMA secure_delete = OFF;"
			    "PRAGMA cache_size = -8192;"
			    "CREATE TABLE record (key BLOB, payload BLOB);"
			    "BEGIN";

static int fail(struct scratch *s, int rc, struct error *err)
{
	int exit = (rc & 0xff) == SQLITE_NOMEM ? EXIT_INTERNAL : EXIT_JOURNAL;

	return error_set(err, exit, "temporary file: %s%s",
			 s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc),
			 (rc & 0xff) == SQLITE_FULL ? ": free some space, then run again" : "");
}

/* SQLite opened what we made: in a folder of theirs others could have put theirs in its place. */
static bool is_same(int fd, const char *name)
{
	struct stat made, found;

	return !fstat(fd, &made) && !lstat(name, &found) && made.st_ino == found.st_ino &&
	       made.st_dev == found.st_dev;
}

/* "JOURNAL-scratch-PID-N": what a killed process left is known by its name. */
static int open_unlinked(struct scratch *s, const char *journal, struct error *err)
{
	static atomic_uint made;
	char *name = NULL;
	int fd, rc;

	if (asprintf(&name, "%s%s%d-%u", journal, SUFFIX, (int)getpid(),
		     atomic_fetch_add(&made, 1)) < 0)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		error_set_errno(err, EXIT_JOURNAL, errno, "cannot create %s", name);
		free(name);
		return -1;
	}
	rc = sqlite3_open_v2(name, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (!rc && !is_same(fd, name))
		rc = SQLITE_CANTOPEN;
	close(fd); /* SQLite holds no lock yet that this would end */
	unlink(name);
	free(name);
	if (!rc)
		rc = sqlite3_exec(s->db, setup, NULL, NULL, NULL);
	return rc ? fail(s, rc, err) : 0;
}

void scratch_sweep(const char *journal)
{
	char *pattern = NULL;
	glob_t found;

	/* a journal whose name holds wildcards keeps its leftovers */
	if (strpbrk(journal, "*?[\\") || asprintf(&pattern, "%s%s*", journal, SUFFIX) < 0)
		return;
	if (!glob(pattern, GLOB_NOSORT, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
		globfree(&found);
	}
	free(pattern);
}

struct scratch *scratch_new(const char *journal, struct error *err)
{
	struct scratch *s = calloc(1, sizeof(*s));
	int rc;

	if (!s) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	if (open_unlinked(s, journal, err)) {
		scratch_free(s);
		return NULL;
	}
	rc = sqlite3_prepare_v3(s->db, "INSERT INTO record (key, payload) VALUES (?1, ?2)", -1,
				SQLITE_PREPARE_PERSISTENT, &s->add, NULL);
	if (!rc)
		return s;
	fail(s, rc, err);
	scratch_free(s);
	return NULL;
}

static int bind(sqlite3_stmt *s, int i, struct migrate_bytes b)
{
	return sqlite3_bind_blob64(s, i, b.n ? b.p : "", b.n, SQLITE_STATIC);
}

int scratch_add(struct scratch *s, struct migrate_bytes key, struct migrate_bytes payload,
		struct error *err)
{
	int rc = bind(s->add, 1, key);

	if (!rc)
		rc = bind(s->add, 2, payload);
	if (!rc)
		rc = sqlite3_step(s->add);
	sqlite3_reset(s->add);
	return rc == SQLITE_DONE ? 0 : fail(s, rc, err);
}

static int make_index(struct scratch *s, struct error *err)
{
	int rc = sqlite3_exec(s->db, "CREATE INDEX record_key ON record (key)", NULL, NULL, NULL);

	if (!rc)
		rc = sqlite3_prepare_v3(s->db,
					"SELECT payload FROM record WHERE key = ?1 ORDER BY rowid",
					-1, SQLITE_PREPARE_PERSISTENT, &s->find, NULL);
	return rc ? fail(s, rc, err) : 0;
}

int scratch_find(struct scratch *s, struct migrate_bytes key,
		 int (*each)(void *arg, struct migrate_bytes payload), void *arg, struct error *err)
{
	int rc, stop = 0;

	if (!s->find && make_index(s, err))
		return -1;
	rc = bind(s->find, 1, key);
	while (!rc && !stop && (rc = sqlite3_step(s->find)) == SQLITE_ROW) {
		struct migrate_bytes payload = { .p = sqlite3_column_blob(s->find, 0) };

		payload.n = (size_t)sqlite3_column_bytes(s->find, 0);
		stop = each(arg, payload);
		rc = SQLITE_OK;
	}
	sqlite3_reset(s->find);
	return stop ? stop : rc == SQLITE_DONE ? 0 : fail(s, rc, err);
}

void scratch_free(struct scratch *s)
{
	if (!s)
		return;
	sqlite3_finalize(s->add);
	sqlite3_finalize(s->find);
	sqlite3_close(s->db);
	free(s);
}
