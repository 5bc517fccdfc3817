/* SPDX-License-Identifier: MIT */
#include "run-fixture.h"

#include "engine/work/offers.h"

/*
 * Random work in a window, and a naive model: an array of all objects that says where each one
 * is by now, in whose hands, and what became of it.
 */
#define OBJECTS 120
#define WORKS 100
#define LARGE (2u << 20)

enum whereabouts { NOT_TAKEN, IN_HAND, WAITING, LEFT_ALONE, SETTLED };

struct object {
	unsigned work; /* where it is now */
	enum whereabouts where;
	/* what its record holds */
	uint8_t state, attempts;
	uint64_t size;
	char etag[16], message[24];
};

struct known_work {
	int64_t batch;
	enum batch_kind kind;
	unsigned members[OBJECTS]; /* by index in the batch */
	uint32_t n, held;
	bool closed;
};

struct hand {
	struct item item;
	unsigned object, origin; /* as it was given out */
};

static struct object objects[OBJECTS];
static struct known_work works[WORKS];
static struct hand hands[OBJECTS];
static unsigned object_count, work_count, hand_count;
static bool plain;                  /* all are small, and to be copied */
static unsigned origin_of[OBJECTS]; /* of objects that were given out */
static uint64_t settled_by[OBJECT_MOVED];

/* ---- What the model says ---- */

static unsigned number_of(struct migrate_bytes key)
{
	unsigned n;

	ck_assert_uint_eq(key.n, 7);
	ck_assert_int_eq(sscanf((const char *)key.p, "key/%03u", &n), 1);
	ck_assert_uint_lt(n, object_count);
	return n;
}

static struct known_work *known(const struct batch *b)
{
	for (unsigned i = 0; i < work_count; i++)
		if (works[i].batch == b->id)
			return &works[i];
	ck_abort_msg("batch %lld is nobody's", (long long)b->id);
	return NULL;
}

static bool is_here(const struct known_work *k, uint32_t i)
{
	return &works[objects[k->members[i]].work] == k;
}

static uint32_t left_of(const struct known_work *k)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < k->n; i++)
		left += is_here(k, i) && objects[k->members[i]].where != SETTLED;
	return left;
}

/* The first that nobody was given yet; n: there is none. */
static uint32_t untaken_of(const struct known_work *k)
{
	uint32_t i = 0;

	while (i < k->n && !(is_here(k, i) && objects[k->members[i]].where == NOT_TAKEN))
		i++;
	return i;
}

static bool is_record_of(const struct object *o, const struct object_record *r)
{
	return r->state == o->state && r->attempts == o->attempts && r->size == o->size &&
	       bytes_equal(r->etag, bytes_of_text(o->etag)) &&
	       !strcmp(r->message ? r->message : "", o->message);
}

static void check_records(const struct known_work *k, const struct batch *b)
{
	ck_assert_uint_eq(b->n, k->n);
	for (uint32_t i = 0; i < b->n; i++) {
		const struct object *o = &objects[number_of(b->objects[i].key)];

		ck_assert_uint_eq(number_of(b->objects[i].key), k->members[i]);
		if (is_here(k, i))
			ck_assert_msg(is_record_of(o, &b->objects[i]), "key/%03u: %u, %.*s",
				      k->members[i], b->objects[i].state, (int)b->objects[i].etag.n,
				      (const char *)b->objects[i].etag.p);
		else
			ck_assert_int_eq(b->objects[i].state, OBJECT_MOVED);
	}
}

/* How many works there are in this list, all as they should be. */
static size_t check_list(const struct work_list *l, bool open)
{
	size_t n = 0;

	for (const struct work *w = l->first; w; w = w->next, n++) {
		const struct known_work *k = known(w->batch);

		ck_assert(!k->closed && !w->finished);
		ck_assert_uint_eq(w->left, left_of(k));
		ck_assert_int_eq(w->left > 0, open);
		ck_assert_uint_eq(w->held, k->held);
		ck_assert_uint_le(w->taken, untaken_of(k));
		check_records(k, w->batch);
	}
	ck_assert_uint_eq(l->n, n);
	return n;
}

static size_t waiting_count(void)
{
	size_t n = 0;

	for (const struct item *it = run.window.waiting; it; it = it->next)
		n++;
	return n;
}

