/* SPDX-License-Identifier: MIT */
#include "hint.h"

#include <string.h>

enum migrate_status no_such(struct migrate_session *session, const char *option, const char *what,
			    const char *name, const char *where, const char *const *names,
			    size_t count)
{
	const char *near = migrate_nearest(name, names, count);

	return migrate_fail(session, MIGRATE_INVALID, "%s: no %s '%s'%s%s%s%s%s%s", option, what,
			    name, where ? " in '" : "", where ? where : "", where ? "'" : "",
			    near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

enum migrate_status no_such_column(struct migrate_session *session, const char *option,
				   const char *name, const char *where, const void *columns,
				   size_t size, size_t count)
{
	const char *names[NAMES_MAX];
	size_t n = 0;

	for (; n < count && n < NAMES_MAX; n++)
		memcpy(&names[n], (const char *)columns + n * size, sizeof(names[n]));
	return no_such(session, option, "column", name, where, names, n);
}

enum migrate_status column_is_generated(struct migrate_session *session, const char *option,
					const char *name)
{
	return migrate_fail(session, MIGRATE_INVALID,
			    "%s: column '%s' is generated, so it cannot be written", option, name);
}

enum migrate_status too_many_sets(struct migrate_session *session, size_t max)
{
	return migrate_fail(session, MIGRATE_INVALID, "set: more than %zu columns", max);
}

enum migrate_status set_is_taken(struct migrate_session *session, const char *name, bool holds_key)
{
	return migrate_fail(session, MIGRATE_INVALID, "set: '%s' is %s", name,
			    holds_key ? "the column that holds the key" : "named twice");
}

enum migrate_status key_is_changed(struct migrate_session *session, const char *name)
{
	return migrate_fail(session, MIGRATE_INVALID,
			    "key: '%s' is changed by the job, so it cannot identify a row", name);
}

enum migrate_status key_may_be_null(struct migrate_session *session, const char *name)
{
	return migrate_fail(session, MIGRATE_INVALID,
			    "key: '%s' may be NULL, so it cannot identify every row; name columns "
			    "that are NOT NULL",
			    name);
}

enum migrate_status key_is_not_unique(struct migrate_session *session, const char *table)
{
	return migrate_fail(session, MIGRATE_INVALID,
			    "key: no unique index of '%s' consists of just these columns, so they "
			    "do not identify a row",
			    table);
}
