/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_POSTGRES_IMPL_H
#define MIGRATE_POSTGRES_IMPL_H

#include <migrate/plugin.h>

#include "../common/bound.h"
#include "../common/bytes.h"
#include "../common/decide.h"
#include "../common/extra.h"
#include "../common/held.h"
#include "../common/hint.h"
#include "../common/identity.h"
#include "../common/json-path.h"
#include "../common/patience.h"
#include "../common/text.h"

#include <libpq-fe.h>
#include <stdint.h>

/*
 * Invariants. An instance is what open() learned from the catalog: names as the
 * catalog spells them, quoted; the key that identifies rows; the text of every
 * statement. It never changes after open(). A session (struct self) owns at most
 * two connections, made when a call needs them and made anew after they broke;
 * between two calls no statement is under way and no transaction is open: what
 * could not be ended cleanly is closed.
 *
 * Nothing waits inside libpq: everything is sent and read through
 * migrate_wait(), so that cancelling and deadlines work. Results of rows are in
 * the binary format, which no setting of a session changes.
 */
#define KEY_MAX 16 /* columns in a key */
#define SET_MAX 32 /* columns in `set:` */
#define PARAMETERS_MAX (KEY_MAX + SET_MAX + 8)

#define ROW_LETTERS (2 * KEY_MAX + SET_MAX + 4)

/* Types that have a number of their own in every server. */
#define OID_BOOL 16
#define OID_BYTEA 17
#define OID_INT8 20
#define OID_INT2 21
#define OID_INT4 23
#define OID_TEXT 25
#define OID_JSON 114
#define OID_TEXT_ARRAY 1009
#define OID_VARCHAR_ARRAY 1015
#define OID_BPCHAR 1042
#define OID_VARCHAR 1043
#define OID_UUID 2950
#define OID_JSONB 3802

struct postgres_config {
	const struct migrate_secret *connection, *scan_connection;
	const char *table, *column, *json_path;
	struct migrate_strings key;
	const char *where;
	struct migrate_map set;
	int64_t lock_timeout, statement_timeout;
};

/* ---- sql.c: names and values in statements ---- */

void sql_name(struct text *s, const char *name);    /* "name" */
void sql_literal(struct text *s, const char *text); /* 'text' */
/* The caller's to free; NULL: out of memory. */
char *quoted_name(const char *name);

/* ---- What is known of a table ---- */

enum kind {
	KIND_TEXT,
	KIND_BYTES, /* bytea */
	KIND_JSON,  /* one path in jsonb */
	KIND_LIST   /* elements of text[] */
};

struct column {
	char *name;
	char *shown;    /* the type as a user would write it */
	char *type;     /* the base type for a cast that does not cut */
	char *declared; /* the type as declared, for a cast that does */
	char *space;    /* the schema of the base type */
	char *collation;
	int number;
	Oid base, array; /* of the base type; varchar counts as text */
	Oid plain;       /* the base type itself */
	char category;
	int width; /* characters; 0: any */
	bool not_null, has_default, generated, always, is_enum, is_domain, deterministic;
};

enum form { FORM_INTEGER, FORM_UUID, FORM_TEXT, FORM_OTHER };

struct key_part {
	const struct column *column;
	char *sql; /* the qualified column, as its base type */
	enum form form;
};

struct set_column {
	const struct column *column;
	char *sql;       /* quoted */
	char *value;     /* as the job says; NULL: null */
	char *canonical; /* as the server would show it; NULL: null */
};

enum statement {
	S_COUNT,
	S_SCAN_FIRST, /* rows from the first */
	S_SCAN_NEXT,  /* rows behind a key */
	S_FIND_FIRST, /* rows that hold values, from the first */
	S_FIND_NEXT,
	S_LOCK,       /* rows by their keys, whatever they hold */
	S_LOCK_FREE,  /* those of them that nobody else has locked */
	S_READ,       /* the same, without locking them */
	S_UPDATE,     /* rows by their keys, if they hold what they held */
	S_UPDATE_SET, /* the same, the `set:` columns alone */
	S_INSERT,
	S_COUNT_OF
};

