/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_SECRET_H
#define MIGRATE_JOB_SECRET_H

#include <migrate/plugin.h>

/*
 * A secret: a length and bytes that only migrate_secret_reveal() hands out.
 * Kept in a list per process so that secrets_mask() can blank any of them in a
 * text that is about to be shown. Wiped when freed.
 */
struct migrate_secret *secret_new(const void *bytes, size_t n);
void secret_free(struct migrate_secret *s);

/* Replace every live secret of at least 4 bytes in text[0..n) by asterisks, in place. */
void secrets_mask(char *text, size_t n);

#endif
