/* SPDX-License-Identifier: MIT */
#include "journal-help.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>

#define NOBODY 65534

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void sql(const char *statements)
{
	sqlite3 *db;
	char *message = NULL;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, statements, NULL, NULL, &message) == SQLITE_OK, "%s",
		      message);
	sqlite3_close(db);
}

static void plan_one(struct journal *j, unsigned first)
{
	struct batch *b = make_batch(1, BATCH_SORTED, first, 1, 10);

	WELL(journal_plan(j, &b, 1, &err));
	batch_free(b);
}

/* A child that opens the journal, plans a batch and then waits to be killed. */
static pid_t holder(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		plan_one(open_run(), 0);
		if (write(ready[1], "", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void kill_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Its assertions count. Without the rights of root, when there are any: then files of mode 0444 keep everybody from writing. */
static void as_nobody(void (*check)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		if (!getuid() && (setgid(NOBODY) || setuid(NOBODY)))
			_exit(2);
		check();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

START_TEST(a_new_journal_is_for_its_owner_alone_whatever_the_umask)
{
	static const char *const files[] = { "", "-wal", "-shm", "-lock" };
	char name[320];
	struct stat st;
	struct journal *j;

	umask(0);
	j = open_run();
	plan_one(j, 0);
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s%s", path, files[i]);
		ck_assert_msg(!stat(name, &st) && (st.st_mode & 07777) == 0600, "%s %o", name,
			      st.st_mode & 07777u);
	}
	journal_close(j);
	snprintf(name, sizeof(name), "%s-new", path);
	ck_assert_int_ne(access(name, F_OK), 0);
	snprintf(name, sizeof(name), "%s-wal", path);
	ck_assert_int_ne(access(name, F_OK), 0);
}
END_TEST

START_TEST(a_second_run_is_told_who_holds_it)
{
	pid_t pid = holder();
	char text[64];

	snprintf(text, sizeof(text), "pid %d on ", (int)pid);
	refused(JOURNAL_RUN, EXIT_LOCKED, text);
	kill_holder(pid);
	journal_close(open_run());
}
END_TEST

START_TEST(the_same_process_cannot_open_it_twice_for_a_run)
{
	struct journal *j = open_run(), *r;

	refused(JOURNAL_RUN, EXIT_LOCKED, "another run holds");
	plan_one(j, 0);
	error_clear(&err);
	r = open_as(JOURNAL_READ, &err);
	ck_assert_msg(r != NULL, "%s", err.text);
	journal_close(r);
	plan_one(j, 100);
	journal_close(j);
}
END_TEST

START_TEST(a_forgotten_child_does_not_keep_the_lock)
{
	struct journal *j = open_run();
	int status, ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(ready[1], "r", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	/* the lock is let go of in the child, once it runs */
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	journal_close(j);
	journal_close(open_run());
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}
END_TEST

START_TEST(what_is_not_there_is_said)
{
	struct journal_options o = { .place.path = path, .place.allow_volatile = true };

	refused(JOURNAL_READ, EXIT_USAGE, "there is no journal");
	ck_assert_ptr_null(journal_open(&o, &err));
	ck_assert_int_eq(err.exit, EXIT_USAGE);
	o.place.path = "/nonexistent/folder/a.journal";
	o.create = true;
	ck_assert_ptr_null(journal_open(&o, &err));
	ck_assert_int_eq(err.exit, EXIT_USAGE);
	/* Nothing was created by asking. */
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(other_files_are_not_journals)
{
	write_file(path, "");
	refused(JOURNAL_RUN, EXIT_DAMAGED, "not a migrate journal");
	write_file(path, "a text of somebody else, long enough to hold a header of a database "
			 "file, were it one; but it is not, and so it must stay as it is");
	refused(JOURNAL_RUN, EXIT_DAMAGED, "not a migrate journal");
	refused(JOURNAL_READ, EXIT_DAMAGED, "");
	unlink(path);
	sql("PRAGMA journal_mode = WAL; CREATE TABLE t (a)");
	refused(JOURNAL_RUN, EXIT_DAMAGED, "not a migrate journal");
	refused(JOURNAL_READ, EXIT_DAMAGED, "not a migrate journal");
}
END_TEST

START_TEST(another_format_asks_for_its_version)
{
	journal_close(open_run());
	sql("PRAGMA user_version = 3");
	refused(JOURNAL_RUN, EXIT_UNFIT, "use the newer version");
	refused(JOURNAL_READ, EXIT_UNFIT, "use the newer version");
	sql("PRAGMA user_version = 1");
	refused(JOURNAL_RUN, EXIT_UNFIT, "never released");
	sql("PRAGMA user_version = 2");
	journal_close(open_run());
}
END_TEST

START_TEST(an_orphaned_log_is_not_mixed_into_a_new_journal)
{
	char log[320];

	kill_holder(holder());
	unlink(path);
	refused(JOURNAL_RUN, EXIT_DAMAGED, "log of a journal that is not there");
	snprintf(log, sizeof(log), "%s-wal", path);
	ck_assert_int_eq(unlink(log), 0);
	journal_close(open_run());
}
END_TEST

START_TEST(a_symbolic_link_means_the_file_behind_it)
{
	char name[300];
	struct journal *j = open_run();

	plan_one(j, 0);
	snprintf(name, sizeof(name), "%s/link", folder);
	ck_assert_int_eq(symlink(path, name), 0);
	memcpy(path, name, sizeof(path));
	refused(JOURNAL_RUN, EXIT_LOCKED, "another run holds");
	journal_close(j);
	journal_close(open_run());
}
END_TEST

START_TEST(a_reader_sees_what_a_run_has_written_so_far)
{
	struct journal *j = open_run(), *r;
	struct batch_counts counts;

	plan_one(j, 0);
	r = open_as(JOURNAL_READ, &err);
	ck_assert_msg(r != NULL, "%s", err.text);
	WELL(journal_counts(r, 0, &counts, &err));
	ck_assert_uint_eq(counts.objects, 10);
	plan_one(j, 100);
	WELL(journal_counts(r, 0, &counts, &err));
	ck_assert_uint_eq(counts.objects, 20);
	journal_close(r);
	journal_close(j);
}
END_TEST

static void read_ten(void)
{
	struct batch_counts counts;
	struct journal *r = open_as(JOURNAL_READ, &err);

	ck_assert_msg(r != NULL, "%s", err.text);
	WELL(journal_counts(r, 0, &counts, &err));
	ck_assert_uint_eq(counts.objects, 10);
	journal_close(r);
}

START_TEST(a_reader_sees_all_of_it_after_kill)
{
	kill_holder(holder());
	read_ten();
	read_ten();
	journal_close(open_run());
	read_ten();
}
END_TEST

static void cannot_write(void)
{
	refused(JOURNAL_RUN, EXIT_JOURNAL, "writable");
}

START_TEST(somebody_who_may_only_read_can_read)
{
	struct journal *j;
	char name[320];

	j = open_run();
	plan_one(j, 0);
	chmod(folder, 0755);
	chmod(path, 0444);
	snprintf(name, sizeof(name), "%s-wal", path);
	chmod(name, 0444);
	snprintf(name, sizeof(name), "%s-shm", path);
	chmod(name, 0444);
	as_nobody(read_ten);
	journal_close(j);
	chmod(folder, 0555);
	as_nobody(read_ten);
	as_nobody(cannot_write);
	chmod(folder, 0755);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_said)
{
	char lock[320];

	journal_close(open_run());
	chmod(folder, 0777);
	chmod(path, 0444);
	snprintf(lock, sizeof(lock), "%s-lock", path);
	ck_assert_int_eq(unlink(lock), 0);
	as_nobody(cannot_write);
}
END_TEST

START_TEST(a_volatile_place_is_refused_unless_allowed)
{
	struct journal_options o = { .place.path = path, .create = true, .patience = 10 };
	struct journal *j;

	ck_assert(mount_small());
	ck_assert_ptr_null(journal_open(&o, &err));
	ck_assert_int_eq(err.exit, EXIT_USAGE);
	ck_assert_msg(strstr(err.text, "tmpfs") && strstr(err.text, "allow_volatile: true"), "%s",
		      err.text);
	o.place.allow_volatile = true;
	error_clear(&err);
	j = journal_open(&o, &err);
	ck_assert_msg(j != NULL, "%s", err.text);
	journal_close(j);
	umount(folder);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, a_new_journal_is_for_its_owner_alone_whatever_the_umask);
	tcase_add_test(t, a_second_run_is_told_who_holds_it);
	tcase_add_test(t, the_same_process_cannot_open_it_twice_for_a_run);
	tcase_add_test(t, a_forgotten_child_does_not_keep_the_lock);
	tcase_add_test(t, what_is_not_there_is_said);
	tcase_add_test(t, other_files_are_not_journals);
	tcase_add_test(t, another_format_asks_for_its_version);
	tcase_add_test(t, an_orphaned_log_is_not_mixed_into_a_new_journal);
	tcase_add_test(t, a_symbolic_link_means_the_file_behind_it);
	tcase_add_test(t, a_reader_sees_what_a_run_has_written_so_far);
	tcase_add_test(t, a_reader_sees_all_of_it_after_kill);
	tcase_add_test(t, somebody_who_may_only_read_can_read);
	tcase_add_test(t, a_file_that_cannot_be_written_is_said);
	ADD_WITH_SMALL_DISK(t, a_volatile_place_is_refused_unless_allowed);
}

int main(void)
{
	return run_suite("journal-open", add);
}
