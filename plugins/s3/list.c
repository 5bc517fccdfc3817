/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <string.h>

/*
 * Listings go on behind the last key wherever they are ordered: no token to lose,
 * and good in another process. A token is only used for pages without keys.
 */
struct listing {
	struct s3_session *s;
	struct migrate_list *r;
	bool encoded, ordered;
	/* an archived object that was restored is told from one that was not */
	bool tells_restored;
	uint32_t max, n;
	bool says_encoded; /* as the parser reads it */
	/* the entry that is being read */
	char key[3 * S3_KEY_MAX + 64];
	size_t nkey;
	char etag[MIGRATE_ETAG_MAX + 3];
	uint64_t size;
	int64_t mtime;
	bool has_key, has_size, archived, restored;
	/* the one before, and how the page ends */
	char last[3 * S3_KEY_MAX + 64];
	size_t nlast;
	bool truncated, told;
	char token[MIGRATE_CURSOR_MAX + 1];
	size_t ntoken;
	const char *trouble;
	bool cancelled;
};

static int compare(const void *a, size_t na, const void *b, size_t nb)
{
	int c = memcmp(a, b, na < nb ? na : nb);

	return c ? c : na < nb ? -1 : na > nb;
}

static bool entry_is_sound(struct listing *l)
{
	const struct migrate_list *r = l->r;
	const char *why = NULL;

	if (!l->has_key || !l->nkey || !l->has_size)
		why = "an entry has no key or no size";
	else if (l->nkey < r->prefix.n ||
		 (r->prefix.n && memcmp(l->key, r->prefix.p, r->prefix.n) != 0))
		why = "a key does not begin with the prefix";
	else if (l->ordered && l->nlast && compare(l->key, l->nkey, l->last, l->nlast) <= 0)
		why = "keys are not in the order of their bytes";
	else if (l->ordered && r->after.n && !r->cursor.n &&
		 compare(l->key, l->nkey, r->after.p, r->after.n) <= 0)
		why = "a page begins again before its beginning";
	else if (l->n >= l->max)
		why = "there are more keys than were asked for";
	l->trouble = why;
	return !why;
}

static bool emit(struct listing *l)
{
	struct migrate_object *o;

	if (!entry_is_sound(l))
		return false;
	l->n++;
	memcpy(l->last, l->key, l->nkey);
	l->nlast = l->nkey;
	if (l->archived && l->tells_restored && !l->restored) {
		l->cancelled = !migrate_emit_skipped(l->r, l->key, l->nkey, MIGRATE_SKIP_ARCHIVED);
		return !l->cancelled;
	}
	o = migrate_emit_object(l->r, l->key, l->nkey);
	l->cancelled = !o;
	if (!o)
		return false;
	o->size = l->size;
	o->mtime = l->mtime;
	o->written = l->mtime == INT64_MIN ? 0 : l->mtime;
	s3_set_etag(NULL, o, l->etag, strlen(l->etag));
	return true;
}

static void forget_entry(struct listing *l)
{
	l->has_key = l->has_size = l->archived = l->restored = false;
	l->etag[0] = '\0';
	l->mtime = INT64_MIN;
}

static bool refuse(struct listing *l, const char *why)
{
	l->trouble = why;
	return false;
}

static bool take_key(struct listing *l, const char *text, size_t n)
{
	if (n >= sizeof(l->key))
		return refuse(l, "a key is longer than any can be");
	memcpy(l->key, text, n + 1);
	l->nkey = n;
	l->has_key = true;
	return !l->encoded || s3_decode(l->key, &l->nkey, true) ||
	       refuse(l, "a key is not encoded as the page says");
}

static bool take_size(struct listing *l, const char *text)
{
	l->has_size = text_number(text, &l->size) && l->size <= S3_SIZE_MAX;
	return l->has_size || refuse(l, "a size is none that an object can have");
}

static bool take_entry(struct listing *l, const char *name, const char *text, size_t n)
{
	if (!strcmp(name, "Key"))
		return take_key(l, text, n);
	if (!strcmp(name, "Size"))
		return take_size(l, text);
	if (!strcmp(name, "ETag")) /* one that cannot be kept whole is none to compare with */
		text_copy(l->etag, sizeof(l->etag), n < sizeof(l->etag) ? text : "");
	else if (!strcmp(name, "LastModified") && !time_parse(text, &l->mtime))
		l->mtime = INT64_MIN;
	else if (!strcmp(name, "StorageClass"))
		l->archived = !strcmp(text, "GLACIER") || !strcmp(text, "DEEP_ARCHIVE");
	else if (!strcmp(name, "RestoreStatus/RestoreExpiryDate"))
		l->restored = true;
	return true;
}

static bool take(void *arg, const char *path, char *text, size_t n)
{
	struct listing *l = arg;

	if (!strcmp(path, "Contents")) {
		bool ok = emit(l);

		forget_entry(l);
		return ok;
	}
	if (!strncmp(path, "Contents/", 9))
		return take_entry(l, path + 9, text, n);
	if (!strcmp(path, "IsTruncated")) {
		l->truncated = !strcmp(text, "true");
		l->told = l->truncated || !strcmp(text, "false");
	} else if (!strcmp(path, "EncodingType")) {
		l->says_encoded = !strcmp(text, "url");
	} else if (!strcmp(path, "NextContinuationToken") || !strcmp(path, "NextMarker")) {
		if (n > MIGRATE_CURSOR_MAX)
			return refuse(l, "a token is longer than any can be");
		memcpy(l->token, text, n);
		l->ntoken = n;
	}
	return true;
}

