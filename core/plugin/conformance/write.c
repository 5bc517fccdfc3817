/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/conformance-impl.h"

#include "plugin/end-impl.h"

static const char *lacks_create_only(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why ? why : has_flag(b, MIGRATE_PUT_ABSENT) ? NULL : "it does not say PUT_ABSENT";
}

static const char *lacks_replace_match(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why ? why : has_flag(b, MIGRATE_PUT_MATCH) ? NULL : "it does not say PUT_MATCH";
}

static const char *lacks_remove(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why ? why : b->store->remove ? NULL : "it has no remove()";
}

static const char *lacks_remove_match(const struct battery *b)
{
	const char *why = lacks_remove(b);

	return why                                 ? why
	       : has_flag(b, MIGRATE_REMOVE_MATCH) ? NULL
						   : "it does not say REMOVE_MATCH";
}

static bool holds_content(struct hand *h, struct migrate_bytes key, unsigned int seed, size_t size)
{
	size_t n;

	ANSWERS(h, MIGRATE_OK, get(h, key, &n));
	MUST(h->b, n == size && is_pattern(h->buffer, seed, n),
	     "it now holds %zu bytes instead of %zu, or others", n, size);
	return true;
}

static bool put_replaces(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_bytes key = key_of(h, "replaced");

	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 1, 5000)));
	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 2, 100)));
	return holds_content(h, key, 2, 100);
}

static bool absent_refuses(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_bytes none = bytes_of(NULL, 0), key = key_of(h, "once");

	ANSWERS(h, MIGRATE_OK, put_if(h, key, pattern(h, 1, 100), MIGRATE_ABSENT, none));
	ANSWERS(h, MIGRATE_EXISTS, put_if(h, key, pattern(h, 2, 100), MIGRATE_ABSENT, none));
	return holds_content(h, key, 1, 100);
}

static bool match_refuses(struct battery *b)
{
	struct hand *h = &b->hands[0];
	unsigned char etag[MIGRATE_ETAG_MAX];
	struct migrate_bytes old, key = key_of(h, "match");

	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 1, 100)));
	old = keep_etag(&h->slot, etag);
	ANSWERS(h, MIGRATE_OK, put_if(h, key, pattern(h, 2, 100), MIGRATE_MATCH, old));
	ANSWERS(h, MIGRATE_CHANGED, put_if(h, key, pattern(h, 3, 100), MIGRATE_MATCH, old));
	ANSWERS(h, MIGRATE_CHANGED,
		put_if(h, key2_of(h, "nobody"), pattern(h, 3, 100), MIGRATE_MATCH, old));
	ANSWERS(h, MIGRATE_NOT_FOUND, stat_key(h, key2_of(h, "nobody")));
	return holds_content(h, key, 2, 100);
}

/* ---- Bodies that do not keep their word ---- */

static bool wrong_length(struct battery *b, size_t promised, size_t given)
{
	struct hand *h = &b->hands[0];
	struct migrate_bytes key = key_of(h, promised < 2 ? "few" : "many");

	body_memory_begin(h->body, h->s, pattern(h, 1, given).p, given);
	ANSWERS(h, MIGRATE_MISMATCH, put_body(h, key, promised, h->body));
	ANSWERS(h, MIGRATE_NOT_FOUND, stat_key(h, key));
	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 2, 50)));
	body_memory_begin(h->body, h->s, pattern(h, 1, given).p, given);
	ANSWERS(h, MIGRATE_MISMATCH, put_body(h, key, promised, h->body));
	return holds_content(h, key, 2, 50);
}

static bool short_body(struct battery *b)
{
	return wrong_length(b, 100000, 99999) && wrong_length(b, 1, 0);
}

static bool long_body(struct battery *b)
{
	return wrong_length(b, 99999, 100000) && wrong_length(b, 0, 1);
}

static bool wrong_digest(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_put r = { .key = key_of(h, "digest"), .size = 100, .body = h->body };
	bool checks = false;

	for (unsigned int a = 0; a < MIGRATE_DIGEST_COUNT; a++) {
		struct migrate_digest *d = &r.expected;

		if (!(b->facts.d.digests & 1u << a) ||
		    !digest_of(b->digest, (enum migrate_digest_algorithm)a, "other", 5, d))
			continue;
		checks = true;
		body_memory_begin(h->body, h->s, pattern(h, 1, 100).p, 100);
		ANSWERS(h, MIGRATE_MISMATCH, store_put(h->s, &r));
		ANSWERS(h, MIGRATE_NOT_FOUND, stat_key(h, r.key));
	}
	MUST(b, checks, "none of the digests it gives can be computed here");
	return true;
}

static const char *lacks_digests(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why ? why : b->facts.d.digests ? NULL : "it gives no digests";
}

/* A body that breaks in the middle: the source failed, or somebody cancelled. */
static bool half_span(struct migrate_body *b, const void **bytes, size_t *n)
{
	*bytes = b->bytes;
	*n = b->size - b->at < 1000 ? b->size - b->at : 1000;
	return *n > 0;
}

static void half_used(struct migrate_body *b, size_t n)
{
	b->at += n;
}

static bool no_restart(struct migrate_body *b)
{
	return !b->at;
}

static struct migrate_body half_body(struct hand *h, size_t half)
{
	return (struct migrate_body){
		.span = half_span,
		.used = half_used,
		.restart = no_restart,
		.session = h->s,
		.bytes = h->buffer,
		.size = half,
	};
}

