/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdio.h>
#include <string.h>

/* Copies that the server makes. What its answer does not prove is looked up. */

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
	if (s->s3->config.anonymous || s3_refresh_keys(s, false) != MIGRATE_OK)
		return MIGRATE_UNSUPPORTED;
	return MIGRATE_OK; /* other keys may do as well: copy() says so object by object */
}

static void give_source(struct s3_session *s, const struct s3 *source, struct migrate_bytes key,
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
	if (source->config.requester_pays && !s->s3->config.requester_pays)
		s3_header_text(s, "x-amz-request-payer", "requester");
}

/* What the source's stat says, if the core has not told us. */
static enum migrate_status look_at_source(struct s3_session *s, struct s3_session *from,
					  struct migrate_copy *r)
{
	struct migrate_object *o = r->original;
	enum migrate_status status;

	if (r->known && r->source_if_match.n && !(s->s3->quirks & S3_NO_COPY_MATCH)) {
		o->size = r->known_size;
		o->mtime = r->known_mtime;
		migrate_set_etag(o, r->source_if_match.p, r->source_if_match.n);
		return MIGRATE_OK;
	}
	from->ms = r->session;
	status = s3_head(from, r->source_key, o);
	if (status == MIGRATE_OK && r->source_if_match.n &&
	    !s3_same_etag(o->etag, r->source_if_match))
		return migrate_fail(r->session, MIGRATE_CHANGED,
				    "the source is another object now");
	return status;
}

struct result {
	char etag[MIGRATE_ETAG_MAX + 3];
	int64_t time;
};

static bool take_result(void *arg, const char *path, char *text, size_t n)
{
	struct result *result = arg;

	if (!strcmp(path, "ETag")) {
		if (n >= sizeof(result->etag))
			return false;
		memcpy(result->etag, text, n + 1);
	} else if (!strcmp(path, "LastModified") && !time_parse(text, &result->time)) {
		result->time = INT64_MIN;
	}
	return true;
}

/* Which of the two conditions failed? */
static enum migrate_status which_failed(struct s3_session *s, struct s3_session *from,
					struct migrate_copy *r, enum migrate_status status)
{
	struct migrate_object *o = r->original;

	if (s->answer.status != 412 || r->precondition == MIGRATE_ANY)
		return status;
	if (r->source_if_match.n) {
		from->ms = r->session;
		status = s3_head(from, r->source_key, o);
		if (status != MIGRATE_OK)
			return status;
		if (!s3_same_etag(o->etag, r->source_if_match))
			return migrate_fail(r->session, MIGRATE_CHANGED,
					    "the source is another object now");
	}
	s->answer.status = 412;
	return s3_precondition_failed(s, r->precondition, MIGRATE_CHANGED);
}

static enum migrate_status copy_failed(struct s3_session *s, struct s3_session *from,
				       struct migrate_copy *r, enum migrate_status status)
{
	const char *code = s->answer.code;

	if (status == MIGRATE_CHANGED)
		return which_failed(s, from, r, status);
	if (status == MIGRATE_NOT_FOUND && r->precondition == MIGRATE_MATCH)
		return s3_precondition_failed(s, r->precondition, status);
	/* too large for one copy, or not to be read with these keys */
	if (!strcmp(code, "InvalidRequest") ||
	    (status == MIGRATE_DENIED && strcmp(s->keys.access, from->keys.access) != 0))
		return MIGRATE_UNSUPPORTED;
	return status;
}

/* Equal etags of the plain kind prove equal bytes; else its size is asked for. */
static enum migrate_status tell_stored(struct s3_session *s, struct migrate_copy *r,
				       const struct result *result)
{
	struct migrate_object *stored = r->stored;
	enum migrate_status status;

	if (result->etag[0])
		s3_set_etag(s, stored, result->etag, strlen(result->etag));
	if (stored->digests[MIGRATE_MD5].n && s3_same_etag(stored->etag, r->original->etag)) {
		migrate_set_digest(r->original, MIGRATE_MD5, stored->digests[MIGRATE_MD5].bytes,
				   16);
		stored->size = r->original->size;
		stored->mtime = result->time;
		stored->written = result->time == INT64_MIN ? 0 : result->time;
		return MIGRATE_OK;
	}
	status = s3_head(s, r->key, stored);
	if (status == MIGRATE_NOT_FOUND || status == MIGRATE_TRANSIENT)
		return migrate_fail(s->ms, MIGRATE_UNKNOWN_OUTCOME,
				    "it was copied, but the copy cannot be looked at");
	if (status == MIGRATE_OK && stored->size != r->original->size)
		return migrate_fail(s->ms, MIGRATE_MISMATCH, "the copy has %llu bytes, not %llu",
				    (unsigned long long)stored->size,
				    (unsigned long long)r->original->size);
	return status;
}

static bool heeds(const struct s3 *s3, uint32_t precondition)
{
	return precondition == MIGRATE_ANY ||
	       s3->quirks & (precondition == MIGRATE_ABSENT ? S3_COPY_ABSENT : S3_COPY_MATCH_TO);
}

