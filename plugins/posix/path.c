/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A folder that was renamed or replaced is noticed after that many milliseconds. */
#define FOLDER_LIFETIME 1000
#define RESOLVE (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)

int64_t posix_milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One part of a path, without openat2: no link is followed, no mount is entered. */
static int open_one(struct posix *p, int folder, const char *name, int flags)
{
	int fd = openat(folder, name, flags | O_NOFOLLOW);
	struct stat st;

	if (fd < 0) {
		if (errno == ENOTDIR && !fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
			errno = S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
		return -1;
	}
	if (!fstat(fd, &st) && st.st_dev == p->dev)
		return fd;
	close(fd);
	errno = EXDEV;
	return -1;
}

/* The way of kernels (and sandboxes) without openat2: part by part. */
static int open_parts(struct posix *p, int folder, const char *path, int flags)
{
	char name[NAME_MAX + 1];
	int at = folder, fd;

	for (;;) {
		const char *slash = strchr(path, '/');
		size_t n = slash ? (size_t)(slash - path) : strlen(path);
		int saved;

		if (n >= sizeof(name)) {
			fd = -1;
			errno = ENAMETOOLONG;
		} else {
			memcpy(name, path, n);
			name[n] = '\0';
			fd =
			    open_one(p, at, name, slash ? O_PATH | O_DIRECTORY | O_CLOEXEC : flags);
		}
		saved = errno;
		if (at != folder)
			close(at);
		errno = saved;
		if (fd < 0 || !slash)
			return fd;
		at = fd;
		path = slash + 1;
	}
}

/* Open path, at most PATH_MAX - 1 bytes, beneath a folder. Never follows a link. */
int posix_openat(struct posix *p, int folder, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned int)(flags | O_CLOEXEC), .resolve = RESOLVE };
	int tries = 0;

	if (atomic_load_explicit(&p->learnt.no_openat2, memory_order_relaxed))
		return open_parts(p, folder, path, flags | O_CLOEXEC);
	for (;;) {
		long fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if ((errno == EINTR || errno == EAGAIN) && ++tries < 100)
			continue;
		if (errno != ENOSYS && errno != EPERM)
			return -1;
		break;
	}
	/* EPERM is also what a sandbox says that does not know the call: ask the old way. */
	if (errno == ENOSYS)
		atomic_store(&p->learnt.no_openat2, true);
	return open_parts(p, folder, path, flags | O_CLOEXEC);
}

/* The first piece of a path that fits one call; *rest begins the next one. */
static size_t cut(const char *path, size_t n, size_t *rest)
{
	size_t i = n;

	if (n >= PATH_MAX)
		for (i = PATH_MAX - 1; i && path[i] != '/'; i--)
			;
	*rest = i < n ? i + 1 : n;
	return i;
}

/* Open a path of any length beneath the root; n = 0: the root itself. */
int posix_open_path(struct posix *p, const char *path, size_t n, int flags)
{
	char piece[PATH_MAX];
	int at = p->root, fd = -1;

	if (!n)
		return openat(p->root, ".", flags | O_CLOEXEC | O_DIRECTORY);
	while (n) {
		size_t rest, take = cut(path, n, &rest);
		int saved;

		memcpy(piece, path, take);
		piece[take] = '\0';
		fd = posix_openat(p, at, piece, rest < n ? O_PATH | O_DIRECTORY : flags);
		saved = errno;
		if (at != p->root)
			close(at);
		errno = saved;
		if (fd < 0)
			return -1;
		at = fd;
		path += rest;
		n -= rest;
	}
	return fd;
}

static const char *check_part(const struct posix *p, const char *part, size_t n)
{
	if (!n)
		return "an empty part (two slashes, or one at an end)";
	if (n <= 2 && part[0] == '.' && part[n - 1] == '.')
		return "a part '.' or '..'";
	if (n > p->name_max)
		return "a part longer than this file system allows";
	return NULL;
}

enum migrate_status posix_check_key(struct posix *p, struct migrate_session *m,
				    struct migrate_bytes key)
{
	const char *at = key.p, *end = at + key.n, *why = NULL;

	if (!key.n)
		why = "no bytes";
	else if (memchr(key.p, '\0', key.n))
		why = "a NUL";
	else if (key.n > MIGRATE_KEY_MAX)
		why = "more than 65535 bytes";
	while (!why) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t n = (size_t)((slash ? slash : end) - at);

		why = check_part(p, at, n);
		if (!why && (posix_is_temporary(at, n) || posix_is_upload_folder(at, n)))
			why = "a name kept for temporary files of migrate";
		if (!slash)
			break;
		at = slash + 1;
	}
	if (why)
		return migrate_fail(m, MIGRATE_INVALID, "cannot be a file's name: it has %s", why);
	return MIGRATE_OK;
}

void posix_forget_folder(struct posix_session *s)
{
	if (s->folder_fd >= 0)
		close(s->folder_fd);
	s->folder_fd = -1;
}

