/* SPDX-License-Identifier: MIT */
#include "../../plugins/posix/posix.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/run/run.h"
#include "engine/status/status.h"
#include "engine/task/control.h"
#include "tap.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A server that holds jobs: it opens them, runs them in threads of its own, reads how they
 * stand meanwhile, pauses and stops them, and is there when they have ended. Signals and the
 * process are its own.
 */
#define OBJECTS 300
#define DEADLINE (60 * NS_PER_S)

struct served {
	struct job *job;
	pthread_t thread;
	struct run_result result;
	struct error err;
	int status;
};

static char folder[64];
static struct {
	pthread_mutex_t lock;
	void (*stop)(void *what);
	void *what;
	bool asked;
} stoppable = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void on_stoppable(void (*stop)(void *what), void *what)
{
	pthread_mutex_lock(&stoppable.lock);
	stoppable.stop = stop;
	stoppable.what = what;
	if (stop && stoppable.asked)
		stop(what);
	pthread_mutex_unlock(&stoppable.lock);
}

static void stop_it(void)
{
	pthread_mutex_lock(&stoppable.lock);
	stoppable.asked = true;
	if (stoppable.stop)
		stoppable.stop(stoppable.what);
	pthread_mutex_unlock(&stoppable.lock);
}

static void *serve(void *served)
{
	static const struct run_options options = { .progress = PROGRESS_NONE };
	static const struct task_hooks hooks = { .stoppable = on_stoppable };
	struct served *s = served;

	s->status = run_job(s->job, &options, &hooks, &s->result, &s->err);
	return NULL;
}

