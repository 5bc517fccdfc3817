/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_SCHEMA_SECRET_H
#define MIGRATE_JOB_SCHEMA_SECRET_H

#include <migrate/plugin.h>

/*
 * A secret: a length and bytes that only migrate_secret_reveal() hands out.
 * Kept in a list per process so that secrets_mask() can blank any of them in a
 * text that is about to be shown. Wiped when freed.
 */
struct migrate_secret *secret_new(const void *bytes, size_t n);

/* The same for a text of which only parts are secret: the password in a URL. */
#define SECRET_PARTS_MAX 8
struct secret_part {
	size_t at, n;
};
struct migrate_secret *secret_new_parts(const void *bytes, size_t n,
					const struct secret_part *parts, size_t count);
/* Its bytes with a NUL behind them; they live as long as the secret. */
const char *secret_text(const struct migrate_secret *s);
/* The secret that this very pointer came from; NULL: it is no secret's text. */
struct migrate_secret *secret_of_text(const char *text);

void secret_free(struct migrate_secret *s);

/* Replace every live secret of at least 4 bytes in text[0..n) by asterisks, in place. */
void secrets_mask(char *text, size_t n);

#endif
