/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What is asked of a journal that is a file, before it is opened. */
#define NEAR_MAX 100

bool journal_exists(const struct journal_place *p)
{
	return !access(p->path, F_OK) || errno != ENOENT;
}

int journal_trust(const struct journal_place *p, bool create, struct error *err)
{
	struct journal_options o = { .place = *p,
				     .mode = create ? JOURNAL_RUN : JOURNAL_READ,
				     .create = create };
	char *path = journal_file_resolve(p->path, err);
	int result = path ? journal_file_trust(&o, path, err) : -1;

	free(path);
	return result;
}

int journal_space(const struct journal_place *p, uint64_t *bytes, char **folder, struct error *err)
{
	const char *slash = strrchr(p->path, '/');
	struct statvfs fs;

	*bytes = UINT64_MAX;
	*folder = !slash ? strdup(".")
			 : strndup(p->path, slash == p->path ? 1 : (size_t)(slash - p->path));
	if (!*folder)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	if (statvfs(*folder, &fs))
		return error_set_errno(err, EXIT_USAGE, errno, "cannot look at the folder of '%s'",
				       p->path);
	*bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (!journal_exists(p) && access(*folder, W_OK))
		return error_set(err, EXIT_USAGE, "cannot write in '%s'", *folder);
	return 0;
}

bool journal_is_file(const struct journal_place *p, const char *path)
{
	struct stat journal, other;

	return !stat(p->path, &journal) && !stat(path, &other) && journal.st_dev == other.st_dev &&
	       journal.st_ino == other.st_ino;
}

void journal_each_near(const struct journal_place *p,
		       void (*each)(void *arg, const struct journal_place *other), void *arg)
{
	const char *own = p->path, *slash = strrchr(own, '/');
	char *pattern = NULL;
	glob_t found;

	if (!slash || strpbrk(own, "*?[\\") ||
	    asprintf(&pattern, "%.*s/*.journal", (int)(slash - own), own) < 0)
		return;
	if (!glob(pattern, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc && i < NEAR_MAX; i++)
			if (strcmp(found.gl_pathv[i], own) != 0)
				each(arg, &(struct journal_place){ .path = found.gl_pathv[i],
								   .allow_volatile = true,
								   .trusted = p->trusted });
		globfree(&found);
	}
	free(pattern);
}

/* As measured: 180 bytes and a short key an object, twice the key and an identity a row. */
uint64_t journal_estimate(uint64_t objects, uint64_t rows)
{
	const uint64_t log = UINT64_C(64) << 20;

	if (objects > UINT64_MAX / 1024 || rows > UINT64_MAX / 1024)
		return UINT64_MAX;
	return log + objects * 260 + rows * 200;
}
