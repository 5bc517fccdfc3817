/* SPDX-License-Identifier: MIT */
#include "../../plugins/common/clock.h"
#include "../../plugins/common/patience.h"
#include "plugin-fixture.h"
#include "tap.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2];

static void set_up_pipe(void)
{
	set_up();
	ck_assert_int_eq(pipe(ends), 0);
}

static void tear_down_pipe(void)
{
	close(ends[0]);
	close(ends[1]);
	tear_down();
}

/* Something comes after so long, which is longer than the deadline of a second. */
static pid_t write_after(unsigned int ms)
{
	pid_t child = fork();

	if (child)
		return child;
	usleep(ms * 1000);
	_exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
}

START_TEST(what_is_there_is_not_waited_for)
{
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(wait_for_event(session, ends[0], POLLIN, QUICK, 0), POLLIN);
	ck_assert_int_eq(wait_for_event(session, ends[0], POLLIN, SLOW, 0), POLLIN);
}
END_TEST

START_TEST(only_a_slow_answer_may_take_longer_than_the_deadline)
{
	int64_t begun = now_ms();
	pid_t child = write_after(1700);
	int how;

	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(wait_for_event(session, ends[0], POLLIN, QUICK, 0), 0);
	ck_assert_int_ge(now_ms() - begun, 1000);
	ck_assert_int_eq(wait_for_event(session, ends[0], POLLIN, SLOW, 0), POLLIN);
	ck_assert_int_eq(waitpid(child, &how, 0), child);
	ck_assert_int_eq(how, 0);
	ck_assert_int_eq(not_in_time(session, 0, "cannot ask"), MIGRATE_UNAVAILABLE);
	ck_assert_str_eq(session_message(session),
			 "cannot ask: the server has not answered in time");
}
END_TEST

START_TEST(a_cancelled_call_waits_no_more)
{
	host_cancel(&host);
	ck_assert_int_lt(wait_for_event(session, ends[0], POLLIN, SLOW, 0), 0);
	ck_assert_int_eq(not_in_time(session, -1, "cannot ask"), MIGRATE_CANCELLED);
	ck_assert_str_eq(session_message(session), "cannot ask: cancelled");
	host_resume(&host);
	/* a socket that is none */
	ck_assert_int_eq(not_in_time(session, -1, "cannot ask"), MIGRATE_UNAVAILABLE);
}
END_TEST

START_TEST(all_of_an_answer_has_an_end)
{
	ck_assert_int_eq(answer_time(session, 5000), 15000); /* and ten deadlines */
	ck_assert_int_eq(answer_time(session, 0), 0);
	ck_assert_int_eq(answer_time(session, INT64_MAX - 9999), 0);
	ck_assert_uint_eq(answer_bytes(false, 1000, true), 16u << 20);
	ck_assert_uint_eq(answer_bytes(true, 1000, false), (80u << 20) + 2000);
	ck_assert_uint_eq(answer_bytes(true, 1000, true), (80u << 20) + (64u << 20) + 2000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("patience");
	TCase *t = tcase_create("patience");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, set_up_pipe, tear_down_pipe);
	tcase_add_test(t, what_is_there_is_not_waited_for);
	tcase_add_test(t, only_a_slow_answer_may_take_longer_than_the_deadline);
	tcase_add_test(t, a_cancelled_call_waits_no_more);
	tcase_add_test(t, all_of_an_answer_has_an_end);
	suite_add_tcase(s, t);
	return run_tap(s);
}
