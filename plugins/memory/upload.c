/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

static bool is_upload(const struct upload *u, struct migrate_bytes key, struct migrate_bytes id)
{
	return matches(u->id, id) && u->nkey == key.n && !memcmp(u->key, key.p, key.n);
}

/* The lock must be held: where the upload hangs, or *link = NULL at the end. */
static struct upload **find(struct table *t, struct migrate_bytes key, struct migrate_bytes id)
{
	struct upload **link = &t->uploads;

	while (*link && !is_upload(*link, key, id))
		link = &(*link)->next;
	return link;
}

static void upload_free(struct upload *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->part_count; i++)
		free(u->parts[i].bytes);
	free(u->parts);
	free(u->key);
	object_unref(u->object);
	free(u);
}

enum migrate_status memory_upload(void *self, struct migrate_upload *r)
{
	const struct memory *m = self;
	struct table *t = m->table;
	struct upload *u = calloc(1, sizeof(*u));
	char id[24];

	if (!u || !(u->key = malloc(r->key.n + 1)) || !(u->object = object_synthetic(r->size, 0)) ||
	    !object_set_attributes(u->object, r->attributes)) {
		upload_free(u);
		return migrate_fail(r->session, MIGRATE_NO_SPACE, "no memory for an upload");
	}
	memcpy(u->key, r->key.p, r->key.n);
	u->nkey = r->key.n;
	memcpy(u->job, migrate_job_id(r->session), sizeof(u->job));
	pthread_mutex_lock(&t->lock);
	table_number(t, 'u', id);
	memcpy(u->id, id, sizeof(id));
	u->next = t->uploads;
	t->uploads = u;
	pthread_mutex_unlock(&t->lock);
	return migrate_set_upload(r, id, strlen(id)) ? MIGRATE_OK : MIGRATE_FATAL;
}

/* The lock must be held. A part that is sent again replaces the one before. */
static bool add_part(struct upload *u, const struct part *part)
{
	struct part *parts;

	for (size_t i = 0; i < u->part_count; i++)
		if (u->parts[i].number == part->number) {
			free(u->parts[i].bytes);
			u->parts[i] = *part;
			return true;
		}
	parts = realloc(u->parts, (u->part_count + 1) * sizeof(*parts));
	if (!parts)
		return false;
	u->parts = parts;
	parts[u->part_count++] = *part;
	return true;
}

static enum migrate_status keep_part(struct table *t, struct migrate_part *r, struct part *part)
{
	enum migrate_status status = MIGRATE_OK;
	struct upload *u;

	pthread_mutex_lock(&t->lock);
	u = *find(t, r->key, r->id);
	table_number(t, 'p', part->token);
	if (!u)
		status = MIGRATE_NOT_FOUND;
	else if (!add_part(u, part))
		status = MIGRATE_NO_SPACE;
	pthread_mutex_unlock(&t->lock);
	return status;
}

enum migrate_status memory_part(void *self, struct migrate_part *r)
{
	const struct memory *m = self;
	enum migrate_status status = memory_delay(m, r->session);
	struct part part = { .number = r->number, .offset = r->offset, .size = r->size };
	struct object *o;

	if (status != MIGRATE_OK)
		return status;
	o = object_new(r->size, r->session);
	if (!o)
		return MIGRATE_NO_SPACE;
	status = memory_read_body(r->session, r->body, o, &r->expected);
	part.bytes = o->bytes;
	if (status == MIGRATE_OK)
		status = keep_part(m->table, r, &part);
	if (status == MIGRATE_OK)
		o->bytes = NULL; /* the upload's from now on */
	object_unref(o);
	if (status == MIGRATE_OK && !migrate_set_part(r, part.token, strlen(part.token)))
		return MIGRATE_FATAL;
	return status;
}

enum migrate_status memory_parts(void *self, struct migrate_parts *r)
{
	struct table *t = ((const struct memory *)self)->table;
	enum migrate_status status = MIGRATE_OK;
	const struct upload *u;

	pthread_mutex_lock(&t->lock);
	u = *find(t, r->key, r->id);
	if (!u)
		status = MIGRATE_NOT_FOUND;
	for (size_t i = 0; u && i < u->part_count; i++) {
		const struct part *p = &u->parts[i];

		if (!migrate_emit_part(r, p->number, p->size, p->token, strlen(p->token)))
			status = MIGRATE_CANCELLED;
	}
	pthread_mutex_unlock(&t->lock);
	return status;
}