static size_t count_of(enum whereabouts where)
{
	size_t n = 0;

	for (unsigned i = 0; i < object_count; i++)
		n += objects[i].where == where;
	return n;
}

static void check_window(void)
{
	size_t open = 0;

	for (unsigned i = 0; i < work_count; i++)
		open += !works[i].closed;
	ck_assert_uint_eq(run.window.works, open);
	ck_assert_uint_eq(
	    check_list(&run.window.open, true) + check_list(&run.window.syncing, false), open);
	ck_assert_uint_eq(waiting_count(), count_of(WAITING));
	ck_assert_uint_eq(run.tally.copied, settled_by[OBJECT_COPIED]);
	ck_assert_uint_eq(run.tally.same, settled_by[OBJECT_SAME]);
	ck_assert_uint_eq(run.tally.skipped, settled_by[OBJECT_SKIPPED]);
	ck_assert_uint_eq(run.tally.gone, settled_by[OBJECT_GONE]);
	ck_assert_uint_eq(run.tally.failed, settled_by[OBJECT_FAILED]);
}

/* ---- What happens ---- */

static void plan_record(struct arena *a, struct object_record *r, unsigned number)
{
	struct object *o = &objects[number];

	*o = (struct object){ .work = work_count, .size = 100 + number };
	snprintf(o->etag, sizeof(o->etag), "planned");
	if (!plain && !draw(6)) {
		o->size = LARGE;
	} else if (!plain && !draw(8)) { /* one that was never to be copied */
		o->where = SETTLED;
		o->state = OBJECT_SKIPPED;
	}
	r->key = bytes_of_text(arena_printf(a, "key/%03u", number));
	r->new_key = bytes_of_text(arena_printf(a, "new/%03u", number));
	r->etag = bytes_of_text(arena_text(a, o->etag));
	r->size = o->size;
	r->state = o->state;
}

static struct work *admit(uint32_t n)
{
	struct batch *b = make_batch(1, BATCH_SORTED, 0, 1, n);
	struct known_work *k = &works[work_count];

	b->state = BATCH_COPYING;
	b->began = 1;
	for (uint32_t i = 0; i < n; i++) {
		k->members[i] = object_count;
		plan_record(&b->arena, &b->objects[i], object_count++);
	}
	k->n = n;
	k->kind = b->kind;
	WELL(journal_plan(task.journal, &b, 1, &err));
	k->batch = b->id;
	work_count++;
	return window_admit(&run, b, false);
}

static void admit_some(void)
{
	uint32_t n = 1 + draw(12);

	if (object_count + n <= OBJECTS && work_count < WORKS / 2)
		ck_assert_ptr_nonnull(admit(n));
}

static const struct item *waiting_for(unsigned number)
{
	for (const struct item *it = run.window.waiting; it; it = it->next)
		if (number_of(it->record.key) == number)
			return it;
	return NULL;
}

static bool any_due(void)
{
	for (const struct item *it = run.window.waiting; it; it = it->next)
		if (!it->due)
			return true;
	return false;
}

static struct known_work *first_untaken(void)
{
	for (unsigned i = 0; i < work_count; i++)
		if (untaken_of(&works[i]) < works[i].n)
			return &works[i];
	return NULL;
}

static void take_in_hand(const struct item *it, unsigned origin)
{
	unsigned number = number_of(it->record.key);

	ck_assert_msg(is_record_of(&objects[number], &it->record), "key/%03u as it was", number);
	ck_assert_int_eq(it->end, ITEM_SETTLED);
	objects[number].where = IN_HAND;
	origin_of[number] = origin;
	hands[hand_count++] = (struct hand){ .item = *it, .object = number, .origin = origin };
}

/* How many follow each other there; a large one goes alone. */
static size_t run_of(const struct known_work *k, size_t max)
{
	size_t n = 0;

	for (uint32_t i = untaken_of(k); i < k->n && n < max; i++) {
		if (objects[k->members[i]].where != NOT_TAKEN)
			continue;
		if (objects[k->members[i]].size == LARGE)
			return n ? n : 1;
		n++;
	}
	return n;
}

