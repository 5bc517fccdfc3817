/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGINS_IDENTITY_H
#define MIGRATE_PLUGINS_IDENTITY_H

#include <migrate/plugin.h>

/*
 * A row's identity: for each column of the key its length in two bytes, then bytes that are the
 * plugin's affair. Journals hold these: the coding stays as it is.
 */

/* Append a part to out[*n..MIGRATE_IDENTITY_MAX). False: it does not fit. */
bool identity_add(unsigned char *out, size_t *n, struct migrate_bytes part);
/* Take the next part. False: there is none, or it is not written so. */
bool identity_next(struct migrate_bytes *identity, struct migrate_bytes *part);
/*
 * Pages follow each other in the order of the key: is identity[0..n) behind this cursor?
 * ordered: memcmp() makes the order that the server has.
 */
bool identity_is_behind(const void *identity, size_t n, struct migrate_bytes cursor, bool ordered);

/* INVALID; in the same words whatever the coding. */
enum migrate_status identity_too_long(struct migrate_session *session, const char *table);
enum migrate_status not_an_identity(struct migrate_session *session, const char *table);
enum migrate_status not_a_cursor(struct migrate_session *session);

/*
 * The key as struct migrate_row shows it: append to text[at..max), and say where it ends now.
 * What does not fit is cut, as it is only shown.
 */
size_t show_printf(char *text, size_t max, size_t at, const char *format, ...) MIGRATE_PRINTF(4, 5);
/* A value whose end can be told. */
size_t show_text(char *text, size_t max, size_t at, struct migrate_bytes value);
/* As digits, 16 bytes as a uuid. */
size_t show_bytes(char *text, size_t max, size_t at, struct migrate_bytes value);

#endif
