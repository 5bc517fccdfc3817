/* SPDX-License-Identifier: MIT */
#include "job/job-impl.h"

/*
 * The option tables of our own sections. From them come checking, defaults, what
 * may change between runs, migrate-job(5) and the JSON Schema.
 */
#define LARGEST ((int64_t)1 << 50)
#define DAY INT64_C(86400000)
#define COUNT(table_) (sizeof(table_) / sizeof((table_)[0]))
#define SCHEMA(table_, struct_)                                                                    \
	{                                                                                          \
		.options = table_, .count = COUNT(table_), .stride = sizeof((table_)[0]),          \
		.config_size = sizeof(struct_)                                                     \
	}

static const struct migrate_option top[] = {
	{ .name = "job",
	  MIGRATE_STRING(struct section_top, job),
	  .klass = MIGRATE_TUNABLE,
	  .help = "the name of the job and of its journal; default: the file's name without its "
		  "suffix" },
	{ .name = "unmatched",
	  MIGRATE_CHOICE(struct section_top, unmatched, "fail|keep|skip"),
	  .klass = MIGRATE_MAPPING,
	  .help = "what becomes of a key that no rename rule matches; default: fail once there are "
		  "rules, keep without" },
	{ .name = "batch",
	  MIGRATE_INTEGER(struct section_top, batch),
	  .klass = MIGRATE_TUNABLE,
	  .value = "1000",
	  .min = 1,
	  .max = 10000,
	  .help = "how many objects are planned, journalled and rewritten together at most" },
	{ .name = "attempts",
	  MIGRATE_INTEGER(struct section_top, attempts),
	  .klass = MIGRATE_TUNABLE,
	  .value = "5",
	  .min = 1,
	  .max = 100,
	  .help = "how often one object is tried before it counts as failed" },
	{ .name = "patience",
	  MIGRATE_DURATION(struct section_top, patience),
	  .klass = MIGRATE_TUNABLE,
	  .value = "10m",
	  .max = 30 * DAY,
	  .help = "how long an outage of one end is waited out before the run gives up" },
	{ .name = "timeout",
	  MIGRATE_DURATION(struct section_top, timeout),
	  .klass = MIGRATE_TUNABLE,
	  .value = "60s",
	  .min = 100,
	  .max = DAY,
	  .help = "how long one request may take without progress" },
	{ .name = "max_failures",
	  MIGRATE_INTEGER(struct section_top, max_failures),
	  .klass = MIGRATE_TUNABLE,
	  .value = "1000",
	  .help = "how many objects may fail before the run ends" },
};

static const struct migrate_option keys[] = {
	{ .name = "from",
	  MIGRATE_CHOICE(struct section_keys, from, "source|database|file"),
	  .klass = MIGRATE_SELECTION,
	  .value = "source",
	  .help = "where keys come from: the source's listing, the rows of the databases, or a "
		  "file" },
	{ .name = "file",
	  MIGRATE_PATH(struct section_keys, file),
	  .klass = MIGRATE_SELECTION,
	  .help = "the file of keys, with from: file" },
	{ .name = "format",
	  MIGRATE_CHOICE(struct section_keys, format, "lines|nul|csv"),
	  .klass = MIGRATE_SELECTION,
	  .value = "lines",
	  .help = "how the file is made: a key a line, keys that end with a NUL, or old,new "
		  "pairs in CSV, which take the place of rename rules" },
	{ .name = "prefix",
	  MIGRATE_STRING(struct section_keys, prefix),
	  .klass = MIGRATE_SELECTION,
	  .value = "",
	  .help = "only keys that begin so" },
	{ .name = "include",
	  MIGRATE_LIST(struct section_keys, include),
	  .klass = MIGRATE_SELECTION,
	  .help = "only keys that one of these patterns matches" },
	{ .name = "exclude",
	  MIGRATE_LIST(struct section_keys, exclude),
	  .klass = MIGRATE_SELECTION,
	  .help = "no key that one of these patterns matches; exclude wins" },
};

/* For documents and editors alone: rules are read by rename.h, which has more to check. */
struct section_rule {
	const char *prefix, *match, *to;
};

static const struct migrate_option rename_options[] = {
	{ .name = "prefix",
	  MIGRATE_STRING(struct section_rule, prefix),
	  .klass = MIGRATE_MAPPING,
	  .help = "the rule is for keys that begin so; the prefix is replaced" },
	{ .name = "match",
	  MIGRATE_STRING(struct section_rule, match),
	  .klass = MIGRATE_MAPPING,
	  .help = "the rule is for keys in which this Perl-compatible regular expression is "
		  "found; what it matched is replaced" },
	{ .name = "to",
	  MIGRATE_STRING(struct section_rule, to),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_MAPPING,
	  .help = "what takes its place; with match, $1 and ${name} are groups, $$ is a dollar" },
};

