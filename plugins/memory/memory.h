/* SPDX-License-Identifier: MIT */
#ifndef MEMORY_H
#define MEMORY_H

#include <migrate/plugin.h>

#include <pthread.h>
#include <stdatomic.h>

/*
 * A store in memory: the reference of the contract in migrate-plugin(3). table.c
 * holds objects, object.c makes them, memory.c and upload.c are the operations.
 *
 * Invariants: an object never changes once it stands in a table; who holds a
 * reference may read it without the lock. A table's entries are in byte order of
 * their keys, which are distinct.
 */
struct config {
	const char *name;
	int64_t objects;
	uint64_t object_size;
	const char *prefix;
	int digest; /* enum digest_choice */
	int64_t latency;
};

enum digest_choice { DIGEST_SHA256, DIGEST_MD5, DIGEST_NONE };

struct attribute {
	char *name;
	unsigned char *value;
	size_t n;
};

struct object {
	atomic_uint references;
	uint64_t size;
	int64_t mtime;
	char etag[24];
	unsigned char *bytes; /* NULL: made up, from seed */
	uint64_t seed;
	struct migrate_digest digest; /* n = 0: none */
	struct attribute *attributes;
	size_t attribute_count;
};

struct entry {
	struct object *object;
	size_t n;
	unsigned char key[];
};

struct part {
	uint32_t number;
	uint64_t offset, size;
	unsigned char *bytes;
	char token[24];
};

struct upload {
	struct upload *next;
	char id[24], job[17];
	unsigned char *key;
	size_t nkey;
	struct object *object; /* the attributes wait here */
	struct part *parts;
	size_t part_count;
};

struct table {
	struct table *next;
	char *name;
	int64_t seeded;       /* how many objects were made up; -1: not yet decided */
	pthread_mutex_t lock; /* of all that follows */
	struct entry **entries;
	size_t n, cap;
	struct upload *uploads;
	uint64_t last; /* number of the last etag, upload or part */
};

/* One instance; sessions need nothing of their own, so they are the instance. */
struct memory {
	struct table *table;
	struct config config;
};

/* ---- object.c ---- */
struct object *object_new(uint64_t size, struct migrate_session *session);
/* One whose bytes come from a seed. */
struct object *object_synthetic(uint64_t size, uint64_t seed);
struct object *object_copy(const struct object *o, bool attributes);
void object_unref(struct object *o);
bool object_set_attributes(struct object *o, const struct migrate_attributes *from);
/* Bytes offset .. offset + n, which lie inside. */
void object_read(const struct object *o, uint64_t offset, unsigned char *to, size_t n);
/* Digest of the whole: false when there is no such algorithm or no memory. */
bool object_digest(const struct object *o, enum migrate_digest_algorithm algorithm,
		   struct migrate_digest *out);
/* What stat says. */
void object_tell(const struct object *o, struct migrate_object *out);

/* ---- table.c ---- */
/* The table of that name: made, and filled once, if it is not there. NULL: out of memory. */
struct table *table_get(const struct config *c);
/* The lock must be held: first entry at or behind key. */
size_t table_position(const struct table *t, struct migrate_bytes key);
bool entry_is(const struct table *t, size_t at, struct migrate_bytes key);
/* A reference to the object of that key; NULL: there is none. */
struct object *table_find(struct table *t, struct migrate_bytes key);
/* Put o, whose reference goes to the table, under key and give it an etag; or say why not. */
enum migrate_status table_set(struct table *t, struct migrate_bytes key, struct object *o,
			      uint32_t precondition, struct migrate_bytes if_match);
enum migrate_status table_remove(struct table *t, struct migrate_bytes key,
				 struct migrate_bytes if_match);
/* The lock must be held: a text that no other call got. */
void table_number(struct table *t, char prefix, char text[24]);

static inline bool matches(const char *etag, struct migrate_bytes if_match)
{
	return __builtin_strlen(etag) == if_match.n &&
	       !__builtin_memcmp(etag, if_match.p, if_match.n);
}

static inline bool begins_with(const unsigned char *key, size_t n, struct migrate_bytes prefix)
{
	return !prefix.n || (n >= prefix.n && !__builtin_memcmp(key, prefix.p, prefix.n));
}

/* ---- memory.c, upload.c ---- */
/* Wait as long as `latency` says; CANCELLED when the core wants the call back. */
enum migrate_status memory_delay(const struct memory *m, struct migrate_session *session);
/* Read exactly size bytes, and check the digest that was promised. */
enum migrate_status memory_read_body(struct migrate_session *session, struct migrate_body *body,
				     struct object *o, const struct migrate_digest *expected);
/* The digest that `digest:` asks for, before the object is put into the table. */
void memory_add_digest(const struct memory *m, struct object *o);

enum migrate_status memory_upload(void *self, struct migrate_upload *r);
enum migrate_status memory_part(void *self, struct migrate_part *r);
enum migrate_status memory_parts(void *self, struct migrate_parts *r);
enum migrate_status memory_uploads(void *self, struct migrate_uploads *r);
enum migrate_status memory_complete(void *self, struct migrate_complete *r);
enum migrate_status memory_abort(void *self, struct migrate_abort *r);

#endif
