/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdio.h>
#include <string.h>

bool s3_key_is_good(struct migrate_session *ms, struct migrate_bytes key)
{
	if (!key.n || key.n > S3_KEY_MAX)
		migrate_fail(ms, MIGRATE_INVALID, "a key has 1 to %d bytes, this one %zu",
			     S3_KEY_MAX, key.n);
	else if (memchr(key.p, '\0', key.n))
		migrate_fail(ms, MIGRATE_INVALID, "a key cannot hold a NUL");
	else if (!migrate_is_utf8(key.p, key.n))
		migrate_fail(ms, MIGRATE_INVALID, "a key must be UTF-8");
	else
		return true;
	return false;
}

enum migrate_status s3_accepts(void *self, struct migrate_accepts *r)
{
	(void)self;
	return s3_key_is_good(r->session, r->key) ? MIGRATE_OK : MIGRATE_INVALID;
}

bool s3_same_etag(struct migrate_bytes a, struct migrate_bytes b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

/* ---- Conditions ---- */

void s3_give_if_match(struct s3_session *s, const char *header, struct migrate_bytes etag)
{
	char quoted[MIGRATE_ETAG_MAX + 3];

	if (etag.n > MIGRATE_ETAG_MAX)
		return;
	quoted[0] = '"';
	memcpy(quoted + 1, etag.p, etag.n);
	quoted[etag.n + 1] = '"';
	if (s->s3->quirks & S3_BARE_IF_MATCH && !strcmp(s->method, "PUT"))
		s3_header(s, header, etag.p, etag.n);
	else
		s3_header(s, header, quoted, etag.n + 2);
}

void s3_give_precondition(struct s3_session *s, uint32_t precondition,
			  struct migrate_bytes if_match)
{
	if (precondition == MIGRATE_ABSENT)
		s3_header_text(s, "if-none-match", "*");
	else if (precondition == MIGRATE_MATCH)
		s3_give_if_match(s, "if-match", if_match);
}

enum migrate_status s3_precondition_failed(struct s3_session *s, uint32_t precondition,
					   enum migrate_status status)
{
	long http = s->answer.status;

	if (precondition == MIGRATE_ABSENT && http == 412)
		return migrate_fail(s->ms, MIGRATE_EXISTS, "something has that key already");
	if (precondition == MIGRATE_MATCH && (http == 412 || http == 404))
		return migrate_fail(s->ms, MIGRATE_CHANGED, "what has that key is another object");
	return status;
}

/* ---- Looking ---- */

enum migrate_status s3_head(struct s3_session *s, struct migrate_bytes key,
			    struct migrate_object *o)
{
	enum migrate_status status;

	s3_begin(s, "HEAD", key);
	s3_give_customer_key(s);
	if (s->s3->quirks & S3_CHECKSUMS)
		s3_header_text(s, "x-amz-checksum-mode", "ENABLED");
	status = s3_send(s, "looking at the object");
	return status == MIGRATE_OK ? s3_take_head(s, o) : status;
}

/* For what needs no more than the etag: there is no object of the core's to fill. */
enum migrate_status s3_still_same(struct s3_session *s, struct migrate_bytes key,
				  struct migrate_bytes etag)
{
	const char *now;
	enum migrate_status status;
	size_t n;

	s3_begin(s, "HEAD", key);
	s3_give_customer_key(s);
	status = s3_send(s, "looking at the object");
	if (status != MIGRATE_OK || !etag.n)
		return status;
	now = s3_answer_header(s, "etag");
	n = now ? strlen(now) : 0;
	if (n >= 2 && now[0] == '"' && now[n - 1] == '"') {
		now++;
		n -= 2;
	}
	if (now && s3_same_etag(s3_bytes(now, n), etag))
		return MIGRATE_OK;
	return migrate_fail(s->ms, MIGRATE_CHANGED, "it is another object now");
}

enum migrate_status s3_stat(void *self, struct migrate_stat *r)
{
	struct s3_session *s = self;
	enum migrate_status status;

	s->ms = r->session;
	if (!s3_key_is_good(s->ms, r->key))
		return MIGRATE_INVALID;
	status = s3_head(s, r->key, r->object);
	if (status == MIGRATE_OK && r->object->attributes)
		status = s3_take_more(s, r->key, r->object);
	return status;
}

/* ---- Reading ---- */

struct reading {
	struct migrate_get *r;
	uint64_t expected;
};

/* "bytes 500-749/1000" must be the range that was asked for. */
static bool range_is_right(struct s3_session *s, const struct reading *g)
{
	const char *text = s3_answer_header(s, "content-range");
	unsigned long long from, to;

	if (!text || sscanf(text, "bytes %llu-%llu/", &from, &to) != 2)
		return false;
	return from == g->r->offset && to >= from && to - from + 1 == g->expected;
}

static bool head_of_get(struct s3_session *s, void *arg)
{
	struct reading *g = arg;
	struct migrate_get *r = g->r;
	bool ranged = r->offset || r->length != UINT64_MAX;

	s->stopped = s3_take_head(s, r->object);
	if (s->stopped != MIGRATE_OK)
		return false;
	if (r->if_match.n && !s3_same_etag(r->if_match, r->object->etag)) {
		s->stopped = migrate_fail(s->ms, MIGRATE_CHANGED, "it is another object now");
		return false;
	}
	g->expected = r->object->size - (r->offset < r->object->size ? r->offset : r->object->size);
	if (r->length < g->expected)
		g->expected = r->length;
	s->expected = g->expected;
	if (ranged && g->expected && (s->answer.status == 206 || r->offset) &&
	    !range_is_right(s, g))
		s->stopped = migrate_fail(s->ms, MIGRATE_TRANSIENT,
					  "the server sends another range than was asked for");
	else if (!ranged && r->object->digests[MIGRATE_MD5].n && !(r->flags & MIGRATE_UNCHECKED))
		s->digesting = EVP_DigestInit_ex2(s->signer.md, s->s3->md5, NULL);
	else if (ranged && s->answer.status != 206 && g->expected != r->object->size)
		s->stopped = migrate_fail(s->ms, MIGRATE_TRANSIENT,
					  "the server sends all instead of a range");
	return s->stopped == MIGRATE_OK;
}

static void give_range(struct s3_session *s, const struct migrate_get *r)
{
	char text[64];
	uint64_t last;

	if (!r->offset && r->length == UINT64_MAX)
		return;
	if (__builtin_add_overflow(r->offset, r->length - 1, &last))
		snprintf(text, sizeof(text), "bytes=%llu-", (unsigned long long)r->offset);
	else
		snprintf(text, sizeof(text), "bytes=%llu-%llu", (unsigned long long)r->offset,
			 (unsigned long long)last);
	s3_header_text(s, "range", text);
}

/* A range of no bytes, at the object's end or in an empty one, cannot be asked for. */
static enum migrate_status get_nothing(struct s3_session *s, struct migrate_get *r)
{
	enum migrate_status status = s3_head(s, r->key, r->object);

	if (status != MIGRATE_OK)
		return status;
	if (r->if_match.n && !s3_same_etag(r->if_match, r->object->etag))
		return migrate_fail(s->ms, MIGRATE_CHANGED, "it is another object now");
	if (r->offset > r->object->size)
		return migrate_fail(s->ms, MIGRATE_INVALID, "offset %llu is behind its end",
				    (unsigned long long)r->offset);
	return MIGRATE_OK;
}

/* A whole object whose MD5 the server told is what was sent, or it is read again. */
static bool bytes_are_right(struct s3_session *s, const struct migrate_object *o)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	return !s->digesting || (EVP_DigestFinal_ex(s->signer.md, digest, NULL) &&
				 !memcmp(digest, o->digests[MIGRATE_MD5].bytes, 16));
}

