/* SPDX-License-Identifier: MIT */
#include "libs3-impl.h"

#include <string.h>

/*
 * Copies that the endpoint makes. The library sends the name of the source as it is,
 * so it is encoded here; it knows no condition on the source, and does not show the
 * answer. Proof is that the copy's etag is the source's, so both must be an MD5: what
 * was put in parts has none, and is streamed.
 */

enum migrate_status libs3_can_copy(void *self, struct migrate_can_copy *r)
{
	const struct libs3_session *to = self, *from = r->source;
	const struct libs3 *a = to->libs3, *b = from->libs3;

	return a->place.tls == b->place.tls && !strcmp(a->place.host, b->place.host) &&
		       !strcmp(a->config.access_key, b->config.access_key)
		   ? MIGRATE_OK
		   : MIGRATE_UNSUPPORTED;
}

static enum migrate_status look_at_source(struct libs3_session *from, const struct migrate_copy *r,
					  struct libs3_head *head)
{
	struct migrate_session *own = from->ms;
	char text[LIBS3_KEY_MAX + 1];
	enum migrate_status status;

	if (r->known && r->source_if_match.n && r->source_if_match.n <= MIGRATE_ETAG_MAX) {
		*head = (struct libs3_head){ .seen = true,
					     .size = r->known_size,
					     .mtime = r->known_mtime };
		memcpy(head->etag, r->source_if_match.p, r->source_if_match.n);
		return MIGRATE_OK;
	}
	from->ms = r->session;
	status = libs3_read_key(from, r->source_key, text);
	if (status == MIGRATE_OK)
		status = libs3_look(from, text, NULL, head);
	from->ms = own;
	if (status == MIGRATE_OK && r->source_if_match.n &&
	    !libs3_same_etag(head, r->source_if_match))
		return migrate_fail(r->session, MIGRATE_CHANGED, "it is another object now");
	return status;
}

/* The copy is there; is it one of what the source was said to be? */
static enum migrate_status settle(struct libs3_session *s, const char *key,
				  const struct libs3_call *c, const struct libs3_head *original,
				  struct libs3_head *stored)
{
	enum migrate_status status = libs3_look(s, key, NULL, stored);

	if (status == MIGRATE_NOT_FOUND)
		return migrate_fail(
		    s->ms, c->status == S3StatusOK ? MIGRATE_TRANSIENT : MIGRATE_UNKNOWN_OUTCOME,
		    "the endpoint did not make the copy");
	if (status != MIGRATE_OK)
		return MIGRATE_UNKNOWN_OUTCOME;
	if (stored->size == original->size && !strcmp(stored->etag, original->etag))
		return MIGRATE_OK;
	return migrate_fail(s->ms, MIGRATE_CHANGED,
			    "the copy is not one of the object that was looked at");
}

static enum migrate_status copy(struct libs3_session *s, struct migrate_copy *r,
				const char *source_key, const char *key)
{
	const struct libs3_session *from = r->source;
	S3PutProperties none = { .expires = -1 };
	struct text encoded = { .p = NULL };
	struct libs3_head original, stored;
	struct libs3_call c;
	unsigned char md5[16];
	enum migrate_status status = look_at_source(r->source, r, &original);

	if (status != MIGRATE_OK)
		return status;
	if (!libs3_etag_md5(original.etag, md5) || original.size > s->libs3->config.copy_max)
		return MIGRATE_UNSUPPORTED;
	s3_encode(&encoded, source_key, strlen(source_key), true);
	libs3_call_init(&c, s);
	status = libs3_call_copy(&c, from->libs3, text_get(&encoded), key,
				 r->flags & MIGRATE_NO_ATTRIBUTES ? &none : NULL);
	text_release(&encoded);
	if (status != MIGRATE_OK)
		return status;
	if (c.status == S3StatusMetaDataHeadersTooLong)
		return MIGRATE_UNSUPPORTED;
	status = libs3_in_doubt(&c) ? settle(s, key, &c, &original, &stored)
				    : libs3_result(&c, "copying the object");
	if (status != MIGRATE_OK)
		return status;
	libs3_tell(&original, r->original);
	libs3_tell(&stored, r->stored);
	return MIGRATE_OK;
}

enum migrate_status libs3_copy(void *self, struct migrate_copy *r)
{
	struct libs3_session *s = self;
	char source_key[LIBS3_KEY_MAX + 1], key[LIBS3_KEY_MAX + 1];
	enum migrate_status status;

	s->ms = r->session;
	if (!libs3_key(s, r->source_key, source_key)) /* in a header, encoded: as it is */
		return MIGRATE_INVALID;
	status = libs3_write_key(s, r->key, key);
	if (status != MIGRATE_OK)
		return status;
	status = libs3_check_before(s, key, r->precondition, r->if_match);
	return status == MIGRATE_OK ? copy(s, r, source_key, key) : status;
}
