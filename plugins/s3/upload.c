/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdlib.h>
#include <string.h>

/*
 * Large objects in parts. A server tells of everybody's unfinished uploads and not
 * whose they are, so an instance remembers which it began or goes on with; the others
 * of this job are known by the journal alone.
 */
struct s3_mine {
	struct s3_mine *next;
	size_t n;
	char id[];
};

void s3_mine_free(struct s3 *s3)
{
	while (s3->mine) {
		struct s3_mine *m = s3->mine;

		s3->mine = m->next;
		free(m);
	}
}

static struct s3_mine **find_mine(struct s3 *s3, const void *id, size_t n)
{
	struct s3_mine **link = &s3->mine;

	while (*link && ((*link)->n != n || memcmp((*link)->id, id, n) != 0))
		link = &(*link)->next;
	return link;
}

bool s3_is_mine(struct s3 *s3, const void *id, size_t n)
{
	bool mine;

	pthread_mutex_lock(&s3->lock);
	mine = *find_mine(s3, id, n) != NULL;
	pthread_mutex_unlock(&s3->lock);
	return mine;
}

void s3_remember_upload(struct s3 *s3, struct migrate_bytes id)
{
	struct s3_mine *m = malloc(sizeof(*m) + id.n);

	if (!m)
		return; /* then uploads() does not tell of it; the journal knows it still */
	m->n = id.n;
	memcpy(m->id, id.p, id.n);
	pthread_mutex_lock(&s3->lock);
	m->next = s3->mine;
	s3->mine = m;
	pthread_mutex_unlock(&s3->lock);
}

void s3_forget_upload(struct s3 *s3, struct migrate_bytes id)
{
	struct s3_mine **link, *m;

	pthread_mutex_lock(&s3->lock);
	link = find_mine(s3, id.p, id.n);
	m = *link;
	if (m)
		*link = m->next;
	pthread_mutex_unlock(&s3->lock);
	free(m);
}

/* ---- Beginning ---- */

struct begun {
	char id[MIGRATE_ETAG_MAX + 1];
	size_t n;
};

static bool take_begun(void *arg, const char *path, char *text, size_t n)
{
	struct begun *b = arg;

	if (strcmp(path, "UploadId") != 0)
		return true;
	if (n > MIGRATE_ETAG_MAX)
		return false;
	memcpy(b->id, text, n);
	b->n = n;
	return true;
}

enum migrate_status s3_upload(void *self, struct migrate_upload *r)
{
	struct s3_session *s = self;
	struct begun b = { .n = 0 };
	enum migrate_status status;

	s->ms = r->session;
	if (!s3_key_is_good(s->ms, r->key))
		return MIGRATE_INVALID;
	s3_begin(s, "POST", r->key);
	s3_query_text(s, "uploads", "");
	s3_give_encryption(s);
	s3_give_customer_key(s);
	status = s3_give_attributes(s, r->attributes, r->flags);
	if (status != MIGRATE_OK)
		return status;
	s3_with_body(s);
	status = s3_send_change(s, "beginning an upload");
	if (status == MIGRATE_UNKNOWN_OUTCOME) /* at worst one more that is left to its owner */
		return MIGRATE_TRANSIENT;
	if (status == MIGRATE_OK)
		status = s3_document(s, "InitiateMultipartUploadResult", take_begun, &b,
				     "beginning an upload");
	if (status != MIGRATE_OK)
		return status;
	if (!b.n)
		return migrate_fail(s->ms, MIGRATE_TRANSIENT, "beginning an upload: no id came");
	s3_remember_upload(s->s3, s3_bytes(b.id, b.n));
	return migrate_set_upload(r, b.id, b.n) ? MIGRATE_OK : MIGRATE_FATAL;
}

enum migrate_status s3_part(void *self, struct migrate_part *r)
{
	struct s3_session *s = self;
	enum migrate_status status;
	const char *etag;

	s->ms = r->session;
	s3_begin(s, "PUT", r->key);
	s3_query_number(s, "partNumber", r->number);
	s3_query(s, "uploadId", r->id.p, r->id.n);
	if (r->expected.algorithm == MIGRATE_MD5)
		s3_give_digest(s, &r->expected);
	s3_give_customer_key(s);
	s3_with_stream(s, r->body, r->size);
	status = s3_send(s, "writing a part");
	if (status != MIGRATE_OK)
		return status;
	etag = s3_answer_header(s, "etag");
	if (!etag)
		return migrate_fail(s->ms, MIGRATE_TRANSIENT, "writing a part: no etag came");
	return migrate_set_part(r, etag, strlen(etag)) ? MIGRATE_OK : MIGRATE_FATAL;
}

