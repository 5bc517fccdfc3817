/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_MYSQL_IMPL_H
#define MIGRATE_MYSQL_IMPL_H

#include <migrate/plugin.h>

#include "../common/bound.h"
#include "../common/bytes.h"
#include "../common/clock.h"
#include "../common/decide.h"
#include "../common/extra.h"
#include "../common/held.h"
#include "../common/hint.h"
#include "../common/identity.h"
#include "../common/json-path.h"
#include "../common/patience.h"
#include "../common/text.h"

#include <mysql.h>
#include <stdint.h>

/*
 * Invariants. An instance is what open() learned: names as the server spells
 * them, quoted; the key that identifies rows; the pieces that statements are made
 * of. It never changes after open(). A session (struct self) owns at most two
 * connections, made when a call needs them and made anew after they broke;
 * between two calls no statement is under way and no transaction is open: what
 * could not be ended cleanly is closed.
 *
 * Nothing waits inside the client library: every call to it is of its kind that
 * comes back, and what it waits for is waited for in migrate_wait(), so that
 * cancelling and deadlines work.
 *
 * Values stand in statements as hexadecimal literals with their character set in
 * front (_utf8mb4 x'6b6579'): digits alone, which no sql_mode, quote, backslash or
 * encoding of a session can make mean anything else, and a thousand of them need
 * one round trip and no preparation.
 */
#define KEY_MAX 16 /* columns in a key */
#define SET_MAX 32 /* columns in `set:` */

struct mysql_config {
	const struct migrate_secret *connection, *scan_connection, *password;
	const char *host, *socket, *user, *database;
	int64_t port;
	int ssl; /* enum ssl */
	const char *ca_file;
	const char *table, *column, *json_path;
	struct migrate_strings key;
	const char *where;
	struct migrate_map set;
	int64_t lock_timeout, statement_timeout;
};

/* ---- sql.c: names and values in statements ---- */

void sql_name(struct text *s, const char *name);             /* `name` */
void sql_hex(struct text *s, struct migrate_bytes value);    /* x'6e616d65' */
void sql_binary(struct text *s, struct migrate_bytes value); /* _binary x'6e616d65' */
void sql_text(struct text *s, struct migrate_bytes value);   /* _utf8mb4 x'6e616d65' */
void sql_string(struct text *s, const char *value);
/* The caller's to free; NULL: out of memory. */
char *quoted_name(const char *name);

/* ---- bytes.c: looking byte strings up ---- */

struct lookup {
	uint32_t *slots; /* number + 1; 0: free */
	size_t size;     /* a power of two */
	const struct migrate_bytes *items;
};

bool lookup_make(struct lookup *l, const struct migrate_bytes *items, size_t n);
/* The number of the first item that equals b, or SIZE_MAX. */
size_t lookup_find(const struct lookup *l, struct migrate_bytes b);
void lookup_release(struct lookup *l);
/* Characters of text in UTF-8, or SIZE_MAX if it is none. */
size_t utf8_length(const void *text, size_t n);

/* ---- What is known of a table ---- */

enum kind {
	KIND_TEXT,
	KIND_BYTES, /* binary, varbinary, blob */
	KIND_JSON   /* one path in a document */
};

struct column {
	char *name;
	char *sql;     /* quoted, with the table in front */
	char *type;    /* varchar */
	char *shown;   /* varchar(255) */
	char *charset; /* NULL: none */
	char *collation;
	char *expression; /* of a generated column, else NULL */
	uint64_t width; /* characters, or bytes where there is no character set; 0: no such thing */
	int precision, scale, fraction;
	bool not_null, has_default, automatic, on_update, is_unsigned;
};

/* How values of a column are written and compared. */
enum form {
	FORM_INTEGER, /* identity: eight bytes, of which memcmp() makes the server's order */
	FORM_NUMBER,  /* decimal: a literal of digits */
	FORM_TEXT,    /* of a character set */
	FORM_BYTES,
	FORM_OTHER, /* times, uuid, ...: text that the server reads as its type */
	FORM_NONE   /* cannot be in a key */
};

struct key_part {
	const struct column *column;
	enum form form;
};

struct set_column {
	const struct column *column;
	char *value;     /* as the job says; NULL: null */
	char *canonical; /* as the server shows it once stored; NULL: null */
};

/* Where the server is and who we are there; the password is wiped, never shown. */
enum ssl { SSL_AUTO, SSL_VERIFY, SSL_ENCRYPT, SSL_OFF };