static bool failing_body(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_bytes key = key_of(h, "broken");
	struct migrate_body body = half_body(h, 50000);
	enum migrate_status status = put_body(h, key, 100000, &body);

	MUST(b, status != MIGRATE_OK, "put says ok although its body failed");
	ANSWERS(h, MIGRATE_NOT_FOUND, stat_key(h, key));
	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 1, 100)));
	body = half_body(h, 50000);
	status = put_body(h, key, 100000, &body);
	MUST(b, status != MIGRATE_OK, "put says ok although its body failed");
	return holds_content(h, key, 1, 100);
}

static bool leaves_nothing(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .prefix = key2_of(h, ""), .limit = 10 };
	struct migrate_body body = half_body(h, 50000);
	enum migrate_status status;
	size_t n = 0;

	put_body(h, key_of(h, "trace"), 100000, &body);
	store_sweep(h->s, key_of(h, "trace"));
	status = store_list(h->s, &r, &page);
	for (size_t i = 0; i < page.n; i++) /* an empty folder is no object */
		n += page.items[i]->kind == LISTED_OBJECT;
	list_page_release(&page);
	MUST(b, status == MIGRATE_OK, "list answered %s", status_name(status));
	MUST(b, n == 0, "%zu keys are listed after a put that failed", n);
	return true;
}

static const char *lacks_put_and_list(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why ? why : lacks_list(b);
}

static bool cancelling_span(struct migrate_body *b, const void **bytes, size_t *n)
{
	if (b->at >= b->size / 2)
		host_cancel(b->session->host);
	*bytes = b->bytes;
	*n = 1000;
	return !migrate_cancelled(b->session);
}

static bool cancel_ends_put(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_bytes key = key_of(h, "cancelled");
	struct migrate_body body = half_body(h, 100000);
	enum migrate_status status;

	body.span = cancelling_span;
	status = put_body(h, key, 100000, &body);
	host_resume(b->host);
	MUST(b, status == MIGRATE_CANCELLED, "put answered %s although it was cancelled",
	     status_name(status));
	ANSWERS(h, MIGRATE_NOT_FOUND, stat_key(h, key));
	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 1, 100)));
	return true;
}

/* ---- Removing ---- */

static bool each_removal_has_its_status(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_removal one = { .key = key_of(h, "one") };
	struct migrate_removal two = { .key = key2_of(h, "two") };
	struct migrate_removal *both[] = { &one, &two };
	struct migrate_remove r = { .objects = both, .count = 2 };

	ANSWERS(h, MIGRATE_OK, put(h, two.key, pattern(h, 1, 10)));
	ANSWERS(h, MIGRATE_OK, store_remove(h->s, &r));
	MUST(b, one.status == MIGRATE_NOT_FOUND, "removing what is not there says %s",
	     status_name((enum migrate_status)one.status));
	MUST(b, two.status == MIGRATE_OK, "removing what is there says %s",
	     status_name((enum migrate_status)two.status));
	ANSWERS(h, MIGRATE_NOT_FOUND, stat_key(h, two.key));
	return true;
}

static bool remove_if_match(struct battery *b)
{
	struct hand *h = &b->hands[0];
	unsigned char first[MIGRATE_ETAG_MAX], second[MIGRATE_ETAG_MAX];
	struct migrate_bytes old, new, key = key_of(h, "guarded");

	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 1, 10)));
	old = keep_etag(&h->slot, first);
	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 2, 10)));
	new = keep_etag(&h->slot, second);
	ANSWERS(h, MIGRATE_CHANGED, remove_key(h, key, old));
	ANSWERS(h, MIGRATE_OK, stat_key(h, key));
	ANSWERS(h, MIGRATE_OK, remove_key(h, key, new));
	ANSWERS(h, MIGRATE_NOT_FOUND, stat_key(h, key));
	return true;
}

static bool syncs(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_bytes key = key_of(h, "a/b/c/durable");

	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 1, 100)));
	ANSWERS(h, MIGRATE_OK, store_sync(h->s));
	ANSWERS(h, MIGRATE_OK, store_sync(b->hands[1].s));
	return holds_content(h, key, 1, 100);
}

static const char *lacks_sync(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why ? why : b->store->sync ? NULL : "it has no sync(): each put is durable";
}

static const struct trial writes[] = {
	{ "put replaces what is there", put_replaces, lacks_put },
	{ "precondition absent: exists, and what is there stays", absent_refuses,
	  lacks_create_only },
	{ "precondition match: changed, and what is there stays", match_refuses,
	  lacks_replace_match },
	{ "a body that ends early is a mismatch and changes nothing", short_body, lacks_put },
	{ "so is one that holds more than was promised", long_body, lacks_put },
	{ "a digest that is not that of the body is a mismatch", wrong_digest, lacks_digests },
	{ "a body that fails in the middle changes nothing", failing_body, lacks_put },
	{ "and leaves nothing that is listed", leaves_nothing, lacks_put_and_list },
	{ "cancel ends a put, nothing appears, the session goes on to serve", cancel_ends_put,
	  lacks_put },
	{ "remove says for each key what happened", each_removal_has_its_status, lacks_remove },
	{ "remove with if_match spares what has changed", remove_if_match, lacks_remove_match },
	{ "sync says that all is durable", syncs, lacks_sync },
};
const struct trials trials_writes = TRIALS(writes);
