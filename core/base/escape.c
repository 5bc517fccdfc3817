/* SPDX-License-Identifier: MIT */
#include "base/escape.h"

#include "base/utf8.h"

struct range {
	uint32_t first;
	uint32_t last;
};

/* Valid code points that a reader would not see, or would see elsewhere. */
static const struct range unsafe[] = {
	{ 0x0000, 0x001f }, /* C0 */
	{ 0x005c, 0x005c }, /* backslash: our own escape character */
	{ 0x007f, 0x009f }, /* DEL, C1 */
	{ 0x061c, 0x061c }, /* Arabic letter mark */
	{ 0x200b, 0x200f }, /* zero width, direction marks */
	{ 0x2028, 0x202e }, /* line separators, embeddings, overrides */
	{ 0x2060, 0x206f }, /* word joiner, isolates, deprecated controls */
	{ 0xfeff, 0xfeff }, /* byte order mark */
};

static bool is_unsafe(uint32_t c)
{
	for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
		if (c >= unsafe[i].first && c <= unsafe[i].last)
			return true;
	return false;
}

static bool add_hex(struct buf *out, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	const char hex[] = { '\\', 'x', digits[byte >> 4], digits[byte & 15] };

	return buf_add(out, hex, sizeof(hex));
}

static bool escape(struct buf *out, const void *bytes, size_t n, bool backslash_passes)
{
	const unsigned char *p = bytes, *end = p + n;

	while (p < end) {
		uint32_t c = 0;
		size_t len = utf8_decode(p, (size_t)(end - p), &c);
		bool plain = len && (!is_unsafe(c) || (backslash_passes && c == '\\'));

		if (!(plain ? buf_add(out, p, len) : add_hex(out, *p)))
			return false;
		p += plain ? len : 1;
	}
	return true;
}

bool escape_add(struct buf *out, const void *bytes, size_t n)
{
	return escape(out, bytes, n, false);
}

bool escape_message(struct buf *out, const void *bytes, size_t n)
{
	return escape(out, bytes, n, true);
}

const char *shown_key(struct arena *a, struct migrate_bytes key)
{
	BUF_AUTO struct buf b = BUF_INIT(4 * MIGRATE_KEY_MAX);
	const char *text;

	escape_add(&b, key.p, key.n);
	text = arena_copy(a, b.p, b.len);
	return text ? text : "?";
}
