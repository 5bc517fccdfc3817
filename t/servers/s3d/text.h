/* SPDX-License-Identifier: MIT */
#ifndef S3D_TEXT_H
#define S3D_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Growing text, and the memory of a test server: when there is none left it
 * says so and ends, so that no caller has to. A text is NUL-terminated once
 * anything was added; the bytes before may hold NULs too.
 *
 * Nothing here comes from the code under test: a mistake made in both would
 * cancel itself out.
 */
struct text {
	char *p;
	size_t len;
	size_t cap;
};

/* A run of bytes of somebody else. Keys are bytes, never C strings. */
struct bytes {
	const char *p;
	size_t len;
};

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *must_alloc(size_t n);
void *must_zero(size_t n);
void *must_grow(void *p, size_t n);
void *must_dup(const void *p, size_t n);
char *must_text(const char *s);

void text_add(struct text *t, const void *p, size_t n);
void text_puts(struct text *t, const char *s);
void text_put_bytes(struct text *t, struct bytes b);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_reset(struct text *t);
void text_release(struct text *t);
const char *text_get(const struct text *t);

/* Percent-encode all but the unreserved characters and those of also. */
void text_url(struct text *t, struct bytes b, const char *also);

/* Escape for XML; control characters become references, as S3 has them. */
void text_xml(struct text *t, struct bytes b);

/* The inside of a JSON string. */
void text_json(struct text *t, struct bytes b);

void text_hex(struct text *t, const void *p, size_t n);
void text_base64(struct text *t, const void *p, size_t n);

/* Bytes of base64 text; -1 when it is not that, or longer than max. */
int base64_decode(const char *s, unsigned char *to, size_t max);

/* Decode %XX, and + as a space when plus; to may be from. Returns the length. */
size_t url_decode(char *to, const char *from, size_t n, bool plus);

/* -1 when c is no hexadecimal digit. */
int hex_value(char c);

static inline struct bytes bytes_of(const char *s)
{
	return (struct bytes){ s, __builtin_strlen(s) };
}

bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_start(struct bytes b, struct bytes start);
int bytes_compare(struct bytes a, struct bytes b);

/* A whole decimal number from 0 to max, and nothing else. */
bool number_of(const char *s, unsigned long long max, unsigned long long *to);

/* '*' and '?' in pattern match as in a shell, '/' included. */
bool glob_match(struct bytes pattern, struct bytes name);

#endif
