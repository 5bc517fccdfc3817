/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_SQLITE_IMPL_H
#define MIGRATE_SQLITE_IMPL_H

#include <migrate/plugin.h>

#include "../common/bytes.h"
#include "../common/clock.h"
#include "../common/decide.h"
#include "../common/extra.h"
#include "../common/held.h"
#include "../common/hint.h"
#include "../common/identity.h"

#include <sqlite3.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Invariants. An instance is what open() learned from the catalog: names as the
 * schema spells them, quoted; the key that identifies rows; the text of every
 * statement. It never changes after open(). A session (struct self) owns one
 * connection and its prepared statements; between two calls no statement is
 * active and no transaction is open.
 *
 * The file is only ever touched through SQLite and stat(2): closing any other
 * descriptor of it would drop the locks that SQLite holds in this process.
 */
#define KEY_MAX 16 /* columns in a key */
#define SET_MAX 32 /* columns in `set:` */

/* Parameters have fixed numbers, so that every statement is bound the same way. */
enum parameter {
	P_KEY = 1, /* KEY_MAX of them */
	P_LIMIT = KEY_MAX + 1,
	P_LOW,
	P_HIGH,
	P_VALUE, /* what is looked for, or written */
	P_BEFORE,
	P_ANY,                      /* not 0: `set:` columns may hold anything */
	P_UNDO,                     /* not 0: `where` need not be true */
	P_SET,                      /* what they shall hold, SET_MAX of them */
	P_FOUND = P_SET + SET_MAX,  /* what they are to hold before */
	P_LIST = P_FOUND + SET_MAX, /* the values of an IN list */
};

enum affinity { AFFINITY_BLOB, AFFINITY_TEXT, AFFINITY_NUMERIC };

struct sqlite_config {
	const char *path, *table, *column;
	struct migrate_strings key;
	const char *where;
	struct migrate_map set;
	int64_t busy_timeout;
	bool foreign_keys;
};

struct column {
	char *name;
	char *type;
	int pk; /* 1.. in the primary key */
	bool not_null, has_default, generated;
	enum affinity affinity;
};

struct key_part {
	char *name; /* to show */
	char *sql;  /* quoted, with the collation under which it is unique */
};

struct set_column {
	const char *name; /* the column's own */
	char *sql;
	char *value; /* NULL: null */
};

enum statement {
	S_BEGIN, /* for writing */
	S_READ,  /* for reading: one look at the whole of it */
	S_COMMIT,
	S_ROLLBACK,
	S_COUNT,
	S_SCAN_FIRST, /* rows from the first */
	S_SCAN_NEXT,  /* rows behind a key */
	S_PROBE,      /* integer keys: the keys between two of rows that hold one value */
	S_ROW,        /* one row by its key, whatever it holds */
	S_UPDATE,     /* one row by its key, if it holds what it held */
	S_UPDATE_SET, /* the same, for the `set:` columns alone */
	S_INSERT,
	S_COUNT_OF
};

struct instance {
	char *path;
	dev_t device;
	unsigned long long file_system; /* the same after a reboot, where device may not be */
	ino_t inode;
	int64_t busy_timeout;
	uint64_t value_max;             /* bytes in the longest value that matters */
	bool writes, dry, foreign_keys; /* dry: not through this instance */

	char *table, *column;         /* as the schema spells them */
	char *table_sql, *column_sql; /* quoted */
	char *where;                  /* in parentheses, or NULL */
	struct column *columns;
	size_t column_count;
	enum affinity affinity;
	bool blob; /* the column is declared to hold BLOBs: what insert() stores */
	bool without_rowid, strict, utf16;
	bool triggers; /* or foreign keys that carry changes on: more than we write may happen */

	struct key_part key[KEY_MAX];
	size_t key_count;
	bool integer_key; /* the key is the rowid, under whatever name */
	bool rowid_key;   /* and no column keeps it from changing in a VACUUM */
	struct set_column set[SET_MAX];
	size_t set_count;

	sqlite3 *observer; /* others.c */
	sqlite3_stmt *version;
	int64_t seen; /* version after our last change; 0: not known */

	bool indexed, unique;
	char *sql[S_COUNT_OF];
	/* find by an IN list: what stands before it, behind it, and behind it with a cursor */
	char *in_head, *in_first, *in_next;
};

struct self {
	struct instance *instance;
	struct migrate_session *session; /* of the call under way */
	sqlite3 *db;
	sqlite3_stmt *statements[S_COUNT_OF];
	sqlite3_stmt *in; /* find by an IN list of in_count values */
	size_t in_count;
	bool in_cursor;
	int64_t busy_since; /* monotonic ms */
	bool waited;        /* for the lock, in this transaction */
	struct hit *hits;   /* find: memory kept from call to call */
	size_t hit_cap;
	unsigned char identity[MIGRATE_IDENTITY_MAX];
	unsigned char scratch[MIGRATE_IDENTITY_MAX];
	char text[4096];
	unsigned char *extra;        /* EXTRA_MAX bytes, when there are `set:` columns */
	unsigned char *undo, *found; /* scratch for decoding what it shall hold, and held */
};

/* ---- others.c: of the session that rewrites, and has the lock ---- */

