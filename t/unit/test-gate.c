/* SPDX-License-Identifier: MIT */
#include "plugin-fixture.h"
#include "run-fixture.h"

#include "engine/work/gate.h"

/* A store that answers as the test says; where nobody may ask it, the answer is FATAL. */
static struct gate *gate;
static enum migrate_status last, probed[4]; /* of the call that went wrong, then of probes */
static unsigned probes;
static bool asked_to_write;
static void (*meanwhile)(void); /* while a probe is under way */

static int answer(void *request)
{
	struct migrate_stat *r = request;

	migrate_retry_after(r->session, 1);
	return (int)migrate_fail(r->session, last, "so it said");
}

static int answer_probe(void *request)
{
	struct migrate_probe *r = request;
	enum migrate_status status;

	ck_assert_uint_lt(probes, 4);
	asked_to_write = r->write;
	status = probed[probes++];
	if (meanwhile)
		meanwhile();
	return (int)(status ? migrate_fail(r->session, status, "probe %u", probes) : status);
}

static void gate_setup(void)
{
	set_up();
	task.ends.source.end = end;
	gate = gate_new(&task, &run.halt, &run.pulse);
	ck_assert_ptr_nonnull(gate);
}

static void gate_teardown(void)
{
	gate_free(gate);
	tear_down();
}

/* A call of this session went wrong so. */
static enum gate_verdict trouble(struct migrate_session *s, enum migrate_status status)
{
	struct migrate_object object = { .size = 0 };
	struct migrate_stat r = { .key = BYTES("key"), .object = &object };

	act = answer;
	last = status;
	store_stat(s, &r);
	act = answer_probe;
	return gate_trouble(gate, s, true, status);
}

/* ---- By status, all of them ---- */

static const struct row {
	enum migrate_status status;
	enum gate_verdict verdict;
	unsigned probes; /* of an end that is well */
	int exit;        /* 0: the run goes on */
} table[] = {
	{ MIGRATE_NOT_FOUND, GATE_OBJECT, 0, 0 },
	{ MIGRATE_EXISTS, GATE_OBJECT, 0, 0 },
	{ MIGRATE_CHANGED, GATE_OBJECT, 0, 0 },
	{ MIGRATE_MISMATCH, GATE_OBJECT, 0, 0 },
	{ MIGRATE_INVALID, GATE_OBJECT, 0, 0 },
	{ MIGRATE_DENIED, GATE_OBJECT, 0, 0 },
	{ MIGRATE_THROTTLED, GATE_AGAIN, 0, 0 },
	{ MIGRATE_TRANSIENT, GATE_OBJECT, 0, 0 },
	{ MIGRATE_UNKNOWN_OUTCOME, GATE_OBJECT, 0, 0 },
	{ MIGRATE_NO_SPACE, GATE_OBJECT, 1, 0 },
	{ MIGRATE_UNAVAILABLE, GATE_OBJECT, 1, 0 },
	{ MIGRATE_UNSUPPORTED, GATE_OBJECT, 0, 0 },
	{ MIGRATE_CANCELLED, GATE_OBJECT, 0, 0 },
	{ MIGRATE_FATAL, GATE_LEAVE, 0, EXIT_INTERNAL },
};
#define ROWS ((int)(sizeof(table) / sizeof(*table)))

START_TEST(the_verdict_follows_from_the_status)
{
	const struct row *row = &table[_i];

	ck_assert_int_eq(ROWS, MIGRATE_STATUS_COUNT - 1);
	ck_assert_int_eq(trouble(session, row->status), row->verdict);
	ck_assert_uint_eq(probes, row->probes);
	ck_assert_int_eq(run.halt.error.exit, row->exit);
	ck_assert_int_eq(halt_leaving(&run.halt), row->exit != 0);
	ck_assert_int_eq(gate_pass(gate), row->exit == 0);
	if (row->probes)
		ck_assert(asked_to_write && !strcmp(session_message(session), "so it said"));
	if (row->exit)
		ck_assert_msg(strstr(run.halt.error.text, "so it said") != NULL, "%s",
			      run.halt.error.text);
}
END_TEST

/* In a run that failed nobody asks and nobody waits. */
START_TEST(who_hears_of_it_when_the_run_has_failed_leaves)
{
	struct error other_error = ERROR_INIT;

	error_set(&other_error, EXIT_JOURNAL, "the first");
	halt_fail(&run.halt, &other_error);
	ck_assert_int_eq(trouble(session, table[_i].status), GATE_LEAVE);
	ck_assert_uint_eq(probes, 0);
	ck_assert_str_eq(run.halt.error.text, "the first");
}
END_TEST

