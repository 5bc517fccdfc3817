/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGIN_END_H
#define MIGRATE_PLUGIN_END_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <migrate/plugin.h>

#include <stdatomic.h>

/*
 * The core's side of plugins at work: an end is one open instance, a session is
 * one worker's handle of it. Every call of a plugin goes through the functions
 * below: they fill in r->session, note that a call is under way (for the
 * watchdog), refuse operations that are absent (UNSUPPORTED) and answers that
 * are no status (FATAL, with the plugin's name).
 */

/* What all ends of one program share. Lives longer than they do. */
struct host {
	char job_id[17];
	int64_t deadline; /* ms without progress that a call may take */
	atomic_bool cancelled;
	int cancel_fd; /* eventfd: readable once cancelled */
};

int host_init(struct host *h, const char *job_id, int64_t deadline, struct error *err);
void host_cancel(struct host *h); /* async-signal-safe */
void host_resume(struct host *h); /* undo host_cancel(), while no call is under way */
void host_release(struct host *h);

struct end;

/* What the job does at an end; see struct migrate_open. */
enum end_access {
	END_READS = 0,
	END_WRITES = 1 << 0,
	END_DRY = 1 << 1 /* with WRITES: but not now */
};

/*
 * Open an instance. label: for messages ("source"). config: as the option table filled
 * it. access: enum end_access.
 */
struct end *end_open(struct host *h, const char *label, const struct migrate_plugin *plugin,
		     const void *config, unsigned int access, struct error *err);
/* The same for a database whose values may be longer than MIGRATE_KEY_MAX. how: what open() answered. */
struct end *end_open_texts(struct host *h, const char *label, const struct migrate_plugin *plugin,
			   const void *config, unsigned int access, uint64_t value_max,
			   enum migrate_status *how, struct error *err);
/* After all its sessions ended. */
void end_close(struct end *e);
const struct migrate_plugin *end_plugin(const struct end *e);
const char *end_label(const struct end *e);

struct migrate_session *session_open(struct end *e, struct error *err);
void session_close(struct migrate_session *s);
struct end *session_end(const struct migrate_session *s);
void *session_self(const struct migrate_session *s);

/* Of the last call: its message ("" if none), and the wait the server asked for (0: none). */
const char *session_message(const struct migrate_session *s);
int64_t session_retry_after(const struct migrate_session *s);
/* Attributes the last call said were lost: their names, joined by ", "; "" if none. */
const char *session_lost(const struct migrate_session *s);

/* "source: denied: cannot open ..." for a failed last call; exit as given. Returns -1. */
int session_error(struct error *err, int exit, const struct migrate_session *s,
		  enum migrate_status status);

/*
 * For the watchdog: calls each() for every session of e that is inside a call, with the
 * operation's name and the nanoseconds since its last progress.
 */
void end_each_busy(struct end *e,
		   void (*each)(void *arg, struct migrate_session *s, const char *operation,
				int64_t stalled),
		   void *arg);

/* "not_found", ... and what a status means; see migrate-plugin(3). */
const char *status_name(enum migrate_status s);
bool status_is_systemic(enum migrate_status s); /* about everything: ask probe() */
bool status_may_retry(enum migrate_status s);

/* ---- Attributes, objects ---- */

struct migrate_attributes *attributes_new(void);
void attributes_reset(struct migrate_attributes *a);
/* Without the one of that index; those behind it move up. */
void attributes_forget(struct migrate_attributes *a, size_t i);
void attributes_free(struct migrate_attributes *a);

/* An object to be filled by a call; its etag lives in the slot's own memory. */
struct object_slot {
	struct migrate_object object; /* first: the setters find the rest behind it */
	struct arena *arena;          /* where the etag goes, NULL: into etag */
	const void *given;            /* what migrate_set_etag() made of it */
	unsigned char etag[MIGRATE_ETAG_MAX];
};
/* Ready for the next call; attributes may be NULL. */
void object_slot_init(struct object_slot *o, struct migrate_attributes *attributes);

