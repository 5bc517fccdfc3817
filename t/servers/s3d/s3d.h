/* SPDX-License-Identifier: MIT */
#ifndef S3D_S3D_H
#define S3D_S3D_H

#include "dialect.h"
#include "fault.h"
#include "http.h"
#include "store.h"

#include <pthread.h>

/*
 * One request on its way through the server: read (http.c), named (route.c),
 * looked up in the script of faults (fault.c), its signature checked (sign*.c),
 * carried out (ops-*.c, list.c, multipart*.c) under the lock, logged (log.c),
 * answered (http.c).
 */
enum { MAX_REGIONS = 4 };

#define MAX_DOMAINS 16

struct config {
	const char *access_key;
	const char *secret_key;
	const char *tokens;               /* separated by commas; NULL when there are none */
	const char *domains[MAX_DOMAINS]; /* virtual hosts are BUCKET.domain */
	unsigned domain_count;
	const char *owner;  /* of all buckets: an account's number */
	const char *open;   /* the bucket that everybody may read; NULL: none */
	const char *prefix; /* of all paths, before the bucket; "" */
	const char *regions[MAX_REGIONS];
	unsigned ports[MAX_REGIONS];
	unsigned region_count;
	struct switches switches;
	bool null_mode;
	bool tls;
	long long skew; /* of our clock, in seconds */
};

struct server {
	struct config config;
	pthread_mutex_t lock; /* of the store and of the script */
	struct store store;
	struct script *script;
	const char *script_file;
	struct timespec script_changed;
	struct log *log;
	unsigned long requests;
	unsigned long connections;
	unsigned long handshakes, resumed; /* of TLS */
};

enum level { LEVEL_SERVICE = 1, LEVEL_BUCKET, LEVEL_OBJECT };

/* What the signature was made of; chunks of a body are signed with it too. */
struct signing {
	unsigned char key[32];
	char date[20];   /* 20261121T030405Z */
	char scope[160]; /* 20261121/REGION/s3/aws4_request */
	char signature[65];
	const char *payload; /* x-amz-content-sha256 */
};

struct exchange;
typedef void operation_fn(struct exchange *x);

struct operation {
	const char *name;
	enum level level;
	const char *method;
	const char *selector; /* a query parameter that must be there */
	const char *header;   /* a header that must be there */
	operation_fn *run;
};

struct exchange {
	struct server *server;
	struct request q;
	struct response r;
	const struct operation *op;
	char bucket[256];
	struct bytes key; /* in key_buf */
	struct text key_buf;
	unsigned region; /* of the port it came in by: an index of config.regions */
	struct signing signing;
	unsigned long number;  /* of the request */
	const char *signature; /* for the log: "v4", "v2", "presigned", "none" */
	struct faults faults;
	struct conn *conn;
	bool secret; /* a request to ourselves: not logged */
	/* Set for the time of the operation: */
	struct bucket *b;
};

static inline long long sw(const struct exchange *x, enum switch_name name)
{
	return x->server->config.switches.v[name];
}

/* The server's clock, in milliseconds. */
int64_t server_now(const struct server *s);

/* Answers an error document. Always false, so that checks can return it. */
bool fail(struct exchange *x, int status, const char *code, const char *message);
/* With further elements, already XML. */
bool fail_with(struct exchange *x, int status, const char *code, const char *message,
	       const char *elements);
bool fail_not_implemented(struct exchange *x, const char *what);
bool fail_no_key(struct exchange *x);

/* Starts an XML answer with the root element open. */
void xml_start(struct exchange *x, const char *root);
void xml_end(struct exchange *x, const char *root);
void xml_element(struct exchange *x, const char *name, struct bytes value);
void put_date(struct text *to, const char *name, int64_t ms);
void xml_date(struct exchange *x, const char *name, int64_t ms);

