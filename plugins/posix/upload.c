/* SPDX-License-Identifier: MIT */
#include "upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "migrate1"
#define NAME_SIZE 64
#define LEFTOVER_SECONDS 86400 /* a header that cannot be read and is older is nobody's */

static void name_folder(const struct posix_session *s, char name[static NAME_SIZE])
{
	snprintf(name, NAME_SIZE, ".migrate-%.8s-uploads", s->job);
}

static void name_file(const char *id, const char *what, char name[static NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%s.%s", id, what);
}

static int open_folder(struct posix_session *s)
{
	char name[NAME_SIZE];

	name_folder(s, name);
	return posix_openat(s->store, s->store->root, name, O_RDONLY | O_DIRECTORY);
}

/* Ids come back from a journal: only what we could have made becomes a file's name. */
static bool take_id(struct migrate_bytes id, char text[static POSIX_UPLOAD_ID + 1])
{
	const char *p = id.p;

	if (id.n != POSIX_UPLOAD_ID)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (i == 16 ? p[i] != '-' : !memchr("0123456789abcdef", p[i], 16))
			return false;
	memcpy(text, p, id.n);
	text[id.n] = '\0';
	return true;
}

static uint64_t check_header(const struct posix_header *h, const char *key)
{
	struct posix_header copy;

	memcpy(&copy, h, sizeof(copy)); /* with its padding */
	copy.check = posix_hash((struct migrate_bytes){ .p = key, .n = h->key_n });
	return posix_hash((struct migrate_bytes){ .p = &copy, .n = sizeof(copy) });
}

/* key: MIGRATE_KEY_MAX bytes of room. */
static bool read_header(const struct posix_session *s, int parts, struct posix_header *h, char *key)
{
	return pread(parts, h, sizeof(*h), 0) == (ssize_t)sizeof(*h) &&
	       !memcmp(h->magic, MAGIC, sizeof(h->magic)) && h->key_n <= MIGRATE_KEY_MAX &&
	       pread(parts, key, h->key_n, (off_t)sizeof(*h)) == (ssize_t)h->key_n &&
	       h->check == check_header(h, key) && !memcmp(h->job, s->job, sizeof(h->job));
}

static bool open_files(struct posix_session *s, struct posix_upload_state *u)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
	char name[NAME_SIZE];
	struct stat st;

	u->folder = open_folder(s);
	if (u->folder < 0)
		return false;
	name_file(u->id, "parts", name);
	u->parts = openat(u->folder, name, flags);
	name_file(u->id, "data", name);
	u->data = openat(u->folder, name, flags);
	if (u->parts < 0 || u->data < 0)
		return false;
	if (read_header(s, u->parts, &u->header, s->buffer) &&
	    !posix_look(s->store, u->data, &st) && st.st_ino == u->header.inode)
		return true;
	errno = ENOENT;
	return false;
}

enum migrate_status posix_upload_open(struct posix_session *s, struct migrate_session *m,
				      struct migrate_bytes id, struct posix_upload_state *u)
{
	*u = (struct posix_upload_state){ .folder = -1, .data = -1, .parts = -1 };
	if (!take_id(id, u->id))
		return migrate_fail(m, MIGRATE_NOT_FOUND, "not the id of an upload");
	if (!open_files(s, u)) {
		int error = errno;

		posix_upload_close(u);
		return posix_fail_lookup(s, m, error, "cannot continue the upload");
	}
	return MIGRATE_OK;
}

void posix_upload_close(struct posix_upload_state *u)
{
	if (u->data >= 0)
		close(u->data);
	if (u->parts >= 0)
		close(u->parts);
	if (u->folder >= 0)
		close(u->folder);
	u->data = u->parts = u->folder = -1;
}

int posix_upload_remove(struct posix_session *s, struct migrate_bytes id)
{
	char text[POSIX_UPLOAD_ID + 1], name[NAME_SIZE];
	int folder, error = 0;

	if (!take_id(id, text))
		return 0;
	folder = open_folder(s);
	if (folder < 0)
		return errno == ENOENT ? 0 : errno;
	name_file(text, "data", name);
	if (unlinkat(folder, name, 0) && errno != ENOENT)
		error = errno;
	name_file(text, "parts", name);
	if (!error && unlinkat(folder, name, 0) && errno != ENOENT)
		error = errno;
	close(folder);
	name_folder(s, name);
	unlinkat(s->store->root, name, AT_REMOVEDIR); /* the last one out; others keep it */
	return error;
}

/* ---- A new one ---- */

/* The folder of uploads, made if it is not there. */
static int make_folder(struct posix_session *s)
{
	char name[NAME_SIZE];
	int folder;

	name_folder(s, name);
	if (mkdirat(s->store->root, name, 0700) && errno != EEXIST)
		return -1;
	folder = open_folder(s);
	if (folder >= 0 && fsync(s->store->root) && errno != EINVAL) {
		int error = errno;

		close(folder);
		errno = error;
		return -1;
	}
	return folder;
}

