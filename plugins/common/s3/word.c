/* SPDX-License-Identifier: MIT */
#include "uri.h"

#include <string.h>
#include <strings.h>

/* Printable ASCII goes as it is; anything else as an encoded word, as servers do themselves. */
bool s3_encode_value(struct text *to, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	bool same = !n || (p[0] != ' ' && p[n - 1] != ' ');

	for (size_t i = 0; same && i < n; i++)
		same = p[i] >= ' ' && p[i] < 0x7f;
	if (same && n >= 2 && p[0] == '=' && p[1] == '?')
		same = false;
	if (same)
		return text_add(to, bytes, n);
	if (!migrate_is_utf8(p, n) || memchr(p, '\0', n))
		return false;
	text_str(to, "=?UTF-8?B?");
	text_base64(to, p, n);
	return text_str(to, "?=");
}

static bool decode_base64(struct text *to, const char *p, size_t n)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t v = 0;
	unsigned int bits = 0;

	for (; n && *p != '='; p++, n--) {
		const char *d = *p ? strchr(digits, *p) : NULL;

		if (!d)
			return false;
		v = v << 6 | (uint32_t)(d - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			text_char(to, (char)(v >> bits & 255));
		}
	}
	return true;
}

static bool decode_quoted(struct text *to, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char byte = (unsigned char)p[i];

		if (byte == '=') {
			if (n - i < 3 || !hex_bytes(p + i + 1, 2, &byte))
				return false;
			i += 2;
		} else if (byte == '_') {
			byte = ' ';
		}
		text_char(to, (char)byte);
	}
	return true;
}

/* A value that is one or more encoded words in UTF-8; any other stays what it is. */
void s3_decode_word(struct text *to, const char *text)
{
	size_t start = to->n;
	const char *p = text;

	while (!strncmp(p, "=?", 2)) {
		const char *kind = strchr(p + 2, '?'), *end;
		bool ok;

		if (!kind || !kind[1] || kind[2] != '?' || strncasecmp(p + 2, "utf-8", 5) != 0 ||
		    kind != p + 7 || !(end = strstr(kind + 3, "?=")))
			break;
		ok = kind[1] == 'B' || kind[1] == 'b'
			 ? decode_base64(to, kind + 3, (size_t)(end - kind - 3))
			 : (kind[1] == 'Q' || kind[1] == 'q') &&
			       decode_quoted(to, kind + 3, (size_t)(end - kind - 3));
		if (!ok)
			break;
		p = end + 2 + strspn(end + 2, " ");
	}
	if (!*p && p != text)
		return;
	text_cut(to, start);
	text_str(to, text);
}
