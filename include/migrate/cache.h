/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_CACHE_H
#define MIGRATE_CACHE_H

/*
 * Caches: what is invalidated after a row changed, and the operations of a plugin of
 * kind CACHE. Part of <migrate/plugin.h>, which includes it.
 */

#include <migrate/host.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* A row that changed: what templates of a cache's options may name. */
struct migrate_changed_row {
	struct migrate_bytes old_key, new_key;
	struct migrate_bytes old_value, new_value;
	const char *text; /* as in struct migrate_row */
};

/* invalidate(): OK once the cache acknowledged all of them. May be repeated. */
struct migrate_invalidate {
	struct migrate_session *session;
	const struct migrate_changed_row *const *rows;
	size_t count;
};

/* preview(): what invalidate() would do for this row, a line each: "UNLINK avatar:17". No I/O. */
struct migrate_preview {
	struct migrate_session *session;
	const struct migrate_changed_row *row;
};
/* Bytes from outside may stand in it, the core escapes them. False: return CANCELLED. */
bool migrate_emit_preview(struct migrate_preview *r, const void *line, size_t n);

/* Required: all but preview. */
struct migrate_cache_ops {
	size_t size; /* sizeof(struct migrate_cache_ops) */
	enum migrate_status (*open)(struct migrate_open *r);
	void (*close)(void *instance);
	enum migrate_status (*begin)(struct migrate_begin *r);
	void (*end)(void *self);
	enum migrate_status (*identity)(void *self, struct migrate_identity *r);
	enum migrate_status (*probe)(void *self, struct migrate_probe *r);
	enum migrate_status (*invalidate)(void *self, struct migrate_invalidate *r);
	enum migrate_status (*preview)(void *self, struct migrate_preview *r);
};

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
