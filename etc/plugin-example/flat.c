/* SPDX-License-Identifier: MIT */
/*
 * A store that keeps each object as one file of one folder: an example of a
 * plugin that is built outside the tree. A key may hold any bytes; those that
 * are no letters or digits stand in the file's name as %XX. No attributes.
 */
#include <migrate/plugin.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SIZE 256 /* what a folder takes, with a NUL */

struct config {
	const char *root;
};

struct flat {
	int root;
	struct stat place;
};

static const struct migrate_option options[] = {
	{ .name = "root",
	  MIGRATE_PATH(struct config, root),
	  .klass = MIGRATE_IDENTITY,
	  .flags = MIGRATE_REQUIRED,
	  .help = "the folder that holds the files; it must exist" },
};

/* ---- Life ---- */

static enum migrate_status flat_open(struct migrate_open *r)
{
	const struct config *c = r->config;
	struct flat *f = calloc(1, sizeof(*f));

	if (!f)
		return migrate_fail(r->session, MIGRATE_FATAL, "out of memory");
	f->root = open(c->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->root < 0 || fstat(f->root, &f->place) < 0) {
		migrate_fail_errno(r->session, errno, "root: cannot open %s", c->root);
		free(f);
		return MIGRATE_INVALID;
	}
	r->instance = f;
	return MIGRATE_OK;
}

static void flat_close(void *instance)
{
	struct flat *f = instance;

	close(f->root);
	free(f);
}

/* A session needs nothing of its own: the instance serves all of them. */
static enum migrate_status flat_begin(struct migrate_begin *r)
{
	r->self = r->instance;
	return MIGRATE_OK;
}

static void flat_end(void *self)
{
	(void)self;
}

static enum migrate_status flat_identity(void *self, struct migrate_identity *r)
{
	const struct flat *f = self;
	char text[64];

	snprintf(text, sizeof(text), "flat:%llx:%llu", (unsigned long long)f->place.st_dev,
		 (unsigned long long)f->place.st_ino);
	return migrate_set_identity(r, text) ? MIGRATE_OK : MIGRATE_FATAL;
}

static enum migrate_status flat_describe(void *self, struct migrate_describe *r)
{
	(void)self;
	r->flags = MIGRATE_DURABLE_CURSOR | MIGRATE_PUT_ABSENT | MIGRATE_GET_MATCH |
		   MIGRATE_RANGES | MIGRATE_VERBATIM;
	r->key_max = NAME_SIZE - 1;
	r->mtime_resolution = 1;
	return MIGRATE_OK;
}

static enum migrate_status flat_probe(void *self, struct migrate_probe *r)
{
	const struct flat *f = self;

	if (faccessat(f->root, ".", r->write ? R_OK | W_OK | X_OK : R_OK | X_OK, AT_EACCESS) == 0)
		return MIGRATE_OK;
	return migrate_fail_errno(r->session, errno, "cannot use the folder");
}

/* ---- Keys and names ---- */