struct address {
	const char *option; /* what messages call it */
	char *host, *socket, *user, *password, *database, *ca_file;
	unsigned port; /* 0: not said, so localhost is a socket as everywhere */
	enum ssl ssl;
};

struct instance {
	struct address address, scan_address;
	bool has_scan, writes;
	int64_t lock_timeout, statement_timeout;

	bool is_mariadb, read_committed, fold_names;
	bool has_nowait, has_skip; /* rows may be locked without waiting; those that are free */
	uint64_t packet;           /* bytes in the longest statement */
	char *system;              /* which server or cluster */
	char *space, *table;
	char *table_sql; /* quoted */
	struct column *columns;
	size_t column_count;
	bool verify;     /* triggers that may change what is written, or may be hidden from us */
	bool has_moment; /* the key holds a timestamp */

	const struct column *column;
	enum kind kind;
	char *json_path; /* as the job says */
	struct json_path path;
	char *where;     /* in parentheses, or NULL */
	bool where_asks; /* it may look at more than the row itself */
	bool may_differ; /* texts of the column's character set may come back as others */

	struct key_part key[KEY_MAX];
	size_t key_count;
	char *key_index; /* quoted */
	struct set_column set[SET_MAX];
	size_t set_count;

	bool indexed, unique, durable;
	char *find_index;                 /* quoted, when indexed */
	const struct column *find_column; /* what it is over: our column, or one made of it */

	char *row_sql;      /* key, value, `set:` columns: as row.c reads them */
	char *look_sql;     /* these, whether `where` is true, whether the value is exact */
	char *value_sql;    /* the value */
	char *bytes_sql;    /* it as bytes, for comparisons */
	char *length_sql;   /* how many these are */
	char *usable_sql;   /* the condition for rows that have one */
	uint64_t value_max; /* bytes in the longest value that matters */
	bool texts;         /* that is more than a key can have: pages are measured */
	char *order_sql;    /* the key */
	/* What row_sql and look_sql answer: letters of struct shape; there the value may be NULL. */
	char row_columns[KEY_MAX + SET_MAX + 4], look_columns[KEY_MAX + SET_MAX + 4];
};

/* ---- Sessions ---- */

struct link {
	MYSQL *conn;
	char *nameless; /* the version of a server that has not told its own */
	bool is_scan;
	bool in_transaction; /* of ours: another connection would know nothing of it */
	int64_t used;        /* when, in ms by the monotonic clock */
	MYSQL_RES *result;   /* that is being read */
	struct bound bound;  /* of the answer that is under way */
	uint64_t came;       /* bytes of it */
};

struct self {
	struct instance *instance;
	struct migrate_session *session; /* of the call under way */
	struct link main, scan;
	struct text text; /* the statement, memory kept from call to call */
	unsigned char identity[MIGRATE_IDENTITY_MAX + 8];
	char shown[4096];
	unsigned char *extra; /* EXTRA_MAX bytes */
	bool server_said;     /* the last failure: not the client library */
};

/* ---- address.c, uri.c, options.c ---- */

/* Both addresses of the instance, from all that the job says. */
enum migrate_status addresses_take(struct self *self, const struct mysql_config *config);
void address_release(struct address *a);
/* The server is on this machine: a socket, or a loopback address. */
bool address_is_here(const struct address *a);
/* One thing of an address by its name in an option file; false: not a good value, or no memory. */
bool address_set(struct address *a, const char *name, struct migrate_bytes value);
enum migrate_status uri_read(struct self *self, struct migrate_bytes text, struct address *a);
/* What the groups for clients of an option file say. */
enum migrate_status options_read(struct self *self, struct migrate_bytes text, struct address *a);
/* The password that ~/.my.cnf holds, if there is none yet and nobody else may read it. */
enum migrate_status options_home(struct self *self, struct address *a);

/* ---- flood.c: what the library reads without coming back ---- */

/* Once in a process, before any connection. */
void flood_load(void);
/* Of a new connection, before it is used. False: out of memory. */
bool flood_watch(struct link *link);
/* Of a new connection, too. False: out of memory. */
bool version_unknown(struct link *link);
void version_known(struct link *link);
/* A question begins: more bytes than these end the connection. */
void flood_begin(struct link *link, uint64_t bytes, int64_t milliseconds);

/* ---- connect.c ---- */

