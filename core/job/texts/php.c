/* SPDX-License-Identifier: MIT */
#include "job/texts/php.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <stdlib.h>

#define DEPTH_MAX 512 /* arrays and objects in each other */

/*
 * One reading for both purposes: `string` is called for each string value, `fixed`
 * for what stays as it is: keys, and what a class serialised its own way. When they
 * are NULL the text is only checked.
 */
struct reader {
	const unsigned char *p;
	size_t at, end;
	unsigned depth;
	int (*string)(struct reader *r, size_t digits, size_t content, size_t n);
	int (*fixed)(struct reader *r, size_t at, size_t n);
	int failed; /* what they said */
	void *arg;
};

static bool read_php_value(struct reader *r);

static bool accept(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	if (r->end - r->at < n || memcmp(r->p + r->at, text, n) != 0)
		return false;
	r->at += n;
	return true;
}

/* Digits as PHP writes them: no sign, no leading zero. */
static bool read_number(struct reader *r, size_t *value)
{
	size_t start = r->at;

	*value = 0;
	while (r->at < r->end && r->p[r->at] >= '0' && r->p[r->at] <= '9') {
		if (*value > (SIZE_MAX >> 8) / 10)
			return false;
		*value = *value * 10 + (size_t)(r->p[r->at++] - '0');
	}
	return r->at > start && (r->p[start] != '0' || r->at == start + 1);
}

/* N:"..." : where the digits and the content begin. */
static bool read_counted(struct reader *r, size_t *digits, size_t *content, size_t *n)
{
	*digits = r->at;
	if (!read_number(r, n) || !accept(r, ":\""))
		return false;
	*content = r->at;
	if (*n > r->end - r->at)
		return false;
	r->at += *n;
	return accept(r, "\"");
}

static bool read_string(struct reader *r, bool is_value)
{
	size_t digits, content, n;

	if (!read_counted(r, &digits, &content, &n) || !accept(r, ";"))
		return false;
	if (r->string && !r->failed)
		r->failed = is_value ? r->string(r, digits, content, n) : r->fixed(r, content, n);
	return true;
}

/* S:3:"a\62c"; the length counts what it means, \xx is one byte. Never edited. */
static bool read_escaped(struct reader *r)
{
	size_t n;

	if (!read_number(r, &n) || !accept(r, ":\""))
		return false;
	for (; n; n--) {
		size_t step = r->at < r->end && r->p[r->at] == '\\' ? 3 : 1;

		if (r->end - r->at < step)
			return false;
		r->at += step;
	}
	return accept(r, "\";");
}

/* -12; 0.5; 1.0E+25; INF; what stands up to the semicolon is of these characters. */
static bool read_scalar(struct reader *r, const char *of, size_t most)
{
	size_t start = r->at;

	while (r->at < r->end && r->at - start <= most && r->p[r->at] && strchr(of, r->p[r->at]))
		r->at++;
	return r->at > start && r->at - start <= most && accept(r, ";");
}

static bool read_key(struct reader *r)
{
	if (accept(r, "i:"))
		return read_scalar(r, "-0123456789", 20);
	if (accept(r, "s:"))
		return read_string(r, false);
	return accept(r, "S:") && read_escaped(r);
}

/* N:{ key value ... } */
static bool read_members(struct reader *r)
{
	size_t n;

	/* a member takes four bytes at least: no count without end */
	if (!read_number(r, &n) || !accept(r, ":{") || n > (r->end - r->at) / 4 ||
	    r->depth >= DEPTH_MAX)
		return false;
	r->depth++;
	for (; n; n--)
		if (!read_key(r) || !read_php_value(r))
			return false;
	r->depth--;
	return accept(r, "}");
}

static bool read_name(struct reader *r)
{
	size_t digits, content, n;

	return read_counted(r, &digits, &content, &n);
}

/* C:11:"ArrayObject":21:{...}: what stands in the braces is the class's business. */
static bool read_custom(struct reader *r)
{
	size_t n;

	if (!read_name(r) || !accept(r, ":") || !read_number(r, &n) || !accept(r, ":{") ||
	    n > r->end - r->at)
		return false;
	if (r->fixed && !r->failed)
		r->failed = r->fixed(r, r->at, n);
	r->at += n;
	return accept(r, "}");
}

static bool read_php_value(struct reader *r)
{
	unsigned char kind;

	if (accept(r, "N;"))
		return true;
	if (r->end - r->at < 2 || r->p[r->at + 1] != ':')
		return false;
	kind = r->p[r->at];
	r->at += 2;
	switch (kind) {
	case 's':
		return read_string(r, true);
	case 'S':
		return read_escaped(r);
	case 'a':
		return read_members(r);
	case 'O':
		return read_name(r) && accept(r, ":") && read_members(r);
	case 'C':
		return read_custom(r);
	case 'E':
		return read_name(r) && accept(r, ";");
	case 'b':
		return read_scalar(r, "01", 1);
	case 'i':
		return read_scalar(r, "-0123456789", 20);
	case 'r':
	case 'R':
		return read_scalar(r, "0123456789", 20);
	case 'd':
		return read_scalar(r, "-+.0123456789EeINFA", 64);
	default:
		return false;
	}
}

