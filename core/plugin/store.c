/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "plugin/end-impl.h"

/* Callers that do not ask for the object spare the plugin the question. */
static void want_object(struct migrate_session *s, struct migrate_object **object, size_t slot)
{
	if (*object)
		return;
	object_slot_init(&s->unwanted[slot], NULL);
	*object = &s->unwanted[slot].object;
}

/* After a call that filled an object: is it whole, and did an attribute not fit? */
static int object_filled(struct migrate_session *s, int status, const struct migrate_object *o)
{
	if (status != MIGRATE_OK)
		return status;
	object_is_sound(s, o);
	if (o->attributes && attributes_refused(o->attributes)[0])
		migrate_lost_attribute(s, attributes_refused(o->attributes));
	return status;
}

enum migrate_status store_accepts(struct migrate_session *s, struct migrate_bytes key)
{
	struct migrate_accepts r = { .session = s, .key = key };

	if (s->store && !s->store->accepts)
		return MIGRATE_OK;
	return CALL(s, store, accepts, &r);
}

enum migrate_status store_stat(struct migrate_session *s, struct migrate_stat *r)
{
	int status;

	if (!s->store || !s->store->stat)
		return call_absent(s);
	r->session = s;
	want_object(s, &r->object, 0);
	call_begin(s, "stat");
	status = (int)s->store->stat(s->self, r);
	return call_end(s, "stat", object_filled(s, status, r->object));
}

enum migrate_status store_get(struct migrate_session *s, struct migrate_get *r)
{
	int status;

	if (!s->store || !s->store->get)
		return call_absent(s);
	r->session = s;
	want_object(s, &r->object, 0);
	call_begin(s, "get");
	status = (int)s->store->get(s->self, r);
	if (sink_overflowed(r->sink) && !migrate_cancelled(s))
		status = (int)migrate_fail(s, MIGRATE_CHANGED,
					   "it holds more bytes than it was said to hold");
	return call_end(s, "get", object_filled(s, status, r->object));
}

enum migrate_status store_put(struct migrate_session *s, struct migrate_put *r)
{
	int status;

	if (!s->store || !s->store->put)
		return call_absent(s);
	r->session = s;
	want_object(s, &r->object, 0);
	call_begin(s, "put");
	status = (int)s->store->put(s->self, r);
	status = object_filled(s, status, r->object);
	if (status == MIGRATE_OK && r->object->size != r->size)
		call_nonsense(s, "it stored %llu of %llu bytes and said OK",
			      (unsigned long long)r->object->size, (unsigned long long)r->size);
	return call_end(s, "put", status);
}

bool store_can_copy(struct migrate_session *s, struct migrate_session *source)
{
	struct migrate_can_copy r = { .session = s, .source = source->self };

	if (!s->store || !s->store->copy || s->end->plugin != source->end->plugin)
		return false;
	return CALL(s, store, can_copy, &r) == MIGRATE_OK;
}

enum migrate_status store_copy(struct migrate_session *s, struct migrate_session *source,
			       struct migrate_copy *r)
{
	int status;

	if (!s->store || !s->store->copy || s->end->plugin != source->end->plugin)
		return call_absent(s);
	r->session = s;
	r->source = source->self;
	want_object(s, &r->stored, 0);
	want_object(s, &r->original, 1);
	call_begin(s, "copy");
	status = (int)s->store->copy(s->self, r);
	status = object_filled(s, status, r->stored);
	status = object_filled(s, status, r->original);
	if (status == MIGRATE_OK && r->stored->size != r->original->size)
		call_nonsense(s, "it copied %llu of %llu bytes and said OK",
			      (unsigned long long)r->stored->size,
			      (unsigned long long)r->original->size);
	return call_end(s, "copy", status);
}

enum migrate_status store_complete(struct migrate_session *s, struct migrate_complete *r)
{
	int status;

	if (!s->store || !s->store->complete)
		return call_absent(s);
	r->session = s;
	want_object(s, &r->object, 0);
	call_begin(s, "complete");
	status = (int)s->store->complete(s->self, r);
	return call_end(s, "complete", object_filled(s, status, r->object));
}

enum migrate_status store_abort(struct migrate_session *s, struct migrate_abort *r)
{
	r->session = s;
	return CALL(s, store, abort, r);
}

enum migrate_status store_remove(struct migrate_session *s, struct migrate_remove *r)
{
	int status;

	if (!s->store || !s->store->remove)
		return call_absent(s);
	for (size_t i = 0; i < r->count; i++)
		r->objects[i]->status = -1;
	r->session = s;
	call_begin(s, "remove");
	status = (int)s->store->remove(s->self, r);
	for (size_t i = 0; status == MIGRATE_OK && i < r->count; i++)
		if (r->objects[i]->status < 0 || r->objects[i]->status >= MIGRATE_STATUS_COUNT)
			call_nonsense(s, "removal %zu has no status", i);
	return call_end(s, "remove", status);
}

/* A store without it is durable when put() returns. */
enum migrate_status store_sync(struct migrate_session *s)
{
	struct migrate_sync r = { .session = s };

	if (s->store && !s->store->sync)
		return MIGRATE_OK;
	return CALL(s, store, sync, &r);
}

/* A store without it leaves nothing behind. */
enum migrate_status store_sweep(struct migrate_session *s, struct migrate_bytes key)
{
	struct migrate_sweep r = { .session = s, .key = key };

	if (s->store && !s->store->sweep)
		return MIGRATE_OK;
	return CALL(s, store, sweep, &r);
}
