/* SPDX-License-Identifier: MIT */
#include "engine/plan/delta.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/log.h"
#include "engine/plan/made.h"

#include <stdlib.h>

#define ORPHANS_NAMED 20           /* in the log; the journal's event counts all */
#define CLOCK_SLACK (2 * NS_PER_S) /* by which the clocks of source and journal may differ */

struct delta {
	struct task *task;
	struct journal_merge *merge;
	struct object_record record; /* the journal's next, while more */
	int64_t batch;
	uint32_t n;
	int64_t last_before;        /* batches above it are of this pass */
	int64_t began_batch, began; /* when copying of that batch began */
	bool more;
	bool matched; /* the listing has brought this record's key */
	bool ahead;   /* what is passed by is a later run's: see delta_look_ahead() */
	/* the folder that could not be listed last: what is below is not gone */
	struct buf unlisted;
	struct made *own; /* see delta_has_own() */
};

static int advance_record(struct delta *d, struct error *err)
{
	int rc = journal_merge_next(d->merge, &d->record, &d->batch, &d->n, err);

	d->more = rc == 1;
	d->matched = false;
	return rc < 0 ? -1 : 0;
}

bool delta_has_own(const struct task *task)
{
	return task->relation == ENDS_SAME || task->job->keys_from == KEYS_FROM_DATABASE;
}

/* What could not be listed is a folder if it ends with a slash; else a key, and nothing below. */
static int note_unlisted(struct delta *d, struct migrate_bytes key, struct error *err)
{
	if (!bytes_end_with(key, BYTES("/")))
		return 0;
	buf_reset(&d->unlisted);
	return buf_add(&d->unlisted, key.p, key.n)
		   ? 0
		   : error_set(err, EXIT_INTERNAL, "a key of %zu bytes is too long", key.n);
}

/* The last key of an earlier run may be a folder that this one is not told of any more. */
static int skip_to(struct delta *d, struct migrate_bytes after, struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct object_record o;
	int64_t batch;
	uint32_t n;
	int found = journal_find_key(d->task->journal, after, &a, &o, &batch, &n, err);

	if (found < 0 || (found && batch > d->last_before && o.state == OBJECT_FAILED &&
			  o.fail == FAIL_UNLISTED && note_unlisted(d, after, err)))
		return -1;
	while (d->more && bytes_compare(d->record.key, after) <= 0)
		if (advance_record(d, err))
			return -1;
	return 0;
}

struct delta *delta_open(struct task *task, struct migrate_bytes after, struct error *err)
{
	struct delta *d = calloc(1, sizeof(*d));

	if (!d) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	d->task = task;
	d->unlisted = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	d->merge = journal_merge_open(task->journal, task->pass.number, err);
	if (!d->merge ||
	    journal_last_before(task->journal, task->pass.number, &d->last_before, err) ||
	    advance_record(d, err) || (after.n && skip_to(d, after, err)))
		goto fail;
	/* those of this pass, too, when it goes on after --first or an interruption */
	if (delta_has_own(task) &&
	    !(d->own = made_open(task->journal, task->pass.number + 1, task->job->folder, err)))
		goto fail;
	return d;
fail:
	if (!error_is_set(err))
		error_set(err, EXIT_INTERNAL, "out of memory");
	delta_close(d);
	return NULL;
}

void delta_close(struct delta *d)
{
	if (!d)
		return;
	journal_merge_close(d->merge);
	made_close(d->own);
	buf_release(&d->unlisted);
	free(d);
}

static bool is_unlisted_now(const struct delta *d)
{
	return d->unlisted.len &&
	       bytes_begin_with(d->record.key, bytes_of(d->unlisted.p, d->unlisted.len));
}

/* A copy whose source is not listed any more. */
void delta_orphaned(struct delta *d)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct task *task = d->task;
	const char *why;

	/* not one that was there before, and only equal */
	if (!object_is_ours(&d->record) ||
	    !selection_takes(&task->job->selection, d->record.key, &why))
		return;
	if (is_unlisted_now(d))
		return;
	if (++task->orphaned > ORPHANS_NAMED)
		return;
	log_info("orphaned: '%s' has gone from the source, its copy '%s' stays",
		 shown_key(&a, d->record.key), shown_key(&a, d->record.new_key));
}

/*
 * A failure that is over because the listing does not bring the key: one of planning, which
 * nothing else looks at again.
 */
static bool failure_is_over(const struct delta *d)
{
	return object_failed_at_planning(&d->record) && !is_unlisted_now(d);
}

/* A folder that can be listed now, or a key that is in nobody's way any more. */
static void close_failure(const struct task *task, struct object_record *o)
{
	bool unlisted = o->fail == FAIL_UNLISTED;
	const char *why;

	if (unlisted || selection_takes(&task->job->selection, o->key, &why)) {
		o->state = unlisted ? OBJECT_SKIPPED : OBJECT_GONE;
		o->message = unlisted ? "listed since" : "not listed any more";
	} else {
		o->state = OBJECT_SKIPPED;
		o->message = "left out by the selection since";
	}
	o->dirty = true;
}

static int end_failure(struct delta *d, struct error *err)
{
	struct batch *b;
	int rc;

	if (d->task->read_only || !failure_is_over(d))
		return 0;
	b = journal_load(d->task->journal, d->batch, err);
	if (!b)
		return -1;
	close_failure(d->task, &b->objects[d->n]);
	batch_recount(b);
	rc = journal_save(d->task->journal, &b, 1, err);
	batch_free(b);
	return rc;
}

static int pass_by(struct delta *d, struct error *err)
{
	if (d->matched || d->ahead)
		return advance_record(d, err);
	/* a key that a file or a row named then and does not now may be there all the same */
	if (d->task->job->keys_from == KEYS_FROM_SOURCE)
		delta_orphaned(d);
	return end_failure(d, err) || advance_record(d, err) ? -1 : 0;
}

