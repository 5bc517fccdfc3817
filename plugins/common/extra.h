/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGINS_EXTRA_H
#define MIGRATE_PLUGINS_EXTRA_H

#include <migrate/plugin.h>

/*
 * extra: what the `set:` columns of a row held, kept in the journal for an undo. For each a
 * byte that says whether it is NULL (0) or not (1), then its length in four bytes and what the
 * server shows of it. Journals hold these: the coding stays as it is.
 */
#define EXTRA_MAX 65536

/* Of these values, in out[EXTRA_MAX]; p NULL: NULL. */
enum migrate_status extra_write(struct migrate_session *session, const struct migrate_bytes *values,
				size_t count, unsigned char *out, struct migrate_bytes *extra);
/* The next of them; false: there is none, or it is not written so. */
bool extra_next(struct migrate_bytes *extra, struct migrate_bytes *value);
/* They need more than EXTRA_MAX, in whatever coding. */
enum migrate_status extra_too_large(struct migrate_session *session);

#endif
