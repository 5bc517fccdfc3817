/* SPDX-License-Identifier: MIT */
#include "json-path.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 32

struct parser {
	const char *at;
	struct json_path *out;
	bool no_memory;
};

static bool add_step(struct parser *p, const char *text, size_t n, bool is_index)
{
	struct json_step *step = &p->out->steps[p->out->count];

	if (!n || p->out->count == STEPS_MAX)
		return false;
	step->text = strndup(text, n);
	step->is_index = is_index;
	p->no_memory = !step->text;
	p->out->count += !p->no_memory;
	return !p->no_memory;
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
	return p->out->count > 0;
}

enum migrate_status json_path_read(struct migrate_session *session, const char *text,
				   struct json_path *out)
{
	struct parser p = { .at = text, .out = out };

	*out = (struct json_path){ .steps = calloc(STEPS_MAX, sizeof(*out->steps)) };
	if (out->steps && parse(&p))
		return MIGRATE_OK;
	if (!out->steps || p.no_memory)
		return migrate_fail(session, MIGRATE_UNAVAILABLE, "out of memory");
	return migrate_fail(session, MIGRATE_INVALID,
			    "json_path: '%s' is not one place: $.avatar.url, $.images[0].url and "
			    "$.\"odd name\" are",
			    text);
}

void json_path_release(struct json_path *path)
{
	for (size_t i = 0; i < path->count; i++)
		free(path->steps[i].text);
	free(path->steps);
	*path = (struct json_path){ .steps = NULL };
}
