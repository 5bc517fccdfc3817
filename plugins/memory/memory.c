/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

static const struct migrate_option options[] = {
	{ .name = "name",
	  MIGRATE_STRING(struct config, name),
	  .klass = MIGRATE_IDENTITY,
	  .flags = MIGRATE_REQUIRED,
	  .help = "which store in memory: ends of one process that give the same name share it" },
	{ .name = "objects",
	  MIGRATE_INTEGER(struct config, objects),
	  .klass = MIGRATE_IDENTITY,
	  .value = "0",
	  .max = 100000000,
	  .help = "how many objects are in it at first, with bytes that are made up and always "
		  "the same" },
	{ .name = "object_size",
	  MIGRATE_SIZE(struct config, object_size),
	  .klass = MIGRATE_IDENTITY,
	  .value = "4KiB",
	  .help = "bytes in each of these" },
	{ .name = "prefix",
	  MIGRATE_STRING(struct config, prefix),
	  .klass = MIGRATE_IDENTITY,
	  .value = "object/",
	  .help = "what their keys begin with; a number of eight digits and .bin follow" },
	{ .name = "digest",
	  MIGRATE_CHOICE(struct config, digest, "sha256|md5|none"),
	  .value = "sha256",
	  .help = "the digest that is taken of each object and told with it" },
	{ .name = "latency",
	  MIGRATE_DURATION(struct config, latency),
	  .value = "0s",
	  .help = "how long each request takes at least, to try what a slow network does" },
};

static enum migrate_status memory_open(struct migrate_open *r)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (!m)
		return migrate_fail(r->session, MIGRATE_FATAL, "out of memory");
	memcpy(&m->config, r->config, sizeof(m->config));
	m->table = table_get(&m->config);
	if (!m->table) {
		free(m);
		return migrate_fail(r->session, MIGRATE_FATAL, "no memory for %lld objects",
				    (long long)((const struct config *)r->config)->objects);
	}
	r->instance = m;
	return MIGRATE_OK;
}

static void memory_close(void *instance)
{
	free(instance);
}

static enum migrate_status memory_begin(struct migrate_begin *r)
{
	r->self = r->instance;
	return MIGRATE_OK;
}

static void memory_end(void *self)
{
	(void)self; /* it is the instance, which close() frees */
}

enum migrate_status memory_delay(const struct memory *m, struct migrate_session *session)
{
	if (m->config.latency && migrate_wait(session, -1, 0, m->config.latency) < 0)
		return MIGRATE_CANCELLED;
	return migrate_cancelled(session) ? MIGRATE_CANCELLED : MIGRATE_OK;
}

static enum migrate_status memory_identity(void *self, struct migrate_identity *r)
{
	const struct memory *m = self;
	char text[512];
	size_t n = strlen(m->config.name);

	if (n > sizeof(text) - sizeof("memory:"))
		return migrate_fail(r->session, MIGRATE_INVALID, "name: %zu bytes are too long", n);
	memcpy(text, "memory:", sizeof("memory:"));
	memcpy(text + strlen(text), m->config.name, n + 1);
	return migrate_set_identity(r, text)
		   ? MIGRATE_OK
		   : migrate_fail(r->session, MIGRATE_INVALID, "name: it cannot be an identity");
}

static enum migrate_status memory_describe(void *self, struct migrate_describe *r)
{
	static const char *const kept[] = {
		"content-type",
		"content-encoding",
		"content-language",
		"content-disposition",
		"cache-control",
		"expires",
		"storage-class",
		"acl",
		"mtime",
		"mode",
		"owner",
		"meta:*",
		"tag:*",
		"xattr:*",
	};
	const struct memory *m = self;

	r->flags = MIGRATE_ORDERED | MIGRATE_DURABLE_CURSOR | MIGRATE_CREATE_ONLY |
		   MIGRATE_REPLACE_MATCH | MIGRATE_GET_MATCH | MIGRATE_REMOVE_MATCH |
		   MIGRATE_RANGES | MIGRATE_VERBATIM | MIGRATE_VOLATILE;
	r->part_min = 1;
	r->mtime_resolution = 1;
	if (m->config.digest != DIGEST_NONE)
		r->digests = 1u << (m->config.digest == DIGEST_MD5 ? MIGRATE_MD5 : MIGRATE_SHA256);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		migrate_keeps(r, kept[i], 0);
	return MIGRATE_OK;
}

static enum migrate_status memory_probe(void *self, struct migrate_probe *r)
{
	return memory_delay(self, r->session);
}

/* The key to go on behind: the cursor, if there is one, is the last key of the page before. */
static size_t list_start(const struct table *t, const struct migrate_list *r)
{
	struct migrate_bytes behind = r->cursor.n ? r->cursor : r->after;
	size_t at = table_position(t, behind);
	size_t first = table_position(t, r->prefix);

	if (behind.n && entry_is(t, at, behind))
		at++;
	return at > first ? at : first;
}

