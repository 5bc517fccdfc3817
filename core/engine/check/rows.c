/* SPDX-License-Identifier: MIT */
#include "engine/check/check.h"

#include "base/bytes.h"
#include "base/escape.h"

#include <string.h>

/* One page of each database's rows: do the patterns fit, is there room, is it quick? */

#define PAGE 100
#define SLOW_ROWS 100000 /* rows beyond which a missing index is worth a word */

struct rows {
	struct check *check;
	const struct job_database *job;
	struct check_database *out;
	const struct database_facts *facts;
	struct migrate_session *session;
	struct rename_scratch *scratch;
};

static void failed(struct rows *r, const char *what, enum migrate_status status)
{
	struct error err = ERROR_INIT;

	session_error(&err, EXIT_USAGE, r->session, status);
	check_problem(r->check, "%s: %s", what, err.text);
}

static void check_width(struct rows *r, size_t n)
{
	uint64_t max = r->facts->d.value_max;

	if (n > r->check->longest_new)
		r->check->longest_new = n;
	if (max && n > max)
		check_problem(
		    r->check,
		    "%s: the column holds %llu bytes, a new value has %zu: widen it first",
		    r->job->end.label, (unsigned long long)max, n);
}

/* What the caches would do about the first row that changes. */
static void preview_caches(struct rows *r, const struct migrate_changed_row *row)
{
	struct ends *e = &r->check->task.ends;

	for (size_t i = 0; i < e->cache_count; i++) {
		enum migrate_status status =
		    cache_preview(e->caches[i].session, row, &r->check->would[i]);

		if (status != MIGRATE_OK && status != MIGRATE_UNSUPPORTED)
			check_problem(r->check, "%s: %s", e->caches[i].job->label,
				      session_message(e->caches[i].session));
	}
}

static void add_value_sample(struct rows *r, const struct migrate_row *row,
			     struct migrate_bytes new)
{
	struct arena *a = &r->check->arena;
	struct check_sample s = { .why = arena_text(a, row->text ? row->text : "") };

	if (r->out->sample_count == CHECK_SAMPLES || !arena_bytes(a, row->value, &s.old) ||
	    !arena_bytes(a, new, &s.new))
		return;
	r->out->samples[r->out->sample_count++] = s;
}

/* What a row's value would become, and the keys; false: not a value of this job. */
static bool new_value(struct rows *r, struct migrate_bytes value, struct buf *key,
		      struct migrate_bytes *new_key, struct buf *out)
{
	const struct rename_rules *rules = r->check->task.job->rules;
	struct error err = ERROR_INIT;
	size_t rule;

	buf_reset(key);
	buf_reset(out);
	if (!value_pattern_decode(r->job->value, value, key))
		return false;
	r->out->matching++;
	*new_key = bytes_of(key->p, key->len);
	if (rename_rules_count(rules) && rename_apply(rules, r->scratch, bytes_of(key->p, key->len),
						      new_key, &rule, &err) != RENAME_OK)
		return false;
	return value_pattern_encode(r->job->new_value, *new_key, out);
}

static void check_page(struct rows *r)
{
	BUF_AUTO struct buf key = BUF_INIT(MIGRATE_KEY_MAX), value = BUF_INIT(MIGRATE_KEY_MAX);
	struct row_page page = ROW_PAGE_INIT;
	struct migrate_scan scan = { .limit = PAGE };
	enum migrate_status status = database_scan(r->session, &scan, &page);
	struct migrate_bytes new_key;

	for (size_t i = 0; status == MIGRATE_OK && i < page.n; i++) {
		const struct migrate_row *row = &page.items[i].row;

		r->out->scanned++;
		if (!new_value(r, row->value, &key, &new_key, &value))
			continue;
		if (!r->out->sample_count)
			preview_caches(r, &(struct migrate_changed_row){
					      .old_key = bytes_of(key.p, key.len),
					      .new_key = new_key,
					      .old_value = row->value,
					      .new_value = bytes_of(value.p, value.len),
					      .text = row->text ? row->text : "" });
		check_width(r, value.len);
		add_value_sample(r, row, bytes_of(value.p, value.len));
	}
	row_page_release(&page);
	if (status != MIGRATE_OK)
		failed(r, "cannot read rows", status);
	else if (r->out->scanned && !r->out->matching)
		check_warning(r->check,
			      "%s: none of the first %llu rows has a value that fits `value:`",
			      r->job->end.label, (unsigned long long)r->out->scanned);
}

static void check_facts(struct rows *r)
{
	uint64_t flags = r->facts->d.flags;
	enum migrate_status status = database_count(r->session, &r->out->rows);

	if (status != MIGRATE_OK)
		failed(r, "cannot count rows", status);
	else
		r->out->counted = true;
	if (r->job->match == MATCH_EXACT && !(flags & MIGRATE_INDEXED) && r->out->rows > SLOW_ROWS)
		check_warning(r->check,
			      "%s: no index serves the column: all rows are read once before the "
			      "first change, and again in each pass",
			      r->job->end.label);
	if (r->check->task.job->limits.lag && !r->job->end.descriptor->database->lag)
		check_warning(r->check, "%s: it cannot tell of replicas: limits.lag does nothing",
			      r->job->end.label);
	if (!(flags & MIGRATE_DURABLE))
		check_warning(r->check,
			      "%s: what it confirms may be lost when power is: rows are looked at "
			      "again after an unclean end",
			      r->job->end.label);
	if (flags & MIGRATE_UNIQUE && r->check->task.job->unmatched == UNMATCHED_KEEP)
		check_warning(r->check,
			      "%s: values are unique there: a new value that another row holds "
			      "makes that row fail",
			      r->job->end.label);
}

void check_databases(struct check *c)
{
	struct rename_scratch *scratch = rename_scratch_new(c->task.job->rules);

	for (size_t i = 0; scratch && i < c->task.ends.database_count; i++) {
		struct rows r = { .check = c,
				  .job = &c->task.job->databases[i],
				  .out = &c->databases[i],
				  .facts = &c->task.ends.database_facts[i],
				  .session = c->task.ends.databases[i].session,
				  .scratch = scratch };

		check_facts(&r);
		r.out->texts = r.job->match == MATCH_CONTAINS;
		if (r.out->texts)
			check_texts(c, i);
		else
			check_page(&r);
	}
	if (scratch)
		rename_scratch_free(scratch);
	else
		check_problem(c, "out of memory");
}
