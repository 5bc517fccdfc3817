/* SPDX-License-Identifier: MIT */
#include "plugin/plugin.h"

#include "base/log.h"
#include "cmd/command.h"
#include "job/schema/schema.h"
#include "job/schema/secret.h"
#include "job/schema/validate.h"
#include "plugin/conformance/conformance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPTIONS_MAX (1024 * 1024)
#define CALL_DEADLINE 30000

static bool json_schema, mdoc;
static struct flag_texts set;

static const struct flag flags[] = {
	{ "json-schema", FLAG_BOOL, &json_schema, NULL, "show: the options as a JSON Schema" },
	{ "mdoc", FLAG_BOOL, &mdoc, NULL, "show: the options as text of a manual page" },
	{ "set", FLAG_TEXTS, &set, "NAME=VALUE",
	  "check: an option of the plugin; may be repeated" },
};

static const struct command command = {
	.name = "migrate-plugin",
	.summary = "Lists the plugins, shows what one of them can be told, and checks that one\n"
		   "keeps the contract of migrate-plugin(3), on an empty place of its own.",
	.usage = "[OPTIONS] list | show NAME | check NAME|FILE.so [OPTIONS.yml]",
	.flags = flags,
	.flag_count = sizeof(flags) / sizeof(flags[0]),
	.operands_min = 1,
	.operands_max = 3,
};

/* ---- list ---- */

static int list_one(void *arg, const char *path, const struct migrate_plugin *p,
		    const struct error *why)
{
	int *status = arg;

	if (p) {
		printf("%-12s %-9s %-8s %s\n", p->name, plugin_kind_name(p->kind), p->version,
		       p->summary);
		return 0;
	}
	log_error("%s", why->text[0] ? why->text : path);
	*status = EXIT_USAGE;
	return 0;
}

static int list(struct error *err)
{
	int status = EXIT_DONE;

	if (plugin_each(list_one, &status, err) < 0)
		return command_fail(&command, err);
	return status;
}

/* ---- show ---- */

/* A name is looked for on the search path, a path is taken as it is. */
static const struct migrate_plugin *find_plugin(const char *name, struct error *err)
{
	size_t n = strlen(name);

	if (strchr(name, '/') || (n > 3 && !strcmp(name + n - 3, ".so")))
		return plugin_load_file(name, err);
	return plugin_find(0, name, err);
}

static struct schema schema_of(const struct migrate_plugin *p)
{
	return (struct schema){ .options = p->options,
				.count = p->option_count,
				.stride = p->option_size,
				.config_size = p->config_size };
}

static void print_operation(const char *name, bool there)
{
	if (there)
		printf(" %s", name);
}

static void print_operations(const struct migrate_plugin *p)
{
	const struct migrate_store_ops *s = p->store;
	const struct migrate_database_ops *d = p->database;

	printf("\nIt can:");
	print_operation("list", s && s->list);
	print_operation("get", s && s->get);
	print_operation("put", s && s->put);
	print_operation("copy", s && s->copy);
	print_operation("upload", s && s->upload);
	print_operation("remove", s && s->remove);
	print_operation("sync", s && s->sync);
	print_operation("scan", d && d->scan);
	print_operation("find", d && d->find);
	print_operation("rewrite", d && d->rewrite);
	print_operation("insert", d && d->insert);
	print_operation("invalidate", p->cache && p->cache->invalidate);
	print_operation("preview", p->cache && p->cache->preview);
	putchar('\n');
}

static int show_plugin(const char *name, struct error *err)
{
	const struct migrate_plugin *p = find_plugin(name, err);
	BUF_AUTO struct buf out = BUF_INIT(OPTIONS_MAX);
	struct schema s;
	bool ok;

	if (!p)
		return command_fail(&command, err);
	s = schema_of(p);
	ok = json_schema ? schema_json(&s, &out)
	     : mdoc      ? schema_mdoc(&s, &out)
			 : schema_print(&s, &out);
	if (!ok) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return command_fail(&command, err);
	}
	if (!json_schema && !mdoc)
		printf("%s %s, a %s: %s\n\n", p->name, p->version, plugin_kind_name(p->kind),
		       p->summary);
	fwrite(out.p ? out.p : (unsigned char *)"", 1, out.len, stdout);
	if (!json_schema && !mdoc)
		print_operations(p);
	return EXIT_DONE;
}

/* ---- check ---- */

/* *private: only its owner may read it, so that it may hold secrets. */
static int read_options_file(const char *path, struct buf *out, bool *private, struct error *err)
{
	FILE *f = fopen(path, "re");
	char bytes[4096];
	struct stat st;
	size_t n;
	bool ok = f != NULL;

	*private = f && !fstat(fileno(f), &st) && !(st.st_mode & (S_IRWXG | S_IRWXO));
	while (ok && (n = fread(bytes, 1, sizeof(bytes), f)))
		ok = buf_add(out, bytes, n);
	if (!f || ferror(f))
		error_set_errno(err, EXIT_USAGE, errno, "%s", path);
	else if (!ok)
		error_set(err, EXIT_USAGE, "%s: more than 1 MiB", path);
	ok = ok && !ferror(f);
	if (f)
		fclose(f);
	return ok ? 0 : -1;
}