/* ---- Stores ---- */

enum listed_kind { LISTED_OBJECT, LISTED_SKIPPED, LISTED_FAILED };

struct listed {
	struct migrate_object object; /* first; etag and key live in the page's arena */
	struct arena *arena;
	const void *given;
	enum listed_kind kind;
	enum migrate_skip skip;
	enum migrate_status status;
	const char *message;
	struct migrate_bytes key;
};

struct list_page {
	struct arena arena;
	struct listed **items;
	size_t n, cap;
	struct migrate_bytes cursor; /* n = 0: none was given */
	bool done;
	bool failed; /* out of memory while emitting */
};

#define LIST_PAGE_INIT                                                                             \
	{                                                                                          \
		.arena = ARENA_INIT                                                                \
	}

struct kept_attribute {
	char *name;
	size_t max;
};

/* Facts of describe(), with the attribute patterns that the store keeps. */
struct store_facts {
	struct migrate_describe d;
	struct kept_attribute *kept;
	size_t kept_count;
	bool incomplete; /* there was no memory for all that it keeps */
};

/* A page is reset by each call, released by the caller at the end. */
enum migrate_status store_list(struct migrate_session *s, struct migrate_list *r,
			       struct list_page *page);
void list_page_release(struct list_page *page);

/* Identity as text; the caller frees it. */
enum migrate_status end_identity(struct migrate_session *s, char **identity);
enum migrate_status store_describe(struct migrate_session *s, struct store_facts *facts);
void store_facts_release(struct store_facts *f);
/* Does a store of these facts keep this attribute with a value of n bytes? */
bool store_keeps(const struct store_facts *f, const char *name, size_t n);
/* It does not take the word of that source for this attribute. */
bool store_doubts(const struct store_facts *f, const struct store_facts *source, const char *name);

/* Any kind. */
/* The same; if it is well, the session's message stays that of the call before. */
enum migrate_status end_probe_again(struct migrate_session *s, bool write);
enum migrate_status end_probe(struct migrate_session *s, bool write);

enum migrate_status store_accepts(struct migrate_session *s, struct migrate_bytes key);
enum migrate_status store_stat(struct migrate_session *s, struct migrate_stat *r);
enum migrate_status store_get(struct migrate_session *s, struct migrate_get *r);
enum migrate_status store_put(struct migrate_session *s, struct migrate_put *r);
/* source: a session of the source's end; false also when the plugins differ. */
bool store_can_copy(struct migrate_session *s, struct migrate_session *source);
enum migrate_status store_copy(struct migrate_session *s, struct migrate_session *source,
			       struct migrate_copy *r);
/* id: MIGRATE_ETAG_MAX bytes to fill, *n how many. */
enum migrate_status store_upload(struct migrate_session *s, struct migrate_upload *r, void *id,
				 size_t *n);
enum migrate_status store_part(struct migrate_session *s, struct migrate_part *r, void *token,
			       size_t *n);
enum migrate_status store_copy_part(struct migrate_session *s, struct migrate_session *source,
				    struct migrate_part *r, void *token, size_t *n);

struct part_list {
	struct arena arena;
	struct migrate_done_part **items; /* sorted by number */
	size_t n, cap;
	bool failed, full; /* no memory for it; more than may be */
};
enum migrate_status store_parts(struct migrate_session *s, struct migrate_parts *r,
				struct part_list *out);
void part_list_release(struct part_list *p);

struct left_upload {
	struct migrate_bytes key, id;
};

struct upload_list {
	struct arena arena;
	struct left_upload *items;
	size_t n, cap;
	bool failed, full; /* no memory for it; more than may be */
};
enum migrate_status store_uploads(struct migrate_session *s, struct migrate_uploads *r,
				  struct upload_list *out);
void upload_list_release(struct upload_list *u);

