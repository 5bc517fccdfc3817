/* SPDX-License-Identifier: MIT */
#include "libs3-impl.h"

#include <string.h>

/*
 * The library takes a listing that breaks off, and an error in the place of one, for a
 * listing that ends there. So an end is only believed when the endpoint was asked once
 * more, from before the last key, and told that key and nothing behind it.
 *
 * Times are left out: the library reads them as if they were of the zone of this machine.
 */
struct listing {
	struct libs3_call call;
	struct migrate_list *r;
	uint32_t max, emitted;
	char last[LIBS3_KEY_MAX + 1];   /* the greatest key that is known */
	char before[LIBS3_KEY_MAX + 1]; /* the one before it */
	/* of this answer */
	char previous[LIBS3_KEY_MAX + 1];
	uint32_t told;
	bool truncated, again; /* there is more; the last key was told once more */
};

static int compare(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	int c = memcmp(a, b, na < nb ? na : nb);

	return c ? c : na < nb ? -1 : na > nb;
}

static S3Status fail(struct listing *l, const char *why)
{
	if (l->call.stopped == MIGRATE_OK)
		l->call.stopped =
		    why ? migrate_fail(l->call.s->ms, MIGRATE_TRANSIENT, "listing: %s", why)
			: MIGRATE_CANCELLED;
	return S3StatusAbortedByCallback;
}

static bool unquote(const char *etag, const char **from, size_t *n)
{
	*n = strlen(etag);
	*from = etag;
	if (*n >= 2 && etag[0] == '"' && etag[*n - 1] == '"') {
		*from = etag + 1;
		*n -= 2;
	}
	return *n && *n <= MIGRATE_ETAG_MAX;
}

static bool emit(struct listing *l, const S3ListBucketContent *o)
{
	const char *trouble = libs3_key_trouble(l->call.s->libs3, o->key, strlen(o->key)), *etag;
	struct migrate_object *to;
	size_t n;

	if (!trouble && o->size > LIBS3_SIZE_MAX)
		trouble = "the listing has a size of it that none can have";
	if (!trouble && !unquote(o->eTag ? o->eTag : "", &etag, &n))
		trouble = "the listing has no ETag of it";
	if (trouble)
		return migrate_emit_failed(l->r, o->key, strlen(o->key), MIGRATE_INVALID, trouble);
	to = migrate_emit_object(l->r, o->key, strlen(o->key));
	if (!to)
		return false;
	to->size = o->size;
	to->mtime = INT64_MIN;
	return migrate_set_etag(to, etag, n);
}

/* A key that libs3 misreads may come back where its marker should have passed it. */
static bool is_in_order(const struct listing *l, const char *key)
{
	int order = l->previous[0] ? compare(key, l->previous) : 1;

	return order > 0 || (order == 0 && libs3_key_trouble(l->call.s->libs3, key, strlen(key)));
}

static S3Status take(struct listing *l, const S3ListBucketContent *o)
{
	const struct migrate_list *r = l->r;
	int order = l->last[0] ? compare(o->key, l->last) : 1;

	/* the library reads on as long as something comes */
	if (++l->told > LIBS3_PAGE_MAX)
		return fail(l, "there are more keys than any page can have");
	if (strlen(o->key) < r->prefix.n ||
	    (r->prefix.n && memcmp(o->key, r->prefix.p, r->prefix.n) != 0))
		return fail(l, "a key does not begin with the prefix");
	if (!is_in_order(l, o->key))
		return fail(l, "keys are not in the order of their bytes");
	text_copy(l->previous, sizeof(l->previous), o->key);
	l->again |= order == 0;
	if (order <= 0)
		return S3StatusOK;
	if (l->emitted == l->max) {
		l->truncated = true;
		return S3StatusOK;
	}
	memcpy(l->before, l->last, sizeof(l->last));
	text_copy(l->last, sizeof(l->last), o->key);
	l->emitted++;
	return emit(l, o) ? S3StatusOK : fail(l, NULL);
}

