/* SPDX-License-Identifier: MIT */
#ifndef LIBS3_IMPL_H
#define LIBS3_IMPL_H

#include "../common/s3/uri.h"

#include <migrate/plugin.h>

#include <libs3.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>

/*
 * Objects of a bucket, through the library libs3. What that library gets wrong is
 * worked around here or refused; migrate-libs3(7) has the list, and each place says
 * which item it answers.
 *
 * Invariants: an instance does not change after open(), but for what it learns of spaces. A session has one request
 * context of the library and at most one call under way. Nothing the library says
 * of a write is believed: what was written is looked at.
 */
#define LIBS3_KEY_MAX 1024
#define LIBS3_LISTED_MAX 1022 /* a longer key comes out of a listing cut */
#define LIBS3_OBJECT_MAX (UINT64_C(5) << 30)
#define LIBS3_SIZE_MAX (UINT64_C(1) << 60) /* more is no size of an object */
#define LIBS3_PAGE_MAX 1000                /* keys in one answer, whatever was asked for */
#define LIBS3_META_MAX 64                  /* headers of metadata */
#define LIBS3_META_SIZE 2048               /* bytes in them */

enum libs3_style { LIBS3_STYLE_AUTO, LIBS3_STYLE_PATH, LIBS3_STYLE_HOST };

struct libs3_config {
	const char *bucket, *endpoint, *region, *access_key;
	const struct migrate_secret *secret_key;
	int style; /* enum libs3_style */
	bool verify_tls;
	uint64_t copy_max;
};

/* How the endpoint takes a space in a key: see space.c. */
enum libs3_space { LIBS3_SPACE_UNKNOWN, LIBS3_SPACE_WELL, LIBS3_SPACE_PLUS };
#define LIBS3_SPACE_TROUBLE                                                                        \
	"libs3 2.0 sends a space in a key as '+', which this endpoint does not take for a space: " \
	"only the plugin s3 can copy this one"

struct libs3 {
	struct libs3_config config;
	struct s3_place place;
	char secret[256];
	EVP_MD *md5;
	atomic_int space; /* enum libs3_space; once known, it stays */
};

struct libs3_session {
	struct libs3 *libs3;
	struct migrate_session *ms;
	S3RequestContext *context;
	EVP_MD_CTX *md;
};

/* What an answer's head says of an object. Etags are kept without their quotes. */
struct libs3_head {
	bool seen;
	uint64_t size;
	int64_t mtime; /* INT64_MIN: not known */
	char etag[MIGRATE_ETAG_MAX + 1];
};

/* One request, from its start until the library has called back for the last time. */
struct libs3_call {
	struct libs3_session *s;
	bool done;
	S3Status status;   /* what the library makes of it */
	char message[200]; /* what the endpoint said, if anything */
	enum migrate_status
	    stopped;   /* by one of our callbacks, which left a message; OK: by none */
	int64_t moved; /* monotonic ms of the last progress */

	struct libs3_head head;
	struct migrate_attributes *attributes; /* to fill; NULL: not asked for */
	bool (*on_head)(struct libs3_call *c); /* false: it set stopped */
	void *arg;

	struct migrate_sink *sink; /* where a get goes */
	uint64_t expected, moved_bytes;
	bool digesting;            /* the MD5 of what passes is taken, in the session's context */
	struct migrate_body *body; /* where a put comes from */
};

/* ---- open.c ---- */
enum migrate_status libs3_open(struct migrate_open *r);
void libs3_close(void *instance);
enum migrate_status libs3_begin(struct migrate_begin *r);
void libs3_end(void *self);

/* ---- call.c: start a request; each returns once it is through, see libs3_call ---- */
void libs3_call_init(struct libs3_call *c, struct libs3_session *s);
/* OK, or CANCELLED or TRANSIENT with a message when it was given up. */
enum migrate_status libs3_call_head(struct libs3_call *c, const char *key);
enum migrate_status libs3_call_get(struct libs3_call *c, const char *key, const char *if_match,
				   uint64_t offset, uint64_t length);