static void check_run(struct known_work *k, const struct item *items, size_t n, size_t max)
{
	uint32_t i = untaken_of(k);

	ck_assert_uint_eq(n, run_of(k, max));
	for (size_t taken = 0; taken < n; i++) {
		unsigned number = k->members[i];

		if (objects[number].where != NOT_TAKEN)
			continue;
		ck_assert_uint_eq(number_of(items[taken].record.key), number);
		ck_assert_int_eq(known(items[taken].work->batch) - works, k - works);
		take_in_hand(&items[taken++], (unsigned)(k - works));
		k->held++;
	}
}

static void take(void)
{
	struct item items[RUN_LENGTH];
	size_t max = 1 + draw(RUN_LENGTH), n;
	struct known_work *k = first_untaken();
	bool due = any_due();

	if (!due && !k)
		return; /* a copier would wait */
	ck_assert_int_eq(window_take(&run, 0, items, max, &n), TOOK_ITEMS);
	ck_assert(n >= 1 && n <= max);
	if (!due) {
		check_run(k, items, n, max);
		return;
	}
	unsigned number = number_of(items[0].record.key);

	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(objects[number].where, WAITING);
	ck_assert_int_eq(items[0].due, 0);
	ck_assert_ptr_null(waiting_for(number));
	take_in_hand(&items[0], origin_of[number]);
}

/* A result in a copier's memory, which is gone once it is returned. */
static void decide(struct hand *h, enum item_end end, char *etag, char *message)
{
	struct object *o = &objects[h->object];
	struct object_record *r = &h->item.record;

	h->item.end = (uint8_t)end;
	works[h->origin].held -= end != ITEM_AGAIN;
	o->where = end == ITEM_AGAIN ? WAITING : end == ITEM_LEFT ? LEFT_ALONE : SETTLED;
	if (end == ITEM_LEFT)
		return;
	r->attempts = ++o->attempts;
	if (draw(2)) { /* the source has another version by now */
		snprintf(o->etag, sizeof(o->etag), "etag-%u", draw(1000));
		r->etag = bytes_of_text(memcpy(etag, o->etag, sizeof(o->etag)));
	}
	if (end == ITEM_AGAIN) {
		h->item.due = draw(2) ? 0 : INT64_MAX;
		return;
	}
	r->state = o->state = (uint8_t)(OBJECT_COPIED + draw(5));
	settled_by[o->state]++;
	if (o->state == OBJECT_FAILED) {
		snprintf(o->message, sizeof(o->message), "failed: %u", draw(1000));
		r->message = memcpy(message, o->message, sizeof(o->message));
	}
}

/* Some of what is in hand, in any order, each with an end of its own. */
static void give_back(bool leaving)
{
	struct item items[4];
	char etags[4][16], messages[4][24];
	size_t n = 0, want = 1 + draw(4);

	for (; n < want && hand_count; n++) {
		unsigned i = draw(hand_count);
		enum item_end end = leaving && draw(2) ? ITEM_LEFT
				    : !draw(3)         ? ITEM_AGAIN
						       : ITEM_SETTLED;

		decide(&hands[i], end, etags[n], messages[n]);
		items[n] = hands[i].item;
		hands[i] = hands[--hand_count];
	}
	window_return(&run, items, n);
	memset(etags, '#', sizeof(etags));
	memset(messages, '#', sizeof(messages));
}

static void let_time_pass(void)
{
	for (struct item *it = run.window.waiting; it; it = it->next)
		it->due = 0;
}

/* The first open batch, all given out and not of stragglers itself, that has settled something. */
static struct known_work *straggling(void)
{
	for (unsigned i = 0; i < work_count; i++) {
		uint32_t left = left_of(&works[i]);

		if (left && left < works[i].n && untaken_of(&works[i]) == works[i].n &&
		    works[i].kind == BATCH_SORTED)
			return &works[i];
	}
	return NULL;
}

static void move_stragglers(void)
{
	struct known_work *from = straggling(), *to = &works[work_count];
	size_t window = run.window.works;

	WELL(window_move_stragglers(&run, INT64_MAX, &err));
	ck_assert_uint_eq(run.window.works, window + (from != NULL));
	if (!from)
		return;
	for (uint32_t i = 0; i < from->n; i++)
		if (is_here(from, i) && objects[from->members[i]].where != SETTLED)
			to->members[to->n++] = from->members[i];
	for (uint32_t i = 0; i < to->n; i++)
		objects[to->members[i]].work = work_count;
	to->kind = BATCH_MOVED;
	for (struct work *w = run.window.open.first; w; w = w->next)
		to->batch = w->batch->id; /* the last one */
	work_count++;
}

