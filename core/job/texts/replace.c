/* SPDX-License-Identifier: MIT */
#include "job/texts/replace.h"

#include "base/bytes.h"
#include "job/texts/php.h"
#include "job/texts/spelling.h"

#include <stdlib.h>

#define CANDIDATES 64 /* the longest that one place may have */

/* What may stand at a place: something before, one of a set, something behind. */
struct shape {
	struct migrate_bytes before, after;
	bool url;
	const struct filter *set;
};

struct candidate {
	size_t end;   /* in the text */
	size_t n;     /* bytes of what was decoded */
	unsigned how; /* enum spelling */
};

/* All candidates of one place; the longest are kept. */
struct place {
	struct buf *decoded;
	struct candidate items[CANDIDATES];
	size_t n; /* ever added: the last CANDIDATES of them are there */
};

struct replacer {
	struct shape value, guard;
	const struct value_pattern *old_value, *new_value;
	bool php;
	bool foreign_before; /* a letter of another script may stand before: it is a whole URL */
	struct known_keys *known;
	bool starts[256]; /* a place may begin with this byte */
	struct buf key, held, old, new;
	/* of the present text */
	struct arena *arena;
	struct replace_counts *counts;
};

/* ---- Candidates ---- */

/* Behind the literal that begins at `at`; SIZE_MAX: it does not stand there. */
static size_t match_literal(struct migrate_bytes text, size_t at, struct migrate_bytes literal,
			    unsigned *how)
{
	const char *p = literal.p;
	size_t i = 0;

	while (i < literal.n) {
		struct glyph g;

		if (at >= text.n)
			return SIZE_MAX;
		glyph_read(text, at, &g);
		if (g.n > literal.n - i || memcmp(p + i, g.bytes, g.n) != 0)
			return SIZE_MAX;
		i += g.n;
		at += g.raw;
		*how |= g.how;
	}
	return at;
}

