/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Removing a journal, or giving it another name: under its lock, so that no other run can
 * open what is about to go. The lock's own file stays: whoever waits for it holds it open.
 */
static const char *const suffixes[] = { "", "-wal", "-shm" };

#define SUFFIXES (sizeof(suffixes) / sizeof(suffixes[0]))
#define NAMES_MAX 1000 /* set aside in one second */

int file_discard(struct store *store, struct error *err)
{
	const char *path = ((struct file_store *)store)->path;
	int rc = 0;

	for (size_t i = 0; i < SUFFIXES; i++) {
		char *name = journal_file_beside(path, suffixes[i]);

		if (!name)
			rc = error_set(err, EXIT_INTERNAL, "out of memory");
		else if (unlink(name) && errno != ENOENT)
			rc = error_set_errno(err, EXIT_JOURNAL, errno, "cannot remove %s", name);
		free(name);
	}
	return rc;
}

/* 0, or why not as errno: never over another file. */
static int rename_one(const char *path, const char *to, const char *suffix)
{
	char *from = journal_file_beside(path, suffix), *name = journal_file_beside(to, suffix);
	int failed = from && name ? 0 : ENOMEM;

	if (!failed && renameat2(AT_FDCWD, from, AT_FDCWD, name, RENAME_NOREPLACE))
		failed = errno;
	/* not every file system knows how; the lock keeps other runs away */
	if (failed == EINVAL)
		failed = journal_file_exists(name) ? EEXIST : rename(from, name) ? errno : 0;
	free(from);
	free(name);
	return failed;
}

/* The file itself, by the first name that nobody has. */
static int rename_file(const char *path, char **name)
{
	char stamp[32];
	int failed = EEXIST;

	clock_format(clock_wall(), stamp, sizeof(stamp));
	for (int i = 1; failed == EEXIST && i <= NAMES_MAX; i++) {
		int n = i == 1 ? asprintf(name, "%s.%s", path, stamp)
			       : asprintf(name, "%s.%s-%d", path, stamp, i);

		if (n < 0) {
			*name = NULL;
			return ENOMEM;
		}
		failed = rename_one(path, *name, "");
		if (failed) {
			free(*name);
			*name = NULL;
		}
	}
	return failed;
}

int file_set_aside(struct store *store, char **name, struct error *err)
{
	const char *path = ((struct file_store *)store)->path;
	int failed = rename_file(path, name);

	for (size_t i = 1; !failed && i < SUFFIXES; i++) {
		failed = rename_one(path, *name, suffixes[i]);
		if (failed == ENOENT)
			failed = 0;
	}
	if (failed)
		error_set_errno(err, EXIT_JOURNAL, failed, "cannot set the journal %s aside", path);
	return failed ? -1 : 0;
}
