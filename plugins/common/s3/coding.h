/* SPDX-License-Identifier: MIT */
#ifndef S3_CODING_H
#define S3_CODING_H

#include "../text.h"

#include <stdint.h>

/* How bytes, numbers and times are written in requests and answers. */

bool text_base64(struct text *t, const unsigned char *bytes, size_t n);
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
