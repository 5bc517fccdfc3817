/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGINS_HINT_H
#define MIGRATE_PLUGINS_HINT_H

#include <migrate/plugin.h>

/*
 * What is wrong with a name in the job file, in the same words for all databases. All of them
 * are INVALID.
 */
#define NAMES_MAX 512 /* looked through for a hint */

/* "table: no table 'files' in 'x' (did you mean 'file'?)"; where NULL: not said. */
enum migrate_status no_such(struct migrate_session *session, const char *option, const char *what,
			    const char *name, const char *where, const char *const *names,
			    size_t count);
/* columns[count] are structs of this size, which begin with a pointer to the name. */
enum migrate_status no_such_column(struct migrate_session *session, const char *option,
				   const char *name, const char *where, const void *columns,
				   size_t size, size_t count);
enum migrate_status column_is_generated(struct migrate_session *session, const char *option,
					const char *name);
enum migrate_status too_many_sets(struct migrate_session *session, size_t max);
/* In `set:`: the column of the values, or one that it has already. */
enum migrate_status set_is_taken(struct migrate_session *session, const char *name, bool holds_key);
enum migrate_status key_is_changed(struct migrate_session *session, const char *name);
enum migrate_status key_may_be_null(struct migrate_session *session, const char *name);
enum migrate_status key_is_not_unique(struct migrate_session *session, const char *table);

#endif
