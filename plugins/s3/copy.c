/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <string.h>

/*
 * Copies that the server makes. What its answer does not prove is looked up: a server that
 * ignores x-amz-copy-source-if-match may have copied another object than the one meant.
 */
struct copying {
	struct s3_session *s, *from;
	struct migrate_copy *r;
	char storage_class[64]; /* the source's, when it shall be kept */
};

static bool same_place(struct s3 *a, struct s3 *b)
{
	if (a->place.aws || b->place.aws)
		return a->place.aws && b->place.aws;
	return a->place.tls == b->place.tls && !strcmp(a->place.host, b->place.host) &&
	       !strcmp(a->place.path, b->place.path);
}

/* Whoever cannot read there with the destination's keys gets the bytes by way of the core. */
enum migrate_status s3_can_copy(void *self, struct migrate_can_copy *r)
{
	struct s3_session *s = self, *from = r->source;

	s->ms = from->ms = r->session;
	if (!same_place(s->s3, from->s3))
		return MIGRATE_UNSUPPORTED;
	if (s->s3->config.anonymous || s3_refresh_keys(s, S3_KEYS_TRUSTED) != MIGRATE_OK)
		return MIGRATE_UNSUPPORTED;
	return MIGRATE_OK; /* other keys may do as well: copy() says so object by object */
}

/* ---- Before ---- */

static bool is_digest(struct migrate_bytes etag)
{
	unsigned char md5[16];

	return etag.n == 32 && hex_bytes(etag.p, etag.n, md5);
}

/* Nothing to ask: the condition is heeded, or the copy's etag will tell. */
static bool source_is_known(const struct copying *c)
{
	const struct migrate_copy *r = c->r;

	return r->known && r->source_if_match.n && !s3_carries_class(c->s->s3) &&
	       (!(c->s->s3->quirks & S3_NO_COPY_MATCH) || is_digest(r->source_if_match));
}

static enum migrate_status look_at_source(struct copying *c)
{
	struct migrate_copy *r = c->r;
	struct migrate_object *o = r->original;
	enum migrate_status status;
	const char *class;

	if (source_is_known(c)) {
		o->size = r->known_size;
		o->mtime = r->known_mtime;
		migrate_set_etag(o, r->source_if_match.p, r->source_if_match.n);
		return MIGRATE_OK;
	}
	c->from->ms = r->session;
	status = s3_head(c->from, r->source_key, o);
	if (status != MIGRATE_OK)
		return status;
	class = s3_answer_header(c->from, "x-amz-storage-class");
	text_copy(c->storage_class, sizeof(c->storage_class), class ? class : "STANDARD");
	if (!r->source_if_match.n || s3_same_etag(o->etag, r->source_if_match))
		return MIGRATE_OK;
	return migrate_fail(r->session, MIGRATE_CHANGED, "the source is another object now");
}

/* ---- The request ---- */

void s3_give_copy_source(struct s3_session *s, const struct s3 *source, struct migrate_bytes key,
			 struct migrate_bytes etag)
{
	struct text path = { .p = NULL };

	text_char(&path, '/');
	text_str(&path, source->config.bucket);
	text_char(&path, '/');
	s3_encode(&path, key.p, key.n, true);
	s3_header(s, "x-amz-copy-source", text_get(&path), path.n);
	text_release(&path);
	if (etag.n)
		s3_give_if_match(s, "x-amz-copy-source-if-match", etag);
	s3_give_source_key(s, source);
	if (source->config.expected_owner)
		s3_header_text(s, "x-amz-source-expected-bucket-owner",
			       source->config.expected_owner);
	if (source->config.requester_pays && !s->s3->config.requester_pays)
		s3_header_text(s, "x-amz-request-payer", "requester");
}

/* A copy has its source's headers and tags, but the bucket's access control and storage class. */
static enum migrate_status give_carried(struct copying *c)
{
	struct s3_session *s = c->s, *from = c->from;
	const char *acl = s3_canned_acl(s->s3);

	if (s->s3->config.acl == S3_ACL_COPY && !(from->s3->quirks & S3_NO_ACL)) {
		from->ms = c->r->session;
		/* the source's own session: the request that is built in s stays as it is */
		if (s3_read_acl(from, c->r->source_key, &acl) != MIGRATE_OK)
			return MIGRATE_UNSUPPORTED;
	}
	if (acl)
		s3_header_text(s, "x-amz-acl", acl);
	if (s3_carries_class(s->s3))
		s3_header_text(s, "x-amz-storage-class", c->storage_class);
	if (!(c->r->flags & MIGRATE_NO_ATTRIBUTES))
		return MIGRATE_OK;
	s3_header_text(s, "x-amz-metadata-directive", "REPLACE");
	if (!(s->s3->quirks & S3_NO_TAGS))
		s3_header_text(s, "x-amz-tagging-directive", "REPLACE");
	return MIGRATE_OK;
}

bool s3_take_copied(void *arg, const char *path, char *text, size_t n)
{
	struct s3_copied *result = arg;

	if (!strcmp(path, "ETag")) {
		if (n >= sizeof(result->etag))
			return false;
		memcpy(result->etag, text, n + 1);
	} else if (!strcmp(path, "LastModified") && !time_parse(text, &result->time)) {
		result->time = INT64_MIN;
	}
	return true;
}

/* ---- After ---- */

/* Which of the two conditions failed? */
static enum migrate_status which_failed(struct copying *c, enum migrate_status status)
{
	struct migrate_copy *r = c->r;

