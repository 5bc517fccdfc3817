/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Two ways to make things durable. On ext4, xfs and btrfs one syncfs() does, and
 * reports the errors of every write since the root was opened. Elsewhere each
 * file is synced before it gets its name, and the folders that got a new entry
 * are kept here until the next sync.
 */
#define BUCKETS 1024
#define FOLDERS_MAX 100000 /* beyond that folders are synced at once */

struct folder {
	struct folder *next;
	size_t n;
	char path[];
};

struct posix_dirty {
	size_t n;
	struct folder *buckets[BUCKETS];
};

bool posix_sync_init(struct posix *p)
{
	p->sync.dirty = calloc(1, sizeof(*p->sync.dirty));
	if (!p->sync.dirty)
		return false;
	pthread_mutex_init(&p->sync.running, NULL);
	pthread_mutex_init(&p->sync.lock, NULL);
	atomic_store(&p->sync.epoch, 1);
	return true;
}

static void dirty_free(struct posix_dirty *d)
{
	for (size_t i = 0; d && i < BUCKETS; i++)
		while (d->buckets[i]) {
			struct folder *f = d->buckets[i];

			d->buckets[i] = f->next;
			free(f);
		}
	free(d);
}

void posix_sync_release(struct posix *p)
{
	if (!p->sync.dirty)
		return;
	dirty_free(p->sync.dirty);
	pthread_mutex_destroy(&p->sync.running);
	pthread_mutex_destroy(&p->sync.lock);
}

/* 0 or an errno. A folder that is gone needs no sync: what was in it is gone too. */
static int sync_folder(struct posix *p, const char *path, size_t n)
{
	int fd = posix_open_path(p, path, n, O_RDONLY | O_DIRECTORY), error = 0;

	if (fd < 0 && errno == EACCES) /* ours to write to, but not to read */
		return syncfs(p->root) ? errno : 0;
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : errno;
	if (fsync(fd) && errno != EINVAL) /* EINVAL: this file system has no sync of folders */
		error = errno;
	close(fd);
	return error;
}

static bool dirty_add(struct posix_dirty *d, const char *path, size_t n)
{
	struct migrate_bytes key = { .p = path, .n = n };
	struct folder **at = &d->buckets[posix_hash(key) % BUCKETS], *f;

	for (f = *at; f; f = f->next)
		if (f->n == n && (!n || !memcmp(f->path, path, n)))
			return true;
	f = malloc(sizeof(*f) + n);
	if (!f)
		return false;
	f->n = n;
	if (n)
		memcpy(f->path, path, n);
	f->next = *at;
	*at = f;
	d->n++;
	return true;
}

/* *epoch: of the list that holds it now. */
static bool note_folder(struct posix *p, const char *path, size_t n, unsigned long *epoch)
{
	bool full, ok = true;

	pthread_mutex_lock(&p->sync.lock);
	*epoch = atomic_load(&p->sync.epoch);
	full = p->sync.dirty->n >= FOLDERS_MAX || !dirty_add(p->sync.dirty, path, n);
	pthread_mutex_unlock(&p->sync.lock);
	if (full)
		ok = !sync_folder(p, path, n);
	return ok;
}

bool posix_sync_folder(struct posix *p, const char *folder, size_t n)
{
	unsigned long epoch;

	return p->by_syncfs || note_folder(p, folder, n, &epoch);
}

enum migrate_status posix_sync_entry(struct posix_session *s, struct migrate_session *m)
{
	struct posix *p = s->store;
	unsigned long epoch;

	if (p->by_syncfs || (s->folder_dirty && s->folder_epoch == atomic_load(&p->sync.epoch)))
		return MIGRATE_OK;
	if (!note_folder(p, s->folder, s->folder_n, &epoch))
		return migrate_fail(m, MIGRATE_UNKNOWN_OUTCOME, "cannot sync its folder");
	s->folder_dirty = true;
	s->folder_epoch = epoch;
	return MIGRATE_OK;
}

enum migrate_status posix_sync_file(struct posix_session *s, struct migrate_session *m, int fd)
{
	if (s->store->by_syncfs || !fsync(fd))
		return MIGRATE_OK;
	return migrate_fail_errno(m, errno, "cannot sync the file to the disk");
}

enum migrate_status posix_sync_found(struct posix_session *s, struct migrate_session *m, int fd)
{
	struct posix *p = s->store;
	size_t n = s->folder_n;
	unsigned long epoch;

	if (p->by_syncfs)
		return MIGRATE_OK;
	for (;; n--) {
		/* each folder above it, the root last */
		if ((n == s->folder_n || !n || s->folder[n] == '/') &&
		    !note_folder(p, s->folder, n, &epoch))
			return migrate_fail(m, MIGRATE_TRANSIENT, "cannot sync its folder");
		if (!n)
			break;
	}
	return posix_sync_file(s, m, fd);
}

static int sync_folders(struct posix *p, struct migrate_session *m, struct posix_dirty *d)
{
	int error = 0;

	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct folder *f = d->buckets[i]; f && !error; f = f->next) {
			error = sync_folder(p, f->path, f->n);
			migrate_progress(m);
		}
	return error;
}

static int sync_listed(struct posix *p, struct migrate_session *m)
{
	struct posix_dirty *fresh = calloc(1, sizeof(*fresh)), *d;
	int error;

	if (!fresh)
		return ENOMEM;
	pthread_mutex_lock(&p->sync.lock);
	d = p->sync.dirty;
	p->sync.dirty = fresh;
	atomic_fetch_add(&p->sync.epoch, 1);
	pthread_mutex_unlock(&p->sync.lock);
	error = sync_folders(p, m, d);
	dirty_free(d);
	return error;
}

static int sync_now(struct posix *p, struct migrate_session *m)
{
	unsigned long number = atomic_fetch_add(&p->sync.started, 1) + 1;
	int error;

	if (p->by_syncfs)
		error = syncfs(p->root) ? errno : 0;
	else
		error = sync_listed(p, m);
	if (error) {
		p->sync.error = error;
		atomic_fetch_add(&p->sync.failures, 1);
	} else {
		p->sync.good = number;
	}
	return error;
}

/*
 * The kernel reports a lost write once: so a failure is everybody's who was
 * waiting while it happened, and a good sync that began after a caller came
 * serves that caller as well.
 */
enum migrate_status posix_sync_all(void *self, struct migrate_sync *r)
{
	struct posix *p = ((struct posix_session *)self)->store;
	unsigned long came = atomic_load(&p->sync.started);
	unsigned long failures = atomic_load(&p->sync.failures);
	int error = 0;

	pthread_mutex_lock(&p->sync.running);
	if (atomic_load(&p->sync.failures) != failures)
		error = p->sync.error;
	else if (p->sync.good <= came)
		error = sync_now(p, r->session);
	pthread_mutex_unlock(&p->sync.running);
	if (error)
		return migrate_fail_errno(r->session, error, "cannot sync '%s' to the disk",
					  p->path);
	return MIGRATE_OK;
}
