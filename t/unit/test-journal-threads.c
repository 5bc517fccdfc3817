/* SPDX-License-Identifier: MIT */
#include "journal-both.h"

#include <pthread.h>

/* For the thread sanitizer: ten writers, two readers, events from everywhere. */
#define WRITERS 10
#define BATCHES 15

static struct journal *journal;
static _Atomic int writing = WRITERS;

static void *write_some(void *arg)
{
	unsigned me = *(unsigned *)arg;
	struct error e = ERROR_INIT;

	for (unsigned i = 0; i < BATCHES; i++) {
		struct batch *b = make_batch(1, BATCH_MOVED, me * 100000 + i * 100, 1, 30);
		struct chunk c;

		ck_assert_int_eq(journal_plan(journal, &b, 1, &e), 0);
		journal_event(journal, 2, "planned");
		b->objects[0].state = OBJECT_COPIED;
		b->objects[0].dirty = true;
		b->state = BATCH_COPIED;
		ck_assert_int_eq(journal_save(journal, &b, 1, &e), 0);
		make_chunk(b, &c);
		ck_assert_int_eq(journal_intent(journal, b, &c, &e), 0);
		b->state = BATCH_DONE;
		b->counts.rows_changed = 30;
		ck_assert_int_eq(journal_outcome(journal, b, &c, &e), 0);
		batch_free(b);
	}
	writing--;
	return NULL;
}

static void *read_some(void *arg)
{
	struct batch_counts counts, last = { .objects = 0 };
	struct error e = ERROR_INIT;

	(void)arg;
	while (writing > 0) {
		struct batch *b;

		ck_assert_int_eq(journal_counts(journal, 0, &counts, &e), 0);
		ck_assert_uint_ge(counts.objects, last.objects);
		ck_assert_uint_ge(counts.rows_changed, last.rows_changed);
		last = counts;
		b = journal_next_batch(journal, 0, &e);
		ck_assert_msg(!error_is_set(&e), "%s", e.text);
		batch_free(b);
	}
	return NULL;
}

START_TEST(any_thread_may_write_and_read)
{
	pthread_t threads[WRITERS + 2];
	unsigned numbers[WRITERS];
	struct batch_counts counts;

	journal = open_run();
	for (unsigned i = 0; i < WRITERS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, write_some, &numbers[i]);
	}
	for (int i = WRITERS; i < WRITERS + 2; i++)
		pthread_create(&threads[i], NULL, read_some, NULL);
	for (int i = 0; i < WRITERS + 2; i++)
		pthread_join(threads[i], NULL);
	WELL(journal_counts(journal, 0, &counts, &err));
	ck_assert_uint_eq(counts.objects, WRITERS * BATCHES * 30);
	ck_assert_uint_eq(counts.copied, WRITERS * BATCHES);
	ck_assert_uint_eq(counts.rows_changed, WRITERS * BATCHES * 30);
	journal_close(journal);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, any_thread_may_write_and_read);
}

int main(void)
{
	return run_suite_over_both("journal-threads", add, NULL);
}
