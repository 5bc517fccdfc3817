/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

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

/* What SQLite's header says at these offsets: sqlite.org/fileformat.html. */
#define HEADER_SIZE 100
#define HEADER_WRITE_VERSION 18
#define HEADER_READ_VERSION 19
#define HEADER_WAL 2

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

/* An empty file that is ours alone, whatever the umask. */
static int make_empty(const char *name, struct error *err)
{
	int fd, failed;

	if (unlink(name) && errno != ENOENT)
		return error_set_errno(err, EXIT_JOURNAL, errno, "cannot remove %s", name);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	failed = fd < 0 || fchmod(fd, 0600) ? errno : 0;
	if (fd >= 0 && close(fd) && !failed)
		failed = errno;
	if (failed)
		return error_set_errno(err, EXIT_JOURNAL, failed,
				       "cannot create %s: make its folder writable for this user",
				       name);
	return 0;
}

/* The tables, then write-ahead mode, which stays in the header; closing syncs all of it. */
static int fill(const char *name, struct error *err)
{
	struct connection c;
	int rc = connection_open(&c, name, SQLITE_OPEN_READWRITE);

	if (!rc)
		rc = connection_exec(&c, "PRAGMA page_size = 4096; PRAGMA synchronous = FULL");
	if (!rc)
		rc = journal_tables_create(&c);
	if (!rc)
		rc = connection_exec(&c, "PRAGMA journal_mode = WAL");
	if (rc)
		connection_error(&c, name, rc, err);
	connection_close(&c);
	return rc ? -1 : 0;
}

int journal_file_create(const char *path, struct error *err)
{
	char *name = journal_file_beside(path, "-new"), *log = journal_file_beside(path, "-wal");
	int result = -1;

	if (!name || !log)
		error_set(err, EXIT_INTERNAL, "out of memory");
	else if (journal_file_exists(log))
		error_set(err, EXIT_DAMAGED,
			  "%s is the log of a journal that is not there: put %s back, or remove "
			  "the log too",
			  log, path);
	else if (!make_empty(name, err) && !fill(name, err))
		result = link(name, path)
			     ? error_set_errno(err, EXIT_JOURNAL, errno, "cannot create %s", path)
			     : 0;
	if (name && !result && unlink(name))
		result = error_set_errno(err, EXIT_JOURNAL, errno, "cannot remove %s", name);
	if (!result)
		result = sync_folder(path, err);
	free(name);
	free(log);
	return result;
}

/*
 * After a failed sync, or a crash of the machine's storage, the page cache may
 * show what the disk never got. So what is there is synced, then forgotten, so
 * that SQLite reads the disk. Returns the open file, -1: failed, -2: none.
 */
static int settle(const char *path, int missing, struct error *err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int failed;

	if (fd < 0 && errno == ENOENT)
		return missing;
	if (fd < 0)
		return error_set_errno(err, EXIT_JOURNAL, errno,
				       "cannot open %s for writing: make it writable for this user",
				       path);
	failed = fdatasync(fd) ? errno : posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (!failed)
		return fd;
	close(fd);
	return error_set_errno(err, EXIT_JOURNAL, failed, "cannot sync %s: look after the disk",
			       path);
}

static int check_header(int fd, const char *path, struct error *err)
{
	unsigned char h[HEADER_SIZE];
	ssize_t n = pread(fd, h, sizeof(h), 0);

	if (n < 0)
		return error_set_errno(err, EXIT_JOURNAL, errno, "cannot read %s", path);
	if (n != HEADER_SIZE || memcmp(h, "SQLite format 3", 16))
		return error_set(err, EXIT_DAMAGED,
				 "%s is not a migrate journal, or its header is damaged: look at "
				 "the job file's journal option",
				 path);
	if (h[HEADER_WRITE_VERSION] != HEADER_WAL || h[HEADER_READ_VERSION] != HEADER_WAL)
		return error_set(err, EXIT_DAMAGED,
				 "journal %s: damaged: its header is not that of a write-ahead log",
				 path);
	return 0;
}

int journal_file_settle(const char *path, struct error *err)
{
	char *log = journal_file_beside(path, "-wal");
	int fd, result = -1;

	if (!log)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	fd = settle(path, -1, err);
	if (fd >= 0) {
		result = check_header(fd, path, err);
		close(fd);
	}
	if (!result) {
		fd = settle(log, -2, err);
		result = fd == -2 ? 0 : fd < 0 ? -1 : journal_wal_check(fd, log, err);
		if (fd >= 0)
			close(fd);
	}
	free(log);
	return result;
}
