/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * A new file takes the place of one that was looked at, while others write there as
 * they like. The two are exchanged in one step; what came out is looked at, and put
 * back if it is not what was to be replaced. No file of others is ever lost: what
 * cannot be put back gets a name that is told, and what a crash leaves under a
 * temporary name is known by the inodes that the name tells.
 */

/* ".migrate-JOB-KEY-NUMBER-INODE-INODE": under this name only these two may be removed. */
static void mark(struct posix_session *s, struct migrate_bytes key, ino_t one, ino_t other,
		 char name[static POSIX_TEMP_MAX])
{
	snprintf(name, POSIX_TEMP_MAX, ".migrate-%.8s-%016llx-%08llx-%llx-%llx", s->job,
		 (unsigned long long)posix_hash(key),
		 (unsigned long long)(posix_random(s) & UINT32_MAX), (unsigned long long)one,
		 (unsigned long long)other);
}

bool posix_is_disposable(const char *name, ino_t inode)
{
	unsigned long long one, other;

	if (sscanf(name + POSIX_TEMP_PLAIN, "-%llx-%llx", &one, &other) != 2)
		return true;
	return inode == one || inode == other;
}

/* The draft under a name that tells what may be removed. 0 or an errno. */
static int name_draft(struct posix_session *s, struct posix_draft *d, struct migrate_bytes key,
		      const struct stat *before)
{
	char name[POSIX_TEMP_MAX];
	struct stat st;
	int error;

	if (posix_look(s->store, d->fd, &st))
		return errno;
	mark(s, key, st.st_ino, before->st_ino, name);
	if (d->temp[0])
		error = renameat(d->from, d->temp, d->folder, name) ? errno : 0;
	else
		error = posix_link_unnamed(s, d->fd, d->folder, name);
	if (error)
		return error;
	d->from = d->folder;
	memcpy(d->temp, name, sizeof(name));
	return 0;
}

static enum migrate_status changed(struct migrate_session *m)
{
	return migrate_fail(m, MIGRATE_CHANGED, "what stands there is not what was to be replaced");
}

/* What temp names is the file that st was told of? Its ctime is another: renaming changes it. */
static bool is_under_temp(const struct posix_session *s, const struct posix_draft *d,
			  const struct stat *st)
{
	struct stat now;

	if (posix_look_at(s->store, d->from, d->temp, &now))
		return false;
	now.st_ctim = st->st_ctim;
	return posix_same(&now, st);
}

static bool is_draft(const struct posix_session *s, const struct posix_draft *d)
{
	struct stat st;

	return !posix_look(s->store, d->fd, &st) && is_under_temp(s, d, &st);
}

/* Its folder as people know it: below the root. */
static int folder_length(const struct posix_session *s)
{
	return s->folder_n < 1024 ? (int)s->folder_n : 1024;
}

enum migrate_status posix_keep(struct posix_session *s, struct migrate_session *m, int from,
			       const char *temp)
{
	char kept[64];
	const char *name = kept;

	snprintf(kept, sizeof(kept), "migrate-kept-%016llx", (unsigned long long)posix_random(s));
	if (renameat2(from, temp, s->folder_fd, kept, RENAME_NOREPLACE) &&
	    (linkat(from, temp, s->folder_fd, kept, 0) || unlinkat(from, temp, 0)))
		name = temp;
	migrate_note(m,
		     "somebody else wrote there in the same moment: a file of theirs is now "
		     "'%.*s%s%s'",
		     folder_length(s), s->folder_n ? s->folder : "", s->folder_n ? "/" : "", name);
	return migrate_fail(m, MIGRATE_CHANGED,
			    "somebody else wrote there in the same moment: a file of theirs is now "
			    "'%.*s%s%s'",
			    folder_length(s), s->folder_n ? s->folder : "", s->folder_n ? "/" : "",
			    name);
}

/* What temp names goes where it came from; temp names what stood there then, if anything. */
static int swap_back(const struct posix_session *s, struct posix_draft *d)
{
	for (int tries = 0; tries < 10; tries++) {
		if (!renameat2(d->from, d->temp, d->folder, s->name, RENAME_EXCHANGE))
			return 0;
		if (errno != ENOENT)
			return errno;
		if (!renameat2(d->from, d->temp, d->folder, s->name, RENAME_NOREPLACE)) {
			d->temp[0] = '\0';
			return 0;
		}
		if (errno != EEXIST)
			return errno;
	}
	return EEXIST;
}

/*
 * temp names a file of somebody else. Back with it; where ours had been replaced by
 * then, what came out is newer than what was put back, so that these two change
 * places once more.
 */
static enum migrate_status put_back(struct posix_session *s, struct posix_draft *d,
				    struct migrate_session *m)
{
	enum migrate_status status;

	for (int i = 0; i < 2; i++) {
		if (swap_back(s, d))
			break;
		if (!d->temp[0] || is_draft(s, d))
			return changed(m);
	}
	status = posix_keep(s, m, d->from, d->temp);
	d->temp[0] = '\0';
	return status;
}

enum migrate_status posix_replace_match(struct posix_session *s, struct posix_draft *d,
					const struct posix_publish *r)
{
	struct stat st;
	int error;

	if (posix_look_at(s->store, d->folder, s->name, &st))
		return errno == ENOENT
			   ? changed(r->session)
			   : migrate_fail_errno(r->session, errno, "cannot look at what is there");
	if (!S_ISREG(st.st_mode) || !posix_etag_is(&st, r->if_match))
		return changed(r->session);
	if (POSIX_LEARNT(s, no_exchange))
		return MIGRATE_UNSUPPORTED;
	error = name_draft(s, d, r->key, &st);
	if (error)
		return posix_fail_name(s, d, r->session, error);
	if (renameat2(d->from, d->temp, d->folder, s->name, RENAME_EXCHANGE)) {
		if (errno == ENOENT)
			return changed(r->session);
		if (errno != EINVAL && errno != ENOSYS)
			return posix_fail_name(s, d, r->session, errno);
		POSIX_LEARN(s, no_exchange);
		return MIGRATE_UNSUPPORTED;
	}
	if (is_under_temp(s, d, &st))
		return MIGRATE_OK; /* what temp names now is the old file: posix_draft_end() */
	return put_back(s, d, r->session);
}

/* Another file than was looked at: back with it, unless there is one of that name again. */
static enum migrate_status return_file(struct posix_session *s, struct migrate_session *m,
				       int folder, const char *temp)
{
	if (!renameat2(folder, temp, folder, s->name, RENAME_NOREPLACE) ||
	    (errno == EINVAL && !linkat(folder, temp, folder, s->name, 0) &&
	     !unlinkat(folder, temp, 0)))
		return changed(m);
	return posix_keep(s, m, folder, temp);
}

enum migrate_status posix_remove_match(struct posix_session *s, struct migrate_session *m,
				       struct migrate_bytes key, int folder, const struct stat *st)
{
	char temp[POSIX_TEMP_MAX];
	struct stat now;

	mark(s, key, st->st_ino, st->st_ino, temp);
	if (renameat(folder, s->name, folder, temp))
		return posix_fail_lookup(s, m, errno, "cannot remove");
	if (posix_look_at(s->store, folder, temp, &now))
		return migrate_fail_errno(m, errno, "cannot look at what was removed");
	now.st_ctim = st->st_ctim;
	if (!posix_same(&now, st))
		return return_file(s, m, folder, temp);
	if (unlinkat(folder, temp, 0))
		return migrate_fail_errno(m, errno, "cannot remove");
	return MIGRATE_OK;
}
