/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/conformance-impl.h"

#include <pthread.h>
#include <stdio.h>

#define ROUNDS 50

/* What one thread does with its own hand; status says how it ended. */
struct worker {
	struct hand *h;
	unsigned int number;
	int won;
	enum migrate_status status;
	pthread_t thread;
};

static bool run_all(struct battery *b, struct worker *w, void *(*work)(void *))
{
	size_t started = 0;

	for (; started < HANDS; started++) {
		w[started] =
		    (struct worker){ .h = &b->hands[started], .number = (unsigned int)started };
		if (pthread_create(&w[started].thread, NULL, work, &w[started]))
			break;
	}
	for (size_t i = 0; i < started; i++)
		pthread_join(w[i].thread, NULL);
	MUST(b, started == HANDS, "threads could not be started");
	return true;
}

static enum migrate_status once_through(struct worker *w, unsigned int round)
{
	struct hand *h = w->h;
	unsigned int seed = w->number * ROUNDS + round;
	size_t size = 1 + seed * 37 % 20000, n;
	enum migrate_status status;
	char name[64];

	snprintf(name, sizeof(name), "folder-%u/%u-%u", round % 7, w->number, round);
	status = put(h, key_of(h, name), pattern(h, seed, size));
	if (status == MIGRATE_OK)
		status = get(h, key_of(h, name), &n);
	if (status == MIGRATE_OK && (n != size || !is_pattern(h->buffer, seed, n)))
		status = MIGRATE_MISMATCH;
	return status;
}

static void *put_and_get(void *arg)
{
	struct worker *w = arg;

	for (unsigned int i = 0; i < ROUNDS && w->status == MIGRATE_OK; i++)
		w->status = once_through(w, i);
	return NULL;
}

static bool side_by_side(struct battery *b)
{
	struct worker w[HANDS];

	if (!run_all(b, w, put_and_get))
		return false;
	for (size_t i = 0; i < HANDS; i++)
		MUST(b, w[i].status == MIGRATE_OK, "session %zu: %s: %s", i,
		     status_name(w[i].status), session_message(w[i].h->s));
	return true;
}

static void *race_writers(void *arg)
{
	struct worker *w = arg;
	char name[32];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		enum migrate_status status;

		snprintf(name, sizeof(name), "race-%u", i);
		status = put_if(w->h, key_of(w->h, name), pattern(w->h, w->number, 5000),
				MIGRATE_ABSENT, bytes_of(NULL, 0));
		w->won += status == MIGRATE_OK;
		if (status != MIGRATE_OK && status != MIGRATE_EXISTS)
			w->status = status;
	}
	return NULL;
}

static bool one_wins(struct battery *b)
{
	struct worker w[HANDS];
	int won = 0;

	if (!run_all(b, w, race_writers))
		return false;
	for (size_t i = 0; i < HANDS; i++) {
		won += w[i].won;
		MUST(b, w[i].status == MIGRATE_OK, "session %zu: %s", i, status_name(w[i].status));
	}
	MUST(b, won == ROUNDS, "%d puts into %d keys won", won, ROUNDS);
	return true;
}

static const char *lacks_create_only(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why ? why : has_flag(b, MIGRATE_PUT_ABSENT) ? NULL : "it does not say PUT_ABSENT";
}

static const struct trial trials[] = {
	{ "sessions of several threads do not meet", side_by_side, lacks_put },
	{ "of several that create one object, one wins", one_wins, lacks_create_only },
};
const struct trials trials_threads = TRIALS(trials);
