/* SPDX-License-Identifier: MIT */
#include "engine/verify/verify-impl.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

const char *difference_name(enum difference d)
{
	static const char *const names[] = { "absent",     "size",    "bytes",
					     "unreadable", "row-old", "row-lost" };

	return (size_t)d < DIFFERENT_COUNT ? names[d] : "unknown";
}

/* ---- The thread that hands out ---- */

struct feeder {
	struct verify *verify;
	struct progress *progress;
	int64_t shown;
	char note[512];
};

static struct snapshot snapshot_of(struct feeder *f)
{
	const struct verify_result *r = &f->verify->result;
	struct snapshot s = { .at = clock_monotonic(),
			      .state = "verifying",
			      .total_known = true,
			      .objects = r->all.objects,
			      .bytes = r->all.bytes,
			      .objects_done =
				  r->objects + r->left_out + r->not_done + r->failed + r->dropped,
			      .bytes_done = r->bytes,
			      .rows = r->rows };

	for (int i = 0; i < DIFFERENT_COUNT; i++)
		s.failed += r->different[i];
	if (gate_note(f->verify->gate, f->note, sizeof(f->note))) {
		s.state = "paused";
		s.note = f->note;
	}
	return s;
}

/* The lock is held; wakes up often enough to show how far we are. */
static void show_and_wait(struct feeder *f)
{
	struct snapshot s;

	clock_cond_wait(&f->verify->changed, &f->verify->lock, 200 * NS_PER_MS);
	if (clock_monotonic() - f->shown < 200 * NS_PER_MS)
		return;
	s = snapshot_of(f);
	pthread_mutex_unlock(&f->verify->lock);
	progress_show(f->progress, &s);
	f->shown = clock_monotonic();
	pthread_mutex_lock(&f->verify->lock);
}

static bool has_copies(const struct batch *b)
{
	return b->state >= BATCH_COPIED && b->state <= BATCH_PURGED;
}

/* Copies whose records the journal has dropped: loaded, they are holes. */
static uint64_t count_dropped(const struct batch *b)
{
	uint64_t kept = 0;

	for (uint32_t i = 0; i < b->n; i++)
		kept += object_is_there(&b->objects[i]);
	return b->counts.copied + b->counts.same - kept;
}

/* Objects of a batch that nobody can look at, or whose rows nobody need. */
static void count_batch(struct verify *v, const struct batch *b)
{
	struct verify_result *r = &v->result;
	const struct batch_counts *c = &b->counts;

	pthread_mutex_lock(&v->lock);
	if (has_copies(b)) {
		r->failed += c->skipped + c->gone + c->failed;
		r->dropped += count_dropped(b);
		r->rows_not_done += verify_is_done(b) ? 0 : c->copied + c->same;
	} else {
		r->not_done += c->objects;
	}
	pthread_mutex_unlock(&v->lock);
}

/* False: leaving. */
static bool hand_out(struct feeder *f, struct batch *b)
{
	struct verify *v = f->verify;
	bool taken = false;

	pthread_mutex_lock(&v->lock);
	while (v->next && !halt_leaving(&v->halt))
		show_and_wait(f);
	if (!v->next && !halt_leaving(&v->halt)) {
		v->next = b;
		taken = true;
	}
	pthread_cond_broadcast(&v->changed);
	pthread_mutex_unlock(&v->lock);
	if (!taken)
		batch_free(b);
	return taken;
}

static void feed_verifiers(struct feeder *f)
{
	struct verify *v = f->verify;
	struct error err = ERROR_INIT;
	struct batch *b;
	int64_t after = 0;

	while (!halt_leaving(&v->halt) && (b = journal_next_batch(v->task.journal, after, &err))) {
		after = b->id;
		count_batch(v, b);
		if (!has_copies(b))
			batch_free(b);
		else if (!hand_out(f, b))
			break;
	}
	if (error_is_set(&err))
		halt_fail(&v->halt, &err);
}

static void finish_feeding(struct feeder *f)
{
	struct verify *v = f->verify;
	struct snapshot s;

	pthread_mutex_lock(&v->lock);
	v->fed = true;
	pthread_cond_broadcast(&v->changed);
	while (v->workers)
		show_and_wait(f);
	s = snapshot_of(f);
	pthread_mutex_unlock(&v->lock);
	progress_end(f->progress, &s);
}

/* No more workers than an end serves at once; 0: any. */
static size_t limit_workers(size_t n, uint32_t max)
{
	return max && n > max ? max : n;
}

static size_t worker_count(const struct verify *v)
{
	size_t n = (size_t)v->task.job->copy.concurrency;

	n = limit_workers(n, v->task.ends.source_facts.d.sessions_max);
	n = limit_workers(n, v->task.ends.destination_facts.d.sessions_max);
	return n ? n : 1;
}

static size_t start(struct verify *v, struct verifier *workers, size_t n, struct error *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		workers[i] = (struct verifier){ .verify = v, .arena = ARENA_INIT };
		pthread_mutex_lock(&v->lock);
		v->workers++;
		pthread_mutex_unlock(&v->lock);
		if (!pthread_create(&workers[i].thread, NULL, verify_work, &workers[i]))
			continue;
		pthread_mutex_lock(&v->lock);
		v->workers--;
		pthread_mutex_unlock(&v->lock);
		break;
	}
	if (!i)
		error_set(err, EXIT_INTERNAL, "cannot start a thread");
	return i;
}

