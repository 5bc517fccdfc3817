/* SPDX-License-Identifier: MIT */
#include "engine/plan/planner.h"

#include "base/bytes.h"
#include "engine/task/scratch.h"

int planner_init(struct planner *p, const struct task *task, struct migrate_session *destination,
		 struct error *err)
{
	*p = (struct planner){ .task = task, .destination = destination };
	p->scratch = rename_scratch_new(task->job->rules);
	return p->scratch ? 0 : error_set(err, EXIT_INTERNAL, "out of memory");
}

void planner_release(struct planner *p)
{
	if (p->scratch)
		rename_scratch_free(p->scratch);
	arena_release(&p->arena);
}

static void judge_passed_over(struct verdict *v, enum skip_reason skip, const char *why)
{
	v->kind = VERDICT_PASSED_OVER;
	v->skip = skip;
	v->why = why;
}

static void fail_verdict(struct verdict *v, enum fail_class class, const char *message)
{
	v->state = OBJECT_FAILED;
	v->fail = class;
	v->message = message;
}

static enum skip_reason reason_of(enum migrate_skip s)
{
	switch (s) {
	case MIGRATE_SKIP_SYMLINK:
		return SKIP_SYMLINK;
	case MIGRATE_SKIP_MOUNT:
		return SKIP_MOUNT;
	case MIGRATE_SKIP_EMPTY_FOLDER:
		return SKIP_EMPTY_FOLDER;
	case MIGRATE_SKIP_ARCHIVED:
		return SKIP_ARCHIVED;
	default:
		return SKIP_SPECIAL;
	}
}

static void unmatched(struct planner *p, const struct key_item *item, struct verdict *v)
{
	switch (p->task->job->unmatched) {
	case UNMATCHED_SKIP:
		judge_passed_over(v, SKIP_RULE, "no rename rule matches (unmatched: skip)");
		return;
	case UNMATCHED_KEEP:
		v->new_key = item->key;
		return;
	default:
		fail_verdict(v, FAIL_UNMATCHED, "no rename rule matches (unmatched: keep or skip)");
	}
}

static void rename_key(struct planner *p, const struct key_item *item, struct verdict *v)
{
	struct error err = ERROR_INIT;
	const char *text;

	if (item->new_key.n) {
		v->new_key = item->new_key;
		return;
	}
	if (!rename_rules_count(p->task->job->rules)) {
		v->new_key = item->key;
		return;
	}
	switch (
	    rename_apply(p->task->job->rules, p->scratch, item->key, &v->new_key, &v->rule, &err)) {
	case RENAME_OK:
		p->rule_hits[v->rule < 64 ? v->rule : 63]++;
		return;
	case RENAME_UNMATCHED:
		v->rule = SIZE_MAX;
		unmatched(p, item, v);
		return;
	default:
		text = arena_text(&p->arena, err.text);
		fail_verdict(v, FAIL_RENAME, text ? text : "the rule could not be applied");
		v->new_key.n = 0;
	}
}

static bool is_own(const struct task *task, struct migrate_bytes key)
{
	return scratch_is_key(key) ||
	       (task->relation == ENDS_DESTINATION_INSIDE && bytes_begin_with(key, task->inside));
}

/* Is the new key, at the destination, the very object that is to be copied? */
static bool in_place(const struct task *task, struct migrate_bytes key,
		     struct migrate_bytes new_key)
{
	if (task->relation == ENDS_SAME)
		return bytes_equal(key, new_key);
	return task->relation == ENDS_SOURCE_INSIDE && bytes_begin_with(new_key, task->inside) &&
	       bytes_equal(
		   bytes_of((const char *)new_key.p + task->inside.n, new_key.n - task->inside.n),
		   key);
}

/* Would the new key be refused, or hit the source itself? */
static void check_place(struct planner *p, const struct key_item *item, struct verdict *v)
{
	const struct task *task = p->task;
	const char *text;

	if (in_place(task, item->key, v->new_key)) {
		v->state = OBJECT_SKIPPED;
		v->message = "in its place already";
		return;
	}
	if (task->relation == ENDS_SOURCE_INSIDE && bytes_begin_with(v->new_key, task->inside)) {
		fail_verdict(v, FAIL_INVALID, "the new key would lie inside the source");
		return;
	}
	if (store_accepts(p->destination, v->new_key) != MIGRATE_OK) {
		text = arena_printf(&p->arena, "destination: %s", session_message(p->destination));
		fail_verdict(v, FAIL_INVALID,
			     text ? text : "the destination cannot hold such a key");
	}
}

/*
 * A row that names the old key must be able to hold the new one: its layout may not fit,
 * or the value be too long. Asked only where that can happen.
 */
static void check_values(struct planner *p, const struct key_item *item, struct verdict *v)
{
	const struct job *job = p->task->job;

	for (size_t i = 0; i < job->database_count && v->state == OBJECT_PLANNED; i++) {
		const struct job_database *d = &job->databases[i];
		BUF_AUTO struct buf value = BUF_INIT(MIGRATE_KEY_MAX);
		const char *text;

		if (!value_pattern_has_layout(d->new_value) && v->new_key.n < MIGRATE_KEY_MAX / 4)
			continue;
		if (!value_pattern_encode(d->value, item->key, &value))
			continue; /* no row names it */
		buf_reset(&value);
		if (value_pattern_encode(d->new_value, v->new_key, &value))
			continue;
		text = arena_printf(&p->arena,
				    "%s: no value can be made of the new key: it is not "
				    "of the form that new_layout says, or too long",
				    d->end.label);
		fail_verdict(v, FAIL_RENAME, text ? text : "no value can be made of the new key");
	}
}

/* Of a folder that cannot be listed: what is in it may be. */
static bool is_selected(const struct selection *s, const struct key_item *item, const char **why)
{
	return item->kind == LISTED_FAILED ? selection_may_take(s, item->key, why)
					   : selection_takes(s, item->key, why);
}

void planner_judge(struct planner *p, const struct key_item *item, struct verdict *v)
{
	const char *why = NULL;

	arena_reset(&p->arena);
	*v = (struct verdict){ .kind = VERDICT_OBJECT, .state = OBJECT_PLANNED, .rule = SIZE_MAX };
	if (!is_selected(&p->task->job->selection, item, &why)) {
		judge_passed_over(v, SKIP_RULE, why);
		return;
	}
	if (item->kind == LISTED_SKIPPED) {
		judge_passed_over(v, reason_of(item->skip), NULL);
		return;
	}
	if (is_own(p->task, item->key)) {
		judge_passed_over(v, SKIP_OWN, NULL);
		return;
	}
	if (item->kind == LISTED_FAILED) {
		fail_verdict(v, FAIL_UNLISTED,
			     item->message ? item->message : status_name(item->status));
		return;
	}
	rename_key(p, item, v);
	if (v->kind == VERDICT_OBJECT && v->state == OBJECT_PLANNED)
		check_place(p, item, v);
	if (v->kind == VERDICT_OBJECT && v->state == OBJECT_PLANNED)
		check_values(p, item, v);
}

bool plan_needs_check(const struct task *task)
{
	const struct job *job = task->job;

	/* keys of rows: what there is to do is known before the first copy */
	return task->relation != ENDS_APART || job->keys_from == KEYS_FROM_DATABASE ||
	       (job->keys_from == KEYS_FROM_FILE && job->keys_format == KEYS_CSV) ||
	       task->ends.destination_facts.d.flags & MIGRATE_CASE_FOLDING ||
	       !rename_rules_injective(job->rules, job->selection.prefix,
				       job->unmatched == UNMATCHED_KEEP);
}