/* As the syncer does, also of what is held still. */
static void sync_settled(void)
{
	struct work *next;

	if (!run.window.syncing.first)
		return;
	for (struct work *w = window_take_settled(&run, 0); w; w = next) {
		next = w->next;
		ck_assert_uint_eq(left_of(known(w->batch)), 0);
		w->batch->state = BATCH_COPIED;
		WELL(journal_save(task.journal, &w->batch, 1, &err));
		known(w->batch)->closed = true;
		window_to_rewriters(&run, w);
	}
	while (run.window.rewriting.first && !halt_leaving(&run.halt))
		window_close(&run, window_take_rewriting(&run));
}

static void do_something(void)
{
	switch (draw(12)) {
	case 0:
		admit_some();
		break;
	case 1:
		move_stragglers();
		break;
	case 2:
		sync_settled();
		break;
	case 3:
		WELL(window_save(&run, draw(2), &err));
		break;
	case 4:
		let_time_pass();
		break;
	case 5:
	case 6:
	case 7:
		take();
		break;
	default:
		give_back(false);
	}
	check_window();
}

/* ---- What the journal holds in the end ---- */

static void check_journalled(const struct batch *b, unsigned *seen)
{
	for (uint32_t i = 0; i < b->n; i++) {
		unsigned number = number_of(b->objects[i].key);
		const struct known_work *home = &works[objects[number].work];

		if (b->objects[i].state == OBJECT_MOVED) {
			ck_assert_int_eq(b->objects[i].moved_batch, home->batch);
			ck_assert_uint_eq(home->members[b->objects[i].moved_n], number);
			continue;
		}
		ck_assert_int_eq(b->id, home->batch);
		ck_assert_uint_eq(home->members[i], number);
		ck_assert_msg(is_record_of(&objects[number], &b->objects[i]), "key/%03u", number);
		seen[number]++;
	}
}

/* Each object once, where the model has it, with what became of it. */
static void check_journal(void)
{
	unsigned seen[OBJECTS] = { 0 };
	int64_t after = 0;
	struct batch *b;

	while ((b = journal_next_batch(task.journal, after, &err))) {
		after = b->id;
		check_journalled(b, seen);
		batch_free(b);
	}
	ck_assert_msg(!error_is_set(&err), "%s", err.text);
	for (unsigned i = 0; i < object_count; i++)
		ck_assert_uint_eq(seen[i], 1);
}

/* ---- Tests ---- */

START_TEST(results_end_up_where_the_naive_model_says)
{
	sow(_i);
	for (int i = 0; i < 300; i++)
		do_something();
	while (count_of(SETTLED) < object_count) {
		let_time_pass();
		take();
		give_back(false);
		if (!draw(4))
			move_stragglers();
		check_window();
	}
	sync_settled();
	ck_assert_uint_eq(run.window.works, 0);
	check_journal();
}
END_TEST

START_TEST(a_run_that_ends_journals_what_is_settled_and_leaves_the_rest)
{
	size_t n = 1;
	struct item it;

	sow(_i);
	for (int i = 0; i < 150; i++)
		do_something();
	halt_stop(&run.halt);
	ck_assert_int_eq(window_take(&run, 0, &it, 1, &n), TOOK_NOTHING);
	ck_assert_uint_eq(n, 0);
	ck_assert(!window_wait_room(&run, WINDOW_MAX));
	while (hand_count) {
		give_back(true);
		check_window();
	}
	WELL(window_save(&run, true, &err));
	sync_settled();
	ck_assert_ptr_null(window_take_rewriting(&run));
	check_journal();
}
END_TEST

