/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

#include "base/bytes.h"
#include "engine/work/pace.h"

#define RING_SIZE (1024 * 1024)

/* Bytes pass through the core: a small object through memory, others through a ring. */

static bool throttle_bytes(void *arg, size_t n)
{
	struct copier *c = arg;

	return pace_take(c->run->pace, PACE_BYTES, n);
}

/* The source's object was not what the plan says: learn and go round once more. */
static enum migrate_status source_changed(struct copier *c)
{
	return blame(c, c->source, MIGRATE_CHANGED);
}

/* Stores that do not notice a change while they read: look again. */
static enum migrate_status still_the_same(struct copier *c, struct item *it)
{
	struct migrate_stat r = { .key = it->record.key, .object = &c->there.object };
	enum migrate_status status;

	if (c->run->task->ends.source_facts.d.flags & MIGRATE_GET_MATCH)
		return MIGRATE_OK;
	object_slot_init(&c->there, NULL);
	status = blame(c, c->source, store_stat(c->source, &r));
	if (status != MIGRATE_OK)
		return status;
	return bytes_equal(c->there.object.etag, c->here.object.etag) ? MIGRATE_OK
								      : source_changed(c);
}

static enum migrate_status fetch_object(struct copier *c, struct item *it)
{
	struct migrate_get r = { .key = it->record.key,
				 .if_match = it->record.etag,
				 .length = UINT64_MAX,
				 .flags = MIGRATE_UNCHECKED,
				 .sink = c->sink,
				 .object = &c->here.object };
	enum migrate_status status;
	size_t got;

	attributes_reset(c->attributes);
	object_slot_init(&c->here, c->attributes);
	sink_memory_begin(c->sink, c->source, c->buffer, (size_t)it->record.size, throttle_bytes,
			  c);
	status = blame(c, c->source, store_get(c->source, &r));
	got = sink_memory_count(c->sink);
	/* more bytes than planned: the sink refused them */
	if (status == MIGRATE_CANCELLED && !halt_leaving(&c->run->halt))
		return source_changed(c);
	if (status != MIGRATE_OK)
		return status;
	if (got != it->record.size || c->here.object.size != got)
		return source_changed(c);
	return still_the_same(c, it);
}

enum migrate_status accept_stored(struct copier *c, struct item *it,
				  const struct migrate_digest *sent)
{
	const struct migrate_object *stored = &c->there.object;
	const struct migrate_digest *d = sent ? &stored->digests[sent->algorithm] : NULL;

	if (!copier_keep(c, stored->etag, &it->record.stored))
		return blame(c, NULL, MIGRATE_TRANSIENT);
	if (stored->size != it->record.size || (d && d->n && !digest_equal(d, sent))) {
		remove_copy(c, it);
		return blame(c, c->destination, MIGRATE_MISMATCH);
	}
	if (sent)
		it->record.digest = *sent;
	if (it->record.level < VERIFY_SIZE)
		it->record.level = VERIFY_SIZE;
	if (sent &&
	    ((d && d->n) || c->run->task->ends.destination_facts.d.flags & MIGRATE_VERBATIM))
		it->record.level = VERIFY_HASH;
	return MIGRATE_OK;
}

static struct migrate_put put_request(struct copier *c, const struct item *it,
				      const struct target *t, struct migrate_body *body)
{
	return (struct migrate_put){ .key = it->record.new_key,
				     .size = it->record.size,
				     .body = body,
				     .attributes = c->attributes,
				     .precondition = t->precondition,
				     .if_match = t->if_match,
				     .flags = attribute_flags(c->run),
				     .object = &c->there.object };
}

/* What the source told of its bytes, best in the way in which the destination tells it. */
static const struct migrate_digest *told_digest(const struct copier *c)
{
	const struct migrate_digest *told = c->here.object.digests;

	return told[c->run->task->algorithm].n ? &told[c->run->task->algorithm]
	       : told[MIGRATE_SHA256].n        ? &told[MIGRATE_SHA256]
					       : &told[MIGRATE_MD5];
}

/* The destination compares what it stores with this digest: from one end to the other. */
static bool is_confirmed(const struct copier *c, const struct migrate_digest *d)
{
	return d->n && c->run->task->ends.destination_facts.d.digests & 1u << d->algorithm;
}

bool transfer_is_proved(const struct copier *c)
{
	return told_digest(c)->n;
}

/* The digest of the bytes in the buffer. False: the source told another one. */
static bool take_digest(struct copier *c, const struct item *it, struct migrate_digest *out)
{
	const struct migrate_digest *told = told_digest(c);
	enum migrate_digest_algorithm algorithm =
	    told->n ? (enum migrate_digest_algorithm)told->algorithm : c->run->task->algorithm;

	if (is_confirmed(c, told)) {
		*out = *told;
		return true;
	}
	digest_of(c->digest, algorithm, c->buffer, (size_t)it->record.size, out);
	return !told->n || !out->n || digest_equal(out, told);
}

