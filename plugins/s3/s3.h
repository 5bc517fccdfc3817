/* SPDX-License-Identifier: MIT */
#ifndef S3_H
#define S3_H

#include "../common/s3/coding.h"
#include "../common/s3/uri.h"

#include <migrate/plugin.h>

#include <curl/curl.h>
#include <expat.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>

/*
 * Objects of a bucket that speaks S3. http.c does one request, request.c builds,
 * signs and, where that is safe, repeats it; the other files are the operations.
 *
 * Invariants: an instance does not change after open() but for what stands below
 * its lock. A session's request is built from its begin() on and lies in the
 * session until the next; nothing is allocated for it once the buffers have grown.
 * Header names are in lower case. Etags are kept without their quotes.
 */
#define S3_KEY_MAX 1024
#define S3_HEADERS_MAX 320
#define S3_PARTS_MAX 10000
#define S3_PART_MIN (UINT64_C(5) << 20)
#define S3_PART_MAX (UINT64_C(5) << 30)
#define S3_EMPTY_PAGES 100000           /* pages of a listing without a key, one after the other */
#define S3_BATCH 1000                   /* keys in one DeleteObjects */
#define S3_SMALL (32 * 1024)            /* bodies up to this are sent in one piece */
#define S3_SIZE_MAX (UINT64_C(1) << 60) /* more is no size of an object */
#define S3_DOCUMENT_MAX (16u << 20)     /* bytes in a document that lists */
#define S3_ANSWER_MAX (256u << 10)      /* in any other, and in what comes with an error */
#define S3_ANSWER_KEEP 65536            /* of the memory for one, between two requests */
#define S3_ANSWER_HEADERS (64 * 1024)   /* bytes in the heads of one answer */
#define S3_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum s3_choice_style { S3_STYLE_AUTO, S3_STYLE_PATH, S3_STYLE_HOST };
enum s3_acl { S3_ACL_DROP, S3_ACL_COPY, S3_ACL_CANNED };
enum s3_sse { S3_SSE_NONE, S3_SSE_S3, S3_SSE_KMS };

struct s3_config {
	const char *bucket, *endpoint, *region, *access_key, *profile, *ca_file;
	const struct migrate_secret *secret_key, *session_token, *sse_c_key;
	int path_style, dialect, acl, sse, conditions;
	const char *storage_class, *sse_kms_key, *expected_owner;
	bool tags, requester_pays, anonymous;
	uint64_t copy_max;
	int64_t request_timeout;
};

/* What a provider does otherwise than the others: data, see dialect.c. */
enum s3_quirk {
	S3_LIST_V1 = 1 << 0,          /* only the first version of listing */
	S3_NO_LIST_ENCODING = 1 << 1, /* encoding-type=url is not understood */
	S3_UNORDERED = 1 << 2,        /* listings are not in byte order */
	S3_BARE_IF_MATCH = 1 << 3,    /* If-Match wants the etag without quotes */
	S3_NO_PART_COPY = 1 << 4,     /* no UploadPartCopy */
	S3_NO_TAGS = 1 << 5,
	S3_NO_ACL = 1 << 6,
	S3_CHECKSUMS = 1 << 7,        /* x-amz-checksum-* is understood */
	S3_ETAG_NOT_MD5 = 1 << 8,     /* never to be taken for a digest */
	S3_NO_COPY_MATCH = 1 << 9,    /* x-amz-copy-source-if-match is not heeded */
	S3_PUT_ABSENT = 1 << 10,      /* PutObject heeds If-None-Match */
	S3_COPY_ABSENT = 1 << 11,     /* CopyObject does */
	S3_COMPLETE_ABSENT = 1 << 12, /* CompleteMultipartUpload does */
	S3_PUT_MATCH = 1 << 13,       /* PutObject heeds If-Match */
	S3_REMOVE_MATCH = 1 << 14,    /* DeleteObject heeds If-Match */
	S3_EMPTY_RESULT = 1 << 15,    /* CopyObject and Complete may answer without a document */
	S3_COPY_MATCH_TO = 1 << 16,   /* CopyObject and Complete heed If-Match */
	S3_KNOWN = 1 << 17            /* conditions are as said here: no need to measure */
};

