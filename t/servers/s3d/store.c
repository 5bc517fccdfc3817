/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <stdlib.h>
#include <string.h>

struct blob *blob_new(size_t len)
{
	struct blob *b = must_alloc(sizeof(*b) + len + 1);

	atomic_init(&b->refs, 1);
	b->len = len;
	b->p[len] = '\0';
	return b;
}

struct blob *blob_ref(struct blob *b)
{
	atomic_fetch_add(&b->refs, 1);
	return b;
}

void blob_unref(struct blob *b)
{
	if (b && atomic_fetch_sub(&b->refs, 1) == 1)
		free(b);
}

const char *attrs_get(const struct attrs *a, const char *name)
{
	for (size_t i = 0; i < a->count; i++) {
		if (!strcmp(a->v[i].name, name))
			return a->v[i].value;
	}
	return NULL;
}

void attrs_set(struct attrs *a, const char *name, const char *value)
{
	for (size_t i = 0; i < a->count; i++) {
		if (!strcmp(a->v[i].name, name)) {
			free(a->v[i].value);
			a->v[i].value = must_text(value);
			return;
		}
	}
	a->v = must_grow(a->v, (a->count + 1) * sizeof(*a->v));
	a->v[a->count++] = (struct attr){ must_text(name), must_text(value) };
}

void attrs_copy(struct attrs *to, const struct attrs *from)
{
	for (size_t i = 0; i < from->count; i++)
		attrs_set(to, from->v[i].name, from->v[i].value);
}

void attrs_release(struct attrs *a)
{
	for (size_t i = 0; i < a->count; i++) {
		free(a->v[i].name);
		free(a->v[i].value);
	}
	free(a->v);
	*a = (struct attrs){ NULL, 0 };
}

struct object *object_new(void)
{
	return must_zero(sizeof(struct object));
}

void object_free(struct object *o)
{
	if (!o)
		return;
	blob_unref(o->data);
	attrs_release(&o->attrs);
	attrs_release(&o->tags);
	free(o->acl);
	free(o->part_sizes);
	free(o);
}

void part_free(struct part *p)
{
	if (!p)
		return;
	blob_unref(p->data);
	free(p);
}

static void upload_free(struct upload *u)
{
	for (unsigned i = 0; i < u->part_slots; i++)
		part_free(u->parts[i]);
	free(u->parts);
	object_free(u->meta);
	free(u->key);
	free(u);
}

struct bucket *store_bucket(struct store *s, const char *name)
{
	return skip_get(&s->buckets, bytes_of(name));
}

struct bucket *store_add_bucket(struct store *s, const char *name, const char *region, int64_t now)
{
	struct bucket *b = must_zero(sizeof(*b));

	b->name = must_text(name);
	b->region = must_text(region);
	b->created = now;
	skip_put(&s->buckets, bytes_of(b->name), b);
	return b;
}

void store_drop_bucket(struct store *s, const char *name)
{
	struct bucket *b = skip_take(&s->buckets, bytes_of(name));
	struct skip_node *node;

	if (!b)
		return;
	while ((node = b->objects.first[0]))
		object_free(skip_take(&b->objects, node->key));
	while ((node = b->uploads.first[0]))
		upload_free(skip_take(&b->uploads, node->key));
	free(b->name);
	free(b->region);
	free(b);
}

void store_clear(struct store *s)
{
	struct skip_node *node;

	while ((node = s->buckets.first[0]))
		store_drop_bucket(s, ((struct bucket *)node->value)->name);
}

struct object *bucket_object(struct bucket *b, struct bytes key)
{
	return skip_get(&b->objects, key);
}

void bucket_put_object(struct bucket *b, struct bytes key, struct object *o)
{
	object_free(skip_put(&b->objects, key, o));
}

bool bucket_drop_object(struct bucket *b, struct bytes key)
{
	struct object *o = skip_take(&b->objects, key);

	object_free(o);
	return o;
}

static void upload_name(struct text *name, struct bytes key, const char *id)
{
	text_put_bytes(name, key);
	text_add(name, "", 1);
	text_puts(name, id);
}

struct upload *bucket_upload(struct bucket *b, struct bytes key, const char *id)
{
	struct text name = { NULL, 0, 0 };
	struct upload *u;

	upload_name(&name, key, id);
	u = skip_get(&b->uploads, (struct bytes){ name.p, name.len });
	text_release(&name);
	return u;
}

void bucket_put_upload(struct bucket *b, struct upload *u)
{
	struct text name = { NULL, 0, 0 };

	upload_name(&name, (struct bytes){ u->key, u->key_len }, u->id);
	skip_put(&b->uploads, (struct bytes){ name.p, name.len }, u);
	text_release(&name);
}

void bucket_drop_upload(struct bucket *b, struct upload *u)
{
	struct text name = { NULL, 0, 0 };

	upload_name(&name, (struct bytes){ u->key, u->key_len }, u->id);
	skip_take(&b->uploads, (struct bytes){ name.p, name.len });
	text_release(&name);
	upload_free(u);
}
