/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * A place in a document: $.avatar.url, $.images[0].url, $."odd name", $['odd
 * name']. Steps become the text[] that #>> and jsonb_set() take.
 */
#define STEPS_MAX 32

struct parser {
	const char *at;
	struct instance *inst;
};

static bool add_step(struct parser *p, const char *text, size_t n, bool is_index)
{
	struct instance *inst = p->inst;
	char *step = n && inst->step_count < STEPS_MAX ? strndup(text, n) : NULL;

	if (!step)
		return false;
	inst->steps[inst->step_count] = step;
	inst->step_is_index[inst->step_count++] = is_index;
	return true;
}

/* "name" or 'name'; a backslash stands before a quote or a backslash. */
static bool quoted_step(struct parser *p)
{
	char quote = *p->at++, name[256];
	size_t n = 0;

	while (*p->at && *p->at != quote) {
		if (*p->at == '\\' && p->at[1])
			p->at++;
		if (n == sizeof(name) - 1)
			return false;
		name[n++] = *p->at++;
	}
	return *p->at++ == quote && add_step(p, name, n, false);
}

static bool bracket_step(struct parser *p)
{
	size_t n = strspn(p->at, "0123456789");
	bool good;

	if (*p->at == '\'' || *p->at == '"') {
		good = quoted_step(p);
	} else {
		good = n < 10 && add_step(p, p->at, n, true);
		p->at += n;
	}
	return good && *p->at++ == ']';
}

static bool dot_step(struct parser *p)
{
	size_t n = strcspn(p->at, ".[]\"'*@? ()");

	if (*p->at == '"')
		return quoted_step(p);
	p->at += n;
	return add_step(p, p->at - n, n, false);
}

static bool parse(struct parser *p)
{
	if (*p->at++ != '$')
		return false;
	while (*p->at)
		switch (*p->at++) {
		case '.':
			if (!dot_step(p))
				return false;
			break;
		case '[':
			if (!bracket_step(p))
				return false;
			break;
		default:
			return false;
		}
	return p->inst->step_count > 0;
}

/* '{"avatar","url"}' */
static char *array_of(const struct instance *inst)
{
	struct sql array = { .n = 0 }, quoted = { .n = 0 };
	char *text;

	sql_add(&array, "{");
	for (size_t i = 0; i < inst->step_count; i++) {
		sql_add(&array, i ? ",\"" : "\"");
		for (const char *c = inst->steps[i]; *c; c++) {
			if (*c == '"' || *c == '\\')
				sql_bytes(&array, "\\", 1);
			sql_bytes(&array, c, 1);
		}
		sql_add(&array, "\"");
	}
	sql_add(&array, "}");
	text = sql_finish(&array);
	if (!text)
		return NULL;
	sql_literal(&quoted, text);
	sql_add(&quoted, "::pg_catalog.text[]");
	free(text);
	return sql_finish(&quoted);
}

enum migrate_status path_read(struct self *self, const char *path)
{
	struct instance *inst = self->instance;
	struct parser p = { .at = path, .inst = inst };

	inst->steps = calloc(STEPS_MAX, sizeof(*inst->steps));
	inst->step_is_index = calloc(STEPS_MAX, sizeof(*inst->step_is_index));
	if (!inst->steps || !inst->step_is_index)
		return out_of_memory(self);
	if (!parse(&p))
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "json_path: '%s' is not one place: $.avatar.url, "
				    "$.images[0].url and $.\"odd name\" are",
				    path);
	inst->json_path = strdup(path);
	inst->json_array = array_of(inst);
	return inst->json_path && inst->json_array ? MIGRATE_OK : out_of_memory(self);
}

void path_free(struct instance *inst)
{
	for (size_t i = 0; i < inst->step_count; i++)
		free(inst->steps[i]);
	free(inst->steps);
	free(inst->step_is_index);
	free(inst->json_path);
	free(inst->json_array);
}