/* Bytes in the longest answer that is borne: with values of rows in it, or without. */
uint64_t answer_max(const struct instance *inst, bool values);
/* A working connection, made if there is none and no transaction was begun on the one before. */
enum migrate_status link_ready(struct self *self, struct link *link);
void link_close(struct link *link);
/* It has just answered. */
void link_used(struct link *link);
/* The connection that scans go to: the replica if there is one. */
struct link *scan_link(struct self *self);

/* ---- query.c ---- */

struct shape;
struct answer;

/* For what the library waits, or why not: *wanted becomes what it may go on with. */
enum migrate_status wait_for(struct self *self, struct link *link, int *wanted, enum pace pace,
			     const char *what);
/* One statement with rows of this shape; NULL: failed, with a message that begins with `what`. */
struct answer *query(struct self *self, struct link *link, const char *sql, size_t n,
		     const struct shape *shape, enum pace pace, const char *what,
		     enum migrate_status *status);
struct answer *catalog(struct self *self, const char *sql, const struct shape *shape,
		       enum migrate_status *status);
struct answer *catalog_built(struct self *self, struct text *s, const struct shape *shape,
			     enum migrate_status *status);
/* The statement in self->text. */
struct answer *query_text(struct self *self, struct link *link, const struct shape *shape,
			  enum pace pace, const char *what, enum migrate_status *status);
/* One statement without rows that matter; *matched, unless NULL: how many rows its condition met. */
enum migrate_status command(struct self *self, struct link *link, const char *sql,
			    const char *what);
enum migrate_status command_text(struct self *self, enum pace pace, const char *what,
				 uint64_t *matched);
enum migrate_status transaction_begin(struct self *self);
enum migrate_status transaction_rollback(struct self *self, enum migrate_status status);
enum migrate_status transaction_commit(struct self *self);

/* ---- answer.c: answers are as they were asked for, or they are none ---- */

/*
 * A letter for each column; a capital one may be NULL: s text without NULs, i an integer, u
 * one without a sign, d a decimal number, v bytes. "*": columns that are known by their names.
 */
struct shape {
	const char *columns;
	uint64_t least, most; /* rows */
	bool values;          /* in them: those may be large */
};

#define ANY_ROWS 1000000 /* as many as the server has; the bytes of an answer are bounded */
#define SHAPE(columns_, least_, most_)                                                             \
	(&(const struct shape){ .columns = columns_, .least = least_, .most = most_ })

struct field {
	size_t at, n; /* in the text; SIZE_MAX: NULL */
};

struct answer {
	size_t columns;
	uint64_t rows, next;
	char **names; /* of the columns, for "*" */
	struct field *fields;
	char *text;
	size_t field_count, field_cap, n, text_cap;
	bool is_command; /* there were no rows, not even none */
};

/* What the server says to a statement that was sent; shape NULL: whatever it is. */
enum migrate_status answer_take(struct self *self, struct link *link, const struct shape *shape,
				enum pace pace, const char *what, struct answer **out);
void answer_free(struct answer *a);
/* UNAVAILABLE, saying why; the connection is closed. */
enum migrate_status wrong_answer(struct self *self, struct link *link, const char *what,
				 const char *format, ...) MIGRATE_PRINTF(4, 5);
/* INVALID, or UNAVAILABLE where no values were asked for; the connection is closed. */
enum migrate_status too_large(struct self *self, struct link *link, const char *what);

struct row {
	const struct answer *answer;
	size_t first; /* of its fields */
};
bool row_next(struct answer *a, struct row *row);
struct migrate_bytes field(const struct row *row, size_t column); /* p NULL: null */
const char *field_text(const struct row *row, size_t column);     /* "" for null */
uint64_t field_number(const struct row *row, size_t column);

/* ---- status.c ---- */

/* "what: message of the server", with the status that its number means. */
enum migrate_status fail_server(struct self *self, struct link *link, const char *what);
enum migrate_status fail_commit(struct self *self);
enum migrate_status out_of_memory(struct self *self);

/* ---- catalog.c, column.c, set.c, key.c, path.c, index.c: what the server says ---- */

/* That we may read and change what we must: also while a run goes on. */
enum migrate_status check_privileges(struct self *self);
enum migrate_status catalog_read(struct self *self, const struct mysql_config *config);
enum migrate_status columns_read(struct self *self, const struct mysql_config *config);
enum migrate_status sets_read(struct self *self, const struct migrate_map *map);
enum migrate_status indexes_read(struct self *self, const struct mysql_config *config);
enum migrate_status path_read(struct self *self, const char *path);
enum migrate_status replica_check(struct self *self);
void path_free(struct instance *inst);
const struct column *column_named(const struct instance *inst, const char *name);
const struct column *column_written(struct self *self, const char *option, const char *name,
				    enum migrate_status *status);