bool posix_folder_is_stale(struct posix_session *s)
{
	struct stat st;

	if (s->folder_fd < 0 || (!posix_look(s->store, s->folder_fd, &st) && st.st_nlink))
		return false;
	posix_forget_folder(s);
	return true;
}

/* Make the folders of a path that are missing, from the root down. */
static int make_folders(struct posix *p, const char *path, size_t n)
{
	char name[NAME_MAX + 1];
	int at = p->root, error = 0;
	size_t from = 0;

	while (!error && from < n) {
		const char *slash = memchr(path + from, '/', n - from);
		size_t end = slash ? (size_t)(slash - path) : n;
		int next = -1;

		memcpy(name, path + from, end - from);
		name[end - from] = '\0';
		if (!mkdirat(at, name, 0777)) {
			if (!posix_sync_folder(p, path, from ? from - 1 : 0))
				error = ENOMEM;
		} else if (errno != EEXIST) {
			error = errno;
		}
		if (!error) {
			next = posix_openat(p, at, name, O_RDONLY | O_DIRECTORY);
			error = next < 0 ? errno : 0;
		}
		if (at != p->root)
			close(at);
		at = next;
		from = end + 1;
	}
	if (at != p->root && at >= 0)
		close(at);
	errno = error;
	return error ? -1 : 0;
}

static bool remember_folder(struct posix_session *s, const char *path, size_t n)
{
	if (n > s->folder_cap) {
		size_t cap = n < 512 ? 1024 : n * 2;
		char *bytes = realloc(s->folder, cap);

		if (!bytes)
			return false;
		s->folder = bytes;
		s->folder_cap = cap;
	}
	if (n)
		memcpy(s->folder, path, n);
	s->folder_n = n;
	s->folder_time = posix_milliseconds();
	s->folder_serial++;
	s->folder_dirty = false;
	return true;
}

static bool is_current(const struct posix_session *s, const char *path, size_t n)
{
	return s->folder_fd >= 0 && s->folder_n == n && (!n || !memcmp(s->folder, path, n)) &&
	       posix_milliseconds() - s->folder_time < FOLDER_LIFETIME;
}

static int open_folder(struct posix_session *s, const char *path, size_t n, bool create)
{
	int flags = O_RDONLY | O_DIRECTORY, fd;

	if (is_current(s, path, n))
		return s->folder_fd;
	posix_forget_folder(s);
	fd = posix_open_path(s->store, path, n, flags);
	if (fd < 0 && errno == EACCES) /* a folder may be passable, but not readable */
		fd = posix_open_path(s->store, path, n, O_PATH | O_DIRECTORY);
	if (fd < 0 && errno == ENOENT && create && !posix_root_gone(s->store) &&
	    !make_folders(s->store, path, n))
		fd = posix_open_path(s->store, path, n, flags);
	if (fd < 0)
		return -1;
	if (!remember_folder(s, path, n)) {
		close(fd);
		errno = ENOMEM;
		return -1;
	}
	s->folder_fd = fd;
	return fd;
}

bool posix_root_gone(const struct posix *p)
{
	struct stat st;

	return posix_look(p, p->root, &st) || !st.st_nlink;
}

enum migrate_status posix_fail_lookup(struct posix_session *s, struct migrate_session *m,
				      int errnum, const char *what)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		if (posix_root_gone(s->store))
			return migrate_fail(m, MIGRATE_UNAVAILABLE, "the root '%s' was removed",
					    s->store->path);
		return migrate_fail(m, MIGRATE_NOT_FOUND, "%s: no such file", what);
	case ELOOP:
		return migrate_fail(m, MIGRATE_INVALID,
				    "%s: a symbolic link is in the way, and links are not followed",
				    what);
	case EXDEV:
		return migrate_fail(m, MIGRATE_INVALID,
				    "%s: another file system is mounted on the way", what);
	case ENXIO:
	case ENODEV:
		return migrate_fail(m, MIGRATE_INVALID, "%s: not a regular file", what);
	default:
		return migrate_fail_errno(m, errnum, "%s", what);
	}
}

enum migrate_status posix_locate(struct posix_session *s, struct migrate_session *m,
				 struct migrate_bytes key, bool create, int *fd)
{
	enum migrate_status status = posix_check_key(s->store, m, key);
	const char *bytes = key.p, *slash;
	size_t folder, n;

	if (status)
		return status;
	if (s->store->absent)
		return migrate_fail(m, MIGRATE_NOT_FOUND, "there is no folder '%s' yet",
				    s->store->path);
	slash = memrchr(bytes, '/', key.n);
	folder = slash ? (size_t)(slash - bytes) : 0;
	n = slash ? key.n - folder - 1 : key.n;
	*fd = open_folder(s, bytes, folder, create);
	if (*fd < 0 && create && errno == ENOTDIR)
		return migrate_fail(m, MIGRATE_INVALID,
				    "a file stands where a folder of this key would be");
	if (*fd < 0)
		return posix_fail_lookup(
		    s, m, errno, create ? "cannot make its folder" : "cannot open its folder");
	memcpy(s->name, bytes + (key.n - n), n);
	s->name[n] = '\0';
	return MIGRATE_OK;
}
