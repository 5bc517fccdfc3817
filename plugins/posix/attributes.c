/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/*
 * Which attribute is which: content-type is user.mime_type, as the desktop has it;
 * other properties of an object that files have no place for are
 * user.migrate.NAME; any other extended attribute of the user's is xattr:NAME.
 */
#define MIME "user.mime_type"
#define OURS "user.migrate."
#define VALUE_MAX 65536 /* bytes in a value: the kernel's own limit */
#define NAMES_SIZE 65536

static const char *const kept[] = { "content-encoding", "content-language", "content-disposition",
				    "cache-control", "expires" };

static char *hex(char *p, uint64_t v)
{
	static const char digits[] = "0123456789abcdef";
	int shift = v ? (63 - __builtin_clzll(v)) / 4 * 4 : 0;

	for (; shift >= 0; shift -= 4)
		*p++ = digits[v >> shift & 15];
	return p;
}

static int64_t nanoseconds(struct timespec t)
{
	return (int64_t)((uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec);
}

/* inode-size-mtime-ctime: no device, whose number may be another after the next boot. */
size_t posix_etag(const struct stat *st, char etag[static 72])
{
	char *p = hex(etag, st->st_ino);

	*p++ = '-';
	p = hex(p, (uint64_t)st->st_size);
	*p++ = '-';
	p = hex(p, (uint64_t)nanoseconds(st->st_mtim));
	*p++ = '-';
	p = hex(p, (uint64_t)nanoseconds(st->st_ctim));
	return (size_t)(p - etag);
}

bool posix_etag_is(const struct stat *st, struct migrate_bytes etag)
{
	char mine[72];

	return posix_etag(st, mine) == etag.n && !memcmp(mine, etag.p, etag.n);
}

bool posix_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

bool posix_fill(struct migrate_object *o, const struct stat *st)
{
	uint64_t occupied = (uint64_t)st->st_blocks * 512;
	char etag[72];

	o->size = (uint64_t)st->st_size;
	o->mtime = nanoseconds(st->st_mtim);
	/* nothing but holes occupies nothing, which 0 cannot say */
	o->blocks = occupied >= o->size ? 0 : occupied ? occupied : 1;
	return migrate_set_etag(o, etag, posix_etag(st, etag));
}

/* ---- Reading ---- */

static bool set_text(struct migrate_attributes *a, const char *name, const char *text, int n)
{
	return n > 0 && migrate_set_attribute(a, name, text, (size_t)n);
}

static bool set_stat(struct migrate_attributes *a, const struct stat *st)
{
	char text[64];
	int n;

	n = snprintf(text, sizeof(text), "%lld.%09ld", (long long)st->st_mtim.tv_sec,
		     st->st_mtim.tv_nsec);
	if (!set_text(a, "mtime", text, n))
		return false;
	n = snprintf(text, sizeof(text), "%o", (unsigned int)(st->st_mode & 0777));
	if (!set_text(a, "mode", text, n))
		return false;
	n = snprintf(text, sizeof(text), "%u:%u", st->st_uid, st->st_gid);
	return set_text(a, "owner", text, n);
}

/* The names of a file's extended attributes into names; how many bytes of them, or -1. */
static ssize_t list_names(int fd, char names[static NAMES_SIZE])
{
	ssize_t n = flistxattr(fd, names, NAMES_SIZE);

	return n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS) ? 0 : n;
}

static bool is_users(const char *name)
{
	return !strncmp(name, "user.", 5) && name[5];
}

static bool has_place(const char *name)
{
	if ((!strncmp(name, "meta:", 5) && name[5]) || (!strncmp(name, "tag:", 4) && name[4]))
		return true;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (!strcmp(name, kept[i]))
			return true;
	return false;
}

/*
 * The attribute that an extended attribute stands for. Only what is written as such is read as
 * such: anybody may call one of his user.migrate.owner, and is not to be the owner by that.
 */
static const char *attribute_name(const char *xattr, char name[static 512])
{
	if (!strcmp(xattr, MIME))
		return "content-type";
	if (!strncmp(xattr, OURS, sizeof(OURS) - 1) && has_place(xattr + sizeof(OURS) - 1))
		return xattr + sizeof(OURS) - 1;
	snprintf(name, 512, "xattr:%s", xattr);
	return name;
}

enum migrate_status posix_read_attributes(struct posix_session *s, struct migrate_session *m,
					  int fd, const struct stat *st,
					  struct migrate_attributes *attributes)
{
	char *names = s->buffer, *value = s->buffer + NAMES_SIZE, name[512];
	ssize_t n = list_names(fd, names);

