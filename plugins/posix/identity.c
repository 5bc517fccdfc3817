/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

/* One line of /proc/self/mountinfo: what of a file system is mounted where. */
struct mount {
	char *line;
	size_t size;
	char *root, *point, *type, *source;
};

/* \040 and the like, in place. */
static void unescape(char *text)
{
	char *out = text;

	for (const char *p = text; *p; out++) {
		unsigned int c = 0;

		if (*p == '\\' && sscanf(p, "\\%3o", &c) == 1 && c && c < 256) {
			*out = (char)c;
			p += 4;
		} else {
			*out = *p++;
		}
	}
	*out = '\0';
}

/* "36 35 98:0 /root /point options optional... - type source options" */
static bool parse_mount(struct mount *m, unsigned long long id)
{
	char *at = m->line, *end, *field = strsep(&at, " ");
	int i;

	if (!field || strtoull(field, &end, 10) != id)
		return false;
	for (i = 2; i <= 5 && (field = strsep(&at, " ")); i++) {
		if (i == 4)
			m->root = field;
		else if (i == 5)
			m->point = field;
	}
	while (field && strcmp(field, "-") != 0)
		field = strsep(&at, " ");
	m->type = field ? strsep(&at, " ") : NULL;
	m->source = m->type ? strsep(&at, " ") : NULL;
	if (!m->root || !m->point || !m->source)
		return false;
	unescape(m->root);
	unescape(m->point);
	return true;
}

static bool find_mount(struct mount *m, unsigned long long id)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	bool found = false;

	while (f && !found && getline(&m->line, &m->size, f) > 0)
		found = parse_mount(m, id);
	if (f)
		fclose(f);
	return found;
}

/* Where fd is, as this process sees it. */
static bool path_of(int fd, char path[static PATH_MAX])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	if (n <= 0 || path[0] != '/')
		return false;
	path[n] = '\0';
	return true;
}

/* path as it is inside its file system: what is mounted, plus what lies below the mount point. */
static char *inner_path(const struct mount *m, const char *path)
{
	size_t n = strlen(m->point);
	const char *below = path;
	char *inner = NULL;

	if (!strcmp(m->point, "/"))
		n = 0;
	if (!strncmp(path, m->point, n) && (!path[n] || path[n] == '/'))
		below = path + n;
	if (asprintf(&inner, "%s%s", strcmp(m->root, "/") ? m->root : "", below) < 0)
		return NULL;
	return inner;
}

/* The file system's own number; where it has none, what is mounted. */
static void name_file_system(const struct posix *p, const struct mount *m, char *text, size_t size)
{
	struct statfs f;
	uint32_t id[2];

	_Static_assert(sizeof(f.f_fsid) == sizeof(id), "two numbers");
	if (fstatfs(p->root, &f))
		memset(&f, 0, sizeof(f));
	memcpy(id, &f.f_fsid, sizeof(id));
	if (id[0] || id[1])
		snprintf(text, size, "%08x%08x", id[0], id[1]);
	else if (m->source && strchr(m->source, ':')) /* server:/path */
		snprintf(text, size, "%s:%s", m->type, m->source);
	else
		snprintf(text, size, "device:%u:%u", major(p->dev), minor(p->dev));
}

static bool add_name(char *path, size_t size, const char *name)
{
	size_t n = strlen(path);
	const char *slash = n && path[n - 1] == '/' ? "" : "/";

	return (size_t)snprintf(path + n, size - n, "%s%s", slash, name) < size - n;
}

enum migrate_status posix_identity(void *self, struct migrate_identity *r)
{
	struct posix *p = ((struct posix_session *)self)->store;
	struct mount m = { .line = NULL };
	char path[PATH_MAX], fsid[512], *inner = NULL, *text = NULL;
	struct statx x;
	bool ok = false;

	if (!path_of(p->root, path))
		snprintf(path, sizeof(path), "%s", p->path);
	else if (p->absent && !add_name(path, sizeof(path), p->absent))
		return migrate_fail_errno(r->session, ENAMETOOLONG,
					  "cannot tell which place it is");
	if (!statx(p->root, "", AT_EMPTY_PATH, STATX_MNT_ID, &x) && x.stx_mask & STATX_MNT_ID &&
	    find_mount(&m, x.stx_mnt_id))
		inner = inner_path(&m, path);
	name_file_system(p, &m, fsid, sizeof(fsid));
	if (asprintf(&text, "posix fsid=%s ino=%llu path=%s", fsid, (unsigned long long)p->ino,
		     inner ? inner : path) >= 0)
		ok = migrate_set_identity(r, text);
	else
		text = NULL;
	free(text);
	free(inner);
	free(m.line);
	return ok ? MIGRATE_OK
		  : migrate_fail_errno(r->session, ENOMEM, "cannot tell which place it is");
}

/* A write that leaves nothing behind, whatever happens. */
static enum migrate_status try_write(struct posix_session *s, struct migrate_session *m)
{
	const struct migrate_bytes none = { .p = "", .n = 0 };
	enum migrate_status status;
	struct posix_draft draft;
	int error = posix_draft_open(s, s->store->root, none, 0600, &draft);

	if (error)
		return migrate_fail_errno(m, error, "cannot create a file in '%s'", s->store->path);
	memset(s->buffer, 0x5a, POSIX_BUFFER);
	status = posix_write(m, draft.fd, s->buffer, POSIX_BUFFER, 0);
	posix_draft_end(&draft);
	return status;
}

static enum migrate_status probe_write(struct posix_session *s, struct migrate_session *m)
{
	struct statvfs v;

	if (fstatvfs(s->store->root, &v))
		return migrate_fail_errno(m, errno, "cannot look at '%s'", s->store->path);
	if (v.f_flag & ST_RDONLY)
		return migrate_fail(m, MIGRATE_UNAVAILABLE, "'%s' is mounted read-only",
				    s->store->path);
	if (v.f_files && !v.f_ffree)
		return migrate_fail(m, MIGRATE_NO_SPACE, "'%s' has no inode left", s->store->path);
	if (!s->store->dry)
		return try_write(s, m);
	if (faccessat(s->store->root, ".", W_OK | X_OK, AT_EACCESS))
		return migrate_fail_errno(m, errno, "cannot create a file in '%s'", s->store->path);
	return MIGRATE_OK;
}

enum migrate_status posix_probe(void *self, struct migrate_probe *r)
{
	struct posix_session *s = self;
	struct posix *p = s->store;
	struct stat st;

	posix_forget_folder(s);
	if (p->absent)
		return probe_write(s, r->session);
	if (stat(p->path, &st))
		return migrate_fail(r->session, MIGRATE_UNAVAILABLE, "cannot look at '%s': %s",
				    p->path, strerrordesc_np(errno));
	if (st.st_dev != p->dev || st.st_ino != p->ino)
		return migrate_fail(r->session, MIGRATE_UNAVAILABLE,
				    "'%s' is another folder than it was: was it unmounted?",
				    p->path);
	if (!r->write && faccessat(p->root, ".", R_OK | X_OK, AT_EACCESS))
		return migrate_fail_errno(r->session, errno, "cannot read '%s'", p->path);
	return r->write ? probe_write(s, r->session) : MIGRATE_OK;
}