	if (c->s->answer.status != 412)
		return status;
	if (r->original->etag.n) {
		c->from->ms = r->session;
		status = s3_still_same(c->from, r->source_key, r->original->etag);
		if (status != MIGRATE_OK)
			return status;
	}
	/* Swift compares what was uploaded in parts with another etag than the one it shows */
	if (r->precondition == MIGRATE_ANY)
		return MIGRATE_UNSUPPORTED;
	c->s->answer.status = 412;
	return s3_precondition_failed(c->s, r->precondition, MIGRATE_CHANGED);
}

static enum migrate_status copy_failed(struct copying *c, enum migrate_status status)
{
	struct s3_session *s = c->s;
	const char *code = s->answer.code;

	if (status == MIGRATE_CHANGED)
		return which_failed(c, status);
	if (status == MIGRATE_NOT_FOUND && c->r->precondition == MIGRATE_MATCH)
		return s3_precondition_failed(s, c->r->precondition, status);
	/* too large for one copy, or not to be read with these keys */
	if (!strcmp(code, "InvalidRequest") ||
	    (status == MIGRATE_DENIED && strcmp(s->keys.access, c->from->keys.access) != 0))
		return MIGRATE_UNSUPPORTED;
	return status;
}

/* What we have just written is not what was meant: it must not stay. */
static void take_back(struct copying *c)
{
	struct migrate_bytes etag = c->r->stored->etag;

	if (etag.n && s3_still_same(c->s, c->r->key, etag) == MIGRATE_OK)
		s3_remove_one(c->s, c->r->key, s3_bytes(NULL, 0));
}

/* The server ignored which source was meant: is it that one still? */
static enum migrate_status source_after(struct copying *c)
{
	enum migrate_status status;

	if (!(c->s->s3->quirks & S3_NO_COPY_MATCH))
		return MIGRATE_OK;
	c->from->ms = c->r->session;
	status = s3_still_same(c->from, c->r->source_key, c->r->original->etag);
	if (status == MIGRATE_CHANGED || status == MIGRATE_NOT_FOUND) {
		take_back(c);
		migrate_fail(c->s->ms, status, "the source is another object now");
	}
	return status;
}

static enum migrate_status look_at_copy(struct copying *c)
{
	struct migrate_object *stored = c->r->stored;
	uint64_t size = c->r->original->size;
	enum migrate_status status = s3_head(c->s, c->r->key, stored);

	if (status == MIGRATE_NOT_FOUND || status == MIGRATE_TRANSIENT)
		return migrate_fail(c->s->ms, MIGRATE_UNKNOWN_OUTCOME,
				    "it was copied, but the copy cannot be looked at");
	if (status == MIGRATE_OK && stored->size != size)
		return migrate_fail(c->s->ms, MIGRATE_MISMATCH, "the copy has %llu bytes, not %llu",
				    (unsigned long long)stored->size, (unsigned long long)size);
	return status;
}

/* Equal etags of the plain kind prove equal bytes; else both ends are asked. */
static enum migrate_status tell_stored(struct copying *c, const struct s3_copied *result)
{
	struct migrate_object *stored = c->r->stored, *original = c->r->original;
	const struct migrate_digest *md5 = &stored->digests[MIGRATE_MD5];
	enum migrate_status status;

	if (result->etag[0])
		s3_set_etag(c->s, stored, result->etag, strlen(result->etag));
	if (md5->n && s3_same_etag(stored->etag, original->etag)) {
		migrate_set_digest(original, MIGRATE_MD5, md5->bytes, md5->n);
		stored->size = original->size;
		stored->mtime = result->time;
		stored->written = result->time == INT64_MIN ? 0 : result->time;
		return MIGRATE_OK;
	}
	status = source_after(c);
	return status == MIGRATE_OK ? look_at_copy(c) : status;
}

static enum migrate_status copy(struct copying *c)
{
	struct s3_session *s = c->s;
	struct migrate_copy *r = c->r;
	struct s3_copied result = { .time = INT64_MIN };
	enum migrate_status status;

	s3_begin(s, "PUT", r->key);
	s3_give_copy_source(s, c->from->s3, r->source_key, r->original->etag);
	s3_give_encryption(s);
	s3_give_customer_key(s);
	s3_give_precondition(s, r->precondition, r->if_match);
	status = give_carried(c);
	if (status != MIGRATE_OK)
		return status;
	s3_with_body(s);
	status = s3_send_change(s, "copying the object");
	if (status == MIGRATE_OK) {
		status = s3_document(s, "CopyObjectResult", s3_take_copied, &result,
				     "copying the object");
		/* an error behind a head that said 200: by its code, no status */
		if (!strcmp(s->answer.code, "PreconditionFailed"))
			s->answer.status = 412;
		if (status == MIGRATE_TRANSIENT && !s->answer.code[0])
			status = MIGRATE_UNKNOWN_OUTCOME;
	}
	return status == MIGRATE_OK ? tell_stored(c, &result) : copy_failed(c, status);
}

enum migrate_status s3_copy(void *self, struct migrate_copy *r)
{
	struct copying c = { .s = self, .from = r->source, .r = r };
	enum migrate_status status;

	c.s->ms = r->session;
	if (!s3_key_is_good(c.s->ms, r->key))
		return MIGRATE_INVALID;
	status = look_at_source(&c);
	if (status == MIGRATE_OK && r->original->size > c.s->s3->config.copy_max)
		return MIGRATE_UNSUPPORTED;
	return status == MIGRATE_OK ? copy(&c) : status;
}
