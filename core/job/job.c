/* SPDX-License-Identifier: MIT */
#include "job/job.h"

#include "job/job-impl.h"

#include <stdlib.h>
#include <string.h>

/* Names of sections that have their own readers: not options of the file itself. */
static const char *const section_names[] = { "source",    "destination", "keys", "rename",
					     "databases", "caches",      "copy", "limits",
					     "rows",      "journal",     NULL };

static void *load_section(struct loading *l, const char *name, const struct schema *s)
{
	return schema_fill(s, yaml_get(l->root, name), NULL, l->job->folder, &l->job->arena,
			   &l->problems);
}

/* At the place of section.option, or of the section, or of the file. */
static void complain_of_option(struct loading *l, const char *section, const char *option,
			       const char *text)
{
	const struct yaml_node *s = section ? yaml_get(l->root, section) : l->root;
	const struct yaml_node *o = s ? yaml_get(s, option) : NULL;

	s = o ? o : s;
	problems_add(&l->problems, s ? s->line : 0, s ? s->column : 0, "%s", text);
}

static bool has_option(const struct loading *l, const char *section, const char *option)
{
	const struct yaml_node *s = section ? yaml_get(l->root, section) : l->root;

	return s && yaml_get(s, option);
}

static void check_globs(struct loading *l, const char *name)
{
	const struct yaml_node *keys = yaml_get(l->root, "keys");
	const struct yaml_node *list = keys ? yaml_get(keys, name) : NULL;

	for (const struct yaml_node *c = list ? list->first : NULL; c; c = c->next) {
		const char *why = c->kind == YAML_SCALAR ? glob_problem(c->text) : NULL;

		if (why)
			problems_add(&l->problems, c->line, c->column, "keys.%s: %s", name, why);
	}
}

static void check_keys(struct loading *l)
{
	const struct section_keys *k = l->keys;

	if (k->from == KEYS_FROM_FILE && !has_option(l, "keys", "file"))
		complain_of_option(l, "keys", "from",
				   "keys.from is file, but keys.file is missing");
	if (k->from != KEYS_FROM_FILE && has_option(l, "keys", "file"))
		complain_of_option(l, "keys", "file", "keys.file needs keys.from: file");
	if (k->from != KEYS_FROM_FILE && has_option(l, "keys", "format"))
		complain_of_option(l, "keys", "format", "keys.format needs keys.from: file");
	if (k->from == KEYS_FROM_DATABASE && !has_option(l, NULL, "databases"))
		complain_of_option(l, "keys", "from",
				   "keys.from is database, but there are no databases");
	if (k->from == KEYS_FROM_FILE && k->format == KEYS_CSV && has_option(l, NULL, "rename"))
		complain_of_option(
		    l, NULL, "rename",
		    "rename rules cannot be used with keys.format: csv, which has the new keys");
	check_globs(l, "include");
	check_globs(l, "exclude");
}

static void load_keys(struct loading *l)
{
	struct job *j = l->job;

	l->keys = load_section(l, "keys", &schema_keys);
	if (!l->keys)
		return;
	j->keys_from = l->keys->from;
	j->keys_format = l->keys->format;
	j->keys_file = l->keys->file;
	if (l->keys->prefix)
		j->selection.prefix =
		    (struct migrate_bytes){ .p = l->keys->prefix, .n = strlen(l->keys->prefix) };
	j->selection.include = l->keys->include;
	j->selection.exclude = l->keys->exclude;
	check_keys(l);
}

static void load_rename(struct loading *l)
{
	struct job *j = l->job;
	bool given = has_option(l, NULL, "unmatched");

	j->rules = rename_rules_new(yaml_get(l->root, "rename"), &l->problems);
	if (!j->rules)
		return;
	if (given)
		j->unmatched = l->top->unmatched;
	else
		j->unmatched = rename_rules_count(j->rules) ? UNMATCHED_FAIL : UNMATCHED_KEEP;
	if (given && !rename_rules_count(j->rules) && j->unmatched != UNMATCHED_KEEP)
		complain_of_option(l, NULL, "unmatched",
				   "'unmatched' has no meaning without rename rules");
}

static void load_copy(struct loading *l)
{
	struct job *j = l->job;

	l->copy = load_section(l, "copy", &schema_copy);
	l->limits = load_section(l, "limits", &schema_limits);
	l->rows = load_section(l, "rows", &schema_rows);
	if (!l->copy || !l->limits || !l->rows)
		return;
	j->copy = *l->copy;
	j->copy.verify += VERIFY_SIZE; /* the choices begin there */
	j->copy.automatic = !j->copy.concurrency;
	if (j->copy.automatic)
		j->copy.concurrency = CONCURRENCY_AUTO;
	j->limits = *l->limits;
	j->rows = *l->rows;
	if (j->copy.memory < j->copy.part_size)
		complain_of_option(
		    l, "copy", has_option(l, "copy", "memory") ? "memory" : "part_size",
		    "copy.memory cannot hold one part: it must be at least copy.part_size");
}

/* "journal: PATH" is short for "journal: {path: PATH}". */
static void journal_as_map(struct loading *l)
{
	struct yaml_node *node = yaml_get(l->root, "journal"), *path;

	if (!node || node->kind != YAML_SCALAR || yaml_is_null(node))
		return;
	path = arena_alloc(&l->job->arena, sizeof(*path));
	if (!path)
		return;
	*path = *node;
	path->name = "path";
	path->next = NULL;
	node->kind = YAML_MAP;
	node->first = path;
}

