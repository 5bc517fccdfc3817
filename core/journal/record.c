/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/clock.h"
#include "journal/sql.h"

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

/* malloc'ed; NULL in the file is an empty text. */
static char *take_text(struct statement *s, int i)
{
	const unsigned char *text = sqlite3_column_text(s->s, i);
	char *copy = strdup(text ? (const char *)text : "");

	if (!copy && !s->rc)
		s->rc = SQLITE_NOMEM;
	return copy;
}

static void fixed_text(struct statement *s, int i, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(s->s, i);

	snprintf(out, size, "%s", text ? (const char *)text : "");
}

static void read_job(struct connection *c, struct statement *s, struct journal_job *job)
{
	if (!sum_fits(s->s, JOB_COUNT))
		s->rc = connection_damaged(c, "the job's record differs from its sum");
	job->exists = true;
	fixed_text(s, 0, job->id, sizeof(job->id));
	fixed_text(s, 1, job->fingerprint, sizeof(job->fingerprint));
	job->canonical = take_text(s, 2);
	job->source = take_text(s, 3);
	job->destination = take_text(s, 4);
	job->databases = take_text(s, 5);
	job->caches = take_text(s, 6);
	job->created = column_integer(s, 7);
}

int journal_get_job(struct journal *j, struct journal_job *job, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct statement s;
	int rc;

	memset(job, 0, sizeof(*job));
	if (!c)
		return -1;
	s = statement(c, SQL_JOB_GET);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW)
		read_job(c, &s, job);
	else
		memcpy(job->id, j->fresh_id, sizeof(job->id));
	statement_end(&s);
	if (s.rc)
		journal_job_release(job);
	return journal_read_end(j, s.rc ? s.rc : rc, err);
}

static int add_event(struct connection *c, int64_t at, int level, const char *text)
{
	struct statement s = statement(c, SQL_EVENT_ADD);

	bind_integer(&s, at);
	bind_integer(&s, level);
	bind_text(&s, text);
	return statement_run(&s);
}

struct job_change {
	struct journal_job job;
	const char *change; /* lines; NULL: none */
};

static int add_change(struct connection *c, const char *change)
{
	char *text;
	int rc;

	if (!change)
		return SQLITE_OK;
	if (asprintf(&text, "the job file changed:\n%s", change) < 0)
		return SQLITE_NOMEM;
	rc = add_event(c, clock_wall(), 1, text);
	free(text);
	return rc;
}

static int apply_job(struct connection *c, void *arg)
{
	const struct job_change *change = arg;
	const struct journal_job *job = &change->job;
	struct statement s;
	int rc = add_change(c, change->change);

	if (rc)
		return rc;
	s = statement(c, SQL_JOB_SET);
	bind_text(&s, job->id);
	bind_text(&s, job->fingerprint);
	bind_text(&s, job->canonical);
	bind_text(&s, job->source);
	bind_text(&s, job->destination);
	bind_text(&s, job->databases);
	bind_text(&s, job->caches);
	bind_integer(&s, job->created ? job->created : clock_wall());
	bind_sum(&s);
	return statement_run(&s);
}

int journal_set_job(struct journal *j, const struct journal_job *job, const char *change,
		    struct error *err)
{
	struct job_change copy = { .job = *job, .change = change };

	if (!job->canonical)
		BUG("a job without its canonical text");
	return journal_write(j, apply_job, &copy, err);
}

static void read_run(struct connection *c, struct statement *s, struct journal_run *run)
{
	run->id = column_integer(s, 0);
	run->started = column_integer(s, 1);
	run->ended = column_integer(s, 2);
	run->exit = (int)column_integer(s, 3);
	run->pid = (int)column_integer(s, 4);
	fixed_text(s, 5, run->host, sizeof(run->host));
	fixed_text(s, run->ended && sqlite3_column_bytes(s->s, 7) ? 7 : 6, run->reason,
		   sizeof(run->reason));
	if (!sum_fits(s->s, RUN_COUNT))
		s->rc = connection_damaged(c, "run %lld differs from its sum", (long long)run->id);
}

int journal_last_run(struct journal *j, struct journal_run *run, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct statement s;
	int rc;

	memset(run, 0, sizeof(*run));
	if (!c)
		return -1;
	s = statement(c, SQL_RUN_LAST);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW)
		read_run(c, &s, run);
	statement_end(&s);
	return journal_read_end(j, s.rc ? s.rc : rc, err);
}

static int apply_run(struct connection *c, void *arg)
{
	const struct journal_run *run = arg;
	struct statement s = statement(c, SQL_RUN_BEGIN);

	bind_integer(&s, run->id);
	bind_integer(&s, run->started);
	bind_null(&s);
	bind_null(&s);
	bind_integer(&s, run->pid);
	bind_text(&s, run->host);
	bind_text(&s, run->reason);
	bind_null(&s);
	bind_sum(&s);
	return statement_run(&s);
}

