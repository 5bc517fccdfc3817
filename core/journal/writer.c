/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * The writer thread: takes all that is queued, applies it in one transaction,
 * wakes who waits. The queue is as long as there are callers, as each waits;
 * only what nobody waits for needs a bound.
 */
#define POLL_MS 200
#define DETACHED_MAX 1024
/* Frames of 4 KiB in the log: tidy up when idle; in any case; cut the file. */
#define FRAMES_IDLE 1024
#define FRAMES_BUSY 8192
#define FRAMES_CUT 65536

static int count_frames(void *arg, sqlite3 *db, const char *name, int frames)
{
	struct journal *j = arg;

	(void)db;
	(void)name;
	j->wal_frames = (uint32_t)frames;
	return SQLITE_OK;
}

/* Something that passes: no space, quota, somebody else's lock. */
static bool passes(struct journal *j, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return true;
	}
	/* Nothing of the log was written in the first case, nothing was synced in the second. */
	return rc == SQLITE_IOERR_SHMSIZE ||
	       (rc == SQLITE_IOERR_WRITE && sqlite3_system_errno(j->writer.db) == EDQUOT);
}

static int apply_all(struct journal *j, struct work *group)
{
	struct connection *c = &j->writer;
	struct statement s = statement(c, SQL_BEGIN_WRITE);
	int rc = statement_run(&s);

	for (struct work *w = group; w && !rc; w = w->next)
		rc = w->apply(c, w->arg);
	if (!rc) {
		s = statement(c, SQL_COMMIT);
		rc = statement_run(&s);
	}
	return rc;
}

static void roll_back(struct journal *j)
{
	struct statement s;

	if (sqlite3_get_autocommit(j->writer.db))
		return;
	s = statement(&j->writer, SQL_ROLLBACK);
	statement_run(&s);
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

/* TRUNCATE waits for readers at most the busy timeout; either may leave some for later. */
static void checkpoint(struct journal *j, int mode)
{
	struct error err = ERROR_INIT;
	int rc = sqlite3_wal_checkpoint_v2(j->writer.db, NULL, mode, NULL, NULL);

	j->wal_tried = j->wal_frames;
	if (!rc && mode == SQLITE_CHECKPOINT_TRUNCATE)
		j->wal_frames = j->wal_tried = 0;
	if (!rc || passes(j, rc))
		return;
	connection_error(&j->writer, j->path, rc, &err);
	set_dead(j, &err);
}

static void pause_ms(int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS };

	nanosleep(&t, NULL);
}

/* After a failed group: true when it is worth another try. */
static bool wait_for_better(struct journal *j, int rc, int64_t *since, struct error *err)
{
	if (!passes(j, rc))
		return false;
	if (!*since) {
		*since = clock_monotonic();
		log_warn("%s: waiting for up to %lld s", err->text,
			 (long long)(j->patience / 1000));
		/* What the log holds of old pages may make room. */
		checkpoint(j, SQLITE_CHECKPOINT_TRUNCATE);
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
	int rc;

	if (is_dead(j))
		return;
	while ((rc = apply_all(j, group))) {
		connection_error(&j->writer, j->path, rc, &err);
		roll_back(j);
		if (!wait_for_better(j, rc, &since, &err)) {
			set_dead(j, &err);
			return;
		}
	}
	if (since)
		log_warn("journal %s: writing goes on", j->path);
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

/* Between groups, so that nobody waits for it. */
static void tidy(struct journal *j, bool idle)
{
	uint32_t grown =
	    j->wal_frames < j->wal_tried ? j->wal_frames : j->wal_frames - j->wal_tried;

	if (is_dead(j) || grown < (idle ? FRAMES_IDLE : FRAMES_BUSY))
		return;
	checkpoint(j, j->wal_frames >= FRAMES_CUT ? SQLITE_CHECKPOINT_TRUNCATE
						  : SQLITE_CHECKPOINT_PASSIVE);
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
			tidy(j, true);
			group = take_group(j, true);
		}
		if (!group)
			return NULL;
		commit_group(j, group);
		finish_group(j, group);
		tidy(j, false);
	}
}

static void enqueue(struct journal *j, struct work *w)
{
	w->next = NULL;
	*j->last = w;
	j->last = &w->next;
	pthread_cond_signal(&j->queued);
}

int journal_write(struct journal *j, int (*apply)(struct connection *c, void *arg), void *arg,
		  struct error *err)
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

void journal_post(struct journal *j, int (*apply)(struct connection *c, void *arg), void *arg)
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

int journal_writer_start(struct journal *j, struct error *err)
{
	int rc;

	sqlite3_wal_hook(j->writer.db, count_frames, j);
	rc = pthread_create(&j->thread, NULL, writer_main, j);
	if (rc)
		return error_set_errno(err, EXIT_INTERNAL, rc, "cannot start the journal's thread");
	j->started = true;
	return 0;
}

void journal_writer_stop(struct journal *j)
{
	if (!j->started)
		return;
	pthread_mutex_lock(&j->queue_lock);
	j->stop = true;
	pthread_cond_signal(&j->queued);
	pthread_mutex_unlock(&j->queue_lock);
	pthread_join(j->thread, NULL);
	j->started = false;
	if (!j->dead.exit)
		checkpoint(j, SQLITE_CHECKPOINT_TRUNCATE);
}