static void load_journal(struct loading *l)
{
	const struct yaml_node *map, *path;
	struct job *j = l->job;

	journal_as_map(l);
	l->journal = load_section(l, "journal", &schema_journal);
	if (!l->journal)
		return;
	map = yaml_get(l->root, "journal");
	path = map ? yaml_get(map, "path") : NULL;
	if (path && path->kind == YAML_SCALAR && strstr(path->text, "://"))
		problems_add(&l->problems, path->line, path->column,
			     "the journal must be a file: this version keeps none on a server");
	j->journal_path = l->journal->path;
	if (!j->journal_path)
		j->journal_path = arena_printf(&j->arena, "%s/%s.journal",
					       strcmp(j->folder, "/") ? j->folder : "", j->name);
	j->journal_keep = l->journal->keep;
	j->journal_allow_volatile = l->journal->allow_volatile;
}

static void load_top(struct loading *l)
{
	struct job *j = l->job;

	l->top =
	    schema_fill(&schema_top, l->root, section_names, j->folder, &j->arena, &l->problems);
	if (!l->top)
		return;
	if (l->top->job)
		j->name = l->top->job;
	if (!job_name_is_good(j->name))
		complain_of_option(
		    l, NULL, "job",
		    "the job's name names its journal: give 'job' a name without slashes, "
		    "control characters and a leading dot, at most 128 bytes");
	j->batch = l->top->batch;
	j->attempts = l->top->attempts;
	j->patience = l->top->patience;
	j->timeout = l->top->timeout;
	j->max_failures = l->top->max_failures;
}

bool job_has_texts(const struct job *job)
{
	for (size_t i = 0; i < job->database_count; i++)
		if (job->databases[i].match == MATCH_CONTAINS)
			return true;
	return false;
}

/* What a text can be used for, beside the rest of the job. */
static void check_texts(struct loading *l)
{
	const struct job *j = l->job;
	bool exact = !j->database_count;

	for (size_t i = 0; i < j->database_count; i++)
		exact |= j->databases[i].match == MATCH_EXACT;
	if (l->keys && j->keys_from == KEYS_FROM_DATABASE && !exact)
		complain_of_option(
		    l, "keys", "from",
		    "keys.from is database, but no text says where a key in it ends: add a "
		    "database with match: exact, or take the keys from the source or a file");
	if (l->journal && j->journal_keep == KEEP_FAILURES && job_has_texts(j))
		complain_of_option(
		    l, "journal", "keep",
		    "journal.keep is failures, but match: contains needs all keys of the job");
}

static void load_sections(struct loading *l)
{
	load_top(l);
	if (!l->top)
		return;
	load_keys(l);
	load_rename(l);
	load_copy(l);
	load_journal(l);
	job_load_ends(l);
	check_texts(l);
}

static void apply_set(struct loading *l, const char *set)
{
	const char *equals = strchr(set, '=');
	struct error err = ERROR_INIT;
	char *path;

	if (!equals || equals == set) {
		problems_add(&l->problems, YAML_LINE_SET, 0, "'%s' is not of the form PATH=VALUE",
			     set);
		return;
	}
	path = arena_copy(&l->job->arena, set, (size_t)(equals - set));
	if (!path)
		problems_add(&l->problems, 0, 0, "out of memory");
	else if (yaml_set(&l->job->arena, l->root, path, equals + 1, &err))
		problems_add(&l->problems, YAML_LINE_SET, 0, "%s", err.text);
}

static void expand_job(struct loading *l)
{
	for (struct yaml_node *c = l->root->first; c; c = c->next)
		yaml_expand_section(&l->job->arena, c, &l->problems);
}

static bool parse_file(struct loading *l)
{
	size_t n = 0;
	char *bytes = job_read_file(l, &n);

	if (!bytes)
		return false;
	l->root = yaml_parse(&l->job->arena, bytes, n, &l->problems);
	explicit_bzero(bytes, n < YAML_FILE_MAX ? n : YAML_FILE_MAX);
	free(bytes);
	if (l->root && l->root->kind != YAML_MAP) {
		problems_add(&l->problems, l->root->line, l->root->column,
			     "a job file is a map of options, not %s", yaml_kind_name(l->root));
		l->root = NULL;
	}
	return l->root != NULL;
}

static void wipe_end(const struct job_end *e)
{
	struct schema s;

	if (!e->descriptor || !e->node)
		return;
	s = schema_of_plugin(e->descriptor);
	schema_wipe(&s, e->node);
}

static void wipe_job(struct job *j)
{
	wipe_end(&j->source);
	wipe_end(&j->destination);
	for (size_t i = 0; i < j->database_count; i++)
		wipe_end(&j->databases[i].end);
	for (size_t i = 0; i < j->cache_count; i++)
		wipe_end(&j->caches[i]);
}

/* Everything is looked at before anything is given up, so that all problems are told at once. */
static void load(struct loading *l)
{
	if (!job_name_from_path(l) || !parse_file(l))
		return;
	for (const char *const *set = l->options->set; set && *set; set++)
		apply_set(l, *set);
	expand_job(l);
	load_sections(l);
	if (!l->problems.count)
		job_make_canonical(l);
	wipe_job(l->job);
}

struct job *job_load(const char *path, const struct job_load_options *options, struct error *err)
{
	struct loading l = { .options = options, .problems = PROBLEMS_INIT(path) };
	struct job *j = calloc(1, sizeof(*j));

	if (!j) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	l.job = j;
	j->path = arena_text(&j->arena, path);
	if (j->path)
		load(&l);
	else
		problems_add(&l.problems, 0, 0, "out of memory");
	if (l.problems.count) {
		problems_error(&l.problems, err);
		job_free(j);
		j = NULL;
	}
	problems_release(&l.problems);
	return j;
}

void job_free(struct job *j)
{
	if (!j)
		return;
	job_release_ends(j);
	rename_rules_free(j->rules);
	arena_release(&j->arena);
	free(j);
}