static enum migrate_status memory_list(void *self, struct migrate_list *r)
{
	const struct memory *m = self;
	struct table *t = m->table;
	enum migrate_status status = memory_delay(m, r->session);
	const struct entry *last = NULL;
	size_t at;
	uint32_t n = 0;

	if (status != MIGRATE_OK)
		return status;
	pthread_mutex_lock(&t->lock);
	r->done = true;
	for (at = list_start(t, r); at < t->n; at++, n++) {
		const struct entry *e = t->entries[at];
		struct migrate_object *o;

		if (!begins_with(e->key, e->n, r->prefix))
			break;
		if (n == r->limit) {
			r->done = false;
			break;
		}
		o = migrate_emit_object(r, e->key, e->n);
		if (!o) {
			status = MIGRATE_CANCELLED;
			break;
		}
		object_tell(e->object, o);
		last = e;
	}
	/* A key may be longer than a cursor: then the core goes on with `after`. */
	if (last && last->n <= MIGRATE_CURSOR_MAX && !migrate_set_cursor(r, last->key, last->n))
		status = MIGRATE_CANCELLED;
	pthread_mutex_unlock(&t->lock);
	return status;
}

/* Made-up objects get their digest when somebody asks, and only in the answer. */
static void tell(const struct memory *m, const struct object *o, struct migrate_object *out)
{
	enum migrate_digest_algorithm algorithm =
	    m->config.digest == DIGEST_MD5 ? MIGRATE_MD5 : MIGRATE_SHA256;
	struct migrate_digest d;

	object_tell(o, out);
	if (!o->digest.n && m->config.digest != DIGEST_NONE && object_digest(o, algorithm, &d))
		migrate_set_digest(out, algorithm, d.bytes, d.n);
}

static enum migrate_status memory_stat(void *self, struct migrate_stat *r)
{
	const struct memory *m = self;
	enum migrate_status status = memory_delay(m, r->session);
	struct object *o = status == MIGRATE_OK ? table_find(m->table, r->key) : NULL;

	if (!o)
		return status == MIGRATE_OK ? MIGRATE_NOT_FOUND : status;
	tell(m, o, r->object);
	object_unref(o);
	return MIGRATE_OK;
}

static enum migrate_status push(const struct object *o, uint64_t offset, uint64_t length,
				struct migrate_sink *sink)
{
	while (length) {
		size_t n;
		unsigned char *to = migrate_sink_space(sink, &n);

		if (!to)
			return MIGRATE_CANCELLED;
		n = n < length ? n : (size_t)length;
		object_read(o, offset, to, n);
		if (!migrate_sink_filled(sink, n))
			return MIGRATE_CANCELLED;
		offset += n;
		length -= n;
	}
	return MIGRATE_OK;
}

static enum migrate_status get(const struct memory *m, struct migrate_get *r,
			       const struct object *o)
{
	struct object *now;
	uint64_t left;
	enum migrate_status status;

	if (r->if_match.n && !matches(o->etag, r->if_match))
		return MIGRATE_CHANGED;
	if (r->offset > o->size)
		return migrate_fail(r->session, MIGRATE_INVALID, "offset %llu is behind its end",
				    (unsigned long long)r->offset);
	tell(m, o, r->object);
	left = o->size - r->offset;
	status = push(o, r->offset, r->length < left ? r->length : left, r->sink);
	if (status != MIGRATE_OK || !r->if_match.n)
		return status;
	now = table_find(m->table, r->key);
	status = now == o ? MIGRATE_OK : MIGRATE_CHANGED;
	object_unref(now);
	return status;
}

static enum migrate_status memory_get(void *self, struct migrate_get *r)
{
	const struct memory *m = self;
	enum migrate_status status = memory_delay(m, r->session);
	struct object *o = status == MIGRATE_OK ? table_find(m->table, r->key) : NULL;

	if (!o)
		return status == MIGRATE_OK ? MIGRATE_NOT_FOUND : status;
	status = get(m, r, o);
	object_unref(o);
	return status;
}

enum migrate_status memory_read_body(struct migrate_session *session, struct migrate_body *body,
				     struct object *o, const struct migrate_digest *expected)
{
	struct migrate_digest d;
	ptrdiff_t got = 1;
	unsigned char more;

	for (uint64_t at = 0; got > 0 && at < o->size; at += (uint64_t)got)
		if ((got = migrate_body_read(body, o->bytes + at, (size_t)(o->size - at))) == 0)
			return migrate_fail(session, MIGRATE_MISMATCH,
					    "the body ended after %llu of %llu bytes",
					    (unsigned long long)at, (unsigned long long)o->size);
	if (got > 0)
		got = migrate_body_read(body, &more, 1);
	if (got < 0)
		return MIGRATE_CANCELLED;
	if (got > 0)
		return migrate_fail(session, MIGRATE_MISMATCH,
				    "the body holds more than %llu bytes",
				    (unsigned long long)o->size);
	if (expected->n &&
	    object_digest(o, (enum migrate_digest_algorithm)expected->algorithm, &d) &&
	    (d.n != expected->n || memcmp(d.bytes, expected->bytes, d.n) != 0))
		return migrate_fail(session, MIGRATE_MISMATCH, "the digest is another one");
	return MIGRATE_OK;
}