bool is_changed(const struct instance *inst, const struct column *column);
enum form form_of(const struct column *c);
bool is_binary(const struct column *c);

/* ---- text.c: pieces of statements ---- */

enum migrate_status text_build(struct self *self, const char *where);
/* A key column of a row. False: not a part of an identity of this table. */
bool text_key(struct text *s, const struct instance *inst, size_t k, struct migrate_bytes part);
/* All of them, with commas between. */
bool text_key_values(struct text *s, const struct instance *inst, struct migrate_bytes identity);
/* Rows of these identities, rows before one, rows behind one. False: as above. */
bool text_keys(struct text *s, const struct instance *inst, const struct migrate_bytes *identities,
	       size_t n);
bool text_before(struct text *s, const struct instance *inst, struct migrate_bytes identity);
bool text_behind(struct text *s, const struct instance *inst, struct migrate_bytes identity);
/* SELECT of rows as row.c reads them, up to WHERE. */
void text_select(struct text *s, const struct instance *inst, const char *what, const char *index);
/* A value of such a column as the server compares it without leaving the index. */
void text_literal(struct text *s, const struct column *c, struct migrate_bytes value);
/* Text that becomes the column's type: times, uuid. */
void text_typed(struct text *s, const struct column *c, struct migrate_bytes value);
/* The literal of what is written to a column. */
void text_stored(struct text *s, const struct column *c, struct migrate_bytes value);

/* ---- identity.c, row.c: result rows as the contract wants them ---- */

/* The key of a result row, in self->identity and self->shown. */
enum migrate_status identity_encode(struct self *self, const struct row *row,
				    struct migrate_bytes *identity);
/* Its parts. False: not an identity of this table. */
bool identity_split(const struct instance *inst, struct migrate_bytes identity,
		    struct migrate_bytes parts[KEY_MAX]);
/* An integer of eight bytes as digits. */
void identity_integer(const struct column *c, struct migrate_bytes part, char *out, size_t size);

static inline size_t value_column(const struct instance *inst)
{
	return inst->key_count;
}

static inline size_t set_column_at(const struct instance *inst)
{
	return value_column(inst) + 1;
}

/* What look_sql adds. */
bool row_is_meant(const struct instance *inst, const struct row *row); /* `where` is true of it */
bool row_is_exact(const struct instance *inst, const struct row *row);

enum migrate_status row_fill(struct self *self, struct link *link, const struct row *row,
			     struct migrate_row *out);
/* What statements of rows answer, as the instance is by now. */
void row_shapes(struct instance *inst);
/* Pages follow each other in the order of the key: is what self->identity holds behind this? */
bool cursor_moves(const struct self *self, struct migrate_bytes cursor, size_t n);
enum sets row_sets(const struct instance *inst, const struct row *row,
		   const struct migrate_change *c);
/* The `set:` columns of a row, in self->extra. */
enum migrate_status row_extra(struct self *self, const struct row *row,
			      struct migrate_bytes *extra);
/* Can this value stand in the column at all? */
bool value_is_possible(const struct instance *inst, struct migrate_bytes value);
/* NULL, or why it cannot be stored as it is. */
const char *value_obstacle(const struct instance *inst, struct migrate_bytes value);

/* ---- change.c: the statement that changes rows ---- */

/* The statement for these changes, in the order of their keys: the value too, or `set:` alone. */
enum migrate_status change_build(struct self *self, const struct migrate_change *const *members,
				 const struct migrate_bytes *identities, size_t n, bool value);

/* ---- replica.c ---- */

enum migrate_status replica_catch_up(struct self *self);

/* ---- operations ---- */

enum migrate_status mysql_scan(void *self, struct migrate_scan *r);
enum migrate_status mysql_find(void *self, struct migrate_find *r);
enum migrate_status mysql_read(void *self, struct migrate_read *r);
enum migrate_status mysql_rewrite(void *self, struct migrate_rewrite *r);
enum migrate_status mysql_insert(void *self, struct migrate_insert *r);
enum migrate_status mysql_describe(void *self, struct migrate_describe_database *r);
enum migrate_status mysql_lag(void *self, struct migrate_lag *r);

#endif