struct instance {
	char *conninfo, *scan_conninfo; /* hold passwords: wiped, never shown */
	bool verify_tls, scan_verify_tls;
	bool writes;
	int64_t lock_timeout, statement_timeout;
	int64_t deadlock_timeout; /* of the server, ms */
	char *search_path;

	char *space, *table;     /* as the catalog spells them */
	char *table_sql, *alias; /* quoted; alias: how statements call it */
	Oid oid, database;
	char *system; /* which cluster */
	bool partitioned, unlogged, fsync, utf8;
	struct column *columns;
	size_t column_count;

	const struct column *column;
	enum kind kind;
	char *json_path;  /* as the job says */
	char *json_array; /* as a quoted text[] */
	struct json_path path;
	char *where;     /* in parentheses, or NULL */
	bool where_asks; /* it may look at more than the row itself */
	bool in_key;     /* foreign keys may refer to what is written */
	bool verify;     /* triggers or rules may make something else of what is written */

	struct key_part key[KEY_MAX];
	size_t key_count, shown_count;
	struct set_column set[SET_MAX];
	size_t set_count;
	uint64_t value_max; /* bytes in the longest value that matters */
	bool texts;         /* that is more than a key can have: pages are measured */

	bool indexed, unique;
	char *sql[S_COUNT_OF];
	/* What statements of rows answer: letters of struct shape. */
	char scan_columns[ROW_LETTERS], find_columns[ROW_LETTERS], locked_columns[ROW_LETTERS],
	    changed_columns[ROW_LETTERS];
};

/* ---- array.c: arrays as binary parameters and results ---- */

struct array {
	char *p;
	size_t n, cap;
	uint32_t count;
	bool failed;
};

void array_begin(struct array *a, Oid element);
void array_add(struct array *a, struct migrate_bytes element);
void array_null(struct array *a);
/* Must be called before the bytes are used. False: out of memory. */
bool array_end(struct array *a);
void array_release(struct array *a);

/* One dimension from 1: the element after `at`, which starts at 0 and is moved; p NULL: NULL. */
bool array_next(struct migrate_bytes array, size_t *at, struct migrate_bytes *element);
/* Element `place` of a list, as row_fill() says it; false: there is none. */
bool list_element(struct migrate_bytes list, struct migrate_bytes place,
		  struct migrate_bytes *element);
/* One of texts, of one dimension from 1, and whole. */
bool array_is_sound(struct migrate_bytes array);

/* ---- Sessions ---- */

struct link {
	struct self *self;
	PGconn *conn;
	bool is_scan;
	bool was_up;         /* it worked once: later trouble is the server's */
	bool pooled;         /* servers are lent for one transaction */
	bool odd;            /* something came that was not asked for */
	bool proved;         /* texts come back as they were sent */
	bool in_transaction; /* of ours: another connection would know nothing of it */
	uint32_t notices;
	struct bound bound; /* of the answer that is under way */
	bool values;        /* which holds values of rows */
};

struct parameters {
	const char *values[PARAMETERS_MAX];
	int lengths[PARAMETERS_MAX], formats[PARAMETERS_MAX];
	int n;
};

struct self {
	struct instance *instance;
	struct migrate_session *session; /* of the call under way */
	struct link main, scan;
	struct array arrays[PARAMETERS_MAX]; /* memory kept from call to call */
	unsigned char identity[MIGRATE_IDENTITY_MAX + 8];
	unsigned char scratch[MIGRATE_IDENTITY_MAX + 8];
	char text[4096];
	int64_t lock_timeout; /* of transactions that begin now */
	unsigned char *extra; /* EXTRA_MAX bytes, when there are `set:` columns */
};

/* ---- connect.c, conninfo.c ---- */

/* A working connection, made if there is none and no transaction was begun on the one before. */
enum migrate_status link_ready(struct self *self, struct link *link);
void link_close(struct link *link);
/* The option that it comes from. */
const char *link_option(const struct link *link);
/* The connection that scans go to: the replica if there is one. */
struct link *scan_link(struct self *self);