/* Settled objects are left alone unless the source is another one now. */
static bool is_settled(const struct job *job, const struct key_item *item,
		       const struct object_record *o)
{
	bool known = item->etag.n && o->etag.n;
	bool same = known ? bytes_equal(item->etag, o->etag)
			  : !item->etag.n || (item->size == o->size && item->mtime == o->mtime);

	switch (o->state) {
	case OBJECT_GONE:
		return false;
	case OBJECT_FAILED:
		/* --retry-failed is asked for, but a source that changed is another object; whether
		 * keys collide is up to the others of each pass */
		return same && o->fail != FAIL_UNLISTED && o->fail != FAIL_MISSING &&
		       o->fail != FAIL_COLLISION;
	case OBJECT_SKIPPED:
		/* the job may think otherwise of conflicts now; of another class are failures that
		 * were closed while the selection left the key out */
		return same && (o->fail == FAIL_NONE || (o->fail == FAIL_CONFLICT &&
							 job->copy.on_conflict == CONFLICT_SKIP));
	default:
		return same;
	}
}

/* a is later than b by less than this, if at all. */
static bool is_within(int64_t a, int64_t b, int64_t time)
{
	int64_t later;

	return a <= b || (!__builtin_sub_overflow(a, b, &later) && later < time);
}

/*
 * The content is what it was. Were its attributes written anew since the copy was made? No
 * listing shows them; where they cannot be changed without writing the object, its time tells:
 * another one than the record's, or one not before the copying began, as far as clocks go. One
 * that is not known (INT64_MIN) is near no other.
 */
static int judge_attributes(struct delta *d, const struct key_item *item, struct older *o,
			    struct error *err)
{
	const struct store_facts *facts = &d->task->ends.source_facts;
	int64_t tick = facts->d.mtime_resolution > 1 ? facts->d.mtime_resolution : 1;
	int64_t mtime = o->record.mtime, began;

	if (d->task->job->copy.changes != CHANGES_ATTRIBUTES || !object_is_ours(&o->record) ||
	    facts->d.flags & MIGRATE_ETAG_OF_ALL || !item->etag.n)
		return 0;
	if (o->batch != d->began_batch) {
		if (journal_began_at(d->task->journal, o->batch, &d->began, err))
			return -1;
		d->began_batch = o->batch;
	}
	began = d->began;
	o->record.unchanged = mtime == INT64_MIN || !is_within(item->mtime, mtime, tick) ||
			      !is_within(mtime, item->mtime, tick) ||
			      is_within(began, item->mtime, tick + CLOCK_SLACK);
	return 0;
}

static int judge_record(struct delta *d, const struct key_item *item, struct older *o,
			struct error *err)
{
	o->record.unchanged = false;
	o->settled = is_settled(d->task->job, item, &o->record);
	if (!o->settled)
		return 0;
	if (judge_attributes(d, item, o, err))
		return -1;
	o->settled = !o->record.unchanged;
	return 0;
}

/* --retry-failed has planned it in this pass, and takes what the source holds now. */
static bool is_retried(const struct delta *d)
{
	return d->batch > d->last_before;
}

int delta_look_again(struct delta *d, struct migrate_session *source, struct object_slot *slot,
		     struct key_item *item, struct older *o, struct error *err)
{
	struct migrate_stat r = { .key = item->key, .object = &slot->object };

	if (!o->found || item->etag.n || d->task->job->keys_from == KEYS_FROM_SOURCE ||
	    is_retried(d))
		return 0;
	object_slot_init(slot, NULL);
	switch (store_stat(source, &r)) {
	case MIGRATE_OK:
		item->size = slot->object.size;
		item->mtime = slot->object.mtime;
		item->etag = slot->object.etag;
		return judge_record(d, item, o, err);
	case MIGRATE_NOT_FOUND:
		/* what it failed for stands: somebody names it still */
		o->settled = true;
		delta_orphaned(d);
		return 0;
	default:
		o->settled = false; /* the copiers will find out */
		return 0;
	}
}

int delta_match(struct delta *d, const struct key_item *item, struct older *o, struct error *err)
{
	int own = d->own ? made_has(d->own, item->key, err) : 0;

	*o = (struct older){ .own = own == 1 };
	if (own < 0)
		return -1;
	while (d->more && bytes_compare(d->record.key, item->key) < 0)
		if (pass_by(d, err))
			return -1;
	if (item->kind == LISTED_FAILED && note_unlisted(d, item->key, err))
		return -1;
	if (!d->more || !bytes_equal(d->record.key, item->key))
		return 0;
	d->matched = true;
	/* rows named it, which no rule could rename; those that do now name a copy of ours */
	if (o->own && failure_is_over(d) && d->task->job->keys_from == KEYS_FROM_DATABASE)
		return end_failure(d, err);
	o->found = true;
	o->own = false;
	o->record = d->record;
	o->batch = d->batch;
	o->n = d->n;
	if (item->kind != LISTED_OBJECT)
		o->settled = d->record.state == OBJECT_FAILED;
	else if (judge_record(d, item, o, err))
		return -1;
	o->settled |= is_retried(d);
	return 0;
}

int delta_pass_over(struct delta *d, struct migrate_bytes key, struct error *err)
{
	while (d->more && bytes_compare(d->record.key, key) <= 0)
		if (pass_by(d, err))
			return -1;
	return 0;
}

void delta_look_ahead(struct delta *d)
{
	d->ahead = true;
}

int delta_finish(struct delta *d, struct error *err)
{
	while (d->more)
		if (pass_by(d, err))
			return -1;
	d->task->pass.orphaned = d->task->orphaned;
	return 0;
}
