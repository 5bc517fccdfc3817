/* SPDX-License-Identifier: MIT */
#include "engine/task/task.h"

#include "base/bytes.h"
#include "base/clock.h"

/* What a run is for that lists nothing: 1, 0; -1: error. */
static int needs_no_listing(const struct task *t, const struct run_options *o, struct error *err)
{
	int open;

	if (!t->pass.number)
		return 0;
	if (o->only == RUN_ROWS)
		return 1;
	if (t->job->journal_keep != KEEP_FAILURES)
		return 0;
	if (o->retry_failed)
		return 1;
	open = journal_has_open(t->journal, err);
	/* the rows of what --only=copy has copied */
	return open < 0 ? -1 : open && o->only != RUN_COPY;
}

int pass_check_next(const struct task *t, const struct run_options *o, struct error *err)
{
	int listed = needs_no_listing(t, o, err);

	if (listed || !t->pass.number || t->job->journal_keep != KEEP_FAILURES)
		return listed;
	return error_set(
	    err, EXIT_UNFIT,
	    t->fit.relist
		? "the selection of keys changed in the middle of a pass, and the journal "
		  "keeps failures only: finish the pass without the change first"
		: "the source was listed, and the journal keeps failures only: there is "
		  "nothing to compare a further pass with; --retry-failed tries these "
		  "again");
}

static int begin_next(struct task *t, const struct run_options *o, struct error *err)
{
	int listed = pass_check_next(t, o, err);

	if (listed < 0)
		return -1;
	t->pass = (struct journal_pass){ .number = t->pass.number + 1,
					 .state = listed ? PASS_LISTED : PASS_LISTING,
					 .orphaned = listed ? t->pass.orphaned : 0,
					 .started = clock_wall() };
	return journal_set_pass(t->journal, &t->pass, err);
}

int pass_read(struct task *t, struct error *err)
{
	struct arena a = ARENA_INIT;
	int rc = journal_last_pass(t->journal, &a, &t->pass, err);

	t->pass.cursor = bytes_of(NULL, 0);
	arena_release(&a);
	return rc;
}

/* What the keys are that a pass has left behind it, the selection said then. */
bool pass_begins(const struct task *t)
{
	return !t->pass.number || t->pass.state == PASS_DONE ||
	       (t->pass.state == PASS_LISTING && t->fit.relist);
}

int pass_find(struct task *t, const struct run_options *o, struct error *err)
{
	if (pass_read(t, err) || (pass_begins(t) && begin_next(t, o, err)))
		return -1;
	t->orphaned = t->pass.orphaned;
	return 0;
}

int pass_set_state(struct task *t, enum pass_state state, struct error *err)
{
	t->pass.state = state;
	if (state == PASS_DONE)
		t->pass.ended = clock_wall();
	return journal_set_pass(t->journal, &t->pass, err);
}