static const struct migrate_plugin *find(void *arg, enum migrate_kind kind, const char *name,
					 struct error *err)
{
	(void)arg;
	(void)kind;
	(void)name;
	(void)err;
	return migrate_plugin_v1();
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void begin(struct served *s, const char *name)
{
	const struct job_load_options how = { .find = find };
	char path[64], text[512];

	snprintf(path, sizeof(path), "%s.yml", name);
	snprintf(text, sizeof(text),
		 "job: %s\nsource: {plugin: posix, root: old}\n"
		 "destination: {plugin: posix, root: new-%s}\n"
		 "limits: {requests: 150}\njournal: {allow_volatile: true}\n",
		 name, name);
	write_file(path, text);
	snprintf(path, sizeof(path), "new-%s", name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s.yml", name);
	*s = (struct served){ .err = ERROR_INIT };
	s->job = job_load(path, &how, &s->err);
	ck_assert_msg(s->job != NULL, "%s", s->err.text);
	ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void end(struct served *s, int status, uint64_t copied)
{
	ck_assert_int_eq(pthread_join(s->thread, NULL), 0);
	ck_assert_msg(s->status == status, "%d: %s", s->status, s->err.text);
	ck_assert_uint_eq(s->result.all.copied, copied);
}

/* As a page would: the task is opened, read and closed each time. */
static struct job_status look(const struct served *s)
{
	const struct task of = { .job = s->job };
	const struct journal_place place = task_place(&of);
	struct task t = { .job = s->job };
	struct error err = ERROR_INIT;
	struct job_status status = { .state = JOB_NOT_STARTED };

	ck_assert_msg(!task_open_journal(&t, JOURNAL_READ, &err), "%s", err.text);
	if (t.journal)
		ck_assert_msg(!job_status_read(t.journal, s->job->name, &place, &status, &err),
			      "%s", err.text);
	task_close(&t);
	return status;
}

/* Waits for n objects. */
static struct job_status await(const struct served *s, uint64_t n)
{
	int64_t until = clock_monotonic() + DEADLINE;
	struct job_status status;

	while ((status = look(s)).counts.copied < n) {
		ck_assert_int_lt(clock_monotonic(), until);
		usleep(20000);
	}
	return status;
}

/* Until nothing more is done: it is journalled once a second. */
static uint64_t await_rest(const struct served *s)
{
	int64_t until = clock_monotonic() + DEADLINE;
	uint64_t then, now = look(s).counts.copied;

	do {
		ck_assert_int_lt(clock_monotonic(), until);
		then = now;
		usleep(2200000);
		now = look(s).counts.copied;
	} while (now != then);
	return now;
}

static int set_pause(void *paused, struct control *c, struct error *err)
{
	(void)err;
	c->paused = *(bool *)paused;
	return 0;
}

static void pause_it(const struct served *s, bool paused)
{
	const struct task of = { .job = s->job };
	const struct journal_place place = task_place(&of);
	struct error err = ERROR_INIT;
	struct control c;

	ck_assert_msg(!control_change(&place, set_pause, &paused, &c, &err), "%s", err.text);
}

static void enter(void)
{
	char name[32];

	log_configure("server", LOG_ERROR, false);
	snprintf(folder, sizeof(folder), "%s/server.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(mkdir("old", 0755), 0);
	for (int i = 0; i < OBJECTS; i++) {
		snprintf(name, sizeof(name), "old/%d", i);
		write_file(name, name);
	}
}

static void leave(void)
{
	char command[128];

	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(reads_and_pauses_a_run_of_its_own)
{
	struct job_status status;
	struct served s;

	begin(&s, "a");
	status = await(&s, 1);
	ck_assert_int_eq(status.state, JOB_RUNNING);
	pause_it(&s, true);
	ck_assert_uint_lt(await_rest(&s), OBJECTS);
	ck_assert(look(&s).control.paused);
	ck_assert_int_eq(look(&s).state, JOB_RUNNING);
	pause_it(&s, false);
	end(&s, EXIT_DONE, OBJECTS);
	status = look(&s);
	ck_assert_int_eq(status.state, JOB_FINISHED);
	ck_assert_uint_eq(status.counts.copied, OBJECTS);
	job_free(s.job);
}
END_TEST

START_TEST(stops_a_run_and_goes_on_with_it)
{
	struct served s;
	struct job *job;

	begin(&s, "a");
	await(&s, 1);
	stop_it();
	ck_assert_int_eq(pthread_join(s.thread, NULL), 0);
	ck_assert_int_eq(s.status, EXIT_INTERRUPTED);
	ck_assert_uint_lt(s.result.all.copied, OBJECTS);
	ck_assert_int_eq(look(&s).state, JOB_INTERRUPTED);
	stoppable.asked = false;
	job = s.job;
	s = (struct served){ .job = job, .err = ERROR_INIT };
	ck_assert_int_eq(pthread_create(&s.thread, NULL, serve, &s), 0);
	end(&s, EXIT_DONE, OBJECTS);
	job_free(job);
}
END_TEST

START_TEST(runs_two_jobs_at_once)
{
	struct served a, b;

	begin(&a, "a");
	begin(&b, "b");
	await(&a, 1);
	await(&b, 1);
	end(&a, EXIT_DONE, OBJECTS);
	end(&b, EXIT_DONE, OBJECTS);
	job_free(a.job);
	job_free(b.job);
}
END_TEST

static int mask_after(sigset_t *mask)
{
	return pthread_sigmask(SIG_SETMASK, NULL, mask);
}

START_TEST(keeps_its_signals)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction before[3], after;
	struct served s;
	sigset_t mask;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(sigaction(signals[i], NULL, &before[i]), 0);
	begin(&s, "a");
	await(&s, 1);
	ck_assert_int_eq(mask_after(&mask), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(sigaction(signals[i], NULL, &after), 0);
		ck_assert(after.sa_handler == before[i].sa_handler);
		ck_assert_int_eq(sigismember(&mask, signals[i]), 0);
	}
	end(&s, EXIT_DONE, OBJECTS);
	job_free(s.job);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("server");
	TCase *t = tcase_create("server");

	tcase_add_checked_fixture(t, enter, leave);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, reads_and_pauses_a_run_of_its_own);
	tcase_add_test(t, stops_a_run_and_goes_on_with_it);
	tcase_add_test(t, runs_two_jobs_at_once);
	tcase_add_test(t, keeps_its_signals);
	suite_add_tcase(suite, t);
	return run_tap(suite);
}
