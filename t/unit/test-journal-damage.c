/* SPDX-License-Identifier: MIT */
#include "journal-help.h"

#include <sys/wait.h>

/*
 * A journal with one of everything is damaged in many ways. Each time it is
 * either refused, as damaged and nothing else, or says exactly what it said
 * before. The one exception is the end of the log: its last commit looks like one
 * that was never finished.
 */
#define FLIPS 700

static unsigned char *whole, *log_bytes;
static size_t whole_size, log_size;
static char *truth;
static unsigned seed;
static unsigned refusals;

static size_t read_file(const char *name, unsigned char **out)
{
	FILE *f = fopen(name, "r");
	struct stat st;

	ck_assert(f && !fstat(fileno(f), &st));
	*out = malloc((size_t)st.st_size + 1);
	ck_assert_uint_eq(fread(*out, 1, (size_t)st.st_size, f), (size_t)st.st_size);
	fclose(f);
	return (size_t)st.st_size;
}

static void put_file(const char *suffix, const unsigned char *bytes, size_t n)
{
	char name[320];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	if (!bytes) {
		unlink(name);
		return;
	}
	f = fopen(name, "w");
	ck_assert(f && fwrite(bytes, 1, n, f) == n && !fclose(f));
}

/* An unfinished job: open batches, an open chunk, failures, moved objects. */
static void build(struct journal *j)
{
	struct batch *b = make_batch(1, BATCH_SORTED, 0, 1, 40);
	struct batch *to = make_batch(1, BATCH_MOVED, 7, 1, 1);
	struct journal_job job = { .fingerprint = "f00", .canonical = strdup("tunable a = b") };
	struct journal_pass pass = { .number = 1, .state = PASS_LISTING };
	struct chunk one, two;
	const uint32_t seven = 7;

	memcpy(job.id, "0123456789abcdef", 17);
	pass.cursor = BYTES("cursor");
	WELL(journal_set_job(j, &job, NULL, &err));
	WELL(journal_begin_run(j, "run", &err));
	WELL(journal_set_pass(j, &pass, &err));
	WELL(journal_plan(j, &b, 1, &err));
	b->objects[3].state = OBJECT_FAILED;
	b->objects[3].message = "no";
	b->objects[3].dirty = true;
	b->state = BATCH_COPIED;
	WELL(journal_save(j, &b, 1, &err));
	WELL(journal_move(j, b, &seven, to, &err));
	make_chunk(b, &one);
	make_chunk(b, &two);
	WELL(journal_intent(j, b, &one, &err));
	one.rows[5].outcome = MIGRATE_ROW_CONFLICT;
	b->counts.rows_changed = 39;
	b->counts.rows_conflict = 1;
	WELL(journal_outcome(j, b, &one, &err));
	WELL(journal_intent(j, b, &two, &err));
	batch_free(b);
	batch_free(to);
	journal_job_release(&job);
}

static void begin(void)
{
	const char *given = getenv("TEST_SEED"); /* to look further by hand */
	struct journal *j = open_run();

	seed = given ? (unsigned)strtoul(given, NULL, 10) : 1;
	build(j);
	journal_close(j);
	j = open_run();
	truth = dump(j, &err);
	ck_assert_msg(truth != NULL, "%s", err.text);
	journal_close(j);
	whole_size = read_file(path, &whole);
}

/* Where a dump begins to differ from the truth. */
static size_t same(const char *now)
{
	size_t n = 0;

	while (now[n] && now[n] == truth[n])
		n++;
	return n;
}

/* What a run makes of the files as they are now; tail: it may have lost the last commit. */
static void judge(bool tail, const char *what, size_t at)
{
	struct journal *j;
	char *now = NULL;

	error_clear(&err);
	j = open_as(JOURNAL_RUN, &err);
	if (j)
		now = dump(j, &err);
	if (now)
		ck_assert_msg(tail || !strcmp(now, truth), "%s at %zu: %.200s, not %.200s", what,
			      at, now + same(now), truth + same(now));
	else
		ck_assert_msg(err.exit == EXIT_DAMAGED ||
				  (err.exit == EXIT_UNFIT && at >= 60 && at < 64),
			      "%s at %zu: exit %d: %s", what, at, err.exit, err.text);
	refusals += !now;
	free(now);
	journal_close(j);
}

