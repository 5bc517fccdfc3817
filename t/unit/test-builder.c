/* SPDX-License-Identifier: MIT */
#include "run-fixture.h"

#include "engine/plan/planner.h"

/*
 * Random keys and verdicts, and a naive model: a list of the records that were asked for, and of
 * the stretches of them that are batches. Some keys have a record of an earlier pass.
 */
#define KEYS 700
#define PADDED 2048
#define OLD_BATCHES 200
#define MIB (UINT64_C(1) << 20)

/* ---- What was asked for ---- */

struct stretch {
	unsigned first, n; /* of expected[] */
	size_t key_bytes;
	struct migrate_bytes position;
	uint64_t skips[SKIP_COUNT];
};

static struct arena memory;
static struct object_record expected[KEYS];
static struct stretch stretches[2 * KEYS], making;
static unsigned expected_count, stretch_count, passed_over, copied;
static bool admit;
static size_t padding; /* bytes that keys are filled up to */

struct old {
	int64_t batch; /* 0: there is no such record */
	uint32_t n;
	unsigned now; /* index in expected[] of what superseded it; KEYS: nothing did */
};
static struct old olds[KEYS];
static struct batch *old_batches[OLD_BATCHES];
static unsigned old_batch_count;

static bool is_there(const struct object_record *o)
{
	return o->state == OBJECT_COPIED || o->state == OBJECT_SAME;
}

static void close_stretch(void)
{
	bool any = making.n;

	for (int i = 0; i < SKIP_COUNT; i++)
		any |= making.skips[i] != 0;
	if (any)
		stretches[stretch_count++] = making;
	making = (struct stretch){ .first = expected_count, .position = making.position };
}

static void expect_object(const struct object_record *o)
{
	bool large = o->size > 64 * MIB;

	if (large && making.n)
		close_stretch();
	making.position = o->key;
	making.key_bytes += o->key.n + o->new_key.n;
	making.n++;
	expected_count++;
	if (large || making.n == job.batch || making.key_bytes >= MIB)
		close_stretch();
}

/* ---- Draws ---- */

static struct migrate_bytes text_of(const char *what, unsigned number)
{
	return bytes_of_text(arena_printf(&memory, "%s-%u", what, number));
}

static struct migrate_bytes key_of(const char *what, unsigned number)
{
	char *key = arena_alloc(&memory, padding + 16);
	int n = snprintf(key, 16, "%s/%05u", what, number);

	if ((size_t)n < padding)
		memset(key + n, '.', padding - (size_t)n);
	return bytes_of(key, (size_t)n < padding ? padding : (size_t)n);
}

static uint64_t draw_size(void)
{
	switch (padding ? 2 : draw(12)) {
	case 0:
		return 64 * MIB + 1 + draw(1000);
	case 1:
		return 64 * MIB;
	default:
		return draw(100000);
	}
}

static void draw_old(struct object_record *o, unsigned number)
{
	o->key = key_of("key", number);
	o->new_key = text_of("old", number);
	o->state = (uint8_t)draw(OBJECT_MOVED);
	o->created = (uint8_t)draw(3);
	o->level = (uint8_t)draw(VERIFY_READBACK + 1);
	o->digest.algorithm = MIGRATE_MD5;
	o->digest.n = draw(2) ? 16 : 0;
	memset(o->digest.bytes, (int)draw(256), o->digest.n);
	if (draw(3))
		o->stored = text_of("stored", number);
	if (!draw(3))
		o->replaces = text_of("replaces", number);
}

static void move_some(struct batch *from, const unsigned *numbers)
{
	uint32_t which[KEYS], n = 0;
	struct batch *to;

	for (uint32_t i = 0; i < from->n; i++)
		if (!draw(6))
			which[n++] = i;
	if (!n)
		return;
	to = make_batch(1, BATCH_MOVED, 0, 1, n);
	for (uint32_t i = 0; i < n; i++)
		to->objects[i] = from->objects[which[i]];
	WELL(journal_move(task.journal, from, which, to, &err));
	for (uint32_t i = 0; i < n; i++)
		olds[numbers[which[i]]] = (struct old){ .batch = to->id, .n = i, .now = KEYS };
	old_batches[old_batch_count++] = to;
}

/* Every other key has a record, some of them in another batch by now. */
static void plan_earlier_pass(void)
{
	unsigned numbers[KEYS], next = 0;

	while (next < KEYS) {
		uint32_t n = 0, want = 1 + draw(30);
		struct batch *b;

		for (; next < KEYS && n < want; next++)
			if (draw(2))
				numbers[n++] = next;
		b = make_batch(1, BATCH_SORTED, 0, 1, n);
		for (uint32_t i = 0; i < n; i++)
			draw_old(&b->objects[i], numbers[i]);
		WELL(journal_plan(task.journal, &b, 1, &err));
		for (uint32_t i = 0; i < n; i++)
			olds[numbers[i]] = (struct old){ .batch = b->id, .n = i, .now = KEYS };
		move_some(b, numbers);
		old_batches[old_batch_count++] = b;
	}
}

