/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SORTER_MEMORY ((size_t)4 * 1024 * 1024)

/*
 * A record is the name (with the slash of a folder), a NUL, the type: so records
 * sort as names do, and go into a sorter as they are. In text each is preceded by
 * two bytes of its length.
 */

static bool is_hex(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(p[i] >= '0' && p[i] <= '9') && !(p[i] >= 'a' && p[i] <= 'f'))
			return false;
	return true;
}

/* "-", up to 16 digits, and that once more. */
static bool tells_inodes(const char *p, size_t n)
{
	const char *second = memrchr(p, '-', n);
	size_t one = second > p ? (size_t)(second - p) - 1 : 0, other = n - one - 2;

	return p[0] == '-' && one && one <= 16 && other && other <= 16 && is_hex(p + 1, one) &&
	       is_hex(second + 1, other);
}

bool posix_is_temporary(const char *name, size_t n)
{
	static const char begin[] = ".migrate-";
	const size_t at = sizeof(begin) - 1;

	return n >= POSIX_TEMP_PLAIN && !memcmp(name, begin, at) && is_hex(name + at, 8) &&
	       name[at + 8] == '-' && is_hex(name + at + 9, 16) && name[at + 25] == '-' &&
	       is_hex(name + at + 26, 8) &&
	       (n == POSIX_TEMP_PLAIN ||
		tells_inodes(name + POSIX_TEMP_PLAIN, n - POSIX_TEMP_PLAIN));
}

bool posix_is_upload_folder(const char *name, size_t n)
{
	static const char begin[] = ".migrate-", end[] = "-uploads";
	const size_t at = sizeof(begin) - 1;

	return n == at + 8 + sizeof(end) - 1 && !memcmp(name, begin, at) && is_hex(name + at, 8) &&
	       !memcmp(name + at + 8, end, sizeof(end) - 1);
}

static size_t record_size(const char *record)
{
	uint16_t n;

	memcpy(&n, record, sizeof(n));
	return n;
}

static int compare(const void *a, const void *b, void *text)
{
	const char *x = (const char *)text + *(const uint32_t *)a;
	const char *y = (const char *)text + *(const uint32_t *)b;
	size_t nx = record_size(x), ny = record_size(y), n = nx < ny ? nx : ny;
	int c = memcmp(x + 2, y + 2, n);

	return c ? c : (nx > ny) - (nx < ny);
}

/* Everything in memory goes to a sorter, which takes the rest as well. */
static int spill(struct posix_names *names, struct migrate_session *m)
{
	names->sorter = migrate_sorter_new(m, SORTER_MEMORY);
	if (!names->sorter)
		return ENOMEM;
	for (size_t i = 0; i < names->n; i++) {
		const char *record = names->text + names->order[i];

		if (!migrate_sorter_add(names->sorter, record + 2, record_size(record)))
			return EIO;
	}
	free(names->text);
	free(names->order);
	names->text = NULL;
	names->order = NULL;
	names->n = names->cap = names->text_n = names->text_cap = 0;
	return 0;
}

static bool make_room(struct posix_names *names, size_t n)
{
	if (names->n == names->cap) {
		size_t cap = names->cap ? names->cap * 2 : 64;
		uint32_t *order = realloc(names->order, cap * sizeof(*order));

		if (!order)
			return false;
		names->order = order;
		names->cap = cap;
	}
	if (n > names->text_cap - names->text_n) {
		size_t cap = names->text_cap ? names->text_cap * 2 : 4096;
		char *text = realloc(names->text, cap);

		if (!text)
			return false;
		names->text = text;
		names->text_cap = cap;
	}
	return true;
}

/* One record of n bytes. 0 or an errno. */
static int add_record(struct posix_names *names, struct posix_session *s, struct migrate_session *m,
		      const char *record, size_t n)
{
	uint16_t length = (uint16_t)n;
	int error = 0;

	if (!names->sorter &&
	    (names->n >= s->store->limits.names || names->text_n >= s->store->limits.text))
		error = spill(names, m);
	if (error)
		return error;
	if (names->sorter)
		return migrate_sorter_add(names->sorter, record, n) ? 0 : EIO;
	if (!make_room(names, n + sizeof(length)))
		return ENOMEM;
	names->order[names->n++] = (uint32_t)names->text_n;
	memcpy(names->text + names->text_n, &length, sizeof(length));
	memcpy(names->text + names->text_n + sizeof(length), record, n);
	names->text_n += sizeof(length) + n;
	return 0;
}