START_TEST(a_result_follows_its_object_however_often_it_moved)
{
	struct work *w[3];
	struct item items[4];
	size_t n;

	plain = true;
	w[0] = admit(4);
	ck_assert_int_eq(window_take(&run, 0, items, 4, &n), TOOK_ITEMS);
	ck_assert_uint_eq(n, 4);
	for (uint32_t m = 1; m < 3; m++) { /* the last three, then the last two of them */
		struct batch *to = make_batch(1, BATCH_MOVED, 0, 1, 4 - m);
		struct forward *forward = calloc(w[m - 1]->batch->n, sizeof(*forward));
		uint32_t which[] = { 1, 2, 3 }, at = 3;

		for (uint32_t i = 0; i < to->n; i++)
			to->objects[i] = w[m - 1]->batch->objects[i + 1];
		pthread_mutex_lock(&run.window.lock);
		w[m] = window_adopt(&run, w[m - 1], to, which, forward);
		ck_assert(window_resolve(w[0], &at) == w[m] && at == 3 - m);
		pthread_mutex_unlock(&run.window.lock);
	}
	ck_assert_uint_eq(run.window.works, 3);
	for (uint32_t i = 0; i < 4; i++) {
		items[i].record.state = OBJECT_COPIED;
		items[i].record.attempts = (uint8_t)(10 + i);
	}
	window_return(&run, &items[2], 2);
	ck_assert_uint_eq(w[2]->batch->objects[0].attempts, 12);
	ck_assert_uint_eq(w[2]->batch->objects[1].attempts, 13);
	ck_assert_uint_eq(w[2]->left, 0);
	ck_assert_uint_eq(w[0]->held, 2);
	items[0].end = items[1].end = ITEM_LEFT;
	window_return(&run, items, 2);
	ck_assert_uint_eq(w[0]->held, 0);
}
END_TEST

START_TEST(a_copier_is_told_of_parts_and_of_the_end)
{
	static const uint32_t parts[] = { 4, 7 };
	struct offer offer = { .parts = parts, .n = 2 }, *from;
	struct item it;
	uint32_t part;
	size_t n;

	plain = true;
	admit(1);
	offer_make(&run, &offer);
	ck_assert_int_eq(window_take(&run, 0, &it, 1, &n), TOOK_PARTS);
	ck_assert_uint_eq(n, 0);
	ck_assert(offer_take(&run, &offer, &part) && part == 4);
	ck_assert(offer_take_any(&run, &from, &part) && from == &offer && part == 7);
	ck_assert(!offer_take_any(&run, &from, &part) && !offer_take(&run, &offer, &part));
	offer_end(&run, &offer);
	offer_end(&run, &offer);
	offer_withdraw(&run, &offer);
	ck_assert_ptr_null(run.window.offers);
	ck_assert_int_eq(window_take(&run, 0, &it, 1, &n), TOOK_ITEMS);
	it.record.state = OBJECT_COPIED;
	window_return(&run, &it, 1);
	window_fed(&run);
	ck_assert_int_eq(window_take(&run, 0, &it, 1, &n), TOOK_NOTHING);
}
END_TEST

START_TEST(no_part_is_given_out_once_one_has_failed)
{
	static const uint32_t parts[] = { 0, 1, 2 };
	struct offer offer = { .parts = parts, .n = 3 };
	uint32_t part;

	offer_make(&run, &offer);
	ck_assert(offer_take(&run, &offer, &part) && offer_take(&run, &offer, &part));
	ck_assert(offer_fail(&run, &offer));
	ck_assert(!offer_fail(&run, &offer)); /* the first one's reason is told */
	ck_assert(!offer_take(&run, &offer, &part));
	offer_end(&run, &offer);
	offer_end(&run, &offer);
	offer_withdraw(&run, &offer);
}
END_TEST

START_TEST(memory_beyond_the_budget_may_go_alone)
{
	struct budget b;

	budget_init(&b, &run.halt, 100);
	ck_assert(budget_take(&b, 200)); /* rather than never */
	budget_give(&b, 200);
	ck_assert(budget_take(&b, 60) && budget_take(&b, 40));
	ck_assert_uint_eq(b.used, 100);
	halt_fail(&run.halt, &(struct error){ .exit = EXIT_INTERNAL });
	ck_assert(!budget_take(&b, 1)); /* nobody waits in a run that has failed */
	budget_release(&b);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, results_end_up_where_the_naive_model_says, 0, 5);
	tcase_add_loop_test(t, a_run_that_ends_journals_what_is_settled_and_leaves_the_rest, 0, 10);
	tcase_add_test(t, a_result_follows_its_object_however_often_it_moved);
	tcase_add_test(t, a_copier_is_told_of_parts_and_of_the_end);
	tcase_add_test(t, no_part_is_given_out_once_one_has_failed);
	tcase_add_test(t, memory_beyond_the_budget_may_go_alone);
}

int main(void)
{
	return run_fixture_suite("window", add);
}
