/* SPDX-License-Identifier: MIT */
#include "engine/task/control.h"

#include "tap.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], journal[80], file[96];
static const struct journal_place control = { .path = journal };

static void setup(void)
{
	snprintf(folder, sizeof(folder), "%s/control.XXXXXX", P_tmpdir);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(journal, sizeof(journal), "%s/j", folder);
	snprintf(file, sizeof(file), "%s-control", journal);
}

static void teardown(void)
{
	unlink(file);
	ck_assert_int_eq(rmdir(folder), 0); /* no temporary file is left behind */
}

static void write_text(const char *text)
{
	FILE *f = fopen(file, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static int put(void *wanted, struct control *c, struct error *err)
{
	(void)err;
	*c = *(struct control *)wanted;
	return 0;
}

/* All of it, whatever was there. */
static int control_write(const struct journal_place *p, struct control *c, struct error *err)
{
	struct control written;
	int rc = control_change(p, put, c, &written, err);

	c->serial = written.serial;
	return rc;
}

START_TEST(no_file_asks_for_nothing)
{
	struct error err = ERROR_INIT;
	struct control c;
	char text[128];

	ck_assert_int_eq(control_read(&control, &c, &err), 0);
	ck_assert_uint_eq(c.serial, 0);
	control_text(&c, text, sizeof(text));
	ck_assert_str_eq(text, "nothing");
}
END_TEST

START_TEST(what_is_written_is_read)
{
	struct error err = ERROR_INIT;
	struct control read, c = { .paused = true,
				   .bandwidth_set = true,
				   .rows_set = true,
				   .limits = { .bandwidth = 1 << 20, .rows = 0 } };
	struct stat st;
	char text[128];

	ck_assert_int_eq(control_write(&control, &c, &err), 0);
	ck_assert_uint_eq(c.serial, 1);
	ck_assert_int_eq(control_read(&control, &read, &err), 0);
	ck_assert(read.paused && !read.stop && read.bandwidth_set && read.rows_set);
	ck_assert(!read.concurrency_set && !read.requests_set);
	ck_assert_uint_eq(read.limits.bandwidth, 1 << 20);
	control_text(&read, text, sizeof(text));
	ck_assert_str_eq(text, "paused, limits.bandwidth=1048576B/s, limits.rows=0/s");
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(each_change_has_a_higher_number)
{
	struct error err = ERROR_INIT;
	struct control c = { .serial = 0 }, old = { .paused = true };

	ck_assert_int_eq(control_write(&control, &c, &err), 0);
	ck_assert_int_eq(control_write(&control, &c, &err), 0);
	ck_assert_uint_eq(c.serial, 2);
	ck_assert_int_eq(control_write(&control, &old, &err), 0);
	ck_assert_uint_eq(old.serial, 3);
}
END_TEST

static const char *const damaged[] = {
	"",
	"migrate-control 1\n",
	"migrate-control 2\nserial 1\n",
	"migrate-control 1\nserial 1\nunknown 1\n",
	"migrate-control 1\nserial 1\npaused\n",
	"migrate-control 1\nserial 1\nlimits.rows -1\n",
	"migrate-control 1\nserial 1\nlimits.rows 99999999999999999999\n",
	"migrate-control 1\nserial 1\npaused 1",
};

START_TEST(a_damaged_file_changes_nothing)
{
	struct error err = ERROR_INIT;
	struct control_watch w;
	struct control c = { .serial = 7, .paused = true };

	write_text(damaged[_i]);
	memset(&w, 0, sizeof(w));
	ck_assert_int_eq(control_poll(&control, &w, &c, &err), -1);
	ck_assert_msg(strstr(err.text, "-control"), "%s", err.text);
	ck_assert(c.serial == 7 && c.paused);
	/* and is complained about once */
	ck_assert_int_eq(control_poll(&control, &w, &c, &err), 0);
}
END_TEST

START_TEST(a_watcher_sees_each_change_once)
{
	struct error err = ERROR_INIT;
	struct control_watch w;
	struct control seen, c = { .serial = 0 };

	ck_assert_int_eq(control_begin(&control, &w, &seen, &err), 0);
	ck_assert_int_eq(control_poll(&control, &w, &seen, &err), 0);
	c.paused = true;
	ck_assert_int_eq(control_write(&control, &c, &err), 0);
	ck_assert_int_eq(control_poll(&control, &w, &seen, &err), 1);
	ck_assert(seen.paused);
	ck_assert_int_eq(control_poll(&control, &w, &seen, &err), 0);
	unlink(file);
	ck_assert_int_eq(control_poll(&control, &w, &seen, &err), 1);
	ck_assert(!seen.paused);
}
END_TEST

START_TEST(a_stop_is_for_one_run_a_pause_stays)
{
	struct error err = ERROR_INIT;
	struct control_watch w;
	struct control seen, c = { .stop = true, .paused = true };

	ck_assert_int_eq(control_write(&control, &c, &err), 0);
	ck_assert_int_eq(control_begin(&control, &w, &seen, &err), 0);
	ck_assert(!seen.stop && seen.paused);
	ck_assert_int_eq(control_read(&control, &c, &err), 0);
	ck_assert(!c.stop && c.paused);
}
END_TEST

START_TEST(settings_stand_over_the_job)
{
	struct job job = { .copy = { .concurrency = 8 }, .limits = { .bandwidth = 5, .rows = 6 } };
	struct control c = { .rows_set = true, .limits = { .rows = 100, .bandwidth = 9 } };
	struct job_limits limits;
	uint32_t concurrency;

	control_apply(&c, &job, &concurrency, &limits);
	ck_assert_uint_eq(concurrency, 8);
	ck_assert_uint_eq(limits.bandwidth, 5);
	ck_assert_int_eq(limits.rows, 100);
}
END_TEST

START_TEST(concurrency_may_be_left_to_the_run)
{
	struct job job = { .copy = { .concurrency = 8, .automatic = true } };
	struct control c = { .concurrency_set = true, .concurrency = 3 };
	struct job_limits limits;
	uint32_t concurrency;
	char text[64];

	control_apply(&c, &job, &concurrency, &limits);
	ck_assert_uint_eq(concurrency, 3);
	c.concurrency_set = false;
	control_apply(&c, &job, &concurrency, &limits);
	ck_assert_uint_eq(concurrency, 0);
	/* and be taken back from a job that says a number */
	job.copy.automatic = false;
	c = (struct control){ .concurrency_set = true, .concurrency = 0 };
	control_apply(&c, &job, &concurrency, &limits);
	ck_assert_uint_eq(concurrency, 0);
	control_text(&c, text, sizeof(text));
	ck_assert_str_eq(text, "copy.concurrency=auto");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("control");
	TCase *t = tcase_create("control");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_damaged_file_changes_nothing, 0,
			    sizeof(damaged) / sizeof(damaged[0]));
	tcase_add_test(t, no_file_asks_for_nothing);
	tcase_add_test(t, what_is_written_is_read);
	tcase_add_test(t, each_change_has_a_higher_number);
	tcase_add_test(t, a_watcher_sees_each_change_once);
	tcase_add_test(t, a_stop_is_for_one_run_a_pause_stays);
	tcase_add_test(t, settings_stand_over_the_job);
	tcase_add_test(t, concurrency_may_be_left_to_the_run);
	suite_add_tcase(s, t);
	return run_tap(s);
}
