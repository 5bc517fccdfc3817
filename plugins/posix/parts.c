/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include "upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t check_record(const struct posix_upload_state *u, const struct posix_record *record)
{
	struct posix_record copy = *record;

	copy.check = u->header.check; /* no record of another upload is taken for one of this */
	return posix_hash((struct migrate_bytes){ .p = &copy, .n = sizeof(copy) });
}

static off_t place_of(uint32_t number)
{
	return POSIX_RECORDS + (off_t)(number - 1) * (off_t)sizeof(struct posix_record);
}

/* False: that part is not there. */
static bool read_record(const struct posix_upload_state *u, uint32_t number,
			struct posix_record *record)
{
	return pread(u->parts, record, sizeof(*record), place_of(number)) ==
		   (ssize_t)sizeof(*record) &&
	       record->number == number && record->check == check_record(u, record);
}

static enum migrate_status write_record(struct migrate_session *m,
					const struct posix_upload_state *u, uint32_t number,
					const struct posix_record *record)
{
	enum migrate_status status;

	status = posix_write(m, u->parts, (const char *)record, sizeof(*record),
			     (uint64_t)place_of(number));
	if (!status && fdatasync(u->parts))
		status = migrate_fail_errno(m, errno, "cannot sync the list of parts");
	return status;
}

/* A part that is written again is none until it is done. */
static enum migrate_status forget_record(struct migrate_session *m,
					 const struct posix_upload_state *u, uint32_t number)
{
	struct posix_record record;

	if (!read_record(u, number, &record))
		return MIGRATE_OK;
	memset(&record, 0, sizeof(record));
	return write_record(m, u, number, &record);
}

static enum migrate_status check_part(const struct posix_upload_state *u,
				      const struct migrate_part *r)
{
	if (r->number < 1 || r->number > POSIX_PARTS_MAX || r->offset > u->header.size ||
	    r->size > u->header.size - r->offset)
		return migrate_fail(r->session, MIGRATE_INVALID, "part %u lies outside the object",
				    r->number);
	return MIGRATE_OK;
}

/* First the bytes, then the record that says so: a record on the disk never lies. */
static enum migrate_status settle_part(const struct posix_upload_state *u, struct migrate_part *r)
{
	struct posix_record record = { .number = r->number, .offset = r->offset, .size = r->size };
	enum migrate_status status;
	char token[64];
	int n;

	if (fdatasync(u->data))
		return migrate_fail_errno(r->session, errno, "cannot sync the part to the disk");
	record.check = check_record(u, &record);
	status = write_record(r->session, u, r->number, &record);
	if (status)
		return status;
	n = snprintf(token, sizeof(token), "%u-%llu", r->number, (unsigned long long)r->size);
	return migrate_set_part(r, token, (size_t)n)
		   ? MIGRATE_OK
		   : migrate_fail_errno(r->session, ENOMEM, "cannot keep the part's token");
}

enum migrate_status posix_part(void *self, struct migrate_part *r)
{
	struct posix_session *s = self;
	struct posix_upload_state u;
	enum migrate_status status;

	status = posix_upload_open(s, r->session, r->id, &u);
	if (status)
		return status;
	status = check_part(&u, r);
	if (!status)
		status = forget_record(r->session, &u, r->number);
	if (!status)
		status = posix_write_body(r->session, r->body, u.data, r->offset, r->size);
	if (!status)
		status = settle_part(&u, r);
	posix_upload_close(&u);
	return status;
}

/* The bytes of a part from another file; *in and *st are of that file. */
static enum migrate_status fetch_part(struct posix_session *s, const struct posix_upload_state *u,
				      const struct migrate_part *r, int in, const struct stat *st)
{
	struct posix_range range = {
		.in = in, .out = u->data, .from = r->offset, .to = r->offset, .length = r->size
	};
	enum migrate_status status;
	struct stat after;

	if ((r->source_if_match.n && !posix_etag_is(st, r->source_if_match)) ||
	    r->offset + r->size > (uint64_t)st->st_size)
		return migrate_fail(r->session, MIGRATE_CHANGED, "changed since it was looked at");
	if ((uint64_t)st->st_blocks * 512 < (uint64_t)st->st_size)
		status = posix_copy_sparse(s, r->session, range);
	else
		status = posix_copy_range(s, r->session, range);
	if (status)
		return status;
	if (posix_look(((struct posix_session *)r->source)->store, in, &after))
		return migrate_fail_errno(r->session, errno, "cannot look at the source again");
	if (!posix_same(st, &after))
		return migrate_fail(r->session, MIGRATE_CHANGED, "changed while it was copied");
	return MIGRATE_OK;
}

enum migrate_status posix_copy_part(void *self, struct migrate_part *r)
{
	struct posix_session *s = self;
	struct posix_upload_state u;
	enum migrate_status status;
	struct stat st;
	int in;

