/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/edits.h"

#include <endian.h>
#include <string.h>
#include <zlib.h>

/*
 * What a text was before it was changed: its length in eight bytes, then a zlib
 * stream. The whole of it, so that a change can be taken back whatever happens to
 * the row; the new text is made of it by the edits.
 */
#define HEAD 8
#define TEXT_MAX ((size_t)512 << 20)

bool journal_text_pack(struct arena *a, struct migrate_bytes text, struct migrate_bytes *out)
{
	uLongf n = compressBound(text.n);
	uint64_t head = htole64(text.n);
	unsigned char *p = text.n <= TEXT_MAX ? arena_alloc(a, HEAD + n) : NULL;

	if (!p)
		return false;
	memcpy(p, &head, HEAD);
	if (compress2(p + HEAD, &n, text.n ? text.p : (const void *)"", text.n, 1) != Z_OK)
		return false;
	*out = (struct migrate_bytes){ .p = p, .n = HEAD + n };
	return true;
}

static bool inflate_text(struct arena *a, struct migrate_bytes packed, struct migrate_bytes *out)
{
	const unsigned char *p = packed.p;
	unsigned char *text;
	uint64_t head;
	uLongf n;

	if (packed.n < HEAD)
		return false;
	memcpy(&head, p, HEAD);
	head = le64toh(head);
	if (head > TEXT_MAX)
		return false;
	text = arena_alloc(a, head + 1);
	n = head;
	*out = (struct migrate_bytes){ .p = text, .n = head };
	return text && uncompress(text, &n, p + HEAD, packed.n - HEAD) == Z_OK && n == head;
}

bool journal_text_unpack(struct arena *a, struct row_record *r)
{
	BUF_AUTO struct buf after = BUF_INIT(2 * TEXT_MAX);

	return inflate_text(a, r->before, &r->before) &&
	       edits_unpack(r->edits, r->before, &after) &&
	       arena_bytes(a, (struct migrate_bytes){ .p = after.p, .n = after.len }, &r->after);
}
