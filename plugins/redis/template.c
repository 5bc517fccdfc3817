/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names with placeholders: avatar:{row.id}. Braces that are meant are doubled. */

#define PARTS_MAX 32
#define COLUMN_MAX 128

static const struct {
	const char *name;
	enum part_kind kind;
} placeholders[] = {
	{ "old", PART_OLD },
	{ "new", PART_NEW },
	{ "old_value", PART_OLD_VALUE },
	{ "new_value", PART_NEW_VALUE },
};

static bool add_part(struct template *t, enum part_kind kind, const char *text, size_t n)
{
	struct part *p = t->count ? &t->parts[t->count - 1] : NULL;
	char *grown;

	/* text behind text is one part */
	if (kind == PART_TEXT && p && p->kind == PART_TEXT) {
		grown = realloc(p->text, p->n + n + 1);
		if (!grown)
			return false;
		memcpy(grown + p->n, text, n);
		p->text = grown;
		p->n += n;
		p->text[p->n] = '\0';
		return true;
	}
	p = reallocarray(t->parts, t->count + 1, sizeof(*p));
	if (!p)
		return false;
	t->parts = p;
	p[t->count] = (struct part){ .kind = kind, .text = strndup(text, n), .n = n };
	return p[t->count++].text != NULL;
}

static bool wrong(char *why, size_t size, const struct template *t, size_t n, const char *text)
{
	snprintf(why, size, "'%.*s': %s", (int)n, t->source, text);
	return false;
}

/* What stands between braces at p[0..n). */
static bool add_placeholder(struct template *t, const char *p, size_t n)
{
	for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++)
		if (strlen(placeholders[i].name) == n && !memcmp(placeholders[i].name, p, n))
			return add_part(t, placeholders[i].kind, "", 0);
	if (n > 4 && n < COLUMN_MAX && !memcmp(p, "row.", 4))
		return add_part(t, PART_ROW, p + 4, n - 4);
	return false;
}

bool template_parse(struct template *t, const char *source, size_t n, char *why, size_t size)
{
	*t = (struct template){ .source = source };
	if (!n)
		return wrong(why, size, t, n, "is empty");
	for (size_t at = 0; at < n;) {
		const char *p = source + at, *close = memchr(p, '}', n - at);
		bool brace = *p == '{' || *p == '}';

		if (t->count == PARTS_MAX)
			return wrong(why, size, t, n, "more than 32 parts");
		if (!brace || (n - at > 1 && p[1] == *p)) {
			if (!add_part(t, PART_TEXT, p, 1))
				return wrong(why, size, t, n, "out of memory");
			at += brace ? 2 : 1;
		} else if (*p == '}') {
			return wrong(why, size, t, n, "'}' without '{' (write }} for the brace)");
		} else if (!close || !add_placeholder(t, p + 1, (size_t)(close - p - 1))) {
			return wrong(why, size, t, n,
				     "only {row.COLUMN}, {old}, {new}, {old_value} and {new_value} "
				     "can stand in braces (write {{ for the brace)");
		} else {
			at = (size_t)(close + 1 - source);
		}
	}
	return true;
}

void template_release(struct template *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->parts[i].text);
	free(t->parts);
	*t = (struct template){ .parts = NULL };
}

bool template_is_fixed(const struct template *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->parts[i].kind != PART_TEXT)
			return false;
	return true;
}

/* The end of the value at p: a comma without a backslash, or the end of the text. */
static const char *value_end(const char *p)
{
	for (; *p && *p != ','; p++)
		if (*p == '\\' && p[1])
			p++;
	return p;
}

static bool add_value(struct text *out, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		if (!text_add(out, p, 1))
			return false;
	}
	return true;
}

/* NAME of "NAME=VALUE,NAME=VALUE"; `id` is also the only column of a key, whatever its name. */
static enum expanded add_column(struct text *out, const char *text, const char *name)
{
	const char *at = text, *equals;

	while ((equals = strchr(at, '='))) {
		const char *end = value_end(equals + 1);
		size_t n = (size_t)(equals - at);
		bool only = at == text && !*end;

		if ((n == strlen(name) && !memcmp(at, name, n)) || (only && !strcmp(name, "id")))
			return add_value(out, equals + 1, end) ? EXPANDED : EXPANDED_TOO_LONG;
		if (!*end)
			break;
		at = end + 1;
	}
	return EXPANDED_NOT;
}

static struct migrate_bytes bytes_for(const struct part *p, const struct migrate_changed_row *row)
{
	switch (p->kind) {
	case PART_OLD:
		return row->old_key;
	case PART_NEW:
		return row->new_key;
	case PART_OLD_VALUE:
		return row->old_value;
	case PART_NEW_VALUE:
		return row->new_value;
	default:
		return (struct migrate_bytes){ .p = p->text, .n = p->n };
	}
}

enum expanded template_expand(const struct template *t, const struct migrate_changed_row *row,
			      struct text *out, const char **missing)
{
	size_t from = out->n;
	enum expanded got = EXPANDED;

	for (size_t i = 0; got == EXPANDED && i < t->count; i++) {
		const struct part *p = &t->parts[i];
		struct migrate_bytes b = bytes_for(p, row);

		*missing = p->text;
		if (p->kind == PART_ROW)
			got = add_column(out, row->text, p->text);
		else if (!text_add(out, b.p, b.n))
			got = EXPANDED_TOO_LONG;
		if (out->n - from > NAME_BYTES_MAX)
			got = EXPANDED_TOO_LONG;
	}
	if (got != EXPANDED)
		text_cut(out, from);
	return got;
}
