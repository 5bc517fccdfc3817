/* SPDX-License-Identifier: MIT */
#include "journal-both.h"

/*
 * Random passes with moved objects, and a naive model: an array over all keys
 * that says which record is the newest, and where.
 */
#define KEYS 2000
#define PASSES 4

struct expected {
	int pass; /* 0: no record */
	int64_t batch;
	uint32_t n;
};

static struct expected model[PASSES + 2][KEYS]; /* by `before` */
static unsigned seed;

static unsigned draw(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

/* The numbers of one batch, ascending from *next on; none when the keys are used up. */
static uint32_t draw_numbers(unsigned *next, unsigned *numbers)
{
	uint32_t want = 1 + draw(300), n = 0;

	for (; *next < KEYS && n < want; ++*next)
		if (!draw(3))
			numbers[n++] = *next;
	return n;
}

static struct batch *batch_of(int pass, enum batch_kind kind, const unsigned *numbers, uint32_t n)
{
	struct batch *b = make_batch(pass, kind, 0, 1, n);

	for (uint32_t i = 0; i < n; i++)
		b->objects[i].key = bytes_of_text(arena_printf(&b->arena, "key/%05u", numbers[i]));
	return b;
}

/* Some objects go to a new batch, some of those once more. */
static void move_some(struct journal *j, struct batch *from, const unsigned *numbers, int pass,
		      int depth)
{
	uint32_t which[300], n = 0;
	unsigned moved[300];
	struct batch *to;

	for (uint32_t i = 0; i < from->n; i++)
		if (!draw(5)) {
			which[n] = i;
			moved[n++] = numbers[i];
		}
	if (!n)
		return;
	to = batch_of(pass, BATCH_MOVED, moved, n);
	WELL(journal_move(j, from, which, to, &err));
	for (uint32_t i = 0; i < n; i++)
		model[PASSES + 1][moved[i]] =
		    (struct expected){ .pass = pass, .batch = to->id, .n = i };
	if (depth)
		move_some(j, to, moved, pass, depth - 1);
	batch_free(to);
}

static void fill_pass(struct journal *j, int pass)
{
	unsigned numbers[300], next = 0;
	uint32_t n;

	while ((n = draw_numbers(&next, numbers))) {
		struct batch *b = batch_of(pass, BATCH_SORTED, numbers, n);

		WELL(journal_plan(j, &b, 1, &err));
		for (uint32_t i = 0; i < n; i++)
			model[PASSES + 1][numbers[i]] =
			    (struct expected){ .pass = pass, .batch = b->id, .n = i };
		move_some(j, b, numbers, pass, 2);
		batch_free(b);
	}
	/* A cursor without objects, and rows alone: neither is a record of a key. */
	struct batch *none = make_batch(pass, BATCH_SORTED, 0, 1, 0);
	struct batch *rows = make_batch(pass, BATCH_ROWS, 0, 1, 3);

	WELL(journal_plan(j, &none, 1, &err));
	WELL(journal_plan(j, &rows, 1, &err));
	batch_free(none);
	batch_free(rows);
}

static void check_merge(struct journal *j, int before)
{
	struct journal_merge *m = journal_merge_open(j, before, &err);
	struct object_record o;
	int64_t batch;
	uint32_t n;
	char key[16];

	ck_assert_msg(m != NULL, "%s", err.text);
	for (unsigned i = 0; i < KEYS; i++) {
		const struct expected *e = &model[before][i];

		if (!e->pass)
			continue;
		snprintf(key, sizeof(key), "key/%05u", i);
		ck_assert_msg(journal_merge_next(m, &o, &batch, &n, &err) == 1, "%s: %s", key,
			      err.text);
		ck_assert_msg(bytes_equal(o.key, bytes_of_text(key)), "%.*s, not %s", (int)o.key.n,
			      (const char *)o.key.p, key);
		ck_assert_msg(batch == e->batch && n == e->n && o.state != OBJECT_MOVED,
			      "%s: %lld/%u, not %lld/%u", key, (long long)batch, n,
			      (long long)e->batch, e->n);
	}
	ck_assert_int_eq(journal_merge_next(m, &o, &batch, &n, &err), 0);
	ck_assert_int_eq(journal_merge_next(m, &o, &batch, &n, &err), 0);
	journal_merge_close(m);
}

static void check_find(struct journal *j)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct object_record o;
	int64_t batch;
	uint32_t n;
	char key[16];

	for (unsigned i = 0; i < KEYS; i++) {
		const struct expected *e = &model[PASSES + 1][i];
		int found;

		snprintf(key, sizeof(key), "key/%05u", i);
		found = journal_find_key(j, bytes_of_text(key), &a, &o, &batch, &n, &err);
		ck_assert_msg(found == (e->pass != 0), "%s: %d, %s", key, found, err.text);
		if (found)
			ck_assert_msg(batch == e->batch && n == e->n &&
					  bytes_equal(o.key, bytes_of_text(key)),
				      "%s in the wrong place", key);
		arena_reset(&a);
	}
	ck_assert_int_eq(journal_find_key(j, BYTES("a"), &a, &o, &batch, &n, &err), 0);
	ck_assert_int_eq(journal_find_key(j, BYTES("zzz"), &a, &o, &batch, &n, &err), 0);
	ck_assert_int_eq(journal_find_key(j, BYTES(""), &a, &o, &batch, &n, &err), 0);
}

START_TEST(merge_and_find_agree_with_the_naive_model)
{
	const char *given = getenv("TEST_SEED");
	struct journal *j = open_run();

	seed = (given ? (unsigned)strtoul(given, NULL, 10) : 1) + (unsigned)_i;
	printf("# TEST_SEED=%u\n", seed - (unsigned)_i);
	fflush(stdout);
	for (int pass = 1; pass <= PASSES; pass++) {
		memcpy(model[pass], model[PASSES + 1], sizeof(model[pass]));
		fill_pass(j, pass);
	}
	for (int before = 1; before <= PASSES + 1; before++)
		check_merge(j, before);
	check_find(j);
	journal_close(j);
}
END_TEST

START_TEST(a_merge_of_nothing_ends_at_once)
{
	struct journal *j = open_run();
	struct journal_merge *m = journal_merge_open(j, 1, &err);
	struct object_record o;
	int64_t batch;
	uint32_t n;

	ck_assert_int_eq(journal_merge_next(m, &o, &batch, &n, &err), 0);
	journal_merge_close(m);
	journal_close(j);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, merge_and_find_agree_with_the_naive_model, 0, 3);
	tcase_add_test(t, a_merge_of_nothing_ends_at_once);
}

int main(void)
{
	return run_suite_over_both("journal-merge", add, NULL);
}
