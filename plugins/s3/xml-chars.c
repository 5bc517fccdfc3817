/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <string.h>

/*
 * XML 1.0 has no control characters, not even as references, yet servers refer to those of a key
 * or a marker. Each gets a stand-in for the parser: U+FDD0 and on, which are no characters.
 */
#define STAND_IN "\xef\xb7"
#define FIRST 0x90 /* the third byte of the stand-in for NUL */

static bool is_stand_in(const char *p, size_t n)
{
	return n >= 3 && !memcmp(p, STAND_IN, 2) && (unsigned char)p[2] >= FIRST &&
	       (unsigned char)p[2] < FIRST + 32;
}

static bool has_stand_ins(const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end && (p = memmem(p, (size_t)(end - p), STAND_IN, 2))) {
		if (is_stand_in(p, (size_t)(end - p)))
			return true;
		p++;
	}
	return false;
}

/* The reference to a control character that begins here: its length; 0: it is none. */
static size_t control_reference(const char *p, size_t n, unsigned int *c)
{
	bool hex = n > 2 && p[2] == 'x';
	size_t i = hex ? 3 : 2, digits = i;

	*c = 0;
	for (; i < n && i - digits < 5; i++) {
		unsigned int d = (unsigned char)p[i];

		if (d >= '0' && d <= '9')
			d -= '0';
		else if (hex && (d | 32) >= 'a' && (d | 32) <= 'f')
			d = (d | 32) - 'a' + 10;
		else
			break;
		*c = *c * (hex ? 16 : 10) + d;
	}
	if (i == digits || i == n || p[i] != ';' || !*c || *c >= ' ' || *c == '\t' || *c == '\n' ||
	    *c == '\r')
		return 0;
	return i + 1;
}

bool s3_xml_stand_in(const char *p, size_t n, struct text *to)
{
	const char *end = p + n, *done = p;
	unsigned int c;
	size_t skip;

	while (p < end && (p = memmem(p, (size_t)(end - p), "&#", 2))) {
		skip = control_reference(p, (size_t)(end - p), &c);
		if (!skip) {
			p += 2;
			continue;
		}
		text_add(to, done, (size_t)(p - done));
		text_str(to, STAND_IN);
		text_char(to, (char)(FIRST + c));
		done = p += skip;
	}
	if (!to->n)
		return false;
	text_add(to, done, (size_t)(end - done));
	/* where one stands already, or a reference is no reference, nobody could tell them apart */
	return !to->bad && !has_stand_ins(end - n, n) && !memmem(end - n, n, "<![CDATA[", 9);
}

size_t s3_xml_undo_stand_in(char *text, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n; to++) {
		if (is_stand_in(text + i, n - i)) {
			text[to] = (char)((unsigned char)text[i + 2] - FIRST);
			i += 3;
		} else {
			text[to] = text[i++];
		}
	}
	text[to] = '\0';
	return to;
}