START_TEST(a_call_that_was_cancelled_leaves_when_the_run_ends)
{
	halt_stop(&run.halt);
	ck_assert_int_eq(trouble(session, MIGRATE_CANCELLED), GATE_LEAVE);
	ck_assert_int_eq(trouble(session, MIGRATE_THROTTLED), GATE_LEAVE);
	/* what is in flight is finished: one that is its own trouble still counts */
	ck_assert_int_eq(trouble(session, MIGRATE_TRANSIENT), GATE_OBJECT);
}
END_TEST

/* ---- Denials ---- */

static void deny(unsigned n)
{
	while (n--)
		ck_assert_int_eq(trouble(session, MIGRATE_DENIED), GATE_OBJECT);
}

START_TEST(twenty_denials_in_a_row_are_looked_into)
{
	deny(19);
	gate_well(gate);
	deny(19);
	ck_assert_uint_eq(probes, 0);
	deny(1);
	ck_assert_uint_eq(probes, 1);
	deny(19); /* it was well: they count from the first again */
	ck_assert_uint_eq(probes, 1);
	job.patience = -1;
	probed[1] = MIGRATE_DENIED;
	ck_assert_int_eq(trouble(session, MIGRATE_DENIED), GATE_LEAVE);
	ck_assert_int_eq(run.halt.error.exit, EXIT_OUTAGE);
}
END_TEST

START_TEST(one_denial_of_a_database_is_looked_into)
{
	struct open_end database = { .end = end };

	task.ends.databases = &database;
	task.ends.database_count = 1;
	deny(1);
	ck_assert_uint_eq(probes, 1);
}
END_TEST

/* ---- Throttling ---- */

START_TEST(an_end_that_only_throttles_is_given_up_after_the_patience)
{
	task.ends.source.end = NULL;
	task.ends.destination.end = end;
	job.patience = 0;
	for (unsigned i = 0; i < 3; i++) { /* something goes well between them */
		ck_assert_int_eq(trouble(session, MIGRATE_THROTTLED), GATE_AGAIN);
		gate_well(gate);
	}
	ck_assert_uint_eq(run.pulse.destination, 3);
	ck_assert_uint_eq(run.pulse.source, 0);
	ck_assert_int_eq(trouble(session, MIGRATE_THROTTLED), GATE_AGAIN);
	ck_assert_int_eq(trouble(session, MIGRATE_THROTTLED), GATE_LEAVE);
	ck_assert_int_eq(run.halt.error.exit, EXIT_OUTAGE);
	ck_assert_msg(strstr(run.halt.error.text, "source: throttled: so it said") != NULL, "%s",
		      run.halt.error.text);
	ck_assert_uint_eq(probes, 0);
}
END_TEST

START_TEST(what_the_source_throttles_is_counted_as_its_own)
{
	ck_assert_int_eq(trouble(session, MIGRATE_THROTTLED), GATE_AGAIN);
	ck_assert_uint_eq(run.pulse.source, 1);
	ck_assert_uint_eq(run.pulse.destination, 0);
}
END_TEST

/* ---- Outages ---- */

static void look_at_the_note(void)
{
	char note[200] = "";

	if (probes == 1) /* of an outage nothing is known yet */
		ck_assert(!gate_note(gate, note, sizeof(note)));
	else
		ck_assert(gate_note(gate, note, sizeof(note)) &&
			  !strcmp(note, "source: unavailable: probe 1"));
}

START_TEST(an_outage_is_told_and_waited_out)
{
	char note[200];

	meanwhile = look_at_the_note;
	probed[0] = MIGRATE_UNAVAILABLE;
	ck_assert_int_eq(trouble(session, MIGRATE_UNAVAILABLE), GATE_AGAIN);
	ck_assert_uint_eq(probes, 2);
	ck_assert(!gate_note(gate, note, sizeof(note)));
	ck_assert(gate_pass(gate));
	ck_assert(!error_is_set(&run.halt.error));
}
END_TEST

