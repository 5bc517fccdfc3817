/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Objects that are made up look the same in every process, so that a later run finds no change. */
#define SYNTHETIC_MTIME INT64_C(1767225600000000000)

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct object *object_new(uint64_t size, struct migrate_session *session)
{
	struct object *o = calloc(1, sizeof(*o));

	if (o && size <= PTRDIFF_MAX)
		o->bytes = malloc(size ? (size_t)size : 1);
	if (!o || !o->bytes) {
		free(o);
		migrate_fail(session, MIGRATE_NO_SPACE, "no memory for %llu bytes",
			     (unsigned long long)size);
		return NULL;
	}
	atomic_init(&o->references, 1);
	o->size = size;
	o->mtime = now();
	return o;
}

struct object *object_synthetic(uint64_t size, uint64_t seed)
{
	struct object *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	atomic_init(&o->references, 1);
	o->size = size;
	o->mtime = SYNTHETIC_MTIME;
	o->seed = seed;
	return o;
}

void object_unref(struct object *o)
{
	if (!o || atomic_fetch_sub(&o->references, 1) != 1)
		return;
	for (size_t i = 0; i < o->attribute_count; i++) {
		free(o->attributes[i].name);
		free(o->attributes[i].value);
	}
	free(o->attributes);
	free(o->bytes);
	free(o);
}

static bool add_attribute(struct object *o, const char *name, const void *value, size_t n)
{
	struct attribute *a = &o->attributes[o->attribute_count];

	a->name = strdup(name);
	a->value = malloc(n + 1);
	a->n = n;
	o->attribute_count++; /* now it is freed with the object, whole or not */
	if (a->value && n)
		memcpy(a->value, value, n);
	return a->name && a->value;
}

bool object_set_attributes(struct object *o, const struct migrate_attributes *from)
{
	size_t n = from ? migrate_attribute_count(from) : 0;
	struct migrate_bytes value;
	const char *name;

	o->attributes = n ? calloc(n, sizeof(*o->attributes)) : NULL;
	if (n && !o->attributes)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!migrate_attribute_at(from, i, &name, &value) ||
		    !add_attribute(o, name, value.p, value.n))
			return false;
	return true;
}

static bool copy_attributes(struct object *to, const struct object *from)
{
	size_t n = from->attribute_count;

	to->attributes = n ? calloc(n, sizeof(*to->attributes)) : NULL;
	if (n && !to->attributes)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct attribute *a = &from->attributes[i];

		if (!add_attribute(to, a->name, a->value, a->n))
			return false;
	}
	return true;
}

struct object *object_copy(const struct object *o, bool attributes)
{
	struct object *copy = object_synthetic(o->size, o->seed);

	if (!copy)
		return NULL;
	copy->mtime = now();
	copy->digest = o->digest;
	if (o->bytes)
		copy->bytes = malloc(o->size ? (size_t)o->size : 1);
	if (copy->bytes && o->size)
		memcpy(copy->bytes, o->bytes, (size_t)o->size);
	if ((!o->bytes || copy->bytes) && (!attributes || copy_attributes(copy, o)))
		return copy;
	object_unref(copy);
	return NULL;
}

/* Any eight bytes can be had without those before them. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

void object_read(const struct object *o, uint64_t offset, unsigned char *to, size_t n)
{
	if (o->bytes) {
		memcpy(to, o->bytes + offset, n);
		return;
	}
	while (n) {
		uint64_t word = mix(o->seed + offset / 8);
		size_t skip = (size_t)(offset % 8), part = n < 8 - skip ? n : 8 - skip;

		memcpy(to, (unsigned char *)&word + skip, part);
		to += part;
		offset += part;
		n -= part;
	}
}

static const EVP_MD *algorithm_of(enum migrate_digest_algorithm algorithm)
{
	switch (algorithm) {
	case MIGRATE_MD5:
		return EVP_md5();
	case MIGRATE_SHA1:
		return EVP_sha1();
	case MIGRATE_SHA256:
		return EVP_sha256();
	default:
		return NULL;
	}
}

static bool digest_all(const struct object *o, EVP_MD_CTX *c)
{
	unsigned char buffer[8192];

	if (o->bytes)
		return EVP_DigestUpdate(c, o->bytes, (size_t)o->size);
	for (uint64_t at = 0; at < o->size;) {
		uint64_t left = o->size - at;
		size_t n = left < sizeof(buffer) ? (size_t)left : sizeof(buffer);

		object_read(o, at, buffer, n);
		if (!EVP_DigestUpdate(c, buffer, n))
			return false;
		at += n;
	}
	return true;
}

bool object_digest(const struct object *o, enum migrate_digest_algorithm algorithm,
		   struct migrate_digest *out)
{
	const EVP_MD *md = algorithm_of(algorithm);
	EVP_MD_CTX *c = md ? EVP_MD_CTX_new() : NULL;
	unsigned int n = 0;
	bool ok;

	ok = c && EVP_DigestInit_ex(c, md, NULL) && digest_all(o, c) &&
	     EVP_DigestFinal_ex(c, out->bytes, &n);
	EVP_MD_CTX_free(c);
	out->algorithm = (uint16_t)algorithm;
	out->n = (uint16_t)(ok ? n : 0);
	return ok;
}

void object_tell(const struct object *o, struct migrate_object *out)
{
	out->size = o->size;
	out->mtime = o->mtime;
	migrate_set_etag(out, o->etag, strlen(o->etag));
	if (o->digest.n)
		migrate_set_digest(out, (enum migrate_digest_algorithm)o->digest.algorithm,
				   o->digest.bytes, o->digest.n);
	for (size_t i = 0; out->attributes && i < o->attribute_count; i++)
		migrate_set_attribute(out->attributes, o->attributes[i].name,
				      o->attributes[i].value, o->attributes[i].n);
}
