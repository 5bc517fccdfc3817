/* SPDX-License-Identifier: MIT */
#include "job/job-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The job file itself: opening it, and what its place says. */

static const char *refuse_type(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return NULL;
	if (S_ISDIR(st->st_mode))
		return "this is a folder, not a job file";
	if (S_ISFIFO(st->st_mode))
		return "this is a pipe: a job file must be a regular file, the journal stands "
		       "beside it";
	return "this is not a regular file";
}

/* Up to YAML_FILE_MAX + 1 bytes, so that a longer file is noticed. */
static char *read_all(struct loading *l, int fd, size_t *n)
{
	char *bytes = malloc(YAML_FILE_MAX + 1);

	*n = 0;
	while (bytes && *n <= YAML_FILE_MAX) {
		ssize_t done = read(fd, bytes + *n, YAML_FILE_MAX + 1 - *n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			problems_add(&l->problems, 0, 0, "cannot read: %s", strerrordesc_np(errno));
			free(bytes);
			return NULL;
		}
		if (!done)
			return bytes;
		*n += (size_t)done;
	}
	if (!bytes)
		problems_add(&l->problems, 0, 0, "out of memory");
	return bytes;
}

/* Not blocking, and no terminal of ours: the name may lead to anything. */
char *job_read_file(struct loading *l, size_t *n)
{
	int fd = open(l->job->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *why;
	char *bytes = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		problems_add(&l->problems, 0, 0, "cannot open: %s", strerrordesc_np(errno));
		goto out;
	}
	why = refuse_type(&st);
	if (why) {
		problems_add(&l->problems, 0, 0, "%s", why);
		goto out;
	}
	l->job->owner = st.st_uid;
	l->problems.private_file = !(st.st_mode & (S_IRWXG | S_IRWXO));
	bytes = read_all(l, fd, n);
out:
	if (fd >= 0)
		close(fd);
	return bytes;
}

bool job_name_is_good(const char *name)
{
	size_t n = strlen(name);

	if (!n || n > 128 || *name == '.')
		return false;
	for (; *name; name++)
		if (*name == '/' || (unsigned char)*name < ' ' || *name == 0x7f)
			return false;
	return true;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The folder of the file as an absolute path, and the default of `job:`. */
bool job_name_from_path(struct loading *l)
{
	struct job *j = l->job;
	const char *base = base_name(j->path), *dot = strrchr(base, '.');
	char *dir = base == j->path ? strdup(".") : strndup(j->path, (size_t)(base - j->path));
	char *folder = dir ? realpath(dir, NULL) : NULL;

	if (folder)
		j->folder = arena_text(&j->arena, folder);
	else
		problems_add(&l->problems, 0, 0, "cannot find its folder: %s",
			     strerrordesc_np(errno));
	free(folder);
	free(dir);
	j->name =
	    arena_copy(&j->arena, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
	return j->folder && j->name;
}
