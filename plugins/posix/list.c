/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The walk. `path` is the folder where it stands (with its slash), one level per
 * folder on the way there. A level holds the names that are still to come; when
 * all levels together hold too much, the outermost let go of theirs and read
 * them again when the walk comes back, so that memory has a bound in trees of any
 * size and depth. Descriptors are kept for the innermost levels alone.
 */
#define OPEN_LEVELS 24

struct level {
	size_t path_n;    /* bytes of path that name this folder */
	size_t entered_n; /* and of the folder in it that was entered last, behind them */
	int fd;           /* -1: opened when it is needed */
	bool loaded;
	bool resumed; /* loaded before: go on behind the folder that was entered last */
	struct posix_names names;
	size_t held;
};

struct posix_walk {
	struct posix_session *s;
	char *path, *prefix, *last; /* MIGRATE_KEY_MAX bytes each, and a slash and a NUL */
	size_t path_n, prefix_n, last_n;
	struct level *levels;
	size_t depth, cap;
	size_t held;
	size_t resume_n; /* of the key that this walk began behind, kept in `resume` */
	char *resume;
	bool active;   /* stands behind `last` */
	uint32_t left; /* of the page */
};

static void level_release(struct posix_walk *w, struct level *l)
{
	posix_names_release(&l->names);
	w->held -= l->held;
	l->held = 0;
	l->loaded = false;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static void walk_reset(struct posix_walk *w)
{
	while (w->depth)
		level_release(w, &w->levels[--w->depth]);
	w->active = false;
	w->path_n = 0;
}

void posix_walk_free(struct posix_walk *w)
{
	if (!w)
		return;
	walk_reset(w);
	free(w->path);
	free(w->prefix);
	free(w->last);
	free(w->resume);
	free(w->levels);
	free(w);
}

static struct posix_walk *walk_of(struct posix_session *s)
{
	struct posix_walk *w = s->walk;
	const size_t size = MIGRATE_KEY_MAX + 2;

	if (w)
		return w;
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->s = s;
	w->path = malloc(size);
	w->prefix = malloc(size);
	w->last = malloc(size);
	w->resume = malloc(size);
	if (!w->path || !w->prefix || !w->last || !w->resume) {
		posix_walk_free(w);
		return NULL;
	}
	s->walk = w;
	return w;
}

static bool push(struct posix_walk *w)
{
	if (w->depth == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		struct level *levels = realloc(w->levels, cap * sizeof(*levels));

		if (!levels)
			return false;
		w->levels = levels;
		w->cap = cap;
	}
	w->levels[w->depth++] = (struct level){ .path_n = w->path_n, .fd = -1 };
	if (w->depth > OPEN_LEVELS) {
		struct level *outer = &w->levels[w->depth - 1 - OPEN_LEVELS];

		if (outer->fd >= 0)
			close(outer->fd);
		outer->fd = -1;
	}
	return true;
}

static void pop(struct posix_walk *w)
{
	level_release(w, &w->levels[--w->depth]);
	w->path_n = w->depth ? w->levels[w->depth - 1].path_n : 0;
}

/* The descriptor of the innermost level, or -1 with errno. */
static int level_fd(struct posix_walk *w)
{
	struct level *l = &w->levels[w->depth - 1];
	struct level *outer = w->depth > 1 ? l - 1 : NULL;
	const int flags = O_RDONLY | O_DIRECTORY;

	if (l->fd >= 0)
		return l->fd;
	if (outer && outer->fd >= 0) {
		w->path[l->path_n - 1] = '\0';
		l->fd = posix_openat(w->s->store, outer->fd, w->path + outer->path_n, flags);
		w->path[l->path_n - 1] = '/';
	} else {
		l->fd = posix_open_path(w->s->store, w->path, l->path_n ? l->path_n - 1 : 0, flags);
	}
	return l->fd;
}

/* Names of the outermost levels go, until what is held is within bounds. */
static void let_go(struct posix_walk *w)
{
	for (size_t i = 0; i + 1 < w->depth && w->held > w->s->store->limits.held; i++) {
		struct level *l = &w->levels[i];

		if (!l->loaded)
			continue;
		level_release(w, l);
		l->resumed = true;
	}
}

/* What of the innermost folder is still to come. */
static struct posix_filter filter_of(const struct posix_walk *w, const struct level *l)
{
	struct posix_filter f = { .strict = l->resumed };
	size_t n = l->path_n;

	if (w->prefix_n > n)
		f.prefix = (struct migrate_bytes){ .p = w->prefix + n, .n = w->prefix_n - n };
	if (l->resumed)
		f.after = (struct migrate_bytes){ .p = w->path + n, .n = l->entered_n };
	else if (w->resume_n > n && !memcmp(w->resume, w->path, n))
		f.after = (struct migrate_bytes){ .p = w->resume + n, .n = w->resume_n - n };
	return f;
}

static bool is_behind(const struct posix_walk *w, size_t n)
{
	size_t least = n < w->resume_n ? n : w->resume_n;
	int c = memcmp(w->path, w->resume, least);

	return (c > 0 || (!c && n > w->resume_n)) && n >= w->prefix_n &&
	       !memcmp(w->path, w->prefix, w->prefix_n);
}

static void emitted(struct posix_walk *w, size_t n)
{
	memcpy(w->last, w->path, n);
	w->last_n = n;
	w->left--;
}

/* path[0..n) is not an object. */
static enum migrate_status skip(struct posix_walk *w, struct migrate_list *r, size_t n,
				enum migrate_skip reason)
{
	if (!is_behind(w, n))
		return MIGRATE_OK;
	if (!migrate_emit_skipped(r, w->path, n, reason))
		return MIGRATE_CANCELLED;
	emitted(w, n);
	return MIGRATE_OK;
}

static enum migrate_status failed(struct posix_walk *w, struct migrate_list *r, size_t n,
				  enum migrate_status status, const char *message)
{
	if (!is_behind(w, n))
		return MIGRATE_OK;
	if (!migrate_emit_failed(r, w->path, n, status, message))
		return MIGRATE_CANCELLED;
	emitted(w, n);
	return MIGRATE_OK;
}

/* Trouble of this process rather than of one folder: the page fails, not the folder. */
static bool is_ours(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOSPC;
}

/* Its first keys were listed before: its own, which would say that it failed, is behind us. */
static bool goes_on_inside(const struct posix_walk *w, size_t n)
{
	return w->resume_n > n && !memcmp(w->path, w->resume, n);
}

/* The innermost folder cannot be read. */
static enum migrate_status folder_failed(struct posix_walk *w, struct migrate_list *r, int error)
{
	size_t n = w->path_n;

	pop(w);
	if (error == ECANCELED)
		return MIGRATE_CANCELLED;
	if (is_ours(error) || (!n && error != ENOENT))
		return migrate_fail_errno(r->session, error, "cannot read a folder");
	if ((error == ENOENT || error == ENOTDIR) && posix_root_gone(w->s->store))
		return migrate_fail(r->session, MIGRATE_UNAVAILABLE, "the root '%s' was removed",
				    w->s->store->path);
	switch (error) {
	case ENOENT: /* removed since its parent was read */
		return MIGRATE_OK;
	case ENOTDIR:
	case ELOOP:
		if (!w->depth) /* the prefix leads nowhere */
			return error == ENOTDIR
				   ? MIGRATE_OK
				   : failed(w, r, n, MIGRATE_INVALID, "a symbolic link on the way");
		return skip(w, r, n, MIGRATE_SKIP_SYMLINK);
	case EXDEV:
		return skip(w, r, n, MIGRATE_SKIP_MOUNT);
	default:
		if (goes_on_inside(w, n))
			return migrate_fail_errno(r->session, error,
						  "cannot go on in the folder '%.*s'", (int)n,
						  w->path);
		return failed(w, r, n, migrate_status_of_errno(error), strerrordesc_np(error));
	}
}

static enum migrate_status load(struct posix_walk *w, struct migrate_list *r)
{
	struct level *l = &w->levels[w->depth - 1];
	struct posix_filter filter = filter_of(w, l);
	int fd = level_fd(w), error;

	if (fd < 0)
		return folder_failed(w, r, errno);
	error = posix_names_read(&l->names, w->s, r->session, fd, &filter);
	if (error)
		return folder_failed(w, r, error);
	l->loaded = true;
	l->held = posix_names_held(&l->names);
	w->held += l->held;
	let_go(w);
	if (!l->names.seen && !w->path_n && posix_root_gone(w->s->store))
		return folder_failed(w, r, ENOENT);
	if (!l->names.seen && w->path_n && !l->resumed) {
		size_t n = w->path_n;

		pop(w);
		return skip(w, r, n, MIGRATE_SKIP_EMPTY_FOLDER);
	}
	return MIGRATE_OK;
}

static enum migrate_status emit_file(struct posix_walk *w, struct migrate_list *r,
				     const struct statx *x, size_t n)
{
	struct migrate_object *o = migrate_emit_object(r, w->path, n);
	struct stat st;

	posix_from_statx(w->s->store, x, &st);
	if (!o || !posix_fill(o, &st))
		return MIGRATE_CANCELLED;
	emitted(w, n);
	return MIGRATE_OK;
}

/* path[0..n) was a file when its folder was read. */
static enum migrate_status file(struct posix_walk *w, struct migrate_list *r, size_t n)
{
	struct level *l = &w->levels[w->depth - 1];
	const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
	struct statx x;
	int fd = level_fd(w);

	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return migrate_fail_errno(r->session, errno, "cannot open a folder again");
	w->path[n] = '\0';
	if (fd < 0 || statx(fd, w->path + l->path_n, flags, STATX_BASIC_STATS, &x)) {
		if (fd < 0 || errno == ENOENT)
			return MIGRATE_OK; /* removed since its folder was read */
		return failed(w, r, n, migrate_status_of_errno(errno), strerrordesc_np(errno));
	}
	if (x.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return skip(w, r, n, MIGRATE_SKIP_MOUNT);
	if (S_ISREG(x.stx_mode))
		return emit_file(w, r, &x, n);
	if (S_ISDIR(x.stx_mode))
		return failed(w, r, n, MIGRATE_CHANGED, "became a folder while it was listed");
	return skip(w, r, n, S_ISLNK(x.stx_mode) ? MIGRATE_SKIP_SYMLINK : MIGRATE_SKIP_SPECIAL);
}

/* Its key would be longer than keys may be: what fits of it is named. */
static enum migrate_status too_long(struct posix_walk *w, struct migrate_list *r,
				    const struct posix_name *name)
{
	memcpy(w->path + w->path_n, name->p, MIGRATE_KEY_MAX - w->path_n);
	return failed(w, r, MIGRATE_KEY_MAX, MIGRATE_INVALID, "a key of more than 65535 bytes");
}

static enum migrate_status visit(struct posix_walk *w, struct migrate_list *r,
				 const struct posix_name *name)
{
	size_t n = w->path_n + name->n;

	if (n > MIGRATE_KEY_MAX)
		return too_long(w, r, name);
	memcpy(w->path + w->path_n, name->p, name->n);
	switch (name->type) {
	case 'd':
		w->levels[w->depth - 1].entered_n = name->n;
		w->path_n = n;
		return push(w) ? MIGRATE_OK
			       : migrate_fail_errno(r->session, ENOMEM, "cannot enter a folder");
	case 'l':
		return skip(w, r, n, MIGRATE_SKIP_SYMLINK);
	case 's':
		return skip(w, r, n, MIGRATE_SKIP_SPECIAL);
	default:
		return file(w, r, n);
	}
}

/* One step: read a folder, take a name, or leave a folder. */
static enum migrate_status step(struct posix_walk *w, struct migrate_list *r)
{
	struct level *l = &w->levels[w->depth - 1];
	struct posix_name name;
	int got;

	if (!l->loaded)
		return load(w, r);
	got = posix_names_next(&l->names, &name);
	if (got < 0)
		return migrate_fail(r->session, MIGRATE_TRANSIENT, "cannot sort a large folder");
	if (got)
		return visit(w, r, &name);
	pop(w);
	return MIGRATE_OK;
}

/* The folder in which all keys of this prefix lie, and where in it to begin. */
static enum migrate_status walk_begin(struct posix_walk *w, struct migrate_list *r,
				      struct migrate_bytes after)
{
	const char *slash = r->prefix.n ? memrchr(r->prefix.p, '/', r->prefix.n) : NULL;
	size_t base = slash ? (size_t)(slash - (const char *)r->prefix.p) + 1 : 0;

	walk_reset(w);
	if (r->prefix.n > MIGRATE_KEY_MAX || after.n > MIGRATE_KEY_MAX)
		return migrate_fail(r->session, MIGRATE_INVALID, "more than 65535 bytes");
	if (base > 1) {
		struct migrate_bytes folder = { .p = r->prefix.p, .n = base - 1 };
		enum migrate_status status = posix_check_key(w->s->store, r->session, folder);

		if (status)
			return status;
	} else if (base) {
		return migrate_fail(r->session, MIGRATE_INVALID, "no key can begin with a slash");
	}
	if (r->prefix.n)
		memcpy(w->prefix, r->prefix.p, r->prefix.n);
	w->prefix_n = r->prefix.n;
	memcpy(w->path, w->prefix, base);
	w->path_n = base;
	if (after.n)
		memcpy(w->resume, after.p, after.n);
	w->resume_n = after.n;
	w->last_n = 0;
	return push(w) ? MIGRATE_OK : migrate_fail_errno(r->session, ENOMEM, "cannot list");
}

static bool stands_behind(const struct posix_walk *w, const struct migrate_list *r,
			  struct migrate_bytes after)
{
	return w->active && w->prefix_n == r->prefix.n &&
	       (!w->prefix_n || !memcmp(w->prefix, r->prefix.p, w->prefix_n)) &&
	       w->last_n == after.n && after.n && !memcmp(w->last, after.p, after.n);
}

enum migrate_status posix_list(void *self, struct migrate_list *r)
{
	struct posix_session *s = self;
	struct posix_walk *w = walk_of(s);
	struct migrate_bytes after = r->cursor.n ? r->cursor : r->after;
	enum migrate_status status = MIGRATE_OK;

	r->done = s->store->absent != NULL;
	if (r->done)
		return MIGRATE_OK;
	if (!w)
		return migrate_fail_errno(r->session, ENOMEM, "cannot list");
	if (!stands_behind(w, r, after))
		status = walk_begin(w, r, after);
	w->active = false;
	w->left = r->limit ? r->limit : 1;
	for (unsigned int i = 1; !status && w->left && w->depth; i++) {
		status = step(w, r);
		if (!(i % 1024)) {
			migrate_progress(r->session);
			if (!status && migrate_cancelled(r->session))
				status = MIGRATE_CANCELLED;
		}
	}
	if (!status && w->depth && w->last_n <= MIGRATE_CURSOR_MAX &&
	    !migrate_set_cursor(r, w->last, w->last_n))
		status = MIGRATE_CANCELLED;
	if (status) {
		walk_reset(w);
		return status;
	}
	r->done = !w->depth;
	w->active = w->depth > 0;
	return MIGRATE_OK;
}
