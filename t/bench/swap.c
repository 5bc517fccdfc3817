/* SPDX-License-Identifier: MIT */
/*
 * swap JOB RESULTS: what rewriting rows costs by itself. Scans the job's first
 * database and rewrites every row whose value holds a key that the job renames, a
 * thousand in a call, without journal, objects or threads. Only the calls of
 * rewrite() are measured. Appends "swap-alone USER SYS WALL RSS" to RESULTS.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "job/job.h"
#include "plugin/end.h"
#include "plugin/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { CHUNK = 1000 };

struct cost {
	double user, system, wall;
};

struct swap {
	const struct job *job;
	struct rename_scratch *scratch;
	struct migrate_session *session;
	struct migrate_change changes[CHUNK];
	struct migrate_change *pointers[CHUNK];
	size_t count;
	struct arena arena;
	struct cost cost;
	uint64_t rows;
};

static const struct migrate_plugin *find(void *arg, enum migrate_kind kind, const char *name,
					 struct error *err)
{
	(void)arg;
	return plugin_find(kind, name, err);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static struct cost spent(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (struct cost){ seconds(usage.ru_utime), seconds(usage.ru_stime),
			      (double)clock_monotonic() / 1e9 };
}

/* The new value of a row, in the arena. False: its value is none of the job's. */
static bool new_value(struct swap *s, struct migrate_bytes value, struct migrate_bytes *after,
		      struct error *err)
{
	const struct job_database *d = &s->job->databases[0];
	BUF_AUTO struct buf key = BUF_INIT(MIGRATE_KEY_MAX);
	BUF_AUTO struct buf out = BUF_INIT(MIGRATE_KEY_MAX);
	struct migrate_bytes new_key;
	size_t rule;
	bool ok;

	ok = value_pattern_decode(d->value, value, &key) &&
	     rename_apply(s->job->rules, s->scratch, (struct migrate_bytes){ key.p, key.len },
			  &new_key, &rule, err) == RENAME_OK &&
	     value_pattern_encode(d->new_value, new_key, &out);
	return ok && arena_bytes(&s->arena, (struct migrate_bytes){ out.p, out.len }, after);
}

static int rewrite(struct swap *s, struct error *err)
{
	struct migrate_rewrite r = { .changes = s->pointers, .count = s->count };
	struct cost before = spent(), after;
	enum migrate_status status = database_rewrite(s->session, &r);

	after = spent();
	s->cost.user += after.user - before.user;
	s->cost.system += after.system - before.system;
	s->cost.wall += after.wall - before.wall;
	if (status != MIGRATE_OK)
		return session_error(err, EXIT_INTERNAL, s->session, status);
	for (size_t i = 0; i < s->count; i++)
		if (s->changes[i].outcome != MIGRATE_ROW_CHANGED)
			return error_set(err, EXIT_INTERNAL, "a row was not changed");
	s->rows += s->count;
	return 0;
}

static int rewrite_page(struct swap *s, const struct row_page *page, struct error *err)
{
	s->count = 0;
	arena_reset(&s->arena);
	for (size_t i = 0; i < page->n; i++) {
		const struct migrate_row *row = &page->items[i].row;
		struct migrate_change *c = &s->changes[s->count];

		*c = (struct migrate_change){ .identity = row->identity,
					      .place = row->place,
					      .before = row->value };
		if (new_value(s, row->value, &c->after, err)) {
			s->pointers[s->count] = c;
			s->count++;
		}
	}
	return s->count ? rewrite(s, err) : 0;
}

static int rewrite_all(struct swap *s, struct error *err)
{
	struct row_page page = ROW_PAGE_INIT;
	struct migrate_scan scan = { .limit = CHUNK };
	unsigned char cursor[MIGRATE_CURSOR_MAX];
	int rc = 0;

	while (!rc && !scan.done) {
		enum migrate_status status = database_scan(s->session, &scan, &page);

		if (status != MIGRATE_OK) {
			rc = session_error(err, EXIT_INTERNAL, s->session, status);
			break;
		}
		rc = rewrite_page(s, &page, err);
		memcpy(cursor, page.cursor.p, page.cursor.n);
		scan.cursor = (struct migrate_bytes){ cursor, page.cursor.n };
	}
	row_page_release(&page);
	return rc;
}

static int report(const struct swap *s, const char *path, struct error *err)
{
	struct rusage usage;
	FILE *f = fopen(path, "ae");

	getrusage(RUSAGE_SELF, &usage);
	if (!f || fprintf(f, "swap-alone %.3f %.3f %.3f %ld\n", s->cost.user, s->cost.system,
			  s->cost.wall, usage.ru_maxrss) < 0)
		error_set_errno(err, EXIT_INTERNAL, errno, "cannot write %s", path);
	if (f && fclose(f))
		error_set_errno(err, EXIT_INTERNAL, errno, "cannot write %s", path);
	return error_is_set(err) ? -1 : 0;
}

static int swap(struct swap *s, struct error *err)
{
	const struct job_end *d = &s->job->databases[0].end;
	struct host host;
	struct end *end;
	int rc = -1;

	if (host_init(&host, "0123456789abcdef", 60000, err))
		return -1;
	end = end_open(&host, d->label, d->descriptor, d->config, true, err);
	s->arena = (struct arena)ARENA_INIT;
	s->session = end ? session_open(end, err) : NULL;
	s->scratch = rename_scratch_new(s->job->rules);
	if (s->session && s->scratch)
		rc = rewrite_all(s, err);
	if (s->session)
		session_close(s->session);
	if (end)
		end_close(end);
	rename_scratch_free(s->scratch);
	arena_release(&s->arena);
	host_release(&host);
	return rc;
}

int main(int argc, char **argv)
{
	struct job_load_options options = { .find = find };
	struct swap *s = calloc(1, sizeof(*s));
	struct error err = ERROR_INIT;
	struct job *job;

	if (argc != 3 || !s) {
		fprintf(stderr, "usage: swap JOB RESULTS\n");
		return EXIT_USAGE;
	}
	job = job_load(argv[1], &options, &err);
	if (job && job->database_count == 0)
		error_set(&err, EXIT_USAGE, "the job has no database");
	if (job && !error_is_set(&err)) {
		s->job = job;
		if (!swap(s, &err))
			report(s, argv[2], &err);
	}
	if (error_is_set(&err))
		fprintf(stderr, "swap: %s\n", err.text);
	job_free(job);
	free(s);
	return err.exit;
}
