/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <string.h>

/*
 * Unfinished uploads. Those that this instance began are told of. One whose beginning was never
 * answered, or whose answer a crash overtook, is nobody's we know of: with `since`, uploads of
 * that very key count as ours that were begun since then by whoever began ours there.
 */
#define CANDIDATES_MAX 16 /* more are left to the next time, or to the bucket's own rules */
#define PAGES_MAX 10000   /* of 1,000 uploads each */
#define RESOLUTION INT64_C(1000000000) /* of times that some servers tell, in ns */

struct entry {
	char id[MIGRATE_ETAG_MAX + 1], user[256];
	int64_t begun;
};

struct marker {
	char key[3 * S3_KEY_MAX + 64], id[MIGRATE_ETAG_MAX + 1];
	size_t nkey;
};

struct page {
	struct s3_session *s;
	struct migrate_uploads *r;
	char key[3 * S3_KEY_MAX + 64], next_key[3 * S3_KEY_MAX + 64];
	char next_id[MIGRATE_ETAG_MAX + 1];
	size_t nkey, nnext;
	unsigned int pages;
	struct entry now, candidates[CANDIDATES_MAX];
	size_t n;
	char user[256]; /* who began ours */
	bool mine, encoded, truncated, cancelled;
};

static bool emit(struct page *p, struct migrate_bytes key, const char *id)
{
	p->cancelled = !migrate_emit_upload(p->r, key.p, key.n, id, strlen(id));
	return !p->cancelled;
}

static bool is_candidate(const struct page *p)
{
	struct migrate_bytes wanted = p->r->prefix;

	return p->r->since && p->nkey == wanted.n && !memcmp(p->key, wanted.p, wanted.n) &&
	       p->now.begun != INT64_MIN &&
	       s3_by_our_clock(p->s, p->now.begun) + RESOLUTION > p->r->since;
}

static bool tell(struct page *p)
{
	struct migrate_bytes prefix = p->r->prefix;
	bool goes = p->now.id[0] && p->nkey >= prefix.n &&
		    (!prefix.n || !memcmp(p->key, prefix.p, prefix.n));

	if (!goes)
		return true;
	if (!s3_is_mine(p->s->s3, p->now.id, strlen(p->now.id))) {
		if (is_candidate(p) && p->n < CANDIDATES_MAX)
			p->candidates[p->n++] = p->now;
		return true;
	}
	p->mine = true;
	text_copy(p->user, sizeof(p->user), p->now.user);
	return emit(p, s3_bytes(p->key, p->nkey), p->now.id);
}

static bool tell_candidates(struct page *p)
{
	for (size_t i = 0; p->mine && i < p->n; i++)
		if (!strcmp(p->candidates[i].user, p->user) &&
		    !emit(p, p->r->prefix, p->candidates[i].id))
			return false;
	return true;
}

static bool take_entry(struct page *p, const char *name, const char *text, size_t n)
{
	if (!strcmp(name, "Key")) {
		memcpy(p->key, text, n + 1);
		p->nkey = n;
		return !p->encoded || s3_decode(p->key, &p->nkey, true);
	}
	if (!strcmp(name, "UploadId")) /* one that is longer is none of ours */
		text_copy(p->now.id, sizeof(p->now.id), n < sizeof(p->now.id) ? text : "");
	else if (!strcmp(name, "Initiator/ID"))
		text_copy(p->now.user, sizeof(p->now.user), text);
	else if (!strcmp(name, "Initiated") && !time_parse(text, &p->now.begun))
		p->now.begun = INT64_MIN;
	return true;
}

static bool take(void *arg, const char *path, char *text, size_t n)
{
	struct page *p = arg;
	bool ok;

	if (n >= sizeof(p->key))
		return false;
	if (!strncmp(path, "Upload/", 7))
		return take_entry(p, path + 7, text, n);
	if (!strcmp(path, "NextKeyMarker")) {
		memcpy(p->next_key, text, n + 1);
		p->nnext = n;
		return !p->encoded || s3_decode(p->next_key, &p->nnext, true);
	}
	if (!strcmp(path, "NextUploadIdMarker") && n >= sizeof(p->next_id))
		return false;
	if (!strcmp(path, "NextUploadIdMarker"))
		text_copy(p->next_id, sizeof(p->next_id), text);
	else if (!strcmp(path, "IsTruncated"))
		p->truncated = !strcmp(text, "true");
	if (strcmp(path, "Upload") != 0)
		return true;
	ok = tell(p);
	p->now = (struct entry){ .begun = INT64_MIN };
	return ok;
}

static void ask(struct s3_session *s, const struct page *p)
{
	s3_begin(s, "GET", s3_bytes(NULL, 0));
	s3_with_listing(s);
	if (!(s->s3->quirks & S3_NO_LIST_ENCODING))
		s3_query_text(s, "encoding-type", "url");
	if (p->nnext)
		s3_query(s, "key-marker", p->next_key, p->nnext);
	if (p->r->prefix.n)
		s3_query(s, "prefix", p->r->prefix.p, p->r->prefix.n);
	if (p->next_id[0])
		s3_query_text(s, "upload-id-marker", p->next_id);
	s3_query_text(s, "uploads", "");
}

/* Keys never descend from page to page; among uploads of one key there is no order to rely on. */
static bool goes_on(struct page *p, const struct marker *before)
{
	size_t n = p->nnext < before->nkey ? p->nnext : before->nkey;
	int c = memcmp(p->next_key, before->key, n);

	if (!c)
		c = p->nnext < before->nkey ? -1 : p->nnext > before->nkey;
	return p->next_id[0] && ++p->pages < PAGES_MAX &&
	       (c > 0 || (!c && strcmp(before->id, p->next_id) != 0));
}

/* The page that stands in the answer. */
static enum migrate_status take_page(struct page *p)
{
	static const char url[] = "<EncodingType>url</EncodingType>";
	struct s3_session *s = p->s;
	struct marker before = { .nkey = p->nnext };
	enum migrate_status status;

	memcpy(before.key, p->next_key, p->nnext);
	text_copy(before.id, sizeof(before.id), p->next_id);
	p->truncated = false;
	p->encoded = memmem(text_get(&s->answer.body), s->answer.body.n, url, sizeof(url) - 1);
	status = s3_document(s, "ListMultipartUploadsResult", take, p, "listing uploads");
	if (p->cancelled)
		return MIGRATE_CANCELLED;
	if (status == MIGRATE_OK && p->truncated && !goes_on(p, &before))
		return migrate_fail(s->ms, MIGRATE_TRANSIENT,
				    "listing uploads: the pages do not go on, or never end");
	return status;
}

enum migrate_status s3_uploads(void *self, struct migrate_uploads *r)
{
	struct page p = { .s = self, .r = r, .now.begun = INT64_MIN, .truncated = true };
	enum migrate_status status = MIGRATE_OK;

	p.s->ms = r->session;
	while (status == MIGRATE_OK && p.truncated) {
		ask(p.s, &p);
		status = s3_send(p.s, "listing uploads");
		if (status == MIGRATE_OK)
			status = take_page(&p);
	}
	text_shrink(&p.s->answer.body, S3_ANSWER_KEEP);
	if (status == MIGRATE_OK && !tell_candidates(&p))
		return MIGRATE_CANCELLED;
	return status;
}

enum migrate_status s3_take_uploads(struct s3_session *s, struct migrate_uploads *r)
{
	struct page p = { .s = s, .r = r, .now.begun = INT64_MIN };
	enum migrate_status status = take_page(&p);

	if (status == MIGRATE_OK && !tell_candidates(&p))
		return MIGRATE_CANCELLED;
	return status;
}