enum migrate_status memory_uploads(void *self, struct migrate_uploads *r)
{
	struct table *t = ((const struct memory *)self)->table;
	enum migrate_status status = MIGRATE_OK;

	pthread_mutex_lock(&t->lock);
	for (const struct upload *u = t->uploads; u; u = u->next) {
		if (strcmp(u->job, migrate_job_id(r->session)) != 0 ||
		    !begins_with(u->key, u->nkey, r->prefix))
			continue;
		if (!migrate_emit_upload(r, u->key, u->nkey, u->id, strlen(u->id)))
			status = MIGRATE_CANCELLED;
	}
	pthread_mutex_unlock(&t->lock);
	return status;
}

static const struct part *part_of(const struct upload *u, const struct migrate_done_part *done)
{
	for (size_t i = 0; i < u->part_count; i++) {
		const struct part *p = &u->parts[i];

		if (p->number == done->number)
			return p->size == done->size && matches(p->token, done->token) ? p : NULL;
	}
	return NULL;
}

/* The bytes of all parts, one behind the other; NULL with *status set. */
static struct object *assemble(const struct upload *u, const struct migrate_complete *r,
			       enum migrate_status *status)
{
	struct object *o = object_new(r->size, r->session);
	uint64_t at = 0;

	*status = o ? MIGRATE_OK : MIGRATE_NO_SPACE;
	for (size_t i = 0; *status == MIGRATE_OK && i < r->count; i++) {
		const struct part *p = part_of(u, r->parts[i]);

		if (!p || p->offset != at || p->size > r->size - at) {
			*status =
			    migrate_fail(r->session, MIGRATE_MISMATCH,
					 "part %u is missing or another one", r->parts[i]->number);
			break;
		}
		memcpy(o->bytes + at, p->bytes, (size_t)p->size);
		at += p->size;
	}
	if (*status == MIGRATE_OK && at != r->size)
		*status =
		    migrate_fail(r->session, MIGRATE_MISMATCH, "the parts hold %llu of %llu bytes",
				 (unsigned long long)at, (unsigned long long)r->size);
	if (*status == MIGRATE_OK)
		return o;
	object_unref(o);
	return NULL;
}

static void move_attributes(struct object *to, struct object *from)
{
	to->attributes = from->attributes;
	to->attribute_count = from->attribute_count;
	from->attributes = NULL;
	from->attribute_count = 0;
}

/* Take the upload out, so that nobody adds a part meanwhile; it goes back if this fails. */
static enum migrate_status complete(const struct memory *m, struct migrate_complete *r,
				    struct upload *u)
{
	enum migrate_status status;
	struct object *o = assemble(u, r, &status);

	if (!o)
		return status;
	memory_add_digest(m, o);
	move_attributes(o, u->object);
	atomic_fetch_add(&o->references, 1);
	status = table_set(m->table, r->key, o, r->precondition, r->if_match);
	if (status == MIGRATE_OK)
		object_tell(o, r->object);
	else
		move_attributes(u->object, o);
	object_unref(o);
	return status;
}

static struct upload *take_out(struct table *t, struct migrate_bytes key, struct migrate_bytes id)
{
	struct upload **link, *u;

	pthread_mutex_lock(&t->lock);
	link = find(t, key, id);
	u = *link;
	if (u)
		*link = u->next;
	pthread_mutex_unlock(&t->lock);
	return u;
}

enum migrate_status memory_complete(void *self, struct migrate_complete *r)
{
	const struct memory *m = self;
	struct table *t = m->table;
	enum migrate_status status = memory_delay(m, r->session);
	struct upload *u = status == MIGRATE_OK ? take_out(t, r->key, r->id) : NULL;

	if (!u)
		return status == MIGRATE_OK ? MIGRATE_NOT_FOUND : status;
	status = complete(m, r, u);
	if (status == MIGRATE_OK) {
		upload_free(u);
		return status;
	}
	pthread_mutex_lock(&t->lock);
	u->next = t->uploads;
	t->uploads = u;
	pthread_mutex_unlock(&t->lock);
	return status;
}

enum migrate_status memory_abort(void *self, struct migrate_abort *r)
{
	const struct memory *m = self;

	upload_free(take_out(m->table, r->key, r->id));
	return MIGRATE_OK;
}
