/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/bytes.h"

#include <limits.h>

/* What the writer needs of a call; on the caller's stack. */
struct batches {
	struct batch *const *batches;
	size_t n;
};

/* The merge and the look-up of keys rely on it. */
static int check_order(const struct batch *b, struct error *err)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct migrate_bytes key = b->objects[i].key;

		if (key.n && (!i || b->kind != BATCH_SORTED ||
			      bytes_compare(b->objects[i - 1].key, key) < 0))
			continue;
		return error_set(err, EXIT_INTERNAL, "keys of a batch are not in order at '%.*s'",
				 key.n < INT_MAX ? (int)key.n : INT_MAX,
				 key.p ? (const char *)key.p : "");
	}
	return 0;
}

static bool supersedes(const struct object_record *o)
{
	return o->state != OBJECT_MOVED && o->moved_batch;
}

/* The older record of b's i-th object says from now on that it is here. */
static enum result point_here(struct connection *c, const struct batch *b, uint32_t i,
			      struct batch *old, struct error *err)
{
	uint32_t n = b->objects[i].moved_n;

	if (n >= old->n)
		return journal_damaged(c, err, "batch %lld has no object %u", (long long)old->id,
				       n);
	if (journal_batch_has_holes(old) && old->objects[n].state != OBJECT_MOVED)
		journal_batch_uncount(old, &old->objects[n]);
	old->objects[n].state = OBJECT_MOVED;
	old->objects[n].moved_batch = b->id;
	old->objects[n].moved_n = i;
	old->objects[n].dirty = true;
	return RESULT_OK;
}

/* Older records of the objects of b, one older batch after the other. */
static enum result supersede(struct connection *c, const struct batch *b, struct error *err)
{
	struct batch *old = NULL;
	enum result r = RESULT_OK;

	for (uint32_t i = 0; !r && i <= b->n; i++) {
		int64_t id = i < b->n && supersedes(&b->objects[i]) ? b->objects[i].moved_batch : 0;

		if (old && (i == b->n || (id && id != old->id))) {
			batch_recount(old);
			r = journal_batch_save(c, old, err);
			batch_free(old);
			old = NULL;
		}
		if (!r && id && !old)
			r = journal_batch_must_load(c, id, &old, err);
		if (!r && id)
			r = point_here(c, b, i, old, err);
	}
	batch_free(old);
	return r;
}

static enum result apply_plan(struct connection *c, void *arg, struct error *err)
{
	struct batches *a = arg;
	enum result r = RESULT_OK;

	for (size_t i = 0; !r && i < a->n; i++) {
		r = c->backend->batch_insert(c, a->batches[i], err);
		if (!r)
			r = supersede(c, a->batches[i], err);
	}
	return r;
}

int journal_plan(struct journal *j, struct batch *const *batches, size_t n, struct error *err)
{
	struct batches a = { .batches = batches, .n = n };

	for (size_t i = 0; i < n; i++) {
		if (check_order(batches[i], err))
			return -1;
		batch_recount(batches[i]);
	}
	return n ? journal_write(j, apply_plan, &a, err) : 0;
}

static enum result apply_began(struct connection *c, void *arg, struct error *err)
{
	struct batches *a = arg;
	enum result r = RESULT_OK;

	for (size_t i = 0; !r && i < a->n; i++)
		r = c->backend->batch_set(c, a->batches[i], SET_STATE | SET_BEGAN, err);
	return r;
}

int journal_began(struct journal *j, struct batch *const *batches, size_t n, struct error *err)
{
	struct batches a = { .batches = batches, .n = n };

	return n ? journal_write(j, apply_began, &a, err) : 0;
}

static enum result apply_save(struct connection *c, void *arg, struct error *err)
{
	struct batches *a = arg;
	enum result r = RESULT_OK;

	for (size_t i = 0; !r && i < a->n; i++)
		r = journal_batch_save(c, a->batches[i], err);
	return r;
}

int journal_save(struct journal *j, struct batch *const *batches, size_t n, struct error *err)
{
	struct batches a = { .batches = batches, .n = n };

	for (size_t i = 0; i < n; i++)
		batch_recount(batches[i]);
	return n ? journal_write(j, apply_save, &a, err) : 0;
}

struct move {
	struct batch *from, *to;
	const uint32_t *which;
};

static enum result apply_move(struct connection *c, void *arg, struct error *err)
{
	struct move *m = arg;
	enum result r = c->backend->batch_insert(c, m->to, err);

	for (uint32_t i = 0; i < m->to->n; i++)
		m->from->objects[m->which[i]].moved_batch = m->to->id;
	if (!r)
		r = c->backend->objects_set(c, m->from, m->which, m->to->n, err);
	return r ? r : journal_batch_save(c, m->from, err);
}

int journal_move(struct journal *j, struct batch *from, const uint32_t *which, struct batch *to,
		 struct error *err)
{
	struct move m = { .from = from, .to = to, .which = which };
	bool holes = journal_batch_has_holes(from);

	if (check_order(to, err))
		return -1;
	for (uint32_t i = 0; i < to->n; i++) {
		struct object_record *o = &from->objects[which[i]];

		if (holes && o->state != OBJECT_MOVED)
			journal_batch_uncount(from, o);
		o->state = OBJECT_MOVED;
		o->moved_n = i;
	}
	batch_recount(from);
	batch_recount(to);
	return journal_write(j, apply_move, &m, err);
}

static enum result apply_upload(struct connection *c, void *arg, struct error *err)
{
	return c->backend->upload_set(c, arg, err);
}

int journal_upload(struct journal *j, const struct upload_record *upload, struct error *err)
{
	struct upload_record copy = *upload;

	return journal_write(j, apply_upload, &copy, err);
}

static enum result apply_upload_gone(struct connection *c, void *arg, struct error *err)
{
	const struct migrate_bytes *new_key = arg;

	return c->backend->upload_drop(c, *new_key, err);
}

int journal_upload_gone(struct journal *j, struct migrate_bytes new_key, struct error *err)
{
	return journal_write(j, apply_upload_gone, &new_key, err);
}

struct hung {
	const int64_t *batches;
	const uint32_t *objects;
	size_t n;
};

static enum result apply_hung(struct connection *c, void *arg, struct error *err)
{
	struct hung *h = arg;
	enum result r = RESULT_OK;

	for (size_t i = 0; !r && i < h->n; i++)
		r = c->backend->object_hung(c, h->batches[i], h->objects[i], err);
	return r;
}

int journal_hung(struct journal *j, const int64_t *batches, const uint32_t *objects, size_t n,
		 struct error *err)
{
	struct hung h = { .batches = batches, .objects = objects, .n = n };

	return n ? journal_write(j, apply_hung, &h, err) : 0;
}

static enum result apply_drop(struct connection *c, void *arg, struct error *err)
{
	return c->backend->batch_drop(c, arg, err);
}

int journal_drop_done(struct journal *j, struct batch *b, struct error *err)
{
	if (b->state != BATCH_DONE)
		BUG("batch %lld is dropped in state %d", (long long)b->id, b->state);
	return journal_write(j, apply_drop, b, err);
}
