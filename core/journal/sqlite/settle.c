/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include "base/log.h"
#include "base/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Before SQLite reads it: are its files ours, and is what we shall read what the disk
 * holds?
 */

/* ---- Whose it is ---- */

#define NOT_USED "not used"

/* What SQLite reads beside a database, and takes for a part of it. */
static const char *const beside[] = { "-wal", "-shm", "-journal" };
#define BESIDE (sizeof(beside) / sizeof(beside[0]))

static const char *what_of(const char *suffix)
{
	return strcmp(suffix, "-shm") ? "log" : "index of the log";
}

/* Killed after it was linked and before the other name was gone. */
static bool has_new_name(const char *path, const struct stat *st, bool end)
{
	char *name = journal_file_beside(path, "-new");
	struct stat other;
	bool same = name && st->st_nlink == 2 && !lstat(name, &other) &&
		    other.st_ino == st->st_ino && other.st_dev == st->st_dev;

	if (same && end)
		unlink(name);
	free(name);
	return same;
}

static int trust_journal(struct trust t, const char *path, const struct stat *st, struct error *err)
{
	t.links = has_new_name(path, st, false);
	return trust_file(&t, st, "journal", path, err);
}

static int trust_beside(const struct trust *t, const char *path, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < BESIDE && !result; i++) {
		char *name = journal_file_beside(path, beside[i]);
		struct stat st;

		if (!name)
			result = error_set(err, EXIT_INTERNAL, "out of memory");
		else if (!lstat(name, &st))
			result = trust_file(t, &st, what_of(beside[i]), name, err);
		free(name);
	}
	return result;
}

/* Where a file is to be created, or was: others must not put theirs in its place. */
static int trust_place(const struct journal_options *o, const char *path, bool is_there,
		       struct error *err)
{
	const struct trust t = {
		.also = o->place.trusted,
		.so = is_there ? "they may put their files in the place of the journal's"
			       : "no journal is begun in it; `journal:` names another place",
		.may_create = true,
	};
	struct error doubt = ERROR_INIT;

	if (o->mode != JOURNAL_RUN)
		return 0;
	if (!is_there)
		return o->create ? trust_folder_of(&t, path, err) : 0;
	if (trust_folder_of(&t, path, &doubt))
		log_warn("%s", doubt.text);
	return 0;
}

int journal_file_trust(const struct journal_options *o, const char *path, struct error *err)
{
	const struct trust t = { .also = o->place.trusted, .so = NOT_USED };
	struct stat st;
	bool is_there = !lstat(path, &st);

	if (is_there && trust_journal(t, path, &st, err))
		return -1;
	if (!lstat(o->place.path, &st) && S_ISLNK(st.st_mode) &&
	    trust_owner(&t, &st, "symbolic link", o->place.path, err))
		return -1;
	if ((is_there || o->mode == JOURNAL_RUN) && trust_beside(&t, path, err))
		return -1;
	return trust_place(o, path, is_there, err);
}

/* ---- Before SQLite reads it ---- */

static int cannot_write(int errnum, const char *path, struct error *err)
{
	return error_set_errno(err, EXIT_JOURNAL, errnum,
			       "cannot open %s for writing: make it writable for this user", path);
}

/* An empty file for SQLite to find, as it would make it. -1: failed, with errno. */
static int make_empty(const char *path, const struct stat *journal)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), failed;

	if (fd < 0)
		return -1;
	failed = fchmod(fd, journal->st_mode & 0666) ? errno : trust_give(fd, journal);
	if (!failed)
		return fd;
	unlink(path);
	close(fd);
	errno = failed;
	return -1;
}

static int open_own(const char *path)
{
	return open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
}

/* Those who read it make such files too, and remove them when they were the last. */
static int open_or_make(const char *path, const struct stat *journal)
{
	int fd = -1;

	for (int tries = 0; tries < 100 && fd < 0; tries++) {
		fd = open_own(path);
		if (fd < 0 && errno == ENOENT)
			fd = make_empty(path, journal);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd;
}

/*
 * After a failed sync, or a crash of the machine's storage, the page cache may
 * show what the disk never got. So what is there is synced, then forgotten, so
 * that SQLite reads the disk.
 */
static int settle_file(int fd, const char *path, struct error *err)
{
	int failed = fdatasync(fd) ? errno : posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);

	return failed ? error_set_errno(err, EXIT_JOURNAL, failed,
					"cannot sync %s: look after the disk", path)
		      : 0;
}

static int check_header(int fd, const char *path, struct error *err)
{
	unsigned char h[HEADER_SIZE];
	ssize_t n = pread(fd, h, sizeof(h), 0);

	if (n < 0)
		return error_set_errno(err, EXIT_JOURNAL, errno, "cannot read %s", path);
	if (n != HEADER_SIZE || memcmp(h, "SQLite format 3", 16))
		return error_set(err, EXIT_DAMAGED,
				 "%s is not a migrate journal, or its header is damaged: look at "
				 "the job file's journal option",
				 path);
	if (h[HEADER_WRITE_VERSION] != HEADER_WAL || h[HEADER_READ_VERSION] != HEADER_WAL)
		return error_set(err, EXIT_DAMAGED,
				 "journal %s: damaged: its header is not that of a write-ahead log",
				 path);
	return 0;
}

static int settle_journal(const struct trust *t, const char *path, struct stat *st,
			  struct error *err)
{
	int fd = open_own(path), result;

	if (fd < 0 || fstat(fd, st)) {
		result = cannot_write(errno, path, err);
	} else {
		result = trust_journal(*t, path, st, err);
		if (!result)
			result = settle_file(fd, path, err);
		if (!result)
			result = check_header(fd, path, err);
	}
	if (fd >= 0)
		close(fd);
	return result;
}

/*
 * It is there and ours before SQLite looks for it: in a folder such as /tmp somebody
 * else could put one there in between, and SQLite would take it for the journal's.
 */
static int settle_beside(const struct trust *t, const char *path, const char *suffix,
			 const struct stat *journal, struct error *err)
{
	char *name = journal_file_beside(path, suffix);
	struct stat st;
	int fd, result;

	if (!name)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	fd = open_or_make(name, journal);
	if (fd < 0 || fstat(fd, &st)) {
		result = cannot_write(errno, name, err);
	} else {
		result = trust_file(t, &st, what_of(suffix), name, err);
		if (!result && st.st_size && !strcmp(suffix, "-wal"))
			result =
			    settle_file(fd, name, err) || journal_wal_check(fd, name, err) ? -1 : 0;
	}
	if (fd >= 0)
		close(fd);
	free(name);
	return result;
}

int journal_file_settle(const struct journal_options *o, const char *path, struct error *err)
{
	const struct trust t = { .also = o->place.trusted, .so = NOT_USED };
	struct stat st;
	int result = settle_journal(&t, path, &st, err);

	if (!result)
		has_new_name(path, &st, true);
	for (size_t i = 0; i < BESIDE && !result; i++)
		result = settle_beside(&t, path, beside[i], &st, err);
	return result;
}

/* SQLite has looked for a rollback journal, found an empty one, and never looks again. */
void journal_file_opened(const char *path)
{
	char *name = journal_file_beside(path, "-journal");
	struct stat st;

	if (name && !lstat(name, &st) && !st.st_size)
		unlink(name);
	free(name);
}
