/* SPDX-License-Identifier: MIT */
#include "engine/work/gate.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define DENIALS_MAX 20 /* in a row, before they are everyone's trouble */
#define NOTE_MAX 512
#define PROBE_FIRST (200 * NS_PER_MS)
#define PROBE_MAX (5 * NS_PER_S)

struct gate {
	const struct task *task;
	struct halt *halt;
	struct pulse *pulse; /* NULL: nobody asks */
	pthread_mutex_t lock;
	atomic_uint denials;
	_Atomic(int64_t) throttled; /* since when nothing but that is heard; 0: it is not so */
	atomic_bool closed;         /* paused or probing: look closer */
	bool paused;                /* by the operator */
	bool probing;               /* one worker is finding out */
	bool outage;
	char note[NOTE_MAX];
};

struct gate *gate_new(const struct task *t, struct halt *h, struct pulse *pulse)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->task = t;
	g->halt = h;
	g->pulse = pulse;
	pthread_mutex_init(&g->lock, NULL);
	return g;
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static bool is_closed(struct gate *g)
{
	return atomic_load_explicit(&g->closed, memory_order_relaxed);
}

bool gate_pass(struct gate *g)
{
	while (is_closed(g))
		if (!halt_sleep(g->halt, 20 * NS_PER_MS))
			return false;
	return !halt_leaving(g->halt);
}

bool gate_sleep(struct gate *g, int64_t ns)
{
	return halt_sleep(g->halt, ns);
}

unsigned gate_attempts(const struct gate *g)
{
	return (unsigned)g->task->job->attempts;
}

int64_t gate_patience(const struct gate *g)
{
	return g->task->job->patience * NS_PER_MS;
}

void gate_well(struct gate *g)
{
	if (atomic_load_explicit(&g->denials, memory_order_relaxed))
		atomic_store(&g->denials, 0);
	if (atomic_load_explicit(&g->throttled, memory_order_relaxed))
		atomic_store(&g->throttled, 0);
}

/* With lock held. */
static void update(struct gate *g)
{
	atomic_store(&g->closed, g->paused || g->probing);
}

void gate_set_paused(struct gate *g, bool paused)
{
	pthread_mutex_lock(&g->lock);
	g->paused = paused;
	atomic_store(&g->throttled, 0); /* a pause says nothing of any end */
	update(g);
	pthread_mutex_unlock(&g->lock);
}

bool gate_note(struct gate *g, char *text, size_t size)
{
	bool shown = true;

	pthread_mutex_lock(&g->lock);
	if (g->outage)
		snprintf(text, size, "%s", g->note);
	else if (g->paused)
		snprintf(text, size, "paused by the operator");
	else
		shown = false;
	pthread_mutex_unlock(&g->lock);
	return shown;
}

static void note_event(struct gate *g, int level, const char *text)
{
	if (g->task->journal && !g->task->read_only)
		journal_event(g->task->journal, level, text);
}

static void begin_outage(struct gate *g, struct migrate_session *s, enum migrate_status status)
{
	const char *why = session_message(s);

	pthread_mutex_lock(&g->lock);
	g->outage = true;
	snprintf(g->note, sizeof(g->note), "%s: %s%s%s", end_label(session_end(s)),
		 status_name(status), *why ? ": " : "", why);
	pthread_mutex_unlock(&g->lock);
	log_warn("paused: %s", g->note);
	note_event(g, LOG_WARN, g->note);
}

static enum gate_verdict give_up_end(struct gate *g)
{
	struct error err = ERROR_INIT;

	error_set(&err, EXIT_OUTAGE,
		  "gave up after %" PRId64 " s (patience): %s; run again to go on",
		  g->task->job->patience / 1000, g->note);
	halt_fail(g->halt, &err);
	return GATE_LEAVE;
}

/* Probe until the end is well again, patience runs out or the run ends. */
static enum gate_verdict wait_outage_out(struct gate *g, struct migrate_session *s, bool write,
					 enum migrate_status status)
{
	int64_t wait = PROBE_FIRST, began = clock_monotonic();

