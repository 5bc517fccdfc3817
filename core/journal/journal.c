/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static int fresh_id(char out[17])
{
	unsigned char random[8];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -1;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(out + 2 * i, 3, "%02x", random[i]);
	return 0;
}

static struct journal *journal_new(const struct backend *backend, const struct journal_options *o,
				   struct error *err)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (!j || fresh_id(j->fresh_id)) {
		free(j);
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	j->backend = backend;
	j->mode = o->mode;
	j->patience = o->patience;
	j->last = &j->first;
	pthread_mutex_init(&j->queue_lock, NULL);
	pthread_cond_init(&j->queued, NULL);
	pthread_mutex_init(&j->read_lock, NULL);
	return j;
}

/* Open batches that are loaded when a run starts; the others are checked when they are. */
#define QUICK_BATCHES 64

static enum result check_open_batches(struct connection *c, struct error *err)
{
	int64_t ids[QUICK_BATCHES];
	size_t n = 0;
	enum result r = c->backend->batches(c, BATCHES_ACTIVE, 0, ids, QUICK_BATCHES, &n, err);

	for (size_t i = 0; !r && i < n; i++) {
		struct batch *b;

		r = journal_batch_must_load(c, ids[i], &b, err);
		batch_free(b);
	}
	return r;
}

static int begin_run(struct journal *j, const struct journal_options *o, struct error *err)
{
	struct connection *c;

	if (!o->full_check) {
		c = journal_read_begin(j, err);
		if (!c || journal_read_end(j, check_open_batches(c, err)))
			return -1;
	}
	return journal_queue_start(j, err);
}

struct journal *journal_open_with(const struct backend *backend, const struct journal_options *o,
				  struct error *err)
{
	struct journal *j = journal_new(backend, o, err);

	if (!j)
		return NULL;
	j->store = backend->open(o, err);
	if (j->store && (o->mode != JOURNAL_RUN || !begin_run(j, o, err)))
		return j;
	/* Leave everything as it was found. */
	j->dead = *err;
	journal_close(j);
	return NULL;
}

struct journal *journal_open(const struct journal_options *o, struct error *err)
{
	return journal_open_with(&journal_file_backend, o, err);
}

static void disconnect(struct journal *j)
{
	journal_queue_stop(j);
	if (j->store)
		j->backend->disconnect(j->store, !j->dead.exit);
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	disconnect(j);
	if (j->store)
		j->backend->close(j->store);
	pthread_mutex_destroy(&j->queue_lock);
	pthread_cond_destroy(&j->queued);
	pthread_mutex_destroy(&j->read_lock);
	free(j);
}

int journal_discard(struct journal *j, struct error *err)
{
	int rc;

	disconnect(j);
	rc = j->backend->discard(j->store, err);
	journal_close(j);
	return rc;
}

int journal_set_aside(struct journal *j, char **name, struct error *err)
{
	int rc;

	disconnect(j);
	rc = j->backend->set_aside(j->store, name, err);
	journal_close(j);
	return rc;
}
