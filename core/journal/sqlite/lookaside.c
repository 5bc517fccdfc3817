/* SPDX-License-Identifier: MIT */
#include "journal/lookaside.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sqlite3.h>
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
struct lookaside {
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

static int lookaside_error(struct lookaside *l, int rc, struct error *err)
{
	int exit = (rc & 0xff) == SQLITE_NOMEM ? EXIT_INTERNAL : EXIT_JOURNAL;

	return error_set(err, exit, "temporary file: %s%s",
			 l->db ? sqlite3_errmsg(l->db) : sqlite3_errstr(rc),
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
static int open_unlinked(struct lookaside *l, const char *journal, struct error *err)
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
	rc = sqlite3_open_v2(name, &l->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (!rc && !is_same(fd, name))
		rc = SQLITE_CANTOPEN;
	close(fd); /* SQLite holds no lock yet that this would end */
	unlink(name);
	free(name);
	if (!rc)
		rc = sqlite3_exec(l->db, setup, NULL, NULL, NULL);
	return rc ? lookaside_error(l, rc, err) : 0;
}

void lookaside_sweep(const struct journal_place *p)
{
	const char *journal = p->path;
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

struct lookaside *lookaside_new(const struct journal_place *p, struct error *err)
{
	struct lookaside *l = calloc(1, sizeof(*l));
	int rc;

	if (!l) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	if (open_unlinked(l, p->path, err)) {
		lookaside_free(l);
		return NULL;
	}
	rc = sqlite3_prepare_v3(l->db, "INSERT INTO record (key, payload) VALUES (?1, ?2)", -1,
				SQLITE_PREPARE_PERSISTENT, &l->add, NULL);
	if (!rc)
		return l;
	lookaside_error(l, rc, err);
	lookaside_free(l);
	return NULL;
}

static int bind(sqlite3_stmt *s, int i, struct migrate_bytes b)
{
	return sqlite3_bind_blob64(s, i, b.n ? b.p : "", b.n, SQLITE_STATIC);
}

int lookaside_add(struct lookaside *l, struct migrate_bytes key, struct migrate_bytes payload,
		  struct error *err)
{
	int rc = bind(l->add, 1, key);

	if (!rc)
		rc = bind(l->add, 2, payload);
	if (!rc)
		rc = sqlite3_step(l->add);
	sqlite3_reset(l->add);
	return rc == SQLITE_DONE ? 0 : lookaside_error(l, rc, err);
}

static int make_index(struct lookaside *l, struct error *err)
{
	int rc = sqlite3_exec(l->db, "CREATE INDEX record_key ON record (key)", NULL, NULL, NULL);

	if (!rc)
		rc = sqlite3_prepare_v3(l->db,
					"SELECT payload FROM record WHERE key = ?1 ORDER BY rowid",
					-1, SQLITE_PREPARE_PERSISTENT, &l->find, NULL);
	return rc ? lookaside_error(l, rc, err) : 0;
}

int lookaside_find(struct lookaside *l, struct migrate_bytes key,
		   int (*each)(void *arg, struct migrate_bytes payload), void *arg,
		   struct error *err)
{
	int rc, stop = 0;

	if (!l->find && make_index(l, err))
		return -1;
	rc = bind(l->find, 1, key);
	while (!rc && !stop && (rc = sqlite3_step(l->find)) == SQLITE_ROW) {
		struct migrate_bytes payload = { .p = sqlite3_column_blob(l->find, 0) };

		payload.n = (size_t)sqlite3_column_bytes(l->find, 0);
		stop = each(arg, payload);
		rc = SQLITE_OK;
	}
	sqlite3_reset(l->find);
	return stop ? stop : rc == SQLITE_DONE ? 0 : lookaside_error(l, rc, err);
}

void lookaside_free(struct lookaside *l)
{
	if (!l)
		return;
	sqlite3_finalize(l->add);
	sqlite3_finalize(l->find);
	sqlite3_close(l->db);
	free(l);
}
