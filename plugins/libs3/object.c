/* SPDX-License-Identifier: MIT */
#include "libs3-impl.h"

#include <string.h>

enum migrate_status libs3_accepts(void *self, struct migrate_accepts *r)
{
	struct libs3_session *s = self;
	char key[LIBS3_KEY_MAX + 1];

	s->ms = r->session;
	return libs3_key(s, r->key, key) ? MIGRATE_OK : MIGRATE_INVALID;
}

/* ---- Etags ---- */

bool libs3_etag_md5(const char *etag, unsigned char md5[16])
{
	return strlen(etag) == 32 && hex_bytes(etag, 32, md5);
}

bool libs3_same_etag(const struct libs3_head *head, struct migrate_bytes etag)
{
	return head->etag[0] && strlen(head->etag) == etag.n && !memcmp(head->etag, etag.p, etag.n);
}

void libs3_tell(const struct libs3_head *head, struct migrate_object *o)
{
	unsigned char md5[16];

	o->size = head->size;
	o->mtime = head->mtime;
	o->written = head->mtime == INT64_MIN ? 0 : head->mtime;
	migrate_set_etag(o, head->etag, strlen(head->etag));
	if (libs3_etag_md5(head->etag, md5))
		migrate_set_digest(o, MIGRATE_MD5, md5, sizeof(md5));
}

/* ---- Looking ---- */

/* The library knows header names in one spelling; where it finds no etag, nothing can be compared. */
static enum migrate_status check_head(struct libs3_call *c)
{
	if (c->head.size > LIBS3_SIZE_MAX)
		return migrate_fail(c->s->ms, MIGRATE_TRANSIENT,
				    "the endpoint says a size that no object can have");
	if (c->head.seen && c->head.etag[0])
		return MIGRATE_OK;
	return migrate_fail(c->s->ms, MIGRATE_INVALID,
			    "libs3 sees no ETag in the answer: an archive, or an endpoint that "
			    "spells header names otherwise than it knows; use the plugin s3");
}

enum migrate_status libs3_look(struct libs3_session *s, const char *key,
			       struct migrate_attributes *attributes, struct libs3_head *head)
{
	struct libs3_call c;
	enum migrate_status status;

	libs3_call_init(&c, s);
	c.attributes = attributes;
	status = libs3_call_head(&c, key);
	if (status == MIGRATE_OK)
		status = libs3_result(&c, "looking at the object");
	if (status == MIGRATE_OK)
		status = check_head(&c);
	*head = c.head;
	return status;
}

enum migrate_status libs3_stat(void *self, struct migrate_stat *r)
{
	struct libs3_session *s = self;
	struct libs3_head head;
	char key[LIBS3_KEY_MAX + 1];
	enum migrate_status status;

	s->ms = r->session;
	status = libs3_read_key(s, r->key, key);
	if (status == MIGRATE_OK)
		status = libs3_look(s, key, r->object->attributes, &head);
	if (status == MIGRATE_OK)
		libs3_tell(&head, r->object);
	return status;
}

/* ---- Reading ---- */

struct reading {
	struct migrate_get *r;
	struct libs3_head whole; /* of a range: the object it is of */
	bool ranged;
	unsigned char md5[16];
};

static bool head_of_get(struct libs3_call *c)
{
	struct reading *g = c->arg;
	struct migrate_bytes etag = g->r->if_match;

	c->stopped = check_head(c);
	if (c->stopped != MIGRATE_OK)
		return false;
	if (g->ranged)
		etag = (struct migrate_bytes){ g->whole.etag, strlen(g->whole.etag) };
	if (etag.n && !libs3_same_etag(&c->head, etag)) {
		c->stopped = migrate_fail(c->s->ms, MIGRATE_CHANGED, "it is another object now");
		return false;
	}
	if (g->ranged && c->head.size != c->expected) {
		/* the library takes 200 for 206 */
		c->stopped = migrate_fail(c->s->ms, MIGRATE_TRANSIENT,
					  "the endpoint sends another range than was asked for");
		return false;
	}
	if (!g->ranged) {
		libs3_tell(&c->head, g->r->object);
		c->expected = c->head.size;
		c->digesting = libs3_etag_md5(c->head.etag, g->md5) &&
			       EVP_DigestInit_ex2(c->s->md, c->s->libs3->md5, NULL);
	}
	return true;
}

