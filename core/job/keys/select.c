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

/* A star that fails takes one byte more; only the last star need be tried again. */
bool glob_match(const char *pattern, struct migrate_bytes text)
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
		if (s == end && !*pattern)
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

bool selection_takes(const struct selection *s, struct migrate_bytes key, const char **why)
{
	if (!bytes_begin_with(key, s->prefix)) {
		*why = "keys.prefix";
		return false;
	}
	for (size_t i = 0; i < s->exclude.n; i++) {
		*why = s->exclude.items[i];
		if (glob_match(s->exclude.items[i], key))
			return false;
	}
	*why = "keys.include";
	for (size_t i = 0; i < s->include.n; i++)
		if (glob_match(s->include.items[i], key))
			return true;
	return s->include.n == 0;
}