	begin_outage(g, s, status);
	while (status != MIGRATE_OK) {
		if (clock_monotonic() - began > gate_patience(g))
			return give_up_end(g);
		if (!halt_sleep(g->halt, wait))
			return GATE_LEAVE;
		wait = wait * 2 > PROBE_MAX ? PROBE_MAX : wait * 2;
		status = end_probe(s, write);
	}
	log_info("%s is well again, going on", end_label(session_end(s)));
	note_event(g, LOG_INFO, "going on");
	return GATE_AGAIN;
}

/* Only one worker probes; the others wait for its verdict and repeat. */
static bool become_prober(struct gate *g)
{
	bool first;

	pthread_mutex_lock(&g->lock);
	first = !g->probing;
	g->probing = true;
	update(g);
	pthread_mutex_unlock(&g->lock);
	return first;
}

static void end_probing(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->probing = g->outage = false;
	update(g);
	pthread_mutex_unlock(&g->lock);
}

/* Has nothing gone well for the whole patience? Then it is an outage, though probe() is answered. */
static bool is_out_of_patience(struct gate *g)
{
	int64_t now = clock_monotonic(), since = 0;

	return !atomic_compare_exchange_strong(&g->throttled, &since, now) &&
	       now - since > gate_patience(g);
}

static enum gate_verdict throttled(struct gate *g, struct migrate_session *s)
{
	const struct ends *ends = &g->task->ends;
	int64_t wait = session_retry_after(s);

	if (is_out_of_patience(g)) {
		begin_outage(g, s, MIGRATE_THROTTLED);
		return give_up_end(g);
	}

	if (g->pulse && session_end(s) == ends->source.end)
		atomic_fetch_add(&g->pulse->source, 1);
	else if (g->pulse && session_end(s) == ends->destination.end)
		atomic_fetch_add(&g->pulse->destination, 1);

	return halt_sleep(g->halt, wait > 0 ? wait * NS_PER_MS : backoff(3)) ? GATE_AGAIN
									     : GATE_LEAVE;
}

static enum gate_verdict fatal(struct gate *g, struct migrate_session *s)
{
	struct error err = ERROR_INIT;

	session_error(&err, EXIT_INTERNAL, s, MIGRATE_FATAL);
	halt_fail(g->halt, &err);
	return GATE_LEAVE;
}

/* What a database grants is the same for all rows; its probe() looks at that. */
static bool is_denied_to_all(struct gate *g, struct migrate_session *s)
{
	const struct ends *ends = &g->task->ends;

	for (size_t i = 0; i < ends->database_count; i++)
		if (session_end(s) == ends->databases[i].end)
			return true;
	return atomic_fetch_add(&g->denials, 1) + 1 >= DENIALS_MAX;
}

enum gate_verdict gate_trouble(struct gate *g, struct migrate_session *s, bool write,
			       enum migrate_status status)
{
	enum gate_verdict verdict = GATE_OBJECT;
	enum migrate_status probed;

	write = write && !g->task->read_only;
	if (status == MIGRATE_FATAL)
		return fatal(g, s);
	if (status == MIGRATE_CANCELLED || atomic_load(&g->halt->failed))
		return halt_leaving(g->halt) ? GATE_LEAVE : GATE_OBJECT;
	if (status == MIGRATE_THROTTLED)
		return throttled(g, s);
	if (status == MIGRATE_DENIED ? !is_denied_to_all(g, s) : !status_is_systemic(status))
		return GATE_OBJECT;
	if (!become_prober(g))
		return gate_pass(g) ? GATE_AGAIN : GATE_LEAVE;
	probed = end_probe_again(s, write);
	if (probed != MIGRATE_OK)
		verdict = wait_outage_out(g, s, write, probed);
	else
		atomic_store(&g->denials, 0);
	end_probing(g);
	return verdict;
}
