/* SPDX-License-Identifier: MIT */
#include "engine/dry/dry-impl.h"

#include "base/bytes.h"
#include "base/digest.h"
#include "base/sorter.h"
#include "engine/plan/keys.h"
#include "engine/texts/known.h"
#include "engine/work/scan.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_EXPECTED 4000000 /* nobody counted them: a filter of 8 MiB */

/* What the caches would do about a row, if it is one that changes. */
static bool preview_row(struct dry *d, const struct job_database *database,
			const struct migrate_row *row, struct migrate_bytes key)
{
	BUF_AUTO struct buf value = BUF_INIT(MIGRATE_KEY_MAX);
	const struct ends *e = &d->task.ends;
	struct key_item item = { .key = key };
	struct migrate_changed_row changed;
	struct verdict v;

	planner_judge(&d->planner, &item, &v);
	if (v.kind != VERDICT_OBJECT || v.state != OBJECT_PLANNED ||
	    !value_pattern_encode(database->new_value, v.new_key, &value))
		return false;
	changed = (struct migrate_changed_row){ .old_key = key,
						.new_key = v.new_key,
						.old_value = row->value,
						.new_value = bytes_of(value.p, value.len),
						.text = row->text ? row->text : "" };
	for (size_t i = 0; i < e->cache_count; i++)
		cache_preview(e->caches[i].session, &changed, &d->would);
	return true;
}

/* Rows by the key they name, as one sorted stream beside the keys. */
static int sort_page(struct dry *d, const struct row_page *page, size_t number, size_t *previewed,
		     struct error *err)
{
	const struct job_database *database = &d->task.job->databases[number];
	struct dry_row info = { .database = (uint32_t)number };
	BUF_AUTO struct buf key = BUF_INIT(MIGRATE_KEY_MAX);

	for (size_t i = 0; i < page->n; i++) {
		buf_reset(&key);
		if (!value_pattern_decode(database->value, page->items[i].row.value, &key)) {
			d->rows_other++;
			continue;
		}
		if (d->task.ends.cache_count && *previewed < DRY_SAMPLES)
			*previewed +=
			    preview_row(d, database, &page->items[i].row, bytes_of(key.p, key.len));
		info.settled = page->items[i].row.settled;
		if (sorter_add(d->rows, bytes_of(key.p, key.len), bytes_of(&info, sizeof(info)),
			       err))
			return -1;
	}
	return 0;
}

static int sort_database_rows(struct dry *d, size_t database, struct error *err)
{
	struct row_scan s;
	size_t previewed = 0;
	int rc;

	row_scan_init(&s, d->gate, d->task.ends.databases[database].session);
	while ((rc = row_scan_next(&s, err)) == 1 &&
	       !(rc = sort_page(d, &s.page, database, &previewed, err)))
		;
	row_scan_release(&s);
	return rc;
}

static int next_row(struct dry *d, struct error *err)
{
	struct migrate_bytes payload;
	int rc = sorter_next(d->rows, &d->row, &payload, err);

	d->more_rows = rc == 1;
	if (rc == 1)
		memcpy(&d->row_info, payload.p, sizeof(d->row_info));
	return rc < 0 ? -1 : 0;
}

/* Would the present row, which names key, be another one then? */
static bool row_changes(const struct dry *d, struct migrate_bytes key, struct migrate_bytes new_key)
{
	const struct job_database *database = &d->task.job->databases[d->row_info.database];
	BUF_AUTO struct buf old = BUF_INIT(MIGRATE_KEY_MAX), new = BUF_INIT(MIGRATE_KEY_MAX);

	if (!value_pattern_encode(database->value, key, &old) ||
	    !value_pattern_encode(database->new_value, new_key, &new))
		return true;
	return !d->row_info.settled ||
	       !bytes_equal(bytes_of(old.p, old.len), bytes_of(new.p, new.len));
}

/* A row that names nothing that was listed. */
static int count_unlisted(struct dry *d, struct error *err)
{
	int done = d->done ? dry_done_has(d->done, d->row, err) : 0;
	int made = done || !d->made ? 0 : made_has(d->made, d->row, err);
	const char *why;

	if (done < 0 || made < 0)
		return -1;
	if (done)
		d->rows_to_change++;
	else if (made)
		d->rows_as_they_are++;
	else if (selection_takes(&d->task.job->selection, d->row, &why))
		d->rows_without_object++;
	else
		d->rows_other++;
	return 0;
}

/* What becomes of the rows of one key. */
enum fate { ROWS_FOLLOW, ROWS_AS_THEY_ARE, ROWS_LEFT };

/* Those before this key in byte order, too, which were not listed; met: rows of the key. */
static int pass_rows(struct dry *d, const struct migrate_bytes *key, enum fate fate,
		     struct migrate_bytes new_key, uint64_t *met, struct error *err)
{
	*met = 0;
	while (d->more_rows) {
		int c = key ? bytes_compare(d->row, *key) : -1;

		if (c > 0)
			break;
		if (c < 0 && count_unlisted(d, err))
			return -1;
		if (c == 0) {
			++*met;
			if (fate == ROWS_LEFT)
				d->rows_left++;
			else if (fate == ROWS_FOLLOW && row_changes(d, *key, new_key))
				d->rows_to_change++;
			else
				d->rows_as_they_are++;
		}
		if (next_row(d, err))
			return -1;
	}
	return 0;
}

