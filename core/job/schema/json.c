/* SPDX-License-Identifier: MIT */
#include "job/schema/schema-impl.h"

#include <stdio.h>
#include <string.h>

/* An option table as JSON Schema, for editors that complete and check as one types. */

/* A JSON string. Tables are ASCII, but a plugin's may hold what it likes. */
bool json_quote(struct buf *out, const char *text, size_t n)
{
	bool ok = buf_add_text(out, "\"");

	for (size_t i = 0; i < n && ok; i++) {
		char hex[8];

		if (text[i] == '"' || text[i] == '\\')
			ok = buf_add_text(out, "\\") && buf_add(out, text + i, 1);
		else if ((unsigned char)text[i] >= ' ')
			ok = buf_add(out, text + i, 1);
		else
			ok = buf_add(out, hex,
				     (size_t)snprintf(hex, sizeof(hex), "\\u%04x",
						      (unsigned int)(unsigned char)text[i]));
	}
	return ok && buf_add_text(out, "\"");
}

static bool quote(struct buf *out, const char *text)
{
	return json_quote(out, text, strlen(text));
}

static bool add_choices(struct buf *out, const char *choices)
{
	bool ok = buf_add_text(out, "\"enum\":[");

	while (ok) {
		size_t n = strcspn(choices, "|");

		ok = json_quote(out, choices, n);
		if (!choices[n])
			break;
		ok = ok && buf_add_text(out, ",");
		choices += n + 1;
	}
	return ok && buf_add_text(out, "]");
}

static bool add_integer(struct buf *out, const struct migrate_option *o)
{
	char text[160];
	bool bounded = o->min || o->max;
	int n;

	if (o->flags & (SCHEMA_AUTO | SCHEMA_RATE))
		return buf_add_text(out, o->flags & SCHEMA_AUTO
					     ? "\"type\":[\"integer\",\"string\"],"
					       "\"pattern\":\"^(auto|\\\\$\\\\{.*|[0-9]+)$\""
					     : "\"type\":[\"integer\",\"string\"],"
					       "\"pattern\":\"^(\\\\$\\\\{.*|[0-9]+(/s)?)$\"");
	if (bounded)
		n = snprintf(text, sizeof(text),
			     "\"type\":[\"integer\",\"string\"],\"minimum\":%lld,\"maximum\":%lld",
			     (long long)o->min, (long long)o->max);
	else
		n = snprintf(text, sizeof(text), "\"type\":[\"integer\",\"string\"],\"minimum\":0");
	return buf_add(out, text, (size_t)n);
}

/* ${NAME} may stand for any scalar, so text is allowed wherever a value is. */
static bool add_type(struct buf *out, const struct migrate_option *o)
{
	switch (o->type) {
	case MIGRATE_TYPE_INTEGER:
		return add_integer(out, o);
	case MIGRATE_TYPE_SIZE:
		return buf_add_text(out, "\"type\":[\"integer\",\"string\"]");
	case MIGRATE_TYPE_BOOLEAN:
		return buf_add_text(out, "\"type\":\"boolean\"");
	case MIGRATE_TYPE_CHOICE:
		return add_choices(out, o->choices ? o->choices : "");
	case MIGRATE_TYPE_LIST:
		return buf_add_text(out,
				    "\"type\":[\"array\",\"string\",\"number\",\"boolean\"],"
				    "\"items\":{\"type\":[\"string\",\"number\",\"boolean\"]}");
	case MIGRATE_TYPE_MAP:
		return buf_add_text(out, "\"type\":\"object\",\"additionalProperties\":{\"type\":"
					 "[\"string\",\"number\",\"boolean\",\"null\"]}");
	default:
		return buf_add_text(out, "\"type\":[\"string\",\"number\",\"boolean\"]");
	}
}

static bool add_default(struct buf *out, const struct migrate_option *o)
{
	if (!o->value || !*o->value)
		return true;
	if (o->type == MIGRATE_TYPE_INTEGER || o->type == MIGRATE_TYPE_BOOLEAN)
		return buf_add_text(out, ",\"default\":") && buf_add_text(out, o->value);
	return buf_add_text(out, ",\"default\":") && quote(out, o->value);
}

static bool add_property(struct buf *out, const struct migrate_option *o)
{
	return quote(out, o->name) && buf_add_text(out, ":{\"description\":") &&
	       quote(out, o->help) && buf_add_text(out, ",") && add_type(out, o) &&
	       add_default(out, o) &&
	       (!(o->flags & MIGRATE_DEPRECATED) || buf_add_text(out, ",\"deprecated\":true")) &&
	       buf_add_text(out, "}");
}

/* "secret_key_file" beside "secret_key". */
static bool add_file_property(struct buf *out, const struct migrate_option *o)
{
	char name[128];

	if (o->type != MIGRATE_TYPE_SECRET)
		return true;
	snprintf(name, sizeof(name), "%s_file", o->name);
	return buf_add_text(out, ",") && quote(out, name) &&
	       buf_add_text(out, ":{\"description\":\"a file that holds it\",\"type\":\"string\"}");
}

bool schema_json_properties(const struct schema *s, struct buf *out)
{
	for (size_t i = 0; i < s->count; i++) {
		struct migrate_option o = schema_at(s, i);

		if ((i && !buf_add_text(out, ",")) || !add_property(out, &o) ||
		    !add_file_property(out, &o))
			return false;
	}
	return true;
}

/* A required secret may be given by file, so it is not required by its name. */
bool schema_json_required(const struct schema *s, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < s->count; i++) {
		struct migrate_option o = schema_at(s, i);

		if (!(o.flags & MIGRATE_REQUIRED) || o.type == MIGRATE_TYPE_SECRET)
			continue;
		if (!buf_add_text(out, first ? ",\"required\":[" : ",") || !quote(out, o.name))
			return false;
		first = false;
	}
	return first || buf_add_text(out, "]");
}

bool schema_json(const struct schema *s, struct buf *out)
{
	return buf_add_text(out, "{\"type\":\"object\",\"properties\":{") &&
	       schema_json_properties(s, out) && buf_add_text(out, "}") &&
	       schema_json_required(s, out) &&
	       buf_add_text(out, ",\"additionalProperties\":false}");
}