static int hex(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * In a URL: a percent-encoded byte, or one that needs no encoding by RFC 3986, or a
 * letter beyond ASCII, as many write them. False: the URL ends here. An encoded slash
 * is another key's spelling.
 */
static bool decode_url(struct migrate_bytes text, size_t at, struct glyph *g)
{
	const unsigned char *p = (const unsigned char *)text.p + at;
	unsigned char c = g->bytes[0];
	int high, low;

	if (c != '%')
		return c >= 0x80 || (c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}#?[]", c));
	high = g->raw == 1 && text.n - at > 2 ? hex(p[1]) : -1;
	low = high >= 0 ? hex(p[2]) : -1;
	if (low < 0 || (high << 4 | low) == '/')
		return false;
	g->bytes[0] = (unsigned char)(high << 4 | low);
	g->raw = 3;
	return true;
}

static bool is_in_set(const struct shape *s, const struct glyph *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (!s->set->holds[g->bytes[i]])
			return false;
	return true;
}

static void add_candidate(struct place *p, size_t end, unsigned how)
{
	p->items[p->n++ % CANDIDATES] =
	    (struct candidate){ .end = end, .n = p->decoded->len, .how = how };
}

/* What is decoded so far is a candidate if what must follow does. */
static void look_behind(const struct shape *s, struct migrate_bytes text, size_t at, uint64_t hash,
			unsigned how, struct place *p)
{
	const unsigned char *after = s->after.p;
	unsigned char last = p->decoded->p[p->decoded->len - 1];

	if (s->after.n) {
		at = match_literal(text, at, s->after, &how);
		last = after[s->after.n - 1];
	}
	if (at == SIZE_MAX || (is_word_byte(last) && !boundary_behind(text, at)))
		return;
	if (filter_perhaps(s->set, hash, p->decoded->len))
		add_candidate(p, at, how);
}

static bool find_candidates(const struct shape *s, struct migrate_bytes text, size_t at,
			    struct place *p)
{
	uint64_t hash = FILTER_BEGIN;
	unsigned how = SPELLED_PLAIN;

	p->n = 0;
	buf_reset(p->decoded);
	at = match_literal(text, at, s->before, &how);
	while (at < text.n) {
		struct glyph g;

		glyph_read(text, at, &g);
		if (s->url && !decode_url(text, at, &g))
			break;
		if (!is_in_set(s, &g) || p->decoded->len + g.n > s->set->most)
			break;
		if (!buf_add(p->decoded, g.bytes, g.n))
			return false;
		for (size_t i = 0; i < g.n; i++)
			hash = filter_step(hash, g.bytes[i]);
		at += g.raw;
		how |= g.how;
		look_behind(s, text, at, hash, how, p);
	}
	return true;
}

/* The i-th longest. */
static const struct candidate *candidate(const struct place *p, size_t i)
{
	return i < p->n && i < CANDIDATES ? &p->items[(p->n - 1 - i) % CANDIDATES] : NULL;
}

/* ---- Places ---- */

/* The new value in place of the candidate, spelled like that. */
static int replace_at(struct replacer *r, size_t at, const struct candidate *c, uint32_t object,
		      struct edits *out)
{
	struct migrate_bytes old = bytes_of(r->old.p, r->old.len);
	struct edit one = { .at = at, .n = c->end - at, .object = object };
	struct buf spelled = BUF_INIT(8 * (size_t)MIGRATE_KEY_MAX);
	int rc = 0;

	if (!spell(bytes_of(r->new.p, r->new.len), c->how, old, &spelled)) {
		r->counts->unspelled++;
	} else if (!arena_bytes(r->arena, bytes_of(spelled.p, spelled.len), &one.with) ||
		   !edits_add(out, &one)) {
		rc = -1;
	} else {
		r->counts->places++;
	}
	buf_release(&spelled);
	return rc;
}

/* A known key stands here. */
static int claim(struct replacer *r, size_t at, const struct candidate *c,
		 struct migrate_bytes new_key, uint32_t object, struct edits *out)
{
	buf_reset(&r->old);
	buf_reset(&r->new);
	if (!value_pattern_encode(r->old_value, bytes_of(r->key.p, c->n), &r->old) ||
	    !value_pattern_encode(r->new_value, new_key, &r->new)) {
		r->counts->unspelled++;
		return 0;
	}
	if (bytes_equal(bytes_of(r->old.p, r->old.len), bytes_of(r->new.p, r->new.len)))
		return 0;
	return replace_at(r, at, c, object, out);
}

/* 1: *end is behind a new value that must stay; 0; -1. */
static int find_guard(struct replacer *r, struct migrate_bytes text, size_t at, size_t *end)
{
	struct place p = { .decoded = &r->held };
	const struct candidate *c;
	int rc = 0;

	if (!r->known->guards.n || !find_candidates(&r->guard, text, at, &p))
		return r->known->guards.n ? -1 : 0;
	for (size_t i = 0; !rc && (c = candidate(&p, i)); i++) {
		rc = r->known->is_guard(r->known->arg, bytes_of(r->held.p, c->n));
		*end = c->end;
	}
	return rc;
}

/* What stands at `at`: *end is behind it, or `at` if nothing known does. */
static int look_at_place(struct replacer *r, struct migrate_bytes text, size_t at, size_t *end,
			 struct edits *out)
{
	struct place p = { .decoded = &r->key };
	struct migrate_bytes new_key;
	const struct candidate *c;
	size_t guard = at;
	uint32_t object = 0;
	int kind = KNOWN_NOT, held = find_guard(r, text, at, &guard);

	*end = at;
	if (held < 0 || !find_candidates(&r->value, text, at, &p))
		return -1;
	for (size_t i = 0; kind == KNOWN_NOT && (c = candidate(&p, i)); i++) {
		kind =
		    r->known->look_up(r->known->arg, bytes_of(r->key.p, c->n), &new_key, &object);
		if (kind > KNOWN_NOT)
			*end = c->end;
		if (kind > KNOWN_NOT && !(held && guard >= c->end) && kind == KNOWN_COPIED)
			return claim(r, at, c, new_key, object, out);
	}
	if (kind < 0)
		return -1;
	if (held && guard >= *end)
		*end = guard;
	else if (kind == KNOWN_LEFT)
		r->counts->left++;
	return 0;
}

static bool may_begin(const struct replacer *r, struct migrate_bytes text, size_t at,
		      const struct glyph *g)
{
	const unsigned char *p = text.p;

	if (!is_word_byte(g->bytes[0]) || !at)
		return true;
	return (r->foreign_before && p[at - 1] >= 0x80) || boundary_before(text, at);
}

/* text is the part of the whole that begins at `from`. */
static int scan_text(struct replacer *r, struct migrate_bytes text, size_t from, struct edits *out)
{
	const unsigned char *p = text.p;
	size_t at = 0, first = out->n;

	while (at < text.n) {
		struct glyph g;
		size_t end = at;

		if (!r->starts[p[at]]) {
			at++;
			continue;
		}
		glyph_read(text, at, &g);
		if (may_begin(r, text, at, &g) && look_at_place(r, text, at, &end, out))
			return -1;
		at = end > at ? end : at + g.raw;
	}
	for (size_t i = first; i < out->n; i++)
		out->items[i].at += from;
	return 0;
}

/* ---- The whole ---- */

static int edit_string(void *arg, struct migrate_bytes text, size_t at, size_t n, bool fixed,
		       struct edits *out)
{
	struct migrate_bytes part = bytes_of((const char *)text.p + at, n);
	struct replacer *r = arg;
	struct replace_counts counts = *r->counts;
	size_t first = out->n;
	int rc = scan_text(r, part, at, out);

	if (!fixed && r->php && out->n > first)
		fixed = php_stands_in(part);
	if (rc || !fixed)
		return rc;
	/* what stands in it is counted, and stays */
	counts.fixed += r->counts->places - counts.places;
	*r->counts = counts;
	out->n = first;
	return 0;
}

int replacer_run(struct replacer *r, struct migrate_bytes text, struct arena *a, struct edits *out,
		 struct replace_counts *counts)
{
	enum php_kind kind = r->php ? php_kind(text) : PHP_NONE;

	r->arena = a;
	r->counts = counts;
	if (!r->known->keys.n)
		return 0;
	if (kind == PHP_VALUE)
		return php_edit(text, a, edit_string, r, out);
	return edit_string(r, text, 0, text.n, kind == PHP_MALFORMED, out);
}

void replacer_learn(struct replacer *r)
{
	const unsigned char *before = r->value.before.p;

	/* what may be spelled otherwise begins with one of these */
	for (int c = 0; c < 256; c++)
		r->starts[c] =
		    c == '\\' || c == '&' ||
		    (r->value.before.n ? c == before[0]
				       : r->known->keys.begins[c] || (r->value.url && c == '%')) ||
		    r->known->guards.begins[c];
}

struct replacer *replacer_new(const struct value_pattern *value,
			      const struct value_pattern *new_value, int codec,
			      struct known_keys *known)
{
	struct replacer *r = calloc(1, sizeof(*r));
	struct value_parts parts;

	if (!r)
		return NULL;
	value_pattern_parts(value, &parts);
	r->old_value = value;
	r->new_value = new_value;
	r->php = codec == CODEC_PHP;
	r->known = known;
	r->value = (struct shape){
		.before = parts.before, .after = parts.after, .url = parts.url, .set = &known->keys
	};
	r->guard = (struct shape){ .set = &known->guards };
	r->foreign_before =
	    parts.before.n && memmem(parts.before.p, parts.before.n, "://", 3) != NULL;
	r->key = r->held = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	r->old = r->new = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	replacer_learn(r);
	return r;
}

void replacer_free(struct replacer *r)
{
	if (!r)
		return;
	buf_release(&r->key);
	buf_release(&r->held);
	buf_release(&r->old);
	buf_release(&r->new);
	free(r);
}
