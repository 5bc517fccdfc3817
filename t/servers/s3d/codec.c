/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <string.h>

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void text_url(struct text *t, struct bytes b, const char *also)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < b.len; i++) {
		unsigned char c = (unsigned char)b.p[i];
		char escaped[3] = { '%', digits[c >> 4], digits[c & 15] };

		if (is_unreserved(b.p[i]) || (c && strchr(also, c)))
			text_add(t, &b.p[i], 1);
		else
			text_add(t, escaped, 3);
	}
}

void text_xml(struct text *t, struct bytes b)
{
	size_t plain = 0;

	for (size_t i = 0; i < b.len; i++) {
		unsigned char c = (unsigned char)b.p[i];
		const char *name = c == '&'   ? "&amp;"
				   : c == '<' ? "&lt;"
				   : c == '>' ? "&gt;"
				   : c == '"' ? "&quot;"
					      : NULL;

		if (!name && c >= 0x20)
			continue;
		text_add(t, b.p + plain, i - plain);
		plain = i + 1;
		if (name)
			text_puts(t, name);
		else
			text_printf(t, "&#x%x;", c);
	}
	text_add(t, b.p + plain, b.len - plain);
}

void text_json(struct text *t, struct bytes b)
{
	for (size_t i = 0; i < b.len; i++) {
		unsigned char c = (unsigned char)b.p[i];

		if (c == '"' || c == '\\')
			text_printf(t, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			text_printf(t, "\\u%04x", c);
		else
			text_add(t, &b.p[i], 1);
	}
}

void text_hex(struct text *t, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = p;

	for (size_t i = 0; i < n; i++) {
		char two[2] = { digits[from[i] >> 4], digits[from[i] & 15] };

		text_add(t, two, 2);
	}
}

void text_base64(struct text *t, const void *p, size_t n)
{
	const unsigned char *from = p;

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)from[i] << 16;
		char four[4];

		if (i + 1 < n)
			v |= (unsigned)from[i + 1] << 8;
		if (i + 2 < n)
			v |= from[i + 2];
		four[0] = base64_digits[v >> 18];
		four[1] = base64_digits[(v >> 12) & 63];
		four[2] = i + 1 < n ? base64_digits[(v >> 6) & 63] : '=';
		four[3] = i + 2 < n ? base64_digits[v & 63] : '=';
		text_add(t, four, 4);
	}
}

int base64_decode(const char *s, unsigned char *to, size_t max)
{
	size_t n = strlen(s), len = 0;
	unsigned v = 0, bits = 0;

	if (n % 4)
		return -1;
	while (n && s[n - 1] == '=' && strlen(s) - n < 2)
		n--;
	for (size_t i = 0; i < n; i++) {
		const char *digit = strchr(base64_digits, s[i]);

		if (!digit || len > max)
			return -1;
		v = v << 6 | (unsigned)(digit - base64_digits);
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (len == max)
			return -1;
		to[len++] = (unsigned char)(v >> bits);
	}
	return (int)len;
}

int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

size_t url_decode(char *to, const char *from, size_t n, bool plus)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (from[i] == '%' && i + 2 < n && hex_value(from[i + 1]) >= 0 &&
		    hex_value(from[i + 2]) >= 0) {
			to[len++] = (char)(hex_value(from[i + 1]) << 4 | hex_value(from[i + 2]));
			i += 2;
		} else {
			to[len++] = from[i] == '+' && plus ? ' ' : from[i];
		}
	}
	return len;
}
