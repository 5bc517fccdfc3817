/* SPDX-License-Identifier: MIT */
#include "journal-help.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

/*
 * Killed at random moments while four threads write, again and again on the same
 * journal: what was acknowledged is there each time. What was, stands in memory
 * shared with the parent, written right after each call returned.
 */
#define THREADS 4
#define SLOTS 4096
#define ROUNDS 30

enum step { PLANNED = 1, SAVED, INTENDED, SETTLED };

struct acknowledged {
	int64_t batch[SLOTS];
	_Atomic int step[SLOTS];
	_Atomic unsigned count;
};

static struct acknowledged *seen;
static struct journal *journal;
static unsigned base; /* of keys, so that no round repeats another's */

static void must(int failed, const struct error *e)
{
	if (failed) {
		fprintf(stderr, "%s\n", e->text);
		_exit(1);
	}
}

static void one_batch(unsigned slot)
{
	struct batch *b = make_batch(1, BATCH_MOVED, base + slot * 100, 1, 20);
	struct error e = ERROR_INIT;
	struct chunk c;

	must(journal_plan(journal, &b, 1, &e), &e);
	seen->batch[slot] = b->id;
	seen->step[slot] = PLANNED;
	for (uint32_t i = 0; i < b->n; i++) {
		b->objects[i].state = OBJECT_COPIED;
		b->objects[i].dirty = true;
	}
	b->state = BATCH_COPIED;
	must(journal_save(journal, &b, 1, &e), &e);
	seen->step[slot] = SAVED;
	make_chunk(b, &c);
	must(journal_intent(journal, b, &c, &e), &e);
	seen->step[slot] = INTENDED;
	b->state = BATCH_DONE;
	b->counts.rows_changed = b->n;
	must(journal_outcome(journal, b, &c, &e), &e);
	seen->step[slot] = SETTLED;
	batch_free(b);
}

static void *write_on(void *unused)
{
	unsigned slot;

	(void)unused;
	while ((slot = seen->count++) < SLOTS)
		one_batch(slot);
	return NULL;
}

static pid_t start_writers(void)
{
	pthread_t threads[THREADS];
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	journal = open_run();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, write_on, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

static void check_slot(struct journal *j, unsigned slot)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct batch *b = journal_load(j, seen->batch[slot], &err);
	int step = seen->step[slot];
	struct chunk *chunks;
	size_t n;

	ck_assert_msg(b != NULL, "slot %u step %d: %s", slot, step, err.text);
	ck_assert_uint_eq(b->n, 20);
	if (step >= SAVED)
		ck_assert_uint_eq(b->counts.copied, 20);
	WELL(journal_chunks(j, b->id, &a, &chunks, &n, &err));
	if (step >= INTENDED)
		ck_assert(n == 1 && chunks[0].n == 20);
	if (step == SETTLED)
		ck_assert(chunks[0].settled && b->state == BATCH_DONE);
	if (n && !chunks[0].settled)
		ck_assert_int_eq(b->state, BATCH_REWRITING);
	batch_free(b);
}

/* However slow the machine is just now. */
static void wait_for_slots(unsigned n)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	for (int left = 20000; seen->count < n && left; left--)
		nanosleep(&moment, NULL);
}

START_TEST(what_was_acknowledged_survives_kill_at_any_moment)
{
	unsigned seed = (unsigned)time(NULL), checked = 0;

	printf("# seed %u\n", seed);
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(seen, MAP_FAILED);
	for (int round = 0; round < ROUNDS; round++) {
		struct timespec t = { .tv_nsec = rand_r(&seed) % 3000000 };
		unsigned some = (unsigned)rand_r(&seed) % 20;
		struct journal *j;
		pid_t pid;

		memset(seen, 0, sizeof(*seen));
		base += 1000000;
		pid = start_writers();
		wait_for_slots(some);
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		/* Killed before it had created the journal: that is one of the moments. */
		j = open_run();
		for (unsigned i = 0; i < SLOTS && i < seen->count; i++)
			if (seen->step[i]) {
				check_slot(j, i);
				checked++;
			}
		journal_close(j);
	}
	printf("# %u batches\n", checked);
	ck_assert_uint_gt(checked, ROUNDS);
}
END_TEST

START_TEST(the_whole_of_it_is_sound_after_many_kills)
{
	struct journal_options o = { .place.path = path,
				     .mode = JOURNAL_READ,
				     .place.allow_volatile = true,
				     .full_check = true };
	struct journal *j;

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int round = 1; round < 6; round++) {
		pid_t pid;

		memset(seen, 0, sizeof(*seen));
		base += 1000000;
		pid = start_writers();
		while (seen->count < (unsigned)(20 * round))
			usleep(1000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		j = journal_open(&o, &err);
		ck_assert_msg(j != NULL, "%s", err.text);
		journal_close(j);
	}
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, what_was_acknowledged_survives_kill_at_any_moment);
	tcase_add_test(t, the_whole_of_it_is_sound_after_many_kills);
}

int main(void)
{
	return run_suite("journal-crash", add);
}