static void put_whole(const unsigned char *bytes, size_t n)
{
	put_file("-wal", NULL, 0);
	put_file("-shm", NULL, 0);
	put_file("", bytes, n);
}

START_TEST(a_flipped_bit_is_refused_or_harmless)
{
	begin();
	for (int i = 0; i < FLIPS; i++) {
		/* The header gets its share. */
		size_t at = (size_t)rand_r(&seed) % (i % 7 ? whole_size : 100);
		unsigned char bit = (unsigned char)(1 << rand_r(&seed) % 8);

		whole[at] ^= bit;
		put_whole(whole, whole_size);
		judge(false, "flip", at);
		whole[at] ^= bit;
	}
	ck_assert_uint_gt(refusals, FLIPS / 20);
}
END_TEST

START_TEST(zeroed_and_repeated_sectors_are_refused_or_harmless)
{
	unsigned char saved[512];

	begin();
	for (size_t at = 0; at + 512 <= whole_size; at += 512) {
		memcpy(saved, whole + at, 512);
		memset(whole + at, 0, 512);
		put_whole(whole, whole_size);
		judge(false, "zeros", at);
		memcpy(whole + at, whole + (at + 4096) % whole_size, 512);
		put_whole(whole, whole_size);
		judge(false, "copy", at);
		memcpy(whole + at, saved, 512);
	}
	ck_assert_uint_gt(refusals, 10);
}
END_TEST

START_TEST(a_page_of_another_place_is_refused_or_harmless)
{
	unsigned char saved[4096];

	begin();
	for (size_t at = 0; at + 4096 <= whole_size; at += 4096) {
		memcpy(saved, whole + at, 4096);
		memcpy(whole + at, whole + (at + 8192) % (whole_size - 4095), 4096);
		put_whole(whole, whole_size);
		judge(false, "page", at);
		memcpy(whole + at, saved, 4096);
	}
	ck_assert_uint_gt(refusals, 4);
}
END_TEST

/* Leaves and inner nodes of trees: where their array of cells begins; 0: no such page. */
static size_t cells_of(const unsigned char *page)
{
	switch (*page) {
	case 10:
	case 13:
		return 8;
	case 2:
	case 5:
		return 12;
	default:
		return 0;
	}
}

/* All of its bytes are good, and one record is missing. */
START_TEST(a_record_in_the_place_of_its_neighbour_is_refused_or_harmless)
{
	unsigned char saved[2];

	begin();
	for (size_t at = 4096; at + 4096 <= whole_size; at += 4096) {
		size_t first = at + cells_of(whole + at);
		size_t n = (size_t)whole[at + 3] << 8 | whole[at + 4];

		for (size_t i = 0; first > at && i < n; i++) {
			unsigned char *cell = whole + first + 2 * i;

			memcpy(saved, cell, 2);
			if (i + 1 < n) {
				memcpy(cell, cell + 2, 2);
				put_whole(whole, whole_size);
				judge(false, "next", (size_t)(cell - whole));
				memcpy(cell, saved, 2);
			}
			if (i) {
				memcpy(cell, cell - 2, 2);
				put_whole(whole, whole_size);
				judge(false, "previous", (size_t)(cell - whole));
				memcpy(cell, saved, 2);
			}
		}
	}
	ck_assert_uint_gt(refusals, 10);
}
END_TEST

START_TEST(a_file_that_was_cut_is_refused)
{
	begin();
	for (size_t n = 0; n < whole_size; n += n < 600 ? 50 : 500) {
		put_whole(whole, n);
		/* Behind the start of the last page nothing need be missing. */
		if (n <= whole_size - 4096)
			refused(JOURNAL_RUN, EXIT_DAMAGED, "");
		else
			judge(false, "cut", n);
	}
}
END_TEST