struct s3_dialect {
	const char *name;
	const char *host; /* how the endpoint's host ends; NULL: not told from its name */
	uint32_t quirks;
	uint32_t meta_max;  /* bytes in all user metadata; 0: any */
	const char *server; /* how the Server header begins; NULL: not told by it */
};

struct s3_keys {
	char access[256], secret[256], token[8192];
	int64_t expires; /* by the clock of those who gave them, seconds since 1970; 0: never */
	int64_t renew, serve;    /* by ours: when to renew them, and until when they serve */
	unsigned int generation; /* 0: there are none */
};

struct s3_share;
struct s3_mine; /* uploads that this instance began */

struct s3 {
	struct s3_config config;
	const struct s3_dialect *dialect;
	uint32_t quirks;
	atomic_bool looked;                /* open() looked at the bucket, and nobody asked since */
	bool met;                          /* it has answered as S3 does */
	bool no_list;                      /* the credentials may not list: that is no outage */
	char sse_c_key[48], sse_c_md5[32]; /* base64 */
	X509_STORE *trust;                 /* NULL: another library than OpenSSL has its own */
	struct s3_share *share;
	EVP_MD *sha256, *md5;

	pthread_mutex_t lock; /* of what follows */
	struct s3_place place;
	char region[64];
	unsigned int region_generation;
	struct s3_keys keys;
	bool renewing; /* a session sees to new keys, without the lock */
	unsigned int renewals;
	int64_t not_before[3]; /* monotonic ms: to look for newer keys again, by doubt */
	pthread_cond_t renewed;
	int64_t clock_offset; /* seconds to add to our clock */
	struct s3_mine *mine;
};

struct s3_header {
	size_t name, value; /* offsets into the session's text */
	size_t nname, nvalue;
};

/* The answer to the last request. */
struct s3_answer {
	long status;
	size_t heads;     /* bytes of its heads, "100 Continue" and the like with them */
	bool body_began;  /* what looks like a head then is a trailer */
	bool sent;        /* the whole request left us */
	struct text head; /* NAME NUL VALUE NUL ... */
	struct text body; /* of documents, and of errors */
	char code[64];    /* of an error document */
	char message[256];
	char region[64];
};

/* What signing needs and keeps between requests. */
struct s3_signer {
	EVP_MD_CTX *md;
	EVP_MD *sha256; /* borrowed */
	char day[9], region[64];
	unsigned int generation;
	unsigned char key[32];
	struct text canonical, names;
};

/* How far a listing has come without keys: see list.c. */
struct s3_walk {
	uint64_t pages;
	char token[MIGRATE_CURSOR_MAX];
	size_t n;
};

struct s3_session {
	struct s3 *s3;
	struct migrate_session *ms;
	CURL *curl;
	char curl_error[CURL_ERROR_SIZE];
	char job[17];

	/* the request */
	const char *method;
	struct text path, query, headers, url, lines, body;
	struct s3_header header[S3_HEADERS_MAX], sorted[S3_HEADERS_MAX];
	size_t header_count;
	struct curl_slist nodes[S3_HEADERS_MAX + 8];
	bool lost_header;            /* more headers than may be */
	bool once;                   /* libcurl must not repeat it on its own */
	bool has_body;               /* a body follows, maybe of no bytes */
	size_t answer_max;           /* bytes in the answer's document */
	struct migrate_body *stream; /* NULL: the body is in `body` */
	uint64_t stream_size, stream_at;
	struct migrate_sink *sink; /* NULL: the answer goes into answer.body */
	bool (*on_head)(struct s3_session *s, void *arg); /* before the first byte to the sink */
	void *on_head_arg;
	uint64_t expected; /* bytes into the sink, at most */
	bool payload_signed;
	struct s3_place place; /* where it goes */
	char region[64];
	unsigned int region_generation;

	/* while it runs */
	enum migrate_status stopped; /* by one of our callbacks; OK: by none */
	bool head_told;
	unsigned int attempts; /* connections on which it was begun */
	int64_t moved;         /* monotonic ms of the last progress */
	curl_off_t seen;
	uint64_t received;
	uint64_t came;  /* into the last sink */
	long buffer;    /* of libcurl, in bytes */
	bool digesting; /* the MD5 of what comes is taken, in the signer's context */

