/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include "base/clock.h"
#include "base/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/*
 * What is asked of a run: JOURNAL-control, replaced by rename, so that a reader sees the old one
 * or the new one; its folder is locked by who writes.
 */
#define LOCK_WAIT (5 * NS_PER_S)
#define SUFFIX "-control"

static int out_of_memory(struct error *err)
{
	return error_set(err, EXIT_INTERNAL, "out of memory");
}

const char *journal_asked_name(const struct journal_place *p, char *name, size_t size)
{
	snprintf(name, size, "%s" SUFFIX, p->path);
	return name;
}

/* ---- Reading ---- */

static int check_trust(const char *path, uid_t trusted, const struct stat *st, struct error *err)
{
	const struct trust t = { .also = trusted, .so = "not obeyed" };

	return trust_file(&t, st, "control file", path, err);
}

static void note_version(const struct stat *st, uint64_t version[4])
{
	version[0] = (uint64_t)st->st_ino;
	version[1] = (uint64_t)st->st_dev;
	version[2] = (uint64_t)st->st_size;
	version[3] = (uint64_t)st->st_ctim.tv_sec * NS_PER_S + (uint64_t)st->st_ctim.tv_nsec;
}

static int read_text(int fd, const char *path, uid_t trusted, struct journal_asked *a,
		     struct error *err)
{
	struct stat seen;
	ssize_t n;

	if (fstat(fd, &seen))
		return error_set_errno(err, EXIT_USAGE, errno, "cannot look at '%s'", path);
	if (check_trust(path, trusted, &seen, err))
		return -1;
	note_version(&seen, a->version);
	n = read(fd, a->text, JOURNAL_ASKED_MAX);
	if (n < 0)
		return error_set_errno(err, EXIT_USAGE, errno, "cannot read '%s'", path);
	a->text[n] = '\0';
	/* one that is empty or holds a NUL is none of ours: it must not pass for no text, or a shorter one */
	if (!n || (size_t)n != strlen(a->text))
		memcpy(a->text, "?", 2);
	return 0;
}

static int read_asked_file(const char *path, uid_t trusted, struct journal_asked *a,
			   struct error *err)
{
	struct stat seen;
	int fd, result;

	*a = (struct journal_asked){ .text = "" };
	if (!lstat(path, &seen)) {
		note_version(&seen, a->version);
		if (check_trust(path, trusted, &seen, err))
			return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_set_errno(err, EXIT_USAGE, errno, "cannot open '%s'", path);
	result = read_text(fd, path, trusted, a, err);
	close(fd);
	return result;
}

int journal_asked(const struct journal_place *p, struct journal_asked *a, struct error *err)
{
	char *path = journal_file_beside(p->path, SUFFIX);
	int result;

	*a = (struct journal_asked){ .text = "" };
	result = path ? read_asked_file(path, p->trusted, a, err) : out_of_memory(err);

	free(path);
	return result;
}

static int has_changed(const char *path, const uint64_t version[4], struct error *err)
{
	struct stat now = { .st_ino = 0 };
	uint64_t its[4];

	if (lstat(path, &now) && errno != ENOENT)
		return error_set_errno(err, EXIT_USAGE, errno, "cannot look at '%s'", path);
	note_version(&now, its);
	return memcmp(its, version, sizeof(its)) != 0;
}

int journal_asked_changed(const struct journal_place *p, const uint64_t version[4],
			  struct error *err)
{
	char *path = journal_file_beside(p->path, SUFFIX);
	int result = path ? has_changed(path, version, err) : out_of_memory(err);

	free(path);
	return result;
}

/* ---- Writing ---- */

/* Who runs the job as its owner must be able to read what root asked for. */
static int give_to_owner(int fd, const char *journal)
{
	struct stat st;

	if (stat(journal, &st))
		return errno == ENOENT ? 0 : -1;
	errno = trust_give(fd, &st);
	return errno ? -1 : 0;
}

static int write_asked(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n = write(fd, text, len);

	if (n >= 0 && (size_t)n < len)
		errno = ENOSPC;
	return n == (ssize_t)len && !fsync(fd) ? 0 : -1;
}

static int replace_asked(const char *path, const char *journal, const char *text, struct error *err)
{
	char *temporary;
	int fd, result = -1;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return out_of_memory(err);
	fd = mkostemp(temporary, O_CLOEXEC); /* 0600 */
	if (fd >= 0) {
		result = give_to_owner(fd, journal) ? -1 : write_asked(fd, text);
		if (close(fd) || result || rename(temporary, path))
			result = -1;
		if (result) {
			int errnum = errno;

			unlink(temporary);
			errno = errnum;
		}
	}
	if (result)
		error_set_errno(err, EXIT_USAGE, errno, "cannot write '%s'", path);
	free(temporary);
	return result;
}

/* Anybody who may read a folder can hold its lock: it is not waited for without end. */
static int lock_in_time(int fd)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int64_t end = clock_monotonic() + LOCK_WAIT;

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || clock_monotonic() > end)
			return -1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* The folder of a path, open and locked: one writer at a time; close it to unlock. */
static int lock_folder(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd;

	if (!folder)
		return out_of_memory(err);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || lock_in_time(fd)) {
		if (fd >= 0 && errno == EWOULDBLOCK)
			error_set(err, EXIT_USAGE,
				  "somebody holds a lock on the folder '%s': lslocks tells who",
				  folder);
		else
			error_set_errno(err, EXIT_USAGE, errno, "cannot lock the folder '%s'",
					folder);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	free(folder);
	return fd;
}

static int change_locked(const struct journal_place *p, const char *path, int folder,
			 int (*change)(void *arg, struct journal_asked *a, struct error *err),
			 void *arg, struct error *err)
{
	struct journal_asked a;

	if (read_asked_file(path, p->trusted, &a, err) || change(arg, &a, err) ||
	    replace_asked(path, p->path, a.text, err))
		return -1;
	if (fsync(folder))
		return error_set_errno(err, EXIT_USAGE, errno, "cannot sync the folder of '%s'",
				       path);
	return 0;
}

int journal_ask(const struct journal_place *p,
		int (*change)(void *arg, struct journal_asked *a, struct error *err), void *arg,
		struct error *err)
{
	char *path = journal_file_beside(p->path, SUFFIX);
	int folder, result = -1;

	if (!path)
		return out_of_memory(err);
	folder = lock_folder(path, err);
	if (folder >= 0) {
		result = change_locked(p, path, folder, change, arg, err);
		close(folder);
	}
	free(path);
	return result;
}