/* Leaves the files of a run that was killed: all is in the log. */
static void begin_killed(void)
{
	int status;
	pid_t pid;
	char name[320];

	begin();
	put_whole(NULL, 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		build(open_run());
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	snprintf(name, sizeof(name), "%s-wal", path);
	free(whole);
	whole_size = read_file(path, &whole);
	log_size = read_file(name, &log_bytes);
	ck_assert_uint_gt(log_size, 20 * 4096);
}

static size_t last_commit(void)
{
	size_t last = 0, before = 0;

	for (size_t at = 32; at + 24 + 4096 <= log_size; at += 24 + 4096)
		if (log_bytes[at + 4] | log_bytes[at + 5] | log_bytes[at + 6] | log_bytes[at + 7]) {
			before = last;
			last = at + 24 + 4096;
		}
	return before;
}

START_TEST(damage_in_the_log_is_told_from_its_torn_end)
{
	size_t end;

	begin_killed();
	end = last_commit();
	for (int i = 0; i < FLIPS / 2; i++) {
		size_t at = (size_t)rand_r(&seed) % (i % 7 ? log_size : 64);
		unsigned char bit = (unsigned char)(1 << rand_r(&seed) % 8);

		log_bytes[at] ^= bit;
		put_whole(whole, whole_size);
		put_file("-wal", log_bytes, log_size);
		judge(at >= end, "flip in the log", at);
		log_bytes[at] ^= bit;
	}
	ck_assert_uint_gt(refusals, FLIPS / 4);
	put_whole(whole, whole_size);
	put_file("-wal", log_bytes, log_size);
	judge(false, "nothing", 0);
}
END_TEST

START_TEST(a_torn_end_of_the_log_costs_the_unfinished_commit_alone)
{
	size_t end;

	begin_killed();
	end = last_commit();
	ck_assert_uint_gt(log_size, end);
	for (size_t n = end; n < log_size; n += 1000) {
		struct journal *j;
		char *now;

		put_whole(whole, whole_size);
		put_file("-wal", log_bytes, n);
		j = open_run();
		now = dump(j, &err);
		ck_assert_msg(now != NULL, "%s", err.text);
		ck_assert_ptr_nonnull(strstr(now, "chunk 1 0 1"));
		free(now);
		journal_close(j);
	}
}
END_TEST

START_TEST(the_full_check_finds_what_a_look_at_the_rest_does_not)
{
	struct journal_options o = { .place.path = path,
				     .place.allow_volatile = true,
				     .full_check = true };
	unsigned char *key;
	struct journal *j;

	begin();
	j = journal_open(&o, &err);
	ck_assert_msg(j != NULL, "%s", err.text);
	journal_close(j);
	o.mode = JOURNAL_READ;
	key = memmem(whole, whole_size, "etag-1-20", 9);
	ck_assert_ptr_nonnull(key);
	key[8] = '1';
	put_whole(whole, whole_size);
	ck_assert_ptr_null(journal_open(&o, &err));
	ck_assert_msg(err.exit == EXIT_DAMAGED && strstr(err.text, "sums"), "%s", err.text);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, a_flipped_bit_is_refused_or_harmless);
	tcase_add_test(t, zeroed_and_repeated_sectors_are_refused_or_harmless);
	tcase_add_test(t, a_page_of_another_place_is_refused_or_harmless);
	tcase_add_test(t, a_record_in_the_place_of_its_neighbour_is_refused_or_harmless);
	tcase_add_test(t, a_file_that_was_cut_is_refused);
	tcase_add_test(t, damage_in_the_log_is_told_from_its_torn_end);
	tcase_add_test(t, a_torn_end_of_the_log_costs_the_unfinished_commit_alone);
	tcase_add_test(t, the_full_check_finds_what_a_look_at_the_rest_does_not);
}

int main(void)
{
	return run_suite("journal-damage", add);
}
