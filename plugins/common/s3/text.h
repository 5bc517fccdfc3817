/* SPDX-License-Identifier: MIT */
#ifndef S3_TEXT_H
#define S3_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A text that grows. Invariants: p is NULL or holds n bytes and a NUL behind them;
 * once bad (out of memory) it stays so until it is reset, and adding does nothing:
 * it is enough to look at the end.
 */
struct text {
	char *p;
	size_t n, cap;
	bool bad;
};

bool text_add(struct text *t, const void *bytes, size_t n);
bool text_str(struct text *t, const char *text);
bool text_char(struct text *t, char c);
bool text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What is there as a C string, never NULL. */
const char *text_get(const struct text *t);
void text_reset(struct text *t);
void text_release(struct text *t);
/* Give back what a large answer took. */
void text_shrink(struct text *t, size_t keep);

bool text_base64(struct text *t, const unsigned char *bytes, size_t n);
void text_hex(struct text *t, const unsigned char *bytes, size_t n);
/* n hex digits to n / 2 bytes. */
bool hex_bytes(const char *hex, size_t n, unsigned char *bytes);
/* Copy, cut at the end if it must; always ends with a NUL. */
void text_copy(char *to, size_t size, const char *from);
/* All of it is digits, and it fits. */
bool text_number(const char *text, uint64_t *value);

/* "Wed, 21 Oct 2015 07:28:00 GMT" or "2015-10-21T07:28:00.000Z"; ns since 1970. */
bool time_parse(const char *text, int64_t *ns);
/* Seconds since 1970 as 20151021T072800Z. */
void time_compact(int64_t seconds, char text[17]);

#endif
