/* SPDX-License-Identifier: MIT */
#include "engine/verify/verify-impl.h"

#include "base/bytes.h"

#include <string.h>

/* Is the copy there, of the right size, and does it hold the right bytes? */

struct object {
	struct verifier *worker;
	const struct batch *batch;
	uint32_t n;
	const struct object_record *record;
};

static void count_verified(struct object *x, uint64_t *counter)
{
	pthread_mutex_lock(&x->worker->verify->lock);
	++*counter;
	pthread_mutex_unlock(&x->worker->verify->lock);
}

static void unreadable(struct object *x, struct migrate_session *s, enum migrate_status status)
{
	if (status == MIGRATE_CANCELLED || halt_leaving(&x->worker->verify->halt))
		return;
	verify_report(x->worker, x->batch, x->n, DIFFERENT_UNREADABLE, "%s: %s%s%s",
		      end_label(session_end(s)), status_name(status),
		      *session_message(s) ? ": " : "", session_message(s));
}

/* ---- Reading bytes ---- */

static enum migrate_status digest_stored(struct verifier *w, struct migrate_session *s,
					 struct migrate_get *r,
					 enum migrate_digest_algorithm algorithm,
					 struct migrate_digest *out, uint64_t *size)
{
	enum migrate_status status;
	struct again a = again_new(w->verify->gate, false);

	do {
		struct object_slot slot;

		object_slot_init(&slot, NULL);
		r->object = &slot.object;
		digest_begin(w->digest, algorithm);
		sink_digest_begin(w->sink, s, w->digest);
		status = store_get(s, r);
		digest_end(w->digest, out);
		*size = sink_digest_count(w->sink);
	} while (again(&a, s, status));
	return status;
}

/* The digest to compare with: the journal's, else of the source as it was. False: no proof. */
static bool expected_digest(struct object *x, struct migrate_digest *out)
{
	struct verifier *w = x->worker;
	struct migrate_get r = { .key = x->record->key,
				 .if_match = x->record->etag,
				 .length = UINT64_MAX,
				 .sink = w->sink };
	enum migrate_status status;
	uint64_t size = 0;

	*out = x->record->digest;
	if (out->n && digest_begin(w->digest, (enum migrate_digest_algorithm)out->algorithm))
		return true;
	if (x->batch->state == BATCH_PURGED) {
		count_verified(x, &w->verify->result.unproven);
		return false;
	}
	status = digest_stored(w, w->source, &r, MIGRATE_SHA256, out, &size);
	if (status == MIGRATE_OK && size == x->record->size)
		return true;
	if (status == MIGRATE_OK || status == MIGRATE_CHANGED || status == MIGRATE_NOT_FOUND)
		count_verified(x, &w->verify->result.unproven);
	else
		unreadable(x, w->source, status);
	return false;
}

static void read_copy_back(struct object *x, bool touched)
{
	struct verifier *w = x->worker;
	struct migrate_get r = { .key = x->record->new_key,
				 .length = UINT64_MAX,
				 .flags = MIGRATE_FROM_DISK,
				 .sink = w->sink };
	struct migrate_digest expected, got;
	enum migrate_status status;
	uint64_t size = 0;

	if (!expected_digest(x, &expected))
		return;
	status = digest_stored(w, w->destination, &r,
			       (enum migrate_digest_algorithm)expected.algorithm, &got, &size);
	if (status != MIGRATE_OK) {
		unreadable(x, w->destination, status);
		return;
	}
	count_verified(x, &w->verify->result.read_back);
	if (size != x->record->size || !digest_equal(&expected, &got))
		verify_report(w, x->batch, x->n, DIFFERENT_BYTES,
			      "the copy holds other bytes (%s differs)",
			      digest_name((enum migrate_digest_algorithm)expected.algorithm));
	else if (touched)
		count_verified(x, &w->verify->result.touched);
}

/* ---- One object ---- */

static enum migrate_status stat_copy(struct object *x)
{
	struct verifier *w = x->worker;
	struct migrate_stat r = { .key = x->record->new_key, .object = &w->slot.object };
	enum migrate_status status;
	struct again a = again_new(w->verify->gate, false);

	do {
		object_slot_init(&w->slot, NULL);
		status = store_stat(w->destination, &r);
	} while (again(&a, w->destination, status));
	return status;
}

static bool known_digest_differs(const struct object *x)
{
	const struct migrate_digest *ours = &x->record->digest;
	const struct migrate_digest *theirs;

	if (!ours->n || ours->algorithm >= MIGRATE_DIGEST_COUNT)
		return false;
	theirs = &x->worker->slot.object.digests[ours->algorithm];
	return theirs->n && !digest_equal(ours, theirs);
}

static void verify_object(struct object *x)
{
	struct verifier *w = x->worker;
	const struct object_record *o = x->record;
	const struct migrate_object *found = &w->slot.object;
	enum migrate_status status = stat_copy(x);
	bool touched;

	if (status == MIGRATE_NOT_FOUND) {
		verify_report(w, x->batch, x->n, DIFFERENT_ABSENT, "there is no copy");
		return;
	}
	if (status != MIGRATE_OK) {
		unreadable(x, w->destination, status);
		return;
	}
	if (found->size != o->size) {
		verify_report(w, x->batch, x->n, DIFFERENT_SIZE,
			      "the copy has %llu bytes instead of %llu",
			      (unsigned long long)found->size, (unsigned long long)o->size);
		return;
	}
	if (known_digest_differs(x)) {
		verify_report(w, x->batch, x->n, DIFFERENT_BYTES,
			      "the destination's own digest differs");
		return;
	}
	touched = o->stored.n && !bytes_equal(found->etag, o->stored);
	if (touched || w->verify->options.readback)
		read_copy_back(x, touched);
}

/* Its newer version came to nothing, and rows of earlier passes name the older copy. */
static bool left_older_copy(const struct object_record *o)
{
	return (o->state == OBJECT_SKIPPED || o->state == OBJECT_FAILED ||
		o->state == OBJECT_GONE) &&
	       object_has_older_copy(o);
}

/* What it holds is whatever was in the newer one's way. */
static void verify_older(struct object *x)
{
	enum migrate_status status = stat_copy(x);

	if (status == MIGRATE_NOT_FOUND)
		verify_report(x->worker, x->batch, x->n, DIFFERENT_ABSENT,
			      "there is no copy, and an earlier pass called it there");
	else if (status != MIGRATE_OK)
		unreadable(x, x->worker->destination, status);
}

void verify_objects(struct verifier *w, const struct batch *b)
{
	struct verify_result *r = &w->verify->result;

	for (uint32_t i = 0; i < b->n && !halt_leaving(&w->verify->halt); i++) {
		struct object x = { w, b, i, &b->objects[i] };
		bool wanted = verify_wants(w, b, i);

		if (b->kind < BATCH_ROWS && left_older_copy(x.record) && verify_wants_rows(w, b, i))
			verify_older(&x);
		if (!object_is_there(x.record))
			continue;
		if (wanted && b->kind < BATCH_ROWS)
			verify_object(&x);
		pthread_mutex_lock(&w->verify->lock);
		r->objects += wanted;
		r->left_out += !wanted;
		r->bytes += x.record->size;
		pthread_mutex_unlock(&w->verify->lock);
	}
}
