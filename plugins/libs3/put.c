/* SPDX-License-Identifier: MIT */
#include "libs3-impl.h"

#include <string.h>

/*
 * The library calls a write well whose answer it never saw, so each is looked at: it
 * counts when the endpoint holds an object of that size whose etag is the MD5 of what
 * was sent, and where etags are no digests, when the bytes read back are the same.
 */

enum migrate_status libs3_check_before(struct libs3_session *s, const char *key,
				       uint32_t precondition, struct migrate_bytes if_match)
{
	struct libs3_head head;
	enum migrate_status status;

	if (precondition == MIGRATE_ANY)
		return MIGRATE_OK;
	status = libs3_look(s, key, NULL, &head);
	if (precondition == MIGRATE_ABSENT) {
		if (status == MIGRATE_OK)
			return migrate_fail(s->ms, MIGRATE_EXISTS,
					    "something has that key already");
		return status == MIGRATE_NOT_FOUND ? MIGRATE_OK : status;
	}
	if (status == MIGRATE_NOT_FOUND ||
	    (status == MIGRATE_OK && !libs3_same_etag(&head, if_match)))
		return migrate_fail(s->ms, MIGRATE_CHANGED, "what has that key is another object");
	return status;
}

struct writing {
	struct libs3_call call;
	unsigned char md5[EVP_MAX_MD_SIZE]; /* of what was sent */
	bool checked;                       /* the endpoint was told it, and compares */
};

/* A body that lies in memory is digested before, so that the endpoint can compare. */
static enum migrate_status digest_before(struct libs3_session *s, const struct migrate_put *r,
					 struct writing *w)
{
	const void *bytes = "";
	size_t n = 0;

	if (r->expected.n == 16 && r->expected.algorithm == MIGRATE_MD5) {
		memcpy(w->md5, r->expected.bytes, 16);
		w->checked = true;
		return MIGRATE_OK;
	}
	if (r->size && !migrate_body_span(r->body, &bytes, &n))
		return MIGRATE_CANCELLED;
	w->checked = n == r->size;
	if (!EVP_DigestInit_ex2(s->md, s->libs3->md5, NULL) ||
	    (w->checked &&
	     (!EVP_DigestUpdate(s->md, bytes, n) || !EVP_DigestFinal_ex(s->md, w->md5, NULL))))
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "out of memory");
	w->call.digesting = !w->checked;
	return MIGRATE_OK;
}

static void tell_digest(struct libs3_given *g, const unsigned char md5[16])
{
	struct text t = { .p = NULL };

	if (text_base64(&t, md5, 16)) {
		text_copy(g->md5, sizeof(g->md5), text_get(&t));
		g->properties.md5 = g->md5;
	}
	text_release(&t);
}

/* What is there now decides, whatever the library said. */
static enum migrate_status settle(struct libs3_session *s, const char *key, struct writing *w,
				  uint64_t size, struct libs3_head *head)
{
	unsigned char there[16];
	struct libs3_call gone;
	enum migrate_status status = libs3_look(s, key, NULL, head);

	if (status == MIGRATE_NOT_FOUND)
		return migrate_fail(s->ms,
				    w->call.status == S3StatusOK ? MIGRATE_TRANSIENT
								 : MIGRATE_UNKNOWN_OUTCOME,
				    "the endpoint did not store it");
	if (status != MIGRATE_OK)
		return MIGRATE_UNKNOWN_OUTCOME;
	if (head->size != size)
		return migrate_fail(s->ms, MIGRATE_UNKNOWN_OUTCOME,
				    "the endpoint holds an object of another size");
	if (!libs3_etag_md5(head->etag, there))
		return libs3_read_back(s, key, size, w->md5);
	if (!memcmp(there, w->md5, 16))
		return MIGRATE_OK;
	if (w->checked)
		return migrate_fail(s->ms, MIGRATE_UNKNOWN_OUTCOME,
				    "the endpoint holds another object");
	/* it could not compare, and stored something else: that must not stay */
	libs3_call_init(&gone, s);
	libs3_call_remove(&gone, key);
	return migrate_fail(s->ms, MIGRATE_MISMATCH,
			    "the endpoint stored other bytes than were sent; they were removed");
}

static enum migrate_status put(struct libs3_session *s, struct migrate_put *r, const char *key,
			       struct libs3_given *g)
{
	struct writing w;
	struct libs3_head head;
	enum migrate_status status;

	w = (struct writing){ .checked = false };
	libs3_call_init(&w.call, s);
	w.call.body = r->body;
	status = digest_before(s, r, &w);
	if (status != MIGRATE_OK)
		return status;
	if (w.checked)
		tell_digest(g, w.md5);
	status = libs3_call_put(&w.call, key, r->size, &g->properties);
	if (status != MIGRATE_OK)
		return status;
	if (!libs3_in_doubt(&w.call))
		return libs3_result(&w.call, "writing the object");
	if (w.call.digesting && !EVP_DigestFinal_ex(s->md, w.md5, NULL))
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "out of memory");
	status = settle(s, key, &w, r->size, &head);
	if (status == MIGRATE_OK)
		libs3_tell(&head, r->object);
	return status;
}

enum migrate_status libs3_put(void *self, struct migrate_put *r)
{
	struct libs3_session *s = self;
	struct libs3_given g;
	char key[LIBS3_KEY_MAX + 1];
	enum migrate_status status;

	s->ms = r->session;
	status = libs3_write_key(s, r->key, key);
	if (status != MIGRATE_OK)
		return status;
	if (r->size > LIBS3_OBJECT_MAX)
		return migrate_fail(s->ms, MIGRATE_INVALID,
				    "libs3 writes objects of up to 5 GiB only");
	status = libs3_check_before(s, key, r->precondition, r->if_match);
	if (status != MIGRATE_OK)
		return status;
	status = libs3_give(s, r->attributes, r->flags, &g);
	if (status == MIGRATE_OK)
		status = put(s, r, key, &g);
	libs3_given_release(&g);
	return status;
}