	status = posix_upload_open(s, r->session, r->id, &u);
	if (status)
		return status;
	status = check_part(&u, r);
	if (!status)
		status = posix_open_object(r->source, r->session, r->source_key, &in, &st);
	if (!status) {
		status = forget_record(r->session, &u, r->number);
		if (!status)
			status = fetch_part(s, &u, r, in, &st);
		close(in);
	}
	if (!status)
		status = settle_part(&u, r);
	posix_upload_close(&u);
	return status;
}

enum migrate_status posix_parts(void *self, struct migrate_parts *r)
{
	struct posix_session *s = self;
	struct posix_upload_state u;
	struct posix_record record;
	enum migrate_status status;
	struct stat st;
	uint32_t last = 0;

	status = posix_upload_open(s, r->session, r->id, &u);
	if (status)
		return status;
	if (!fstat(u.parts, &st) && st.st_size > POSIX_RECORDS)
		last = (uint32_t)((st.st_size - POSIX_RECORDS) / (off_t)sizeof(record));
	for (uint32_t i = 1; !status && i <= last && i <= POSIX_PARTS_MAX; i++) {
		char token[64];
		int n;

		if (!read_record(&u, i, &record))
			continue;
		n = snprintf(token, sizeof(token), "%u-%llu", i, (unsigned long long)record.size);
		if (!migrate_emit_part(r, i, record.size, token, (size_t)n))
			status = MIGRATE_CANCELLED;
	}
	posix_upload_close(&u);
	return status;
}

/* All parts, end to end, and nothing else. */
static enum migrate_status check_whole(const struct posix_upload_state *u,
				       const struct migrate_complete *r)
{
	uint64_t at = 0;
	struct stat st;

	for (size_t i = 0; i < r->count; i++) {
		const struct migrate_done_part *part = r->parts[i];
		struct posix_record record;

		if (!part->number || part->number > POSIX_PARTS_MAX ||
		    !read_record(u, part->number, &record) || record.size != part->size ||
		    record.offset != at)
			return migrate_fail(r->session, MIGRATE_MISMATCH,
					    "part %u is not what was written", part->number);
		at += record.size;
	}
	if (at != r->size || at != u->header.size)
		return migrate_fail(r->session, MIGRATE_MISMATCH,
				    "its parts have %llu bytes, not %llu", (unsigned long long)at,
				    (unsigned long long)r->size);
	if (fstat(u->data, &st) || (uint64_t)st.st_size != r->size)
		return migrate_fail(r->session, MIGRATE_MISMATCH, "the upload has another size");
	return MIGRATE_OK;
}

/* It was given another name to be exchanged with what it replaces: the upload goes on. */
static void call_data_again(struct posix_draft *draft, const struct posix_upload_state *u)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.data", u->id);
	if (draft->temp[0] && draft->from != u->folder)
		renameat(draft->from, draft->temp, u->folder, name);
}

static enum migrate_status publish(struct posix_session *s, struct migrate_complete *r,
				   struct posix_upload_state *u, int folder)
{
	const struct posix_publish name = { r->session, r->key, r->precondition, r->if_match };
	struct posix_finish finish = u->header.finish;
	struct posix_draft draft = { .folder = folder, .fd = u->data, .from = u->folder };
	enum migrate_status status;
	struct stat st;

	draft.failures = atomic_load(&s->store->sync.failures);
	snprintf(draft.temp, sizeof(draft.temp), "%s.data", u->id);
	posix_draft_mode(s, &draft, &finish);
	status = posix_finish(s, r->session, draft.fd, &finish, r->flags);
	if (!status)
		status = posix_draft_publish(s, &draft, &name, &st);
	u->data = draft.fd;
	if (status) {
		call_data_again(&draft, u);
		return status;
	}
	if (draft.temp[0]) /* it names now what was replaced */
		unlinkat(draft.from, draft.temp, 0);
	if (!posix_fill(r->object, &st))
		return migrate_fail_errno(r->session, ENOMEM, "cannot keep it");
	return MIGRATE_OK;
}

enum migrate_status posix_complete(void *self, struct migrate_complete *r)
{
	struct posix_session *s = self;
	struct posix_upload_state u;
	enum migrate_status status;
	int folder;

	status = posix_upload_open(s, r->session, r->id, &u);
	if (status)
		return status;
	status = check_whole(&u, r);
	if (!status)
		status = posix_locate(s, r->session, r->key, true, &folder);
	if (!status)
		status = publish(s, r, &u, folder);
	posix_upload_close(&u);
	if (!status)
		posix_upload_remove(s, r->id);
	return status;
}

enum migrate_status posix_abort(void *self, struct migrate_abort *r)
{
	int error = posix_upload_remove(self, r->id);

	if (error)
		return migrate_fail_errno(r->session, error, "cannot remove the upload");
	return MIGRATE_OK;
}
