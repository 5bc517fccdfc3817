/* SPDX-License-Identifier: MIT */
#include "engine/work/running.h"

#include "base/escape.h"
#include "base/log.h"

/*
 * What fails is told as it happens, by name: the first hundred; the journal knows
 * the others as well.
 */
#define TOLD_MAX 100

static bool may_tell(struct run *run)
{
	uint64_t n = atomic_fetch_add_explicit(&run->told, 1, memory_order_relaxed);

	if (n == TOLD_MAX)
		log_warn("what else fails is not named here: migrate-status --failed lists it");
	return n < TOLD_MAX;
}

void tell_failure(struct run *run, const struct object_record *o)
{
	BUF_AUTO struct buf key = BUF_INIT(4 * MIGRATE_KEY_MAX);

	if (!may_tell(run))
		return;
	escape_add(&key, o->key.p, o->key.n);
	log_warn("%.*s: %s: %s", (int)key.len, key.p ? (char *)key.p : "",
		 fail_class_name((enum fail_class)o->fail), o->message ? o->message : "failed");
}

void tell_rows(struct run *run, const struct chunk *c)
{
	const char *label = run->task->ends.databases[c->database].job->label;

	for (uint32_t i = 0; i < c->n; i++) {
		const struct row_record *row = &c->rows[i];
		const char *why = row->message ? row->message : "it was changed meanwhile";
		bool conflict = row->outcome == MIGRATE_ROW_CONFLICT;

		if (row->put_off)
			continue;
		if ((conflict || row->outcome == MIGRATE_ROW_FAILED) && may_tell(run))
			log_warn("%s: %s: %s: %s", label, row->text ? row->text : "",
				 conflict ? "conflict" : "failed", why);
	}
}

void tell_missing(struct run *run, const struct chunk *c, const struct row_record *row)
{
	BUF_AUTO struct buf value = BUF_INIT(4 * MIGRATE_KEY_MAX);

	if (!may_tell(run))
		return;
	escape_add(&value, row->before.p, row->before.n);
	log_warn("%s: %s: names '%.*s', which the source does not have: left alone",
		 run->task->ends.databases[c->database].job->label, row->text ? row->text : "",
		 (int)value.len, value.p ? (char *)value.p : "");
}