static int create(int folder, const char *id, const char *what)
{
	char name[NAME_SIZE];

	name_file(id, what, name);
	return openat(folder, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* The header is there, without an inode, before the data: nothing is ever left without one. */
static enum migrate_status write_header(struct migrate_session *m, struct posix_upload_state *u,
					struct migrate_bytes key, uint64_t inode)
{
	enum migrate_status status;

	u->header.inode = inode;
	u->header.check = 0;
	u->header.check = check_header(&u->header, key.p);
	status = posix_write(m, u->parts, (const char *)&u->header, sizeof(u->header), 0);
	if (!status)
		status = posix_write(m, u->parts, key.p, key.n, sizeof(u->header));
	return status;
}

static enum migrate_status create_files(struct posix_session *s, struct migrate_upload *r,
					struct posix_upload_state *u)
{
	enum migrate_status status;
	struct stat st;

	for (int tries = 0; u->parts < 0 && tries < 10; tries++) {
		u->folder = make_folder(s);
		if (u->folder < 0)
			break;
		u->parts = create(u->folder, u->id, "parts");
		if (u->parts >= 0 || errno != ENOENT)
			break;
		close(u->folder); /* the last upload before us just removed it */
		u->folder = -1;
	}
	if (u->parts < 0)
		return migrate_fail_errno(r->session, errno, "cannot begin the upload");
	status = write_header(r->session, u, r->key, 0);
	if (status)
		return status;
	u->data = create(u->folder, u->id, "data");
	if (u->data < 0 || ftruncate(u->data, (off_t)r->size) || posix_look(s->store, u->data, &st))
		return migrate_fail_errno(r->session, errno, "cannot begin the upload");
	status = write_header(r->session, u, r->key, st.st_ino);
	if (!status)
		status = posix_store_attributes(s, r->session, u->data, r->attributes, r->flags);
	if (!status && (fsync(u->parts) || fsync(u->data) || fsync(u->folder)))
		status = migrate_fail_errno(r->session, errno, "cannot sync the upload");
	return status;
}

static void begin_state(struct posix_session *s, const struct migrate_upload *r,
			struct posix_upload_state *u)
{
	memset(u, 0, sizeof(*u)); /* padding goes into check sums */
	u->folder = u->data = u->parts = -1;
	snprintf(u->id, sizeof(u->id), "%016llx-%016llx", (unsigned long long)posix_hash(r->key),
		 (unsigned long long)posix_random(s));
	memcpy(u->header.magic, MAGIC, sizeof(u->header.magic));
	memcpy(u->header.job, s->job, sizeof(u->header.job));
	u->header.size = r->size;
	u->header.key_n = (uint32_t)r->key.n;
	posix_parse_finish(s->store, r->attributes, &u->header.finish);
}

/* Will a rename from here to there work? */
static bool is_one_file_system(int a, int b)
{
	struct stat x, y;

	return !fstat(a, &x) && !fstat(b, &y) && x.st_dev == y.st_dev;
}

enum migrate_status posix_upload(void *self, struct migrate_upload *r)
{
	struct posix_session *s = self;
	struct posix_upload_state u;
	enum migrate_status status;
	int folder;

	if (r->size > INT64_MAX)
		return migrate_fail(r->session, MIGRATE_INVALID, "larger than files can be");
	status = posix_locate(s, r->session, r->key, true, &folder);
	if (status)
		return status;
	begin_state(s, r, &u);
	status = create_files(s, r, &u);
	if (!status && !is_one_file_system(u.folder, folder))
		status = migrate_fail(r->session, MIGRATE_UNSUPPORTED,
				      "its folder is another subvolume than the root");
	if (!status && !migrate_set_upload(r, u.id, POSIX_UPLOAD_ID))
		status = migrate_fail_errno(r->session, ENOMEM, "cannot keep the upload's id");
	posix_upload_close(&u);
	if (status)
		posix_upload_remove(s, (struct migrate_bytes){ .p = u.id, .n = POSIX_UPLOAD_ID });
	return status;
}

/* ---- Which are there ---- */

static bool is_old(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_mtim.tv_sec < time(NULL) - LEFTOVER_SECONDS;
}

/* A crash was faster than the header; the one of this key that has just begun has its own. */
static bool was_begun_in_vain(const struct migrate_uploads *r, const char *name)
{
	char hash[17];

	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)posix_hash(r->prefix));
	return r->since && !strncmp(name, hash, 16);
}

static enum migrate_status list_one(struct posix_session *s, struct migrate_uploads *r, int folder,
				    const char *name, char *key)
{
	struct migrate_bytes id = { .p = name, .n = POSIX_UPLOAD_ID };
	enum migrate_status status = MIGRATE_OK;
	char text[POSIX_UPLOAD_ID + 1];
	struct posix_header h;
	int fd;

	if (strlen(name) != POSIX_UPLOAD_ID + 6 || strcmp(name + POSIX_UPLOAD_ID, ".parts") != 0 ||
	    !take_id(id, text))
		return MIGRATE_OK;
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return MIGRATE_OK;
	if (!read_header(s, fd, &h, key)) {
		if (is_old(fd) || was_begun_in_vain(r, name))
			posix_upload_remove(s, id);
	} else if (h.key_n >= r->prefix.n &&
		   (!r->prefix.n || !memcmp(key, r->prefix.p, r->prefix.n)) &&
		   !migrate_emit_upload(r, key, h.key_n, text, POSIX_UPLOAD_ID)) {
		status = MIGRATE_CANCELLED;
	}
	close(fd);
	return status;
}

enum migrate_status posix_uploads(void *self, struct migrate_uploads *r)
{
	struct posix_session *s = self;
	int folder = open_folder(s);
	enum migrate_status status = MIGRATE_OK;
	const struct dirent *e;
	DIR *d;

	if (folder < 0 && errno == ENOENT)
		return MIGRATE_OK;
	d = folder < 0 ? NULL : fdopendir(folder);
	if (!d) {
		int error = errno;

		if (folder >= 0)
			close(folder);
		return migrate_fail_errno(r->session, error, "cannot read the folder of uploads");
	}
	errno = 0;
	while (!status && (e = readdir(d)))
		status = list_one(s, r, dirfd(d), e->d_name, s->buffer);
	closedir(d);
	return status;
}