	_Static_assert(POSIX_BUFFER >= NAMES_SIZE + VALUE_MAX, "both fit the buffer");
	if (n < 0)
		return migrate_fail_errno(m, errno, "cannot list its extended attributes");
	if (!set_stat(attributes, st))
		return migrate_fail_errno(m, ENOMEM, "cannot keep its attributes");
	for (const char *x = names; x < names + n; x += strlen(x) + 1) {
		ssize_t length;

		if (!is_users(x))
			continue;
		length = fgetxattr(fd, x, value, VALUE_MAX);
		if (length < 0 && errno == ENODATA)
			continue; /* removed meanwhile: the second stat notices */
		if (length < 0)
			return migrate_fail_errno(m, errno, "cannot read its attribute '%s'", x);
		if (!migrate_set_attribute(attributes, attribute_name(x, name), value,
					   (size_t)length))
			return migrate_fail(m, MIGRATE_INVALID,
					    "more attributes than can be carried, at '%s'", x);
	}
	return MIGRATE_OK;
}

/* ---- Writing ---- */

void posix_keeps(struct posix *p, struct migrate_describe *r)
{
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		migrate_keeps(r, kept[i], VALUE_MAX);
	migrate_keeps(r, "content-type", VALUE_MAX);
	migrate_keeps(r, "meta:*", VALUE_MAX);
	migrate_keeps(r, "tag:*", VALUE_MAX);
	migrate_keeps(r, "xattr:user.*", VALUE_MAX);
	migrate_keeps(r, "mtime", 0);
	migrate_keeps(r, "mode", 0);
	if (p->privileged && p->owners.policy != POSIX_OWNER_DROP)
		migrate_keeps(r, "owner", 0);
}

/* A number up to the byte `end`; false: not one, or more than max. */
static bool number(const char **p, const char *end, unsigned int base, uint64_t max, uint64_t *v)
{
	const char *begin = *p;

	for (*v = 0; *p < end && **p >= '0' && **p < (char)('0' + base); (*p)++) {
		*v = *v * base + (uint64_t)(**p - '0');
		if (*v > max)
			return false;
	}
	return *p > begin;
}

static bool parse_mode(struct migrate_bytes v, mode_t *mode)
{
	const char *p = v.p, *end = p + v.n;
	uint64_t n;

	if (!number(&p, end, 8, 07777777, &n) || p != end)
		return false;
	*mode = (mode_t)n & 0777; /* setuid, setgid and sticky are nobody's to carry */
	return true;
}

static bool parse_owner(struct migrate_bytes v, uid_t *uid, gid_t *gid)
{
	const char *p = v.p, *end = p + v.n;
	uint64_t u, g;

	if (!number(&p, end, 10, UINT32_MAX - 1, &u) || p == end || *p++ != ':' ||
	    !number(&p, end, 10, UINT32_MAX - 1, &g) || p != end)
		return false;
	*uid = (uid_t)u;
	*gid = (gid_t)g;
	return true;
}

static bool parse_fraction(const char **p, const char *end, long *ns)
{
	long scale = 100000000;

	*ns = 0;
	if (*p == end)
		return true;
	if (*(*p)++ != '.' || *p == end)
		return false;
	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++, scale /= 10)
		*ns += (**p - '0') * scale;
	return *p == end;
}

static bool parse_mtime(struct migrate_bytes v, struct timespec *t)
{
	const char *p = v.p, *end = p + v.n;
	bool negative = p < end && *p == '-';
	uint64_t seconds;

	p += negative;
	if (!number(&p, end, 10, INT64_MAX / 1000000000, &seconds) ||
	    !parse_fraction(&p, end, &t->tv_nsec))
		return false;
	/* as it is printed: the fraction always counts upwards */
	t->tv_sec = negative ? -(time_t)seconds : (time_t)seconds;
	return true;
}

void posix_parse_finish(const struct posix *p, const struct migrate_attributes *attributes,
			struct posix_finish *f)
{
	struct migrate_bytes v;

	*f = (struct posix_finish){ .has_mode = false };
	if (!attributes)
		return;
	f->has_mode = migrate_attribute(attributes, "mode", &v) && parse_mode(v, &f->mode);
	f->has_owner =
	    migrate_attribute(attributes, "owner", &v) && parse_owner(v, &f->uid, &f->gid);
	posix_map_owner(p, f);
	f->has_mtime = migrate_attribute(attributes, "mtime", &v) && parse_mtime(v, &f->mtime);
}

enum migrate_status posix_lost(struct migrate_session *m, const char *name, uint32_t flags)
{
	if (flags & MIGRATE_STRICT_ATTRIBUTES)
		return migrate_fail(m, MIGRATE_UNSUPPORTED,
				    "its attribute '%s' cannot be kept here", name);
	migrate_lost_attribute(m, name);
	return MIGRATE_OK;
}

/* ext4 says ENOSPC also when the room for one file's attributes is used up. */
static bool is_full(int fd)
{
	struct statvfs v;

	return !fstatvfs(fd, &v) && !v.f_bavail;
}