/* What may become of a name: two want it, or one that has it; one wants the key of another. */
enum { NAME_WANTED, NAME_TAKEN, NAME_LEFT, NAME_MARKS };

static int mark(struct dry *d, struct migrate_bytes key, char kind, struct error *err)
{
	uint8_t hash[16];

	digest_key(d->digest, key, hash);
	return sorter_add(d->hashes, bytes_of(hash, sizeof(hash)), bytes_of(&kind, 1), err);
}

/* What would meet other names, or be met: a plan knows nothing of what is there. */
static int mark_names(struct dry *d, const struct key_item *item, const struct verdict *v,
		      struct error *err)
{
	return mark(d, v->new_key, NAME_WANTED, err) ||
		       (!bytes_equal(item->key, v->new_key) && mark(d, item->key, NAME_LEFT, err))
		   ? -1
		   : 0;
}

static void keep_rule_sample(struct dry *d, const struct key_item *item, const struct verdict *v)
{
	struct dry_rule *r = &d->rules[v->rule < DRY_RULES ? v->rule : DRY_RULES];
	size_t i = r->samples;

	r->hits++;
	if (i == DRY_SAMPLES)
		return;
	if (arena_bytes(&d->arena, item->key, &r->from[i]) &&
	    arena_bytes(&d->arena, v->new_key, &r->to[i]))
		r->samples++;
}

static void keep_failure(struct dry *d, const struct key_item *item, const struct verdict *v)
{
	struct dry_failure *f = &d->failures[d->failure_count];

	d->failed[v->fail]++;
	if (d->failure_count == DRY_FAILURES || !arena_bytes(&d->arena, item->key, &f->key))
		return;
	f->class = v->fail;
	f->message = arena_text(&d->arena, v->message ? v->message : "");
	d->failure_count += f->message != NULL;
}

/* Keys that did not come from the listing: does the object exist? */
static bool look_for_object(struct dry *d, struct key_item *item)
{
	struct object_slot slot;
	struct migrate_stat r = { .key = item->key, .object = &slot.object };

	if (item->etag.n || d->task.job->keys_from == KEYS_FROM_SOURCE)
		return true;
	object_slot_init(&slot, NULL);
	if (store_stat(d->task.ends.source.session, &r) != MIGRATE_OK)
		return false;
	item->size = slot.object.size;
	return true;
}

static int count_object(struct dry *d, struct key_item *item, const struct verdict *v,
			struct error *err)
{
	enum fate fate = v->state == OBJECT_FAILED    ? ROWS_LEFT
			 : v->state == OBJECT_SKIPPED ? ROWS_AS_THEY_ARE
						      : ROWS_FOLLOW;
	uint64_t met = 0;

	if (v->state != OBJECT_FAILED && !look_for_object(d, item)) {
		d->missing++;
		if (v->state == OBJECT_PLANNED && mark_names(d, item, v, err))
			return -1;
		return d->task.job->keys_from == KEYS_FROM_DATABASE
			   ? 0
			   : pass_rows(d, &item->key, ROWS_LEFT, v->new_key, &met, err);
	}
	if (v->state == OBJECT_FAILED) {
		keep_failure(d, item, v);
	} else if (v->state == OBJECT_SKIPPED) {
		d->in_place++;
		if (mark(d, v->new_key, NAME_TAKEN, err))
			return -1;
	} else {
		d->objects++;
		d->bytes += item->size;
		keep_rule_sample(d, item, v);
		if (d->known && known_add(d->known, item->key, v->new_key, err))
			return -1;
		if (mark_names(d, item, v, err))
			return -1;
	}
	if (pass_rows(d, &item->key, fate, v->new_key, &met, err))
		return -1;
	d->objects_without_row += !met;
	return 0;
}

static void count_kind(struct dry *d, const struct dry_known *known)
{
	switch (known->kind) {
	case DRY_OWN:
		d->passed_over[SKIP_OWN]++;
		break;
	case DRY_FAILED:
		d->failed_before++;
		break;
	case DRY_LATER:
		d->later++;
		break;
	default:
		d->settled++;
	}
}

/* An object that earlier runs dealt with: its rows may be new ones. */
static int count_known(struct dry *d, const struct key_item *item, const struct verdict *v,
		       const struct dry_known *known, struct error *err)
{
	enum fate fate = known->rows_follow && v->new_key.n ? ROWS_FOLLOW
			 : known->kind == DRY_OWN           ? ROWS_AS_THEY_ARE
							    : ROWS_LEFT;
	uint64_t met;

	count_kind(d, known);
	if (known->name_taken && v->new_key.n && mark(d, v->new_key, NAME_TAKEN, err))
		return -1;
	if (known->kind == DRY_SETTLED && v->new_key.n && d->known &&
	    known_add(d->known, item->key, v->new_key, err))
		return -1;
	return pass_rows(d, &item->key, fate, v->new_key, &met, err);
}

