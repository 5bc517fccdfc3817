/* SPDX-License-Identifier: MIT */
#include "job/job-impl.h"

#include "job/schema/validate.h"
#include "job/texts/replace.h"

#include <stdlib.h>
#include <string.h>

/* Sections that plugins serve: our options there, then the plugin's own table. */

static const char *const end_names[] = { "plugin", NULL };
static const char *const database_names[] = { "plugin", "value",      "new_value",
					      "layout", "new_layout", "match",
					      "codec",  "text_max",   NULL };

static bool is_one_of(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

/* The section with our own options alone: the others are unknown to our table. */
static struct yaml_node *our_part(struct loading *l, const struct yaml_node *map,
				  const char *const *names)
{
	struct yaml_node *part = arena_alloc(&l->job->arena, sizeof(*part)), **end;

	if (!part)
		return NULL;
	*part = *map;
	part->first = NULL;
	end = &part->first;
	for (const struct yaml_node *c = map->first; c; c = c->next) {
		if (!is_one_of(names, c->name))
			continue;
		*end = arena_alloc(&l->job->arena, sizeof(**end));
		if (!*end)
			return NULL;
		**end = *c;
		(*end)->next = NULL;
		end = &(*end)->next;
	}
	return part;
}

/* What a plugin's config holds in the text option `name`, NULL if it has none. */
static const char *text_option(const struct job_end *e, const char *name)
{
	struct schema s = schema_of_plugin(e->descriptor);

	for (size_t i = 0; i < s.count; i++) {
		struct migrate_option o = schema_at(&s, i);
		const char *text;

		if (o.type != MIGRATE_TYPE_STRING || strcmp(o.name, name) != 0)
			continue;
		memcpy(&text, (const char *)e->config + o.offset, sizeof(text));
		return text;
	}
	return NULL;
}

/* "databases[0] (avatars.path)": which of several tables a message is about. */
static void label_database(struct loading *l, struct job_end *e, size_t i)
{
	const char *table = text_option(e, "table"), *column = text_option(e, "column");
	const char *label = NULL;

	if (table)
		label = arena_printf(&l->job->arena, "databases[%zu] (%s%s%s)", i, table,
				     column ? "." : "", column ? column : "");
	if (label)
		e->label = label;
}

static void load_config(struct loading *l, struct job_end *e, enum migrate_kind kind,
			const struct yaml_node *name, const char *const *ours)
{
	size_t problems = l->problems.count;
	struct error err = ERROR_INIT;
	struct schema s;

	e->descriptor = l->options->find(l->options->arg, kind, e->plugin, &err);
	if (!e->descriptor) {
		problems_add(&l->problems, name->line, name->column, "%s: %s", e->label, err.text);
		return;
	}
	s = schema_of_plugin(e->descriptor);
	e->config = schema_fill(&s, e->node, ours, l->job->folder, &l->job->arena, &l->problems);
	/* what was not filled as the table says is no config that a plugin should see */
	if (l->problems.count == problems)
		plugin_validate(e->descriptor, e->config, e->node, &l->problems);
}

/* NULL: e's section is not even a map. */
static struct section_end *load_end(struct loading *l, struct job_end *e, struct yaml_node *node,
				    enum migrate_kind kind, const struct schema *s,
				    const char *const *ours)
{
	const struct yaml_node *part, *name;
	struct section_end *own;

	e->node = node;
	if (node->kind != YAML_MAP) {
		problems_add(&l->problems, node->line, node->column,
			     "'%s' must be a map with the option 'plugin', not %s", e->label,
			     yaml_kind_name(node));
		return NULL;
	}
	part = our_part(l, node, ours);
	own =
	    part ? schema_fill(s, part, NULL, l->job->folder, &l->job->arena, &l->problems) : NULL;
	if (!own) {
		problems_add(&l->problems, 0, 0, "out of memory");
		return NULL;
	}
	e->plugin = own->plugin;
	name = yaml_get(node, "plugin");
	if (e->plugin)
		load_config(l, e, kind, name, ours);
	return own;
}

static void load_store(struct loading *l, struct job_end *e, const char *name)
{
	struct yaml_node *node = yaml_get(l->root, name);

	e->label = name;
	if (node)
		load_end(l, e, node, MIGRATE_STORE, &schema_end, end_names);
	else
		problems_add(&l->problems, l->root->line, l->root->column,
			     "section '%s' is missing", name);
}

static void problem_at(struct loading *l, const struct yaml_node *map, const char *name,
		       const char *text)
{
	const struct yaml_node *node = yaml_get(map, name);

	problems_add(&l->problems, node ? node->line : map->line, node ? node->column : map->column,
		     "%s: %s", name, text);
}

/* layout: the option of that name, NULL: it is not given. */
static struct value_pattern *load_pattern(struct loading *l, const struct yaml_node *map,
					  const char *name, const char *text,
					  const char *layout_name, const char *layout)
{
	struct error err = ERROR_INIT;
	struct value_pattern *v = value_pattern_new(text, &err);

	if (!v)
		problem_at(l, map, name, err.text);
	else if (layout && value_pattern_set_layout(v, layout, &err))
		problem_at(l, map, layout_name, err.text);
	return v;
}

/* Options that make no sense beside each other. */
static void check_end_texts(struct loading *l, const struct section_end *own,
			    const struct yaml_node *node)
{
	if (own->match == MATCH_CONTAINS && (own->layout || own->new_layout))
		problem_at(l, node, own->layout ? "layout" : "new_layout",
			   "a text names whole keys: with match: contains there is no layout");
	if (own->match == MATCH_CONTAINS)
		return;
	if (own->codec != CODEC_NONE)
		problem_at(l, node, "codec",
			   "a codec changes strings inside a value: say match: contains as well");
	if (yaml_get(node, "text_max"))
		problem_at(l, node, "text_max",
			   "it is for match: contains; other values have at most 65535 bytes");
}

static void load_database(struct loading *l, struct job_database *d, struct yaml_node *node,
			  size_t i)
{
	struct section_end *own =
	    load_end(l, &d->end, node, MIGRATE_DATABASE, &schema_database, database_names);

	if (!own || !own->value)
		return;
	d->own = own;
	d->match = own->match;
	d->codec = own->codec;
	d->end.value_max = own->match == MATCH_CONTAINS ? own->text_max : MIGRATE_KEY_MAX;
	check_end_texts(l, own, node);
	d->value = load_pattern(l, node, "value", own->value, "layout", own->layout);
	d->new_value = load_pattern(l, node, own->new_value ? "new_value" : "value",
				    own->new_value ? own->new_value : own->value, "new_layout",
				    own->new_layout);
	if (d->end.config)
		label_database(l, &d->end, i);
}

/* The elements of a list of ends; 0 also when it is no list. */
static size_t count_ends(struct loading *l, const struct yaml_node *list)
{
	size_t n = 0;

	if (!list)
		return 0;
	if (list->kind != YAML_LIST) {
		problems_add(&l->problems, list->line, list->column,
			     "'%s' must be a list, not %s: put '- ' in front of each", list->name,
			     yaml_kind_name(list));
		return 0;
	}
	for (const struct yaml_node *c = list->first; c; c = c->next)
		n++;
	return n;
}

static void load_databases(struct loading *l)
{
	const struct yaml_node *list = yaml_get(l->root, "databases");
	struct job *j = l->job;
	size_t n = count_ends(l, list), i = 0;

	j->databases = arena_alloc(&j->arena, (n + 1) * sizeof(*j->databases));
	if (!j->databases || !n)
		return;
	j->database_count = n;
	for (struct yaml_node *c = list->first; c; c = c->next, i++) {
		j->databases[i].end.label = arena_printf(&j->arena, "databases[%zu]", i);
		load_database(l, &j->databases[i], c, i);
	}
}

static void load_caches(struct loading *l)
{
	const struct yaml_node *list = yaml_get(l->root, "caches");
	struct job *j = l->job;
	size_t n = count_ends(l, list), i = 0;

	j->caches = arena_alloc(&j->arena, (n + 1) * sizeof(*j->caches));
	if (!j->caches || !n)
		return;
	j->cache_count = n;
	if (!j->database_count)
		problems_add(&l->problems, list->line, list->column,
			     "caches need a database: they are told of rows that changed");
	for (struct yaml_node *c = list->first; c; c = c->next, i++) {
		j->caches[i].label = arena_printf(&j->arena, "caches[%zu]", i);
		load_end(l, &j->caches[i], c, MIGRATE_CACHE, &schema_end, end_names);
	}
}

/* One column may hold values of several forms: a section for each. */
bool job_same_values(const struct job_database *a, const struct job_database *b)
{
	return a->match == b->match && a->value && b->value &&
	       value_pattern_equal(a->value, b->value);
}

/* Two sections that say the same would count and change every row twice. */
static void check_databases(struct loading *l)
{
	struct job *j = l->job;

	for (size_t i = 0; i < j->database_count; i++) {
		const struct job_end *a = &j->databases[i].end;

		for (size_t k = 0; k < i; k++) {
			const struct job_end *b = &j->databases[k].end;
			BUF_AUTO struct buf x = BUF_INIT(1u << 20);
			BUF_AUTO struct buf y = BUF_INIT(1u << 20);
			struct schema s;

			if (!a->config || !b->config || a->descriptor != b->descriptor)
				continue;
			if (!job_same_values(&j->databases[i], &j->databases[k]))
				continue;
			s = schema_of_plugin(a->descriptor);
			if (schema_canonical(&s, a->config, "", &x) &&
			    schema_canonical(&s, b->config, "", &y) && x.len && x.len == y.len &&
			    !memcmp(x.p, y.p, x.len))
				problems_add(&l->problems, a->node->line, a->node->column,
					     "%s is the same as databases[%zu]", a->label, k);
		}
	}
}

void job_load_ends(struct loading *l)
{
	load_store(l, &l->job->source, "source");
	load_store(l, &l->job->destination, "destination");
	load_databases(l);
	load_caches(l);
	check_databases(l);
	job_check_environment(l);
}

static void release_end(struct job_end *e)
{
	struct schema s;

	if (!e->descriptor || !e->config)
		return;
	s = schema_of_plugin(e->descriptor);
	schema_release(&s, e->config);
}

void job_release_ends(struct job *j)
{
	release_end(&j->source);
	release_end(&j->destination);
	for (size_t i = 0; i < j->database_count; i++) {
		release_end(&j->databases[i].end);
		value_pattern_free(j->databases[i].value);
		value_pattern_free(j->databases[i].new_value);
	}
	for (size_t i = 0; i < j->cache_count; i++)
		release_end(&j->caches[i]);
}
