/* SPDX-License-Identifier: MIT */
#include "engine/status/status.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES 60
#define PAGE 512

/* ---- Names ---- */

static const char *name_in(const char *const *names, size_t count, size_t i)
{
	return i < count ? names[i] : "unknown";
}

#define NAME_IN(names_, i_) name_in(names_, sizeof(names_) / sizeof((names_)[0]), (size_t)(i_))

const char *job_state_name(enum job_state s)
{
	static const char *const names[] = { "not started", "running",     "finished", "first",
					     "rows left",   "interrupted", "unclean",  "stopped" };

	return NAME_IN(names, s);
}

const char *object_state_name(uint8_t state)
{
	static const char *const names[] = { "planned", "copied", "same", "skipped",
					     "gone",    "failed", "moved" };

	return NAME_IN(names, state);
}

const char *batch_state_name(enum batch_state state)
{
	static const char *const names[] = { "planned", "copying", "copied",  "rewriting",
					     "done",    "purged",  "reverted" };

	return NAME_IN(names, state);
}

const char *outcome_name(uint8_t outcome)
{
	static const char *const names[] = { "unknown", "changed", "already", "conflict",
					     "gone",    "failed",  "retried" };

	return NAME_IN(names, outcome);
}

const char *level_name(uint8_t level)
{
	static const char *const names[] = { "none", "size", "native", "hash", "readback" };

	return NAME_IN(names, level);
}

/* ---- The state of the job ---- */

static bool is_migrate(int pid)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return true;
	if (!fgets(name, sizeof(name), f))
		name[0] = '\0';
	fclose(f);
	return !strncmp(name, "migrate", 7);
}

/* Since boot, in clock ticks: proc(5). 0: not known. */
static unsigned long long started_at(int pid)
{
	unsigned long long ticks = 0;
	char path[64], text[1024] = "";
	const char *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	p = fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL; /* names may hold spaces */
	fclose(f);
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p && sscanf(p, " %llu", &ticks) == 1 ? ticks : 0;
}

/* A server that runs jobs has a name of its own. */
static bool is_older(int pid, int64_t than)
{
	long a_second = sysconf(_SC_CLK_TCK);
	unsigned long long ticks = started_at(pid);
	struct timespec up;

	if (!ticks || a_second <= 0 || clock_gettime(CLOCK_BOOTTIME, &up))
		return false;
	return clock_wall() - (up.tv_sec - (int64_t)(ticks / (unsigned long)a_second)) * NS_PER_S <=
	       than + 2 * NS_PER_S;
}

/* The number of a process that died may be another program's by now. */
static bool is_ours(const struct journal_run *run)
{
	return is_migrate(run->pid) || is_older(run->pid, run->started);
}

/* Only this machine's processes can be looked at; another's run is believed. */
static bool is_alive(const struct journal_run *run)
{
	char host[sizeof(run->host)] = "";

	gethostname(host, sizeof(host) - 1);
	if (strcmp(host, run->host) != 0)
		return true;
	return run->pid > 0 && (!kill(run->pid, 0) || errno == EPERM) && is_ours(run);
}

/* Of a run that did what it was asked to do. */
static enum job_state state_of_ended(const struct job_status *s)
{
	if (s->pass.state == PASS_LISTING)
		return JOB_FIRST;
	if (s->pass.state != PASS_DONE)
		return JOB_INTERRUPTED;
	return s->open_batches ? JOB_ROWS_LEFT : JOB_FINISHED;
}

static enum job_state state_of(const struct job_status *s)
{
	if (!s->run.id)
		return JOB_NOT_STARTED;
	if (!s->run.ended)
		return is_alive(&s->run) ? JOB_RUNNING : JOB_UNCLEAN;
	if (s->run.exit == EXIT_INTERRUPTED)
		return JOB_INTERRUPTED;
	if (s->run.exit == EXIT_DONE || s->run.exit == EXIT_SOME_FAILED)
		return state_of_ended(s);
	return JOB_STOPPED;
}

static uint64_t settled(const struct batch_counts *c)
{
	return c->copied + c->same + c->skipped + c->gone + c->failed;
}

