/* SPDX-License-Identifier: MIT */
#include "job/keys/pattern.h"

#include "base/bytes.h"
#include "job/keys/layout.h"

#include <stdlib.h>

#define PATTERN_MAX 4096

/* What stands before {key} and behind it. */
struct value_pattern {
	struct buf before, after;
	bool url;
	struct layout *layout; /* NULL: the column holds the whole key */
};

/* {key} or {key:url} at s: its length, 0 if it is neither. */
static size_t placeholder(const char *s, bool *url)
{
	*url = !strncmp(s, "{key:url}", 9);
	if (*url)
		return 9;
	return strncmp(s, "{key}", 5) ? 0 : 5;
}

static int bad_brace(const char *text, const char *s, struct error *err)
{
	if (*s == '}')
		return error_set(err, EXIT_USAGE, "'%s': '}' without '{' (write }} for the brace)",
				 text);
	return error_set(
	    err, EXIT_USAGE,
	    "'%s': only {key} and {key:url} can stand in braces (write {{ for the brace)", text);
}

/* One element of text at *s into v; *seen: {key} was there. */
static int parse_element(struct value_pattern *v, const char *text, const char **s, bool *seen,
			 struct error *err)
{
	struct buf *to = *seen ? &v->after : &v->before;
	bool url, brace = **s == '{' || **s == '}';
	size_t n = placeholder(*s, &url);

	if (n && *seen)
		return error_set(err, EXIT_USAGE, "'%s': {key} stands twice", text);
	if (n) {
		*seen = true;
		v->url = url;
		*s += n;
		return 0;
	}
	if (brace && (*s)[1] != **s)
		return bad_brace(text, *s, err);
	if (!buf_add(to, *s, 1))
		return error_set(err, EXIT_USAGE, "a value pattern is longer than %d bytes",
				 PATTERN_MAX);
	*s += brace ? 2 : 1;
	return 0;
}

struct value_pattern *value_pattern_new(const char *text, struct error *err)
{
	struct value_pattern *v = calloc(1, sizeof(*v));
	bool seen = false;
	int rc = v ? 0 : error_set(err, EXIT_INTERNAL, "out of memory");

	if (v) {
		v->before = (struct buf)BUF_INIT(PATTERN_MAX);
		v->after = (struct buf)BUF_INIT(PATTERN_MAX);
	}
	for (const char *s = text; *s && !rc;)
		rc = parse_element(v, text, &s, &seen, err);
	if (!rc && !seen)
		rc = error_set(err, EXIT_USAGE, "'%s': {key} must stand in it", text);
	if (!rc)
		return v;
	value_pattern_free(v);
	return NULL;
}

void value_pattern_free(struct value_pattern *v)
{
	if (!v)
		return;
	buf_release(&v->before);
	buf_release(&v->after);
	layout_free(v->layout);
	free(v);
}

int value_pattern_set_layout(struct value_pattern *v, const char *text, struct error *err)
{
	v->layout = layout_new(text, err);
	return v->layout ? 0 : -1;
}

bool value_pattern_has_layout(const struct value_pattern *v)
{
	return v->layout != NULL;
}

void value_pattern_parts(const struct value_pattern *v, struct value_parts *out)
{
	*out = (struct value_parts){ .before = bytes_of(v->before.p, v->before.len),
				     .after = bytes_of(v->after.p, v->after.len),
				     .url = v->url };
}

static bool is_unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~' || c == '/';
}

static bool add_encoded(struct buf *out, struct migrate_bytes key)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *p = key.p;

	for (size_t i = 0; i < key.n; i++) {
		char hex[] = { '%', digits[p[i] >> 4], digits[p[i] & 15] };
		bool plain = is_unreserved(p[i]);

		if (!buf_add(out, plain ? (const void *)&p[i] : hex, plain ? 1 : sizeof(hex)))
			return false;
	}
	return true;
}

static int hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Only what add_encoded() would have written: upper case, nothing encoded that
 * need not be. So the value of the key is this value again, byte by byte.
 */
static bool add_decoded(struct buf *out, struct migrate_bytes text)
{
	const unsigned char *p = text.p;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = p[i];

		if (c == '%') {
			int high = text.n - i > 2 ? hex_value(p[i + 1]) : -1;
			int low = high >= 0 ? hex_value(p[i + 2]) : -1;

			if (low < 0 || is_unreserved((unsigned char)(high << 4 | low)))
				return false;
			c = (unsigned char)(high << 4 | low);
			i += 2;
		} else if (!is_unreserved(c)) {
			return false;
		}
		if (!buf_add(out, &c, 1))
			return false;
	}
	return true;
}

bool value_pattern_encode(const struct value_pattern *v, struct migrate_bytes key, struct buf *out)
{
	size_t start = out->len;
	bool ok = (!v->layout || layout_part(v->layout, key, &key)) &&
		  buf_add(out, v->before.p, v->before.len) &&
		  (v->url ? add_encoded(out, key) : buf_add(out, key.p, key.n)) &&
		  buf_add(out, v->after.p, v->after.len) && out->len - start <= MIGRATE_KEY_MAX;

	if (!ok)
		out->len = start;
	return ok;
}

bool value_pattern_decode(const struct value_pattern *v, struct migrate_bytes value,
			  struct buf *out)
{
	struct migrate_bytes before = bytes_of(v->before.p, v->before.len);
	struct migrate_bytes after = bytes_of(v->after.p, v->after.len);
	struct migrate_bytes key;
	size_t start = out->len;
	bool ok;

	/* The two may not share bytes, and no key is empty. */
	if (value.n > MIGRATE_KEY_MAX || value.n <= before.n + after.n ||
	    !bytes_begin_with(value, before) || !bytes_end_with(value, after))
		return false;
	key = bytes_of((const char *)value.p + before.n, value.n - before.n - after.n);
	ok = v->url ? add_decoded(out, key) : buf_add(out, key.p, key.n);
	if (ok && v->layout)
		ok = layout_apply(v->layout, start, out);
	if (!ok)
		out->len = start;
	return ok;
}

bool value_pattern_equal(const struct value_pattern *a, const struct value_pattern *b)
{
	return a->url == b->url && layout_equal(a->layout, b->layout) &&
	       bytes_equal(bytes_of(a->before.p, a->before.len),
			   bytes_of(b->before.p, b->before.len)) &&
	       bytes_equal(bytes_of(a->after.p, a->after.len), bytes_of(b->after.p, b->after.len));
}
