/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdlib.h>
#include <string.h>

/*
 * S3 does not say whether what was removed was there, so each key is looked at
 * before; where the server compares etags itself, that is the look.
 */

enum migrate_status s3_remove_one(struct s3_session *s, struct migrate_bytes key,
				  struct migrate_bytes if_match)
{
	enum migrate_status status;

	s3_begin(s, "DELETE", key);
	if (if_match.n)
		s3_give_if_match(s, "if-match", if_match);
	status = s3_send_change(s, "removing the object");
	if (status == MIGRATE_NOT_FOUND && strcmp(s->answer.code, "NoSuchBucket") == 0)
		status = MIGRATE_UNAVAILABLE;
	return status;
}

static enum migrate_status look(struct s3_session *s, const struct migrate_removal *o)
{
	return s3_still_same(s, o->key, o->if_match);
}

/* ---- Many in one request ---- */

struct batch {
	struct migrate_removal **items;
	size_t n;
	char key[3 * S3_KEY_MAX + 64], code[64];
	size_t nkey;
};

static struct migrate_removal *find(const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i]->key.n == b->nkey && !memcmp(b->items[i]->key.p, b->key, b->nkey))
			return b->items[i];
	return NULL;
}

/* Only what is named in the answer was removed; the rest keeps its UNKNOWN_OUTCOME. */
static void settle(struct batch *b, enum migrate_status status)
{
	struct migrate_removal *o = find(b);

	if (o)
		o->status = (int32_t)status;
}

static bool take_removed(void *arg, const char *path, char *text, size_t n)
{
	struct batch *b = arg;

	if (!strcmp(path, "Deleted/Key") || !strcmp(path, "Error/Key")) {
		if (n >= sizeof(b->key))
			return false;
		memcpy(b->key, text, n + 1);
		b->nkey = n;
	} else if (!strcmp(path, "Error/Code")) {
		text_copy(b->code, sizeof(b->code), text);
	} else if (!strcmp(path, "Deleted")) {
		settle(b, MIGRATE_OK);
	} else if (!strcmp(path, "Error")) {
		settle(b, s3_status_of(500, b->code));
	}
	return true;
}

static enum migrate_status remove_batch(struct s3_session *s, struct batch *b)
{
	enum migrate_status status;

	s3_begin(s, "POST", s3_bytes(NULL, 0));
	s3_with_listing(s);
	s3_query_text(s, "delete", "");
	s3_header_text(s, "content-type", "application/xml");
	text_str(&s->body, "<Delete>");
	for (size_t i = 0; i < b->n; i++) {
		text_str(&s->body, "<Object><Key>");
		s3_xml_escape(&s->body, b->items[i]->key.p, b->items[i]->key.n);
		text_str(&s->body, "</Key></Object>");
		b->items[i]->status = MIGRATE_UNKNOWN_OUTCOME;
	}
	text_str(&s->body, "</Delete>");
	s3_with_body(s);
	if (s->body.bad || !s3_with_md5(s))
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "out of memory");
	status = s3_send(s, "removing objects");
	if (status == MIGRATE_OK)
		status = s3_document(s, "DeleteResult", take_removed, b, "removing objects");
	text_shrink(&s->body, 65536);
	return status;
}

static void remove_each(struct s3_session *s, struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		b->items[i]->status =
		    (int32_t)s3_remove_one(s, b->items[i]->key, s3_bytes(NULL, 0));
}

static enum migrate_status flush(struct s3_session *s, struct batch *b)
{
	enum migrate_status status = MIGRATE_OK;

	if (b->n > 1)
		status = remove_batch(s, b);
	/* one request either way, and this one says more; or the server knows no other */
	if (b->n == 1 || status == MIGRATE_UNSUPPORTED) {
		remove_each(s, b);
		status = MIGRATE_OK;
	}
	b->n = 0;
	return status;
}

static bool is_systemic(enum migrate_status status)
{
	return status == MIGRATE_CANCELLED || status == MIGRATE_UNAVAILABLE ||
	       status == MIGRATE_THROTTLED || status == MIGRATE_FATAL;
}

/* One by itself, or into the batch. */
static enum migrate_status remove_next(struct s3_session *s, struct migrate_removal *o,
				       struct batch *b)
{
	enum migrate_status status;

	if (o->if_match.n && s->s3->quirks & S3_REMOVE_MATCH) {
		status = s3_remove_one(s, o->key, o->if_match);
	} else {
		status = s3_key_is_good(s->ms, o->key) ? look(s, o) : MIGRATE_INVALID;
		if (status == MIGRATE_OK && s3_xml_can_say(o->key.p, o->key.n)) {
			b->items[b->n++] = o;
			return b->n == S3_BATCH ? flush(s, b) : MIGRATE_OK;
		}
		if (status == MIGRATE_OK)
			status = s3_remove_one(s, o->key, s3_bytes(NULL, 0));
	}
	o->status = (int32_t)status;
	return is_systemic(status) ? status : MIGRATE_OK;
}

enum migrate_status s3_remove(void *self, struct migrate_remove *r)
{
	struct s3_session *s = self;
	struct batch *b = calloc(1, sizeof(*b));
	enum migrate_status status = MIGRATE_OK;

	s->ms = r->session;
	if (b)
		b->items = calloc(S3_BATCH, sizeof(struct migrate_removal *));
	if (!b || !b->items)
		status = migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "out of memory");
	for (size_t i = 0; status == MIGRATE_OK && i < r->count; i++)
		status = remove_next(s, r->objects[i], b);
	if (status == MIGRATE_OK)
		status = flush(s, b);
	if (b)
		free((void *)b->items);
	free(b);
	return status;
}
