/* SPDX-License-Identifier: MIT */
#include "journal-help.h"

#include <errno.h>
#include <sqlite3.h>

/*
 * A disk that fails: SQLite's own file layer with the log's sync and write
 * replaced. From the first failure on nothing more may reach the file, not even
 * by closing it, or what the disk never took would be believed.
 */
static int (*real_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
static int (*real_sync)(sqlite3_file *, int);
static int (*real_write)(sqlite3_file *, const void *, int, sqlite3_int64);
static sqlite3_io_methods log_methods;
static _Atomic int syncs_left = -1, writes_left = -1; /* until the failure; -1: none */
static _Atomic unsigned calls;                        /* of both, since the failure */

/* True from the moment on at which *left calls were made. */
static bool fails(_Atomic int *left)
{
	calls++;
	if (*left < 0)
		return false;
	if (*left > 0) {
		if (--*left)
			return false;
		calls = 0;
	}
	return true;
}

static int log_sync(sqlite3_file *f, int flags)
{
	return fails(&syncs_left) ? SQLITE_IOERR_FSYNC : real_sync(f, flags);
}

static int log_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
	return fails(&writes_left) ? SQLITE_IOERR_WRITE : real_write(f, bytes, n, at);
}

static int wrap_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	int rc = real_open(vfs, name, f, flags, out);

	if (rc || !(flags & SQLITE_OPEN_WAL))
		return rc;
	log_methods = *f->pMethods;
	real_sync = log_methods.xSync;
	real_write = log_methods.xWrite;
	log_methods.xSync = log_sync;
	log_methods.xWrite = log_write;
	f->pMethods = &log_methods;
	return rc;
}

static void wrap(void)
{
	static sqlite3_vfs vfs;

	vfs = *sqlite3_vfs_find(NULL);
	real_open = vfs.xOpen;
	vfs.xOpen = wrap_open;
	vfs.zName = "failing";
	ck_assert_int_eq(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
}

static int plan(struct journal *j, unsigned first)
{
	struct batch *b = make_batch(1, BATCH_SORTED, first, 1, 50);
	int failed = journal_plan(j, &b, 1, &err);

	batch_free(b);
	return failed;
}

/* Writes until it fails; then nothing else may be tried. */
static void fail_and_look(_Atomic int *left, int after)
{
	struct journal_pass pass = { .number = 1 };
	struct batch_counts counts;
	struct journal *j = open_run();
	unsigned planned = 0;

	*left = after;
	while (!plan(j, planned * 100))
		planned++;
	ck_assert_msg(err.exit == EXIT_JOURNAL && strstr(err.text, "look after the disk"), "%s",
		      err.text);
	ck_assert_int_eq(journal_set_pass(j, &pass, &err), -1);
	ck_assert_int_eq(err.exit, EXIT_JOURNAL);
	journal_event(j, 1, "nobody will read this");
	journal_close(j);
	ck_assert_uint_eq(calls, 0);

	*left = -1;
	j = open_run();
	WELL(journal_counts(j, 0, &counts, &err));
	/* A commit in doubt may be there or not; what was acknowledged is. */
	ck_assert_msg(counts.objects == planned * 50 || counts.objects == planned * 50 + 50,
		      "%llu of %u", (unsigned long long)counts.objects, planned * 50);
	journal_close(j);
}

START_TEST(a_failed_sync_ends_everything)
{
	wrap();
	fail_and_look(&syncs_left, _i);
}
END_TEST

START_TEST(a_failed_write_ends_everything)
{
	wrap();
	fail_and_look(&writes_left, _i);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, a_failed_sync_ends_everything, 1, 6);
	tcase_add_loop_test(t, a_failed_write_ends_everything, 1, 12);
}

int main(void)
{
	return run_suite("journal-errors", add);
}