static const struct migrate_option copy[] = {
	{ .name = "concurrency",
	  MIGRATE_INTEGER(struct job_copy, concurrency),
	  .flags = SCHEMA_AUTO,
	  .klass = MIGRATE_TUNABLE,
	  .value = "auto",
	  .min = 1,
	  .max = 512,
	  .help = "how many objects are copied at once; auto finds it out while it copies, "
		  "beginning with 8" },
	{ .name = "part_size",
	  MIGRATE_SIZE(struct job_copy, part_size),
	  .klass = MIGRATE_TUNABLE,
	  .value = "16MiB",
	  .min = 4096,
	  .max = (int64_t)5 << 30,
	  .help = "objects larger than this are copied in parts of this size; up to 64 MiB in "
		  "one piece where the source tells a digest of them" },
	{ .name = "memory",
	  MIGRATE_SIZE(struct job_copy, memory),
	  .klass = MIGRATE_TUNABLE,
	  .value = "256MiB",
	  .min = 1 << 20,
	  .max = LARGEST,
	  .help = "how much memory the bytes in flight may take, all workers together" },
	{ .name = "on_conflict",
	  MIGRATE_CHOICE(struct job_copy, on_conflict, "fail|skip|overwrite"),
	  .klass = MIGRATE_SELECTION,
	  .value = "fail",
	  .help = "what to do where the destination holds something else under the new key" },
	{ .name = "verify",
	  MIGRATE_CHOICE(struct job_copy, verify, "size|native|hash|readback"),
	  .klass = MIGRATE_SELECTION,
	  .value = "native",
	  .help = "the least evidence that a copy is right before a row may point to it" },
	{ .name = "attributes",
	  MIGRATE_CHOICE(struct job_copy, attributes, "warn|fail|drop"),
	  .klass = MIGRATE_SELECTION,
	  .value = "warn",
	  .help = "what to do with attributes that the destination cannot hold" },
	{ .name = "changes",
	  MIGRATE_CHOICE(struct job_copy, changes, "content|attributes"),
	  .klass = MIGRATE_TUNABLE,
	  .value = "content",
	  .help = "what makes a later pass take an object along again: that its content may be "
		  "another one, or its attributes, too" },
};

static const struct migrate_option limits[] = {
	{ .name = "bandwidth",
	  MIGRATE_SIZE(struct job_limits, bandwidth),
	  .flags = SCHEMA_RATE,
	  .klass = MIGRATE_TUNABLE,
	  .help = "bytes a second that are copied at most" },
	{ .name = "requests",
	  MIGRATE_INTEGER(struct job_limits, requests),
	  .flags = SCHEMA_RATE,
	  .klass = MIGRATE_TUNABLE,
	  .help = "objects a second that are copied at most" },
	{ .name = "rows",
	  MIGRATE_INTEGER(struct job_limits, rows),
	  .flags = SCHEMA_RATE,
	  .klass = MIGRATE_TUNABLE,
	  .help = "rows a second that are changed at most" },
	{ .name = "lag",
	  MIGRATE_DURATION(struct job_limits, lag),
	  .klass = MIGRATE_TUNABLE,
	  .max = 86400000,
	  .help = "how far a replica of a database may be behind: rows wait for it" },
};

static const struct migrate_option rows[] = {
	{ .name = "chunk_time",
	  MIGRATE_DURATION(struct job_rows, chunk_time),
	  .klass = MIGRATE_TUNABLE,
	  .value = "50ms",
	  .max = 600000,
	  .help = "how long rows are locked at a time: that many are changed in one transaction, "
		  "from 10 up to 1000; 0: always up to 1000" },
};

static const struct migrate_option journal[] = {
	{ .name = "path",
	  MIGRATE_PATH(struct section_journal, path),
	  .klass = MIGRATE_TUNABLE,
	  .help = "the journal's file; default: the job's name with .journal behind it, beside "
		  "the job file" },
	{ .name = "keep",
	  MIGRATE_CHOICE(struct section_journal, keep, "all|failures"),
	  .klass = MIGRATE_MAPPING,
	  .value = "all",
	  .help = "failures forgets objects that are done, and so refuses later passes, revert "
		  "and purge" },
	{ .name = "allow_volatile",
	  MIGRATE_BOOLEAN(struct section_journal, allow_volatile),
	  .klass = MIGRATE_TUNABLE,
	  .value = "false",
	  .help = "accept a journal in memory or on a network file system, where it may be lost" },
};

