/* SPDX-License-Identifier: MIT */
#include "engine/run/feeder.h"

#include "base/bytes.h"
#include "base/escape.h"
#include "base/log.h"
#include "base/sorter.h"
#include "engine/plan/keys.h"
#include "engine/run/replan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * --remake: copies that the journal knows, and the destination has no more, are made again. Both
 * sides are compared in byte order of new keys, in fixed memory: what the journal knows is
 * sorted, the destination listed below what all of these keys begin with.
 */
struct remake {
	struct run *run;
	struct migrate_session *destination;
	struct sorter *copies;  /* new key: place */
	struct sorter *missing; /* place, in order */
	struct buf prefix;      /* that new keys share */
	bool some;              /* prefix is that of at least one key */
	struct replan again;
	struct error *err;
};

#define SORT_MEMORY (8 * 1024 * 1024)

/* Where a record is, so that its bytes are in the order of batches and objects. */
struct place {
	uint8_t batch[8], n[4];
};

static void put_number(uint8_t *p, size_t n, uint64_t value)
{
	while (n--) {
		p[n] = (uint8_t)value;
		value >>= 8;
	}
}

static uint64_t get_number(const uint8_t *p, size_t n)
{
	uint64_t value = 0;

	while (n--)
		value = value << 8 | *p++;
	return value;
}

/* Cut back to whole folders at the end: not each store lists below any bytes. */
static int share_prefix(struct remake *r, struct migrate_bytes key)
{
	const uint8_t *bytes = key.p;
	size_t n = 0;

	if (!r->some && !buf_add(&r->prefix, key.p, key.n))
		return error_set(r->err, EXIT_INTERNAL, "out of memory");
	r->some = true;
	while (n < r->prefix.len && n < key.n && r->prefix.p[n] == bytes[n])
		n++;
	r->prefix.len = n;
	return 0;
}

static struct migrate_bytes folder_of_prefix(const struct buf *prefix)
{
	size_t n = prefix->len;

	while (n && prefix->p[n - 1] != '/')
		n--;
	return bytes_of(prefix->p, n);
}

/* A copy that rows may name: of this record, or of an older one where this one came to nothing. */
static bool may_be_gone(const struct object_record *o)
{
	return o->state != OBJECT_PLANNED && object_may_stand(o) && !object_failed_at_planning(o);
}

static int sort_copies(struct remake *r)
{
	struct run *run = r->run;
	struct journal_merge *merge =
	    journal_merge_open(run->task->journal, run->task->pass.number + 1, r->err);
	struct object_record o;
	struct place at;
	int64_t batch;
	uint32_t n;
	int rc = merge ? 1 : -1;

	while (rc == 1 && (rc = journal_merge_next(merge, &o, &batch, &n, r->err)) == 1) {
		if (!may_be_gone(&o))
			continue;
		put_number(at.batch, sizeof(at.batch), (uint64_t)batch);
		put_number(at.n, sizeof(at.n), n);
		if (share_prefix(r, o.new_key) ||
		    sorter_add(r->copies, o.new_key, bytes_of(&at, sizeof(at)), r->err))
			rc = -1;
	}
	journal_merge_close(merge);
	return rc ? -1 : sorter_finish(r->copies, r->err);
}

/* The next object. What cannot be listed is not known to be gone. */
static int next_object(struct key_stream *listing, struct key_item *out, struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	int rc;

	while ((rc = key_stream_next(listing, out, err)) == 1 && out->kind != LISTED_OBJECT)
		if (out->kind == LISTED_FAILED)
			return error_set(err, EXIT_USAGE, "'%s' cannot be listed: %s",
					 shown_key(&a, out->key), out->message);
	return rc;
}

/* 1: the listing has this key, 0: it has not, -1. more: item is the listing's next. */
static int is_copy_listed(struct key_stream *listing, struct key_item *item, bool *more,
			  struct migrate_bytes key, struct error *err)
{
	while (*more && bytes_compare(item->key, key) < 0) {
		int rc = next_object(listing, item, err);

		if (rc < 0)
			return -1;
		*more = rc == 1;
	}
	return *more && bytes_equal(item->key, key);
}

static int find_missing(struct remake *r, struct key_stream *listing)
{
	struct key_item item;
	struct migrate_bytes key, at, none = { .p = NULL, .n = 0 };
	int rc = next_object(listing, &item, r->err), listed;
	bool more = rc == 1;

	while (rc >= 0 && (rc = sorter_next(r->copies, &key, &at, r->err)) == 1) {
		listed = is_copy_listed(listing, &item, &more, key, r->err);
		if (listed < 0 || (!listed && sorter_add(r->missing, at, none, r->err)))
			return -1;
	}
	return rc ? -1 : sorter_finish(r->missing, r->err);
}

static int compare_with_listing(struct remake *r)
{
	struct key_stream *listing = key_stream_list(
	    r->run->task, r->run->gate, r->destination, folder_of_prefix(&r->prefix),
	    r->run->task->ends.destination_facts.d.flags & MIGRATE_ORDERED, r->err);
	int rc = listing ? find_missing(r, listing) : -1;

	key_stream_close(listing);
	if (rc && error_is_set(r->err))
		error_prefix(r->err, "looking for copies at the destination");
	return rc;
}

/* Nothing of it is there; created tells that something was, which rows may name. */
static void forget_copy(struct object_record *o)
{
	o->in_doubt = o->created == CREATED_OURS;
	o->remade = true;
	o->unchanged = o->native = o->lost = false;
	o->level = 0;
	o->digest.n = 0;
	o->stored = o->replaces = bytes_of(NULL, 0);
	/* the source may be another version by now */
	o->etag = bytes_of(NULL, 0);
}

static int move_missing(struct remake *r)
{
	struct migrate_bytes key, payload;
	struct place at;
	int rc;

	while ((rc = sorter_next(r->missing, &key, &payload, r->err)) == 1) {
		memcpy(&at, key.p, sizeof(at));
		if (replan_add(&r->again, (int64_t)get_number(at.batch, sizeof(at.batch)),
			       (uint32_t)get_number(at.n, sizeof(at.n))))
			return -1;
	}
	return rc ? -1 : replan_finish(&r->again);
}

static int remake_copies(struct remake *r)
{
	struct run *run = r->run;

	r->destination = session_open(run->task->ends.destination.end, r->err);
	if (!r->destination)
		return -1;
	r->copies = sorter_new(SORT_MEMORY, run->task->job->folder);
	r->missing = sorter_new(SORT_MEMORY, run->task->job->folder);
	if (!r->copies || !r->missing)
		return error_set(r->err, EXIT_INTERNAL, "out of memory");
	if (sort_copies(r) || (r->some && compare_with_listing(r)) || (r->some && move_missing(r)))
		return -1;
	log_info("%" PRIu64 " copies are gone from the destination and are made again",
		 r->again.moved);
	return 0;
}

int remake(struct run *run, struct error *err)
{
	struct remake r = { .run = run,
			    .prefix = BUF_INIT(MIGRATE_KEY_MAX),
			    .again = { .run = run, .reset = forget_copy, .err = err },
			    .err = err };
	int rc = remake_copies(&r);

	replan_release(&r.again);
	buf_release(&r.prefix);
	sorter_free(r.missing);
	sorter_free(r.copies);
	session_close(r.destination);
	return rc;
}
