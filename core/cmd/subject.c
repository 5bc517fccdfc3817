/* SPDX-License-Identifier: MIT */
#include "cmd/subject.h"

#include "base/buf.h"
#include "job/yaml/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOB_MAX (1u << 20)
#define SUFFIX ".journal"

static int out_of_memory(struct error *err)
{
	return error_set(err, EXIT_INTERNAL, "out of memory");
}

/* The first JOB_MAX + 1 bytes; a job file is never longer. */
static int read_operand(const char *path, struct buf *b, uid_t *owner, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char page[65536];
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return error_set_errno(err, EXIT_USAGE, errno, "cannot open '%s'", path);
	*owner = fstat(fd, &st) ? 0 : st.st_uid;
	while (b->len <= JOB_MAX && (n = read(fd, page, sizeof(page))) > 0)
		if (!buf_add(b, page, (size_t)n))
			break;
	if (n < 0)
		error_set_errno(err, EXIT_USAGE, errno, "cannot read '%s'", path);
	close(fd);
	return n < 0 ? -1 : 0;
}

/* A job file is text; a journal is not. */
static bool is_journal(const struct buf *b)
{
	size_t n = b->len < 128 ? b->len : 128;

	return n && memchr(b->p, '\0', n);
}

static const char *name_of_journal(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t n = strlen(base), suffix = sizeof(SUFFIX) - 1;

	if (n > suffix && !strcmp(base + n - suffix, SUFFIX))
		n -= suffix;
	return arena_copy(a, base, n);
}

/* ---- The job file ---- */

static const char *folder_of_file(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return arena_copy(a, path, slash == path ? 1 : (size_t)(slash - path));
}

/* `journal:` is a path or a map with a path; the default stands beside the job file. */
static const char *find_journal(struct subject *s, struct yaml_node *root, const char *path)
{
	struct yaml_node *node = yaml_get(root, "journal");
	const char *folder = folder_of_file(&s->arena, path);

	if (node && node->kind == YAML_MAP)
		node = yaml_get(node, "path");
	if (!node || node->kind != YAML_SCALAR)
		return arena_printf(&s->arena, "%s/%s" SUFFIX, folder, s->name);
	if (node->text[0] == '/')
		return node->text;
	return arena_printf(&s->arena, "%s/%s", folder, node->text);
}

static struct migrate_strings texts_of(struct arena *a, const struct yaml_node *list)
{
	struct migrate_strings out = { .n = 0 };
	const char **items;
	size_t n = 0;

	for (const struct yaml_node *i = list ? list->first : NULL; i; i = i->next)
		n++;
	items = n ? arena_alloc(a, n * sizeof(*items)) : NULL;
	if (!items)
		return out;
	for (const struct yaml_node *i = list->first; i; i = i->next)
		if (i->kind == YAML_SCALAR)
			items[out.n++] = i->text;
	out.items = items;
	return out;
}

static void read_selection(struct subject *s, struct yaml_node *keys)
{
	struct yaml_node *prefix;

	if (!keys || keys->kind != YAML_MAP)
		return;
	prefix = yaml_get(keys, "prefix");
	if (prefix && prefix->kind == YAML_SCALAR)
		s->selection.prefix = (struct migrate_bytes){ prefix->text, strlen(prefix->text) };
	s->selection.include = texts_of(&s->arena, yaml_get(keys, "include"));
	s->selection.exclude = texts_of(&s->arena, yaml_get(keys, "exclude"));
}

/* Only what is looked at here: other sections may name variables that are not set. */
static void expand_subject(struct subject *s, struct yaml_node *root, struct problems *p)
{
	static const char *const names[] = { "job", "journal", "keys", "rename" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct yaml_node *node = yaml_get(root, names[i]);

		if (node)
			yaml_expand_section(&s->arena, node, p);
	}
}

/* `job:`, or the file's name without its suffix. */
static const char *name_of_job(struct subject *s, const struct yaml_node *root, const char *path,
			       struct problems *p)
{
	const struct yaml_node *name = yaml_get(root, "job");
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	const char *dot = strrchr(base, '.');

	if (!name)
		return arena_copy(&s->arena, base,
				  dot && dot != base ? (size_t)(dot - base) : strlen(base));
	if (name->kind == YAML_SCALAR && *name->text && !strchr(name->text, '/'))
		return name->text;
	problems_add(p, name->line, name->column, "'job' does not name the job");
	return NULL;
}

static void read_subject_job(struct subject *s, struct yaml_node *root, const char *path,
			     struct problems *p)
{
	if (root->kind != YAML_MAP) {
		problems_add(p, root->line, root->column, "this is not a job file");
		return;
	}
	expand_subject(s, root, p);
	s->name = name_of_job(s, root, path, p);
	if (!s->name)
		return;
	s->journal.path = find_journal(s, root, path);
	read_selection(s, yaml_get(root, "keys"));
	s->rules = rename_rules_new(yaml_get(root, "rename"), p);
	s->has_job = true;
}

static int parse_job(struct subject *s, const struct buf *b, const char *path, struct error *err)
{
	struct problems p = PROBLEMS_INIT(path);
	struct yaml_node *root = yaml_parse(&s->arena, (const char *)b->p, b->len, &p);

	if (root)
		read_subject_job(s, root, path, &p);
	if (p.count || !root || !s->rules) {
		size_t n = p.text.len < sizeof(err->text) - 1 ? p.text.len : sizeof(err->text) - 1;

		error_set(err, EXIT_USAGE, "'%s' is not a valid job file", path);
		if (n) {
			memcpy(err->text, p.text.p, n);
			err->text[n] = '\0';
		}
	}
	problems_release(&p);
	return error_is_set(err) ? -1 : 0;
}

int subject_open(struct subject *s, const char *operand, struct error *err)
{
	BUF_AUTO struct buf b = BUF_INIT(JOB_MAX + 65536);
	int result = 0;

	*s = (struct subject){ .arena = ARENA_INIT, .journal = { .allow_volatile = true } };
	if (read_operand(operand, &b, &s->journal.trusted, err))
		return -1;
	if (is_journal(&b)) {
		s->name = name_of_journal(&s->arena, operand);
		s->journal.path = operand;
	} else {
		result = parse_job(s, &b, operand, err);
	}
	if (!result && (!s->name || !s->journal.path))
		result = out_of_memory(err);
	if (result)
		subject_release(s);
	return result;
}

void subject_release(struct subject *s)
{
	if (s->rules)
		rename_rules_free(s->rules);
	arena_release(&s->arena);
	*s = (struct subject){ .arena = ARENA_INIT };
}
