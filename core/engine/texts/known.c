/* SPDX-License-Identifier: MIT */
#include "engine/texts/known.h"

#include "base/bytes.h"
#include "journal/lookaside.h"

#include <limits.h>
#include <stdlib.h>

#define KEPT_MANY 16384 /* objects that were looked up: forgotten between two texts */
#define KEPT_BYTES ((size_t)8 << 20)
#define BUCKETS 65536

struct kept {
	struct known_object object;
	int kind; /* enum known_kind */
	uint32_t next;
};

struct known {
	struct journal_place place; /* lookasides stand near it */
	struct journal *journal;    /* NULL: keys were added */
	struct lookaside *added;    /* those */
	struct lookaside *guards;   /* NULL: there are none */
	struct known_keys keys;
	struct arena arena;
	struct kept *kept;
	uint32_t kept_n, kept_cap;
	uint32_t table[BUCKETS]; /* index in kept + 1, by hash */
	struct error error;
};

/* ---- Looking up ---- */

static uint32_t bucket(struct migrate_bytes key)
{
	const unsigned char *p = key.p;
	uint64_t h = FILTER_BEGIN;

	for (size_t i = 0; i < key.n; i++)
		h = filter_step(h, p[i]);
	return (uint32_t)((h ^ h >> 32) % BUCKETS);
}

static struct kept *find_kept(struct known *k, struct migrate_bytes key)
{
	for (uint32_t i = k->table[bucket(key)]; i; i = k->kept[i - 1].next)
		if (bytes_equal(k->kept[i - 1].object.record.key, key))
			return &k->kept[i - 1];
	return NULL;
}

struct by_scratch {
	struct known *known;
	struct kept *kept;
};

static int take_added(void *arg, struct migrate_bytes payload)
{
	struct by_scratch *b = arg;
	struct object_record *o = &b->kept->object.record;

	if (!arena_bytes(&b->known->arena, payload, &o->new_key))
		return error_set(&b->known->error, EXIT_INTERNAL, "out of memory");
	o->state = OBJECT_COPIED;
	return 1;
}

/* 1: *o is what is known of the key; 0; -1. */
static int look_up_anew(struct known *k, struct migrate_bytes key, struct kept *out)
{
	struct by_scratch by = { .known = k, .kept = out };

	if (k->journal)
		return journal_find_key(k->journal, key, &k->arena, &out->object.record,
					&out->object.batch, &out->object.n, &k->error);
	return lookaside_find(k->added, key, take_added, &by, &k->error);
}

static int kind_of(const struct object_record *o)
{
	return object_is_there(o) ? KNOWN_COPIED : KNOWN_LEFT;
}

static bool has_room(struct known *k)
{
	uint32_t cap = k->kept_cap ? 2 * k->kept_cap : 1024;
	struct kept *kept;

	if (k->kept_n < k->kept_cap)
		return true;
	kept = reallocarray(k->kept, cap, sizeof(*kept));
	if (!kept) {
		error_set(&k->error, EXIT_INTERNAL, "out of memory");
		return false;
	}
	k->kept = kept;
	k->kept_cap = cap;
	return true;
}

/* NULL: failed. */
static struct kept *keep_known(struct known *k, struct migrate_bytes key)
{
	uint32_t *head = &k->table[bucket(key)];
	struct kept *one;
	int rc;