/* Nobody but AWS is known to; elsewhere the copy of an archived object is refused. */
static bool tells_restored(const struct s3 *s3)
{
	return s3->quirks & S3_KNOWN && s3->quirks & S3_CHECKSUMS;
}

static void ask(struct s3_session *s, const struct migrate_list *r, uint32_t max)
{
	bool v1 = s->s3->quirks & S3_LIST_V1;

	s3_begin(s, "GET", s3_bytes(NULL, 0));
	s3_with_listing(s);
	if (r->cursor.n && !v1)
		s3_query(s, "continuation-token", r->cursor.p, r->cursor.n);
	if (!(s->s3->quirks & S3_NO_LIST_ENCODING))
		s3_query_text(s, "encoding-type", "url");
	if (!v1)
		s3_query_text(s, "list-type", "2");
	if (v1 && r->cursor.n)
		s3_query(s, "marker", r->cursor.p, r->cursor.n);
	else if (v1 && r->after.n)
		s3_query(s, "marker", r->after.p, r->after.n);
	s3_query_number(s, "max-keys", max);
	if (r->prefix.n)
		s3_query(s, "prefix", r->prefix.p, r->prefix.n);
	if (!v1 && r->after.n && !r->cursor.n)
		s3_query(s, "start-after", r->after.p, r->after.n);
	if (tells_restored(s->s3))
		s3_header_text(s, "x-amz-optional-object-attributes", "RestoreStatus");
}

/* The encoding is said once for the page, before or behind its entries. */
static bool says_encoded(const struct s3_session *s)
{
	static const char text[] = "<EncodingType>url</EncodingType>";

	return memmem(text_get(&s->answer.body), s->answer.body.n, text, sizeof(text) - 1) != NULL;
}

/*
 * Pages without keys: there may be thousands, where what was removed is passed over. Their tokens
 * lead round in a circle if one comes back; which is seen without keeping them all (Brent), for the
 * one that is kept is taken anew after 1, 2, 4, ... pages.
 */
static bool goes_on(struct listing *l)
{
	struct s3_walk *w = &l->s->walk;
	bool same = w->pages && l->ntoken == w->n && !memcmp(l->token, w->token, l->ntoken);

	if (same || w->pages >= S3_EMPTY_PAGES)
		return false;
	if (!(w->pages & (w->pages + 1))) {
		memcpy(w->token, l->token, l->ntoken);
		w->n = l->ntoken;
	}
	w->pages++;
	return true;
}

static enum migrate_status end_page(struct listing *l)
{
	struct migrate_list *r = l->r;

	if (l->n || !r->cursor.n)
		l->s->walk.pages = 0;
	if (l->encoded != l->says_encoded)
		return migrate_fail(l->s->ms, MIGRATE_TRANSIENT,
				    "listing: it cannot be told whether the page is encoded");
	if (!l->told)
		return migrate_fail(l->s->ms, MIGRATE_TRANSIENT,
				    "listing: the page does not say whether it is the last");
	r->done = !l->truncated;
	if (r->done || (l->ordered && l->n))
		return MIGRATE_OK;
	if (!l->ntoken || (l->ntoken == r->cursor.n && !memcmp(l->token, r->cursor.p, l->ntoken)))
		return migrate_fail(l->s->ms, MIGRATE_TRANSIENT,
				    "listing: there is more, but no new token to go on with");
	if (!l->n && !goes_on(l))
		return migrate_fail(l->s->ms, MIGRATE_TRANSIENT,
				    "listing: pages without keys follow each other, round in a "
				    "circle or without end");
	return migrate_set_cursor(r, l->token, l->ntoken) ? MIGRATE_OK : MIGRATE_CANCELLED;
}

/* Asked for the second version, a server that knows but the first one answers with that. */
bool s3_lists_v1(const struct s3_session *s)
{
	const char *p = text_get(&s->answer.body);

	return strstr(p, "<Marker>") || strstr(p, "<Marker/>");
}

static uint32_t max_of(const struct migrate_list *r)
{
	return r->limit && r->limit < 1000 ? r->limit : 1000;
}

enum migrate_status s3_take_listing(struct s3_session *s, struct migrate_list *r)
{
	struct listing l = { .s = s, .r = r, .ordered = !(s->s3->quirks & S3_UNORDERED) };
	enum migrate_status status;

	l.max = max_of(r);
	l.tells_restored = tells_restored(s->s3);
	l.encoded = says_encoded(s);
	forget_entry(&l);
	status = s3_document(s, "ListBucketResult", take, &l, "listing");
	if (l.cancelled)
		return MIGRATE_CANCELLED;
	if (status != MIGRATE_OK)
		return l.trouble ? migrate_fail(s->ms, MIGRATE_TRANSIENT, "listing: %s", l.trouble)
				 : status;
	return end_page(&l);
}

enum migrate_status s3_list(void *self, struct migrate_list *r)
{
	struct s3_session *s = self;
	enum migrate_status status;

	s->ms = r->session;
	ask(s, r, max_of(r));
	status = s3_send(s, "listing");
	if (status == MIGRATE_NOT_FOUND)
		status = MIGRATE_UNAVAILABLE; /* the bucket, not an object */
	if (status != MIGRATE_OK)
		return status;
	status = s3_take_listing(s, r);
	text_shrink(&s->answer.body, S3_ANSWER_KEEP);
	return status;
}