void memory_add_digest(const struct memory *m, struct object *o)
{
	if (m->config.digest != DIGEST_NONE)
		object_digest(o, m->config.digest == DIGEST_MD5 ? MIGRATE_MD5 : MIGRATE_SHA256,
			      &o->digest);
}

static enum migrate_status memory_put(void *self, struct migrate_put *r)
{
	const struct memory *m = self;
	enum migrate_status status = memory_delay(m, r->session);
	struct object *o;

	if (status != MIGRATE_OK)
		return status;
	if (!r->key.n)
		return migrate_fail(r->session, MIGRATE_INVALID, "a key must have bytes");
	o = object_new(r->size, r->session);
	if (!o)
		return MIGRATE_NO_SPACE;
	status = memory_read_body(r->session, r->body, o, &r->expected);
	if (status == MIGRATE_OK && !object_set_attributes(o, r->attributes))
		status = migrate_fail(r->session, MIGRATE_NO_SPACE, "no memory for attributes");
	if (status != MIGRATE_OK) {
		object_unref(o);
		return status;
	}
	memory_add_digest(m, o);
	atomic_fetch_add(&o->references, 1); /* ours: the table's may be gone before we tell */
	status = table_set(m->table, r->key, o, r->precondition, r->if_match);
	if (status == MIGRATE_OK)
		object_tell(o, r->object);
	object_unref(o);
	return status;
}

static enum migrate_status memory_can_copy(void *self, struct migrate_can_copy *r)
{
	(void)self;
	(void)r;
	return MIGRATE_OK; /* from any table to any other */
}

static enum migrate_status copy(const struct memory *m, struct migrate_copy *r,
				const struct object *from)
{
	enum migrate_status status;
	struct object *o;

	if (r->source_if_match.n && !matches(from->etag, r->source_if_match))
		return MIGRATE_CHANGED;
	o = object_copy(from, !(r->flags & MIGRATE_NO_ATTRIBUTES));
	if (!o)
		return migrate_fail(r->session, MIGRATE_NO_SPACE, "no memory for a copy");
	if (!o->digest.n || m->config.digest == DIGEST_NONE)
		memory_add_digest(m, o);
	atomic_fetch_add(&o->references, 1);
	status = table_set(m->table, r->key, o, r->precondition, r->if_match);
	if (status == MIGRATE_OK) {
		tell(m, from, r->original);
		tell(m, o, r->stored);
	}
	object_unref(o);
	return status;
}

static enum migrate_status memory_copy(void *self, struct migrate_copy *r)
{
	const struct memory *m = self, *source = r->source;
	enum migrate_status status = memory_delay(m, r->session);
	struct object *from;

	if (status != MIGRATE_OK)
		return status;
	if (!r->key.n)
		return migrate_fail(r->session, MIGRATE_INVALID, "a key must have bytes");
	from = table_find(source->table, r->source_key);
	if (!from)
		return MIGRATE_NOT_FOUND;
	status = copy(m, r, from);
	object_unref(from);
	return status;
}

static enum migrate_status memory_remove(void *self, struct migrate_remove *r)
{
	const struct memory *m = self;
	enum migrate_status status = memory_delay(m, r->session);

	for (size_t i = 0; status == MIGRATE_OK && i < r->count; i++) {
		struct migrate_removal *o = r->objects[i];

		o->status = (int32_t)table_remove(m->table, o->key, o->if_match);
	}
	return status;
}

static const struct migrate_store_ops store = {
	.size = sizeof(struct migrate_store_ops),
	.open = memory_open,
	.close = memory_close,
	.begin = memory_begin,
	.end = memory_end,
	.identity = memory_identity,
	.describe = memory_describe,
	.probe = memory_probe,
	.list = memory_list,
	.stat = memory_stat,
	.get = memory_get,
	.put = memory_put,
	.can_copy = memory_can_copy,
	.copy = memory_copy,
	.upload = memory_upload,
	.part = memory_part,
	.parts = memory_parts,
	.uploads = memory_uploads,
	.complete = memory_complete,
	.abort = memory_abort,
	.remove = memory_remove,
};

static const struct migrate_plugin plugin = {
	MIGRATE_PLUGIN_HEAD,
	.kind = MIGRATE_STORE,
	.name = "memory",
	.version = MIGRATE_VERSION,
	.summary = "objects in the memory of the process, for trials",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct config),
	.store = &store,
};

const struct migrate_plugin *migrate_plugin_v1(void)
{
	return &plugin;
}
