/* SPDX-License-Identifier: MIT */
#include "job/job-impl.h"
#include "job/schema/schema-impl.h"

#include <string.h>

/* The whole job file as documents: its part of migrate-job(5), and a JSON Schema. */

bool job_mdoc(struct buf *out)
{
	size_t count;
	const struct job_section *s = job_sections(&count);

	for (size_t i = 0; i < count; i++)
		if (!job_mdoc_section(out, *s[i].name ? s[i].name : "The file itself", s[i].help) ||
		    !schema_mdoc(s[i].schema, out))
			return false;
	return true;
}

struct editor {
	const struct migrate_plugin *const *plugins;
	size_t count;
	struct buf *out;
};

static bool edit_text(const struct editor *e, const char *text)
{
	return buf_add_text(e->out, text);
}

static bool quote(const struct editor *e, const char *text)
{
	return json_quote(e->out, text, strlen(text));
}

/* One plugin at one kind of end: our options with `plugin` pinned to its name, then its own. */
static bool add_plugin(const struct editor *e, const struct job_section *s,
		       const struct migrate_plugin *p)
{
	struct schema own = *s->schema, its = schema_of_plugin(p);

	own.options = (const struct migrate_option *)((const char *)own.options + own.stride);
	own.count--;
	return edit_text(e, "{\"type\":\"object\",\"title\":") && quote(e, p->name) &&
	       edit_text(e, ",\"description\":") && quote(e, p->summary ? p->summary : "") &&
	       edit_text(e, ",\"properties\":{\"plugin\":{\"const\":") && quote(e, p->name) &&
	       edit_text(e, "}") && (!own.count || edit_text(e, ",")) &&
	       schema_json_properties(&own, e->out) && (!its.count || edit_text(e, ",")) &&
	       schema_json_properties(&its, e->out) && edit_text(e, "}") &&
	       schema_json_required(&its, e->out) &&
	       edit_text(e, ",\"additionalProperties\":false}");
}

/* Any of the plugins of the section's kind; with none known, any map that names one. */
static bool add_schema_end(const struct editor *e, const struct job_section *s)
{
	bool first = true;

	if (!edit_text(e, "{\"type\":\"object\",\"required\":[\"plugin\"],\"properties\":{") ||
	    !schema_json_properties(s->schema, e->out) || !edit_text(e, "}"))
		return false;
	for (size_t i = 0; i < e->count; i++) {
		if (e->plugins[i]->kind != (uint32_t)s->kind)
			continue;
		if (!edit_text(e, first ? ",\"oneOf\":[" : ",") || !add_plugin(e, s, e->plugins[i]))
			return false;
		first = false;
	}
	return (first || edit_text(e, "]")) && edit_text(e, "}");
}

static bool add_section(const struct editor *e, const struct job_section *s)
{
	switch (s->shape) {
	case SECTION_END:
		return add_schema_end(e, s);
	case SECTION_ENDS:
		return edit_text(e, "{\"type\":\"array\",\"items\":") && add_schema_end(e, s) &&
		       edit_text(e, "}");
	case SECTION_LIST:
		return edit_text(e, "{\"type\":\"array\",\"items\":") &&
		       schema_json(s->schema, e->out) && edit_text(e, "}");
	default:
		if (strcmp(s->name, "journal") != 0)
			return schema_json(s->schema, e->out);
		return edit_text(e, "{\"oneOf\":[{\"type\":\"string\"},") &&
		       schema_json(s->schema, e->out) && edit_text(e, "]}");
	}
}

static bool add_schema_sections(const struct editor *e, const struct job_section *s, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (!edit_text(e, ",") || !quote(e, s[i].name) ||
		    !edit_text(e, ":{\"description\":") || !quote(e, s[i].help) ||
		    !edit_text(e, ",\"allOf\":[") || !add_section(e, &s[i]) || !edit_text(e, "]}"))
			return false;
	return true;
}

static bool add_required(const struct editor *e, const struct job_section *s, size_t count)
{
	bool first = true;

	for (size_t i = 1; i < count; i++) {
		if (!s[i].required)
			continue;
		if (!edit_text(e, first ? ",\"required\":[" : ",") || !quote(e, s[i].name))
			return false;
		first = false;
	}
	return first || edit_text(e, "]");
}

bool job_json_schema(const struct migrate_plugin *const *plugins, size_t count, struct buf *out)
{
	const struct editor e = { .plugins = plugins, .count = count, .out = out };
	size_t n;
	const struct job_section *s = job_sections(&n);

	return edit_text(&e,
			 "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
			 "\"title\":\"migrate job file\",\"type\":\"object\",\"properties\":{") &&
	       schema_json_properties(s[0].schema, out) && add_schema_sections(&e, s, n) &&
	       edit_text(&e, "}") && add_required(&e, s, n) &&
	       edit_text(&e, ",\"additionalProperties\":false}\n");
}