	struct s3_answer answer;
	struct s3_walk walk;
	struct s3_signer signer;
	struct s3_keys keys;
};

/* ---- sign.c ---- */
struct s3_signing {
	const char *method, *path, *query, *region, *service, *payload,
	    *time; /* as 20130524T000000Z */
	const char *access, *secret;
	unsigned int generation;
	const struct s3_header *headers; /* sorted by name */
	size_t header_count;
	const char *header_bytes;
};
bool s3_signer_init(struct s3_signer *g, EVP_MD *sha256);
void s3_signer_release(struct s3_signer *g);
/* The value of the Authorization header, appended. */
bool s3_sign(struct s3_signer *g, const struct s3_signing *in, struct text *authorization);
/* n bytes at 32 bytes of digest. */
bool s3_sha256(struct s3_signer *g, const void *bytes, size_t n, unsigned char digest[32]);
bool s3_md5(struct s3_session *s, const void *bytes, size_t n, unsigned char digest[16]);

/* ---- request.c: build, sign and send ---- */
void s3_begin(struct s3_session *s, const char *method, struct migrate_bytes key);
/* Names in ascending order; a value without bytes is "name=". */
void s3_query(struct s3_session *s, const char *name, const void *value, size_t n);
void s3_query_text(struct s3_session *s, const char *name, const char *value);
void s3_query_number(struct s3_session *s, const char *name, uint64_t value);
void s3_header(struct s3_session *s, const char *name, const void *value, size_t n);
void s3_header_text(struct s3_session *s, const char *name, const char *value);
/* The body is what stands in s->body. */
void s3_with_body(struct s3_session *s);
void s3_with_stream(struct s3_session *s, struct migrate_body *body, uint64_t size);
/* The answer lists what may be many. */
void s3_with_listing(struct s3_session *s);
/* Content-MD5 of what stands in s->body. */
bool s3_with_md5(struct s3_session *s);
/* Send it; OK: 2xx. Else the status that follows from the answer, with a message. */
enum migrate_status s3_send(struct s3_session *s, const char *what);
/* The same for what changes something: a lost answer is UNKNOWN_OUTCOME. */
enum migrate_status s3_send_change(struct s3_session *s, const char *what);
int64_t s3_monotonic(void);

/* ---- http.c ---- */
CURL *s3_http_new(struct s3_session *s);
/* One request, as it stands. The result of libcurl; s->answer is filled. */
CURLcode s3_http(struct s3_session *s, const char *url, struct curl_slist *headers);
/* A header of the answer; NULL: there is none. */
const char *s3_answer_header(const struct s3_session *s, const char *name);
/* Take one line of an answer's head; what comes behind the body is passed over. False: too much. */
bool s3_answer_line(struct s3_answer *a, const char *line, size_t n);

/* ---- tls.c: what all sessions share ---- */
enum migrate_status s3_tls_init(struct s3 *s3, struct migrate_session *ms);
void s3_tls_release(struct s3 *s3);
void s3_tls_give(const struct s3 *s3, CURL *c);

/* ---- xml.c ---- */
/*
 * Called for each element's end; path: the names from the root on, with slashes; text: its own
 * text, if it has no children. False stops.
 */
typedef bool s3_xml_end(void *arg, const char *path, char *text, size_t n);
struct s3_xml {
	s3_xml_end *end;
	void *arg;
	char path[256];
	size_t path_n;
	unsigned int depth;
	size_t nodes; /* elements and attributes so far */
	struct text text;
	bool stopped, root_ended;
	bool stand_ins;      /* control characters came as such: see xml-chars.c */
	const char *trouble; /* why it was stopped */
	char root[64];
	XML_Parser parser;
};
/* False: not well-formed, hostile, too deep, or stopped. root: the name of the root element. */
bool s3_xml_parse(const void *bytes, size_t n, s3_xml_end *end, void *arg, char root[64],
		  const char **trouble);
/* The answer's document, whose root must be this one. */
enum migrate_status s3_document(struct s3_session *s, const char *root, s3_xml_end *end, void *arg,
				const char *what);
