/* SPDX-License-Identifier: MIT */
#include "engine/dry/dry-impl.h"

/* Would a run go on with the journal? Then all that it did lies before the pass that is tried. */
static int find_outlook(struct dry *d, struct error *err)
{
	struct task *t = &d->task;
	struct migrate_bytes last;
	bool begins;

	if (fit_job(t, d->options, err) || pass_read(t, err))
		return -1;
	begins = pass_begins(t);
	if (begins && pass_check_next(t, d->options, err) < 0)
		return -1;
	if (!begins && t->pass.state == PASS_LISTING &&
	    journal_position(t->journal, t->pass.number, &d->arena, &last, &d->behind, err))
		return -1;
	d->scans = t->pass.number > 1 || (t->pass.number && begins);
	t->pass.number++;
	return 0;
}

int dry_begin(struct dry *d, struct error *err)
{
	const char *no_id = "0000000000000000";
	struct task *t = &d->task;

	halt_init(&d->halt, &t->ends.host);
	d->gate = gate_new(t, &d->halt, NULL);
	if (!d->gate)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	t->read_only = true;
	if ((!d->options->new_journal && task_open_journal(t, JOURNAL_READ, err)) ||
	    task_open_ends(t, t->journal ? t->known.id : no_id, ENDS_WRITE | ENDS_DRY, err))
		return -1;
	return t->journal ? find_outlook(d, err) : 0;
}

void dry_end(struct dry *d)
{
	gate_free(d->gate);
	halt_release(&d->halt);
	task_close(&d->task);
}