static int count_key(struct dry *d, struct key_item *item, struct error *err)
{
	struct dry_known known;
	struct verdict v;

	planner_judge(&d->planner, item, &v);
	if (v.kind == VERDICT_PASSED_OVER) {
		d->passed_over[v.skip]++;
		return 0;
	}
	if (dry_look_up(d, item, &known, err))
		return -1;
	return known.kind == DRY_NEW ? count_object(d, item, &v, err)
				     : count_known(d, item, &v, &known, err);
}

static int count_keys(struct dry *d, struct error *err)
{
	struct key_item item;
	uint64_t met;
	int rc;

	while ((rc = key_stream_next(d->keys, &item, err)) == 1)
		if (count_key(d, &item, err))
			return -1;
	return rc || dry_close_delta(d, err)
		   ? -1
		   : pass_rows(d, NULL, ROWS_LEFT, bytes_of(NULL, 0), &met, err);
}

/* How often one name is marked, by kind; those that want it are counted where they may not. */
static void count_name(struct dry *d, const uint64_t marks[])
{
	uint64_t wanted = marks[NAME_WANTED];

	if (wanted > 1 || marks[NAME_TAKEN])
		d->collisions += wanted;
	if (marks[NAME_LEFT])
		d->chains += wanted;
}

static int count_collisions(struct dry *d, struct error *err)
{
	uint8_t last[16] = { 0 };
	struct migrate_bytes hash, payload;
	uint64_t marks[NAME_MARKS] = { 0 };
	int rc;

	if (sorter_finish(d->hashes, err))
		return -1;
	do {
		rc = sorter_next(d->hashes, &hash, &payload, err);
		if (rc != 1 || memcmp(last, hash.p, sizeof(last))) {
			count_name(d, marks);
			memset(marks, 0, sizeof(marks));
		}
		if (rc == 1) {
			memcpy(last, hash.p, sizeof(last));
			marks[*(const unsigned char *)payload.p]++;
		}
	} while (rc == 1);
	return rc;
}

static int prepare_dry(struct dry *d, struct error *err)
{
	const struct job *job = d->task.job;

	if (key_pairs_check(&d->task, d->gate, d->task.ends.source.session, err))
		return -1;
	d->digest = digest_new();
	d->hashes = sorter_new(DRY_SORT_MEMORY, "");
	d->rows = sorter_new(DRY_SORT_MEMORY, "");
	if (!d->digest || !d->hashes || !d->rows)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	if (job_has_texts(job) && !(d->known = known_new(&d->task, KEYS_EXPECTED, err)))
		return -1;
	if (planner_init(&d->planner, &d->task, d->task.ends.destination.session, err))
		return -1;
	for (size_t i = 0; i < job->database_count; i++)
		if (job->databases[i].match == MATCH_EXACT && sort_database_rows(d, i, err))
			return -1;
	if (sorter_finish(d->rows, err) || next_row(d, err))
		return -1;
	d->keys =
	    key_stream_open(&d->task, d->gate, d->task.ends.source.session, bytes_of(NULL, 0), err);
	return d->keys ? dry_open_delta(d, err) : -1;
}

static bool found_something(const struct dry *d)
{
	return d->failure_count || d->collisions || d->chains || d->texts_refused;
}

int run_dry(const struct job *job, const struct run_options *o, struct error *err)
{
	struct dry *d = calloc(1, sizeof(*d));
	int rc = -1;

	if (!d)
		return error_set(err, EXIT_INTERNAL, "out of memory"), EXIT_INTERNAL;
	d->would = (struct buf)BUF_INIT(DRY_WOULD_MAX);
	d->task.job = job;
	d->options = o;
	if (!dry_begin(d, err) && !prepare_dry(d, err) && !count_keys(d, err) &&
	    !dry_search_texts(d, err) && !count_collisions(d, err)) {
		dry_print(d);
		rc = found_something(d) ? EXIT_SOME_FAILED : EXIT_DONE;
	}
	/* who waited for an end has told why it was given up there */
	if (rc < 0 && !error_is_set(err) && atomic_load(&d->halt.failed))
		*err = d->halt.error;
	attributes_free(d->attributes);
	attributes_free(d->borne);
	delta_close(d->delta);
	key_stream_close(d->keys);
	planner_release(&d->planner);
	known_free(d->known);
	sorter_free(d->rows);
	made_close(d->made);
	dry_done_close(d->done);
	sorter_free(d->hashes);
	digest_free(d->digest);
	arena_release(&d->arena);
	buf_release(&d->would);
	dry_end(d);
	free(d);
	return rc < 0 ? (err->exit ? err->exit : EXIT_INTERRUPTED) : rc;
}
