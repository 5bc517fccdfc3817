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
static int point_here(struct connection *c, const struct batch *b, uint32_t i, struct batch *old)
{
	uint32_t n = b->objects[i].moved_n;

	if (n >= old->n)
		return connection_damaged(c, "batch %lld has no object %u", (long long)old->id, n);
	if (journal_batch_has_holes(old) && old->objects[n].state != OBJECT_MOVED)
		journal_batch_uncount(old, &old->objects[n]);
	old->objects[n].state = OBJECT_MOVED;
	old->objects[n].moved_batch = b->id;
	old->objects[n].moved_n = i;
	old->objects[n].dirty = true;
	return SQLITE_OK;
}

/* Older records of the objects of b, one older batch after the other. */
static int supersede(struct connection *c, const struct batch *b)
{
	struct batch *old = NULL;
	int rc = SQLITE_OK;

	for (uint32_t i = 0; !rc && i <= b->n; i++) {
		int64_t id = i < b->n && supersedes(&b->objects[i]) ? b->objects[i].moved_batch : 0;

		if (old && (i == b->n || (id && id != old->id))) {
			batch_recount(old);
			rc = journal_batch_save(c, old);
			batch_free(old);
			old = NULL;
		}
		if (!rc && id && !old) {
			rc = journal_batch_load(c, id, &old);
			rc = rc == SQLITE_ROW ? SQLITE_OK
			     : rc == SQLITE_DONE
				 ? connection_damaged(c, "batch %lld is missing", (long long)id)
				 : rc;
		}
		if (!rc && id)
			rc = point_here(c, b, i, old);
	}
	batch_free(old);
	return rc;
}

static int apply_plan(struct connection *c, void *arg)
{
	struct batches *a = arg;
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < a->n; i++) {
		rc = journal_batch_insert(c, a->batches[i]);
		if (!rc)
			rc = supersede(c, a->batches[i]);
	}
	return rc;
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

static int apply_began(struct connection *c, void *arg)
{
	struct batches *a = arg;
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < a->n; i++)
		rc = journal_batch_set(c, a->batches[i], SET_STATE | SET_BEGAN);
	return rc;
}

int journal_began(struct journal *j, struct batch *const *batches, size_t n, struct error *err)
{
	struct batches a = { .batches = batches, .n = n };

	return n ? journal_write(j, apply_began, &a, err) : 0;
}

static int apply_save(struct connection *c, void *arg)
{
	struct batches *a = arg;
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < a->n; i++)
		rc = journal_batch_save(c, a->batches[i]);
	return rc;
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

static int apply_move(struct connection *c, void *arg)
{
	struct move *m = arg;
	int rc = journal_batch_insert(c, m->to);

	for (uint32_t i = 0; !rc && i < m->to->n; i++) {
		struct object_record *o = &m->from->objects[m->which[i]];

		o->moved_batch = m->to->id;
		if (!o->dirty) /* else it is saved with the batch */
			rc = journal_object_update(c, m->from->id, m->which[i], o);
	}
	return rc ? rc : journal_batch_save(c, m->from);
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

static int apply_upload(struct connection *c, void *arg)
{
	const struct upload_record *u = arg;
	struct statement s = statement(c, SQL_UPLOAD_ADD);

	bind_bytes(&s, u->new_key);
	bind_bytes(&s, u->id);
	bind_size(&s, u->part_size);
	bind_bytes(&s, u->etag);
	bind_size(&s, u->size);
	bind_integer(&s, u->mtime);
	return statement_run(&s);
}

int journal_upload(struct journal *j, const struct upload_record *upload, struct error *err)
{
	struct upload_record copy = *upload;

	return journal_write(j, apply_upload, &copy, err);
}

static int apply_upload_gone(struct connection *c, void *arg)
{
	const struct migrate_bytes *new_key = arg;
	struct statement s = statement(c, SQL_UPLOAD_DROP);

	bind_bytes(&s, *new_key);
	return statement_run(&s);
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

static int apply_hung(struct connection *c, void *arg)
{
	struct hung *h = arg;
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < h->n; i++)
		rc = journal_object_hung(c, h->batches[i], h->objects[i]);
	return rc;
}

int journal_hung(struct journal *j, const int64_t *batches, const uint32_t *objects, size_t n,
		 struct error *err)
{
	struct hung h = { .batches = batches, .objects = objects, .n = n };

	return n ? journal_write(j, apply_hung, &h, err) : 0;
}

static int apply_drop(struct connection *c, void *arg)
{
	static const enum statement_id steps[] = { SQL_ROW_DROP, SQL_OBJECT_DROP };
	const struct batch *b = arg;
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct statement s = statement(c, steps[i]);

		bind_integer(&s, b->id);
		rc = statement_run(&s);
	}
	return rc ? rc : journal_batch_set(c, b, SET_DROPPED);
}

int journal_drop_done(struct journal *j, struct batch *b, struct error *err)
{
	if (b->state != BATCH_DONE)
		BUG("batch %lld is dropped in state %d", (long long)b->id, b->state);
	return journal_write(j, apply_drop, b, err);
}
