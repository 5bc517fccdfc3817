/* SPDX-License-Identifier: MIT */
#include "job/keys/layout.h"

#include "base/bytes.h"

#include <stdlib.h>

#define TEXT_MAX 4096
#define PIECES_MAX 64
#define SLICE_MAX 4096 /* where a slice may end at most */

/* Bytes of the text, the whole part, or a slice of it. */
struct piece {
	enum { LITERAL, WHOLE, SLICE } kind;
	size_t from, n;
};

struct layout {
	struct buf text; /* the literal bytes, one after the other */
	struct piece pieces[PIECES_MAX];
	size_t count;
	size_t fixed;  /* bytes of a key beside the whole part */
	size_t before; /* those of them in front of it */
	size_t least;  /* bytes that the part must have */
};

static struct piece *add_layout_piece(struct layout *l, const char *text, struct error *err)
{
	if (l->count < PIECES_MAX)
		return &l->pieces[l->count++];
	error_set(err, EXIT_USAGE, "'%s': more than %d pieces", text, PIECES_MAX);
	return NULL;
}

static int add_byte(struct layout *l, const char *text, char c, struct error *err)
{
	struct piece *last = l->count ? &l->pieces[l->count - 1] : NULL;

	if (!last || last->kind != LITERAL) {
		last = add_layout_piece(l, text, err);
		if (!last)
			return -1;
		*last = (struct piece){ .kind = LITERAL, .from = l->text.len };
	}
	last->n++;
	return buf_add(&l->text, &c, 1)
		   ? 0
		   : error_set(err, EXIT_USAGE, "a layout is longer than %d bytes", TEXT_MAX);
}

static bool layout_digits(const char **s, size_t *value)
{
	const char *start = *s;

	for (*value = 0; **s >= '0' && **s <= '9' && *value <= SLICE_MAX; (*s)++)
		*value = *value * 10 + (size_t)(**s - '0');
	return *s > start && *value <= SLICE_MAX;
}

/* {key} or {key:0:2} at *s. 1, 0: neither, -1. */
static int add_key(struct layout *l, const char *text, const char **s, struct error *err)
{
	struct piece one = { .kind = WHOLE };
	const char *at = *s + 4;
	struct piece *to;

	if (strncmp(*s, "{key", 4) != 0)
		return 0;
	if (*at == ':') {
		one.kind = SLICE;
		at++;
		if (!layout_digits(&at, &one.from) || *at++ != ':' || !layout_digits(&at, &one.n) ||
		    !one.n)
			return 0;
	}
	if (*at != '}')
		return 0;
	*s = at + 1;
	to = add_layout_piece(l, text, err);
	if (!to)
		return -1;
	*to = one;
	return 1;
}

static int parse_layout(struct layout *l, const char *text, struct error *err)
{
	for (const char *s = text; *s;) {
		bool brace = *s == '{' || *s == '}';
		int rc = add_key(l, text, &s, err);

		if (rc < 0)
			return -1;
		if (rc)
			continue;
		if (brace && s[1] != *s)
			return error_set(err, EXIT_USAGE,
					 "'%s': only {key} and slices of it as {key:0:2} can stand "
					 "in braces (write {{ for the brace)",
					 text);
		if (add_byte(l, text, *s, err))
			return -1;
		s += brace ? 2 : 1;
	}
	return 0;
}

static int measure_layout(struct layout *l, const char *text, struct error *err)
{
	size_t wholes = 0;

	for (size_t i = 0; i < l->count; i++) {
		const struct piece *p = &l->pieces[i];

		wholes += p->kind == WHOLE;
		l->fixed += p->n;
		l->before += wholes ? 0 : p->n;
		if (p->kind == SLICE && p->from + p->n > l->least)
			l->least = p->from + p->n;
	}
	return wholes == 1 ? 0
			   : error_set(err, EXIT_USAGE, "'%s': {key} must stand in it, once", text);
}

struct layout *layout_new(const char *text, struct error *err)
{
	struct layout *l = calloc(1, sizeof(*l));

	if (!l) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	l->text = (struct buf)BUF_INIT(TEXT_MAX);
	if (!parse_layout(l, text, err) && !measure_layout(l, text, err))
		return l;
	layout_free(l);
	return NULL;
}

void layout_free(struct layout *l)
{
	if (!l)
		return;
	buf_release(&l->text);
	free(l);
}

/* The bytes of a piece, when the part is `part`. */
static struct migrate_bytes bytes_of_piece(const struct layout *l, const struct piece *p,
					   struct migrate_bytes part)
{
	if (p->kind == LITERAL)
		return bytes_of(l->text.p + p->from, p->n);
	return p->kind == WHOLE ? part : bytes_of((const char *)part.p + p->from, p->n);
}

bool layout_apply(const struct layout *l, size_t start, struct buf *out)
{
	BUF_AUTO struct buf key = BUF_INIT(MIGRATE_KEY_MAX);
	struct migrate_bytes part = bytes_of(out->p + start, out->len - start);

	if (!part.n || part.n < l->least)
		return false;
	for (size_t i = 0; i < l->count; i++) {
		struct migrate_bytes b = bytes_of_piece(l, &l->pieces[i], part);

		if (!buf_add(&key, b.p, b.n))
			return false;
	}
	out->len = start;
	return buf_add(out, key.p, key.len);
}

bool layout_part(const struct layout *l, struct migrate_bytes key, struct migrate_bytes *part)
{
	const char *at = key.p;

	if (key.n <= l->fixed || key.n - l->fixed < l->least)
		return false;
	*part = bytes_of(at + l->before, key.n - l->fixed);
	for (size_t i = 0; i < l->count; i++) {
		struct migrate_bytes b = bytes_of_piece(l, &l->pieces[i], *part);

		if (memcmp(at, b.p, b.n) != 0)
			return false;
		at += b.n;
	}
	return true;
}

bool layout_equal(const struct layout *a, const struct layout *b)
{
	if (!a || !b)
		return a == b;
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		const struct piece *p = &a->pieces[i], *q = &b->pieces[i];

		if (p->kind != q->kind || p->from != q->from || p->n != q->n)
			return false;
	}
	return a->count == b->count &&
	       bytes_equal(bytes_of(a->text.p, a->text.len), bytes_of(b->text.p, b->text.len));
}
