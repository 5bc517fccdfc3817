/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* So much between two looks at the clock: progress is marked, a cancel is heard. */
#define STRIDE (UINT64_C(8) * 1024 * 1024)

enum migrate_status posix_can_copy(void *self, struct migrate_can_copy *r)
{
	(void)self;
	(void)r;
	return MIGRATE_OK;
}

static enum migrate_status changed(struct migrate_session *m)
{
	return migrate_fail(m, MIGRATE_CHANGED, "changed while it was copied");
}

/* Through our memory: what copy_file_range() does not do, and what is too small for it. */
static enum migrate_status read_and_write(struct posix_session *s, struct migrate_session *m,
					  struct posix_range *range, uint64_t most)
{
	size_t room = most < POSIX_BUFFER ? (size_t)most : POSIX_BUFFER;
	enum migrate_status status;
	ssize_t n;

	do
		n = pread(range->in, s->buffer, room, (off_t)range->from);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return migrate_fail_errno(m, errno, "cannot read");
	if (!n)
		return changed(m);
	status = posix_write(m, range->out, s->buffer, (size_t)n, range->to);
	range->from += (uint64_t)n;
	range->to += (uint64_t)n;
	range->length -= (uint64_t)n;
	return status;
}

/* 1: some were copied; 0: not this way; -1: failed, with errno. */
static int copy_some(struct posix_session *s, struct posix_range *range)
{
	off_t from = (off_t)range->from, to = (off_t)range->to;
	size_t n = (size_t)(range->length < STRIDE ? range->length : STRIDE);
	ssize_t done;

	if (s->no_range)
		return 0;
	do
		done = copy_file_range(range->in, &from, range->out, &to, n, 0);
	while (done < 0 && errno == EINTR);
	if (done > 0) {
		range->from += (uint64_t)done;
		range->to += (uint64_t)done;
		range->length -= (uint64_t)done;
		return 1;
	}
	if (!done) /* the end, or a file system that only pretends: reading tells */
		return 0;
	if (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EFBIG)
		return -1;
	s->no_range = true;
	return 0;
}

enum migrate_status posix_copy_range(struct posix_session *s, struct migrate_session *m,
				     struct posix_range range)
{
	enum migrate_status status = MIGRATE_OK;

	while (!status && range.length) {
		int some = range.length <= POSIX_SMALL ? 0 : copy_some(s, &range);

		if (some < 0)
			return migrate_fail_errno(m, errno, "cannot copy");
		if (!some)
			status = read_and_write(s, m, &range, range.length);
		if (range.length) {
			migrate_progress(m);
			if (!status && migrate_cancelled(m))
				status = MIGRATE_CANCELLED;
		}
	}
	return status;
}

enum migrate_status posix_copy_sparse(struct posix_session *s, struct migrate_session *m,
				      struct posix_range range)
{
	enum migrate_status status = MIGRATE_OK;
	const off_t end = (off_t)(range.from + range.length);
	off_t at = (off_t)range.from;

	while (!status && at < end) {
		off_t data = lseek(range.in, at, SEEK_DATA), hole;

		if ((data < 0 && errno == ENXIO) || data >= end) /* a hole up to the end */
			break;
		hole = data < 0 ? -1 : lseek(range.in, data, SEEK_HOLE);
		if (hole < 0)
			return migrate_fail_errno(m, errno, "cannot look for holes");
		at = hole < end ? hole : end;
		status = posix_copy_range(s, m,
					  (struct posix_range){ .in = range.in,
								.out = range.out,
								.from = (uint64_t)data,
								.to = (uint64_t)data,
								.length = (uint64_t)(at - data) });
		migrate_progress(m);
	}
	return status;
}

/* The whole file shares the source's blocks, where file systems can. */
static bool share(struct posix_session *s, int in, int out)
{
	if (s->no_clone)
		return false;
	if (!ioctl(out, FICLONE, in))
		return true;
	if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EXDEV || errno == ENOSYS)
		s->no_clone = true;
	return false;
}

