/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <time.h>

/*
 * The writer thread: takes all that is queued, applies it in one transaction,
 * wakes who waits. The queue is as long as there are callers, as each waits;
 * only what nobody waits for needs a bound.
 */
#define POLL_MS 200
#define DETACHED_MAX 1024

static enum result apply_all(struct journal *j, struct work *group, struct error *err)
{
	struct connection *c = j->store->writer;
	enum result r = j->backend->begin_write(c, err);

	for (struct work *w = group; w && !r; w = w->next)
		r = w->apply(c, w->arg, err);
	if (r == RESULT_NONE)
		BUG("a write says that there is no such record");
	return r ? r : j->backend->commit(c, err);
}

static void set_dead(struct journal *j, const struct error *err)
{
	pthread_mutex_lock(&j->queue_lock);
	if (!j->dead.exit)
		j->dead = *err;
	pthread_mutex_unlock(&j->queue_lock);
}

static bool is_dead(struct journal *j)
{
	bool dead;

	pthread_mutex_lock(&j->queue_lock);
	dead = j->dead.exit != 0;
	pthread_mutex_unlock(&j->queue_lock);
	return dead;
}

/* Between groups, so that nobody waits for it. */
static void tidy(struct journal *j, enum tidy when)
{
	struct error err = ERROR_INIT;

	if (!is_dead(j) && j->backend->tidy(j->store->writer, when, &err))
		set_dead(j, &err);
}

static void pause_ms(int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS };

	nanosleep(&t, NULL);
}

/* After a failed group: true when it is worth another try. */
static bool wait_for_better(struct journal *j, enum result r, int64_t *since,
			    const struct error *err)
{
	if (r != RESULT_WAIT)
		return false;
	if (!*since) {
		*since = clock_monotonic();
		log_warn("%s: waiting for up to %lld s", err->text,
			 (long long)(j->patience / 1000));
		tidy(j, TIDY_FOR_ROOM);
	}
	if (is_dead(j) || clock_monotonic() - *since >= j->patience * NS_PER_MS)
		return false;
	pause_ms(POLL_MS);
	return true;
}

static void commit_group(struct journal *j, struct work *group)
{
	struct error err = ERROR_INIT;
	int64_t since = 0;
	enum result r;

	if (is_dead(j))
		return;
	while ((r = apply_all(j, group, &err))) {
		if (!error_is_set(&err))
			BUG("a write failed, and did not say why");
		j->backend->roll_back(j->store->writer);
		if (!wait_for_better(j, r, &since, &err)) {
			set_dead(j, &err);
			return;
		}
		error_clear(&err);
	}
	if (since)
		log_warn("journal %s: writing goes on", j->store->writer->journal);
}

/* Tell everybody in the group; *w may be gone as soon as its owner wakes. */
static void finish_group(struct journal *j, struct work *group)
{
	pthread_mutex_lock(&j->queue_lock);
	for (struct work *w = group, *next; w; w = next) {
		next = w->next;
		if (w->detached) {
			j->detached--;
			free(w->arg);
			free(w);
			continue;
		}
		w->result = j->dead.exit ? -1 : 0;
		if (w->result)
			*w->err = j->dead;
		w->done = true;
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&j->queue_lock);
}

/* All that is queued. NULL: nothing is; with wait: the journal closes. */
static struct work *take_group(struct journal *j, bool wait)
{
	struct work *group;

	pthread_mutex_lock(&j->queue_lock);
	while (wait && !j->first && !j->stop)
		pthread_cond_wait(&j->queued, &j->queue_lock);
	group = j->first;
	j->first = NULL;
	j->last = &j->first;
	pthread_mutex_unlock(&j->queue_lock);
	return group;
}

static void *writer_main(void *arg)
{
	struct journal *j = arg;

	for (;;) {
		struct work *group = take_group(j, false);

		if (!group) {
			tidy(j, TIDY_IDLE);
			group = take_group(j, true);
		}
		if (!group)
			return NULL;
		commit_group(j, group);
		finish_group(j, group);
		tidy(j, TIDY_BUSY);
	}
}

static void enqueue(struct journal *j, struct work *w)
{
	w->next = NULL;
	*j->last = w;
	j->last = &w->next;
	pthread_cond_signal(&j->queued);
}

int journal_write(struct journal *j, apply_fn *apply, void *arg, struct error *err)
{
	struct work w = { .apply = apply, .arg = arg, .err = err };

	if (j->mode != JOURNAL_RUN)
		BUG("a journal opened for reading is written");
	pthread_cond_init(&w.wake, NULL);
	pthread_mutex_lock(&j->queue_lock);
	if (j->dead.exit) {
		*err = j->dead;
		w.result = -1;
	} else {
		enqueue(j, &w);
		while (!w.done)
			pthread_cond_wait(&w.wake, &j->queue_lock);
	}
	pthread_mutex_unlock(&j->queue_lock);
	pthread_cond_destroy(&w.wake);
	return w.result;
}

void journal_post(struct journal *j, apply_fn *apply, void *arg)
{
	struct work *w = calloc(1, sizeof(*w));
	bool taken = false;

	if (w) {
		w->apply = apply;
		w->arg = arg;
		w->detached = true;
		pthread_mutex_lock(&j->queue_lock);
		if (!j->dead.exit && !j->stop && j->detached < DETACHED_MAX) {
			j->detached++;
			enqueue(j, w);
			taken = true;
		}
		pthread_mutex_unlock(&j->queue_lock);
	}
	if (!taken) {
		free(arg);
		free(w);
	}
}

int journal_queue_start(struct journal *j, struct error *err)
{
	int rc = pthread_create(&j->thread, NULL, writer_main, j);

	if (rc)
		return error_set_errno(err, EXIT_INTERNAL, rc, "cannot start the journal's thread");
	j->started = true;
	return 0;
}

void journal_queue_stop(struct journal *j)
{
	if (!j->started)
		return;
	pthread_mutex_lock(&j->queue_lock);
	j->stop = true;
	pthread_cond_signal(&j->queued);
	pthread_mutex_unlock(&j->queue_lock);
	pthread_join(j->thread, NULL);
	j->started = false;
}