static int set_options(struct arena *a, struct yaml_node *root, struct error *err)
{
	for (size_t i = 0; i < set.n; i++) {
		const char *equals = strchr(set.items[i], '=');
		char *name =
		    equals ? arena_copy(a, set.items[i], (size_t)(equals - set.items[i])) : NULL;

		if (!equals)
			return error_set(err, EXIT_USAGE, "--set needs NAME=VALUE, not '%s'",
					 set.items[i]);
		if (!name || yaml_set(a, root, name, equals + 1, err) < 0)
			return name ? -1 : error_set(err, EXIT_INTERNAL, "out of memory");
	}
	return 0;
}

/* The plugin's config from the file's map, if one is given, and --set. */
static void *configure_plugin(const struct migrate_plugin *p, const char *path, struct arena *a,
			      struct error *err)
{
	static const char *const not_ours[] = { "plugin", NULL };
	BUF_AUTO struct buf text = BUF_INIT(OPTIONS_MAX);
	struct problems problems = PROBLEMS_INIT(path ? path : "--set");
	struct schema s = schema_of(p);
	struct yaml_node *root;
	void *config = NULL;
	char folder[4096];

	if (path ? read_options_file(path, &text, &problems.private_file, err) < 0
		 : !buf_add_text(&text, "{}\n"))
		return NULL;
	if (!getcwd(folder, sizeof(folder))) {
		error_set_errno(err, EXIT_INTERNAL, errno, "cannot tell the current folder");
		return NULL;
	}
	root = yaml_parse(a, (const char *)text.p, text.len, &problems);
	if (root && set_options(a, root, err) < 0)
		return NULL;
	if (root) {
		yaml_expand(a, root, &problems);
		config = schema_fill(&s, root, not_ours, folder, a, &problems);
	}
	if (!problems.count)
		plugin_validate(p, config, root, &problems);
	if (problems.count)
		problems_error(&problems, err);
	else if (!config)
		error_set(err, EXIT_INTERNAL, "out of memory");
	if (problems.count)
		config = NULL;
	problems_release(&problems);
	return config;
}

static int run_battery(struct host *h, const struct migrate_plugin *p, const void *config,
		       struct error *err)
{
	struct conformance result;
	struct end *e = end_open(h, p->name, p, config, END_WRITES, err);
	int status;

	if (!e)
		return -1;
	status = conformance_run(h, e, stdout, &result, err);
	end_close(e);
	if (status < 0)
		return -1;
	fprintf(stderr, "%s: %u promises: %u kept, %u broken, %u not made\n", p->name, result.tried,
		result.tried - result.failed - result.skipped, result.failed, result.skipped);
	return result.failed ? EXIT_SOME_FAILED : EXIT_DONE;
}

static int check_plugin(const char *name, const char *path, struct error *err)
{
	struct arena a = ARENA_INIT;
	const struct migrate_plugin *p = find_plugin(name, err);
	void *config = p ? configure_plugin(p, path, &a, err) : NULL;
	struct host h;
	int status = -1;

	log_set_mask(secrets_mask);
	if (config && host_init(&h, "c0f0000000000001", CALL_DEADLINE, err) == 0) {
		status = run_battery(&h, p, config, err);
		host_release(&h);
	}
	arena_release(&a);
	return status < 0 ? command_fail(&command, err) : status;
}

/* ---- Which of them ---- */

static int usage(struct error *err, const char *what)
{
	error_set(err, EXIT_USAGE, "%s (see migrate-plugin --help)", what);
	return command_fail(&command, err);
}

static int dispatch(char **operands, struct error *err)
{
	const char *word = operands[0], *name = operands[1];

	if (!strcmp(word, "list"))
		return name ? usage(err, "list takes no operand") : list(err);
	if (!strcmp(word, "show"))
		return !name || operands[2] ? usage(err, "show takes the name of one plugin")
					    : show_plugin(name, err);
	if (!strcmp(word, "check"))
		return !name ? usage(err, "check takes a plugin and perhaps a file of options")
			     : check_plugin(name, operands[2], err);
	error_set(err, EXIT_USAGE, "'%s' is none of list, show and check", word);
	return command_fail(&command, err);
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	char **operands;
	int status = command_parse(&command, argc, argv, &operands);

	log_configure("migrate-plugin", LOG_INFO, false);
	if (status < 0)
		status = dispatch(operands, &err);
	return command_end(status);
}
