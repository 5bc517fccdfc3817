/* SPDX-License-Identifier: MIT */
#include "plugin/load.h"
#include "plugin/plugin.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* No struct of an honest plugin is larger: what is, is garbage. */
#define STRUCT_MAX 65536

/* What the first version of this ABI had: less than that cannot be. */
#define DESCRIPTOR_MIN sizeof(struct migrate_plugin)
#define OPTION_MIN sizeof(struct migrate_option)

const char *plugin_kind_name(enum migrate_kind kind)
{
	switch (kind) {
	case MIGRATE_STORE:
		return "store";
	case MIGRATE_DATABASE:
		return "database";
	case MIGRATE_CACHE:
		return "cache";
	}
	return "unknown";
}

bool plugin_name_is_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n >= 1 && n <= 32 && !name[n];
}

static int check_abi(const struct migrate_plugin *p, struct error *err)
{
	if (p->abi > MIGRATE_ABI)
		return error_set(err, EXIT_USAGE,
				 "it needs a newer migrate: it speaks plugin interface %u, this is "
				 "%d",
				 p->abi, MIGRATE_ABI);
	if (p->abi < MIGRATE_ABI)
		return error_set(err, EXIT_USAGE,
				 "it was built for plugin interface %u, this is %d: build it again",
				 p->abi, MIGRATE_ABI);
	if (p->size < DESCRIPTOR_MIN || p->size > STRUCT_MAX)
		return error_set(err, EXIT_USAGE,
				 "its descriptor says that it has %u bytes, which cannot be (%zu "
				 "here)",
				 p->size, sizeof(*p));
	if (p->option_size < OPTION_MIN || p->option_size > STRUCT_MAX ||
	    p->option_size % _Alignof(struct migrate_option))
		return error_set(err, EXIT_USAGE,
				 "its options say that they have %u bytes each, which cannot be "
				 "(%zu here)",
				 p->option_size, sizeof(struct migrate_option));
	return 0;
}

static int check_plugin_names(const struct migrate_plugin *p, const char *file, struct error *err)
{
	if (!p->name || !plugin_name_is_valid(p->name))
		return error_set(err, EXIT_USAGE,
				 "its name is not made of 1 to 32 of a-z, 0-9, _ and -");
	if (file && strcmp(p->name, file) != 0)
		return error_set(err, EXIT_USAGE,
				 "it calls itself '%s': the file must be named %s.so", p->name,
				 p->name);
	if (!p->version || !*p->version)
		return error_set(err, EXIT_USAGE, "it has no version");
	if (!p->summary || !*p->summary || strchr(p->summary, '\n'))
		return error_set(err, EXIT_USAGE, "its summary is not one line");
	return 0;
}

/* The operations of its kind, with the size that they say they have. NULL: it has none. */
static const void *operations_of(const struct migrate_plugin *p, size_t *ours)
{
	switch (p->kind) {
	case MIGRATE_STORE:
		*ours = sizeof(struct migrate_store_ops);
		return p->store;
	case MIGRATE_DATABASE:
		*ours = sizeof(struct migrate_database_ops);
		return p->database;
	case MIGRATE_CACHE:
		*ours = sizeof(struct migrate_cache_ops);
		return p->cache;
	}
	return NULL;
}

static void set_operations(struct migrate_plugin *p, const void *ops)
{
	p->store = p->kind == MIGRATE_STORE ? ops : NULL;
	p->database = p->kind == MIGRATE_DATABASE ? ops : NULL;
	p->cache = p->kind == MIGRATE_CACHE ? ops : NULL;
}

static int copy_operations(struct migrate_plugin *p, struct error *err)
{
	size_t ours = 0, theirs;
	const void *ops = operations_of(p, &ours);
	void *copy;

	if (!ours)
		return error_set(err, EXIT_USAGE, "its kind %u is none that there is", p->kind);
	if (!ops)
		return error_set(err, EXIT_USAGE, "it calls itself a %s, but has no %s operations",
				 plugin_kind_name(p->kind), plugin_kind_name(p->kind));
	memcpy(&theirs, ops, sizeof(theirs));
	if (theirs <= sizeof(size_t) || theirs > STRUCT_MAX || theirs % sizeof(void *))
		return error_set(err, EXIT_USAGE,
				 "its operations say that they have %zu bytes, which cannot be "
				 "(%zu here)",
				 theirs, ours);
	copy = calloc(1, ours);
	if (!copy)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	memcpy(copy, ops, theirs < ours ? theirs : ours);
	memcpy(copy, &ours, sizeof(ours));
	set_operations(p, copy);
	return 0;
}

static int copy_options(struct migrate_plugin *p, struct error *err)
{
	const char *from = (const void *)p->options;
	size_t stride = p->option_size, ours = sizeof(struct migrate_option);
	struct migrate_option *copy;

	p->option_size = (uint32_t)ours;
	if (!p->option_count)
		return 0;
	if (!from || p->option_count > 1000)
		return error_set(err, EXIT_USAGE, "its option table cannot be one");
	copy = calloc(p->option_count, ours);
	if (!copy)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	for (size_t i = 0; i < p->option_count; i++)
		memcpy(&copy[i], from + i * stride, ours);
	p->options = copy;
	return 0;
}

/* Tables that are not the plugin's own any more are ours. */
static void free_copy(struct migrate_plugin *copy, const struct migrate_plugin *theirs)
{
	size_t ours;
	const void *ops = operations_of(copy, &ours);

	if (ops != operations_of(theirs, &ours))
		free((void *)(uintptr_t)ops);
	if (copy->options != theirs->options)
		free((void *)(uintptr_t)copy->options);
	free(copy);
}

struct migrate_plugin *load_normalise(const struct migrate_plugin *p, const char *file,
				      struct error *err)
{
	struct migrate_plugin *copy;

	if (check_abi(p, err) < 0)
		return NULL;
	copy = calloc(1, sizeof(*copy));
	if (!copy) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	memcpy(copy, p, p->size < sizeof(*copy) ? p->size : sizeof(*copy));
	copy->size = sizeof(*copy);
	if (check_plugin_names(copy, file, err) == 0 && copy_operations(copy, err) == 0 &&
	    copy_options(copy, err) == 0 && check_operations(copy, err) == 0 &&
	    check_options(copy, err) == 0)
		return copy;
	free_copy(copy, p);
	return NULL;
}
