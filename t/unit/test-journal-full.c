/* SPDX-License-Identifier: MIT */
#include "journal-help.h"

#include <errno.h>
#include <pthread.h>
#include <sys/statvfs.h>

/* A file of ballast. */
static void fill_disk(void)
{
	char name[320];
	static const char block[4096];
	int fd;

	snprintf(name, sizeof(name), "%s/ballast", folder);
	fd = open(name, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	ck_assert_int_eq(errno, ENOSPC);
	close(fd);
}

static void empty_disk(void)
{
	char name[320];

	snprintf(name, sizeof(name), "%s/ballast", folder);
	ck_assert_int_eq(unlink(name), 0);
}

static struct journal *open_patient(int64_t patience)
{
	struct journal_options o = { .place.path = path,
				     .create = true,
				     .place.allow_volatile = true,
				     .patience = patience };
	struct journal *j = journal_open(&o, &err);

	ck_assert_msg(j != NULL, "%s", err.text);
	return j;
}

struct writer {
	struct journal *j;
	_Atomic unsigned planned;
	_Atomic bool ended;
	struct error err;
};

static void *write_batches(void *arg)
{
	struct writer *w = arg;
	int failed = 0;

	for (unsigned i = 0; !failed && i < 12; i++) {
		struct batch *b = make_batch(1, BATCH_SORTED, i * 1000, 1, 500);

		failed = journal_plan(w->j, &b, 1, &w->err);
		w->planned += !failed;
		batch_free(b);
	}
	w->ended = true;
	return NULL;
}

START_TEST(a_full_disk_is_waited_for)
{
	struct writer w = { .planned = 0 };
	struct batch_counts counts;
	pthread_t thread;
	unsigned before;

	ck_assert(mount_small());
	w.j = open_patient(60000);
	fill_disk();
	pthread_create(&thread, NULL, write_batches, &w);
	/* Long enough for several attempts; what is there meanwhile can be read. */
	for (int64_t end = clock_monotonic() + NS_PER_S; clock_monotonic() < end;)
		usleep(10000);
	ck_assert(!w.ended);
	before = w.planned;
	WELL(journal_counts(w.j, 0, &counts, &err));
	ck_assert_uint_eq(counts.objects, before * 500);
	empty_disk();
	pthread_join(thread, NULL);
	ck_assert_msg(!error_is_set(&w.err), "%s", w.err.text);
	ck_assert_uint_eq(w.planned, 12);
	WELL(journal_counts(w.j, 0, &counts, &err));
	ck_assert_uint_eq(counts.objects, 6000);
	journal_close(w.j);
	umount(folder);
}
END_TEST

START_TEST(patience_ends_and_the_next_run_goes_on)
{
	struct writer w = { .planned = 0 };
	struct journal_pass pass = { .number = 1 };
	struct batch_counts counts;
	int64_t began;

	ck_assert(mount_small());
	w.j = open_patient(500);
	fill_disk();
	began = clock_monotonic();
	write_batches(&w);
	ck_assert_int_ge(clock_monotonic() - began, 500 * NS_PER_MS);
	ck_assert_int_eq(w.err.exit, EXIT_JOURNAL);
	ck_assert_msg(strstr(w.err.text, "free some space"), "%s", w.err.text);

	/* From then on nothing is tried, not even when there is space again. */
	empty_disk();
	began = clock_monotonic();
	ck_assert_int_eq(journal_set_pass(w.j, &pass, &err), -1);
	ck_assert_int_eq(err.exit, EXIT_JOURNAL);
	ck_assert_int_lt(clock_monotonic() - began, 400 * NS_PER_MS);
	journal_close(w.j);

	w.j = open_patient(500);
	WELL(journal_counts(w.j, 0, &counts, &err));
	ck_assert_uint_eq(counts.objects, w.planned * 500);
	WELL(journal_set_pass(w.j, &pass, &err));
	journal_close(w.j);
	umount(folder);
}
END_TEST

START_TEST(no_room_for_a_new_journal_leaves_none)
{
	struct journal_options o = { .place.path = path,
				     .create = true,
				     .place.allow_volatile = true };

	ck_assert(mount_small());
	fill_disk();
	ck_assert_ptr_null(journal_open(&o, &err));
	ck_assert_msg(err.exit == EXIT_JOURNAL, "exit %d: %s", err.exit, err.text);
	ck_assert_int_ne(access(path, F_OK), 0);
	empty_disk();
	journal_close(open_patient(0));
	umount(folder);
}
END_TEST

static void add(TCase *t)
{
	ADD_WITH_SMALL_DISK(t, a_full_disk_is_waited_for);
	ADD_WITH_SMALL_DISK(t, patience_ends_and_the_next_run_goes_on);
	ADD_WITH_SMALL_DISK(t, no_room_for_a_new_journal_leaves_none);
}

int main(void)
{
	return run_suite("journal-full", add);
}