static int outcome(struct verify *v, struct error *err)
{
	if (atomic_load(&v->halt.failed)) {
		*err = v->halt.error;
		return err->exit;
	}
	if (atomic_load(&v->task.ends.host.cancelled))
		return EXIT_INTERRUPTED;
	for (int i = 0; i < DIFFERENT_COUNT; i++)
		if (v->result.different[i])
			return EXIT_DIFFERENT;
	return EXIT_DONE;
}

static int run_workers(struct verify *v, struct feeder *f, struct error *err)
{
	size_t n = worker_count(v), started;
	struct verifier *workers = calloc(n, sizeof(*workers));

	if (!workers)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	started = start(v, workers, n, err);
	if (started)
		feed_verifiers(f);
	finish_feeding(f);
	for (size_t i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	free(workers);
	return started ? 0 : -1;
}

int verify_run(struct verify *v, verify_found *found, void *arg, struct verify_result *r,
	       struct error *err)
{
	struct feeder f = { .verify = v };
	const struct journal_pass *pass = &v->task.pass;
	int open = journal_has_open(v->task.journal, err);

	v->found = found;
	v->arg = arg;
	*r = (struct verify_result){ .objects = 0 };
	v->result = *r;
	if (open < 0 || pass_read(&v->task, err) ||
	    journal_counts(v->task.journal, 0, &v->result.all, err) || verify_index_rows(v, err))
		return error_is_set(err) ? err->exit : outcome(v, err);
	/* after --only=copy the pass is complete, and neither rows nor texts were looked at */
	v->result.finished = pass->state == PASS_DONE && pass->number && !open;
	f.progress = progress_new(v->options.progress, v->task.job->name);
	if (!f.progress)
		error_set(err, EXIT_INTERNAL, "out of memory");
	else if (!run_workers(v, &f, err) && !verify_lost_tell(v, err))
		verify_texts(v, err);
	progress_free(f.progress);
	if (v->next)
		batch_free(v->next);
	v->next = NULL;
	*r = v->result;
	return error_is_set(err) ? err->exit : outcome(v, err);
}

/* ---- Life ---- */

static int check_identity(const char *role, const char *then, const char *now, struct error *err)
{
	if (!then || !strcmp(then, now))
		return 0;
	return error_set(err, EXIT_UNFIT, "%s: the journal was made for '%s', this is '%s'", role,
			 then, now);
}

/* What is verified against must be what was written to. */
static int check_fit(const struct task *t, struct error *err)
{
	const struct journal_job *known = &t->known;
	BUF_AUTO struct buf changes = BUF_INIT(65536);

	if (job_compare(known->canonical, t->job->canonical, &changes) >= MIGRATE_MAPPING)
		return error_set(err, EXIT_UNFIT,
				 "the job file no longer fits its journal: undo what was changed "
				 "in it (migrate-check names it)");
	if (check_identity("source", known->source, t->ends.source.identity, err))
		return -1;
	return check_identity("destination", known->destination, t->ends.destination.identity, err);
}

static int open_task(struct task *t, struct error *err)
{
	if (task_open_journal(t, JOURNAL_READ, err))
		return -1;
	if (!t->journal)
		return error_set(err, EXIT_USAGE, "nothing was run yet: start migrate-run first");
	return task_open_ends(t, t->known.id, ENDS_PROBE, err) || check_fit(t, err) ? -1 : 0;
}

static void wake_verifiers(void *arg)
{
	struct verify *v = arg;

	pthread_mutex_lock(&v->lock);
	pthread_cond_broadcast(&v->changed);
	pthread_mutex_unlock(&v->lock);
}

static int make_verify(struct verify *v, struct error *err)
{
	size_t n = v->task.job->database_count;

	v->gate = gate_new(&v->task, &v->halt, NULL);
	v->indexes = calloc(n + 1, sizeof(*v->indexes));
	for (size_t i = 0; v->indexes && i < n; i++)
		pthread_mutex_init(&v->indexes[i].lock, NULL);
	return v->gate && v->indexes ? 0 : error_set(err, EXIT_INTERNAL, "out of memory");
}

struct verify *verify_new(const struct job *job, const struct verify_options *o, struct error *err)
{
	struct verify *v = calloc(1, sizeof(*v));

	if (!v) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	v->task.job = job;
	v->options = *o;
	pthread_mutex_init(&v->lock, NULL);
	clock_cond_init(&v->changed);
	halt_init(&v->halt, &v->task.ends.host);
	v->halt.wake = wake_verifiers;
	v->halt.arg = v;
	if (!make_verify(v, err) && !open_task(&v->task, err))
		return v;
	verify_free(v);
	return NULL;
}

void verify_cancel(struct verify *v)
{
	host_cancel(&v->task.ends.host);
}

void verify_free(struct verify *v)
{
	if (!v)
		return;
	for (size_t i = 0; v->indexes && i < v->task.job->database_count; i++) {
		if (v->indexes[i].rows)
			lookaside_free(v->indexes[i].rows);
		pthread_mutex_destroy(&v->indexes[i].lock);
	}
	free(v->indexes);
	lookaside_free(v->lost);
	lookaside_free(v->holding);
	gate_free(v->gate);
	task_close(&v->task);
	halt_release(&v->halt);
	pthread_cond_destroy(&v->changed);
	pthread_mutex_destroy(&v->lock);
	free(v);
}
