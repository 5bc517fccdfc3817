/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "plugin/end-impl.h"

#include <string.h>

/* The setters get an object and must find what stands behind it, in a slot or in a page. */
#define FOLLOWING(object_, field_, type_)                                                          \
	((type_ *)(void *)((char *)(object_) + offsetof(struct object_slot, field_)))
_Static_assert(offsetof(struct object_slot, object) == 0 && offsetof(struct listed, object) == 0 &&
		   offsetof(struct object_slot, arena) == offsetof(struct listed, arena) &&
		   offsetof(struct object_slot, given) == offsetof(struct listed, given),
	       "slots and listed objects begin alike");

void object_slot_init(struct object_slot *o, struct migrate_attributes *attributes)
{
	memset(&o->object, 0, sizeof(o->object));
	o->object.mtime = INT64_MIN;
	o->object.attributes = attributes;
	o->arena = NULL;
	o->given = NULL;
	if (attributes)
		attributes_reset(attributes);
}

bool migrate_set_etag(struct migrate_object *object, const void *etag, size_t n)
{
	struct arena *arena = *FOLLOWING(object, arena, struct arena *);
	void *copy = FOLLOWING(object, etag, unsigned char);

	if (n > MIGRATE_ETAG_MAX || (!etag && n))
		return false;
	if (arena)
		copy = arena_copy(arena, etag, n);
	else if (n)
		memcpy(copy, etag, n);
	if (!copy)
		return false;
	object->etag = bytes_of(copy, n);
	*FOLLOWING(object, given, const void *) = copy;
	return true;
}

static const uint16_t digest_sizes[MIGRATE_DIGEST_COUNT] = {
	[MIGRATE_MD5] = 16,   [MIGRATE_SHA256] = 32,   [MIGRATE_SHA1] = 20,
	[MIGRATE_CRC32C] = 4, [MIGRATE_CRC64NVME] = 8, [MIGRATE_CRC32] = 4,
};

/* A digest of the wrong length is left unknown: it could not be compared with anything. */
void migrate_set_digest(struct migrate_object *object, enum migrate_digest_algorithm algorithm,
			const void *bytes, size_t n)
{
	struct migrate_digest *d;

	if ((unsigned int)algorithm >= MIGRATE_DIGEST_COUNT || !bytes ||
	    n != digest_sizes[algorithm])
		return;
	d = &object->digests[algorithm];
	d->algorithm = (uint16_t)algorithm;
	d->n = (uint16_t)n;
	memcpy(d->bytes, bytes, n);
}

bool object_is_sound(struct migrate_session *s, const struct migrate_object *o)
{
	const void *given = *FOLLOWING(o, given, const void *);

	if (o->size > INT64_MAX)
		return call_nonsense(s, "it told of an object of %llu bytes",
				     (unsigned long long)o->size);
	if (o->etag.n && (o->etag.p != given || o->etag.n > MIGRATE_ETAG_MAX))
		return call_nonsense(s, "it set an etag without migrate_set_etag()");
	for (unsigned int i = 0; i < MIGRATE_DIGEST_COUNT; i++)
		if (o->digests[i].n &&
		    (o->digests[i].n != digest_sizes[i] || o->digests[i].algorithm != i))
			return call_nonsense(s, "it set a digest without migrate_set_digest()");
	return true;
}