/* route.c: names the operation; false when the request was answered. */
bool route(struct exchange *x);
/* The bucket is there, ours and in this region; false when it was answered. */
bool find_bucket(struct exchange *x);
bool check_owner(struct exchange *x, const char *header);
/* serve.c: one connection until it ends. */
void serve_connection(struct server *s, struct conn *c, unsigned region);
/* send.c: with what the script makes of it. */
void send_response(struct exchange *x);
/* control.c: /.s3d/..., for tests; unsigned. False when it is none of these. */
bool control(struct exchange *x);
/* Reads the script again when its file was changed. Under the lock. */
void script_refresh(struct server *s);
/* null.c: the synthetic buckets, in place of an operation. */
void null_operation(struct exchange *x);
/* log.c */
struct log;
struct log *log_open(const char *path);
void log_request(struct exchange *x);

/* sign.c: before the body is read; false when it was answered. */
bool sign_check(struct exchange *x);
bool sign_check_v2(struct exchange *x, bool presigned);
bool sign_check_token(struct exchange *x, const char *token);
bool sign_check_time(struct exchange *x, int64_t then);
bool sign_mismatch(struct exchange *x, const struct text *to_sign, const struct text *canonical);
void hmac_sha256(const void *key, size_t n, const struct text *data, unsigned char to[32]);
/* canonical.c: what a signature of version 4 is made over. */
void canonical_request(struct exchange *x, const char *signed_headers, struct text *to);
/* chunked.c: replaces the body by what its chunks hold; trailers become headers. */
bool chunked_decode(struct exchange *x);
/* body.c: once it was read: hash, MD5, checksums, aws-chunked. */
bool body_check(struct exchange *x);

/* cond.c */
bool etag_matches(const char *list, const char *etag);
bool check_read_conditions(struct exchange *x, const struct object *o);
bool check_copy_conditions(struct exchange *x, const struct object *o);
/* If-Match and If-None-Match before a write, as the switches say. */
bool check_write_conditions(struct exchange *x, enum switch_name match, enum switch_name none);
bool parse_http_date(const char *s, int64_t *ms);

/* attrs.c: what the headers say about a new object; false when it was answered. */
bool read_attrs(struct exchange *x, struct object *o);
bool read_tags_header(struct exchange *x, struct object *o);
bool read_acl_header(struct exchange *x, struct object *o);
bool read_sse_c(struct exchange *x, struct object *o);
/* The customer's key fits the object. prefix: of the headers' names. */
bool check_sse_c(struct exchange *x, const struct object *o, const char *prefix);
bool check_archive(struct exchange *x, const struct object *o);
void reply_attrs(struct exchange *x, const struct object *o);
void reply_sums(struct exchange *x, const struct object *o);

/* sums.c */
extern const char *const sum_names[SUM_COUNT]; /* "crc32", ... */
void sum_make(enum sum_kind kind, const void *p, size_t n, char to[SUM_SIZE]);
void sum_make_raw(enum sum_kind kind, const void *p, size_t n, struct text *to);
int sum_kind_of(const char *algorithm); /* -1: there is none such */
void etag_md5(const void *p, size_t n, char to[ETAG_SIZE]);
void etag_random(struct exchange *x, char to[ETAG_SIZE]);
/*
 * The ETag, the date and the sum of an object whose data are whole. kind: of
 * the sum when the request names none; -1 for the usual one.
 */
void object_seal(struct exchange *x, struct object *o, int kind);
/* The sums that the request's headers declare, already checked by body_check. */
bool declared_sum(struct exchange *x, int *kind, const char **value);

operation_fn op_list_buckets, op_create_bucket, op_head_bucket, op_delete_bucket;
operation_fn op_get_location, op_get_versioning, op_get_payment, op_put_payment;
operation_fn op_get_ownership, op_put_ownership, op_bucket_acl, op_put_bucket_acl;
operation_fn op_list_v1, op_list_v2;
operation_fn op_get, op_head, op_put, op_delete, op_delete_many, op_copy;
operation_fn op_get_tags, op_put_tags, op_delete_tags, op_get_acl, op_put_acl, op_restore;
operation_fn op_create_upload, op_upload_part, op_copy_part, op_complete, op_abort;
operation_fn op_list_parts, op_list_uploads, op_not_implemented;

/* ops-copy.c, shared with multipart.c: the source, checked in every way. */
struct object *copy_source(struct exchange *x);

#endif
