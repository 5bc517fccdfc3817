/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Job, runs, passes: the few records that are not objects or rows. */

void journal_job_release(struct journal_job *job)
{
	free(job->canonical);
	free(job->source);
	free(job->destination);
	free(job->databases);
	free(job->caches);
	memset(job, 0, sizeof(*job));
}

bool journal_job_is_bound(const struct journal_job *job)
{
	return job->exists && job->source && job->source[0];
}

int journal_get_job(struct journal *j, struct journal_job *job, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	enum result r;

	memset(job, 0, sizeof(*job));
	if (!c)
		return -1;
	r = c->backend->job_get(c, job, err);
	if (r)
		journal_job_release(job);
	job->exists = !r;
	if (r == RESULT_NONE)
		memcpy(job->id, j->fresh_id, sizeof(job->id));
	return journal_read_end(j, r);
}

struct job_change {
	struct journal_job job;
	const char *change; /* lines; NULL: none */
};

static enum result add_change_event(struct connection *c, const char *change, struct error *err)
{
	enum result r;
	char *text;

	if (asprintf(&text, "the job file changed:\n%s", change) < 0)
		return journal_no_memory(err);
	r = c->backend->event_add(c, clock_wall(), 1, text, err);
	free(text);
	return r;
}

static enum result apply_job(struct connection *c, void *arg, struct error *err)
{
	struct job_change *change = arg;
	enum result r = change->change ? add_change_event(c, change->change, err) : RESULT_OK;

	if (!change->job.created)
		change->job.created = clock_wall();
	return r ? r : c->backend->job_set(c, &change->job, err);
}

int journal_set_job(struct journal *j, const struct journal_job *job, const char *change,
		    struct error *err)
{
	struct job_change copy = { .job = *job, .change = change };

	if (!job->canonical)
		BUG("a job without its canonical text");
	return journal_write(j, apply_job, &copy, err);
}

int journal_last_run(struct journal *j, struct journal_run *run, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);

	memset(run, 0, sizeof(*run));
	return c ? journal_read_end(j, c->backend->run_last(c, run, err)) : -1;
}

static enum result apply_run(struct connection *c, void *arg, struct error *err)
{
	struct journal_run *run = arg;
	enum result r = c->backend->run_begin(c, run, err);

	if (!r)
		c->run = run->id;
	return r;
}

int journal_begin_run(struct journal *j, const char *reason, struct error *err)
{
	struct journal_run run = { .started = clock_wall(), .pid = (int)getpid() };

	if (gethostname(run.host, sizeof(run.host) - 1))
		run.host[0] = '\0';
	snprintf(run.reason, sizeof(run.reason), "%s", reason ? reason : "");
	if (journal_write(j, apply_run, &run, err))
		return -1;
	j->run = run.id;
	return 0;
}

static enum result apply_end(struct connection *c, void *arg, struct error *err)
{
	return c->backend->run_end(c, arg, err);
}

int journal_end_run(struct journal *j, int exit, const char *reason, struct error *err)
{
	struct journal_run run = { .id = j->run, .ended = clock_wall(), .exit = exit };

	snprintf(run.reason, sizeof(run.reason), "%s", reason ? reason : "");
	return journal_write(j, apply_end, &run, err);
}

int journal_last_pass(struct journal *j, struct arena *a, struct journal_pass *pass,
		      struct error *err)
{
	struct connection *c = journal_read_begin(j, err);

	memset(pass, 0, sizeof(*pass));
	return c ? journal_read_end(j, c->backend->pass_last(c, a, pass, err)) : -1;
}

static enum result apply_pass(struct connection *c, void *arg, struct error *err)
{
	return c->backend->pass_set(c, arg, err);
}

int journal_set_pass(struct journal *j, const struct journal_pass *pass, struct error *err)
{
	struct journal_pass copy = *pass;

	return journal_write(j, apply_pass, &copy, err);
}

/* ---- Events and samples: nobody waits for them ---- */

struct event {
	int64_t at;
	int level;
	char text[];
};

static enum result apply_event(struct connection *c, void *arg, struct error *err)
{
	const struct event *e = arg;

	return c->backend->event_add(c, e->at, e->level, e->text, err);
}

void journal_event(struct journal *j, int level, const char *text)
{
	size_t n = strlen(text) + 1;
	struct event *e = malloc(sizeof(*e) + n);

	if (!e)
		return;
	e->at = clock_wall();
	e->level = level;
	memcpy(e->text, text, n);
	journal_post(j, apply_event, e);
}

static enum result apply_sample(struct connection *c, void *arg, struct error *err)
{
	return c->backend->sample_add(c, arg, err);
}

void journal_sample(struct journal *j, const struct journal_sample *s)
{
	struct journal_sample *copy = malloc(sizeof(*copy));

	if (!copy)
		return;
	*copy = *s;
	journal_post(j, apply_sample, copy);
}

int journal_samples(struct journal *j, struct journal_sample *out, size_t n, size_t *got,
		    struct error *err)
{
	struct connection *c = journal_read_begin(j, err);

	*got = 0;
	return c ? journal_read_end(j, c->backend->samples(c, out, n, got, err)) : -1;
}

/* All into memory first: each() may take its time, a transaction may not. */
int journal_each_event(struct journal *j, size_t last, journal_each_event_fn *each, void *arg,
		       struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct journal_event_record *first = NULL;
	struct connection *c = journal_read_begin(j, err);
	int stop = 0;

	if (!c || journal_read_end(j, c->backend->events(c, last, &a, &first, err)))
		return -1;
	for (struct journal_event_record *e = first; e && !stop; e = e->next)
		stop = each(arg, e->at, e->level, e->text ? e->text : "");
	return stop;
}
