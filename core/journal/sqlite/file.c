/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* linux/magic.h does not have all of them. */
#define MAGIC_FUSE 0x65735546
#define MAGIC_CIFS 0xff534d42
#define MAGIC_SMB2 0xfe534d42
#define MAGIC_SMB 0x517b
#define MAGIC_CEPH 0x00c36400

char *journal_file_beside(const char *path, const char *suffix)
{
	char *name = NULL;

	return asprintf(&name, "%s%s", path, suffix) < 0 ? NULL : name;
}

/* SQLite puts its log beside the real file: we must mean the same one. */
char *journal_file_resolve(const char *path, struct error *err)
{
	char *real = realpath(path, NULL), *slash, *folder, *result = NULL;

	if (real || errno != ENOENT)
		goto out;
	slash = strrchr(path, '/');
	folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	real = folder ? realpath(folder, NULL) : NULL;
	free(folder);
	if (real &&
	    asprintf(&result, "%s/%s", strcmp(real, "/") ? real : "", slash ? slash + 1 : path) < 0)
		result = NULL;
	free(real);
	real = result;
out:
	if (!real)
		error_set_errno(err, EXIT_USAGE, errno, "cannot find the folder of journal %s",
				path);
	return real;
}

bool journal_file_exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static const char *volatile_name(unsigned long magic)
{
	switch (magic) {
	case TMPFS_MAGIC:
		return "tmpfs";
	case RAMFS_MAGIC:
		return "ramfs";
	case NFS_SUPER_MAGIC:
		return "NFS";
	case MAGIC_CIFS:
	case MAGIC_SMB2:
	case MAGIC_SMB:
		return "CIFS";
	case V9FS_MAGIC:
		return "9p";
	case MAGIC_FUSE:
		return "FUSE";
	case AFS_SUPER_MAGIC:
	case AFS_FS_MAGIC:
		return "AFS";
	case CODA_SUPER_MAGIC:
		return "Coda";
	case MAGIC_CEPH:
		return "Ceph";
	default:
		return NULL;
	}
}

static int statfs_of(const char *path, struct statfs *fs)
{
	char *folder, *slash;
	int failed;

	if (!statfs(path, fs))
		return 0;
	folder = strdup(path);
	slash = folder ? strrchr(folder, '/') : NULL;
	if (!slash) {
		free(folder);
		return -1;
	}
	slash[slash == folder] = '\0';
	failed = statfs(folder, fs);
	free(folder);
	return failed;
}

int journal_file_place(const char *path, struct error *err)
{
	struct statfs fs;
	const char *name;

	if (statfs_of(path, &fs))
		return error_set_errno(err, EXIT_JOURNAL, errno, "cannot look at %s", path);
	name = volatile_name((unsigned long)fs.f_type & 0xffffffff);
	if (!name)
		return 0;
	return error_set(err, EXIT_USAGE,
			 "journal %s is on %s, which may lose it: put it on a local disk, or say "
			 "`journal: {allow_volatile: true}`",
			 path, name);
}

static int sync_folder(const char *path, struct error *err)
{
	char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
	int fd, failed;

	if (!slash) {
		free(folder);
		return error_set(err, EXIT_INTERNAL, "out of memory");
	}
	slash[slash == folder] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	failed = fd < 0 || fsync(fd) ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (failed)
		error_set_errno(err, EXIT_JOURNAL, failed, "cannot sync folder %s", folder);
	free(folder);
	return failed ? -1 : 0;
}

/* ---- A new one ---- */

/*
 * What a new journal is, made in memory: SQLite opens files by name, and looks for
 * logs beside them, which others may have put there. The header says that it is in
 * write-ahead mode.
 */
static unsigned char *make_image(size_t *n, struct error *err)
{
	struct sqlite q;
	unsigned char *image = NULL;
	sqlite3_int64 size = 0;
	int rc = connection_open(&q, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY,
				 "a new journal");

	if (!rc)
		rc = connection_exec(&q, "PRAGMA page_size = 4096");
	if (!rc)
		rc = journal_tables_create(&q);
	if (!rc && !(image = sqlite3_serialize(q.db, "main", &size, 0)))
		rc = SQLITE_NOMEM;
	if (rc)
		connection_result(&q.base, rc, err);
	connection_close(&q);
	*n = (size_t)size;
	if (image)
		image[HEADER_WRITE_VERSION] = image[HEADER_READ_VERSION] = HEADER_WAL;
	return image;
}

/* Its bytes on the disk, in a file that is ours alone, whatever the umask. */
static int write_image(const char *name, const unsigned char *image, size_t n, struct error *err)
{
	int fd, failed = 0;

	if (unlink(name) && errno != ENOENT)
		return error_set_errno(err, EXIT_JOURNAL, errno, "cannot remove %s", name);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno(err, EXIT_JOURNAL, errno,
				       "cannot create %s: make its folder writable for this user",
				       name);
	for (size_t at = 0; at < n && !failed;) {
		ssize_t done = write(fd, image + at, n - at);

		at += done > 0 ? (size_t)done : 0;
		failed = done < 0 && errno != EINTR ? errno : done ? 0 : ENOSPC;
	}
	if (!failed && (fchmod(fd, 0600) || fsync(fd)))
		failed = errno;
	if (close(fd) && !failed)
		failed = errno;
	return failed ? error_set_errno(err, EXIT_JOURNAL, failed, "cannot write %s", name) : 0;
}

/* Its final name, which nobody has taken. */
static int publish(const char *name, const char *path, struct error *err)
{
	int failed = renameat2(AT_FDCWD, name, AT_FDCWD, path, RENAME_NOREPLACE) ? errno : 0;

	if (failed == EINVAL || failed == ENOSYS)
		failed = link(name, path) || unlink(name) ? errno : 0;
	if (failed)
		return error_set_errno(err, EXIT_JOURNAL, failed, "cannot create %s", path);
	return sync_folder(path, err);
}

int journal_file_create(const char *path, struct error *err)
{
	char *name = journal_file_beside(path, "-new"), *log = journal_file_beside(path, "-wal");
	unsigned char *image = NULL;
	int result = -1;
	size_t n;

	if (!name || !log)
		error_set(err, EXIT_INTERNAL, "out of memory");
	else if (journal_file_exists(log))
		error_set(err, EXIT_DAMAGED,
			  "%s is the log of a journal that is not there: put %s back, or remove "
			  "the log too",
			  log, path);
	else if ((image = make_image(&n, err)) && !write_image(name, image, n, err))
		result = publish(name, path, err);
	sqlite3_free(image);
	free(name);
	free(log);
	return result;
}
