/* SPDX-License-Identifier: MIT */
#ifndef S3D_STORE_H
#define S3D_STORE_H

#include "skip.h"
#include "text.h"

#include <stdatomic.h>
#include <stdint.h>

/*
 * Buckets and objects in memory. Everything but the bytes of a blob is read
 * and changed under the one lock of the store, which an operation holds from
 * its first look to its last change: what it decides is still true when it acts.
 *
 * A blob never changes; whoever still sends it holds a reference. A write
 * replaces the object, never edits it.
 */
struct blob {
	atomic_uint refs;
	size_t len;
	char p[];
};

struct blob *blob_new(size_t len);
struct blob *blob_ref(struct blob *b);
void blob_unref(struct blob *b);

/* Headers that belong to an object, by lower-case name: x-amz-meta-* too. */
struct attr {
	char *name;
	char *value;
};

struct attrs {
	struct attr *v;
	size_t count;
};

const char *attrs_get(const struct attrs *a, const char *name);
void attrs_set(struct attrs *a, const char *name, const char *value);
void attrs_copy(struct attrs *to, const struct attrs *from);
void attrs_release(struct attrs *a);

enum sum_kind { SUM_CRC32, SUM_CRC32C, SUM_SHA1, SUM_SHA256, SUM_CRC64NVME, SUM_COUNT };

enum { ETAG_SIZE = 80, SUM_SIZE = 64 };

struct object {
	struct blob *data;
	char etag[ETAG_SIZE]; /* without quotes */
	int64_t changed;      /* milliseconds since 1970 */
	struct attrs attrs;
	struct attrs tags;
	char *acl;                      /* a canned one */
	char sums[SUM_COUNT][SUM_SIZE]; /* base64, or empty */
	bool composite;                 /* the sums are made of the parts' sums */
	char sse_c[32];                 /* MD5 of the customer's key in base64, or empty */
	int64_t restored_until;         /* of an archived object; 0 for never */
	unsigned part_count;            /* 0 unless it was a multipart upload */
	size_t *part_sizes;
};

struct part {
	struct blob *data;
	char etag[ETAG_SIZE];
	int64_t changed;
	char sums[SUM_COUNT][SUM_SIZE];
};

struct upload {
	char *key;
	size_t key_len;
	char id[48];
	int64_t started;
	struct object *meta; /* what the object will have, without its data */
	int sum_kind;        /* of x-amz-checksum-algorithm; -1 for none */
	bool full_object;
	struct part **parts; /* by number - 1; NULL where there is none */
	unsigned part_slots;
};

struct bucket {
	char *name;
	char *region;
	int64_t created;
	bool owner_enforced;
	bool requester_pays;
	struct skip objects;
	struct skip uploads; /* by key, NUL, id */
};

struct store {
	struct skip buckets;
	uint64_t next_id;
};

struct bucket *store_bucket(struct store *s, const char *name);
struct bucket *store_add_bucket(struct store *s, const char *name, const char *region, int64_t now);
void store_drop_bucket(struct store *s, const char *name);
void store_clear(struct store *s);

struct object *object_new(void);
void object_free(struct object *o);
struct object *bucket_object(struct bucket *b, struct bytes key);
/* Owns the object from then on. */
void bucket_put_object(struct bucket *b, struct bytes key, struct object *o);
bool bucket_drop_object(struct bucket *b, struct bytes key);

void part_free(struct part *p);
struct upload *bucket_upload(struct bucket *b, struct bytes key, const char *id);
void bucket_put_upload(struct bucket *b, struct upload *u);
void bucket_drop_upload(struct bucket *b, struct upload *u);

#endif
