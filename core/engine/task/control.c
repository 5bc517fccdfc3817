/* SPDX-License-Identifier: MIT */
#include "engine/task/control.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/trust.h"
#include "job/schema/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX 4096
#define LOCK_WAIT (5 * NS_PER_S)
#define FIRST_LINE "migrate-control 1"

char *control_path(const char *journal)
{
	char *path;

	return asprintf(&path, "%s-control", journal) < 0 ? NULL : path;
}

/* ---- The file's text ---- */

static bool set_field(struct control *c, const char *name, int64_t v)
{
	if (!strcmp(name, "serial"))
		c->serial = (uint64_t)v;
	else if (!strcmp(name, "paused"))
		c->paused = v != 0;
	else if (!strcmp(name, "stop"))
		c->stop = v != 0;
	else if (!strcmp(name, "copy.concurrency"))
		c->concurrency = v, c->concurrency_set = true;
	else if (!strcmp(name, "limits.bandwidth"))
		c->limits.bandwidth = (uint64_t)v, c->bandwidth_set = true;
	else if (!strcmp(name, "limits.requests"))
		c->limits.requests = v, c->requests_set = true;
	else if (!strcmp(name, "limits.rows"))
		c->limits.rows = v, c->rows_set = true;
	else
		return false;
	return true;
}

/* One "name value". */
static bool parse_line(struct control *c, char *line)
{
	char *space = strchr(line, ' ');
	int64_t v;

	if (!space)
		return false;
	*space = '\0';
	return schema_parse_integer(space + 1, &v) && v >= 0 && set_field(c, line, v);
}

static bool parse(struct control *c, char *text)
{
	char *line = text, *end;
	bool first = true;

	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		if (first ? strcmp(line, FIRST_LINE) != 0 : !parse_line(c, line))
			return false;
		first = false;
		line = end + 1;
	}
	return !first && !*line && c->serial;
}

static void add_field(struct buf *b, const char *name, bool set, int64_t v)
{
	char line[64];

	snprintf(line, sizeof(line), "%s %" PRId64 "\n", name, v);
	if (set)
		buf_add_text(b, line);
}

/* At most FILE_MAX by far. */
static void unparse(const struct control *c, struct buf *b)
{
	buf_add_text(b, FIRST_LINE "\n");
	add_field(b, "serial", true, (int64_t)c->serial);
	add_field(b, "paused", c->paused, 1);
	add_field(b, "stop", c->stop, 1);
	add_field(b, "copy.concurrency", c->concurrency_set, c->concurrency);
	add_field(b, "limits.bandwidth", c->bandwidth_set, (int64_t)c->limits.bandwidth);
	add_field(b, "limits.requests", c->requests_set, c->limits.requests);
	add_field(b, "limits.rows", c->rows_set, c->limits.rows);
}

/* ---- Reading ---- */

static int out_of_memory(struct error *err)
{
	return error_set(err, EXIT_INTERNAL, "out of memory");
}

static int damaged(const char *path, struct error *err)
{
	return error_set(err, EXIT_USAGE,
			 "'%s' is not a control file of this version: remove it, then use "
			 "migrate-control again",
			 path);
}

static int check_trust(const char *path, uid_t trusted, const struct stat *st, struct error *err)
{
	const struct trust t = { .also = trusted, .so = "not obeyed" };

	return trust_file(&t, st, "control file", path, err);
}

/* At most FILE_MAX bytes; -1: failed, err is set. */
static ssize_t read_text(int fd, const char *path, uid_t trusted, char *text, struct stat *seen,
			 struct error *err)
{
	ssize_t n;

	if (fstat(fd, seen))
		return error_set_errno(err, EXIT_USAGE, errno, "cannot look at '%s'", path);
	if (check_trust(path, trusted, seen, err))
		return -1;
	n = read(fd, text, FILE_MAX);
	if (n < 0)
		error_set_errno(err, EXIT_USAGE, errno, "cannot read '%s'", path);
	return n;
}

/* *seen: of the file that is there; zeros if there is none. */
static int read_file(const char *path, uid_t trusted, struct control *c, struct stat *seen,
		     struct error *err)
{
	char text[FILE_MAX + 1];
	ssize_t n;
	int fd;

	*c = (struct control){ .serial = 0 };
	*seen = (struct stat){ .st_ino = 0 };
	if (!lstat(path, seen) && check_trust(path, trusted, seen, err))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_set_errno(err, EXIT_USAGE, errno, "cannot open '%s'", path);
	n = read_text(fd, path, trusted, text, seen, err);
	close(fd);
	if (n < 0)
		return -1;
	text[n] = '\0';
	if ((size_t)n != strlen(text) || !parse(c, text)) {
		*c = (struct control){ .serial = 0 };
		return damaged(path, err);
	}
	return 0;
}

int control_read(const struct control_file *f, struct control *c, struct error *err)
{
	char *path = control_path(f->journal);
	struct stat seen;
	int result = path ? read_file(path, f->trusted, c, &seen, err) : out_of_memory(err);

	free(path);
	return result;
}

/* ---- Writing ---- */

/* Who runs the job as its owner must be able to read what root asked for. */
static int give(int fd, const char *journal)
{
	struct stat st;

	if (stat(journal, &st))
		return errno == ENOENT ? 0 : -1;
	errno = trust_give(fd, &st);
	return errno ? -1 : 0;
}

static int write_all(int fd, const struct buf *b)
{
	ssize_t n = write(fd, b->p, b->len);

	if (n >= 0 && (size_t)n < b->len)
		errno = ENOSPC;
	return n == (ssize_t)b->len && !fsync(fd) ? 0 : -1;
}