static enum migrate_status copy_content(struct posix_session *s, struct migrate_session *m, int in,
					int out, const struct stat *st)
{
	struct posix_range all = { .in = in, .out = out, .length = (uint64_t)st->st_size };

	if (!all.length || share(s, in, out))
		return MIGRATE_OK;
	if ((uint64_t)st->st_blocks * 512 >= all.length)
		return posix_copy_range(s, m, all);
	if (ftruncate(out, st->st_size))
		return migrate_fail_errno(m, errno, "cannot set its size");
	return posix_copy_sparse(s, m, all);
}

static void finish_like(const struct stat *st, uint32_t flags, struct posix_finish *f)
{
	*f = (struct posix_finish){ .has_mode = false };
	if (flags & MIGRATE_NO_ATTRIBUTES)
		return;
	f->has_mode = f->has_mtime = f->has_owner = true;
	f->mode = st->st_mode & 0777;
	f->mtime = st->st_mtim;
	f->uid = st->st_uid;
	f->gid = st->st_gid;
}

/* Everything but the name: bytes, attributes, and the proof that the source stayed as it was. */
static enum migrate_status fill_draft(struct posix_session *s, struct migrate_copy *r, int in,
				      const struct stat *st, struct posix_draft *d)
{
	enum migrate_status status = copy_content(s, r->session, in, d->fd, st);
	struct posix_finish finish;
	struct stat after;

	finish_like(st, r->flags, &finish);
	if (!status && !posix_map_owner(s->store, &finish) && s->store->privileged)
		status = posix_lost(r->session, "owner", r->flags);
	posix_draft_mode(s, d, &finish);
	if (!status && !(r->flags & MIGRATE_NO_ATTRIBUTES))
		status = posix_copy_attributes(s, r->session, in, d->fd, r->flags);
	if (!status)
		status = posix_finish(s, r->session, d->fd, &finish, r->flags);
	if (status)
		return status;
	if (posix_look(((struct posix_session *)r->source)->store, in, &after))
		return migrate_fail_errno(r->session, errno, "cannot look at the source again");
	return posix_same(st, &after) ? MIGRATE_OK : changed(r->session);
}

static enum migrate_status copy_file(struct posix_session *s, struct migrate_copy *r, int in,
				     const struct stat *st, struct stat *stored)
{
	const struct posix_publish name = { r->session, r->key, r->precondition, r->if_match };
	mode_t mode = r->flags & MIGRATE_NO_ATTRIBUTES ? 0666 : st->st_mode & 0777;
	struct posix_draft draft;
	enum migrate_status status;

	status = posix_draft_begin(s, r->session, r->key, mode, &draft);
	if (status)
		return status;
	status = posix_draft_early(s, &draft, &name, (uint64_t)st->st_size);
	if (!status)
		status = fill_draft(s, r, in, st, &draft);
	if (!status)
		status = posix_draft_publish(s, &draft, &name, stored);
	posix_draft_end(&draft);
	return status;
}

enum migrate_status posix_copy(void *self, struct migrate_copy *r)
{
	struct posix_session *s = self, *source = r->source;
	struct stat st, stored;
	enum migrate_status status;
	int in;

	status = posix_open_object(source, r->session, r->source_key, &in, &st);
	if (status)
		return status;
	if (r->source_if_match.n && !posix_etag_is(&st, r->source_if_match))
		status =
		    migrate_fail(r->session, MIGRATE_CHANGED, "changed since it was looked at");
	if (!status && r->original->attributes)
		status =
		    posix_read_attributes(source, r->session, in, &st, r->original->attributes);
	if (!status)
		status = copy_file(s, r, in, &st, &stored);
	close(in);
	if (!status && (!posix_fill(r->original, &st) || !posix_fill(r->stored, &stored)))
		status = migrate_fail_errno(r->session, ENOMEM, "cannot keep it");
	return status;
}
