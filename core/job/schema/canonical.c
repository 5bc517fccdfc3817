/* SPDX-License-Identifier: MIT */
#include "base/escape.h"
#include "job/schema/schema-impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A config as lines that two runs can compare. What is not given and has no
 * default leaves no line; every value stands on one line, whatever it holds.
 */
struct canonical {
	struct buf *out;
	const char *prefix;
	const struct migrate_option *option;
};

/* "class prefix.name" */
static bool begin_line(const struct canonical *c)
{
	return buf_add_text(c->out, schema_class_name(c->option->klass)) &&
	       buf_add_text(c->out, " ") && buf_add_text(c->out, c->prefix) &&
	       (!*c->prefix || buf_add_text(c->out, ".")) && buf_add_text(c->out, c->option->name);
}

static bool end_line(const struct canonical *c, const char *text)
{
	return buf_add_text(c->out, " = ") && escape_add(c->out, text, strlen(text)) &&
	       buf_add_text(c->out, "\n");
}

static bool add_text(const struct canonical *c, const char *text)
{
	return !text || (begin_line(c) && end_line(c, text));
}

static bool add_number(const struct canonical *c, int64_t v, const char *unit)
{
	char text[40];

	if (!v && c->option->flags & SCHEMA_AUTO)
		return add_text(c, "auto");
	snprintf(text, sizeof(text), "%" PRId64 "%s", v, unit);
	return add_text(c, text);
}

static bool add_url(const struct canonical *c, const char *url)
{
	BUF_AUTO struct buf public = BUF_INIT(1u << 20);

	return !url || (url_add_public(&public, url) && buf_add(&public, "", 1) &&
			add_text(c, (const char *)public.p));
}

static bool add_choice(const struct canonical *c, int v)
{
	const char *words = c->option->choices;
	char word[128];

	while (v-- > 0 && strchr(words, '|'))
		words = strchr(words, '|') + 1;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(words, "|"), words);
	return add_text(c, word);
}

static bool add_list(const struct canonical *c, const struct migrate_strings *v)
{
	char index[32];

	for (size_t i = 0; i < v->n; i++) {
		snprintf(index, sizeof(index), ".%zu", i);
		if (!begin_line(c) || !buf_add_text(c->out, index) || !end_line(c, v->items[i]))
			return false;
	}
	return true;
}

/* Text in quotes, so that it can be told from null. */
static bool add_canonical_pair(const struct canonical *c, const struct migrate_pair *pair)
{
	if (!begin_line(c) || !buf_add_text(c->out, ".") ||
	    !escape_add(c->out, pair->name, strlen(pair->name)))
		return false;
	if (!pair->value)
		return end_line(c, "null");
	return buf_add_text(c->out, " = \"") &&
	       escape_add(c->out, pair->value, strlen(pair->value)) && buf_add_text(c->out, "\"\n");
}

static bool add_map(const struct canonical *c, const struct migrate_map *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (!add_canonical_pair(c, &v->pairs[i]))
			return false;
	return true;
}

static bool add_option(const struct canonical *c, const void *config)
{
	const char *field = (const char *)config + c->option->offset;
	union {
		int i;
		bool b;
		struct migrate_strings list;
		struct migrate_map map;
	} v;

	switch (c->option->type) {
	case MIGRATE_TYPE_STRING:
	case MIGRATE_TYPE_PATH:
		return add_text(c, field_text(c->option, config));
	case MIGRATE_TYPE_URL:
		return add_url(c, field_text(c->option, config));
	case MIGRATE_TYPE_INTEGER:
	case MIGRATE_TYPE_SIZE:
	case MIGRATE_TYPE_DURATION:
		return add_number(c, field_integer(c->option, config),
				  c->option->type == MIGRATE_TYPE_DURATION ? "ms" : "");
	case MIGRATE_TYPE_BOOLEAN:
		memcpy(&v.b, field, sizeof(v.b));
		return add_text(c, v.b ? "true" : "false");
	case MIGRATE_TYPE_CHOICE:
		memcpy(&v.i, field, sizeof(v.i));
		return add_choice(c, v.i);
	case MIGRATE_TYPE_LIST:
		memcpy(&v.list, field, sizeof(v.list));
		return add_list(c, &v.list);
	case MIGRATE_TYPE_MAP:
		memcpy(&v.map, field, sizeof(v.map));
		return add_map(c, &v.map);
	default:
		return true; /* secrets leave no line */
	}
}

bool schema_canonical(const struct schema *s, const void *config, const char *prefix,
		      struct buf *out)
{
	for (size_t i = 0; i < s->count; i++) {
		struct migrate_option o = schema_at(s, i);
		struct canonical c = { .out = out, .prefix = prefix, .option = &o };

		if (!add_option(&c, config))
			return false;
	}
	return true;
}
