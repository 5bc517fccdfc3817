/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/bytes.h"
#include "base/edits.h"

#include <endian.h>
#include <string.h>
#include <zlib.h>

/*
 * What the texts of a chunk were before they were changed: the length of it all in
 * eight bytes, then a zlib stream of each text behind its length. Whole texts, so that
 * a change can be taken back whatever happens to the row; the new ones are made of
 * them by their edits. All in the first row: a chunk of small texts compresses far
 * better than each of them, and fills its pages.
 */
#define HEAD 8
#define TEXT_MAX ((size_t)512 << 20)

static bool add_length(struct buf *b, size_t n)
{
	uint64_t head = htole64(n);

	return buf_add(b, &head, HEAD);
}

static size_t length_at(const unsigned char *p)
{
	uint64_t head;

	memcpy(&head, p, HEAD);
	return le64toh(head);
}

bool journal_texts_pack(struct arena *a, const struct chunk *c, struct migrate_bytes *out)
{
	BUF_AUTO struct buf all = BUF_INIT(TEXT_MAX);
	unsigned char *p;
	uint64_t head;
	uLongf n;

	for (uint32_t i = 0; i < c->n; i++)
		if (!add_length(&all, c->rows[i].before.n) ||
		    !buf_add(&all, c->rows[i].before.p, c->rows[i].before.n))
			return false;
	n = compressBound(all.len);
	p = arena_alloc(a, HEAD + n);
	if (!p)
		return false;
	head = htole64(all.len);
	memcpy(p, &head, HEAD);
	if (compress2(p + HEAD, &n, all.p ? all.p : (const void *)"", all.len, 1) != Z_OK)
		return false;
	*out = bytes_of(p, HEAD + n);
	return true;
}

static bool inflate_all(struct arena *a, struct migrate_bytes packed, struct migrate_bytes *out)
{
	const unsigned char *p = packed.p;
	unsigned char *text;
	size_t head;
	uLongf n;

	if (packed.n < HEAD || length_at(p) > TEXT_MAX)
		return false;
	n = head = length_at(p);
	text = arena_alloc(a, head + 1);
	*out = bytes_of(text, head);
	return text && uncompress(text, &n, p + HEAD, packed.n - HEAD) == Z_OK && n == head;
}

/* The next text of *all. */
static bool take_text(struct migrate_bytes *all, struct migrate_bytes *out)
{
	const unsigned char *p = all->p;
	size_t n = all->n < HEAD ? SIZE_MAX : length_at(p);

	if (n == SIZE_MAX || n > all->n - HEAD)
		return false;
	*out = bytes_of(p + HEAD, n);
	*all = bytes_of(p + HEAD + n, all->n - HEAD - n);
	return true;
}

bool journal_texts_unpack(struct arena *a, struct chunk *c)
{
	BUF_AUTO struct buf after = BUF_INIT(2 * TEXT_MAX);
	struct migrate_bytes all;

	if (!c->n)
		return true;
	if (!inflate_all(a, c->rows[0].before, &all))
		return false;
	for (uint32_t i = 0; i < c->n; i++) {
		struct row_record *r = &c->rows[i];

		buf_reset(&after);
		r->edits = r->after;
		if (!take_text(&all, &r->before) || !edits_unpack(r->edits, r->before, &after) ||
		    !arena_bytes(a, bytes_of(after.p, after.len), &r->after))
			return false;
	}
	return !all.n;
}