void s3_xml_escape(struct text *to, const void *bytes, size_t n);
/* Can XML 1.0 say this text at all? */
bool s3_xml_can_say(const unsigned char *p, size_t n);

/* ---- xml-chars.c ---- */
/* The document with stand-ins for control characters; false: it needs none, or cannot have them. */
bool s3_xml_stand_in(const char *p, size_t n, struct text *to);
/* Put them back, in place; the new length. */
size_t s3_xml_undo_stand_in(char *text, size_t n);

/* ---- errors.c ---- */
/* Asterisks for each place of it in the text; for those of the session's own secrets. */
void s3_blank(char *text, const char *secret);
void s3_blank_ours(const struct s3_session *s, char *text);
enum migrate_status s3_status_of(long http, const char *code);
/* Take code, message and region out of an error document; false: it is none. */
bool s3_error_parse(struct s3_session *s);
/* The status of the answer, with a message. */
enum migrate_status s3_fail_answer(struct s3_session *s, const char *what);
enum migrate_status s3_fail_curl(struct s3_session *s, CURLcode code, const char *what,
				 bool changes);

/* ---- attributes.c, headers.c ---- */
/* What the head of an answer to GET or HEAD says. */
enum migrate_status s3_take_head(struct s3_session *s, struct migrate_object *o);
/* How far the server's clock, in the last answer, is ahead of ours, in ns. */
int64_t s3_clock_ahead(const struct s3_session *s);
/* A time that it told in its last answer, by our clock. */
int64_t s3_by_our_clock(const struct s3_session *s, int64_t ns);
void s3_set_etag(struct s3_session *s, struct migrate_object *o, const char *text, size_t n);
enum migrate_status s3_give_attributes(struct s3_session *s, const struct migrate_attributes *a,
				       uint32_t flags);
void s3_give_encryption(struct s3_session *s);   /* of what is written */
void s3_give_customer_key(struct s3_session *s); /* SSE-C: on all that touches bytes */
void s3_give_source_key(struct s3_session *s, const struct s3 *source);
void s3_keeps(const struct s3 *s3, struct migrate_describe *r);
const char *s3_canned_acl(const struct s3 *s3); /* NULL: none */
bool s3_carries_class(const struct s3 *s3);     /* the storage class is the source's */
/* acl and tags of an object, by requests of their own, as far as the options ask. */
enum migrate_status s3_take_more(struct s3_session *s, struct migrate_bytes key,
				 struct migrate_object *o);
/* The canned ACL that comes nearest to the object's. */
enum migrate_status s3_read_acl(struct s3_session *s, struct migrate_bytes key,
				const char **canned);

/* ---- object.c, list.c, copy.c, upload.c, uploads.c, remove.c ---- */
bool s3_key_is_good(struct migrate_session *ms, struct migrate_bytes key);
enum migrate_status s3_accepts(void *self, struct migrate_accepts *r);
enum migrate_status s3_stat(void *self, struct migrate_stat *r);
enum migrate_status s3_head(struct s3_session *s, struct migrate_bytes key,
			    struct migrate_object *o);
enum migrate_status s3_get(void *self, struct migrate_get *r);
enum migrate_status s3_put(void *self, struct migrate_put *r);
void s3_give_precondition(struct s3_session *s, uint32_t precondition,
			  struct migrate_bytes if_match);
/* PRECONDITION failed: what that means for this precondition. */
enum migrate_status s3_precondition_failed(struct s3_session *s, uint32_t precondition,
					   enum migrate_status status);
void s3_give_if_match(struct s3_session *s, const char *header, struct migrate_bytes etag);
/* A HEAD that says whether it is so still; CHANGED if not. */
enum migrate_status s3_still_same(struct s3_session *s, struct migrate_bytes key,
				  struct migrate_bytes etag);
