/* SPDX-License-Identifier: MIT */
#include "base/sorter-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRITE_SIZE ((size_t)64 << 10)

/* For file systems without O_TMPFILE: a name that lives for an instant. */
static int open_named(const char *folder)
{
	char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/.migrate-XXXXXX", folder) < 0)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

static const char *default_folder(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && *folder ? folder : "/var/tmp";
}

int sorter_open_file(const char *folder, struct error *err)
{
	int fd;

	if (!*folder)
		folder = default_folder();
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT))
		fd = open_named(folder);
	if (fd < 0)
		return error_set_errno(err, EXIT_INTERNAL, errno,
				       "cannot make a temporary file in '%s' (see TMPDIR)", folder);
	return fd;
}

void sorter_close_file(struct sorter *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static int write_run(int fd, const unsigned char *p, size_t n, off_t where, struct error *err)
{
	while (n) {
		ssize_t done = pwrite(fd, p, n, where);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return error_set_errno(err, EXIT_INTERNAL, done ? errno : ENOSPC,
					       "cannot write a temporary file (see TMPDIR)");
		p += done;
		n -= (size_t)done;
		where += done;
	}
	return 0;
}

int sorter_read(int fd, void *p, size_t n, off_t where, struct error *err)
{
	unsigned char *to = p;

	while (n) {
		ssize_t done = pread(fd, to, n, where);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return error_set_errno(err, EXIT_INTERNAL, done ? errno : EIO,
					       "cannot read a temporary file");
		to += done;
		n -= (size_t)done;
		where += done;
	}
	return 0;
}

int sorter_writer_init(struct sorter_writer *w, int fd, off_t where, struct error *err)
{
	*w = (struct sorter_writer){ .fd = fd, .where = where, .bytes = malloc(WRITE_SIZE) };
	return w->bytes ? 0 : error_set(err, EXIT_INTERNAL, "out of memory while sorting");
}

int sorter_writer_flush(struct sorter_writer *w, struct error *err)
{
	if (write_run(w->fd, w->bytes, w->used, w->where, err))
		return -1;
	w->where += (off_t)w->used;
	w->used = 0;
	return 0;
}

int sorter_writer_add(struct sorter_writer *w, const void *p, size_t n, struct error *err)
{
	if (n > WRITE_SIZE - w->used && sorter_writer_flush(w, err))
		return -1;
	if (n > WRITE_SIZE) {
		if (write_run(w->fd, p, n, w->where, err))
			return -1;
		w->where += (off_t)n;
		return 0;
	}
	memcpy(w->bytes + w->used, p, n);
	w->used += n;
	return 0;
}

void sorter_writer_release(struct sorter_writer *w)
{
	free(w->bytes);
	w->bytes = NULL;
}

int sorter_add_run(struct sorter *s, off_t start, off_t end, struct error *err)
{
	if (s->run_count == s->run_cap) {
		size_t cap = s->run_cap ? 2 * s->run_cap : 16;
		struct sorter_run *p = realloc(s->runs, cap * sizeof(*p));

		if (!p)
			return error_set(err, EXIT_INTERNAL, "out of memory while sorting");
		s->runs = p;
		s->run_cap = cap;
	}
	s->runs[s->run_count++] = (struct sorter_run){ .start = start, .end = end };
	return 0;
}

int sorter_write_run(struct sorter *s, struct error *err)
{
	struct sorter_writer w;
	off_t start = s->end;
	int rc = sorter_writer_init(&w, s->fd, start, err);

	for (size_t i = 0; i < s->entry_count && !rc; i++) {
		const unsigned char *r = s->block + s->entries[i].at;

		rc = sorter_writer_add(&w, r, sorter_record_size(r), err);
	}
	if (!rc)
		rc = sorter_writer_flush(&w, err);
	s->end = w.where;
	sorter_writer_release(&w);
	return rc ? rc : sorter_add_run(s, start, s->end, err);
}