/* ---- What is there ---- */

struct part_page {
	struct migrate_parts *r;
	uint64_t number, size, next;
	char etag[MIGRATE_ETAG_MAX + 1];
	bool truncated, cancelled;
	unsigned char seen[S3_PARTS_MAX / 8 + 1]; /* each number comes once, on all pages */
};

static bool emit(struct part_page *p)
{
	unsigned char *seen = &p->seen[p->number / 8];
	unsigned char bit = (unsigned char)(1u << p->number % 8);

	if (!p->number || *seen & bit)
		return false;
	*seen |= bit;
	p->cancelled =
	    !migrate_emit_part(p->r, (uint32_t)p->number, p->size, p->etag, strlen(p->etag));
	p->number = 0;
	return !p->cancelled;
}

static bool take_part(void *arg, const char *path, char *text, size_t n)
{
	struct part_page *p = arg;

	if (!strcmp(path, "Part/PartNumber"))
		return text_number(text, &p->number) && p->number <= S3_PARTS_MAX;
	if (!strcmp(path, "Part/Size"))
		return text_number(text, &p->size) && p->size <= S3_SIZE_MAX;
	if (!strcmp(path, "NextPartNumberMarker"))
		return !*text || (text_number(text, &p->next) && p->next <= S3_PARTS_MAX);
	if (!strcmp(path, "IsTruncated"))
		p->truncated = !strcmp(text, "true");
	if (!strcmp(path, "Part/ETag")) {
		if (n > MIGRATE_ETAG_MAX)
			return false;
		memcpy(p->etag, text, n + 1);
	}
	return strcmp(path, "Part") != 0 || emit(p);
}

/* The page that stands in the answer. */
static enum migrate_status take_parts(struct s3_session *s, struct part_page *p)
{
	enum migrate_status status;
	uint64_t marker = p->next;

	p->truncated = false;
	p->next = 0;
	status = s3_document(s, "ListPartsResult", take_part, p, "listing parts");
	if (p->cancelled)
		return MIGRATE_CANCELLED;
	if (status == MIGRATE_OK && p->truncated && p->next <= marker)
		return migrate_fail(s->ms, MIGRATE_TRANSIENT,
				    "listing parts: the page does not go on");
	return status;
}

static enum migrate_status ask_for_parts(struct s3_session *s, const struct part_page *p)
{
	s3_begin(s, "GET", p->r->key);
	s3_with_listing(s);
	s3_query_number(s, "max-parts", 1000);
	if (p->next)
		s3_query_number(s, "part-number-marker", p->next);
	s3_query(s, "uploadId", p->r->id.p, p->r->id.n);
	return s3_send(s, "listing parts");
}

enum migrate_status s3_parts(void *self, struct migrate_parts *r)
{
	struct s3_session *s = self;
	struct part_page p = { .r = r, .truncated = true };
	enum migrate_status status = MIGRATE_OK;

	s->ms = r->session;
	while (status == MIGRATE_OK && p.truncated) {
		status = ask_for_parts(s, &p);
		if (status == MIGRATE_OK)
			status = take_parts(s, &p);
	}
	text_shrink(&s->answer.body, S3_ANSWER_KEEP);
	/* an earlier run's, that this one goes on with */
	if (status == MIGRATE_OK && !s3_is_mine(s->s3, r->id.p, r->id.n))
		s3_remember_upload(s->s3, r->id);
	return status;
}

enum migrate_status s3_take_parts(struct s3_session *s, struct migrate_parts *r)
{
	struct part_page p = { .r = r };

	return take_parts(s, &p);
}

enum migrate_status s3_abort(void *self, struct migrate_abort *r)
{
	struct s3_session *s = self;
	enum migrate_status status;

	s->ms = r->session;
	s3_begin(s, "DELETE", r->key);
	s3_query(s, "uploadId", r->id.p, r->id.n);
	status = s3_send(s, "ending an upload");
	if (status != MIGRATE_OK && status != MIGRATE_NOT_FOUND)
		return status;
	s3_forget_upload(s->s3, r->id);
	return MIGRATE_OK;
}