enum migrate_status transfer_small(struct copier *c, struct item *it, const struct target *t)
{
	struct migrate_put r = put_request(c, it, t, c->body);
	enum migrate_status status;

	if (!copier_reserve(c, (size_t)it->record.size))
		return blame(c, NULL, MIGRATE_TRANSIENT);
	status = fetch_object(c, it);
	if (status != MIGRATE_OK || !attributes_fit(c, it))
		return status;
	if (!copier_keep(c, c->here.object.etag, &it->record.etag))
		return blame(c, NULL, MIGRATE_TRANSIENT);
	it->record.mtime = c->here.object.mtime;
	if (!take_digest(c, it, &r.expected))
		return blame(c, c->source, MIGRATE_MISMATCH);
	body_memory_begin(c->body, c->destination, c->buffer, (size_t)it->record.size);
	object_slot_init(&c->there, NULL);
	status = blame(c, c->destination, store_put(c->destination, &r));
	if (status != MIGRATE_OK)
		return status;
	attributes_lost(c, it);
	return accept_stored(c, it, &r.expected);
}

/* The thread that reads while the copier's own thread writes. */
struct producer {
	struct copier *copier;
	struct item *item;
	struct migrate_get get;
	enum migrate_status status;
	struct object_slot slot;
};

static void *produce(void *arg)
{
	struct producer *p = arg;

	p->status = store_get(p->copier->source, &p->get);
	ring_finish(p->copier->ring, p->status == MIGRATE_OK);
	return NULL;
}

static enum migrate_status run_ring(struct copier *c, struct producer *p, struct migrate_put *r,
				    bool digest)
{
	pthread_t thread;
	enum migrate_status status;

	ring_begin(c->ring, c->source, c->destination, digest ? c->digest : NULL, throttle_bytes,
		   c);
	if (pthread_create(&thread, NULL, produce, p))
		return blame(c, NULL, MIGRATE_TRANSIENT);
	status = blame(c, c->destination, store_put(c->destination, r));
	ring_abandon(c->ring);
	pthread_join(thread, NULL);
	/* a source that failed is why the body failed */
	if (status != MIGRATE_OK && p->status != MIGRATE_OK && p->status != MIGRATE_CANCELLED)
		status = blame(c, c->source, p->status);
	return status;
}

static bool take_ring(struct copier *c)
{
	if (budget_take(&c->run->budget, RING_SIZE))
		c->ring = ring_new(RING_SIZE);
	if (!c->ring)
		budget_give(&c->run->budget, RING_SIZE);
	return c->ring;
}

static void give_ring(struct copier *c)
{
	ring_free(c->ring);
	c->ring = NULL;
	budget_give(&c->run->budget, RING_SIZE);
}

/* known: the digest of what will come, n = 0: it is taken while the bytes pass. */
static enum migrate_status stream(struct copier *c, struct item *it, const struct target *t,
				  const struct migrate_digest *known, struct migrate_digest *sent)
{
	struct producer p = { .copier = c, .item = it };
	struct migrate_put r = put_request(c, it, t, ring_body(c->ring));
	enum migrate_status status;

	r.expected = *known;
	object_slot_init(&p.slot, NULL);
	p.get = (struct migrate_get){ .key = it->record.key,
				      .if_match = it->record.etag,
				      .length = UINT64_MAX,
				      .flags = known->n ? MIGRATE_UNCHECKED : 0,
				      .sink = ring_sink(c->ring),
				      .object = &p.slot.object };
	object_slot_init(&c->there, NULL);
	digest_begin(c->digest, c->run->task->algorithm);
	status = run_ring(c, &p, &r, !known->n);
	if (known->n)
		*sent = *known;
	else
		digest_end(c->digest, sent);
	return status;
}

enum migrate_status transfer_looked(struct copier *c, struct item *it, const struct target *t)
{
	const struct migrate_digest *told = told_digest(c);
	struct migrate_digest known = { .n = 0 }, sent;
	enum migrate_status status;

	if (is_confirmed(c, told))
		known = *told;
	if (!take_ring(c))
		return blame(c, NULL, MIGRATE_TRANSIENT);
	status = stream(c, it, t, &known, &sent);
	give_ring(c);
	if (status != MIGRATE_OK)
		return status;
	attributes_lost(c, it);
	return accept_stored(c, it, &sent);
}

enum migrate_status transfer_ring(struct copier *c, struct item *it, const struct target *t)
{
	enum migrate_status status = look_at_source(c, it, true);

	if (status != MIGRATE_OK || !attributes_fit(c, it))
		return status;
	return transfer_looked(c, it, t);
}