static enum migrate_status set_xattr(struct migrate_session *m, int fd, const char *xattr,
				     const char *attribute, struct migrate_bytes value,
				     uint32_t flags)
{
	if (!fsetxattr(fd, xattr, value.p, value.n, 0))
		return MIGRATE_OK;
	switch (errno) {
	case ENOSPC:
	case EDQUOT:
		if (errno == EDQUOT || is_full(fd))
			break;
		return posix_lost(m, attribute, flags);
	case EOPNOTSUPP:
	case E2BIG:
	case ERANGE:
	case EPERM:
	case EACCES:
	case EINVAL:
		return posix_lost(m, attribute, flags);
	default:
		break;
	}
	return migrate_fail_errno(m, errno, "cannot set its attribute '%s'", attribute);
}

static bool keeps_owner(const struct posix *p, struct migrate_bytes value)
{
	struct posix_finish f = { .has_owner = true };

	return parse_owner(value, &f.uid, &f.gid) && posix_map_owner(p, &f);
}

static enum migrate_status store_one(struct posix_session *s, struct migrate_session *m, int fd,
				     const char *name, struct migrate_bytes value, uint32_t flags)
{
	char xattr[512];

	if (!strcmp(name, "mode") || !strcmp(name, "mtime"))
		return MIGRATE_OK; /* posix_finish() */
	if (!strcmp(name, "owner"))
		return keeps_owner(s->store, value) ? MIGRATE_OK : posix_lost(m, name, flags);
	if (!strcmp(name, "content-type"))
		return set_xattr(m, fd, MIME, name, value, flags);
	if (!strncmp(name, "xattr:", 6) && is_users(name + 6))
		return set_xattr(m, fd, name + 6, name, value, flags);
	if (!has_place(name) || (size_t)snprintf(xattr, sizeof(xattr), OURS "%s", name) > 255)
		return posix_lost(m, name, flags);
	return set_xattr(m, fd, xattr, name, value, flags);
}

enum migrate_status posix_store_attributes(struct posix_session *s, struct migrate_session *m,
					   int fd, const struct migrate_attributes *attributes,
					   uint32_t flags)
{
	enum migrate_status status = MIGRATE_OK;
	struct migrate_bytes value;
	const char *name;

	if (!attributes)
		return MIGRATE_OK;
	for (size_t i = 0; !status && migrate_attribute_at(attributes, i, &name, &value); i++)
		status = store_one(s, m, fd, name, value, flags);
	return status;
}

enum migrate_status posix_copy_attributes(struct posix_session *s, struct migrate_session *m,
					  int in, int out, uint32_t flags)
{
	char *names = s->buffer, *value = s->buffer + NAMES_SIZE, name[512];
	ssize_t n = list_names(in, names);
	enum migrate_status status = MIGRATE_OK;

	if (n < 0)
		return migrate_fail_errno(m, errno, "cannot list its extended attributes");
	for (const char *x = names; !status && x < names + n; x += strlen(x) + 1) {
		ssize_t length;

		if (!is_users(x))
			continue;
		length = fgetxattr(in, x, value, VALUE_MAX);
		if (length < 0 && errno == ENODATA)
			continue;
		if (length < 0)
			return migrate_fail_errno(m, errno, "cannot read its attribute '%s'", x);
		status =
		    set_xattr(m, out, x, attribute_name(x, name),
			      (struct migrate_bytes){ .p = value, .n = (size_t)length }, flags);
	}
	return status;
}

static enum migrate_status set_owner(struct migrate_session *m, int fd,
				     const struct posix_finish *f, uint32_t flags)
{
	if (!fchown(fd, f->uid, f->gid))
		return MIGRATE_OK;
	if (errno == EPERM || errno == EINVAL || errno == EOPNOTSUPP)
		return posix_lost(m, "owner", flags);
	return migrate_fail_errno(m, errno, "cannot set its owner");
}

/* Owner, mode and time: in this order, because each of them changes what follows. */
enum migrate_status posix_finish(struct posix_session *s, struct migrate_session *m, int fd,
				 const struct posix_finish *f, uint32_t flags)
{
	bool owner = f->has_owner && s->store->privileged;
	bool has_uid = f->uid != (uid_t)-1, has_gid = f->gid != (gid_t)-1;
	enum migrate_status status = MIGRATE_OK;
	struct stat st;

	if (owner || f->has_mode) {
		if (fstat(fd, &st))
			return migrate_fail_errno(m, errno, "cannot look at the new file");
		if (owner && ((has_uid && st.st_uid != f->uid) || (has_gid && st.st_gid != f->gid)))
			status = set_owner(m, fd, f, flags);
		if (!status && f->has_mode && (st.st_mode & 07777) != f->mode &&
		    fchmod(fd, f->mode))
			status = errno == EPERM
				     ? posix_lost(m, "mode", flags)
				     : migrate_fail_errno(m, errno, "cannot set its mode");
	}
	if (!status && f->has_mtime) {
		struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, f->mtime };

		if (s->store->no_inode) /* not every file system in user space can omit one */
			times[0] = f->mtime;
		if (futimens(fd, times))
			status = migrate_fail_errno(m, errno, "cannot set its time");
	}
	return status;
}
