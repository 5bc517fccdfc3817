/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum migrate_status posix_write(struct migrate_session *m, int fd, const char *p, size_t n,
				uint64_t offset)
{
	while (n) {
		ssize_t done = pwrite(fd, p, n, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return migrate_fail_errno(m, errno, "cannot write");
		p += done;
		n -= (size_t)done;
		offset += (uint64_t)done;
	}
	return MIGRATE_OK;
}

static enum migrate_status wrong_size(struct migrate_session *m, const char *what, uint64_t size)
{
	return migrate_fail(m, MIGRATE_MISMATCH, "%s than the %llu bytes that were promised", what,
			    (unsigned long long)size);
}

enum migrate_status posix_write_body(struct migrate_session *m, struct migrate_body *body, int fd,
				     uint64_t offset, uint64_t size)
{
	uint64_t left = size;

	for (;;) {
		enum migrate_status status;
		const void *p;
		size_t n;

		if (!migrate_body_span(body, &p, &n))
			return MIGRATE_CANCELLED;
		if (!n)
			break;
		if (n > left)
			return wrong_size(m, "more came", size);
		status = posix_write(m, fd, p, n, offset);
		if (status)
			return status;
		migrate_body_used(body, n);
		offset += n;
		left -= n;
	}
	return left ? wrong_size(m, "fewer came", size) : MIGRATE_OK;
}

static enum migrate_status fill_draft(struct posix_session *s, struct migrate_put *r,
				      const struct posix_publish *name, struct posix_draft *d)
{
	enum migrate_status status;
	struct posix_finish finish;

	posix_parse_finish(s->store, r->attributes, &finish);
	posix_draft_mode(s, d, &finish);
	status = posix_draft_early(s, d, name, r->size);
	if (!status)
		status = posix_write_body(r->session, r->body, d->fd, 0, r->size);
	if (!status)
		status = posix_store_attributes(s, r->session, d->fd, r->attributes, r->flags);
	if (!status)
		status = posix_finish(s, r->session, d->fd, &finish, r->flags);
	return status;
}

enum migrate_status posix_put(void *self, struct migrate_put *r)
{
	struct posix_session *s = self;
	const struct posix_publish name = { r->session, r->key, r->precondition, r->if_match };
	enum migrate_status status;
	struct posix_draft draft;
	struct stat st;

	status = posix_draft_begin(s, r->session, r->key, 0666, &draft);
	if (status)
		return status;
	status = fill_draft(s, r, &name, &draft);
	if (!status)
		status = posix_draft_publish(s, &draft, &name, &st);
	posix_draft_end(&draft);
	if (!status && !posix_fill(r->object, &st))
		status = migrate_fail_errno(r->session, ENOMEM, "cannot keep it");
	return status;
}

static enum migrate_status remove_one(struct posix_session *s, struct migrate_session *m,
				      const struct migrate_removal *o)
{
	enum migrate_status status;
	struct stat st;
	int folder;

	status = posix_locate(s, m, o->key, false, &folder);
	if (status)
		return status;
	if (posix_look_at(s->store, folder, s->name, &st))
		return posix_fail_lookup(s, m, errno, "cannot look at the file");
	if (S_ISDIR(st.st_mode))
		return migrate_fail(m, MIGRATE_NOT_FOUND, "a folder is no object");
	if (!S_ISREG(st.st_mode))
		return posix_fail_lookup(s, m, S_ISLNK(st.st_mode) ? ELOOP : ENXIO,
					 "cannot remove");
	if (o->if_match.n && !posix_etag_is(&st, o->if_match))
		return migrate_fail(m, MIGRATE_CHANGED, "changed since it was looked at");
	if (o->if_match.n)
		status = posix_remove_match(s, m, o->key, folder, &st);
	else if (unlinkat(folder, s->name, 0))
		status = posix_fail_lookup(s, m, errno, "cannot remove");
	return status ? status : posix_sync_entry(s, m);
}

enum migrate_status posix_remove(void *self, struct migrate_remove *r)
{
	for (size_t i = 0; i < r->count; i++) {
		if (migrate_cancelled(r->session))
			return MIGRATE_CANCELLED;
		r->objects[i]->status = (int32_t)remove_one(self, r->session, r->objects[i]);
		migrate_progress(r->session);
	}
	return MIGRATE_OK;
}
