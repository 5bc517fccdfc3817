/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_TEXTS_PHP_H
#define MIGRATE_JOB_TEXTS_PHP_H

#include "base/edits.h"
#include "base/error.h"

/*
 * Values as PHP's serialize() writes them: s:5:"hello"; says how many bytes a
 * string has, so a string cannot be changed without its length. The strings of
 * such a value are given to a function that edits them; the lengths of all that
 * stands around are mended.
 *
 * Only what would be read back by PHP is touched: the whole text must be one value
 * (blanks behind it are allowed), by a strict reading. Keys of arrays, names of
 * classes and properties, and what a class serialises its own way (C:) stay as
 * they are. A string that is such a value itself is read the same way, up to
 * PHP_NESTED deep.
 */
#define PHP_NESTED 16

enum php_kind {
	PHP_NONE,     /* text of another sort */
	PHP_VALUE,    /* one value, whole */
	PHP_MALFORMED /* it begins like one, and is none */
};
enum php_kind php_kind(struct migrate_bytes text);
/* Does a piece of such a value stand in it, as in a session's name|s:5:"hello";? */
bool php_stands_in(struct migrate_bytes text);

/*
 * Called with n bytes at `at` of the whole text; adds their edits in ascending order.
 * fixed: they stay as they are (a key, a value that is malformed or nested too deep):
 * to be counted, not edited. 0 or -1.
 */
typedef int php_edit_string(void *arg, struct migrate_bytes text, size_t at, size_t n, bool fixed,
			    struct edits *edits);

/* text is PHP_VALUE. Bytes of lengths live in a. -1: out of memory, or edit() said so. */
int php_edit(struct migrate_bytes text, struct arena *a, php_edit_string *edit, void *arg,
	     struct edits *edits);

#endif
