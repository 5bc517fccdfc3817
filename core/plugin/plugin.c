/* SPDX-License-Identifier: MIT */
#include "plugin/plugin.h"

#include "base/array.h"
#include "base/buf.h"
#include "plugin/end-impl.h"
#include "plugin/load.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What was loaded: never freed, and each only once ---- */

struct loaded {
	const struct migrate_plugin *theirs; /* the plugin's own descriptor */
	struct migrate_plugin *ours;
	struct loaded *next;
};

struct started {
	const struct migrate_plugin *plugin;
	int result; /* of load() */
	struct started *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct loaded *all_loaded;
static struct started *all_started;

static const struct migrate_plugin *load_locked(const char *path, const char *name,
						struct error *err)
{
	const struct migrate_plugin *theirs;
	struct loaded *l;

	if (load_check_file(path, err) < 0 || !(theirs = load_open(path, err)))
		return NULL;
	for (l = all_loaded; l; l = l->next)
		if (l->theirs == theirs && !strcmp(l->ours->name, name))
			return l->ours;
	l = calloc(1, sizeof(*l));
	if (!l) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	l->theirs = theirs;
	l->ours = load_normalise(theirs, name, err);
	if (!l->ours) {
		free(l);
		return NULL;
	}
	l->next = all_loaded;
	all_loaded = l;
	return l->ours;
}

int plugin_start(const struct migrate_plugin *p, struct error *err)
{
	struct started *s;

	pthread_mutex_lock(&lock);
	for (s = all_started; s && s->plugin != p; s = s->next)
		;
	if (!s && (s = calloc(1, sizeof(*s)))) {
		s->plugin = p;
		s->result = p->load ? p->load() : 0;
		s->next = all_started;
		all_started = s;
	}
	pthread_mutex_unlock(&lock);
	if (!s)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	if (s->result)
		return error_set(err, EXIT_USAGE,
				 "plugin '%s' could not be started: load() said %d", p->name,
				 s->result);
	return 0;
}

/* ---- Files ---- */

/* "name" of "/usr/lib/migrate/name.so"; false: not the name of a plugin's file. */
static bool name_of_file(const char *path, char name[33])
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t n = strlen(base);

	if (n < 4 || n - 3 > 32 || strcmp(base + n - 3, ".so") != 0)
		return false;
	memcpy(name, base, n - 3);
	name[n - 3] = '\0';
	return plugin_name_is_valid(name);
}

const struct migrate_plugin *plugin_load_file(const char *path, struct error *err)
{
	const struct migrate_plugin *p = NULL;
	char *real = realpath(path, NULL);
	char name[33];

	if (!real) {
		error_set_errno(err, EXIT_USAGE, errno, "%s", path);
		return NULL;
	}
	if (!name_of_file(path, name)) {
		error_set(err, EXIT_USAGE,
			  "a plugin's file is named NAME.so, with 1 to 32 of a-z, 0-9, _ and -");
	} else {
		pthread_mutex_lock(&lock);
		p = load_locked(real, name, err);
		pthread_mutex_unlock(&lock);
	}
	if (!p)
		error_prefix(err, "%s", path);
	free(real);
	return p;
}

/* ---- The search path ---- */

/* Calls each() for every folder until it returns other than 0, which is returned. */
static int each_folder(int (*each)(void *arg, const char *folder), void *arg)
{
	const char *path = getenv("MIGRATE_PLUGIN_PATH");
	char folder[4096];
	int result = 0;

	while (path && *path && !result) {
		size_t n = strcspn(path, ":");

		if (n && n < sizeof(folder)) {
			snprintf(folder, sizeof(folder), "%.*s", (int)n, path);
			result = each(arg, folder);
		}
		path += n + (path[n] == ':');
	}
	return result ? result : each(arg, MIGRATE_PLUGIN_DIR);
}

struct file {
	char name[33];
	char *path;
};

/* The .so files of the search path, by name; of two with one name the first found. */
struct files {
	struct file *items;
	size_t n;
};

static int files_add(struct files *f, const char *folder, const char *base)
{
	struct file *items, file;

	if (!name_of_file(base, file.name))
		return 0;
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->items[i].name, file.name))
			return 0;
	items = realloc(f->items, (f->n + 1) * sizeof(*items));
	if (!items)
		return -1;
	f->items = items;
	if (asprintf(&file.path, "%s/%s", folder, base) < 0)
		return -1;
	items[f->n++] = file;
	return 0;
}

/* A folder that is not there is none; -1: out of memory. */
static int files_add_folder(void *arg, const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int result = 0;

	if (!d)
		return 0;
	while (!result && (e = readdir(d)))
		result = files_add(arg, folder, e->d_name);
	closedir(d);
	return result;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static void files_release(struct files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->items[i].path);
	free(f->items);
}

static int files_collect(struct files *f, struct error *err)
{
	if (each_folder(files_add_folder, f) < 0)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	array_sort(f->items, f->n, sizeof(f->items[0]), by_name);
	return 0;
}

int plugin_each(int (*each)(void *arg, const char *path, const struct migrate_plugin *p,
			    const struct error *why),
		void *arg, struct error *err)
{
	struct files f = { .items = NULL };
	int result = files_collect(&f, err);

	for (size_t i = 0; !result && i < f.n; i++) {
		struct error why = ERROR_INIT;
		const struct migrate_plugin *p = plugin_load_file(f.items[i].path, &why);

		result = each(arg, f.items[i].path, p, &why);
	}
	files_release(&f);
	return result;
}

/* ---- By name ---- */

struct found {
	const char *name;
	char *path;
};

static int find_in_folder(void *arg, const char *folder)
{
	struct found *f = arg;

	if (asprintf(&f->path, "%s/%s.so", folder, f->name) < 0) {
		f->path = NULL;
		return -1;
	}
	if (access(f->path, F_OK) == 0)
		return 1;
	free(f->path);
	f->path = NULL;
	return 0;
}

/* Names alone are shown: looking for one plugin loads no other. */
static int no_such_plugin(const char *name, struct error *err)
{
	BUF_AUTO struct buf names = BUF_INIT(1024);
	struct files f = { .items = NULL };

	if (files_collect(&f, err) == 0) {
		for (size_t i = 0; i < f.n; i++) {
			buf_add_text(&names, i ? ", " : "");
			buf_add_text(&names, f.items[i].name);
		}
		error_set(err, EXIT_USAGE, "there is no plugin '%s' (installed: %.*s)", name,
			  names.len ? (int)names.len : 4, names.len ? (char *)names.p : "none");
	}
	files_release(&f);
	return -1;
}

const struct migrate_plugin *plugin_find(enum migrate_kind kind, const char *name,
					 struct error *err)
{
	struct found f = { .name = name, .path = NULL };
	const struct migrate_plugin *p;

	if (!plugin_name_is_valid(name)) {
		error_set(err, EXIT_USAGE,
			  "'%s' cannot be a plugin: names have 1 to 32 of a-z, 0-9, _ and -", name);
		return NULL;
	}
	if (each_folder(find_in_folder, &f) < 0) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	if (!f.path) {
		no_such_plugin(name, err);
		return NULL;
	}
	p = plugin_load_file(f.path, err);
	free(f.path);
	if (!p || !kind || p->kind == kind)
		return p;
	error_set(err, EXIT_USAGE, "plugin '%s' is a %s, not a %s", name, plugin_kind_name(p->kind),
		  plugin_kind_name(kind));
	return NULL;
}
