/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_UTF8_H
#define MIGRATE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * UTF-8 as RFC 3629 has it: each character in its shortest form, up to U+10FFFF, no halves of
 * pairs of UTF-16.
 */

/* Bytes of the character that begins at bytes[0..n), and which it is; 0: none does. */
size_t utf8_decode(const void *bytes, size_t n, uint32_t *c);
/* Is all of it such characters, the last one whole? */
bool is_utf8(const void *bytes, size_t n);

#endif