/* Where no condition is heeded, a look before is the best there is. */
static enum migrate_status check_before(struct s3_session *s, struct migrate_copy *r)
{
	enum migrate_status status;

	if (heeds(s->s3, r->precondition))
		return MIGRATE_OK;
	status = s3_head(s, r->key, r->stored);
	if (r->precondition == MIGRATE_ABSENT)
		return status == MIGRATE_NOT_FOUND ? MIGRATE_OK
		       : status == MIGRATE_OK      ? MIGRATE_EXISTS
						   : status;
	if (status == MIGRATE_NOT_FOUND ||
	    (status == MIGRATE_OK && !s3_same_etag(r->stored->etag, r->if_match)))
		return MIGRATE_CHANGED;
	return status;
}

static enum migrate_status give_copied(struct s3_session *s, struct s3_session *from,
				       struct migrate_copy *r)
{
	const char *acl = s3_canned_acl(s->s3);

	if (s->s3->config.acl == S3_ACL_COPY && !(from->s3->quirks & S3_NO_ACL)) {
		from->ms = r->session;
		/* the source's own session: the request that is built in s stays as it is */
		if (from != s && s3_read_acl(from, r->source_key, &acl) != MIGRATE_OK)
			return MIGRATE_UNSUPPORTED;
	}
	if (acl)
		s3_header_text(s, "x-amz-acl", acl);
	if (r->flags & MIGRATE_NO_ATTRIBUTES)
		s3_header_text(s, "x-amz-metadata-directive", "REPLACE");
	return MIGRATE_OK;
}

static enum migrate_status copy(struct s3_session *s, struct s3_session *from,
				struct migrate_copy *r)
{
	struct result result = { .time = INT64_MIN };
	enum migrate_status status;

	s3_begin(s, "PUT", r->key);
	give_source(s, from->s3, r->source_key, r->original->etag);
	s3_give_encryption(s);
	s3_give_customer_key(s);
	if (heeds(s->s3, r->precondition))
		s3_give_precondition(s, r->precondition, r->if_match);
	status = give_copied(s, from, r);
	if (status != MIGRATE_OK)
		return status;
	s3_with_body(s);
	status = s3_send_change(s, "copying the object");
	if (status == MIGRATE_OK) {
		status =
		    s3_document(s, "CopyObjectResult", take_result, &result, "copying the object");
		/* an error behind a head that said 200: by its code, no status */
		if (!strcmp(s->answer.code, "PreconditionFailed"))
			s->answer.status = 412;
		if (status == MIGRATE_TRANSIENT && !s->answer.code[0])
			status = MIGRATE_UNKNOWN_OUTCOME;
	}
	if (status != MIGRATE_OK)
		return copy_failed(s, from, r, status);
	return tell_stored(s, r, &result);
}

enum migrate_status s3_copy(void *self, struct migrate_copy *r)
{
	struct s3_session *s = self, *from = r->source;
	enum migrate_status status;

	s->ms = r->session;
	if (!s3_key_is_good(s->ms, r->key))
		return MIGRATE_INVALID;
	status = look_at_source(s, from, r);
	if (status == MIGRATE_OK && r->original->size > s->s3->config.copy_max)
		return MIGRATE_UNSUPPORTED;
	if (status == MIGRATE_OK)
		status = check_before(s, r);
	return status == MIGRATE_OK ? copy(s, from, r) : status;
}

enum migrate_status s3_copy_part(void *self, struct migrate_part *r)
{
	struct s3_session *s = self, *from = r->source;
	struct result result = { .time = INT64_MIN };
	enum migrate_status status;
	char range[64];
	size_t n;

	s->ms = r->session;
	if (s->s3->quirks & S3_NO_PART_COPY)
		return MIGRATE_UNSUPPORTED;
	if (s->s3->quirks & S3_NO_COPY_MATCH) {
		from->ms = r->session;
		status = s3_still_same(from, r->source_key, r->source_if_match);
		if (status != MIGRATE_OK)
			return status;
	}
	s3_begin(s, "PUT", r->key);
	s3_query_number(s, "partNumber", r->number);
	s3_query(s, "uploadId", r->id.p, r->id.n);
	give_source(s, from->s3, r->source_key, r->source_if_match);
	snprintf(range, sizeof(range), "bytes=%llu-%llu", (unsigned long long)r->offset,
		 (unsigned long long)(r->offset + r->size - 1));
	s3_header_text(s, "x-amz-copy-source-range", range);
	s3_give_customer_key(s);
	s3_with_body(s);
	status = s3_send(s, "copying a part");
	if (status == MIGRATE_OK)
		status = s3_document(s, "CopyPartResult", take_result, &result, "copying a part");
	if (status != MIGRATE_OK)
		return status;
	n = strlen(result.etag);
	if (!n)
		return migrate_fail(s->ms, MIGRATE_TRANSIENT, "copying a part: no etag came");
	return migrate_set_part(r, result.etag, n) ? MIGRATE_OK : MIGRATE_FATAL;
}
