/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGIN_END_IMPL_H
#define MIGRATE_PLUGIN_END_IMPL_H

#include "base/buf.h"
#include "plugin/end.h"

#include <pthread.h>

/*
 * What the wrappers and the host functions share.
 *
 * Invariants: a session is used by one thread; operation and progress alone are
 * read by others. out is what the running call fills, and `expects` says which
 * of the union it is: a host function called by a plugin at the wrong moment
 * finds that it is not wanted and returns false. nonsense is the first complaint
 * about what the plugin did in this call: the call then ends as FATAL.
 */
#define MESSAGE_MAX 1024
#define IDENTITY_TEXT_MAX 4096
#define KEPT_MAX 256
#define ROW_EXTRA_MAX (64 * 1024) /* bytes of `set:` columns */

enum call_expects {
	EXPECTS_NOTHING,
	EXPECTS_OBJECTS,
	EXPECTS_ROWS,
	EXPECTS_OUTCOMES,
	EXPECTS_HELD,
	EXPECTS_FACTS,
	EXPECTS_DATABASE_FACTS,
	EXPECTS_IDENTITY,
	EXPECTS_TOKEN,
	EXPECTS_PARTS,
	EXPECTS_UPLOADS,
	EXPECTS_FINDINGS,
	EXPECTS_PREVIEW
};

/* Where migrate_set_upload() and migrate_set_part() put their bytes. */
struct token_out {
	void *bytes;
	size_t n;
};

/* What rewrite() says of its changes beside their outcomes. */
struct row_note {
	const char *conflict;
	struct migrate_bytes extra;
};

struct row_notes {
	struct arena arena;
	struct row_note *items; /* by change; NULL: none was made */
	size_t n;
};

struct migrate_session {
	struct end *end;
	struct host *host;
	void *self;
	const struct migrate_store_ops *store;
	const struct migrate_database_ops *database;
	const struct migrate_cache_ops *cache;

	_Atomic(const char *) operation; /* NULL: not in a call */
	_Atomic(int64_t) progress;       /* monotonic ns of the last progress */

	enum call_expects expects;
	union {
		struct list_page *page;
		struct row_page *rows;
		struct held_rows *held;
		struct store_facts *facts;
		struct database_facts *database_facts;
		char **identity;
		struct token_out *token;
		struct part_list *parts;
		struct upload_list *uploads;
		struct findings *findings;
		struct buf *preview;
	} out;
	uint32_t objects; /* list: emitted so far, without what was skipped or failed */
	struct migrate_bytes last_key; /* list: of the last of these */

	char message[MESSAGE_MAX];
	char nonsense[256];
	int64_t retry_after;
	struct buf lost;
	struct row_notes notes;
	struct object_slot unwanted[2]; /* for callers who do not ask for the object */

	struct migrate_session *next, **link; /* in the end's list */
};

struct end {
	struct host *host;
	const struct migrate_plugin *plugin;
	char *label;
	void *instance;
	uint64_t value_max;      /* bytes in a value of a row */
	_Atomic(uint64_t) flags; /* of describe(), once it was asked; 0 before */
	pthread_mutex_t lock;    /* of what follows */
	struct migrate_session *sessions;
	uint64_t noted[64]; /* hashes of what migrate_note() has said */
	size_t noted_count;
};

/* Run load() of a plugin unless that was done; thread-safe. */
int plugin_start(const struct migrate_plugin *p, struct error *err);

void session_init(struct migrate_session *s, struct end *e);
void session_release(struct migrate_session *s);

/* Text of a plugin as it may be shown: cut, escaped, secrets blanked. raw is changed. */
void host_clean(char *raw, char clean[MESSAGE_MAX]);

/* Remember the first complaint about this call. Always returns false. */
bool call_nonsense(struct migrate_session *s, const char *format, ...) MIGRATE_PRINTF(2, 3);

/* Before and after each call of a plugin. */
void call_begin(struct migrate_session *s, const char *operation);
enum migrate_status call_end(struct migrate_session *s, const char *operation, int status);

/* s->table is one of store, database, cache; the operation's name is for the watchdog. */
#define CALL(s_, table_, operation_, r_)                                                           \
	((s_)->table_ && (s_)->table_->operation_                                                  \
	     ? (call_begin((s_), #operation_),                                                     \
		call_end((s_), #operation_, (int)(s_)->table_->operation_((s_)->self, (r_))))      \
	     : call_absent(s_))
enum migrate_status call_absent(struct migrate_session *s);

/* Is r's session one in a call that expects this? */
static inline bool call_expects(const struct migrate_session *s, enum call_expects what)
{
	return s && s->expects == what;
}

/* The plugin's answer is nonsense if an etag was not set with migrate_set_etag(). */
bool object_is_sound(struct migrate_session *s, const struct migrate_object *o);

/* A get() that pushed more than its sink had room for. */
bool sink_overflowed(const struct migrate_sink *sink);

/* A name that was refused by migrate_set_attribute(), "" if none. */
const char *attributes_refused(const struct migrate_attributes *a);

#endif