static char type_of_mode(mode_t mode)
{
	if (S_ISREG(mode))
		return 'f';
	if (S_ISDIR(mode))
		return 'd';
	return S_ISLNK(mode) ? 'l' : 's';
}

/* '\0': it is gone. */
static char type_of(int fd, const struct dirent64 *e)
{
	struct stat st;

	switch (e->d_type) {
	case DT_REG:
		return 'f';
	case DT_DIR:
		return 'd';
	case DT_LNK:
		return 'l';
	case DT_UNKNOWN:
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			return errno == ENOENT ? '\0' : 'f'; /* the listing's own stat says why */
		return type_of_mode(st.st_mode);
	default:
		return 's';
	}
}

static bool begins(const char *p, size_t n, const void *with, size_t m)
{
	return n >= m && (!m || !memcmp(p, with, m));
}

static bool is_wanted(const struct posix_filter *f, const char *name, size_t n, bool folder)
{
	size_t least = n < f->after.n ? n : f->after.n;
	int c;

	if (!begins(name, n, f->prefix.p, f->prefix.n))
		return false;
	if (!f->after.n)
		return true;
	if (folder && !f->strict && begins(f->after.p, f->after.n, name, n))
		return true; /* `after` lies inside */
	c = memcmp(name, f->after.p, least);
	return c > 0 || (!c && n > f->after.n);
}

static int add_entry(struct posix_names *names, struct posix_session *s, struct migrate_session *m,
		     int fd, const struct dirent64 *e, const struct posix_filter *filter)
{
	size_t n = strlen(e->d_name);
	char record[sizeof(e->d_name) + 3], type;

	if (e->d_name[0] == '.' && (n == 1 || (n == 2 && e->d_name[1] == '.')))
		return 0;
	if (posix_is_temporary(e->d_name, n) || posix_is_upload_folder(e->d_name, n))
		return 0;
	type = type_of(fd, e);
	if (!type)
		return 0;
	names->seen++;
	memcpy(record, e->d_name, n);
	if (type == 'd')
		record[n++] = '/';
	if (!is_wanted(filter, record, n, type == 'd'))
		return 0;
	record[n] = '\0';
	record[n + 1] = type;
	return add_record(names, s, m, record, n + 2);
}

int posix_names_read(struct posix_names *names, struct posix_session *s, struct migrate_session *m,
		     int fd, const struct posix_filter *filter)
{
	for (;;) {
		ssize_t n = getdents64(fd, s->buffer, POSIX_BUFFER);
		int error = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (!n)
			break;
		migrate_progress(m);
		if (migrate_cancelled(m))
			return ECANCELED;
		for (ssize_t at = 0; !error && at < n;) {
			const struct dirent64 *e = (const void *)(s->buffer + at);

			error = add_entry(names, s, m, fd, e, filter);
			at += e->d_reclen;
		}
		if (error)
			return error;
	}
	if (!names->sorter && names->n > 1)
		qsort_r(names->order, names->n, sizeof(*names->order), compare, names->text);
	return 0;
}

int posix_names_next(struct posix_names *names, struct posix_name *name)
{
	struct migrate_bytes record;

	if (names->sorter) {
		int got = migrate_sorter_next(names->sorter, &record);

		if (got != 1)
			return got;
	} else {
		const char *at;

		if (names->at == names->n)
			return 0;
		at = names->text + names->order[names->at++];
		record = (struct migrate_bytes){ .p = at + 2, .n = record_size(at) };
	}
	name->p = record.p;
	name->n = record.n - 2;
	name->type = name->p[record.n - 1];
	return 1;
}

size_t posix_names_held(const struct posix_names *names)
{
	return names->text_cap + names->cap * sizeof(*names->order) +
	       (names->sorter ? SORTER_MEMORY : 0);
}

void posix_names_release(struct posix_names *names)
{
	free(names->text);
	free(names->order);
	if (names->sorter)
		migrate_sorter_free(names->sorter);
	*names = (struct posix_names){ .text = NULL };
}
