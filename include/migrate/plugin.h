/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGIN_H
#define MIGRATE_PLUGIN_H

/*
 * The whole interface between migrate and its plugins: migrate-plugin(3) teaches
 * it. DRAFT: may change until a store and a database plugin were written outside
 * this tree; from then on it is kept compatible.
 *
 * The rules in one breath. A plugin exports one function, migrate_plugin_v1(),
 * which returns a constant descriptor. Calls block; concurrency is the core's:
 * one instance per section of the job file, one session per worker, a session is
 * never used by two threads at once. A plugin states facts by returning a status
 * and adding a message; it never retries, sleeps, logs failures, forks, exits,
 * or changes signals, locale, umask or working directory. Request structs belong
 * to the core, are passed by pointer, are zeroed but for their inputs, and may
 * grow at their end. Inputs live until the call returns. Results are copied out
 * through the functions below, so nobody frees across the boundary.
 *
 * Keys are byte strings: never normalised, never C strings, may hold NULs.
 */

#include <migrate/cache.h>
#include <migrate/database.h>
#include <migrate/host.h>
#include <migrate/option.h>
#include <migrate/store.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define MIGRATE_ABI 1

/* ---- The descriptor ---------------------------------------------------------------------- */

/*
 * validate(): while the job file is read, what the option table cannot say: a
 * template, options that exclude each other. Nothing is opened, no session exists.
 */
struct migrate_validate {
	const void *config; /* as in struct migrate_open */
	void *core;
};
/*
 * This option is wrong; the core adds the place in the file. element: which one of a
 * list or map, from 0. Never put a secret in it.
 */
void migrate_wrong_option(struct migrate_validate *r, const char *option, size_t element,
			  const char *format, ...) MIGRATE_PRINTF(4, 5);

enum migrate_kind { MIGRATE_STORE = 1, MIGRATE_DATABASE, MIGRATE_CACHE };

struct migrate_plugin {
	uint32_t abi;         /* MIGRATE_ABI */
	uint32_t size;        /* sizeof(struct migrate_plugin) */
	uint32_t option_size; /* sizeof(struct migrate_option) */
	uint32_t kind;        /* enum migrate_kind */
	const char *name;     /* [a-z0-9_-]{1,32}; the job file's `plugin:` and the file's name */
	const char *version;
	const char *summary; /* one line */
	const struct migrate_option *options;
	size_t option_count;
	size_t config_size;
	const struct migrate_store_ops *store;       /* kind STORE */
	const struct migrate_database_ops *database; /* kind DATABASE */
	const struct migrate_cache_ops *cache;       /* kind CACHE */
	/* Once per process, before the first open, never undone; may be NULL. 0: well. */
	int (*load)(void);
	void (*validate)(struct migrate_validate *r); /* may be NULL */
};

/* What goes first into a descriptor: const struct migrate_plugin p = { MIGRATE_PLUGIN_HEAD, ... } */
#define MIGRATE_PLUGIN_HEAD                                                                        \
	.abi = MIGRATE_ABI, .size = sizeof(struct migrate_plugin),                                 \
	.option_size = sizeof(struct migrate_option)

/* The one symbol that a plugin exports. */
const struct migrate_plugin *migrate_plugin_v1(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
