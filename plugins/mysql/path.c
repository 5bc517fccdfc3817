/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * A place in a document: $.avatar.url, $.images[0].url, $."odd name", $['odd
 * name'].
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

/* A name that both servers read as one: in quotes, with a backslash before those. */
static void add_member(struct sql *s, const char *name)
{
	sql_add(s, ".\"");
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			sql_bytes(s, "\\", 1);
		sql_bytes(s, name, 1);
	}
	sql_add(s, "\"");
}

/* $."avatar"."url", which is also what an index over it is made of. */
static char *path_of(const struct instance *inst)
{
	struct sql s = { .n = 0 };

	sql_add(&s, "$");
	for (size_t i = 0; i < inst->step_count; i++) {
		if (inst->step_is_index[i])
			sql_add(&s, "[%s]", inst->steps[i]);
		else
			add_member(&s, inst->steps[i]);
	}
	return sql_finish(&s);
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
	inst->json_path = path_of(inst);
	return inst->json_path ? MIGRATE_OK : out_of_memory(self);
}

void path_free(struct instance *inst)
{
	for (size_t i = 0; i < inst->step_count; i++)
		free(inst->steps[i]);
	free(inst->steps);
	free(inst->step_is_index);
	free(inst->json_path);
}