static int count_open(struct journal *j, uint64_t *count, struct error *err)
{
	int64_t ids[PAGE], after = 0;
	size_t n = PAGE;

	*count = 0;
	while (n == PAGE) {
		if (journal_open_batches(j, after, ids, PAGE, &n, err))
			return -1;
		*count += n;
		if (n)
			after = ids[n - 1];
	}
	return 0;
}

static int count_failure(void *arg, const struct batch *b, uint32_t n,
			 const struct object_record *o)
{
	uint64_t *failures = arg;

	(void)b;
	(void)n;
	failures[o->fail < FAIL_CLASS_COUNT ? o->fail : FAIL_OTHER]++;
	return 0;
}

/* ---- Speed ---- */

/* The oldest sample of the same run that is no more than a minute older than the newest. */
static const struct journal_sample *oldest_of_run(const struct journal_sample *s, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && s[i + 1].objects <= s[i].objects && s[i + 1].at < s[i].at &&
	       s[0].at - s[i + 1].at <= 60 * NS_PER_S)
		i++;
	return &s[i];
}

static double rate(uint64_t now, uint64_t then, double seconds)
{
	return now > then ? (double)(now - then) / seconds : 0;
}

static int read_speed(struct journal *j, struct job_status *s, struct error *err)
{
	struct journal_sample samples[SAMPLES];
	const struct journal_sample *old;
	double seconds;
	size_t n;

	s->left = -1;
	if (s->state != JOB_RUNNING)
		return 0;
	if (journal_samples(j, samples, SAMPLES, &n, err))
		return -1;
	if (!n || samples[0].at < s->run.started)
		return 0;
	old = oldest_of_run(samples, n);
	s->workers = samples[0].workers;
	s->workers_why = samples[0].why;
	seconds = (double)(samples[0].at - old->at) / (double)NS_PER_S;
	if (seconds <= 0)
		return 0;
	s->object_rate = rate(samples[0].objects, old->objects, seconds);
	s->byte_rate = rate(samples[0].bytes, old->bytes, seconds);
	s->row_rate = rate(samples[0].rows, old->rows, seconds);
	if (s->pass.state != PASS_LISTING && s->object_rate > 0.001)
		s->left = (int64_t)((double)s->planned / s->object_rate * (double)NS_PER_S);
	return 0;
}

/* ---- All of it ---- */

/* A control file that cannot be read is shown, not a reason to show nothing. */
static void read_control(const struct journal_place *place, struct job_status *s)
{
	struct error err = ERROR_INIT;

	if (control_read(place, &s->control, &err))
		snprintf(s->control_error, sizeof(s->control_error), "%.*s",
			 (int)sizeof(s->control_error) - 1, err.text);
}

static int read_job_id(struct journal *j, struct job_status *s, struct error *err)
{
	struct journal_job job;

	if (journal_get_job(j, &job, err))
		return -1;
	snprintf(s->id, sizeof(s->id), "%s", job.exists ? job.id : "");
	journal_job_release(&job);
	return 0;
}

/* A key is passed over again by each pass that lists it. */
static int read_skips(struct journal *j, struct job_status *s, struct error *err)
{
	struct batch_counts newest;

	if (journal_counts(j, s->pass.number, &newest, err))
		return -1;
	memcpy(s->counts.skips, newest.skips, sizeof(newest.skips));
	return 0;
}

int job_status_read(struct journal *j, const char *name, const struct journal_place *place,
		    struct job_status *s, struct error *err)
{
	struct arena a ARENA_AUTO = ARENA_INIT;

	*s = (struct job_status){ .name = name, .journal = place->path, .left = -1 };
	if (read_job_id(j, s, err) || journal_last_run(j, &s->run, err) ||
	    journal_last_pass(j, &a, &s->pass, err) || journal_counts(j, 0, &s->counts, err) ||
	    read_skips(j, s, err) || count_open(j, &s->open_batches, err))
		return -1;
	s->pass.cursor = (struct migrate_bytes){ .n = 0 }; /* it lives in a */
	if (s->counts.failed && journal_each_failed(j, FAIL_NONE, count_failure, s->failures, err))
		return -1;
	s->state = state_of(s);
	if (s->counts.objects > settled(&s->counts))
		s->planned = s->counts.objects - settled(&s->counts);
	read_control(place, s);
	return read_speed(j, s, err);
}
