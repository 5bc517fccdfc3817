/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#ifndef CEPH_SUPER_MAGIC
#define CEPH_SUPER_MAGIC 0x00c36400
#endif
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xff534d42
#endif

/*
 * File systems that are served by somebody else remember what a file was like for
 * seconds. There the server is asked, or an etag would be of another moment than
 * the bytes. FUSE makes up inode numbers and forgets them again: none is used.
 */
void posix_learn_kind(struct posix *p)
{
	static const unsigned long asked[] = { NFS_SUPER_MAGIC,  SMB2_SUPER_MAGIC, SMB_SUPER_MAGIC,
					       CEPH_SUPER_MAGIC, V9FS_MAGIC,       AFS_SUPER_MAGIC,
					       CIFS_SUPER_MAGIC, FUSE_SUPER_MAGIC };
	struct statfs f;

	if (fstatfs(p->root, &f))
		return;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if ((unsigned long)f.f_type == asked[i])
			p->remote = true;
	p->no_inode = (unsigned long)f.f_type == FUSE_SUPER_MAGIC;
	p->reports = (unsigned long)f.f_type == EXT4_SUPER_MAGIC ||
		     (unsigned long)f.f_type == XFS_SUPER_MAGIC ||
		     (unsigned long)f.f_type == BTRFS_SUPER_MAGIC;
}

void posix_from_statx(const struct posix *p, const struct statx *x, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_dev = makedev(x->stx_dev_major, x->stx_dev_minor);
	st->st_ino = p->no_inode ? 1 : x->stx_ino;
	st->st_mode = x->stx_mode;
	st->st_nlink = x->stx_nlink;
	st->st_uid = x->stx_uid;
	st->st_gid = x->stx_gid;
	st->st_size = (off_t)x->stx_size;
	st->st_blocks = (blkcnt_t)x->stx_blocks;
	st->st_mtim = (struct timespec){ x->stx_mtime.tv_sec, x->stx_mtime.tv_nsec };
	st->st_ctim = (struct timespec){ x->stx_ctime.tv_sec, x->stx_ctime.tv_nsec };
}

int posix_look(const struct posix *p, int fd, struct stat *st)
{
	struct statx x;

	if (!p->remote)
		return fstat(fd, st);
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &x))
		return -1;
	posix_from_statx(p, &x, st);
	return 0;
}

int posix_look_at(const struct posix *p, int folder, const char *name, struct stat *st)
{
	const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
	struct statx x;

	if (!p->remote)
		return fstatat(folder, name, st, flags);
	if (statx(folder, name, flags | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &x))
		return -1;
	posix_from_statx(p, &x, st);
	return 0;
}