int journal_begin_run(struct journal *j, const char *reason, struct error *err)
{
	struct journal_run run;

	if (journal_last_run(j, &run, err))
		return -1;
	run.id++;
	run.started = clock_wall();
	run.pid = (int)getpid();
	if (gethostname(run.host, sizeof(run.host) - 1))
		run.host[0] = '\0';
	snprintf(run.reason, sizeof(run.reason), "%s", reason ? reason : "");
	j->run = run.id;
	return journal_write(j, apply_run, &run, err);
}

static int apply_end(struct connection *c, void *arg)
{
	const struct journal_run *run = arg;
	const struct change changes[] = {
		{ .column = 2, .integer = run->ended },
		{ .column = 3, .integer = run->exit },
		{ .column = 7, .kind = CHANGE_TEXT, .text = run->reason[0] ? run->reason : NULL },
	};
	struct statement get = statement(c, SQL_RUN_GET);
	int rc;

	bind_integer(&get, run->id);
	rc = record_read(c, &get, RUN_COUNT, "run", run->id);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_OK : rc;
	return record_write(c, &get, SQL_RUN_SET, RUN_COUNT, changes,
			    sizeof(changes) / sizeof(changes[0]));
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
	struct statement s;
	int rc;

	memset(pass, 0, sizeof(*pass));
	if (!c)
		return -1;
	s = statement(c, SQL_PASS_LAST);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW) {
		pass->number = (int)column_integer(&s, 0);
		pass->state = (enum pass_state)column_integer(&s, 1);
		pass->started = column_integer(&s, 2);
		pass->ended = column_integer(&s, 3);
		pass->orphaned = column_size(&s, 4);
		pass->cursor = column_copy(&s, 5, a);
		if (!sum_fits(s.s, PASS_COUNT))
			s.rc = connection_damaged(c, "pass %d differs from its sum", pass->number);
	}
	statement_end(&s);
	return journal_read_end(j, s.rc ? s.rc : rc, err);
}

static int apply_pass(struct connection *c, void *arg)
{
	const struct journal_pass *pass = arg;
	struct statement s = statement(c, SQL_PASS_SET);

	bind_integer(&s, pass->number);
	bind_integer(&s, pass->state);
	bind_integer(&s, pass->started);
	bind_integer(&s, pass->ended);
	bind_size(&s, pass->orphaned);
	bind_bytes(&s, pass->cursor);
	bind_sum(&s);
	return statement_run(&s);
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

static int apply_event(struct connection *c, void *arg)
{
	const struct event *e = arg;

	return add_event(c, e->at, e->level, e->text);
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

static int apply_sample(struct connection *c, void *arg)
{
	const struct journal_sample *p = arg;
	struct statement s = statement(c, SQL_SAMPLE_ADD);

	bind_integer(&s, p->at);
	bind_size(&s, p->objects);
	bind_size(&s, p->bytes);
	bind_size(&s, p->rows);
	bind_size(&s, p->failed);
	bind_integer(&s, p->workers);
	bind_integer(&s, p->errors);
	bind_integer(&s, p->why);
	return statement_run(&s);
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
	struct statement s;
	int rc = SQLITE_DONE;

	*got = 0;
	if (!c)
		return -1;
	s = statement(c, SQL_SAMPLE_LIST);
	bind_size(&s, n);
	while (*got < n && (rc = statement_step(&s)) == SQLITE_ROW)
		out[(*got)++] = (struct journal_sample){
			.at = column_integer(&s, 0),
			.objects = column_size(&s, 1),
			.bytes = column_size(&s, 2),
			.rows = column_size(&s, 3),
			.failed = column_size(&s, 4),
			.workers = (uint32_t)column_integer(&s, 5),
			.errors = (uint32_t)column_integer(&s, 6),
			.why = (uint32_t)column_integer(&s, 7),
		};
	statement_end(&s);
	return journal_read_end(j, rc, err);
}

struct seen_event {
	struct seen_event *next;
	int64_t at;
	int level;
	const char *text;
};

/* All into memory first: each() may take its time, a transaction may not. */
static int list_events(struct connection *c, size_t last, struct arena *a,
		       struct seen_event **first)
{
	struct statement s = statement(c, SQL_EVENT_LIST);
	int rc = SQLITE_OK;

	bind_size(&s, last);
	while (!rc && (rc = statement_step(&s)) == SQLITE_ROW) {
		struct seen_event *e = arena_alloc(a, sizeof(*e));

		rc = e ? SQLITE_OK : SQLITE_NOMEM;
		if (rc)
			break;
		e->at = column_integer(&s, 0);
		e->level = (int)column_integer(&s, 1);
		e->text = column_text(&s, 2, a);
		*first = e;
		first = &e->next;
		rc = s.rc;
	}
	statement_end(&s);
	return rc;
}

int journal_each_event(struct journal *j, size_t last, journal_each_event_fn *each, void *arg,
		       struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct seen_event *first = NULL;
	struct connection *c = journal_read_begin(j, err);
	int stop = 0;

	if (!c || journal_read_end(j, list_events(c, last, &a, &first), err))
		return -1;
	for (struct seen_event *e = first; e && !stop; e = e->next)
		stop = each(arg, e->at, e->level, e->text ? e->text : "");
	return stop;
}
