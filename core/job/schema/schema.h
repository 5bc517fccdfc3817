/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_SCHEMA_SCHEMA_H
#define MIGRATE_JOB_SCHEMA_SCHEMA_H

#include "job/yaml/yaml.h"

#include <migrate/plugin.h>

/*
 * Options are data: one table of struct migrate_option validates a YAML map,
 * fills a struct, and prints itself for people, editors and manual pages. Used
 * for plugins' options and for our own sections alike.
 */
struct schema {
	const struct migrate_option *options;
	size_t count, stride; /* stride: the plugin's sizeof(struct migrate_option) */
	size_t config_size;
};

static inline struct schema schema_of_plugin(const struct migrate_plugin *p)
{
	return (struct schema){ .options = p->options,
				.count = p->option_count,
				.stride = p->option_size,
				.config_size = p->config_size };
}

/*
 * Flags of our own sections' options, above those that plugins may use: the word
 * `auto` stands for 0; a number may end with "/s".
 */
enum schema_flags { SCHEMA_AUTO = 1 << 16, SCHEMA_RATE = 1 << 17 };

/* The i-th option, copied over zeros so that an older plugin's shorter struct is no harm. */
struct migrate_option schema_at(const struct schema *s, size_t i);

/*
 * A zeroed config of config_size bytes in a, filled from map (NULL: all defaults).
 * ignore: NULL-terminated names that belong to somebody else ("plugin"), or NULL.
 * folder: what relative paths start at. Problems are added, with nearest-name
 * hints; the result is only to be used when there are none. NULL: out of memory.
 * Each secret option NAME can also be given as NAME_file.
 */
void *schema_fill(const struct schema *s, const struct yaml_node *map, const char *const *ignore,
		  const char *folder, struct arena *a, struct problems *p);

/* Wipe the secrets of a config. NULL is fine. */
void schema_release(const struct schema *s, const void *config);
/* Wipe what the map still says of them, once all configs were made of it. */
void schema_wipe(const struct schema *s, const struct yaml_node *map);

/* The words of a CHOICE: "one|two". -1: text is none of them. */
int schema_choice(const char *choices, const char *text);

/* "identity", "mapping", ... */
const char *schema_class_name(uint32_t klass);
/* The class as text[0..n) names it, -1: none. */
int schema_class_of(const char *text, size_t n);

/*
 * Canonical lines "class path = value\n" of what schema_fill filled, defaults
 * included, secrets and credentials in URLs left out. path starts with prefix.
 */
bool schema_canonical(const struct schema *s, const void *config, const char *prefix,
		      struct buf *out);

/* For `migrate-plugin show`: a table a person reads. */
bool schema_print(const struct schema *s, struct buf *out);
/* The OPTIONS text of a manual page (mdoc: .Bl -tag ... .El). */
bool schema_mdoc(const struct schema *s, struct buf *out);
/* A JSON Schema object ("properties": ...) for editors. */
bool schema_json(const struct schema *s, struct buf *out);

/* "16KiB" -> bytes; "10m" -> ms; false: not one, or too large. For command lines as well. */
bool schema_parse_size(const char *text, uint64_t *bytes);
bool schema_parse_duration(const char *text, int64_t *milliseconds);
bool schema_parse_integer(const char *text, int64_t *value);

#endif