static struct object_record *old_record(const struct old *old)
{
	for (unsigned i = 0; i < old_batch_count; i++)
		if (old_batches[i]->id == old->batch)
			return &old_batches[i]->objects[old->n];
	ck_abort_msg("there is no batch %lld", (long long)old->batch);
	return NULL;
}

static void draw_object(struct object_record *o, unsigned number)
{
	static const uint8_t states[] = { OBJECT_FAILED, OBJECT_SKIPPED };

	*o = (struct object_record){ .key = key_of("key", number), .size = draw_size() };
	o->mtime = draw(4) ? (int64_t)draw(1000) : INT64_MIN;
	o->state = draw(4) ? OBJECT_PLANNED : states[draw(2)];
	o->fail = o->state == OBJECT_FAILED ? (uint8_t)(1 + draw(FAIL_CLASS_COUNT - 1)) : 0;
	if (o->state != OBJECT_PLANNED && draw(3))
		o->message = arena_printf(&memory, "because of %u", number);
	if (o->state != OBJECT_FAILED || draw(2))
		o->new_key = key_of("new", number);
	if (draw(5))
		o->etag = text_of("etag", number);
}

/* What the new record takes from the one that it supersedes. */
static void expect_inherited(struct object_record *o, const struct object_record *older)
{
	bool ours = is_there(older) && older->created == CREATED_OURS;

	o->replaces = ours ? older->stored : older->replaces;
	o->created = older->state == OBJECT_SAME && !ours ? CREATED_BEFORE : older->created;
	o->unchanged = older->unchanged && o->state == OBJECT_PLANNED;
	if (!o->unchanged)
		return;
	o->digest = older->digest;
	o->level = older->level;
}

/* ---- What happens ---- */

/* The builder is given bytes that are others a moment later. */
static struct migrate_bytes lend(struct migrate_bytes b, char *to)
{
	if (b.n)
		memcpy(to, b.p, b.n);
	return bytes_of(to, b.n);
}

static void add_object(struct builder *b, unsigned number)
{
	static char lent[4][PADDED + 16];
	struct object_record *o = &expected[expected_count], older = { .key = { .n = 0 } };
	struct old *old = &olds[number];
	struct key_item item;
	struct verdict v;

	draw_object(o, number);
	item = (struct key_item){ .key = lend(o->key, lent[0]),
				  .etag = lend(o->etag, lent[1]),
				  .size = o->size,
				  .mtime = o->mtime };
	v = (struct verdict){ .state = o->state,
			      .fail = (enum fail_class)o->fail,
			      .new_key = lend(o->new_key, lent[2]) };
	if (o->message)
		v.message = memcpy(lent[3], o->message, strlen(o->message) + 1);
	if (old->batch) {
		older = *old_record(old);
		older.unchanged = is_there(&older) && draw(2);
		expect_inherited(o, &older);
		old->now = expected_count;
	}
	expect_object(o);
	WELL(builder_add(b, &item, &v, old->batch ? &older : NULL, old->batch, old->n, &err));
	memset(lent, '#', sizeof(lent));
}

/* A key that is too long to be noted moves nothing. */
static void pass_over(struct builder *b, unsigned number)
{
	static char long_key[MIGRATE_KEY_MAX + 1];
	enum skip_reason why = (enum skip_reason)draw(SKIP_COUNT);
	struct key_item item = { .key = key_of("key", number) };

	making.skips[why]++;
	passed_over += why != SKIP_EMPTY_FOLDER;
	if (draw(30))
		making.position = item.key;
	else
		item.key = bytes_of(long_key, sizeof(long_key));
	builder_pass_over(b, &item, why);
}

static void check_tally(void)
{
	uint64_t objects = 0, bytes = 0, failed = 0, skipped = 0;

	for (unsigned i = 0; i < making.first; i++) {
		objects++;
		bytes += expected[i].size;
		failed += expected[i].state == OBJECT_FAILED;
		skipped += expected[i].state == OBJECT_SKIPPED;
	}
	ck_assert_uint_eq(run.tally.objects, objects);
	ck_assert_uint_eq(run.tally.bytes, bytes);
	ck_assert_uint_eq(run.tally.failed, failed);
	ck_assert_uint_eq(run.tally.new_failures, failed);
	ck_assert_uint_eq(run.tally.skipped, skipped);
	ck_assert_uint_eq(run.tally.objects_done, failed + skipped + copied);
	ck_assert_uint_eq(run.tally.passed_over, passed_over);
}

