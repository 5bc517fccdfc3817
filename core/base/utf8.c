/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

/* Bytes of what begins with this one; 0: nothing does. */
static size_t sequence_length(unsigned char lead)
{
	return lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
}

size_t utf8_decode(const void *bytes, size_t n, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = bytes;
	size_t length = n ? sequence_length(*p) : 0;

	if (!length || length > n)
		return 0;
	*c = length == 1 ? *p : *p & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3fu);
	}
	if (*c < least[length] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return length;
}

bool is_utf8(const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint32_t c;

	for (size_t i = 0, length; i < n; i += length) {
		length = p[i] < 0x80 ? 1 : utf8_decode(p + i, n - i, &c);
		if (!length)
			return false;
	}
	return true;
}
