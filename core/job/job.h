/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_JOB_H
#define MIGRATE_JOB_JOB_H

#include "base/arena.h"
#include "base/error.h"
#include "job/keys/pattern.h"
#include "job/keys/rename.h"
#include "job/keys/select.h"
#include "job/yaml/yaml.h"

#include <sys/types.h>

/*
 * A job file, read, checked and filled in. Nothing is opened before all of it is
 * valid. Immutable after job_load(). migrate-job(5) describes the file.
 */
enum job_keys_from { KEYS_FROM_SOURCE, KEYS_FROM_DATABASE, KEYS_FROM_FILE };
enum job_file_format { KEYS_LINES, KEYS_NUL, KEYS_CSV };
enum job_unmatched { UNMATCHED_FAIL, UNMATCHED_KEEP, UNMATCHED_SKIP };
enum job_conflict { CONFLICT_FAIL, CONFLICT_SKIP, CONFLICT_OVERWRITE };
/* Levels of verification, each stronger than the one before; also in the journal. */
enum verify_level { VERIFY_NONE, VERIFY_SIZE, VERIFY_NATIVE, VERIFY_HASH, VERIFY_READBACK };
enum job_attributes { ATTRIBUTES_WARN, ATTRIBUTES_FAIL, ATTRIBUTES_DROP };
enum job_changes { CHANGES_CONTENT, CHANGES_ATTRIBUTES };
enum job_keep { KEEP_ALL, KEEP_FAILURES };
enum job_match { MATCH_EXACT, MATCH_CONTAINS };

/* One end: a section of the file that a plugin serves. */
struct job_end {
	const char *label; /* "source", "destination", "databases[0] (avatars.path)" */
	const char *plugin;
	const struct migrate_plugin *descriptor;
	const void *config; /* what the plugin's option table made of the section */
	uint64_t value_max; /* databases: bytes in the longest value that is looked at */
	const struct yaml_node *node;
};

struct job_database {
	struct job_end end;
	const struct section_end *own;           /* what the file says, for the canonical text */
	struct value_pattern *value, *new_value; /* new_value is never NULL */
	int match;                               /* enum job_match */
	int codec;                               /* enum text_codec of replace.h */
};

struct job_copy {
	int64_t concurrency; /* > 0; with auto what it begins with */
	uint64_t part_size;
	uint64_t memory;
	int on_conflict; /* enum job_conflict */
	int verify;      /* enum verify_level */
	int attributes;  /* enum job_attributes */
	int changes;     /* enum job_changes */
	bool automatic;  /* concurrency is auto */
};

struct job_limits {
	uint64_t bandwidth;     /* bytes a second, 0: none */
	int64_t requests, rows; /* a second, 0: none */
	int64_t lag;            /* milliseconds, 0: none */
};

struct job_rows {
	int64_t chunk_time; /* milliseconds that one rewrite may take; 0: any */
};

struct job {
	struct arena arena;
	const char *name;
	const char *path;   /* as given */
	const char *folder; /* absolute, of the file */
	uid_t owner;        /* of the file: whoever writes it decides all that we do */
	struct job_end source, destination;
	struct job_database *databases;
	size_t database_count;
	struct job_end *caches;
	size_t cache_count;

	int keys_from;         /* enum job_keys_from */
	int keys_format;       /* enum job_file_format */
	const char *keys_file; /* absolute */
	struct selection selection;
	struct rename_rules *rules; /* never NULL; may be empty */
	int unmatched;              /* enum job_unmatched */

	struct job_copy copy;
	struct job_limits limits;
	struct job_rows rows;
	int64_t batch; /* objects in a batch */
	int64_t attempts;
	int64_t patience; /* ms */
	int64_t timeout;  /* ms without progress that a call may take */
	int64_t max_failures;
	const char *journal_path; /* absolute */
	int journal_keep;         /* enum job_keep */
	bool journal_allow_volatile;

	const char *canonical; /* sorted lines "class path = value", no secrets */
	char fingerprint[65];  /* SHA-256 of its mapping and identity lines, hex; an added
				  database changes it, so job_compare() has the last word */
};

/* Values of the same form? Then two sections of one column would change each row twice. */
bool job_same_values(const struct job_database *a, const struct job_database *b);

/* Is there a database whose texts are searched for values? */
bool job_has_texts(const struct job *job);

/* Finds a plugin by name and kind; NULL with err set. The caller's, so that job knows no loader. */
typedef const struct migrate_plugin *job_find_plugin(void *arg, enum migrate_kind kind,
						     const char *name, struct error *err);

struct job_load_options {
	const char *const *set; /* "path=value", NULL-terminated; or NULL */
	job_find_plugin *find;
	void *arg;
};

/*
 * NULL: all problems of the file in err (exit EXIT_USAGE), one per line; what does
 * not fit into the text is counted in its last line.
 */
struct job *job_load(const char *path, const struct job_load_options *options, struct error *err);
void job_free(struct job *job);

/*
 * What differs between two canonical texts: appends "- old\n+ new\n" lines for
 * each changed setting to out and returns the strictest class that changed
 * (enum migrate_option_class), -1: nothing did. A database or cache that was added
 * behind the others, and any change of a cache, count as selection at most; pairs in
 * place of rules, or the reverse, count as mapping. -2: out of memory.
 */
int job_compare(const char *journalled, const char *now, struct buf *out);
/* Do the two select keys in different ways? */
bool job_keys_differ(const char *journalled, const char *now);

/*
 * The option tables of our own sections, in the order of migrate-job(5). Those of
 * an end hold what is ours there; the rest are its plugin's options.
 */
enum job_section_shape { SECTION_MAP, SECTION_LIST, SECTION_END, SECTION_ENDS };
struct job_section {
	const char *name; /* "" (the file itself), "source", "keys", "rename", ... */
	const char *help; /* one sentence in lower case, no full stop */
	enum job_section_shape shape;
	enum migrate_kind kind; /* of ends: which plugins may stand there */
	bool required;
	const struct schema *schema;
};
const struct job_section *job_sections(size_t *count);

/* The OPTIONS text of migrate-job(5): mdoc. */
bool job_mdoc(struct buf *out);

/*
 * A JSON Schema of the whole file for editors, with the options of these plugins.
 */
bool job_json_schema(const struct migrate_plugin *const *plugins, size_t count, struct buf *out);

#endif