enum migrate_status s3_get(void *self, struct migrate_get *r)
{
	struct s3_session *s = self;
	struct reading g = { .r = r };
	enum migrate_status status;

	s->ms = r->session;
	if (!s3_key_is_good(s->ms, r->key))
		return MIGRATE_INVALID;
	if (!r->length)
		return get_nothing(s, r);
	s3_begin(s, "GET", r->key);
	give_range(s, r);
	if (r->if_match.n)
		s3_give_if_match(s, "if-match", r->if_match);
	s3_give_customer_key(s);
	s->sink = r->sink;
	s->on_head = head_of_get;
	s->on_head_arg = &g;
	status = s3_send(s, "reading the object");
	if (s->answer.status == 416)
		return get_nothing(s, r);
	if (status != MIGRATE_OK)
		return status;
	if (s->received != g.expected)
		return migrate_fail(s->ms, MIGRATE_TRANSIENT, "%llu of %llu bytes came",
				    (unsigned long long)s->received,
				    (unsigned long long)g.expected);
	if (!bytes_are_right(s, r->object))
		return migrate_fail(s->ms, MIGRATE_MISMATCH,
				    "the bytes that came are not those of "
				    "the etag");
	return r->object->attributes ? s3_take_more(s, r->key, r->object) : MIGRATE_OK;
}

/* ---- Writing ---- */

void s3_give_digest(struct s3_session *s, const struct migrate_digest *d)
{
	struct text value = { .p = NULL };

	if (d->n && text_base64(&value, d->bytes, d->n)) {
		if (d->algorithm == MIGRATE_MD5)
			s3_header(s, "content-md5", value.p, value.n);
		else if (d->algorithm == MIGRATE_SHA256 && s->s3->quirks & S3_CHECKSUMS)
			s3_header(s, "x-amz-checksum-sha256", value.p, value.n);
	}
	text_release(&value);
}

static void tell_stored(struct s3_session *s, struct migrate_put *r)
{
	const char *etag = s3_answer_header(s, "etag");

	*r->object = (struct migrate_object){ .size = r->size,
					      .mtime = INT64_MIN,
					      .attributes = r->object->attributes };
	s3_set_etag(s, r->object, etag, strlen(etag));
}

enum migrate_status s3_put(void *self, struct migrate_put *r)
{
	struct s3_session *s = self;
	enum migrate_status status;

	s->ms = r->session;
	if (!s3_key_is_good(s->ms, r->key))
		return MIGRATE_INVALID;
	s3_begin(s, "PUT", r->key);
	s3_give_digest(s, &r->expected);
	s3_give_encryption(s);
	s3_give_customer_key(s);
	s3_give_precondition(s, r->precondition, r->if_match);
	status = s3_give_attributes(s, r->attributes, r->flags);
	if (status != MIGRATE_OK)
		return status;
	s3_with_stream(s, r->body, r->size);
	status = s3_send_change(s, "writing the object");
	if (status != MIGRATE_OK)
		return s3_precondition_failed(s, r->precondition, status);
	if (!s3_answer_header(s, "etag"))
		return migrate_fail(s->ms, MIGRATE_UNKNOWN_OUTCOME,
				    "the server says that it stored the object, but not its etag");
	tell_stored(s, r);
	return MIGRATE_OK;
}