	if (!has_room(k))
		return NULL;
	one = &k->kept[k->kept_n];
	*one = (struct kept){ .object = { .slot = UINT32_MAX } };
	rc = look_up_anew(k, key, one);
	if (rc < 0)
		return NULL;
	one->kind = rc ? kind_of(&one->object.record) : KNOWN_NOT;
	if (!arena_bytes(&k->arena, key, &one->object.record.key)) {
		error_set(&k->error, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	one->next = *head;
	*head = ++k->kept_n;
	return one;
}

static int look_up_known(void *arg, struct migrate_bytes key, struct migrate_bytes *new_key,
			 uint32_t *object)
{
	struct known *k = arg;
	struct kept *one = find_kept(k, key);

	if (!one)
		one = keep_known(k, key);
	if (!one)
		return -1;
	*new_key = one->object.record.new_key;
	*object = (uint32_t)(one - k->kept);
	return one->kind;
}

struct known_object *known_object(struct known *k, uint32_t id)
{
	return &k->kept[id].object;
}

void known_unslot(struct known *k)
{
	for (uint32_t i = 0; i < k->kept_n; i++)
		k->kept[i].object.slot = UINT32_MAX;
}

static void forget_looked_up(struct known *k)
{
	arena_reset(&k->arena);
	memset(k->table, 0, sizeof(k->table));
	k->kept_n = 0;
}

void known_trim(struct known *k)
{
	if (k->kept_n > KEPT_MANY || k->arena.used > KEPT_BYTES)
		forget_looked_up(k);
}

/* ---- New values that are left alone ---- */

static int yes(void *arg, struct migrate_bytes payload)
{
	(void)arg;
	(void)payload;
	return 1;
}

static int is_guard(void *arg, struct migrate_bytes value)
{
	struct known *k = arg;

	return k->guards ? lookaside_find(k->guards, value, yes, NULL, &k->error) : 0;
}

/* While they are gathered, nothing is guarded yet. */
struct gathering {
	struct known *known;
	const struct job_database *database;
	struct replacer *replacer;
	struct filter found;
	struct buf old, new;
	struct arena arena;
	struct edits edits;
};

static int add_guard(struct gathering *g, struct migrate_bytes value, struct error *err)
{
	struct known *k = g->known;

	if (!k->guards && !(k->guards = lookaside_new(&k->place, err)))
		return -1;
	filter_add(&g->found, value);
	return lookaside_add(k->guards, value, bytes_of(NULL, 0), err);
}

/* Would a text that holds this new value be changed again? */
static int look_at_new(struct gathering *g, const struct object_record *o, struct error *err)
{
	struct replace_counts counts = { .places = 0 };
	struct migrate_bytes new;

	buf_reset(&g->old);
	buf_reset(&g->new);
	if (kind_of(o) != KNOWN_COPIED ||
	    !value_pattern_encode(g->database->value, o->key, &g->old) ||
	    !value_pattern_encode(g->database->new_value, o->new_key, &g->new))
		return 0;
	new = bytes_of(g->new.p, g->new.len);
	if (bytes_equal(bytes_of(g->old.p, g->old.len), new))
		return 0;
	known_trim(g->known);
	arena_reset(&g->arena);
	g->edits.n = 0;
	if (replacer_run(g->replacer, new, &g->arena, &g->edits, &counts)) {
		known_error(g->known, err);
		return -1;
	}
	return counts.places || counts.left || counts.unspelled ? add_guard(g, new, err) : 0;
}

static int each_record(struct journal *j,
		       int (*each)(void *arg, const struct object_record *o, struct error *err),
		       void *arg, struct error *err)
{
	struct journal_merge *m = journal_merge_open(j, INT_MAX, err);
	struct object_record o;
	int64_t batch;
	uint32_t n;
	int rc = m ? 1 : -1;

	while (rc == 1 && (rc = journal_merge_next(m, &o, &batch, &n, err)) == 1)
		if (each(arg, &o, err))
			rc = -1;
	journal_merge_close(m);
	return rc;
}

static int look_at_each(void *arg, const struct object_record *o, struct error *err)
{
	return look_at_new(arg, o, err);
}

static int gather_guards(struct known *k, const struct job_database *d, struct error *err)
{
	struct gathering g = { .known = k, .database = d };
	int rc = -1;

	g.old = g.new = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	g.replacer = replacer_new(d->value, d->new_value, CODEC_NONE, &k->keys);
	if (g.replacer && filter_init(&g.found, k->keys.keys.n))
		rc = each_record(k->journal, look_at_each, &g, err);
	else
		error_set(err, EXIT_INTERNAL, "out of memory");
	replacer_free(g.replacer);
	edits_release(&g.edits);
	arena_release(&g.arena);
	buf_release(&g.old);
	buf_release(&g.new);
	filter_release(&k->keys.guards);
	k->keys.guards = g.found;
	return rc;
}

struct replacer *known_replacer(struct known *k, const struct job_database *d, struct error *err)
{
	struct replacer *r;

	lookaside_free(k->guards);
	k->guards = NULL;
	filter_release(&k->keys.guards);
	if (k->journal && gather_guards(k, d, err))
		return NULL;
	r = replacer_new(d->value, d->new_value, d->codec, &k->keys);
	if (!r)
		error_set(err, EXIT_INTERNAL, "out of memory");
	return r;
}

void known_error(struct known *k, struct error *err)
{
	if (error_is_set(&k->error))
		*err = k->error;
	else
		error_set(err, EXIT_INTERNAL, "out of memory");
}

/* ---- Beginning ---- */

static int add_to_filter(void *arg, const struct object_record *o, struct error *err)
{
	struct known *k = arg;

	(void)err;
	filter_add(&k->keys.keys, o->key);
	return 0;
}

static struct known *known_init(const struct task *t, uint64_t expected, struct error *err)
{
	struct known *k = calloc(1, sizeof(*k));

	if (k) {
		k->place = task_place(t);
		k->keys.look_up = look_up_known;
		k->keys.is_guard = is_guard;
		k->keys.arg = k;
	}
	if (k && filter_init(&k->keys.keys, expected))
		return k;
	known_free(k);
	error_set(err, EXIT_INTERNAL, "out of memory");
	return NULL;
}

struct known *known_of_journal(const struct task *t, struct error *err)
{
	struct batch_counts counts;
	struct known *k;

	if (journal_counts(t->journal, 0, &counts, err))
		return NULL;
	k = known_init(t, counts.objects, err);
	if (!k)
		return NULL;
	k->journal = t->journal;
	if (!each_record(t->journal, add_to_filter, k, err))
		return k;
	known_free(k);
	return NULL;
}

struct known *known_new(const struct task *t, uint64_t expected, struct error *err)
{
	struct known *k = known_init(t, expected, err);

	if (!k)
		return NULL;
	k->added = lookaside_new(&k->place, err);
	if (k->added)
		return k;
	known_free(k);
	return NULL;
}

int known_add(struct known *k, struct migrate_bytes key, struct migrate_bytes new_key,
	      struct error *err)
{
	filter_add(&k->keys.keys, key);
	return lookaside_add(k->added, key, new_key, err);
}

void known_free(struct known *k)
{
	if (!k)
		return;
	lookaside_free(k->added);
	lookaside_free(k->guards);
	filter_release(&k->keys.keys);
	filter_release(&k->keys.guards);
	arena_release(&k->arena);
	free(k->kept);
	free(k);
}
