/* SPDX-License-Identifier: MIT */
#include "plugin/load.h"
#include "plugin/plugin.h"

#include <string.h>

/* One operation of a table: is it needed always, or with another one? */
struct rule {
	const char *name;
	size_t offset;
	const char *with; /* "": always; else once that operation is there */
};

#define ALWAYS(ops_, name_)                                                                        \
	{                                                                                          \
#name_, offsetof(struct ops_, name_), ""                                           \
	}
#define WITH(ops_, name_, other_)                                                                  \
	{                                                                                          \
#name_, offsetof(struct ops_, name_), #other_                                      \
	}
#define FREE(ops_, name_)                                                                          \
	{                                                                                          \
#name_, offsetof(struct ops_, name_), NULL                                         \
	}

static const struct rule store_rules[] = {
	ALWAYS(migrate_store_ops, open),
	ALWAYS(migrate_store_ops, close),
	ALWAYS(migrate_store_ops, begin),
	ALWAYS(migrate_store_ops, end),
	ALWAYS(migrate_store_ops, identity),
	ALWAYS(migrate_store_ops, describe),
	ALWAYS(migrate_store_ops, probe),
	ALWAYS(migrate_store_ops, stat),
	FREE(migrate_store_ops, upload),
	FREE(migrate_store_ops, copy),
	FREE(migrate_store_ops, copy_part),
	WITH(migrate_store_ops, can_copy, copy),
	WITH(migrate_store_ops, can_copy, copy_part),
	WITH(migrate_store_ops, part, upload),
	WITH(migrate_store_ops, complete, upload),
	WITH(migrate_store_ops, abort, upload),
	WITH(migrate_store_ops, upload, copy_part),
};

static const struct rule database_rules[] = {
	ALWAYS(migrate_database_ops, open),     ALWAYS(migrate_database_ops, close),
	ALWAYS(migrate_database_ops, begin),    ALWAYS(migrate_database_ops, end),
	ALWAYS(migrate_database_ops, identity), ALWAYS(migrate_database_ops, describe),
	ALWAYS(migrate_database_ops, probe),    ALWAYS(migrate_database_ops, scan),
	ALWAYS(migrate_database_ops, find),     ALWAYS(migrate_database_ops, rewrite),
	ALWAYS(migrate_database_ops, count),
};

static const struct rule cache_rules[] = {
	ALWAYS(migrate_cache_ops, open),       ALWAYS(migrate_cache_ops, close),
	ALWAYS(migrate_cache_ops, begin),      ALWAYS(migrate_cache_ops, end),
	ALWAYS(migrate_cache_ops, identity),   ALWAYS(migrate_cache_ops, probe),
	ALWAYS(migrate_cache_ops, invalidate),
};

/* All pointers to functions have one size and, here, one representation. */
static bool is_there(const void *ops, size_t offset)
{
	void (*f)(void);

	memcpy(&f, (const char *)ops + offset, sizeof(f));
	return f != NULL;
}

static bool is_there_by_name(const void *ops, const struct rule *rules, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rules[i].name, name))
			return is_there(ops, rules[i].offset);
	return false;
}

static int check_operation_rules(const void *ops, const struct rule *rules, size_t n,
				 const char *kind, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *with = rules[i].with;

		if (!with || is_there(ops, rules[i].offset))
			continue;
		if (!*with)
			return error_set(err, EXIT_USAGE,
					 "a %s must have the operation %s(), it has none", kind,
					 rules[i].name);
		if (is_there_by_name(ops, rules, n, with))
			return error_set(err, EXIT_USAGE,
					 "a %s with %s() must have the operation %s(), it has none",
					 kind, with, rules[i].name);
	}
	return 0;
}

#define RULES(rules_) rules_, sizeof(rules_) / sizeof((rules_)[0])

int check_operations(const struct migrate_plugin *p, struct error *err)
{
	const char *kind = plugin_kind_name(p->kind);

	if (p->kind == MIGRATE_STORE)
		return check_operation_rules(p->store, RULES(store_rules), kind, err);
	if (p->kind == MIGRATE_DATABASE)
		return check_operation_rules(p->database, RULES(database_rules), kind, err);
	return check_operation_rules(p->cache, RULES(cache_rules), kind, err);
}
