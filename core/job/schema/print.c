/* SPDX-License-Identifier: MIT */
#include "job/schema/schema-impl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* An option table for people: on a terminal, and in a manual page. */

static bool addf(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool addf(struct buf *out, const char *format, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return n >= 0 &&
	       buf_add(out, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* What a person writes there. */
static const char *type_name(uint32_t type)
{
	static const char *const names[] = {
		[MIGRATE_TYPE_STRING] = "text",    [MIGRATE_TYPE_SECRET] = "secret",
		[MIGRATE_TYPE_INTEGER] = "number", [MIGRATE_TYPE_SIZE] = "size",
		[MIGRATE_TYPE_DURATION] = "time",  [MIGRATE_TYPE_BOOLEAN] = "true|false",
		[MIGRATE_TYPE_CHOICE] = "choice",  [MIGRATE_TYPE_PATH] = "path",
		[MIGRATE_TYPE_URL] = "url",        [MIGRATE_TYPE_LIST] = "list",
		[MIGRATE_TYPE_MAP] = "map",
	};

	return type >= MIGRATE_TYPE_STRING && type <= MIGRATE_TYPE_MAP ? names[type] : "?";
}

/* "number", "one|two", "rate": the word behind the option's name. */
static const char *value_name(const struct migrate_option *o)
{
	if (o->type == MIGRATE_TYPE_CHOICE && o->choices)
		return o->choices;
	if (o->flags & SCHEMA_AUTO)
		return "number|auto";
	if (o->flags & SCHEMA_RATE)
		return o->type == MIGRATE_TYPE_SIZE ? "size/s" : "number/s";
	return type_name(o->type);
}

/* A bound in the option's own unit, as the job file would write it. */
static void format_bound(const struct migrate_option *o, int64_t v, char *text, size_t size)
{
	static const struct {
		uint32_t type;
		int64_t factor;
		const char *name;
	} units[] = {
		{ MIGRATE_TYPE_SIZE, INT64_C(1) << 50, "PiB" },
		{ MIGRATE_TYPE_SIZE, INT64_C(1) << 40, "TiB" },
		{ MIGRATE_TYPE_SIZE, INT64_C(1) << 30, "GiB" },
		{ MIGRATE_TYPE_SIZE, INT64_C(1) << 20, "MiB" },
		{ MIGRATE_TYPE_SIZE, INT64_C(1) << 10, "KiB" },
		{ MIGRATE_TYPE_DURATION, 86400000, "d" },
		{ MIGRATE_TYPE_DURATION, 3600000, "h" },
		{ MIGRATE_TYPE_DURATION, 60000, "m" },
		{ MIGRATE_TYPE_DURATION, 1000, "s" },
		{ MIGRATE_TYPE_DURATION, 1, "ms" },
	};

	for (size_t i = 0; v && i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].type != o->type || v % units[i].factor)
			continue;
		snprintf(text, size, "%" PRId64 "%s", v / units[i].factor, units[i].name);
		return;
	}
	snprintf(text, size, "%" PRId64, v);
}

/* "required", "default 8, 1 to 512, tunable": what there is to know besides the sentence. */
static bool add_facts(struct buf *out, const struct migrate_option *o)
{
	char low[40], high[40];
	bool ok = true;

	if (o->flags & MIGRATE_REQUIRED)
		ok = addf(out, "required, ");
	else if (o->value && *o->value)
		ok = addf(out, "default %s, ", o->value);
	if (o->min || o->max) {
		format_bound(o, o->min, low, sizeof(low));
		format_bound(o, o->max, high, sizeof(high));
		ok = ok && addf(out, "%s to %s, ", low, high);
	}
	if (o->flags & MIGRATE_DEPRECATED)
		ok = ok && addf(out, "deprecated, ");
	return ok && addf(out, "%s", schema_class_name(o->klass));
}

static int name_width(const struct schema *s)
{
	size_t width = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct migrate_option o = schema_at(s, i);
		size_t n = strlen(o.name) + 2 + strlen(value_name(&o));

		width = n > width ? n : width;
	}
	return width < 40 ? (int)width : 40;
}

bool schema_print(const struct schema *s, struct buf *out)
{
	int width = name_width(s);

	for (size_t i = 0; i < s->count; i++) {
		struct migrate_option o = schema_at(s, i);
		char name[160];

		snprintf(name, sizeof(name), "%s: %s", o.name, value_name(&o));
		if (!addf(out, "  %-*s  %s\n  %-*s  (", width, name, o.help, width, "") ||
		    !add_facts(out, &o) || !addf(out, ")\n"))
			return false;
	}
	return true;
}

/* A word in mdoc. At the start of a line a dot or quote would make it a macro. */
static bool wrap_word(struct buf *out, const char *word, size_t n, bool starts_line)
{
	bool ok = true;

	if (starts_line && (*word == '.' || *word == '\''))
		ok = buf_add_text(out, "\\&");
	for (size_t i = 0; i < n && ok; i++)
		ok = word[i] == '\\' ? buf_add_text(out, "\\e") : buf_add(out, word + i, 1);
	return ok;
}

/* A sentence with its stop, in lines that stay below 80 columns. */
static bool add_sentence(struct buf *out, const char *help)
{
	size_t column = 0;
	bool ok = true;

	while (*help && ok) {
		size_t n = strcspn(help, " ");
		bool wraps = column && column + 1 + n > 78;

		if (column)
			ok = buf_add_text(out, wraps ? "\n" : " ");
		column = wraps || !column ? n : column + 1 + n;
		ok = ok && wrap_word(out, help, n, column == n);
		help += n + (help[n] == ' ');
	}
	return ok && buf_add_text(out, ".\n");
}

/* The first letter of what was added at `at` becomes a capital. */
static void capitalise(struct buf *out, size_t at)
{
	if (at < out->len && out->p[at] >= 'a' && out->p[at] <= 'z')
		out->p[at] = (unsigned char)(out->p[at] - 'a' + 'A');
}

static bool add_help(struct buf *out, const char *help)
{
	size_t at = out->len;
	bool ok = add_sentence(out, help);

	capitalise(out, at);
	return ok;
}

/* ".It Cm name : Ar value": what stands in a column each is one macro. */
static bool add_item(struct buf *out, const struct migrate_option *o)
{
	return addf(out, ".It Cm %s : Ar %s\n", o->name, value_name(o)) && add_help(out, o->help) &&
	       buf_add_text(out, "(") && add_facts(out, o) && buf_add_text(out, ")\n");
}

bool schema_mdoc(const struct schema *s, struct buf *out)
{
	if (!buf_add_text(out, ".Bl -tag -width Ds\n"))
		return false;
	for (size_t i = 0; i < s->count; i++) {
		struct migrate_option o = schema_at(s, i);

		if (!add_item(out, &o))
			return false;
	}
	return buf_add_text(out, ".El\n");
}

bool job_mdoc_section(struct buf *out, const char *name, const char *help)
{
	return addf(out, ".Ss %s\n", name) && add_help(out, help);
}
