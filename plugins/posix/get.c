/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A link, a device or a folder is never opened for long: fstat decides, not the name. */
#define SOURCE_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

static enum migrate_status check_type(struct posix_session *s, struct migrate_session *m,
				      const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return MIGRATE_OK;
	if (S_ISDIR(st->st_mode))
		return migrate_fail(m, MIGRATE_NOT_FOUND, "a folder is no object");
	return posix_fail_lookup(s, m, S_ISLNK(st->st_mode) ? ELOOP : ENXIO, "cannot open");
}

/* The folder of a key and in it the file, once more if the folder was replaced meanwhile. */
static enum migrate_status open_file(struct posix_session *s, struct migrate_session *m,
				     struct migrate_bytes key, int *fd)
{
	for (int tries = 0;; tries++) {
		int folder, error;
		enum migrate_status status = posix_locate(s, m, key, false, &folder);

		if (status)
			return status;
		*fd = posix_openat(s->store, folder, s->name, SOURCE_FLAGS);
		if (*fd >= 0)
			return MIGRATE_OK;
		error = errno;
		if (error != ENOENT || tries || !posix_folder_is_stale(s))
			return posix_fail_lookup(s, m, error, "cannot open");
	}
}

enum migrate_status posix_open_object(struct posix_session *s, struct migrate_session *m,
				      struct migrate_bytes key, int *fd, struct stat *st)
{
	enum migrate_status status = open_file(s, m, key, fd);

	if (status)
		return status;
	if (posix_look(s->store, *fd, st))
		status = migrate_fail_errno(m, errno, "cannot look at the file");
	else
		status = check_type(s, m, st);
	if (status)
		close(*fd);
	return status;
}

/* When the file was made here: its birth, which nobody can set. 0: not remembered. */
static int64_t birth(int folder, const char *name)
{
	const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
	struct statx x;

	if (statx(folder, name, flags, STATX_BTIME, &x) || !(x.stx_mask & STATX_BTIME))
		return 0;
	return (int64_t)x.stx_btime.tv_sec * 1000000000 + x.stx_btime.tv_nsec;
}

static enum migrate_status stat_by_name(struct posix_session *s, struct migrate_stat *r)
{
	for (int tries = 0;; tries++) {
		enum migrate_status status;
		struct stat st;
		int folder, error;

		status = posix_locate(s, r->session, r->key, false, &folder);
		if (status)
			return status;
		if (!posix_look_at(s->store, folder, s->name, &st)) {
			status = check_type(s, r->session, &st);
			if (!status && !posix_fill(r->object, &st))
				status = migrate_fail_errno(r->session, ENOMEM, "cannot keep it");
			r->object->written = birth(folder, s->name);
			return status;
		}
		error = errno;
		if (error != ENOENT || tries || !posix_folder_is_stale(s))
			return posix_fail_lookup(s, r->session, error, "cannot look at the file");
	}
}

/* Attributes need the file open, which needs the right to read it; the rest does not. */
enum migrate_status posix_stat(void *self, struct migrate_stat *r)
{
	struct posix_session *s = self;
	enum migrate_status status;
	struct stat st;
	int fd;

	if (!r->object->attributes)
		return stat_by_name(s, r);
	status = posix_open_object(s, r->session, r->key, &fd, &st);
	if (status)
		return status;
	status = posix_read_attributes(s, r->session, fd, &st, r->object->attributes);
	if (!status && !posix_fill(r->object, &st))
		status = migrate_fail_errno(r->session, ENOMEM, "cannot keep it");
	close(fd);
	return status;
}

/*
 * What the disk holds, and not what memory remembers of a write that may have
 * failed: what is dirty goes out, then all cached pages of the file go.
 */
static enum migrate_status drop_cache(struct migrate_session *m, int fd)
{
	int error;

	if (fdatasync(fd))
		return migrate_fail_errno(m, errno,
					  "cannot write it to the disk before reading it");
	error = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (error)
		return migrate_fail_errno(m, error, "cannot drop its cached pages");
	return MIGRATE_OK;
}

static enum migrate_status changed(struct migrate_session *m)
{
	return migrate_fail(m, MIGRATE_CHANGED, "changed while it was read");
}

static enum migrate_status push(struct migrate_get *r, int fd, uint64_t offset, uint64_t length)
{
	while (length) {
		size_t room;
		void *p = migrate_sink_space(r->sink, &room);
		ssize_t n;

		if (!p)
			return MIGRATE_CANCELLED;
		if (room > length)
			room = (size_t)length;
		do
			n = pread(fd, p, room, (off_t)offset);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return migrate_fail_errno(r->session, errno, "cannot read");
		if (!n)
			return changed(r->session);
		if (!migrate_sink_filled(r->sink, (size_t)n))
			return MIGRATE_CANCELLED;
		offset += (uint64_t)n;
		length -= (uint64_t)n;
	}
	return MIGRATE_OK;
}

static enum migrate_status prepare(struct posix_session *s, struct migrate_get *r, int fd,
				   const struct stat *st)
{
	enum migrate_status status = MIGRATE_OK;

	if (r->if_match.n && !posix_etag_is(st, r->if_match))
		return migrate_fail(r->session, MIGRATE_CHANGED, "changed since it was looked at");
	if (r->offset > (uint64_t)st->st_size)
		return migrate_fail(r->session, MIGRATE_INVALID, "no such range: it has %lld bytes",
				    (long long)st->st_size);
	if (r->object->attributes)
		status = posix_read_attributes(s, r->session, fd, st, r->object->attributes);
	if (!status && !posix_fill(r->object, st))
		status = migrate_fail_errno(r->session, ENOMEM, "cannot keep it");
	if (!status && r->flags & MIGRATE_FROM_DISK)
		status = posix_sync_found(s, r->session, fd);
	if (!status && r->flags & MIGRATE_FROM_DISK)
		status = drop_cache(r->session, fd);
	return status;
}

enum migrate_status posix_get(void *self, struct migrate_get *r)
{
	struct posix_session *s = self;
	struct stat before, after;
	enum migrate_status status;
	uint64_t left;
	int fd;

	status = posix_open_object(s, r->session, r->key, &fd, &before);
	if (status)
		return status;
	status = prepare(s, r, fd, &before);
	if (!status) {
		left = (uint64_t)before.st_size - r->offset;
		status = push(r, fd, r->offset, r->length < left ? r->length : left);
	}
	if (!status && posix_look(s->store, fd, &after))
		status = migrate_fail_errno(r->session, errno, "cannot look at the file again");
	else if (!status && !posix_same(&before, &after))
		status = changed(r->session);
	close(fd);
	return status;
}