START_TEST(an_outage_beyond_the_patience_ends_the_run)
{
	job.patience = -1;
	probed[0] = MIGRATE_NO_SPACE;
	ck_assert_int_eq(trouble(session, MIGRATE_UNAVAILABLE), GATE_LEAVE);
	ck_assert_uint_eq(probes, 1);
	ck_assert_int_eq(run.halt.error.exit, EXIT_OUTAGE);
	ck_assert_msg(strstr(run.halt.error.text, "source: no_space: probe 1") != NULL, "%s",
		      run.halt.error.text);
	ck_assert(!gate_pass(gate));
}
END_TEST

static void another_worker(void)
{
	meanwhile = NULL;
	halt_stop(&run.halt); /* or it would wait for us */
	ck_assert_int_eq(gate_trouble(gate, other, true, MIGRATE_UNAVAILABLE), GATE_LEAVE);
	ck_assert(!gate_pass(gate));
	ck_assert_uint_eq(probes, 1);
	atomic_store(&run.halt.stopping, false);
}

START_TEST(one_worker_asks_and_the_others_wait)
{
	meanwhile = another_worker;
	ck_assert_int_eq(trouble(session, MIGRATE_UNAVAILABLE), GATE_OBJECT);
	ck_assert_uint_eq(probes, 1);
	ck_assert(gate_pass(gate));
	ck_assert_int_eq(gate_trouble(gate, other, true, MIGRATE_UNAVAILABLE), GATE_OBJECT);
	ck_assert_uint_eq(probes, 2);
}
END_TEST

/* ---- The operator ---- */

static atomic_bool is_through;

static void *pass(void *arg)
{
	bool passed = gate_pass(gate);

	atomic_store(&is_through, true);
	return passed ? arg : NULL;
}

/* One that is let through would be at once; a slow machine only makes this see less. */
static pthread_t start_held_worker(void)
{
	const struct timespec moment = { .tv_nsec = 5 * NS_PER_MS };
	pthread_t worker;

	ck_assert_int_eq(pthread_create(&worker, NULL, pass, gate), 0);
	nanosleep(&moment, NULL);
	ck_assert(!atomic_load(&is_through));
	return worker;
}

/* What a worker that waits at the gate is told: that it may pass, or that the run ends. */
START_TEST(a_pause_holds_workers_until_it_or_the_run_ends)
{
	void *passed = NULL;
	pthread_t worker;
	char note[64];

	gate_set_paused(gate, true);
	ck_assert(gate_note(gate, note, sizeof(note)));
	ck_assert_str_eq(note, "paused by the operator");
	worker = start_held_worker();
	if (_i)
		halt_stop(&run.halt);
	else
		gate_set_paused(gate, false);
	ck_assert_int_eq(pthread_join(worker, &passed), 0);
	ck_assert_int_eq(passed == NULL, _i);
	ck_assert_int_eq(gate_note(gate, note, sizeof(note)), _i);
}
END_TEST

/* An outage that is over does not end the operator's pause. */
START_TEST(a_pause_outlives_an_outage)
{
	void *passed = NULL;
	pthread_t worker;

	gate_set_paused(gate, true);
	ck_assert_int_eq(trouble(session, MIGRATE_UNAVAILABLE), GATE_OBJECT);
	worker = start_held_worker();
	gate_set_paused(gate, false);
	ck_assert_int_eq(pthread_join(worker, &passed), 0);
	ck_assert_ptr_nonnull(passed);
}
END_TEST

static void add(TCase *t)
{
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, gate_setup, gate_teardown);
	tcase_add_loop_test(t, the_verdict_follows_from_the_status, 0, ROWS);
	tcase_add_loop_test(t, who_hears_of_it_when_the_run_has_failed_leaves, 0, ROWS - 1);
	tcase_add_test(t, a_call_that_was_cancelled_leaves_when_the_run_ends);
	tcase_add_test(t, twenty_denials_in_a_row_are_looked_into);
	tcase_add_test(t, one_denial_of_a_database_is_looked_into);
	tcase_add_test(t, an_end_that_only_throttles_is_given_up_after_the_patience);
	tcase_add_test(t, what_the_source_throttles_is_counted_as_its_own);
	tcase_add_test(t, an_outage_is_told_and_waited_out);
	tcase_add_test(t, an_outage_beyond_the_patience_ends_the_run);
	tcase_add_test(t, one_worker_asks_and_the_others_wait);
	tcase_add_loop_test(t, a_pause_holds_workers_until_it_or_the_run_ends, 0, 2);
	tcase_add_test(t, a_pause_outlives_an_outage);
}

int main(void)
{
	return run_fixture_suite("gate", add);
}
