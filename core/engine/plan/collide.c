/* SPDX-License-Identifier: MIT */
#include "engine/plan/planner.h"

#include "base/bytes.h"
#include "base/digest.h"
#include "base/escape.h"
#include "base/log.h"
#include "base/sorter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HASH 16
#define SORT_MEMORY (16 * 1024 * 1024)

#define LEFT 0 /* in place of a batch: a later run's */

/*
 * The plan as a whole: 16-byte hashes of all keys and new keys, sorted in an
 * unlinked file. Both keys of a collision fail. A new key that is another object's
 * key refuses the job before anything was copied. Later, where a key that came since
 * makes such a chain, both of them fail as those of a collision do, and are looked at
 * again in each pass.
 */
enum guilt { TWICE, CHAINS, CHAINED }; /* two become one; becomes another's key; is one's new key */

struct mark {
	int64_t batch; /* or LEFT */
	uint32_t n;
	uint8_t is_new;  /* of a new key */
	uint8_t planned; /* not copied yet: can still be failed */
};

struct plan_check {
	struct run *run;
	struct digest_context *digest;
	struct sorter *hashes, *guilty; /* guilty: (batch, n), with the enum guilt */
	struct mark group[2]; /* the first new key and the first key of a run of equal hashes */
	bool has[2];
	uint64_t collisions;
	uint32_t left; /* keys that a later run will plan */
	bool begun;    /* something of the journal was */
};

static int add_mark(struct plan_check *c, struct migrate_bytes key, const struct mark *m,
		    struct error *err)
{
	uint8_t hash[HASH];

	digest_key(c->digest, key, hash);
	return sorter_add(c->hashes, bytes_of(hash, HASH), bytes_of(m, sizeof(*m)), err);
}

static int add_pair(struct plan_check *c, struct migrate_bytes key, struct migrate_bytes new_key,
		    struct mark *m, struct error *err)
{
	/* a key that stays as it is collides with another's new one: no chain */
	if (!bytes_equal(key, new_key) && add_mark(c, key, m, err))
		return -1;
	m->is_new = 1;
	return add_mark(c, new_key, m, err);
}

/*
 * One that failed because it collided stands in the way of others until it is gone, or left out by
 * the selection with no older copy at its new key.
 */
static bool is_of_plan(const struct object_record *o)
{
	if (o->state == OBJECT_SKIPPED && o->fail == FAIL_COLLISION)
		return object_has_older_copy(o);
	return o->new_key.n && o->state != OBJECT_MOVED && o->state != OBJECT_GONE &&
	       (o->state != OBJECT_FAILED || o->fail == FAIL_COLLISION);
}

static int add_batch_marks(struct plan_check *c, const struct batch *b, struct error *err)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct object_record *o = &b->objects[i];
		struct mark m;

		memset(&m, 0, sizeof(m)); /* padding is sorted too */
		m.batch = b->id;
		m.n = i;
		m.planned = o->state == OBJECT_PLANNED;
		if (is_of_plan(o) && add_pair(c, o->key, o->new_key, &m, err))
			return -1;
	}
	return 0;
}

int plan_check_add(struct plan_check *c, struct migrate_bytes key, struct migrate_bytes new_key,
		   struct error *err)
{
	struct mark m;

	memset(&m, 0, sizeof(m));
	m.batch = LEFT;
	m.n = c->left++;
	return add_pair(c, key, new_key, &m, err);
}

static int add_plan(struct plan_check *c, struct error *err)
{
	struct batch *b;
	int64_t after = 0;
	int rc = 0;

	while (!rc && (b = journal_next_batch(c->run->task->journal, after, err))) {
		after = b->id;
		c->begun |= b->began != 0; /* one that holds no object is done at once */
		rc = b->kind >= BATCH_ROWS ? 0 : add_batch_marks(c, b, err);
		batch_free(b);
		if (halt_leaving(&c->run->halt))
			return -1;
	}
	return rc || error_is_set(err) ? -1 : 0;
}

static bool same_object(const struct mark *a, const struct mark *b)
{
	return a->batch == b->batch && a->n == b->n;
}

#define MAKE_TWO "nothing was copied: make it two jobs, the second with --new-journal"

/* from: whose new key is the key of to. Of keys that are left only hashes are known. */
static int refuse_chain(struct plan_check *c, const struct mark *from, const struct mark *to,
			struct error *err)
{
	const struct mark *known = from->batch != LEFT ? from : to;
	const struct object_record *o;
	struct batch *b;

	if (known->batch == LEFT)
		return error_set(err, EXIT_USAGE,
				 "chained names: among the keys that --first leaves for later, one "
				 "becomes another object's key; " MAKE_TWO);
	b = journal_load(c->run->task->journal, known->batch, err);
	if (!b)
		return -1;
	o = &b->objects[known->n];
	if (known == from)
		error_set(
		    err, EXIT_USAGE,
		    "chained names: '%s' becomes '%s', which is another object's key; " MAKE_TWO,
		    shown_key(&b->arena, o->key), shown_key(&b->arena, o->new_key));
	else
		error_set(err, EXIT_USAGE,
			  "chained names: a key that --first leaves for later becomes '%s', which "
			  "is another object's key; " MAKE_TWO,
			  shown_key(&b->arena, o->key));
	batch_free(b);
	return -1;
}

static int mark_guilty(struct plan_check *c, const struct mark *m, enum guilt guilt,
		       struct error *err)
{
	uint8_t id[12], what = (uint8_t)guilt;

