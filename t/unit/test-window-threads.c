/* SPDX-License-Identifier: MIT */
#include "run-fixture.h"

#include "engine/work/offers.h"

/*
 * All threads of a run at one window, at random: a feeder, copiers that settle, put off and
 * offer parts, a syncer, rewriters, a saver that also moves stragglers. Each object is settled
 * once, each part is done once, and the journal says so in the end.
 */
#define BATCHES 80
#define OBJECTS 50 /* in a batch */
#define HANDS 4    /* copiers; rewriters are half as many */
#define PARTS 6

static atomic_uint times[BATCHES * OBJECTS]; /* each was settled */
static atomic_uint parts_done, parts_offered;

struct large {
	struct offer offer;
	uint32_t parts[PARTS];
	atomic_uint times[PARTS];
};

static unsigned number_of(const struct object_record *o)
{
	unsigned n;

	ck_assert_int_eq(sscanf((const char *)o->key.p, "key/%05u", &n), 1);
	ck_assert_uint_lt(n, BATCHES * OBJECTS);
	return n;
}

static struct batch *work_of(unsigned number)
{
	struct batch *b = batch_new();
	char key[16];

	b->pass = 1;
	b->state = BATCH_COPYING;
	b->began = 1;
	b->n = OBJECTS;
	b->objects = arena_alloc(&b->arena, OBJECTS * sizeof(*b->objects));
	for (unsigned i = 0; i < OBJECTS; i++) {
		struct object_record *o = &b->objects[i];

		*o = (struct object_record){ .size = 10, .mtime = 1 };
		snprintf(key, sizeof(key), "key/%05u", number * OBJECTS + i);
		ck_assert(arena_bytes(&b->arena, bytes_of(key, strlen(key) + 1), &o->key));
		ck_assert(arena_bytes(&b->arena, o->key, &o->new_key));
	}
	return b;
}

static void *feed(void *unused)
{
	struct error e = ERROR_INIT;

	(void)unused;
	for (unsigned i = 0; i < BATCHES && window_wait_room(&run, 8); i++) {
		struct batch *b = work_of(i);

		ck_assert_msg(!journal_plan(task.journal, &b, 1, &e), "%s", e.text);
		ck_assert_ptr_nonnull(window_admit(&run, b, false));
	}
	window_fed(&run);
	return NULL;
}

static void do_part(struct large *l, uint32_t part)
{
	ck_assert_uint_eq(atomic_fetch_add(&l->times[part], 1), 0);
	atomic_fetch_add(&parts_done, 1);
	offer_end(&run, &l->offer);
}

static void copy_in_parts(void)
{
	struct large l = { .offer = { .n = PARTS } };
	uint32_t part;

	for (uint32_t i = 0; i < PARTS; i++)
		l.parts[i] = i;
	l.offer.parts = l.parts;
	atomic_fetch_add(&parts_offered, PARTS);
	offer_make(&run, &l.offer);
	while (offer_take(&run, &l.offer, &part))
		do_part(&l, part);
	offer_withdraw(&run, &l.offer);
	for (uint32_t i = 0; i < PARTS; i++)
		ck_assert_uint_eq(atomic_load(&l.times[i]), 1);
}

static void handle(struct item *it, unsigned *random)
{
	unsigned what = (unsigned)rand_r(random) % 100;

	if (what < 15) {
		it->end = ITEM_AGAIN;
		it->due = clock_monotonic() + (int64_t)(what % 4) * NS_PER_MS;
		return;
	}
	if (what < 18)
		copy_in_parts();
	it->end = ITEM_SETTLED;
	it->record.state = what % 10 ? OBJECT_COPIED : OBJECT_SAME;
	ck_assert_uint_eq(atomic_fetch_add(&times[number_of(&it->record)], 1), 0);
}