/* A copy of the secret as a C string; *verify: TLS must be verified as nobody said anything. */
enum migrate_status conninfo_take(struct self *self, const char *option,
				  const struct migrate_secret *secret, char **conninfo,
				  bool *verify);
/* Replace what may be (part of) a password in text. */
void conninfo_mask(const char *conninfo, char *text);

/* settings.c: of a session, or of the transaction that has just begun behind a pooler. */
enum migrate_status settings_make(struct self *self, struct link *link);
enum migrate_status pooler_find(struct self *self, struct link *link);

/* ---- answer.c: answers are as they were asked for, or they are none ---- */

/*
 * A letter for each column; a capital one may be NULL. Of the catalog, as text: s text, b
 * true or false, i an integer, o an oid. Binary: 1 a bool, 2 4 8 integers of so many bytes,
 * u a uuid, t text, y bytea, a text[], x of any type.
 */
struct shape {
	const char *columns;
	uint32_t least, most; /* rows */
	bool values;          /* in them: those may be large */
};

#define ANY_ROWS 1000000 /* as many as the server has; the bytes of an answer are bounded */
#define SHAPE(columns_, least_, most_)                                                             \
	(&(const struct shape){ .columns = columns_, .least = least_, .most = most_ })

struct answer {
	struct self *self;
	struct link *link;
	const char *what;          /* for messages */
	const struct shape *shape; /* NULL: nobody reads rows */
	PGresult *rows, *error;
	uint64_t bytes;
	int parts;
	bool described, complete;
	char tag[64]; /* of the last command */
};

bool shape_is_binary(const struct shape *shape);
/* One part of it, which is the caller's unless it became a->error. */
enum migrate_status answer_take(struct answer *a, PGresult *res);
/* There is nothing more, and it was no error. */
enum migrate_status answer_end(struct answer *a);
void answer_release(struct answer *a);
/* UNAVAILABLE, saying why; the connection is closed. */
enum migrate_status wrong_answer(struct self *self, struct link *link, const char *what,
				 const char *format, ...) MIGRATE_PRINTF(4, 5);

/* INVALID, or UNAVAILABLE where no values were asked for; the connection is closed. */
enum migrate_status too_large(struct self *self, struct link *link, const char *what);

struct migrate_bytes field(const PGresult *res, int row, int column);
bool field_true(const PGresult *res, int row, int column);
int64_t field_number(const PGresult *res, int row, int column);
uint64_t field_count(const PGresult *res, int row, int column); /* binary, of eight bytes */

/* ---- query.c ---- */

void parameter(struct parameters *p, const void *value, size_t n);
void parameter_text(struct parameters *p, const char *value); /* NULL: null */
void parameter_array(struct parameters *p, const struct array *a);

/*
 * One statement with rows of this shape, or, with NULL, without any: the result is NULL then,
 * too. Failed: *status, and a message that begins with `what`; the result is NULL.
 */
PGresult *query(struct self *self, struct link *link, const char *sql, const struct parameters *p,
		const struct shape *shape, enum pace pace, const char *what,
		enum migrate_status *status);
PGresult *catalog(struct self *self, const char *sql, const struct parameters *p,
		  const struct shape *shape, enum migrate_status *status);
enum migrate_status command(struct self *self, struct link *link, const char *sql,
			    const char *what);
/* sql begins a transaction, and is a command of its own or several. */
enum migrate_status begin(struct self *self, struct link *link, const char *sql);
/* Of one that only read: status, or that of its COMMIT. One that is lost is over as well. */
enum migrate_status reading_end(struct self *self, struct link *link, enum migrate_status status,
				const char *what);
/*
 * The settings of every transaction that writes; nothing else is open before. pass_over: no
 * lock is worth waiting for. hurry: from now on, as something is locked.
 */
enum migrate_status transaction_begin(struct self *self, bool pass_over);
enum migrate_status transaction_hurry(struct self *self);
enum migrate_status transaction_rollback(struct self *self, enum migrate_status status);
enum migrate_status transaction_commit(struct self *self);

/* ---- status.c ---- */