static const struct migrate_option end[] = {
	{ .name = "plugin",
	  MIGRATE_STRING(struct section_end, plugin),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the plugin that serves this end; its own options stand beside this one" },
};

static const struct migrate_option database[] = {
	{ .name = "plugin",
	  MIGRATE_STRING(struct section_end, plugin),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the plugin that serves this end; its own options stand beside this one" },
	{ .name = "value",
	  MIGRATE_STRING(struct section_end, value),
	  .klass = MIGRATE_MAPPING,
	  .value = "{key}",
	  .help = "how a key stands in the column: {key} or {key:url}; {{ and }} are braces" },
	{ .name = "new_value",
	  MIGRATE_STRING(struct section_end, new_value),
	  .klass = MIGRATE_MAPPING,
	  .help = "how the new key shall stand there; default: as value" },
	{ .name = "layout",
	  MIGRATE_STRING(struct section_end, layout),
	  .klass = MIGRATE_MAPPING,
	  .help = "how the object's key is made of the {key} in the column, where that is only a "
		  "part of it: {key:0:2} are two bytes of it from the first on; default: {key}" },
	{ .name = "new_layout",
	  MIGRATE_STRING(struct section_end, new_layout),
	  .klass = MIGRATE_MAPPING,
	  .help = "the same for the new key; default: {key}" },
	{ .name = "match",
	  MIGRATE_CHOICE(struct section_end, match, "exact|contains"),
	  .klass = MIGRATE_MAPPING,
	  .value = "exact",
	  .help = "exact: the column holds one value; contains: it holds texts in which values "
		  "stand, any number of them" },
	{ .name = "codec",
	  MIGRATE_CHOICE(struct section_end, codec, "none|php"),
	  .klass = MIGRATE_MAPPING,
	  .value = "none",
	  .help = "with match: contains, what the texts are wrapped in: php corrects the lengths "
		  "of values that PHP serialised" },
	{ .name = "text_max",
	  MIGRATE_SIZE(struct section_end, text_max),
	  .klass = MIGRATE_SELECTION,
	  .value = "16MiB",
	  .min = 65536,
	  .max = 268435456,
	  .help = "with match: contains, the longest text that is looked into; longer ones are "
		  "counted and left alone" },
};

const struct schema schema_top = SCHEMA(top, struct section_top);
const struct schema schema_keys = SCHEMA(keys, struct section_keys);
const struct schema schema_rename = SCHEMA(rename_options, struct section_rule);
const struct schema schema_copy = SCHEMA(copy, struct job_copy);
const struct schema schema_limits = SCHEMA(limits, struct job_limits);
const struct schema schema_rows = SCHEMA(rows, struct job_rows);
const struct schema schema_journal = SCHEMA(journal, struct section_journal);
const struct schema schema_end = SCHEMA(end, struct section_end);
const struct schema schema_database = SCHEMA(database, struct section_end);

static const struct job_section sections[] = {
	{ .name = "", .help = "the file itself", .schema = &schema_top },
	{ .name = "source",
	  .help = "where the objects are",
	  .shape = SECTION_END,
	  .kind = MIGRATE_STORE,
	  .required = true,
	  .schema = &schema_end },
	{ .name = "destination",
	  .help = "where the objects go",
	  .shape = SECTION_END,
	  .kind = MIGRATE_STORE,
	  .required = true,
	  .schema = &schema_end },
	{ .name = "keys",
	  .help = "which objects the job is about; default: everything the source lists",
	  .schema = &schema_keys },
	{ .name = "rename",
	  .help = "rules that make new keys of old ones; the first that matches decides; default: "
		  "keys stay as they are",
	  .shape = SECTION_LIST,
	  .schema = &schema_rename },
	{ .name = "databases",
	  .help = "columns whose rows name the objects",
	  .shape = SECTION_ENDS,
	  .kind = MIGRATE_DATABASE,
	  .schema = &schema_database },
	{ .name = "caches",
	  .help = "caches in which changed rows are invalidated",
	  .shape = SECTION_ENDS,
	  .kind = MIGRATE_CACHE,
	  .schema = &schema_end },
	{ .name = "copy", .help = "how objects are copied", .schema = &schema_copy },
	{ .name = "limits",
	  .help = "how fast the job may go; nothing is limited by default",
	  .schema = &schema_limits },
	{ .name = "rows", .help = "how rows are changed", .schema = &schema_rows },
	{ .name = "journal",
	  .help = "the record of what was done; one value alone is its path",
	  .schema = &schema_journal },
};

const struct job_section *job_sections(size_t *count)
{
	*count = COUNT(sections);
	return sections;
}