static void *copy(void *number)
{
	uint32_t me = (uint32_t)(uintptr_t)number;
	struct item items[RUN_LENGTH];
	enum window_taken took;
	unsigned random = me + 1;
	struct offer *o;
	uint32_t part;
	size_t n;

	while ((took = window_take(&run, me, items, RUN_LENGTH, &n)) != TOOK_NOTHING) {
		if (took == TOOK_PARTS && offer_take_any(&run, &o, &part))
			do_part((struct large *)o, part);
		for (size_t i = 0; i < n; i++) {
			window_note_inflight(&run, me, &items[i]);
			handle(&items[i], &random);
			window_note_inflight(&run, me, NULL);
		}
		window_return(&run, items, n);
	}
	window_dismiss(&run, COPIERS, 1);
	return NULL;
}

static void *sync_all(void *unused)
{
	struct error e = ERROR_INIT;
	struct work *next;

	(void)unused;
	for (struct work *list; (list = window_take_settled(&run, 0));)
		for (struct work *w = list; w; w = next) {
			next = w->next;
			w->batch->state = BATCH_COPIED;
			w->batch->durable = true;
			ck_assert_msg(!journal_save(task.journal, &w->batch, 1, &e), "%s", e.text);
			window_to_rewriters(&run, w);
		}
	window_synced(&run);
	return NULL;
}

static void *rewrite(void *unused)
{
	struct error e = ERROR_INIT;
	struct work *w;

	(void)unused;
	while ((w = window_take_rewriting(&run))) {
		w->batch->state = BATCH_DONE;
		ck_assert_msg(!journal_save(task.journal, &w->batch, 1, &e), "%s", e.text);
		window_close(&run, w);
	}
	window_dismiss(&run, REWRITERS, 1);
	return NULL;
}

/* Oftener than a saver does: all that is older than nothing is a straggler. */
static void *save(void *unused)
{
	int64_t batches[HANDS];
	uint32_t objects[HANDS];
	struct error e = ERROR_INIT;

	(void)unused;
	while (window_sleep_until(&run, clock_monotonic() + NS_PER_MS)) {
		ck_assert_msg(!window_save(&run, false, &e), "%s", e.text);
		ck_assert_msg(!window_move_stragglers(&run, INT64_MAX, &e), "%s", e.text);
		ck_assert_uint_le(window_inflight(&run, batches, objects), HANDS);
	}
	return NULL;
}

static void check_journal(void)
{
	struct batch_counts c;

	WELL(journal_counts(task.journal, 0, &c, &err));
	ck_assert_uint_eq(c.objects, BATCHES * OBJECTS);
	ck_assert_uint_eq(c.copied + c.same, BATCHES * OBJECTS);
	ck_assert_int_eq(journal_has_open(task.journal, &err), 0);
}

START_TEST(each_object_is_settled_once)
{
	pthread_t copiers[HANDS], rewriters[HANDS / 2], others[3];
	void *(*mains[])(void *) = { feed, sync_all, save };

	run.window.inflight = calloc(HANDS, sizeof(*run.window.inflight));
	run.window.inflight_size = HANDS;
	atomic_store(&run.concurrency, HANDS);
	window_enlist(&run, COPIERS, HANDS);
	window_enlist(&run, REWRITERS, HANDS / 2);
	for (uintptr_t i = 0; i < HANDS; i++)
		ck_assert(!pthread_create(&copiers[i], NULL, copy, (void *)i));
	for (int i = 0; i < HANDS / 2; i++)
		ck_assert(!pthread_create(&rewriters[i], NULL, rewrite, NULL));
	for (int i = 0; i < 3; i++)
		ck_assert(!pthread_create(&others[i], NULL, mains[i], NULL));
	for (int i = 0; i < HANDS; i++)
		pthread_join(copiers[i], NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(others[i], NULL);
	for (int i = 0; i < HANDS / 2; i++)
		pthread_join(rewriters[i], NULL);
	ck_assert(window_is_over(&run));
	ck_assert_uint_eq(run.window.works, 0);
	for (unsigned i = 0; i < BATCHES * OBJECTS; i++)
		ck_assert_msg(atomic_load(&times[i]) == 1, "key/%05u", i);
	ck_assert_uint_gt(atomic_load(&parts_offered), 0);
	ck_assert_uint_eq(atomic_load(&parts_done), atomic_load(&parts_offered));
	check_journal();
	free(run.window.inflight);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, each_object_is_settled_once);
}

int main(void)
{
	return run_fixture_suite("window-threads", add);
}