/* "what: message of the server", with the status that its SQLSTATE means. */
enum migrate_status fail_result(struct self *self, const PGresult *res, const char *what);
enum migrate_status fail_lost(struct self *self, struct link *link, enum migrate_status status,
			      const char *what);
enum migrate_status out_of_memory(struct self *self);
/* The first line of libpq's message, masked. */
void libpq_message(struct self *self, struct link *link, char *out, size_t max);

/* ---- catalog.c, column.c, key.c, path.c: names looked up in the catalog ---- */

/* That we may read and change what we must: also while a run goes on. */
enum migrate_status check_privileges(struct self *self);
enum migrate_status catalog_read(struct self *self, const struct postgres_config *config);
enum migrate_status columns_read(struct self *self, const struct postgres_config *config);
enum migrate_status key_read(struct self *self, const struct postgres_config *config);
enum migrate_status path_read(struct self *self, const char *path);
void path_free(struct instance *inst);
struct column *column_named(const struct instance *inst, const char *name);
const struct column *column_numbered(const struct instance *inst, int number);
bool is_changed(const struct instance *inst, const struct column *column);

/* ---- text.c, way.c, fill.c: the text of the statements ---- */

enum migrate_status text_build(struct self *self, const char *where);
void text_value(struct text *s, const struct instance *inst); /* the value as text or bytea */
void text_row(struct text *s, const struct instance *inst);
void text_from(struct text *s, const struct instance *inst);
void text_usable(struct text *s, const struct instance *inst);
void text_where(struct text *s, const struct instance *inst);
enum migrate_status way_choose(struct self *self);
/* serves.c: does this plan find rows by an index that leads to them? */
enum migrate_status plan_serves(struct self *self, const PGresult *plan, bool *serves);
enum migrate_status fill_build(struct self *self);

/* ---- identity.c, row.c: result rows as the contract wants them ---- */

/* The key of a result row, in self->identity and self->text. */
enum migrate_status identity_encode(struct self *self, const PGresult *res, int row,
				    struct migrate_bytes *identity);
/* Part k and what follows it. False: not one of ours. */
bool identity_part(const struct instance *inst, size_t k, struct migrate_bytes *in,
		   unsigned char *scratch, struct migrate_bytes *part);
/* Key columns of a cursor as parameters, and the place in a list, if the kind is that. */
enum migrate_status cursor_bind(struct self *self, struct migrate_bytes cursor,
				struct parameters *p);
size_t cursor_make(struct self *self, size_t identity, int32_t place);

/* Columns of a result row: the key, what is shown of it, then these. */
static inline int value_column(const struct instance *inst)
{
	return (int)(inst->key_count + inst->shown_count);
}

static inline int set_column_at(const struct instance *inst)
{
	return value_column(inst) + 1 + (inst->kind == KIND_LIST);
}

/* What statements of rows answer, as the instance is by now. */
void row_shapes(struct instance *inst);
enum migrate_status row_fill(struct self *self, struct link *link, const PGresult *res, int row,
			     struct migrate_row *out);
/* Pages follow each other in the order of the key: is what self->identity holds behind this? */
bool cursor_moves(const struct self *self, struct migrate_bytes cursor, size_t n);
int32_t row_place(const struct instance *inst, const PGresult *res, int row);
/* The `set:` columns of a result row, which are those from `first` on. */
enum sets row_sets(const struct instance *inst, const PGresult *res, int row, int first,
		   const struct migrate_change *c);
/* The same columns, in self->extra. */
enum migrate_status row_extra(struct self *self, const PGresult *res, int row, int first,
			      struct migrate_bytes *extra);
/* Can this value stand in the column at all? */
bool value_is_possible(const struct instance *inst, struct migrate_bytes value);

/* ---- operations ---- */

enum migrate_status postgres_scan(void *self, struct migrate_scan *r);
enum migrate_status postgres_find(void *self, struct migrate_find *r);
enum migrate_status postgres_read(void *self, struct migrate_read *r);
enum migrate_status postgres_rewrite(void *self, struct migrate_rewrite *r);
enum migrate_status postgres_insert(void *self, struct migrate_insert *r);
enum migrate_status postgres_describe(void *self, struct migrate_describe_database *r);

#endif
