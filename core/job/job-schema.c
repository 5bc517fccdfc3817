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

static bool add(const struct editor *e, const char *text)
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
	return add(e, "{\"type\":\"object\",\"title\":") && quote(e, p->name) &&
	       add(e, ",\"description\":") && quote(e, p->summary ? p->summary : "") &&
	       add(e, ",\"properties\":{\"plugin\":{\"const\":") && quote(e, p->name) &&
	       add(e, "}") && (!own.count || add(e, ",")) && schema_json_properties(&own, e->out) &&
	       (!its.count || add(e, ",")) && schema_json_properties(&its, e->out) && add(e, "}") &&
	       schema_json_required(&its, e->out) && add(e, ",\"additionalProperties\":false}");
}

/* Any of the plugins of the section's kind; with none known, any map that names one. */
static bool add_end(const struct editor *e, const struct job_section *s)
{
	bool first = true;

	if (!add(e, "{\"type\":\"object\",\"required\":[\"plugin\"],\"properties\":{") ||
	    !schema_json_properties(s->schema, e->out) || !add(e, "}"))
		return false;
	for (size_t i = 0; i < e->count; i++) {
		if (e->plugins[i]->kind != (uint32_t)s->kind)
			continue;
		if (!add(e, first ? ",\"oneOf\":[" : ",") || !add_plugin(e, s, e->plugins[i]))
			return false;
		first = false;
	}
	return (first || add(e, "]")) && add(e, "}");
}

static bool add_section(const struct editor *e, const struct job_section *s)
{
	switch (s->shape) {
	case SECTION_END:
		return add_end(e, s);
	case SECTION_ENDS:
		return add(e, "{\"type\":\"array\",\"items\":") && add_end(e, s) && add(e, "}");
	case SECTION_LIST:
		return add(e, "{\"type\":\"array\",\"items\":") && schema_json(s->schema, e->out) &&
		       add(e, "}");
	default:
		if (strcmp(s->name, "journal") != 0)
			return schema_json(s->schema, e->out);
		return add(e, "{\"oneOf\":[{\"type\":\"string\"},") &&
		       schema_json(s->schema, e->out) && add(e, "]}");
	}
}

static bool add_sections(const struct editor *e, const struct job_section *s, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (!add(e, ",") || !quote(e, s[i].name) || !add(e, ":{\"description\":") ||
		    !quote(e, s[i].help) || !add(e, ",\"allOf\":[") || !add_section(e, &s[i]) ||
		    !add(e, "]}"))
			return false;
	return true;
}

static bool add_required(const struct editor *e, const struct job_section *s, size_t count)
{
	bool first = true;

	for (size_t i = 1; i < count; i++) {
		if (!s[i].required)
			continue;
		if (!add(e, first ? ",\"required\":[" : ",") || !quote(e, s[i].name))
			return false;
		first = false;
	}
	return first || add(e, "]");
}

bool job_json_schema(const struct migrate_plugin *const *plugins, size_t count, struct buf *out)
{
	const struct editor e = { .plugins = plugins, .count = count, .out = out };
	size_t n;
	const struct job_section *s = job_sections(&n);

	return add(&e, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
		       "\"title\":\"migrate job file\",\"type\":\"object\",\"properties\":{") &&
	       schema_json_properties(s[0].schema, out) && add_sections(&e, s, n) && add(&e, "}") &&
	       add_required(&e, s, n) && add(&e, ",\"additionalProperties\":false}\n");
}