/* The library takes a body that breaks off for a whole one: all of it must have come. */
static enum migrate_status check_bytes(struct libs3_call *c, const struct reading *g)
{
	unsigned char md5[EVP_MAX_MD_SIZE];

	if (c->moved_bytes != c->expected)
		return migrate_fail(c->s->ms, MIGRATE_TRANSIENT, "%llu of %llu bytes came",
				    (unsigned long long)c->moved_bytes,
				    (unsigned long long)c->expected);
	if (c->digesting &&
	    (!EVP_DigestFinal_ex(c->s->md, md5, NULL) || memcmp(md5, g->md5, 16) != 0))
		return migrate_fail(c->s->ms, MIGRATE_MISMATCH,
				    "the bytes that came are not those of the etag");
	return MIGRATE_OK;
}

/* A header of 127 bytes holds it, or it is only compared. */
static const char *if_match_of(struct migrate_bytes etag, char text[112])
{
	if (!etag.n || etag.n > 100)
		return NULL;
	text[0] = '"';
	memcpy(text + 1, etag.p, etag.n);
	text[etag.n + 1] = '"';
	text[etag.n + 2] = '\0';
	return text;
}

static enum migrate_status fetch(struct libs3_session *s, const char *key, struct reading *g,
				 uint64_t offset, uint64_t length)
{
	struct migrate_bytes etag = g->r->if_match;
	struct libs3_call c;
	enum migrate_status status;
	char text[112];

	if (g->ranged)
		etag = (struct migrate_bytes){ g->whole.etag, strlen(g->whole.etag) };
	libs3_call_init(&c, s);
	c.sink = g->r->sink;
	c.attributes = g->ranged ? NULL : g->r->object->attributes;
	c.on_head = head_of_get;
	c.arg = g;
	if (g->ranged)
		c.expected = length;
	status = libs3_call_get(&c, key, if_match_of(etag, text), offset, length);
	if (status == MIGRATE_OK)
		status = libs3_result(&c, "reading the object");
	return status == MIGRATE_OK ? check_bytes(&c, g) : status;
}

/* The library does not show Content-Range: the whole object is looked at before. */
static enum migrate_status fetch_range(struct libs3_session *s, const char *key, struct reading *g)
{
	struct migrate_get *r = g->r;
	enum migrate_status status = libs3_look(s, key, r->object->attributes, &g->whole);
	uint64_t length;

	if (status != MIGRATE_OK)
		return status;
	if (r->if_match.n && !libs3_same_etag(&g->whole, r->if_match))
		return migrate_fail(s->ms, MIGRATE_CHANGED, "it is another object now");
	if (r->offset > g->whole.size)
		return migrate_fail(s->ms, MIGRATE_INVALID, "offset %llu is behind its end",
				    (unsigned long long)r->offset);
	libs3_tell(&g->whole, r->object);
	length = g->whole.size - r->offset;
	if (r->length < length)
		length = r->length;
	return length ? fetch(s, key, g, r->offset, length) : MIGRATE_OK;
}

enum migrate_status libs3_get(void *self, struct migrate_get *r)
{
	struct libs3_session *s = self;
	struct reading g = { .r = r };
	char key[LIBS3_KEY_MAX + 1];
	enum migrate_status status;

	s->ms = r->session;
	status = libs3_read_key(s, r->key, key);
	if (status != MIGRATE_OK)
		return status;
	g.ranged = r->offset || r->length != UINT64_MAX;
	return g.ranged ? fetch_range(s, key, &g) : fetch(s, key, &g, 0, 0);
}

enum migrate_status libs3_read_back(struct libs3_session *s, const char *key, uint64_t size,
				    const unsigned char md5[16])
{
	unsigned char now[EVP_MAX_MD_SIZE];
	struct libs3_call c;
	enum migrate_status status;

	libs3_call_init(&c, s);
	c.expected = size;
	c.digesting = EVP_DigestInit_ex2(s->md, s->libs3->md5, NULL);
	status = libs3_call_get(&c, key, NULL, 0, 0);
	if (status == MIGRATE_OK)
		status = libs3_result(&c, "reading the object back");
	if (status != MIGRATE_OK)
		return status;
	if (!c.digesting || c.moved_bytes != size || !EVP_DigestFinal_ex(s->md, now, NULL) ||
	    memcmp(now, md5, 16) != 0)
		return migrate_fail(s->ms, MIGRATE_MISMATCH,
				    "the endpoint holds other bytes than were sent");
	return MIGRATE_OK;
}