/* ---- What the window and the journal hold ---- */

static bool same_digest(const struct migrate_digest *a, const struct migrate_digest *b)
{
	return a->n == b->n &&
	       (!a->n || (a->algorithm == b->algorithm && !memcmp(a->bytes, b->bytes, a->n)));
}

static void check_record(const struct object_record *is, const struct object_record *o)
{
	const char *key = arena_printf(&memory, "%.*s", (int)o->key.n, (const char *)o->key.p);

	ck_assert_msg(bytes_equal(is->key, o->key), "%.*s, not %s", (int)is->key.n,
		      (const char *)is->key.p, key);
	ck_assert_msg(bytes_equal(is->new_key, o->new_key) && bytes_equal(is->etag, o->etag) &&
			  is->size == o->size && is->mtime == o->mtime,
		      "%s: another object", key);
	ck_assert_msg(is->state == o->state && is->fail == o->fail, "%s: %u, %u", key, is->state,
		      is->fail);
	ck_assert_msg(!strcmp(is->message ? is->message : "", o->message ? o->message : ""),
		      "%s: %s", key, is->message);
	ck_assert_msg(is->created == o->created && bytes_equal(is->replaces, o->replaces),
		      "%s: created %u, replaces %zu bytes", key, is->created, is->replaces.n);
	ck_assert_msg(is->unchanged == o->unchanged && is->level == o->level &&
			  same_digest(&is->digest, &o->digest),
		      "%s: unchanged %d, level %u", key, is->unchanged, is->level);
	ck_assert_uint_eq(is->stored.n, 0);
}

/* All that is to be copied, in the order in which it was asked for. */
static void take_all(void)
{
	static unsigned next;
	struct item items[RUN_LENGTH];
	size_t n;

	while (run.window.open.first) {
		ck_assert_int_eq(window_take(&run, 0, items, RUN_LENGTH, &n), TOOK_ITEMS);
		for (size_t i = 0; i < n; i++, next++) {
			while (expected[next].state != OBJECT_PLANNED)
				next++;
			check_record(&items[i].record, &expected[next]);
			items[i].record.state = OBJECT_COPIED;
		}
		window_return(&run, items, n);
		copied += (unsigned)n;
	}
	while (next < making.first && expected[next].state != OBJECT_PLANNED)
		next++;
	ck_assert_uint_eq(next, making.first);
}

static void drain_window(void)
{
	struct work *next;

	take_all();
	if (!run.window.syncing.first)
		return;
	for (struct work *w = window_take_settled(&run, 0); w; w = next) {
		next = w->next;
		window_to_rewriters(&run, w);
	}
	while (run.window.rewriting.first)
		window_close(&run, window_take_rewriting(&run));
	ck_assert_uint_eq(run.window.works, 0);
}

static void check_batch(const struct batch *b, const struct stretch *s)
{
	enum batch_state open = admit ? BATCH_COPYING : BATCH_PLANNED;

	ck_assert_int_eq(b->pass, 2);
	ck_assert_int_eq(b->kind, BATCH_SORTED);
	ck_assert_int_eq(b->state, s->n ? open : BATCH_DONE);
	ck_assert_int_eq(b->began != 0, admit);
	ck_assert(b->durable);
	ck_assert_uint_eq(b->n, s->n);
	ck_assert(bytes_equal(b->position, s->position));
	ck_assert_mem_eq(b->counts.skips, s->skips, sizeof(s->skips));
	for (uint32_t i = 0; i < b->n; i++)
		check_record(&b->objects[i], &expected[s->first + i]);
}

static void check_old(int64_t batch_of[], uint32_t n_of[])
{
	for (unsigned i = 0; i < KEYS; i++) {
		struct batch *b;
		const struct object_record *o;

		if (!olds[i].batch)
			continue;
		b = journal_load(task.journal, olds[i].batch, &err);
		ck_assert_msg(b != NULL, "%s", err.text);
		o = &b->objects[olds[i].n];
		if (olds[i].now == KEYS) {
			ck_assert_int_eq(o->state, old_record(&olds[i])->state);
		} else {
			ck_assert_int_eq(o->state, OBJECT_MOVED);
			ck_assert_int_eq(o->moved_batch, batch_of[olds[i].now]);
			ck_assert_uint_eq(o->moved_n, n_of[olds[i].now]);
		}
		batch_free(b);
	}
}