static int replace(const char *path, const char *journal, const struct buf *b, struct error *err)
{
	char *temporary;
	int fd, result = -1;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return out_of_memory(err);
	fd = mkostemp(temporary, O_CLOEXEC); /* 0600 */
	if (fd >= 0) {
		result = give(fd, journal) ? -1 : write_all(fd, b);
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

/* The folder is locked: nobody else gives a serial. */
static int write_locked(const struct control_file *f, const char *path, int folder,
			struct control *c, struct error *err)
{
	BUF_AUTO struct buf b = BUF_INIT(FILE_MAX);
	struct control old;
	struct error ignored = ERROR_INIT;
	struct stat seen;

	if (!read_file(path, f->trusted, &old, &seen, &ignored) && old.serial > c->serial)
		c->serial = old.serial;
	c->serial++;
	unparse(c, &b);
	if (replace(path, f->journal, &b, err))
		return -1;
	if (fsync(folder))
		return error_set_errno(err, EXIT_USAGE, errno, "cannot sync the folder of '%s'",
				       path);
	return 0;
}

int control_write(const struct control_file *f, struct control *c, struct error *err)
{
	char *path = control_path(f->journal);
	int folder, result = -1;

	if (!path)
		return out_of_memory(err);
	folder = lock_folder(path, err);
	if (folder >= 0) {
		result = write_locked(f, path, folder, c, err);
		close(folder);
	}
	free(path);
	return result;
}

int control_change(const struct control_file *f,
		   int (*change)(void *arg, struct control *c, struct error *err), void *arg,
		   struct control *c, struct error *err)
{
	char *path = control_path(f->journal);
	struct stat seen;
	int folder, result = -1;

	if (!path)
		return out_of_memory(err);
	folder = lock_folder(path, err);
	if (folder >= 0) {
		if (!read_file(path, f->trusted, c, &seen, err) && !change(arg, c, err))
			result = write_locked(f, path, folder, c, err);
		close(folder);
	}
	free(path);
	return result;
}

/* ---- For the engine ---- */

static int take_stop_out(void *arg, struct control *c, struct error *err)
{
	(void)arg;
	(void)err;
	c->stop = false;
	return 0;
}

int control_begin(const struct control_file *f, struct control_watch *w, struct control *c,
		  struct error *err)
{
	*w = (struct control_watch){ .serial = 0 };
	if (control_poll(f, w, c, err) < 0)
		return -1;
	if (!w->serial)
		*c = (struct control){ .serial = 0 };
	if (!c->stop)
		return 0;
	if (control_change(f, take_stop_out, NULL, c, err))
		return -1;
	w->serial = c->serial;
	return 0;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int poll_file(const char *path, uid_t trusted, struct control_watch *w, struct control *c,
		     struct error *err)
{
	struct stat now = { .st_ino = 0 };
	struct control read;
	int result;

	if (lstat(path, &now) && errno != ENOENT)
		return error_set_errno(err, EXIT_USAGE, errno, "cannot look at '%s'", path);
	if (is_same_file(&now, &w->seen))
		return 0;
	result = read_file(path, trusted, &read, &w->seen, err);
	if (result || read.serial == w->serial)
		return result;
	w->serial = read.serial;
	*c = read;
	return 1;
}

int control_poll(const struct control_file *f, struct control_watch *w, struct control *c,
		 struct error *err)
{
	char *path = control_path(f->journal);
	int result = path ? poll_file(path, f->trusted, w, c, err) : out_of_memory(err);

	free(path);
	return result;
}

static void add_setting(char *text, size_t size, bool set, const char *name, uint64_t v,
			const char *unit)
{
	size_t n = strlen(text);

	if (set)
		snprintf(text + n, size - n, "%s%s=%" PRIu64 "%s", n ? ", " : "", name, v, unit);
}

static void add_word(char *text, size_t size, bool set, const char *word)
{
	size_t n = strlen(text);

	if (set)
		snprintf(text + n, size - n, "%s%s", n ? ", " : "", word);
}

void control_text(const struct control *c, char *text, size_t size)
{
	snprintf(text, size, "%s%s%s", c->paused ? "paused" : "", c->paused && c->stop ? ", " : "",
		 c->stop ? "stop" : "");
	if (c->concurrency)
		add_setting(text, size, c->concurrency_set, "copy.concurrency",
			    (uint64_t)c->concurrency, "");
	else
		add_word(text, size, c->concurrency_set, "copy.concurrency=auto");
	add_setting(text, size, c->bandwidth_set, "limits.bandwidth", c->limits.bandwidth, "B/s");
	add_setting(text, size, c->requests_set, "limits.requests", (uint64_t)c->limits.requests,
		    "/s");
	add_setting(text, size, c->rows_set, "limits.rows", (uint64_t)c->limits.rows, "/s");
	if (!*text)
		snprintf(text, size, "nothing");
}

void control_apply(const struct control *c, const struct job *job, uint32_t *concurrency,
		   struct job_limits *limits)
{
	int64_t n = job->copy.automatic ? 0 : job->copy.concurrency;

	*concurrency = (uint32_t)(c->concurrency_set ? c->concurrency : n);
	*limits = job->limits;
	if (c->bandwidth_set)
		limits->bandwidth = c->limits.bandwidth;
	if (c->requests_set)
		limits->requests = c->limits.requests;
	if (c->rows_set)
		limits->rows = c->limits.rows;
}
