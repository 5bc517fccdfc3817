/* SPDX-License-Identifier: MIT */
#include "base/edits.h"

#include "base/bytes.h"

#include <stdlib.h>

/*
 * Packed: for each edit the distance from the one before, the bytes replaced, the
 * object (0: none), the bytes that take their place; all numbers in groups of seven
 * bits, the low ones first.
 */

bool edits_add(struct edits *e, const struct edit *one)
{
	if (e->n == e->cap) {
		size_t cap = e->cap ? 2 * e->cap : 16;
		struct edit *items = reallocarray(e->items, cap, sizeof(*items));

		if (!items)
			return false;
		e->items = items;
		e->cap = cap;
	}
	e->items[e->n++] = *one;
	return true;
}

void edits_release(struct edits *e)
{
	free(e->items);
	*e = (struct edits){ .items = NULL };
}

static bool add_part(struct buf *out, struct migrate_bytes text, size_t at, size_t n)
{
	return buf_add(out, (const char *)text.p + at, n);
}

/* What stands between the edits, then the edit. */
static bool apply_one(const struct edit *one, struct migrate_bytes text, size_t *at,
		      struct buf *out)
{
	if (one->at < *at || one->at > text.n || one->n > text.n - one->at)
		return false;
	if (!add_part(out, text, *at, one->at - *at) || !buf_add(out, one->with.p, one->with.n))
		return false;
	*at = one->at + one->n;
	return true;
}

bool edits_apply(const struct edits *e, struct migrate_bytes text, struct buf *out)
{
	size_t at = 0;

	for (size_t i = 0; i < e->n; i++)
		if (!apply_one(&e->items[i], text, &at, out))
			return false;
	return add_part(out, text, at, text.n - at);
}

static bool put_number(struct buf *out, uint64_t value)
{
	unsigned char bytes[10];
	size_t n = 0;

	do {
		bytes[n++] = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value);
	return buf_add(out, bytes, n);
}

static bool get(struct migrate_bytes *in, uint64_t *value)
{
	const unsigned char *p = in->p;

	*value = 0;
	for (unsigned i = 0; i < in->n && i < 9; i++) {
		*value |= (uint64_t)(p[i] & 0x7f) << (7 * i);
		if (!(p[i] & 0x80)) {
			*in = bytes_of(p + i + 1, in->n - i - 1);
			return true;
		}
	}
	return false;
}

bool edits_pack(const struct edits *e, struct buf *out)
{
	size_t at = 0;

	for (size_t i = 0; i < e->n; i++) {
		const struct edit *one = &e->items[i];
		uint64_t object = one->object == EDIT_OF_NONE ? 0 : (uint64_t)one->object + 1;

		if (one->at < at || !put_number(out, one->at - at) || !put_number(out, one->n) ||
		    !put_number(out, object) || !put_number(out, one->with.n) ||
		    !buf_add(out, one->with.p, one->with.n))
			return false;
		at = one->at + one->n;
	}
	return true;
}

void edits_read(struct edits_reader *r, struct migrate_bytes packed)
{
	*r = (struct edits_reader){ .left = packed };
}

int edits_next(struct edits_reader *r, struct edit *out)
{
	uint64_t gap, n, object, with;

	if (!r->left.n)
		return 0;
	if (!get(&r->left, &gap) || !get(&r->left, &n) || !get(&r->left, &object) ||
	    !get(&r->left, &with) || with > r->left.n || object > EDIT_OF_NONE ||
	    gap > SIZE_MAX / 4 || n > SIZE_MAX / 4 || r->at > SIZE_MAX / 4)
		return -1;
	*out = (struct edit){ .at = r->at + gap,
			      .n = n,
			      .with = bytes_of(r->left.p, with),
			      .object = object ? (uint32_t)(object - 1) : EDIT_OF_NONE };
	r->left = bytes_of((const char *)r->left.p + with, r->left.n - with);
	r->at = out->at + out->n;
	return 1;
}

bool edits_unpack(struct migrate_bytes packed, struct migrate_bytes text, struct buf *out)
{
	struct edits_reader r;
	struct edit one;
	size_t at = 0;
	int rc;

	edits_read(&r, packed);
	while ((rc = edits_next(&r, &one)) == 1)
		if (!apply_one(&one, text, &at, out))
			return false;
	return !rc && add_part(out, text, at, text.n - at);
}
