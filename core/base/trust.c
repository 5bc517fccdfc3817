/* SPDX-License-Identifier: MIT */
#include "base/trust.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ENTRY_MAX 16384 /* of passwd or group: a larger group is nobody's own */

int trust_owner(const struct trust *t, const struct stat *st, const char *what, const char *path,
		struct error *err)
{
	if (st->st_uid == 0 || st->st_uid == geteuid() || st->st_uid == t->also)
		return 0;
	return error_set(
	    err, EXIT_USAGE,
	    "the %s %s belongs to user %u, neither to root nor to you: %s (if it is right, "
	    "chown helps; else remove it)",
	    what, path, (unsigned int)st->st_uid, t->so);
}

static int writable(const struct trust *t, const char *what, const char *path, struct error *err)
{
	return error_set(err, EXIT_USAGE,
			 "the %s %s can be written to by others: %s (chmod go-w helps)", what, path,
			 t->so);
}

int trust_file(const struct trust *t, const struct stat *st, const char *what, const char *path,
	       struct error *err)
{
	if (!S_ISREG(st->st_mode))
		return error_set(err, EXIT_USAGE, "the %s %s is no regular file: %s", what, path,
				 t->so);
	if (trust_owner(t, st, what, path, err))
		return -1;
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return writable(t, what, path, err);
	if (st->st_nlink > 1 && !t->links)
		return error_set(err, EXIT_USAGE,
				 "the %s %s is a file that has another name as well: %s (if it is "
				 "right, copy it and put the copy in its place)",
				 what, path, t->so);
	return 0;
}

/* ---- Folders ---- */

/* Many systems give each user a group of his own, and a umask of 002. */
static bool is_his_group(uid_t uid, gid_t gid)
{
	char users[ENTRY_MAX], groups[ENTRY_MAX];
	struct passwd user, *found;
	struct group group, *own;

	if (getpwuid_r(uid, &user, users, sizeof(users), &found) || !found ||
	    found->pw_gid != gid || getgrgid_r(gid, &group, groups, sizeof(groups), &own) || !own ||
	    strcmp(own->gr_name, found->pw_name) != 0)
		return false;
	for (char **member = own->gr_mem; *member; member++)
		if (strcmp(*member, found->pw_name) != 0)
			return false;
	return true;
}

/* With an access control list the bits of the group are those of more than the group. */
static bool has_list(const char *path)
{
	return getxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

static bool others_may_write(const struct trust *t, const struct stat *st, const char *path)
{
	if (!(st->st_mode & (S_IWGRP | S_IWOTH)))
		return false;
	if (!t->may_create)
		return true;
	return !(st->st_mode & S_ISVTX) &&
	       (st->st_mode & S_IWOTH || has_list(path) || !is_his_group(st->st_uid, st->st_gid));
}

int trust_folder_of(const struct trust *t, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash && slash > path ? (size_t)(slash - path) : 1;
	char folder[4096] = ".";
	struct stat st;

	if (n >= sizeof(folder))
		return error_set(err, EXIT_USAGE, "its path is too long");
	if (slash)
		memcpy(folder, path, n);
	if (stat(folder, &st) < 0)
		return error_set_errno(err, EXIT_USAGE, errno, "cannot look at its folder %s",
				       folder);
	if (trust_owner(t, &st, "folder", folder, err) < 0)
		return -1;
	return others_may_write(t, &st, folder) ? writable(t, "folder", folder, err) : 0;
}

int trust_give(int fd, const struct stat *st)
{
	if (geteuid() || !st->st_uid)
		return 0;
	return fchown(fd, st->st_uid, st->st_gid) ? errno : 0;
}
