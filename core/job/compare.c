/* SPDX-License-Identifier: MIT */
#include "base/array.h"
#include "job/job.h"
#include "job/schema/schema.h"

#include <stdlib.h>
#include <string.h>

/*
 * Two canonical texts, setting by setting. Lines are "class path = value"; the
 * class is of the option, so a path is looked up whatever its class was once.
 */
struct setting {
	int klass;
	const char *path, *value; /* value begins behind " = " */
	size_t path_n, value_n;
};

struct settings {
	struct setting *items;
	size_t n;
};

static bool parse_setting(const char *line, size_t n, struct setting *s)
{
	const char *space = memchr(line, ' ', n);
	const char *equals = memmem(line, n, " = ", 3);

	if (!space || !equals || equals <= space)
		return false;
	s->klass = schema_class_of(line, (size_t)(space - line));
	s->path = space + 1;
	s->path_n = (size_t)(equals - s->path);
	s->value = equals + 3;
	s->value_n = n - (size_t)(s->value - line);
	return s->klass >= 0;
}

static int compare_paths(const struct setting *x, const struct setting *y)
{
	size_t n = x->path_n < y->path_n ? x->path_n : y->path_n;
	int c = memcmp(x->path, y->path, n);

	return c ? c : (x->path_n > y->path_n) - (x->path_n < y->path_n);
}

static int compare_settings(const void *a, const void *b)
{
	return compare_paths(a, b);
}

static bool parse_settings(const char *text, struct settings *out)
{
	size_t lines = 1;

	for (const char *s = text; *s; s++)
		lines += *s == '\n';
	out->n = 0;
	out->items = calloc(lines, sizeof(*out->items));
	if (!out->items)
		return false;
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (parse_setting(text, n, &out->items[out->n]))
			out->n++;
		text += n + (text[n] == '\n');
	}
	array_sort(out->items, out->n, sizeof(*out->items), compare_settings);
	return true;
}

static bool is_below(const struct setting *s, const char *section)
{
	size_t n = strlen(section);

	return s->path_n > n && !memcmp(s->path, section, n);
}

/* "databases.1." of "databases.1.table": bytes of it; 0: not of an element. */
static size_t element(const struct setting *s)
{
	const char *first = memchr(s->path, '.', s->path_n), *second;

	if (!first || !is_below(s, "databases."))
		return 0;
	first++;
	second = memchr(first, '.', s->path_n - (size_t)(first - s->path));
	return second ? (size_t)(second - s->path) + 1 : 0;
}

/* The whole database is new: nothing was promised about it yet. */
static bool is_added(const struct setting *s, const struct settings *before)
{
	size_t n = element(s);

	for (size_t i = 0; i < before->n && n; i++)
		if (before->items[i].path_n >= n && !memcmp(before->items[i].path, s->path, n))
			return false;
	return n != 0;
}

/* What a change of s means; s stands in `now` alone when before is given. */
static int class_of_setting(const struct setting *s, const struct settings *before)
{
	if (s->klass > MIGRATE_SELECTION &&
	    (is_below(s, "caches.") || (before && is_added(s, before))))
		return MIGRATE_SELECTION;
	return s->klass;
}

static bool add_difference(struct buf *out, const char *sign, const struct setting *s)
{
	return buf_add_text(out, sign) && buf_add(out, s->path, s->path_n) &&
	       buf_add_text(out, " = ") && buf_add(out, s->value, s->value_n) &&
	       buf_add_text(out, "\n");
}

static bool same_setting(const struct setting *a, const struct setting *b)
{
	return a->value_n == b->value_n && !memcmp(a->value, b->value, a->value_n);
}

static int stricter(int a, int b)
{
	return a > b ? a : b;
}

/* One step of the merge: the lesser path, or both. The class of what differs, -1: nothing. */
static int step(const struct settings *old, const struct settings *now, size_t *i, size_t *k,
		struct buf *out)
{
	const struct setting *a = *i < old->n ? &old->items[*i] : NULL;
	const struct setting *b = *k < now->n ? &now->items[*k] : NULL;
	int order = !a ? 1 : !b ? -1 : compare_paths(a, b);

	*i += order <= 0;
	*k += order >= 0;
	if (order < 0)
		return add_difference(out, "- ", a) ? class_of_setting(a, NULL) : -2;
	if (order > 0)
		return add_difference(out, "+ ", b) ? class_of_setting(b, old) : -2;
	if (same_setting(a, b))
		return -1;
	if (!add_difference(out, "- ", a) || !add_difference(out, "+ ", b))
		return -2;
	return stricter(class_of_setting(a, NULL), class_of_setting(b, NULL));
}

static bool has_setting(const struct settings *s, const char *path, const char *value)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].path_n == strlen(path) &&
		    !memcmp(s->items[i].path, path, s->items[i].path_n))
			return s->items[i].value_n == strlen(value) &&
			       !memcmp(s->items[i].value, value, s->items[i].value_n);
	return false;
}

/* A file of pairs takes the place of the rules. */
static bool has_pairs(const struct settings *s)
{
	return has_setting(s, "keys.from", "file") && has_setting(s, "keys.format", "csv");
}

int job_compare(const char *journalled, const char *now, struct buf *out)
{
	struct settings a = { .n = 0 }, b = { .n = 0 };
	size_t i = 0, k = 0;
	int strictest = -1;

	if (!parse_settings(journalled, &a) || !parse_settings(now, &b))
		strictest = -2;
	else if (has_pairs(&a) != has_pairs(&b))
		strictest = MIGRATE_MAPPING;
	while (strictest != -2 && (i < a.n || k < b.n)) {
		int klass = step(&a, &b, &i, &k, out);

		strictest = klass == -2 ? -2 : stricter(strictest, klass);
	}
	free(a.items);
	free(b.items);
	return strictest;
}

static bool same_of_section(const struct settings *a, const struct settings *b, const char *section)
{
	size_t i = 0, k = 0;

	for (;; i++, k++) {
		while (i < a->n && !is_below(&a->items[i], section))
			i++;
		while (k < b->n && !is_below(&b->items[k], section))
			k++;
		if (i == a->n || k == b->n)
			return i == a->n && k == b->n;
		if (compare_paths(&a->items[i], &b->items[k]) != 0 ||
		    !same_setting(&a->items[i], &b->items[k]))
			return false;
	}
}

bool job_keys_differ(const char *journalled, const char *now)
{
	struct settings a = { .n = 0 }, b = { .n = 0 };
	bool same = parse_settings(journalled, &a) && parse_settings(now, &b) &&
		    same_of_section(&a, &b, "keys.");

	free(a.items);
	free(b.items);
	return !same;
}
