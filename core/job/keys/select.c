/* SPDX-License-Identifier: MIT */
#include "job/keys/select.h"

#include "base/bytes.h"

/*
 * A class begins behind its '['. *end is behind its ']'. A ']' that comes first
 * is a member. False: the class does not end, so the '[' is an ordinary byte.
 */
static bool class_end(const char *p, const char **end)
{
	if (*p == '!')
		p++;
	if (*p == ']')
		p++;
	while (*p && *p != ']')
		p += *p == '\\' && p[1] ? 2 : 1;
	*end = p + 1;
	return *p == ']';
}

static unsigned char class_member(const char **p)
{
	if (**p == '\\' && (*p)[1])
		++*p;
	return (unsigned char)*(*p)++;
}

/* Is c in the class between p and end (which is behind the ']')? */
static bool in_class(const char *p, const char *end, unsigned char c)
{
	bool negated = *p == '!', found = false;

	p += negated;
	while (p < end - 1) {
		unsigned char first = class_member(&p), last = first;

		if (*p == '-' && p + 1 < end - 1) {
			p++;
			last = class_member(&p);
		}
		found = found || (c >= first && c <= last);
	}
	return found != negated;
}

/* Does the one element at *p (not a star) take byte c? *p moves behind it. */
static bool take_byte(const char **p, unsigned char c)
{
	const char *end;

	if (**p == '?') {
		++*p;
		return true;
	}
	if (**p == '[' && class_end(*p + 1, &end)) {
		bool found = in_class(*p + 1, end, c);

		*p = end;
		return found;
	}
	if (**p == '\\' && (*p)[1])
		++*p;
	return (unsigned char)*(*p)++ == c;
}

/*
 * A star that fails takes one byte more; only the last star need be tried again. begins: the text
 * is the beginning of others, one of which is to match.
 */
static bool match(const char *pattern, struct migrate_bytes text, bool begins)
{
	const unsigned char *s = text.p, *end = s + text.n;
	const unsigned char *star_text = NULL;
	const char *star = NULL;

	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			star_text = s;
			continue;
		}
		if (s == end && (begins || !*pattern))
			return true;
		if (s < end && *pattern && take_byte(&pattern, *s)) {
			s++;
			continue;
		}
		if (!star || star_text == end)
			return false;
		pattern = star;
		s = ++star_text;
	}
}

bool glob_match(const char *pattern, struct migrate_bytes text)
{
	return match(pattern, text, false);
}

const char *glob_problem(const char *pattern)
{
	const char *end;

	if (!*pattern)
		return "an empty pattern matches no key";
	while (*pattern) {
		if (*pattern == '\\' && !pattern[1])
			return "a pattern cannot end with a backslash";
		if (*pattern == '[' && !class_end(pattern + 1, &end))
			return "'[' without ']' (write \\[ for the bracket itself)";
		if (*pattern == '[')
			pattern = end;
		else
			pattern += *pattern == '\\' ? 2 : 1;
	}
	return NULL;
}

static bool is_excluded(const struct selection *s, struct migrate_bytes key, const char **why)
{
	for (size_t i = 0; i < s->exclude.n; i++) {
		*why = s->exclude.items[i];
		if (glob_match(s->exclude.items[i], key))
			return true;
	}
	return false;
}

/* begins: of the key, or of one that begins with it. */
static bool is_included(const struct selection *s, struct migrate_bytes key, bool begins)
{
	for (size_t i = 0; i < s->include.n; i++)
		if (match(s->include.items[i], key, begins))
			return true;
	return !s->include.n;
}

bool selection_takes(const struct selection *s, struct migrate_bytes key, const char **why)
{
	if (!bytes_begin_with(key, s->prefix)) {
		*why = "keys.prefix";
		return false;
	}
	if (is_excluded(s, key, why))
		return false;
	*why = "keys.include";
	return is_included(s, key, false);
}

bool selection_may_take(const struct selection *s, struct migrate_bytes key, const char **why)
{
	bool folder = key.n && ((const char *)key.p)[key.n - 1] == '/';

	if (!folder)
		return selection_takes(s, key, why);
	if (!bytes_begin_with(key, s->prefix) && !bytes_begin_with(s->prefix, key)) {
		*why = "keys.prefix";
		return false;
	}
	if (is_excluded(s, key, why))
		return false;
	*why = "keys.include";
	return is_included(s, key, true);
}
