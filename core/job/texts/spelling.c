/* SPDX-License-Identifier: MIT */
#include "job/texts/spelling.h"

#include "base/bytes.h"
#include "base/utf8.h"

#include <stdio.h>

#define ENTITY_MAX 10 /* bytes of a reference that is looked for backwards */

/* ---- UTF-8 ---- */

/* The code point that begins at p, UINT32_MAX if none does; *n: its bytes. */
static uint32_t utf8_read(const unsigned char *p, size_t left, size_t *n)
{
	uint32_t c;

	*n = utf8_decode(p, left, &c);
	return *n ? c : UINT32_MAX;
}

static uint8_t utf8_write(uint32_t c, unsigned char out[4])
{
	if (c < 0x80) {
		out[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (unsigned char)(0xc0 | c >> 6);
		out[1] = (unsigned char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (unsigned char)(0xe0 | c >> 12);
		out[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (unsigned char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (unsigned char)(0xf0 | c >> 18);
	out[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (unsigned char)(0x80 | (c & 0x3f));
	return 4;
}

/* ---- Reading ---- */

static bool hex_digits(const unsigned char *p, size_t n, uint32_t *value)
{
	*value = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = p[i];
		uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
				 : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
							: 16;

		if (digit > 15)
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static void set_point(struct glyph *g, uint32_t c, size_t raw, uint8_t how)
{
	g->n = utf8_write(c, g->bytes);
	g->raw = (uint8_t)raw;
	g->how = how;
}

/* \u1234, or two of them that make one character. */
static bool read_unicode(const unsigned char *p, size_t left, struct glyph *g)
{
	uint32_t c, low;

	if (left < 6 || p[1] != 'u' || !hex_digits(p + 2, 4, &c) || !c)
		return false;
	if (c >= 0xd800 && c < 0xdc00) {
		if (left < 12 || p[6] != '\\' || p[7] != 'u' || !hex_digits(p + 8, 4, &low) ||
		    low < 0xdc00 || low >= 0xe000)
			return false;
		set_point(g, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00), 12, SPELLED_JSON);
		return true;
	}
	if (c >= 0xdc00 && c < 0xe000)
		return false;
	set_point(g, c, 6, SPELLED_JSON);
	return true;
}

static bool read_escape(const unsigned char *p, size_t left, struct glyph *g)
{
	if (left < 2)
		return false;
	if (p[1] == '/')
		set_point(g, '/', 2, SPELLED_SLASH);
	else if (p[1] == '"')
		set_point(g, '"', 2, SPELLED_JSON);
	else
		return read_unicode(p, left, g);
	return true;
}

/* &#38; &#x26; */
static bool read_numeric(const unsigned char *p, size_t left, struct glyph *g)
{
	bool hex = left > 3 && (p[2] == 'x' || p[2] == 'X');
	size_t i = hex ? 3 : 2;
	uint32_t c = 0, digit;

	for (; i < left && i < ENTITY_MAX && p[i] != ';'; i++) {
		if (!hex_digits(p + i, 1, &digit) || (!hex && digit > 9) || c > 0x10ffff)
			return false;
		c = c * (hex ? 16 : 10) + digit;
	}
	if (i == left || p[i] != ';' || !c || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	set_point(g, c, i + 1, SPELLED_HTML);
	return true;
}

static bool read_reference(const unsigned char *p, size_t left, struct glyph *g)
{
	static const struct {
		const char *name;
		uint8_t n;
		unsigned char c;
	} names[] = { { "&amp;", 5, '&' },
		      { "&lt;", 4, '<' },
		      { "&gt;", 4, '>' },
		      { "&quot;", 6, '"' },
		      { "&apos;", 6, '\'' } };

	if (left > 3 && p[1] == '#')
		return read_numeric(p, left, g);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (left >= names[i].n && !memcmp(p, names[i].name, names[i].n)) {
			set_point(g, names[i].c, names[i].n, SPELLED_HTML);
			return true;
		}
	return false;
}

void glyph_read(struct migrate_bytes text, size_t at, struct glyph *g)
{
	const unsigned char *p = (const unsigned char *)text.p + at;
	size_t left = text.n - at;

	if ((*p == '\\' && read_escape(p, left, g)) || (*p == '&' && read_reference(p, left, g)))
		return;
	*g = (struct glyph){ .bytes = { *p }, .n = 1, .raw = 1 };
}

/* ---- Where words end ---- */

bool is_word_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c >= 0x80 || (c && strchr("-_/~%+@.", c));
}

static bool is_word_point(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} marks[] = { { 0x80, 0xa9 },     { 0xab, 0xb4 },     { 0xb6, 0xb9 },
		      { 0xbb, 0xbf },     { 0x2000, 0x206f }, { 0x2e00, 0x2e7f },
		      { 0x3000, 0x303f }, { 0xfeff, 0xfeff }, { 0xff00, 0xff0f },
		      { 0xff1a, 0xff20 }, { 0xff3b, 0xff40 }, { 0xff5b, 0xff65 } };

	if (c < 0x80)
		return is_word_byte((unsigned char)c);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (c >= marks[i].first && c <= marks[i].last)
			return false;
	return true; /* what is no character at all belongs to a word: left alone */
}

static bool is_word_glyph(const struct glyph *g)
{
	size_t n;

	return is_word_point(utf8_read(g->bytes, g->n, &n));
}

/* The bytes of &eacute; and its like, which is a letter, for all that we know; 0: it is none. */
static size_t named_reference(const unsigned char *p, size_t left)
{
	size_t i = 1;

	while (i < left && i < ENTITY_MAX && is_word_byte(p[i]) && p[i] < 0x80 && p[i] != '/')
		i++;
	if (i == 1 || i >= left || p[i] != ';' || (i == 5 && !memcmp(p, "&nbsp", 5)))
		return 0;
	return i + 1;
}

static bool behind(struct migrate_bytes text, size_t at, bool dots)
{
	const unsigned char *p = (const unsigned char *)text.p + at;
	struct glyph g;
	size_t n;

	while (dots && at < text.n && *p == '.')
		p++, at++;
	if (at >= text.n)
		return true;
	if (*p >= 0x80)
		return !is_word_point(utf8_read(p, text.n - at, &n));
	glyph_read(text, at, &g);
	if (g.raw == 1 && *p == '&' && named_reference(p, text.n - at))
		return false;
	return !is_word_glyph(&g);
}

/* A dot is the end of a sentence if no word goes on behind it. */
bool boundary_behind(struct migrate_bytes text, size_t at)
{
	return behind(text, at, true);
}

/* An odd number of backslashes stands before `at`. */
static bool is_escaped(const unsigned char *p, size_t at)
{
	size_t n = 0;

	while (n < at && p[at - 1 - n] == '\\')
		n++;
	return n % 2;
}

/* What stands before is the end of an escape or of a reference: what does that mean? */
static bool read_glyph_back(struct migrate_bytes text, size_t at, struct glyph *g)
{
	const unsigned char *p = text.p;

	for (size_t back = 2; back <= ENTITY_MAX + 2 && back <= at; back++) {
		unsigned char c = p[at - back];

		if (c != '\\' && c != '&')
			continue;
		if (c == '\\' && is_escaped(p, at - back))
			return false;
		if (back == 2 && c == '\\' && strchr("nrtbf", p[at - 1])) {
			set_point(g, ' ', 2, SPELLED_JSON);
			return true;
		}
		glyph_read(text, at - back, g);
		return g->raw == back;
	}
	return false;
}

/* A named reference that we do not read ends here. */
static bool reference_ends(struct migrate_bytes text, size_t at)
{
	const unsigned char *p = text.p;

	for (size_t back = 3; back <= ENTITY_MAX && back <= at; back++)
		if (p[at - back] == '&')
			return named_reference(p + at - back, back) == back;
	return false;
}

bool boundary_before(struct migrate_bytes text, size_t at)
{
	const unsigned char *p = text.p;
	struct glyph g;
	size_t start = at, n;
	uint32_t c;

	if (!at)
		return true;
	if (p[at - 1] >= 0x80) {
		while (start && at - start < 4 && (p[--start] & 0xc0) == 0x80)
			;
		c = utf8_read(p + start, at - start, &n);
		return n == at - start && c != UINT32_MAX && !is_word_point(c);
	}
	if (read_glyph_back(text, at, &g))
		return !is_word_glyph(&g);
	if (p[at - 1] == ';' && reference_ends(text, at))
		return false;
	return !is_word_byte(p[at - 1]);
}

/* ---- Writing ---- */

static bool is_delicate(unsigned char c)
{
	return c < 0x20 || c == 0x7f || strchr("\"\\<>&'", c);
}

static bool spell_json_point(uint32_t c, struct buf *out)
{
	char text[16];

	if (c >= 0x10000) {
		c -= 0x10000;
		snprintf(text, sizeof(text), "\\u%04x\\u%04x", 0xd800 + (c >> 10),
			 0xdc00 + (c & 0x3ff));
	} else {
		snprintf(text, sizeof(text), "\\u%04x", c);
	}
	return buf_add_text(out, text);
}

/* One byte below 0x80. */
static bool spell_byte(unsigned char c, unsigned how, struct migrate_bytes old, struct buf *out)
{
	bool delicate = is_delicate(c);

	if (c == '/' && how & SPELLED_SLASH)
		return buf_add_text(out, "\\/");
	if (c == '&' && how & SPELLED_HTML)
		return buf_add_text(out, "&amp;");
	if (delicate && how & (SPELLED_SLASH | SPELLED_JSON) && (c < 0x20 || strchr("\"\\", c)))
		return spell_json_point(c, out);
	if (delicate && !memchr(old.n ? old.p : "", c, old.n))
		return false;
	return buf_add(out, &c, 1);
}

bool spell(struct migrate_bytes value, unsigned how, struct migrate_bytes old_value,
	   struct buf *out)
{
	const unsigned char *p = value.p, *end = p + value.n;
	size_t start = out->len, n = 1;

	for (; p < end; p += n) {
		bool ok;

		n = 1;
		if (*p < 0x80 || !(how & SPELLED_JSON)) {
			ok = *p < 0x80 ? spell_byte(*p, how, old_value, out) : buf_add(out, p, 1);
		} else {
			uint32_t c = utf8_read(p, (size_t)(end - p), &n);

			ok = c != UINT32_MAX && spell_json_point(c, out);
		}
		if (!ok) {
			out->len = start;
			return false;
		}
	}
	return true;
}
