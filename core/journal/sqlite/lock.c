/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include "base/clock.h"
#include "base/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * One run at a time: flock(2) on a file of its own, because SQLite's locks on the
 * journal would vanish with any other descriptor of it, and because readers must
 * not be kept out. It goes with the process, however that ends. The file is never
 * removed: between removal and lock a third one could come in.
 */
#define TEXT_MAX 512

#define HELD_MAX 8

/* A child inherits the lock, and would keep it beyond our death: it lets go at once. */
static _Atomic int held[HELD_MAX]; /* descriptor + 1; 0: free */
static pthread_once_t watch_forks = PTHREAD_ONCE_INIT;

static void let_go_in_child(void)
{
	for (size_t i = 0; i < HELD_MAX; i++) {
		int fd = atomic_exchange(&held[i], 0) - 1;

		if (fd >= 0)
			close(fd);
	}
}

static void begin_watching(void)
{
	pthread_atfork(NULL, NULL, let_go_in_child);
}

static void remember_lock(int fd)
{
	pthread_once(&watch_forks, begin_watching);
	for (size_t i = 0; i < HELD_MAX; i++) {
		int empty = 0;

		if (atomic_compare_exchange_strong(&held[i], &empty, fd + 1))
			return;
	}
}

static void forget_lock(int fd)
{
	for (size_t i = 0; i < HELD_MAX; i++) {
		int ours = fd + 1;

		if (atomic_compare_exchange_strong(&held[i], &ours, 0))
			return;
	}
}

static int refuse_second(int fd, const char *path, struct error *err)
{
	char text[TEXT_MAX] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return error_set(err, EXIT_LOCKED, "another run holds %s%s%s: wait for it or end it", path,
			 text[0] ? ", " : "", text);
}

/* Who holds it; for people only, so a failure is not one. */
static void sign(int fd)
{
	char host[256] = "", when[32], text[TEXT_MAX];
	int n;

	if (gethostname(host, sizeof(host) - 1))
		host[0] = '\0';
	clock_format(clock_wall(), when, sizeof(when));
	n = snprintf(text, sizeof(text), "pid %ld on %s since %s\n", (long)getpid(), host, when);
	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
		return;
}

/* The name still means the file that we locked. */
static bool is_still(int fd, const char *name)
{
	struct stat ours, now;

	return !fstat(fd, &ours) && !lstat(name, &now) && ours.st_ino == now.st_ino &&
	       ours.st_dev == now.st_dev;
}

/* Whose journal it is shall be able to run the job after us. */
static int make_lock(const char *name, const char *path)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat journal;

	if (fd >= 0 && !lstat(path, &journal))
		trust_give(fd, &journal);
	return fd;
}

static int open_lock(const char *name, const char *path, uid_t trusted, struct error *err)
{
	const struct trust t = { .also = trusted, .so = "not used" };
	struct stat st;
	int fd;

	if (!lstat(name, &st) && trust_file(&t, &st, "lock", name, err))
		return -1;
	do {
		fd = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
		if (fd < 0 && errno == ENOENT)
			fd = make_lock(name, path);
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0 || fstat(fd, &st))
		error_set_errno(err, EXIT_JOURNAL, errno,
				"cannot open %s: make its folder writable for this user", name);
	else if (!st.st_nlink || !trust_file(&t, &st, "lock", name, err))
		return fd; /* without a name: the caller tries again */
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Locked. -1: failed; -2: it is not the file of that name any more. */
static int take_lock(const char *name, const char *path, uid_t trusted, struct error *err)
{
	int fd = open_lock(name, path, trusted, err), busy;

	if (fd < 0)
		return -1;
	busy = flock(fd, LOCK_EX | LOCK_NB) ? errno : 0;
	if (!busy && is_still(fd, name)) {
		sign(fd);
		remember_lock(fd);
		return fd;
	}
	if (busy == EWOULDBLOCK)
		refuse_second(fd, path, err);
	else if (busy)
		error_set_errno(err, EXIT_JOURNAL, busy, "cannot lock %s", name);
	close(fd);
	return busy ? -1 : -2;
}

int journal_lock(const char *path, uid_t trusted, struct error *err)
{
	char *name = journal_file_beside(path, "-lock");
	int fd;

	if (!name)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	do
		fd = take_lock(name, path, trusted, err);
	while (fd == -2);
	free(name);
	return fd;
}

void journal_unlock(int fd)
{
	if (fd < 0)
		return;
	forget_lock(fd);
	close(fd);
}