bool s3_same_etag(struct migrate_bytes a, struct migrate_bytes b);
void s3_give_digest(struct s3_session *s, const struct migrate_digest *d);
enum migrate_status s3_list(void *self, struct migrate_list *r);
/* The page that stands in the answer. */
enum migrate_status s3_take_listing(struct s3_session *s, struct migrate_list *r);
bool s3_lists_v1(const struct s3_session *s); /* the last answer, to a listing of version 2 */
enum migrate_status s3_can_copy(void *self, struct migrate_can_copy *r);
enum migrate_status s3_copy(void *self, struct migrate_copy *r);
/* What the answer to a copy says. */
struct s3_copied {
	char etag[MIGRATE_ETAG_MAX + 3]; /* with its quotes; empty: it says none */
	int64_t time;
};
bool s3_take_copied(void *arg, const char *path, char *text, size_t n);
void s3_give_copy_source(struct s3_session *s, const struct s3 *source, struct migrate_bytes key,
			 struct migrate_bytes etag);
enum migrate_status s3_copy_part(void *self, struct migrate_part *r);
enum migrate_status s3_upload(void *self, struct migrate_upload *r);
enum migrate_status s3_part(void *self, struct migrate_part *r);
enum migrate_status s3_parts(void *self, struct migrate_parts *r);
enum migrate_status s3_uploads(void *self, struct migrate_uploads *r);
/* The page that stands in the answer, as if it were the only one. */
enum migrate_status s3_take_uploads(struct s3_session *s, struct migrate_uploads *r);
enum migrate_status s3_take_parts(struct s3_session *s, struct migrate_parts *r);
enum migrate_status s3_complete(void *self, struct migrate_complete *r);
enum migrate_status s3_abort(void *self, struct migrate_abort *r);
enum migrate_status s3_remove(void *self, struct migrate_remove *r);
enum migrate_status s3_remove_one(struct s3_session *s, struct migrate_bytes key,
				  struct migrate_bytes if_match);
void s3_mine_free(struct s3 *s3);
void s3_remember_upload(struct s3 *s3, struct migrate_bytes id);
void s3_forget_upload(struct s3 *s3, struct migrate_bytes id);
bool s3_is_mine(struct s3 *s3, const void *id, size_t n); /* did this instance begin that upload? */

/* ---- region.c ---- */
enum migrate_status s3_look_at_bucket(struct s3_session *s);
/* The answer names another region or host: go there? True: repeat the request. */
bool s3_follow(struct s3_session *s);
/* Where the session's next request goes. */
void s3_refresh_place(struct s3_session *s);

/* ---- dialect.c, measure.c ---- */
const struct s3_dialect *s3_dialect_of(int choice, const char *host);
const struct s3_dialect *s3_dialect_of_server(const char *server);
#define S3_DIALECTS "auto|generic|aws|ceph|minio|gcs|swift|r2|wasabi|b2"
enum migrate_status s3_measure(struct s3_session *s);
/* What is tried, on two scratch objects whose keys begin so; they are gone again after it. */
#define S3_MEASURED                                                                                \
	((uint32_t)(S3_PUT_ABSENT | S3_COPY_ABSENT | S3_COMPLETE_ABSENT | S3_PUT_MATCH |           \
		    S3_COPY_MATCH_TO | S3_REMOVE_MATCH | S3_NO_COPY_MATCH | S3_BARE_IF_MATCH |     \
		    S3_ETAG_NOT_MD5))
enum migrate_status s3_try_conditions(struct s3_session *s, const char *scratch, uint32_t *quirks);
void s3_sweep_scratch(struct s3_session *s);

/* ---- probe.c ---- */
enum migrate_status s3_probe_bucket(void *self, struct migrate_measure *r);

/* ---- credentials.c; credentials.h has the rest ---- */
enum s3_keys_doubt {
	S3_KEYS_TRUSTED,
	S3_KEYS_DOUBTED, /* something was refused, for this reason or another */
	S3_KEYS_REFUSED
};
/* The session's keys are fresh; with doubts: newer than those it has, if there are any. */
enum migrate_status s3_refresh_keys(struct s3_session *s, enum s3_keys_doubt doubt);

/* ---- open.c, session.c ---- */
enum migrate_status s3_open(struct migrate_open *r);
void s3_close(void *instance);
struct s3_session *s3_session_new(struct s3 *s3, struct migrate_session *ms);
enum migrate_status s3_begin_session(struct migrate_begin *r);
void s3_end_session(void *self);

static inline struct migrate_bytes s3_bytes(const void *p, size_t n)
{
	return (struct migrate_bytes){ .p = p, .n = n };
}

#endif