static bool is_plain(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool name_of(struct migrate_bytes key, char name[NAME_SIZE])
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *p = key.p;
	size_t n = 0;

	for (size_t i = 0; i < key.n; i++) {
		if (n + 4 > NAME_SIZE)
			return false;
		if (is_plain(p[i])) {
			name[n++] = (char)p[i];
			continue;
		}
		name[n++] = '%';
		name[n++] = digits[p[i] >> 4];
		name[n++] = digits[p[i] & 15];
	}
	name[n] = '\0';
	return n > 0;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Names that are no keys (of temporary files) are not listed. */
static bool key_of(const char *name, unsigned char key[NAME_SIZE], size_t *n)
{
	for (*n = 0; *name; name++) {
		if (is_plain((unsigned char)*name)) {
			key[(*n)++] = (unsigned char)*name;
			continue;
		}
		if (*name != '%' || digit(name[1]) < 0 || digit(name[2]) < 0)
			return false;
		key[(*n)++] = (unsigned char)(digit(name[1]) << 4 | digit(name[2]));
		name += 2;
	}
	return *n > 0;
}

static enum migrate_status bad_key(struct migrate_session *session)
{
	return migrate_fail(session, MIGRATE_INVALID, "no file can have a name for this key");
}

static enum migrate_status flat_accepts(void *self, struct migrate_accepts *r)
{
	char name[NAME_SIZE];

	(void)self;
	return name_of(r->key, name) ? MIGRATE_OK : bad_key(r->session);
}

/* ---- Looking ---- */

/* An etag that differs whenever the content may differ. */
static void etag_of(const struct stat *st, char etag[128])
{
	snprintf(etag, 128, "%llx-%llx-%llx.%lx", (unsigned long long)st->st_ino,
		 (unsigned long long)st->st_size, (unsigned long long)st->st_ctim.tv_sec,
		 st->st_ctim.tv_nsec);
}

static void tell(const struct stat *st, struct migrate_object *o)
{
	char etag[128];

	etag_of(st, etag);
	o->size = (uint64_t)st->st_size;
	o->mtime = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
	migrate_set_etag(o, etag, strlen(etag));
}

static bool matches(const struct stat *st, struct migrate_bytes etag)
{
	char now[128];

	etag_of(st, now);
	return !etag.n || (etag.n == strlen(now) && !memcmp(etag.p, now, etag.n));
}

static enum migrate_status flat_stat(void *self, struct migrate_stat *r)
{
	const struct flat *f = self;
	char name[NAME_SIZE];
	struct stat st;

	if (!name_of(r->key, name))
		return MIGRATE_NOT_FOUND; /* it cannot be there */
	if (fstatat(f->root, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? MIGRATE_NOT_FOUND
				       : migrate_fail_errno(r->session, errno, "cannot look at it");
	tell(&st, r->object);
	return MIGRATE_OK;
}

static bool begins_with(const unsigned char *key, size_t n, struct migrate_bytes prefix)
{
	return !prefix.n || (n >= prefix.n && !memcmp(key, prefix.p, prefix.n));
}

/* The cursor is the name before the page. Enough for an example: each page reads the folder. */
static enum migrate_status page(const struct flat *f, struct migrate_list *r, struct dirent **names,
				int n, const char *cursor)
{
	uint32_t given = 0;

	for (int i = 0; i < n; i++) {
		unsigned char key[NAME_SIZE];
		struct migrate_object *o;
		struct stat st;
		size_t length;

		if (strcmp(names[i]->d_name, cursor) <= 0 ||
		    !key_of(names[i]->d_name, key, &length) ||
		    !begins_with(key, length, r->prefix) ||
		    fstatat(f->root, names[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (given++ == r->limit)
			return MIGRATE_OK; /* there is more behind the cursor */
		o = migrate_emit_object(r, key, length);
		if (!o || !migrate_set_cursor(r, names[i]->d_name, strlen(names[i]->d_name)))
			return MIGRATE_CANCELLED;
		tell(&st, o);
	}
	r->done = true;
	return MIGRATE_OK;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static enum migrate_status flat_list(void *self, struct migrate_list *r)
{
	const struct flat *f = self;
	char cursor[NAME_SIZE] = "";
	struct dirent **names;
	enum migrate_status status;
	int n = scandirat(f->root, ".", &names, NULL, by_bytes);

	if (n < 0)
		return migrate_fail_errno(r->session, errno, "cannot read the folder");
	if (r->cursor.n && r->cursor.n < sizeof(cursor)) {
		memcpy(cursor, r->cursor.p, r->cursor.n);
		cursor[r->cursor.n] = '\0';
	}
	status = page(f, r, names, n, cursor);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return status;
}

/* ---- Reading ---- */

static enum migrate_status push(int fd, struct migrate_get *r)
{
	uint64_t left = r->length;
	off_t at = (off_t)r->offset;

	while (left) {
		size_t n;
		void *to = migrate_sink_space(r->sink, &n);
		ssize_t got;

		if (!to)
			return MIGRATE_CANCELLED;
		got = pread(fd, to, n < left ? n : (size_t)left, at);
		if (got < 0)
			return migrate_fail_errno(r->session, errno, "cannot read it");
		if (got == 0)
			break;
		if (!migrate_sink_filled(r->sink, (size_t)got))
			return MIGRATE_CANCELLED;
		at += got;
		left -= (uint64_t)got;
	}
	return MIGRATE_OK;
}

static enum migrate_status get_open(int fd, struct migrate_get *r)
{
	struct stat before, after;
	enum migrate_status status;

	if (fstat(fd, &before) < 0)
		return migrate_fail_errno(r->session, errno, "cannot look at it");
	if (!matches(&before, r->if_match))
		return MIGRATE_CHANGED;
	tell(&before, r->object); /* before the first byte */
	status = push(fd, r);
	if (status != MIGRATE_OK || !r->if_match.n)
		return status;
	if (fstat(fd, &after) < 0)
		return migrate_fail_errno(r->session, errno, "cannot look at it");
	return matches(&after, r->if_match) ? MIGRATE_OK : MIGRATE_CHANGED;
}

static enum migrate_status flat_get(void *self, struct migrate_get *r)
{
	const struct flat *f = self;
	char name[NAME_SIZE];
	enum migrate_status status;
	int fd;

	if (!name_of(r->key, name))
		return MIGRATE_NOT_FOUND;
	fd = openat(f->root, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? MIGRATE_NOT_FOUND
				       : migrate_fail_errno(r->session, errno, "cannot open it");
	status = get_open(fd, r);
	close(fd);
	return status;
}

/* ---- Writing ---- */

static enum migrate_status write_span(int fd, struct migrate_put *r, const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0)
			return migrate_fail_errno(r->session, errno, "cannot write it");
		bytes += done;
		n -= (size_t)done;
	}
	return MIGRATE_OK;
}

/* Exactly r->size bytes, then on disk. */
static enum migrate_status write_body(int fd, struct migrate_put *r)
{
	enum migrate_status status = MIGRATE_OK;
	uint64_t written = 0;
	const void *bytes;
	size_t n;

	while (status == MIGRATE_OK) {
		if (!migrate_body_span(r->body, &bytes, &n))
			return MIGRATE_CANCELLED; /* or the source failed: the core knows */
		if (!n)
			break;
		if (n > r->size - written)
			return migrate_fail(r->session, MIGRATE_MISMATCH, "the body is too long");
		status = write_span(fd, r, bytes, n);
		migrate_body_used(r->body, n);
		written += n;
	}
	if (status == MIGRATE_OK && written != r->size)
		return migrate_fail(r->session, MIGRATE_MISMATCH, "the body ended early");
	if (status == MIGRATE_OK && fsync(fd) < 0)
		return migrate_fail_errno(r->session, errno, "cannot write it to disk");
	return status;
}

/* The whole file gets its name at once: a link fails if the name is taken, a rename does not. */
static enum migrate_status publish(const struct flat *f, struct migrate_put *r, int fd,
				   const char *temporary, const char *name)
{
	struct stat st;
	int failed = r->precondition == MIGRATE_ABSENT
			 ? linkat(f->root, temporary, f->root, name, 0)
			 : renameat(f->root, temporary, f->root, name);

	if (failed)
		return migrate_fail_errno(r->session, errno, "cannot give it its name");
	unlinkat(f->root, temporary, 0); /* now, because it changes the time in the etag */
	if (fsync(f->root) < 0 || fstat(fd, &st) < 0)
		return migrate_fail_errno(r->session, errno, "cannot write the folder to disk");
	tell(&st, r->object);
	return MIGRATE_OK;
}

/* This store keeps no attributes: it says so for each, or refuses if the core is strict. */
static enum migrate_status lose_attributes(struct migrate_put *r)
{
	struct migrate_bytes value;
	const char *name;

	for (size_t i = 0; migrate_attribute_at(r->attributes, i, &name, &value); i++) {
		if (r->flags & MIGRATE_STRICT_ATTRIBUTES)
			return migrate_fail(r->session, MIGRATE_UNSUPPORTED,
					    "a file here cannot have the attribute %s", name);
		migrate_lost_attribute(r->session, name);
	}
	return MIGRATE_OK;
}

static enum migrate_status flat_put(void *self, struct migrate_put *r)
{
	const struct flat *f = self;
	char name[NAME_SIZE], temporary[64];
	enum migrate_status status = lose_attributes(r);
	int fd;

	if (status != MIGRATE_OK)
		return status;
	if (r->precondition == MIGRATE_MATCH)
		return MIGRATE_UNSUPPORTED; /* describe() does not promise it */
	if (!name_of(r->key, name))
		return bad_key(r->session);
	/* A session does one thing at a time, so its address makes a name of its own. */
	snprintf(temporary, sizeof(temporary), ".%s-%ld-%p", migrate_job_id(r->session),
		 (long)getpid(), (void *)r->session);
	fd = openat(f->root, temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return migrate_fail_errno(r->session, errno, "cannot create a file");
	status = write_body(fd, r);
	if (status == MIGRATE_OK)
		status = publish(f, r, fd, temporary, name);
	if (status != MIGRATE_OK)
		unlinkat(f->root, temporary, 0);
	close(fd);
	return status;
}

static enum migrate_status remove_one(const struct flat *f, struct migrate_session *session,
				      const struct migrate_removal *o)
{
	char name[NAME_SIZE];
	struct stat st;

	if (!name_of(o->key, name) || fstatat(f->root, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return MIGRATE_NOT_FOUND;
	if (!matches(&st, o->if_match))
		return MIGRATE_CHANGED;
	if (unlinkat(f->root, name, 0) < 0)
		return migrate_fail_errno(session, errno, "cannot remove it");
	return MIGRATE_OK;
}

static enum migrate_status flat_remove(void *self, struct migrate_remove *r)
{
	for (size_t i = 0; i < r->count; i++)
		r->objects[i]->status = (int32_t)remove_one(self, r->session, r->objects[i]);
	return MIGRATE_OK;
}

static const struct migrate_store_ops store = {
	.size = sizeof(struct migrate_store_ops),
	.open = flat_open,
	.close = flat_close,
	.begin = flat_begin,
	.end = flat_end,
	.identity = flat_identity,
	.describe = flat_describe,
	.probe = flat_probe,
	.list = flat_list,
	.accepts = flat_accepts,
	.stat = flat_stat,
	.get = flat_get,
	.put = flat_put,
	.remove = flat_remove,
};

static const struct migrate_plugin plugin = {
	MIGRATE_PLUGIN_HEAD,
	.kind = MIGRATE_STORE,
	.name = "flat",
	.version = "1",
	.summary = "objects as the files of one folder, whatever their keys",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct config),
	.store = &store,
};

const struct migrate_plugin *migrate_plugin_v1(void)
{
	return &plugin;
}