enum migrate_status store_complete(struct migrate_session *s, struct migrate_complete *r);
enum migrate_status store_abort(struct migrate_session *s, struct migrate_abort *r);
enum migrate_status store_remove(struct migrate_session *s, struct migrate_remove *r);
enum migrate_status store_sync(struct migrate_session *s);
enum migrate_status store_sweep(struct migrate_session *s, struct migrate_bytes key);

struct finding {
	const char *name, *said, *follows; /* see migrate_emit_finding() */
	enum migrate_verdict verdict;
};

/* What was found out about a store: by the core, and by measure(). Texts in the arena. */
struct findings {
	struct arena arena;
	struct finding *items;
	size_t n, cap;
};

#define FINDINGS_INIT                                                                              \
	{                                                                                          \
		.arena = ARENA_INIT                                                                \
	}

/* Takes copies. False: out of memory, or far too many. */
bool findings_add(struct findings *f, const char *name, enum migrate_verdict verdict,
		  const char *said, const char *follows);
void findings_release(struct findings *f);
enum migrate_status store_measure(struct migrate_session *s, struct migrate_measure *r,
				  struct findings *out);

/* ---- Databases ---- */

struct found_row {
	struct migrate_row row; /* copies in the page's arena */
	size_t value;           /* find: index of the value */
};

struct row_page {
	struct arena arena;
	struct found_row *items;
	size_t n, cap;
	struct migrate_bytes cursor;
	bool done;
	bool failed;
};

#define ROW_PAGE_INIT                                                                              \
	{                                                                                          \
		.arena = ARENA_INIT                                                                \
	}

struct fact {
	char *name, *text;
};

struct database_facts {
	struct migrate_describe_database d;
	struct fact *facts;
	size_t fact_count;
};

enum migrate_status database_describe(struct migrate_session *s, struct database_facts *facts);
void database_facts_release(struct database_facts *f);
enum migrate_status database_count(struct migrate_session *s, uint64_t *rows);
/* UNSUPPORTED: it cannot tell. */
enum migrate_status database_lag(struct migrate_session *s, int64_t *milliseconds);
enum migrate_status database_scan(struct migrate_session *s, struct migrate_scan *r,
				  struct row_page *page);
enum migrate_status database_find(struct migrate_session *s, struct migrate_find *r,
				  struct row_page *page);
void row_page_release(struct row_page *page);

struct held_row {
	enum migrate_holding holding; /* 0: there is no such row or place */
	struct migrate_bytes value;   /* HOLDS_VALUE */
};

/* What rows hold, in the order in which they were asked for; bytes live until the next call. */
struct held_rows {
	struct arena arena;
	struct held_row *items;
	size_t cap;
	bool failed;
};

#define HELD_ROWS_INIT                                                                             \
	{                                                                                          \
		.arena = ARENA_INIT                                                                \
	}

/* Can it read rows by identity? Plugins need not. */
bool database_reads(const struct migrate_session *s);
/* UNSUPPORTED: it cannot. */
enum migrate_status database_read(struct migrate_session *s, struct migrate_read *r,
				  struct held_rows *held);
void held_rows_release(struct held_rows *held);

enum migrate_status database_rewrite(struct migrate_session *s, struct migrate_rewrite *r);
/* Of a change of the last rewrite(), the session's until its next one. NULL: nothing was said. */
const char *rewrite_conflict(const struct migrate_session *s, size_t change);
/* What its `set:` columns held where they were not as found; n = 0: they were. */
struct migrate_bytes rewrite_extra(const struct migrate_session *s, size_t change);
enum migrate_status database_insert(struct migrate_session *s, struct migrate_insert *r);

/* ---- Caches ---- */
enum migrate_status cache_invalidate(struct migrate_session *s, struct migrate_invalidate *r);
/* What it would do for this row: lines, escaped, each with a newline, appended to the caller's buf. */
enum migrate_status cache_preview(struct migrate_session *s, const struct migrate_changed_row *row,
				  struct buf *lines);

#endif
