/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_TEXTS_SPELLING_H
#define MIGRATE_JOB_TEXTS_SPELLING_H

#include "base/buf.h"

#include <migrate/plugin.h>

/*
 * How a value is spelled inside a text, of which nobody says whether it is JSON,
 * HTML, Markdown or prose: plain, with JSON's escapes ("\/", "\u00e9"), or with
 * HTML's references ("&amp;", "&#38;"). What is read in one spelling is written
 * in the same again. And where a word ends, so that a value is not found inside
 * another one.
 */
enum spelling {
	SPELLED_PLAIN = 0,
	SPELLED_SLASH = 1 << 0, /* "\/" */
	SPELLED_JSON = 1 << 1,  /* "\u....", "\"" */
	SPELLED_HTML = 1 << 2   /* "&amp;" and numeric references */
};

/* One unit of a text: usually a byte that stands for itself. */
struct glyph {
	unsigned char bytes[4]; /* what it means */
	uint8_t n;
	uint8_t raw; /* bytes it takes in the text */
	uint8_t how; /* enum spelling */
};

/* at < text.n */
void glyph_read(struct migrate_bytes text, size_t at, struct glyph *g);

/*
 * May a value begin at `at`, end before it? A value that begins (ends) with a byte
 * that belongs to no word needs no boundary. Letters of any script, digits and
 * - _ / ~ % + @ belong to words, and a dot unless it ends a sentence.
 */
bool boundary_before(struct migrate_bytes text, size_t at);
bool boundary_behind(struct migrate_bytes text, size_t at);
bool is_word_byte(unsigned char c);

/*
 * Append value as the old text, which was read as `how`, was spelled. False: the new
 * value holds a character that must be quoted in some texts (one of " \ < > & ' or a
 * control character) and the old one does not show how. What cannot be said in JSON
 * (no UTF-8) is refused as well.
 */
bool spell(struct migrate_bytes value, unsigned how, struct migrate_bytes old_value,
	   struct buf *out);

#endif