static S3Status on_contents(int truncated, const char *next, int count,
			    const S3ListBucketContent *contents, int prefix_count,
			    const char **prefixes, void *arg)
{
	struct listing *l = arg;
	S3Status status = S3StatusOK;

	(void)next;
	(void)prefix_count;
	(void)prefixes;
	if (l->call.stopped != MIGRATE_OK)
		return S3StatusAbortedByCallback;
	migrate_progress(l->call.s->ms);
	l->truncated |= truncated != 0;
	for (int i = 0; i < count && status == S3StatusOK; i++)
		status = take(l, &contents[i]);
	return status;
}

/* One request: the keys behind marker, of which those behind the last are new. */
static enum migrate_status ask(struct libs3_session *s, struct listing *l, const char *marker,
			       uint32_t max)
{
	char prefix[LIBS3_KEY_MAX + 1];
	enum migrate_status status;

	memcpy(prefix, l->r->prefix.n ? l->r->prefix.p : "", l->r->prefix.n);
	prefix[l->r->prefix.n] = '\0';
	text_copy(l->previous, sizeof(l->previous), marker);
	l->truncated = l->again = false;
	l->told = 0;
	libs3_call_init(&l->call, s);
	status = libs3_call_list(&l->call, prefix[0] ? prefix : NULL, marker[0] ? marker : NULL,
				 max, on_contents);
	if (status == MIGRATE_OK)
		status = libs3_result(&l->call, "listing");
	if (status == MIGRATE_NOT_FOUND)
		status = MIGRATE_UNAVAILABLE; /* the bucket, not an object */
	if (status == MIGRATE_OK && l->truncated && !l->emitted)
		status = migrate_fail(s->ms, MIGRATE_TRANSIENT,
				      "listing: there is more, but no key to go on from");
	return status;
}

/* The answer was the last one, it seems. */
static enum migrate_status ask_again(struct libs3_session *s, struct listing *l)
{
	enum migrate_status status = MIGRATE_OK;

	for (int times = 0; times < 2; times++) {
		char marker[LIBS3_KEY_MAX + 1];
		uint32_t emitted = l->emitted;

		memcpy(marker, l->before, sizeof(marker));
		status = ask(s, l, marker, l->max < 1000 ? l->max + 1 : 1000);
		if (status != MIGRATE_OK || l->truncated || l->emitted > emitted)
			return status;
		if (l->again || !emitted)
			break;
	}
	l->r->done = true;
	return MIGRATE_OK;
}

static bool is_askable(struct migrate_bytes b)
{
	return b.n <= LIBS3_KEY_MAX && (!b.n || !memchr(b.p, '\0', b.n));
}

enum migrate_status libs3_list(void *self, struct migrate_list *r)
{
	struct libs3_session *s = self;
	struct listing l = { .r = r };
	enum migrate_status status;

	s->ms = r->session;
	if (!is_askable(r->prefix) || !is_askable(r->after))
		return migrate_fail(s->ms, MIGRATE_INVALID,
				    "libs3 cannot list from a key with a NUL, or so long a one");
	l.max = r->limit && r->limit < 1000 ? r->limit : 1000;
	memcpy(l.last, r->after.n ? r->after.p : "", r->after.n);
	memcpy(l.before, l.last, sizeof(l.last));
	status = ask(s, &l, l.before, l.max);
	if (status != MIGRATE_OK || l.truncated)
		return status;
	return ask_again(s, &l);
}

static S3Status on_nothing(int truncated, const char *next, int count,
			   const S3ListBucketContent *contents, int prefix_count,
			   const char **prefixes, void *arg)
{
	(void)truncated;
	(void)next;
	(void)count;
	(void)contents;
	(void)prefix_count;
	(void)prefixes;
	(void)arg;
	return S3StatusOK;
}

enum migrate_status libs3_look_at_bucket(struct libs3_session *s)
{
	struct libs3_call c;
	enum migrate_status status;

	libs3_call_init(&c, s);
	status = libs3_call_list(&c, NULL, NULL, 1, on_nothing);
	return status == MIGRATE_OK ? libs3_result(&c, "looking at the bucket") : status;
}
