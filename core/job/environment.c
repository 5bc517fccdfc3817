/* SPDX-License-Identifier: MIT */
#include "job/job-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * Keys that an end takes from the environment are meant for one server. Two ends of
 * different servers that would take the same ones: for one of them they are wrong.
 */

static const struct migrate_option *option_at(const struct job_end *e, size_t i)
{
	return (const void *)((const char *)e->descriptor->options +
			      i * e->descriptor->option_size);
}

static const void *field(const struct job_end *e, const struct migrate_option *o)
{
	return (const char *)e->config + o->offset;
}

/* "ONE|TWO": is NAME, n bytes, one of them? */
static bool lists(const char *names, const char *name, size_t n)
{
	for (const char *at = names; at && *at; at += strcspn(at, "|"), at += *at == '|')
		if (strcspn(at, "|") == n && !strncmp(at, name, n))
			return true;
	return false;
}

static bool is_given(const struct job_end *e, const struct migrate_option *o)
{
	const void *p;

	switch (o->type) {
	case MIGRATE_TYPE_STRING:
	case MIGRATE_TYPE_SECRET:
	case MIGRATE_TYPE_PATH:
	case MIGRATE_TYPE_URL:
		memcpy(&p, field(e, o), sizeof(p));
		return p != NULL;
	case MIGRATE_TYPE_BOOLEAN:
		return *(const bool *)field(e, o);
	default:
		return yaml_get(e->node, o->name) != NULL;
	}
}

/* Does the end take this variable, because nothing in its section stands before it? */
static bool takes(const struct job_end *e, const char *name, size_t n)
{
	bool reads = false;

	for (size_t i = 0; i < e->descriptor->option_count; i++) {
		const struct migrate_option *o = option_at(e, i);

		if (!lists(o->environment, name, n))
			continue;
		if (is_given(e, o))
			return false;
		reads = true;
	}
	return reads;
}

static const char *text_of(const struct job_end *e, const struct migrate_option *o)
{
	const char *text = NULL;

	if (o->type == MIGRATE_TYPE_STRING || o->type == MIGRATE_TYPE_URL)
		memcpy(&text, field(e, o), sizeof(text));
	return text ? text : "";
}

/* The option by which they are not one server; NULL: there is none. */
static const char *differing_server(const struct job_end *a, const struct job_end *b)
{
	for (size_t i = 0; i < a->descriptor->option_count; i++) {
		const struct migrate_option *o = option_at(a, i);

		for (size_t k = 0; k < b->descriptor->option_count; k++) {
			const struct migrate_option *other = option_at(b, k);

			if (o->flags & MIGRATE_SERVER && other->flags & MIGRATE_SERVER &&
			    !strcmp(o->name, other->name) &&
			    strcmp(text_of(a, o), text_of(b, other)) != 0)
				return o->name;
		}
	}
	return NULL;
}

/* A variable that is set, and that both would take; *n: bytes in its name. */
static const char *shared_variable(const struct job_end *a, const struct job_end *b, size_t *n)
{
	char name[128];

	for (size_t i = 0; i < a->descriptor->option_count; i++) {
		const char *at = option_at(a, i)->environment;

		for (; at && *at; at += *n, at += *at == '|') {
			const char *value;

			*n = strcspn(at, "|");
			if (*n >= sizeof(name))
				continue;
			memcpy(name, at, *n);
			name[*n] = '\0';
			value = getenv(name);
			if (value && *value && takes(a, at, *n) && takes(b, at, *n))
				return at;
		}
	}
	return NULL;
}

/* "access_key, profile": the options of e that stand before that variable. */
static void name_options(const struct job_end *e, const char *name, size_t n, struct buf *out)
{
	for (size_t i = 0; i < e->descriptor->option_count; i++) {
		const struct migrate_option *o = option_at(e, i);

		if (!lists(o->environment, name, n))
			continue;
		buf_add_text(out, out->len ? " or " : "");
		buf_add_text(out, o->name);
	}
}

static void compare_ends(struct loading *l, const struct job_end *a, const struct job_end *b)
{
	BUF_AUTO struct buf options = BUF_INIT(1024);
	const char *server, *name;
	size_t n;

	if (!a->config || !b->config)
		return;
	server = differing_server(a, b);
	name = server ? shared_variable(a, b, &n) : NULL;
	if (!name)
		return;
	name_options(b, name, n, &options);
	problems_add(&l->problems, b->node->line, b->node->column,
		     "%s and %s would both take their keys from the environment (%.*s), although "
		     "their '%s' differs: say %.*s in one of them, or in both",
		     a->label, b->label, (int)n, name, server, (int)options.len,
		     (const char *)options.p);
}

void job_check_environment(struct loading *l)
{
	const struct job *j = l->job;
	size_t count = 2 + j->database_count + j->cache_count, n = 0;
	const struct job_end **ends = calloc(count, sizeof(*ends));

	if (!ends) {
		problems_add(&l->problems, 0, 0, "out of memory");
		return;
	}
	ends[n++] = &j->source;
	ends[n++] = &j->destination;
	for (size_t i = 0; i < j->database_count; i++)
		ends[n++] = &j->databases[i].end;
	for (size_t i = 0; i < j->cache_count; i++)
		ends[n++] = &j->caches[i];
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			compare_ends(l, ends[i], ends[k]);
	free(ends);
}
