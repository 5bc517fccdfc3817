/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include "journal/sqlite/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Job, runs, passes, events, samples, uploads: what is neither object nor row. */

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
	fixed_text(s, 0, job->id, sizeof(job->id));
	fixed_text(s, 1, job->fingerprint, sizeof(job->fingerprint));
	job->canonical = take_text(s, 2);
	job->source = take_text(s, 3);
	job->destination = take_text(s, 4);
	job->databases = take_text(s, 5);
	job->caches = take_text(s, 6);
	job->created = column_integer(s, 7);
}

enum result file_job_get(struct connection *c, struct journal_job *job, struct error *err)
{
	struct statement s = statement(c, SQL_JOB_GET);
	int rc = statement_step(&s);

	if (rc == SQLITE_ROW)
		read_job(c, &s, job);
	statement_end(&s);
	return connection_result(c, s.rc ? s.rc : rc, err);
}

enum result file_job_set(struct connection *c, const struct journal_job *job, struct error *err)
{
	struct statement s = statement(c, SQL_JOB_SET);

	bind_text(&s, job->id);
	bind_text(&s, job->fingerprint);
	bind_text(&s, job->canonical);
	bind_text(&s, job->source);
	bind_text(&s, job->destination);
	bind_text(&s, job->databases);
	bind_text(&s, job->caches);
	bind_integer(&s, job->created);
	bind_sum(&s);
	return connection_result(c, statement_run(&s), err);
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

enum result file_run_last(struct connection *c, struct journal_run *run, struct error *err)
{
	struct statement s = statement(c, SQL_RUN_LAST);
	int rc = statement_step(&s);

	if (rc == SQLITE_ROW)
		read_run(c, &s, run);
	statement_end(&s);
	return connection_result(c, s.rc ? s.rc : rc, err);
}

enum result file_run_begin(struct connection *c, struct journal_run *run, struct error *err)
{
	struct journal_run last = { .id = 0 };
	enum result r = file_run_last(c, &last, err);
	struct statement s;

	if (r && r != RESULT_NONE)
		return r;
	run->id = last.id + 1;
	s = statement(c, SQL_RUN_BEGIN);
	bind_integer(&s, run->id);
	bind_integer(&s, run->started);
	bind_null(&s);
	bind_null(&s);
	bind_integer(&s, run->pid);
	bind_text(&s, run->host);
	bind_text(&s, run->reason);
	bind_null(&s);
	bind_sum(&s);
	return connection_result(c, statement_run(&s), err);
}

enum result file_run_end(struct connection *c, const struct journal_run *run, struct error *err)
{
	const struct change changes[] = {
		{ .column = 2, .integer = run->ended },
		{ .column = 3, .integer = run->exit },
		{ .column = 7, .kind = CHANGE_TEXT, .text = run->reason[0] ? run->reason : NULL },
	};
	struct statement get = statement(c, SQL_RUN_GET);
	int rc;

	bind_integer(&get, run->id);
	rc = record_read(c, &get, RUN_COUNT, "run", run->id);
	if (rc == SQLITE_ROW)
		rc = record_write(c, &get, SQL_RUN_SET, RUN_COUNT, changes,
				  sizeof(changes) / sizeof(changes[0]));
	return connection_result(c, rc == SQLITE_DONE ? SQLITE_OK : rc, err);
}

enum result file_pass_last(struct connection *c, struct arena *a, struct journal_pass *pass,
			   struct error *err)
{
	struct statement s = statement(c, SQL_PASS_LAST);
	int rc = statement_step(&s);

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
	return connection_result(c, s.rc ? s.rc : rc, err);
}

enum result file_pass_set(struct connection *c, const struct journal_pass *pass, struct error *err)
{
	struct statement s = statement(c, SQL_PASS_SET);

	bind_integer(&s, pass->number);
	bind_integer(&s, pass->state);
	bind_integer(&s, pass->started);
	bind_integer(&s, pass->ended);
	bind_size(&s, pass->orphaned);
	bind_bytes(&s, pass->cursor);
	bind_sum(&s);
	return connection_result(c, statement_run(&s), err);
}

enum result file_event_add(struct connection *c, int64_t at, int level, const char *text,
			   struct error *err)
{
	struct statement s = statement(c, SQL_EVENT_ADD);

	bind_integer(&s, at);
	bind_integer(&s, level);
	bind_text(&s, text);
	return connection_result(c, statement_run(&s), err);
}

enum result file_events(struct connection *c, size_t n, struct arena *a,
			struct journal_event_record **first, struct error *err)
{
	struct statement s = statement(c, SQL_EVENT_LIST);
	int rc = SQLITE_OK;

	bind_size(&s, n);
	while (!rc && (rc = statement_step(&s)) == SQLITE_ROW) {
		struct journal_event_record *e = arena_alloc(a, sizeof(*e));

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
	return connection_result(c, rc == SQLITE_DONE ? SQLITE_OK : rc, err);
}

enum result file_sample_add(struct connection *c, const struct journal_sample *sample,
			    struct error *err)
{
	struct statement s = statement(c, SQL_SAMPLE_ADD);

	bind_integer(&s, sample->at);
	bind_size(&s, sample->objects);
	bind_size(&s, sample->bytes);
	bind_size(&s, sample->rows);
	bind_size(&s, sample->failed);
	bind_integer(&s, sample->workers);
	bind_integer(&s, sample->errors);
	bind_integer(&s, sample->why);
	return connection_result(c, statement_run(&s), err);
}

enum result file_samples(struct connection *c, struct journal_sample *out, size_t n, size_t *got,
			 struct error *err)
{
	struct statement s = statement(c, SQL_SAMPLE_LIST);
	int rc = SQLITE_DONE;

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
	return connection_result(c, rc == SQLITE_DONE ? SQLITE_OK : rc, err);
}

enum result file_upload_set(struct connection *c, const struct upload_record *u, struct error *err)
{
	struct statement s = statement(c, SQL_UPLOAD_ADD);

	bind_bytes(&s, u->new_key);
	bind_bytes(&s, u->id);
	bind_size(&s, u->part_size);
	bind_bytes(&s, u->etag);
	bind_size(&s, u->size);
	bind_integer(&s, u->mtime);
	return connection_result(c, statement_run(&s), err);
}

enum result file_upload_drop(struct connection *c, struct migrate_bytes new_key, struct error *err)
{
	struct statement s = statement(c, SQL_UPLOAD_DROP);

	bind_bytes(&s, new_key);
	return connection_result(c, statement_run(&s), err);
}

enum result file_upload_get(struct connection *c, struct migrate_bytes new_key, bool next,
			    struct arena *a, struct upload_record *u, struct error *err)
{
	struct statement s = statement(c, next ? SQL_UPLOAD_NEXT : SQL_UPLOAD_GET);
	int rc;

	bind_bytes(&s, new_key);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW) {
		u->new_key = column_copy(&s, 0, a);
		u->id = column_copy(&s, 1, a);
		u->part_size = column_size(&s, 2);
		u->etag = column_copy(&s, 3, a);
		u->size = column_size(&s, 4);
		u->mtime = column_integer(&s, 5);
	}
	statement_end(&s);
	return connection_result(c, s.rc ? s.rc : rc, err);
}