/* a:1: O:8:" s:3:" and so on: nobody writes that by chance. */
static bool begins_like_one(struct migrate_bytes text)
{
	const unsigned char *p = text.p;
	size_t i = 2;

	if (text.n < 4 || !memchr("aOsSC", p[0], 5) || p[1] != ':')
		return false;
	while (i < text.n && p[i] >= '0' && p[i] <= '9')
		i++;
	if (i == 2 || text.n - i < 2 || p[i] != ':')
		return false;
	return p[i + 1] == (p[0] == 'a' ? '{' : '"');
}

bool php_stands_in(struct migrate_bytes text)
{
	const char *p = text.p, *end = p + text.n, *at = p;

	while (at && at < end && (at = memchr(at, ':', (size_t)(end - at)))) {
		if (at > p && begins_like_one(bytes_of(at - 1, (size_t)(end - at) + 1)))
			return true;
		at++;
	}
	return false;
}

/* Blanks behind the value are no harm to PHP, nor to us. */
static size_t trimmed(struct migrate_bytes text)
{
	const unsigned char *p = text.p;
	size_t n = text.n;

	while (n && (p[n - 1] == ' ' || (p[n - 1] >= '\t' && p[n - 1] <= '\r')))
		n--;
	return n;
}

enum php_kind php_kind(struct migrate_bytes text)
{
	struct reader r = { .p = text.p, .end = trimmed(text) };

	if (text.n < 2)
		return PHP_NONE;
	if (read_php_value(&r) && r.at == r.end)
		return PHP_VALUE;
	return begins_like_one(text) ? PHP_MALFORMED : PHP_NONE;
}

/* ---- Editing ---- */

struct editing {
	struct migrate_bytes text;
	struct arena *arena;
	php_edit_string *edit;
	void *arg;
	struct edits *edits;
	unsigned nested;
};

static int edit_range(struct editing *e, size_t at, size_t n);

static int edit_content(struct editing *e, size_t at, size_t n)
{
	struct migrate_bytes content = bytes_of((const char *)e->text.p + at, n);
	enum php_kind kind = php_kind(content);
	int rc;

	/* deeper than anybody nests on purpose: left alone */
	if (kind == PHP_VALUE && e->nested >= PHP_NESTED)
		kind = PHP_MALFORMED;
	if (kind != PHP_VALUE)
		return e->edit(e->arg, e->text, at, n, kind == PHP_MALFORMED, e->edits);
	e->nested++;
	rc = edit_range(e, at, n);
	e->nested--;
	return rc;
}

/* The length of what the edits from `first` on leave of n bytes, over its old digits. */
static int mend_length(struct editing *e, size_t first, size_t n)
{
	struct edit *length = &e->edits->items[first];
	char *digits;

	for (size_t i = first + 1; i < e->edits->n; i++)
		n = n - e->edits->items[i].n + e->edits->items[i].with.n;
	digits = arena_printf(e->arena, "%zu", n);
	if (!digits)
		return -1;
	length->with = bytes_of_text(digits);
	return 0;
}

static int edit_php_string(struct reader *r, size_t digits, size_t content, size_t n)
{
	struct editing *e = r->arg;
	struct edit length = { .at = digits, .n = content - 2 - digits, .object = EDIT_OF_NONE };
	size_t first = e->edits->n;

	if (!edits_add(e->edits, &length) || edit_content(e, content, n))
		return -1;
	if (e->edits->n > first + 1)
		return mend_length(e, first, n);
	e->edits->n = first;
	return 0;
}

static int look_at_fixed(struct reader *r, size_t at, size_t n)
{
	struct editing *e = r->arg;

	return e->edit(e->arg, e->text, at, n, true, e->edits);
}

static int edit_range(struct editing *e, size_t at, size_t n)
{
	struct reader r = { .p = e->text.p,
			    .at = at,
			    .string = edit_php_string,
			    .fixed = look_at_fixed,
			    .arg = e };

	r.end = at + trimmed(bytes_of(r.p + at, n));
	return read_php_value(&r) && !r.failed ? 0 : -1;
}

int php_edit(struct migrate_bytes text, struct arena *a, php_edit_string *edit, void *arg,
	     struct edits *edits)
{
	struct editing e = { .text = text, .arena = a, .edit = edit, .arg = arg, .edits = edits };

	return edit_range(&e, 0, text.n);
}