/* Somebody else changed the database since others_mark(), or had the lock when we came. */
bool others_wrote(struct self *self);
/* The last change was ours. */
void others_mark(struct self *self);
void others_release(struct instance *inst);

/* ---- connect.c: connections, statements, what an answer of SQLite means ---- */

/* Opens self->db; the file must be there and be a database. */
enum migrate_status connect_open(struct self *self);
void connect_close(struct self *self);
/* Is the path still the file that open() saw? */
enum migrate_status connect_same_file(struct self *self);

enum migrate_status status_of(int rc);
/* "what: message of SQLite", with the status that rc means. */
enum migrate_status fail_sql(struct self *self, int rc, const char *what);

/* NULL: failed with *status set. Kept until the session ends. */
sqlite3_stmt *statement(struct self *self, enum statement which, enum migrate_status *status);
sqlite3_stmt *statement_text(struct self *self, const char *sql, enum migrate_status *status);
/* Ready for the next use, holding no pointer of a caller. */
void statement_done(sqlite3_stmt *stmt);

enum migrate_status transaction_read(struct self *self);
enum migrate_status transaction_begin(struct self *self);
/* Nothing was changed afterwards; returns status. */
enum migrate_status transaction_rollback(struct self *self, enum migrate_status status);
enum migrate_status transaction_commit(struct self *self);

/* The text of a column; "" for NULL, which a schema that was tampered with may hold anywhere. */
static inline const char *column_text(sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	return text ? (const char *)text : "";
}

/* Bind bytes as TEXT or BLOB; empty ones too. */
int bind_bytes(sqlite3_stmt *stmt, int parameter, struct migrate_bytes bytes, bool blob);

/* ---- catalog.c, key.c: names looked up in the schema ---- */

enum migrate_status catalog_read(struct self *self, const struct sqlite_config *config);
struct column *catalog_column(const struct instance *instance, const char *name);
enum migrate_status catalog_key(struct self *self, const struct sqlite_config *config);
/* Same name for SQLite: ASCII case does not count. */
bool same_name(const char *a, const char *b);

/* ---- text.c: the text of the statements ---- */

enum migrate_status text_build(struct self *self, const char *where);
enum migrate_status text_insert(struct self *self);

/* ---- identity.c: keys and other typed values as bytes ---- */

struct value {
	int type; /* SQLITE_INTEGER, ... */
	int64_t integer;
	double real;
	struct migrate_bytes bytes;
};

/* Append column i of a row to out[*n..max). False: does not fit. */
bool value_encode(sqlite3_stmt *stmt, int i, unsigned char *out, size_t max, size_t *n);
/* Decode the next value and move *in behind it; bytes that hold NULs go through scratch. */
bool value_decode(struct migrate_bytes *in, unsigned char *scratch, size_t *used, size_t max,
		  struct value *out);
int value_bind(sqlite3_stmt *stmt, int parameter, const struct value *value);

/* The key of a result row, in self->identity and self->text. */
enum migrate_status identity_encode(struct self *self, sqlite3_stmt *stmt,
				    struct migrate_bytes *identity);
void identity_of_integer(unsigned char out[9], int64_t key);
bool identity_to_integer(struct migrate_bytes identity, int64_t *key);
/* Bind an identity to P_KEY and on. INVALID: not one of ours. */
enum migrate_status identity_bind(struct self *self, sqlite3_stmt *stmt,
				  struct migrate_bytes identity);

/* ---- row.c: a result row as the contract wants it ---- */

/* Columns of a result row: the key, then these. */
static inline int value_column(const struct instance *instance)
{
	return (int)instance->key_count;
}

/* The bytes of the value column; false: it holds a number, NULL, or more than a key can be. */
bool row_value(const struct instance *instance, sqlite3_stmt *stmt, struct migrate_bytes *value,
	       bool *blob);
enum migrate_status row_fill(struct self *self, sqlite3_stmt *stmt, struct migrate_row *row);
/* Do the `set:` columns of this row hold what was bound to P_SET? */
bool row_settled(const struct instance *instance, sqlite3_stmt *stmt);
/* Of S_ROW: do they hold that, or what was bound to P_FOUND; and is `where` true? */
bool row_ready(const struct instance *instance, sqlite3_stmt *stmt);
bool row_meant(const struct instance *instance, sqlite3_stmt *stmt);
/* The `set:` columns, in self->extra. */
enum migrate_status row_extra(struct self *self, sqlite3_stmt *stmt, struct migrate_bytes *extra);
/* Bind P_SET and on: to the job's values, or to those of extra if it has bytes. */
enum migrate_status set_bind(struct self *self, sqlite3_stmt *stmt, struct migrate_bytes extra);
/* Bind P_FOUND and on, P_ANY and P_UNDO: to what this change expects. */
enum migrate_status found_bind(struct self *self, sqlite3_stmt *stmt,
			       const struct migrate_change *c);

/* ---- operations ---- */

enum migrate_status sqlite_scan(void *self, struct migrate_scan *r);
enum migrate_status sqlite_find(void *self, struct migrate_find *r);
enum migrate_status sqlite_read(void *self, struct migrate_read *r);
enum migrate_status sqlite_rewrite(void *self, struct migrate_rewrite *r);
enum migrate_status sqlite_insert(void *self, struct migrate_insert *r);
enum migrate_status sqlite_describe(void *self, struct migrate_describe_database *r);

#endif