enum migrate_status libs3_call_put(struct libs3_call *c, const char *key, uint64_t size,
				   const S3PutProperties *properties);
/* source_key: percent-encoded by the caller, which the library forgets. */
enum migrate_status libs3_call_copy(struct libs3_call *c, const struct libs3 *source,
				    const char *source_key, const char *key,
				    const S3PutProperties *properties);
enum migrate_status libs3_call_remove(struct libs3_call *c, const char *key);
enum migrate_status libs3_call_list(struct libs3_call *c, const char *prefix, const char *marker,
				    uint32_t max, S3ListBucketCallback *each);

/* ---- status.c ---- */
enum migrate_status libs3_status_of(S3Status status);
/* The status of a call that is through, with a message unless it is OK. */
enum migrate_status libs3_result(const struct libs3_call *c, const char *what);
/* A write whose answer says nothing certain: it must be looked at. */
bool libs3_in_doubt(const struct libs3_call *c);

/* ---- key.c, space.c ---- */
/* A key as the library wants it. False: it cannot be said, with a message. */
bool libs3_key(struct libs3_session *s, struct migrate_bytes key, char text[LIBS3_KEY_MAX + 1]);
/* Why this key must not be sent; NULL: it may. */
const char *libs3_key_trouble(const struct libs3 *l, const void *key, size_t n);
/* The same once more before a request, which may take requests to know. */
enum migrate_status libs3_read_key(struct libs3_session *s, struct migrate_bytes key,
				   char text[LIBS3_KEY_MAX + 1]);
enum migrate_status libs3_write_key(struct libs3_session *s, struct migrate_bytes key,
				    char text[LIBS3_KEY_MAX + 1]);
/* Find out, with a scratch object, what becomes of spaces. */
void libs3_try_space(struct libs3_session *s);

/* ---- attributes.c ---- */
struct libs3_given {
	S3PutProperties properties;
	S3NameValue meta[LIBS3_META_MAX];
	struct text text; /* holds all that is pointed to, NULs between */
	size_t offsets[2 * LIBS3_META_MAX + 4];
	size_t meta_size;
	char md5[32];
};
enum migrate_status libs3_give(struct libs3_session *s, const struct migrate_attributes *a,
			       uint32_t flags, struct libs3_given *g);
void libs3_given_release(struct libs3_given *g);
void libs3_take(const S3ResponseProperties *p, struct migrate_attributes *to);
void libs3_keeps(struct migrate_describe *r);

/* ---- object.c ---- */
enum migrate_status libs3_accepts(void *self, struct migrate_accepts *r);
enum migrate_status libs3_stat(void *self, struct migrate_stat *r);
enum migrate_status libs3_get(void *self, struct migrate_get *r);
enum migrate_status libs3_look(struct libs3_session *s, const char *key,
			       struct migrate_attributes *attributes, struct libs3_head *head);
void libs3_tell(const struct libs3_head *head, struct migrate_object *o);
bool libs3_same_etag(const struct libs3_head *head, struct migrate_bytes etag);
/* The etag is an MD5: of the content, as far as single puts go. */
bool libs3_etag_md5(const char *etag, unsigned char md5[16]);
/* MISMATCH unless these bytes are what is stored under that key. */
enum migrate_status libs3_read_back(struct libs3_session *s, const char *key, uint64_t size,
				    const unsigned char md5[16]);

/* ---- put.c, copy.c, list.c, remove.c ---- */
enum migrate_status libs3_put(void *self, struct migrate_put *r);
/* The library sends no conditions with writes: a look before is the best there is. */
enum migrate_status libs3_check_before(struct libs3_session *s, const char *key,
				       uint32_t precondition, struct migrate_bytes if_match);
enum migrate_status libs3_can_copy(void *self, struct migrate_can_copy *r);
enum migrate_status libs3_copy(void *self, struct migrate_copy *r);
enum migrate_status libs3_list(void *self, struct migrate_list *r);
enum migrate_status libs3_look_at_bucket(struct libs3_session *s);
enum migrate_status libs3_remove(void *self, struct migrate_remove *r);

#endif
