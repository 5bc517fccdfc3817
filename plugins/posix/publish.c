/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* FNV-1a with a final mix: names of temporary files need no secret. */
uint64_t posix_hash(struct migrate_bytes key)
{
	const unsigned char *p = key.p;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < key.n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

uint64_t posix_random(struct posix_session *s)
{
	s->seed += UINT64_C(0x9e3779b97f4a7c15);
	return posix_hash((struct migrate_bytes){ .p = &s->seed, .n = sizeof(s->seed) });
}

static void name_temp(struct posix_session *s, struct migrate_bytes key,
		      char temp[static POSIX_TEMP_MAX])
{
	snprintf(temp, POSIX_TEMP_MAX, ".migrate-%.8s-%016llx-%08llx", s->job,
		 (unsigned long long)posix_hash(key),
		 (unsigned long long)(posix_random(s) & UINT32_MAX));
}

/* ---- A new file ---- */

static int open_unnamed(struct posix_session *s, int folder, mode_t mode)
{
	int fd;

	if (POSIX_LEARNT(s, no_tmpfile)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	fd = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	if (fd < 0 && (errno == EISDIR || errno == EINVAL))
		errno = EOPNOTSUPP;
	if (fd < 0 && errno == EOPNOTSUPP)
		POSIX_LEARN(s, no_tmpfile);
	return fd;
}

int posix_draft_open(struct posix_session *s, int folder, struct migrate_bytes key, mode_t mode,
		     struct posix_draft *d)
{
	const int flags = O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC;

	*d = (struct posix_draft){ .folder = folder, .from = folder };
	d->failures = atomic_load(&s->store->sync.failures);
	d->fd = open_unnamed(s, folder, mode);
	if (d->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return errno;
	for (int tries = 0; tries < 10; tries++) {
		name_temp(s, key, d->temp);
		d->fd = openat(folder, d->temp, flags, mode & 0700);
		if (d->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	d->temp[0] = '\0';
	return errno;
}

enum migrate_status posix_draft_begin(struct posix_session *s, struct migrate_session *m,
				      struct migrate_bytes key, mode_t mode, struct posix_draft *d)
{
	for (int tries = 0;; tries++) {
		enum migrate_status status;
		int folder, error;

		d->fd = -1;
		status = posix_locate(s, m, key, true, &folder);
		if (status)
			return status;
		error = posix_draft_open(s, folder, key, mode, d);
		if (!error)
			return MIGRATE_OK;
		/* ext4 says EPERM in a folder that was removed */
		if ((error != ENOENT && error != EPERM) || tries || !posix_folder_is_stale(s))
			return posix_fail_lookup(s, m, error, "cannot create the file");
	}
}

void posix_draft_end(struct posix_draft *d)
{
	if (d->fd >= 0)
		close(d->fd);
	if (d->temp[0])
		unlinkat(d->from, d->temp, 0);
	d->fd = -1;
	d->temp[0] = '\0';
}

/* ---- Its name ---- */

/* By its descriptor where the kernel lets us, else through /proc. */
int posix_link_unnamed(struct posix_session *s, int fd, int folder, const char *name)
{
	char proc[64];

	if (!POSIX_LEARNT(s, no_empty_path)) {
		if (!linkat(fd, "", folder, name, AT_EMPTY_PATH))
			return 0;
		if (errno != ENOENT && errno != EPERM)
			return errno;
	}
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, proc, folder, name, AT_SYMLINK_FOLLOW))
		return errno;
	POSIX_LEARN(s, no_empty_path);
	return 0;
}

/* Without replacing anything. 0 or an errno. */
static int rename_new(struct posix_session *s, struct posix_draft *d)
{
	if (!POSIX_LEARNT(s, no_noreplace)) {
		if (!renameat2(d->from, d->temp, d->folder, s->name, RENAME_NOREPLACE)) {
			d->temp[0] = '\0';
			return 0;
		}
		if (errno != EINVAL && errno != ENOSYS)
			return errno;
		POSIX_LEARN(s, no_noreplace);
	}
	/* at once, because it changes the ctime that is part of the etag */
	if (linkat(d->from, d->temp, d->folder, s->name, 0))
		return errno;
	if (!unlinkat(d->from, d->temp, 0))
		d->temp[0] = '\0';
	return 0;
}

enum migrate_status posix_fail_name(struct posix_session *s, struct posix_draft *d,
				    struct migrate_session *m, int error)
{
	struct stat st;

	switch (error) {
	case EEXIST:
	case EISDIR:
	case ENOTEMPTY:
		if (!fstatat(d->folder, s->name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode))
			return migrate_fail(m, MIGRATE_INVALID,
					    "a folder of this name stands there");
		return migrate_fail(m, MIGRATE_EXISTS, "there is a file of this name");
	case ENOENT:
		if (!posix_folder_is_stale(s) && !d->temp[0])
			POSIX_LEARN(s, no_tmpfile); /* /proc is not there: next time with a name */
		return migrate_fail(m, MIGRATE_TRANSIENT,
				    "its folder vanished while it was written");
	case EPERM:
	case EOPNOTSUPP:
	case EMLINK:
		return migrate_fail(m, MIGRATE_UNSUPPORTED,
				    "this file system can neither link files nor rename without "
				    "replacing, so nothing could be created safely");
	default:
		return migrate_fail_errno(m, error, "cannot give the file its name");
	}
}

static enum migrate_status publish_new(struct posix_session *s, struct posix_draft *d,
				       struct migrate_session *m, bool *exists)
{
	int error =
	    d->temp[0] ? rename_new(s, d) : posix_link_unnamed(s, d->fd, d->folder, s->name);

	*exists = error == EEXIST;
	return error ? posix_fail_name(s, d, m, error) : MIGRATE_OK;
}

/* Over what is there. A file without a name gets one first: nothing can be replaced by a link. */
static enum migrate_status publish_over(struct posix_session *s, struct posix_draft *d,
					const struct posix_publish *r)
{
	if (r->precondition == MIGRATE_MATCH) {
		enum migrate_status status = posix_replace_match(s, d, r);

		if (status != MIGRATE_UNSUPPORTED)
			return status;
	}
	if (!d->temp[0]) {
		int error;

		name_temp(s, r->key, d->temp);
		error = posix_link_unnamed(s, d->fd, d->folder, d->temp);
		if (error) {
			d->temp[0] = '\0';
			return posix_fail_name(s, d, r->session, error);
		}
	}
	if (renameat(d->from, d->temp, d->folder, s->name))
		return posix_fail_name(s, d, r->session, errno);
	d->temp[0] = '\0';
	return MIGRATE_OK;
}

static enum migrate_status give_name(struct posix_session *s, struct posix_draft *d,
				     const struct posix_publish *r)
{
	enum migrate_status status;
	bool exists;

	if (r->precondition == MIGRATE_MATCH)
		return publish_over(s, d, r);
	status = publish_new(s, d, r->session, &exists);
	if (status == MIGRATE_EXISTS && exists && r->precondition == MIGRATE_ANY)
		return publish_over(s, d, r);
	return status;
}

/*
 * A sync that failed since this file was begun may have lost pages of it, and will
 * not be told again: whoever hears OK must be able to rely on the next sync.
 */
#define DISK_FAILED "the disk failed while this was written"
static bool disk_failed(const struct posix_session *s, const struct posix_draft *d)
{
	return atomic_load(&s->store->sync.failures) != d->failures;
}

void posix_draft_mode(const struct posix_session *s, const struct posix_draft *d,
		      struct posix_finish *f)
{
	if (f->has_mode || !d->temp[0])
		return;
	f->has_mode = true;
	f->mode = 0666 & ~s->store->umask;
}

enum migrate_status posix_draft_early(struct posix_session *s, struct posix_draft *d,
				      const struct posix_publish *r, uint64_t size)
{
	struct stat st;

	if (size <= POSIX_SMALL || r->precondition != MIGRATE_ABSENT ||
	    fstatat(d->folder, s->name, &st, AT_SYMLINK_NOFOLLOW))
		return MIGRATE_OK;
	return posix_fail_name(s, d, r->session, EEXIST);
}

enum migrate_status posix_draft_publish(struct posix_session *s, struct posix_draft *d,
					const struct posix_publish *r, struct stat *st)
{
	enum migrate_status status = posix_sync_file(s, r->session, d->fd);

	if (!status && disk_failed(s, d))
		status = migrate_fail(r->session, MIGRATE_TRANSIENT, DISK_FAILED);
	if (!status)
		status = give_name(s, d, r);
	if (!status)
		status = posix_sync_entry(s, r->session);
	if (status)
		return status;
	if (disk_failed(s, d))
		return migrate_fail(r->session, MIGRATE_UNKNOWN_OUTCOME, DISK_FAILED);
	if (s->store->no_inode) { /* there closing may touch the file once more */
		close(d->fd);
		d->fd = -1;
	}
	if (d->fd < 0 ? posix_look_at(s->store, d->folder, s->name, st)
		      : posix_look(s->store, d->fd, st))
		return migrate_fail_errno(r->session, errno, "cannot look at the new file");
	return MIGRATE_OK;
}

/* ---- What a crash left behind ---- */

struct posix_swept {
	unsigned long serial; /* of the folder that was read */
	size_t n, cap;
	char (*names)[POSIX_TEMP_MAX];
};

void posix_swept_free(struct posix_swept *w)
{
	if (!w)
		return;
	free(w->names);
	free(w);
}

static bool note_temp(struct posix_session *s, const char *name)
{
	struct posix_swept *w = s->swept;
	size_t n = strlen(name);

	if (!posix_is_temporary(name, n) || memcmp(name + 9, s->job, 8) != 0)
		return true;
	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		char(*names)[POSIX_TEMP_MAX] = realloc(w->names, cap * sizeof(*names));

		if (!names)
			return false;
		w->names = names;
		w->cap = cap;
	}
	memcpy(w->names[w->n++], name, n + 1);
	return true;
}

/* Read the folder's temporary files of this job, once for all keys of it. 0 or an errno. */
static int read_temps(struct posix_session *s, int folder)
{
	ssize_t n;
	int fd;

	if (!s->swept)
		s->swept = calloc(1, sizeof(*s->swept));
	if (!s->swept)
		return ENOMEM;
	if (s->swept->serial == s->folder_serial)
		return 0;
	s->swept->n = 0;
	s->swept->serial = 0;
	fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	while ((n = getdents64(fd, s->buffer, POSIX_BUFFER)) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *e = (const void *)(s->buffer + at);

			if (!note_temp(s, e->d_name))
				n = -1;
			at += e->d_reclen;
		}
	close(fd);
	if (n < 0)
		return errno ? errno : ENOMEM;
	s->swept->serial = s->folder_serial;
	return 0;
}

/* One of somebody else's may have come to stand there when a file was being replaced. */
static enum migrate_status sweep_one(struct posix_session *s, struct migrate_session *m, int folder,
				     const char *name)
{
	struct stat st;

	if (posix_look_at(s->store, folder, name, &st))
		return errno == ENOENT
			   ? MIGRATE_OK
			   : migrate_fail_errno(m, errno, "cannot look at a temporary file");
	if (!posix_is_disposable(name, st.st_ino)) {
		posix_keep(s, m, folder, name);
		return MIGRATE_OK;
	}
	if (unlinkat(folder, name, 0) && errno != ENOENT)
		return migrate_fail_errno(m, errno, "cannot remove a temporary file");
	return MIGRATE_OK;
}

enum migrate_status posix_sweep(void *self, struct migrate_sweep *r)
{
	struct posix_session *s = self;
	enum migrate_status status;
	char begin[POSIX_TEMP_MAX];
	int folder, error, n;

	status = posix_locate(s, r->session, r->key, false, &folder);
	if (status == MIGRATE_NOT_FOUND || status == MIGRATE_INVALID)
		return MIGRATE_OK; /* nothing was ever written there */
	if (status)
		return status;
	error = read_temps(s, folder);
	if (error)
		return migrate_fail_errno(r->session, error, "cannot look for temporary files");
	n = snprintf(begin, sizeof(begin), ".migrate-%.8s-%016llx-", s->job,
		     (unsigned long long)posix_hash(r->key));
	for (size_t i = 0; !status && i < s->swept->n; i++)
		if (!memcmp(s->swept->names[i], begin, (size_t)n))
			status = sweep_one(s, r->session, folder, s->swept->names[i]);
	return status;
}
