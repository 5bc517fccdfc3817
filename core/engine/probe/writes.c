/* SPDX-License-Identifier: MIT */
#include "engine/probe/probe-impl.h"

#include "base/bytes.h"

#include <string.h>

/* Conditions, and digests that are sent along: what keeps a copy from doing harm. */

struct question {
	const char *name;
	uint64_t flag;
	const char *yes, *no; /* what follows */
};

static const struct question put_absent = { "put: only where nothing is", MIGRATE_PUT_ABSENT,
					    "one request an object",
					    "each object is looked at before it is written" };
static const struct question put_match = { "put: only over what is known", MIGRATE_PUT_MATCH,
					   "later passes replace our own copies only",
					   "our older copies are looked at before they are "
					   "replaced" };
static const struct question get_match = { "read: only what is known", MIGRATE_GET_MATCH,
					   "as a source, changes while reading are noticed",
					   "as a source, each object is looked at twice" };
static const struct question remove_match = { "remove: only what is known", MIGRATE_REMOVE_MATCH,
					      "purge and revert remove nothing else",
					      "purge and revert look just before they remove" };

/* The store does not say that it does this, so it was told nothing of the kind. */
static bool is_not_offered(struct prober *p, const struct question *q)
{
	if (p->facts->d.flags & q->flag)
		return false;
	finds(p, q->name, MIGRATE_FINDS_NO, q->no, NULL);
	return true;
}

/* A call that had to be refused so: was it, and is the object what it was? */
static bool settle_question(struct prober *p, const struct question *q, struct migrate_bytes key,
			    enum migrate_status wanted, enum migrate_status status)
{
	enum migrate_status holds;

	if (is_hopeless(p, status))
		return false;
	holds = try_holds(p, key, 1, PROBE_SMALL);
	if (holds == MIGRATE_CHANGED || holds == MIGRATE_NOT_FOUND || status == MIGRATE_OK)
		finds(p, q->name, MIGRATE_FINDS_NO,
		      "do not use this place before that is understood",
		      "it says that it does, and does not");
	else if (status == wanted)
		finds(p, q->name, MIGRATE_FINDS_YES, q->yes, NULL);
	else
		finds_trouble(p, q->name, status);
	return !is_hopeless(p, holds);
}

bool probe_conditions(struct prober *p)
{
	struct migrate_bytes key = scratch_key(p, "1", 1), none = bytes_of(NULL, 0), other;
	enum migrate_status status = try_stat(p, key);
	size_t n;

	if (status != MIGRATE_OK)
		return !is_hopeless(p, status);
	other = other_etag(p, p->slot.object.etag);
	if (!is_not_offered(p, &put_absent) &&
	    !settle_question(p, &put_absent, key, MIGRATE_EXISTS,
			     try_put(p, key, 2, PROBE_SMALL, MIGRATE_ABSENT, none)))
		return false;
	if (!is_not_offered(p, &put_match) &&
	    !settle_question(p, &put_match, key, MIGRATE_CHANGED,
			     try_put(p, key, 2, PROBE_SMALL, MIGRATE_MATCH, other)))
		return false;
	if (p->ops->get && !is_not_offered(p, &get_match) &&
	    !settle_question(p, &get_match, key, MIGRATE_CHANGED,
			     try_get(p, key, 0, UINT64_MAX, other, &n)))
		return false;
	return is_not_offered(p, &remove_match) ||
	       settle_question(p, &remove_match, key, MIGRATE_CHANGED, try_remove(p, key, other));
}

/* ---- Digests ---- */

static bool probe_wrong_digest(struct prober *p, enum migrate_digest_algorithm algorithm)
{
	struct migrate_put r = { .key = scratch_key(p, "d", 1),
				 .size = PROBE_SMALL,
				 .body = p->body,
				 .attributes = p->sent,
				 .object = &p->slot.object };
	enum migrate_status status;

	fill_pattern(p->bytes, 1, PROBE_SMALL);
	if (!digest_of(p->digest, algorithm, p->bytes, PROBE_SMALL, &r.expected))
		return true;
	r.expected.bytes[0] ^= 1;
	body_memory_begin(p->body, p->s, p->bytes, PROBE_SMALL);
	object_slot_init(&p->slot, NULL);
	status = store_put(p->s, &r);
	p->out->written += status == MIGRATE_OK;
	if (status == MIGRATE_MISMATCH)
		finds(p, "put: a wrong digest is refused", MIGRATE_FINDS_YES,
		      "bytes are proved on their way in", "%s", digest_name(algorithm));
	else if (status == MIGRATE_OK)
		finds(p, "put: a wrong digest is refused", MIGRATE_FINDS_NO,
		      "bytes are not proved on their way: copy.verify: readback reads them again",
		      "%s", digest_name(algorithm));
	else
		finds_trouble(p, "put: a wrong digest is refused", status);
	return !is_hopeless(p, status);
}

/* What stat says of a content that we know. */
static bool known_digests(struct prober *p, struct migrate_bytes key)
{
	enum migrate_status status = try_stat(p, key);
	struct migrate_digest ours;
	const char *names[MIGRATE_DIGEST_COUNT + 1] = { NULL };
	BUF_AUTO struct buf b = BUF_INIT(128);
	size_t n = 0;

	fill_pattern(p->bytes, 1, PROBE_SMALL);
	for (int i = 0; status == MIGRATE_OK && i < MIGRATE_DIGEST_COUNT; i++) {
		enum migrate_digest_algorithm a = (enum migrate_digest_algorithm)i;

		if (!p->slot.object.digests[i].n ||
		    !digest_of(p->digest, a, p->bytes, PROBE_SMALL, &ours))
			continue;
		if (!digest_equal(&ours, &p->slot.object.digests[i]))
			finds(p, "look: its digest is true", MIGRATE_FINDS_NO,
			      "do not use this place before that is understood", "%s",
			      digest_name(a));
		else
			names[n++] = digest_name(a);
	}
	for (size_t i = 0; i < n; i++) {
		buf_add_text(&b, i ? ", " : "");
		buf_add_text(&b, names[i]);
	}
	if (n)
		finds(p, "look: tells a digest", MIGRATE_FINDS_YES,
		      "equal copies are recognised without reading them", "%.*s", (int)b.len,
		      (const char *)b.p);
	else if (status == MIGRATE_OK)
		finds(p, "look: tells a digest", MIGRATE_FINDS_NO,
		      "what is there already is read to be compared", NULL);
	return !is_hopeless(p, status);
}

bool probe_digests(struct prober *p)
{
	enum migrate_digest_algorithm a =
	    p->facts->d.digests & 1U << MIGRATE_MD5 ? MIGRATE_MD5 : MIGRATE_SHA256;

	return probe_wrong_digest(p, a) && known_digests(p, scratch_key(p, "1", 1));
}