	if (!m->planned)
		return 0;
	for (int i = 0; i < 8; i++)
		id[i] = (uint8_t)((uint64_t)m->batch >> (56 - 8 * i));
	for (int i = 0; i < 4; i++)
		id[8 + i] = (uint8_t)(m->n >> (24 - 8 * i));
	return sorter_add(c->guilty, bytes_of(id, sizeof(id)), bytes_of(&what, 1), err);
}

/* from: whose new key is the key of to. */
static int chain(struct plan_check *c, const struct mark *from, const struct mark *to,
		 struct error *err)
{
	if (!c->begun) {
		c->run->fresh = true; /* also where a run was killed behind its listing */
		return refuse_chain(c, from, to, err);
	}
	return mark_guilty(c, from, CHAINS, err) || mark_guilty(c, to, CHAINED, err) ? -1 : 0;
}

/* One more mark of the present run of equal hashes. */
static int look_at_mark(struct plan_check *c, const struct mark *m, struct error *err)
{
	struct mark *mine = &c->group[m->is_new], *other = &c->group[!m->is_new];

	if (c->has[!m->is_new] && !same_object(m, other) &&
	    (m->is_new ? chain(c, m, other, err) : chain(c, other, m, err)))
		return -1;
	if (m->is_new && c->has[1] &&
	    (mark_guilty(c, m, TWICE, err) || mark_guilty(c, mine, TWICE, err)))
		return -1;
	if (!c->has[m->is_new])
		*mine = *m;
	c->has[m->is_new] = true;
	return 0;
}

static int find_pairs(struct plan_check *c, struct error *err)
{
	uint8_t last[HASH] = { 0 };
	struct migrate_bytes hash, payload;
	struct mark m;
	int rc;

	while ((rc = sorter_next(c->hashes, &hash, &payload, err)) == 1) {
		memcpy(&m, payload.p, sizeof(m));
		if (memcmp(last, hash.p, HASH))
			c->has[0] = c->has[1] = false;
		memcpy(last, hash.p, HASH);
		if (look_at_mark(c, &m, err))
			return -1;
	}
	return rc;
}

static char *accusation(struct arena *a, const struct object_record *o, enum guilt guilt)
{
	switch (guilt) {
	case CHAINS:
		return arena_printf(a, "chained names: '%s' is another object's key",
				    shown_key(a, o->new_key));
	case CHAINED:
		return arena_printf(a, "chained names: another key becomes '%s', which is this one",
				    shown_key(a, o->key));
	default:
		return arena_printf(a, "another key becomes '%s' too", shown_key(a, o->new_key));
	}
}

static void fail_record(struct plan_check *c, struct batch *b, uint32_t n, enum guilt guilt)
{
	struct object_record *o = &b->objects[n];
	char *text = accusation(&b->arena, o, guilt);

	if (o->state != OBJECT_PLANNED)
		return; /* guilty twice */
	c->collisions++;
	o->state = OBJECT_FAILED;
	o->fail = FAIL_COLLISION;
	o->message = text ? text : "another key becomes the same";
	o->dirty = true;
	tell_failure(c->run, o);
}

static int save(struct plan_check *c, struct batch *b, struct error *err)
{
	if (!b)
		return 0;
	batch_recount(b);
	return journal_save(c->run->task->journal, &b, 1, err);
}

static int fail_guilty(struct plan_check *c, struct error *err)
{
	struct migrate_bytes id, payload;
	struct batch *b = NULL;
	int rc;

	while ((rc = sorter_next(c->guilty, &id, &payload, err)) == 1) {
		const uint8_t *p = id.p;
		uint64_t batch = 0;
		uint32_t n = 0;

		for (int i = 0; i < 8; i++)
			batch = batch << 8 | p[i];
		for (int i = 8; i < 12; i++)
			n = n << 8 | p[i];
		if (!b || b->id != (int64_t)batch) {
			rc = save(c, b, err);
			batch_free(b);
			b = rc ? NULL : journal_load(c->run->task->journal, (int64_t)batch, err);
			if (!b)
				return -1;
		}
		fail_record(c, b, n, (enum guilt) * (const uint8_t *)payload.p);
	}
	if (!rc)
		rc = save(c, b, err);
	batch_free(b);
	return rc;
}

struct plan_check *plan_check_new(struct run *run, struct error *err)
{
	struct plan_check *c = calloc(1, sizeof(*c));

	if (c) {
		c->run = run;
		c->digest = digest_new();
		c->hashes = sorter_new(SORT_MEMORY, run->task->job->folder);
		c->guilty = sorter_new(1 << 20, run->task->job->folder);
	}
	if (c && c->digest && c->hashes && c->guilty)
		return c;
	plan_check_free(c);
	error_set(err, EXIT_INTERNAL, "out of memory");
	return NULL;
}

int plan_check_run(struct plan_check *c, struct error *err)
{
	if (add_plan(c, err) || sorter_finish(c->hashes, err) || find_pairs(c, err) ||
	    sorter_finish(c->guilty, err) || fail_guilty(c, err))
		return -1;
	if (c->collisions)
		log_warn("%" PRIu64 " keys collide: their new names are not unique, or chained",
			 c->collisions);
	atomic_fetch_add(&c->run->tally.failed, c->collisions);
	atomic_fetch_add(&c->run->tally.new_failures, c->collisions);
	atomic_fetch_add(&c->run->tally.objects_done, c->collisions);
	return 0;
}

void plan_check_free(struct plan_check *c)
{
	if (!c)
		return;
	digest_free(c->digest);
	sorter_free(c->hashes);
	sorter_free(c->guilty);
	free(c);
}