static void check_counts(void)
{
	struct batch_counts c, model = { .objects = 0 };

	for (unsigned i = 0; i < expected_count; i++) {
		model.objects++;
		model.bytes += expected[i].size;
		model.failed += expected[i].state == OBJECT_FAILED;
		model.skipped += expected[i].state == OBJECT_SKIPPED;
	}
	for (unsigned i = 0; i < stretch_count; i++)
		for (int k = 0; k < SKIP_COUNT; k++)
			model.skips[k] += stretches[i].skips[k];
	WELL(journal_counts(task.journal, 2, &c, &err));
	ck_assert_mem_eq(&c, &model, sizeof(c));
}

static void check_position(void)
{
	struct migrate_bytes last, position;

	WELL(journal_position(task.journal, 2, &memory, &last, &position, &err));
	ck_assert(bytes_equal(last, expected[expected_count - 1].key));
	ck_assert(bytes_equal(position, stretches[stretch_count - 1].position));
}

static void check_journal(void)
{
	int64_t after = 0, batch_of[KEYS];
	uint32_t n_of[KEYS];
	unsigned at = 0;
	struct batch *b;

	WELL(journal_last_before(task.journal, 2, &after, &err));
	for (; (b = journal_next_batch(task.journal, after, &err)); at++) {
		after = b->id;
		ck_assert_uint_lt(at, stretch_count);
		check_batch(b, &stretches[at]);
		for (uint32_t i = 0; i < b->n; i++) {
			batch_of[stretches[at].first + i] = b->id;
			n_of[stretches[at].first + i] = i;
		}
		batch_free(b);
	}
	ck_assert_msg(!error_is_set(&err), "%s", err.text);
	ck_assert_uint_eq(at, stretch_count);
	check_old(batch_of, n_of);
	check_counts();
	check_position();
}

/* The first hundred failures, by name and in order, and that there are others. */
static void check_log(FILE *log)
{
	static char line[4 * PADDED];
	unsigned told = 0;

	rewind(log);
	for (unsigned i = 0; i < expected_count && told < 100; i++) {
		const struct object_record *o = &expected[i];
		const char *says = arena_printf(
		    &memory, "%.*s: %s: %s\n", (int)o->key.n, (const char *)o->key.p,
		    fail_class_name((enum fail_class)o->fail), o->message ? o->message : "failed");

		if (o->state != OBJECT_FAILED)
			continue;
		told++;
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), log));
		ck_assert_msg(strstr(line, says) != NULL, "'%s' not in: %s", says, line);
	}
	ck_assert_int_eq(fgets(line, sizeof(line), log) != NULL, run.tally.failed > 100);
	ck_assert_uint_eq(run.told, run.tally.failed);
}

/* ---- Tests ---- */

static void build(struct builder *b)
{
	for (unsigned i = 0; i < KEYS; i++) {
		if (!draw(4)) {
			pass_over(b, i);
		} else if (padding || draw(30)) {
			add_object(b, i);
		} else {
			WELL(builder_flush(b, &err));
			close_stretch();
		}
		check_tally();
		ck_assert(admit || !run.window.works);
		if (admit && (run.window.works > WINDOW_MAX - 3 || !draw(8)))
			drain_window();
	}
	for (unsigned last = draw(3); last; last--)
		pass_over(b, KEYS + 3 - last);
	for (int i = 0; i < 2; i++) { /* the second time there is nothing */
		WELL(builder_flush(b, &err));
		close_stretch();
	}
	check_tally();
}

static void check_builder(void)
{
	char name[sizeof(folder) + 8];
	struct builder *b;
	FILE *log;

	snprintf(name, sizeof(name), "%s/log", folder);
	log = freopen(name, "w+", stderr);
	ck_assert_ptr_nonnull(log);
	log_configure("test", LOG_WARN, false);
	task.pass.number = 2;
	plan_earlier_pass();
	b = builder_new(&run, admit, &err);
	ck_assert_msg(b != NULL, "%s", err.text);
	build(b);
	if (admit)
		drain_window();
	builder_free(b);
	check_journal();
	check_log(log);
	for (unsigned i = 0; i < old_batch_count; i++)
		batch_free(old_batches[i]);
	arena_release(&memory);
}

START_TEST(batches_are_the_stretches_of_the_naive_model)
{
	sow(_i);
	admit = _i % 2;
	job.batch = 1 + draw(40);
	check_builder();
}
END_TEST

START_TEST(keys_fill_a_batch_as_well)
{
	sow(1000 + _i);
	admit = _i % 2;
	job.batch = KEYS;
	padding = _i ? PADDED : 1500 + draw(500); /* 256 pairs are a MiB, to the byte */
	check_builder();
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, batches_are_the_stretches_of_the_naive_model, 0, 8);
	tcase_add_loop_test(t, keys_fill_a_batch_as_well, 0, 3);
}

int main(void)
{
	return run_fixture_suite("builder", add);
}
