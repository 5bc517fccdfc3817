/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_OPTION_H
#define MIGRATE_OPTION_H

/*
 * Options of a plugin as data: part of <migrate/plugin.h>, which includes it. From
 * one table the core checks the job file, fills the plugin's config struct, and
 * makes the help, the JSON Schema and the OPTIONS text of the manual page.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct migrate_secret; /* prints as ***, wiped when freed */

struct migrate_strings {
	size_t n;
	const char *const *items;
};

struct migrate_pair {
	const char *name;
	const char *value; /* NULL: the job file says null */
};

struct migrate_map {
	size_t n;
	const struct migrate_pair *pairs;
};

enum migrate_option_type {
	MIGRATE_TYPE_STRING = 1, /* const char * */
	MIGRATE_TYPE_SECRET,     /* const struct migrate_secret * */
	MIGRATE_TYPE_INTEGER,    /* int64_t, within min..max */
	MIGRATE_TYPE_SIZE,       /* uint64_t bytes: 512, 16KiB, 5GB */
	MIGRATE_TYPE_DURATION,   /* int64_t milliseconds: 500ms, 30s, 10m, 2h, 7d */
	MIGRATE_TYPE_BOOLEAN,    /* bool */
	MIGRATE_TYPE_CHOICE,     /* int, index into choices */
	MIGRATE_TYPE_PATH, /* const char *, absolute: relative ones start at the job file's folder */
	MIGRATE_TYPE_URL,  /* const char *; credentials inside are treated as a secret */
	MIGRATE_TYPE_LIST, /* struct migrate_strings */
	MIGRATE_TYPE_MAP   /* struct migrate_map */
};

/* What may happen to an option between two runs of one job: migrate-job(5). */
enum migrate_option_class {
	MIGRATE_TUNABLE = 0, /* may change at any time */
	MIGRATE_SELECTION,   /* what is taken: may change with --accept-change */
	MIGRATE_MAPPING,     /* what a key or value becomes: never */
	MIGRATE_IDENTITY     /* which place it is: never */
};

enum migrate_option_flags {
	MIGRATE_REQUIRED = 1,
	MIGRATE_DEPRECATED = 2,
	MIGRATE_SERVER = 4 /* whose server it is: keys of the environment are meant for one */
};

/*
 * One option of the job file. Strings are static. The core fills the field at
 * offset of a zeroed struct of config_size bytes before it calls open(); an
 * option that is absent and has no default leaves its field zero.
 */
struct migrate_option {
	const char *name;
	uint32_t type;  /* enum migrate_option_type */
	uint32_t flags; /* enum migrate_option_flags */
	uint32_t klass; /* enum migrate_option_class */
	uint32_t reserved;
	size_t offset;       /* use the macros below: they check the field's type */
	const char *value;   /* default, as the job file would write it; NULL: none */
	const char *choices; /* CHOICE: "one|two|three" */
	int64_t min,
	    max; /* INTEGER, SIZE, DURATION: inclusive; both 0: any that fits and is >= 0 */
	const char *help; /* one sentence in lower case, no full stop */
	/*
	 * "NAME|NAME": environment variables that stand in when no option of the end that
	 * lists them is given; NULL: none. Two ends of a job that would take the same one
	 * though their MIGRATE_SERVER options differ are refused.
	 */
	const char *environment;
};

#ifdef __cplusplus
#define MIGRATE_FIELD(struct_, field_, type_) offsetof(struct_, field_)
#else
#define MIGRATE_FIELD(struct_, field_, type_)                                                      \
	_Generic(&((struct_ *)0)->field_, type_ * : offsetof(struct_, field_))
#endif
#define MIGRATE_STRING(s_, f_)                                                                     \
	.type = MIGRATE_TYPE_STRING, .offset = MIGRATE_FIELD(s_, f_, const char *)
#define MIGRATE_SECRET(s_, f_)                                                                     \
	.type = MIGRATE_TYPE_SECRET, .offset = MIGRATE_FIELD(s_, f_, const struct migrate_secret *)
#define MIGRATE_INTEGER(s_, f_)                                                                    \
	.type = MIGRATE_TYPE_INTEGER, .offset = MIGRATE_FIELD(s_, f_, int64_t)
#define MIGRATE_SIZE(s_, f_) .type = MIGRATE_TYPE_SIZE, .offset = MIGRATE_FIELD(s_, f_, uint64_t)
#define MIGRATE_DURATION(s_, f_)                                                                   \
	.type = MIGRATE_TYPE_DURATION, .offset = MIGRATE_FIELD(s_, f_, int64_t)
#define MIGRATE_BOOLEAN(s_, f_) .type = MIGRATE_TYPE_BOOLEAN, .offset = MIGRATE_FIELD(s_, f_, bool)
#define MIGRATE_CHOICE(s_, f_, choices_)                                                           \
	.type = MIGRATE_TYPE_CHOICE, .offset = MIGRATE_FIELD(s_, f_, int), .choices = choices_
#define MIGRATE_PATH(s_, f_)                                                                       \
	.type = MIGRATE_TYPE_PATH, .offset = MIGRATE_FIELD(s_, f_, const char *)
#define MIGRATE_URL(s_, f_) .type = MIGRATE_TYPE_URL, .offset = MIGRATE_FIELD(s_, f_, const char *)
#define MIGRATE_LIST(s_, f_)                                                                       \
	.type = MIGRATE_TYPE_LIST, .offset = MIGRATE_FIELD(s_, f_, struct migrate_strings)
#define MIGRATE_MAP(s_, f_)                                                                        \
	.type = MIGRATE_TYPE_MAP, .offset = MIGRATE_FIELD(s_, f_, struct migrate_map)

#ifdef __cplusplus
}
#endif

#endif
