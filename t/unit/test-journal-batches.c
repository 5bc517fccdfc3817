/* SPDX-License-Identifier: MIT */
#include "journal-both.h"

#include "job/job.h"

/* One of each oddity that a record can have. */
static struct batch *odd_batch(void)
{
	struct batch *b = make_batch(3, BATCH_SORTED, 10, 1, 3);
	struct object_record *o = b->objects;

	o[0].key = BYTES("\0\377 a\n");
	o[0].new_key = BYTES("");
	o[0].mtime = INT64_MIN;
	o[0].size = INT64_MAX;
	o[1].state = OBJECT_COPIED;
	o[1].created = CREATED_OURS;
	o[1].level = VERIFY_HASH;
	o[1].stored = BYTES("\"s\0t\"");
	o[1].replaces = BYTES("older");
	o[1].digest = (struct migrate_digest){ .algorithm = MIGRATE_SHA256, .n = 32 };
	memset(o[1].digest.bytes, 0xa5, 32);
	o[2].state = OBJECT_FAILED;
	o[2].fail = FAIL_DENIED;
	o[2].attempts = 5;
	o[2].hung = 1;
	o[2].message = "access denied";
	b->state = BATCH_COPYING;
	b->began = 17;
	b->position = BYTES("cur\0sor");
	b->durable = true;
	o[1].native = o[1].lost = true;
	o[2].in_doubt = true;
	b->counts.skips[SKIP_SYMLINK] = 4;
	b->counts.rows_missing = 9;
	return b;
}

START_TEST(everything_planned_comes_back_as_it_was)
{
	struct journal *j = open_run();
	struct batch *b = odd_batch(), *r;

	WELL(journal_plan(j, &b, 1, &err));
	ck_assert_int_eq(b->id, 1);
	journal_close(j);
	j = open_run();
	r = journal_load(j, b->id, &err);
	ck_assert_msg(r != NULL, "%s", err.text);
	ck_assert(r->pass == 3 && r->kind == BATCH_SORTED && r->state == BATCH_COPYING);
	ck_assert(r->began == 17 && r->n == 3 && bytes_equal(r->position, b->position));
	ck_assert(!memcmp(&r->counts, &b->counts, sizeof(r->counts)));
	ck_assert_uint_eq(r->counts.objects, 3);
	ck_assert_uint_eq(r->counts.failed, 1);
	ck_assert(r->durable && r->counts.native == 1 && r->counts.lost_attributes == 1);
	ck_assert_uint_eq(r->counts.copied_bytes, 101);
	for (uint32_t i = 0; i < 3; i++) {
		const struct object_record *x = &b->objects[i], *y = &r->objects[i];

		ck_assert(bytes_equal(x->key, y->key) && bytes_equal(x->new_key, y->new_key));
		ck_assert(bytes_equal(x->etag, y->etag) && bytes_equal(x->stored, y->stored));
		ck_assert(bytes_equal(x->replaces, y->replaces));
		ck_assert(x->native == y->native && x->lost == y->lost);
		ck_assert(x->in_doubt == y->in_doubt);
		ck_assert(x->size == y->size && x->mtime == y->mtime && x->state == y->state);
		ck_assert(!memcmp(&x->digest, &y->digest, sizeof(x->digest)));
		ck_assert(x->created == y->created && x->level == y->level && x->fail == y->fail);
		ck_assert(x->attempts == y->attempts && x->hung == y->hung && !y->dirty);
		ck_assert_str_eq(x->message ? x->message : "", y->message ? y->message : "");
	}
	batch_free(b);
	batch_free(r);
	journal_close(j);
}
END_TEST

START_TEST(keys_out_of_order_are_refused_before_anything_is_written)
{
	struct journal *j = open_run();
	struct batch *b = make_batch(1, BATCH_SORTED, 1, 1, 3);

	b->objects[2].key = b->objects[1].key;
	ck_assert_int_eq(journal_plan(j, &b, 1, &err), -1);
	ck_assert_int_eq(err.exit, EXIT_INTERNAL);
	error_clear(&err);
	ck_assert_ptr_null(journal_next_batch(j, 0, &err));
	ck_assert(!error_is_set(&err));
	batch_free(b);
	journal_close(j);
}
END_TEST

START_TEST(save_writes_the_dirty_objects_alone)
{
	struct journal *j = open_run();
	struct batch *b[2] = { make_batch(1, BATCH_SORTED, 0, 1, 5),
			       make_batch(1, BATCH_SORTED, 100, 1, 5) };
	struct batch *r;

	WELL(journal_plan(j, b, 2, &err));
	b[0]->state = b[1]->state = BATCH_COPYING;
	b[0]->began = b[1]->began = 99;
	WELL(journal_began(j, b, 2, &err));
	b[1]->objects[3].state = OBJECT_COPIED;
	b[1]->objects[3].dirty = true;
	b[1]->state = BATCH_COPIED;
	WELL(journal_save(j, b, 2, &err));
	r = journal_load(j, b[1]->id, &err);
	ck_assert_msg(r != NULL, "%s", err.text);
	ck_assert_int_eq(r->objects[3].state, OBJECT_COPIED);
	ck_assert_int_eq(r->state, BATCH_COPIED);
	ck_assert_uint_eq(r->counts.copied, 1);
	ck_assert_int_eq(r->began, 99);
	batch_free(r);
	batch_free(b[0]);
	batch_free(b[1]);
	journal_close(j);
}
END_TEST

START_TEST(a_hung_call_is_counted_even_when_memory_says_otherwise)
{
	struct journal *j = open_run();
	struct batch *b = make_batch(1, BATCH_SORTED, 0, 1, 2), *r;
	uint32_t one = 1;

	WELL(journal_plan(j, &b, 1, &err));
	WELL(journal_hung(j, &b->id, &one, 1, &err));
	WELL(journal_hung(j, &b->id, &one, 1, &err));
	b->objects[1].dirty = true;
	WELL(journal_save(j, &b, 1, &err));
	r = journal_load(j, b->id, &err);
	ck_assert_uint_eq(r->objects[1].hung, 2);
	ck_assert_uint_eq(r->objects[0].hung, 0);
	batch_free(r);
	batch_free(b);
	journal_close(j);
}
END_TEST

START_TEST(open_batches_are_listed_page_by_page)
{
	struct journal *j = open_run();
	struct batch *b[5];
	int64_t ids[3];
	size_t n;

	for (int i = 0; i < 5; i++)
		b[i] = make_batch(1, BATCH_SORTED, (unsigned)i * 10, 1, 2);
	b[1]->state = BATCH_DONE;
	WELL(journal_plan(j, b, 5, &err));
	WELL(journal_open_batches(j, 0, ids, 3, &n, &err));
	ck_assert_uint_eq(n, 3);
	ck_assert(ids[0] == 1 && ids[1] == 3 && ids[2] == 4);
	WELL(journal_open_batches(j, ids[2], ids, 3, &n, &err));
	ck_assert(n == 1 && ids[0] == 5);
	for (int i = 0; i < 5; i++)
		batch_free(b[i]);
	journal_close(j);
}
END_TEST

START_TEST(planning_goes_on_behind_the_last_sorted_batch)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct journal *j = open_run();
	struct batch *b[4] = { make_batch(1, BATCH_SORTED, 0, 1, 2),
			       make_batch(1, BATCH_SORTED, 50, 1, 2),
			       make_batch(1, BATCH_SORTED, 0, 1, 0),
			       make_batch(1, BATCH_MOVED, 0, 1, 2) };
	struct migrate_bytes key, position;

	WELL(journal_position(j, 1, &a, &key, &position, &err));
	ck_assert(!key.n && !position.n);
	b[1]->position = BYTES("one");
	b[2]->position = BYTES("two");
	b[3]->position = BYTES("never");
	WELL(journal_plan(j, b, 4, &err));
	WELL(journal_position(j, 1, &a, &key, &position, &err));
	ck_assert(bytes_equal(key, BYTES("k00000051")));
	ck_assert(bytes_equal(position, BYTES("two")));
	WELL(journal_position(j, 2, &a, &key, &position, &err));
	ck_assert(!key.n && !position.n);
	for (int i = 0; i < 4; i++)
		batch_free(b[i]);
	journal_close(j);
}
END_TEST

START_TEST(totals_are_the_sums_of_all_batches_and_a_moved_object_counts_once)
{
	struct journal *j = open_run();
	struct batch *from = make_batch(1, BATCH_SORTED, 0, 1, 4);
	struct batch *to = make_batch(1, BATCH_MOVED, 1, 2, 2);
	struct batch *other = make_batch(2, BATCH_SORTED, 0, 1, 1);
	const uint32_t which[] = { 1, 3 };
	struct batch_counts all, one;

	other->counts.skips[SKIP_RULE] = 3;
	from->objects[0].state = OBJECT_SAME;
	WELL(journal_plan(j, &from, 1, &err));
	WELL(journal_plan(j, &other, 1, &err));
	WELL(journal_move(j, from, which, to, &err));
	to->objects[0].state = OBJECT_FAILED;
	to->objects[0].fail = FAIL_TRANSIENT;
	to->objects[0].dirty = true;
	WELL(journal_save(j, &to, 1, &err));
	WELL(journal_counts(j, 0, &all, &err));
	WELL(journal_counts(j, 1, &one, &err));
	ck_assert_uint_eq(all.objects, 5);
	ck_assert_uint_eq(one.objects, 4);
	ck_assert_uint_eq(one.same, 1);
	ck_assert_uint_eq(one.failed, 1);
	ck_assert_uint_eq(one.bytes, 100 + 102 + 100 + 101);
	ck_assert_uint_eq(all.skips[SKIP_RULE], 3);
	batch_free(from);
	batch_free(to);
	batch_free(other);
	journal_close(j);
}
END_TEST

START_TEST(planning_a_key_again_takes_over_from_its_older_record)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct journal *j = open_run();
	struct batch *one = make_batch(1, BATCH_SORTED, 0, 1, 3), *r;
	struct batch *two = make_batch(1, BATCH_MOVED, 1, 1, 2);
	struct batch_counts counts;
	struct object_record o;
	int64_t batch;
	uint32_t n;

	one->objects[1].state = OBJECT_FAILED;
	one->objects[2].state = OBJECT_COPIED;
	one->state = BATCH_DONE;
	WELL(journal_plan(j, &one, 1, &err));
	for (uint32_t i = 0; i < 2; i++) {
		two->objects[i].moved_batch = one->id;
		two->objects[i].moved_n = i + 1;
	}
	WELL(journal_plan(j, &two, 1, &err));
	r = journal_load(j, one->id, &err);
	ck_assert_msg(r != NULL, "%s", err.text);
	ck_assert_int_eq(r->objects[1].state, OBJECT_MOVED);
	ck_assert(r->objects[2].moved_batch == two->id && r->objects[2].moved_n == 1);
	batch_free(r);
	WELL(journal_counts(j, 0, &counts, &err));
	ck_assert(counts.objects == 3 && counts.failed == 0 && counts.copied_bytes == 0);
	ck_assert_int_eq(journal_find_key(j, BYTES("k00000002"), &a, &o, &batch, &n, &err), 1);
	ck_assert(batch == two->id && n == 1 && o.state == OBJECT_PLANNED);
	batch_free(one);
	batch_free(two);
	journal_close(j);
}
END_TEST

static int see_object(void *arg, const struct batch *b, uint32_t n, const struct object_record *o)
{
	char *seen = arg;

	snprintf(seen + strlen(seen), 256 - strlen(seen), "%lld/%u=%.*s ", (long long)b->id, n,
		 (int)o->key.n, (const char *)o->key.p);
	return 0;
}

START_TEST(failures_are_found_by_class_and_objects_by_text)
{
	struct journal *j = open_run();
	struct batch *b[2] = { make_batch(1, BATCH_SORTED, 0, 1, 3),
			       make_batch(1, BATCH_SORTED, 20, 1, 3) };
	char seen[256] = "";

	b[0]->objects[1].state = b[1]->objects[2].state = OBJECT_FAILED;
	b[0]->objects[1].fail = FAIL_DENIED;
	b[1]->objects[2].fail = FAIL_CHANGED;
	WELL(journal_plan(j, b, 2, &err));
	WELL(journal_each_failed(j, FAIL_NONE, see_object, seen, &err));
	ck_assert_str_eq(seen, "1/1=k00000001 2/2=k00000022 ");
	seen[0] = '\0';
	WELL(journal_each_failed(j, FAIL_CHANGED, see_object, seen, &err));
	ck_assert_str_eq(seen, "2/2=k00000022 ");
	seen[0] = '\0';
	WELL(journal_search(j, BYTES("new/21"), 10, see_object, seen, &err));
	ck_assert_str_eq(seen, "2/1=k00000021 ");
	seen[0] = '\0';
	WELL(journal_search(j, BYTES("k0000"), 2, see_object, seen, &err));
	ck_assert_str_eq(seen, "1/0=k00000000 1/1=k00000001 ");
	batch_free(b[0]);
	batch_free(b[1]);
	journal_close(j);
}
END_TEST

START_TEST(keep_failures_drops_the_rest_and_failures_can_still_be_retried)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct journal *j = open_run();
	struct batch *b = make_batch(1, BATCH_SORTED, 0, 1, 5), *r;
	struct batch *to = make_batch(1, BATCH_MOVED, 3, 1, 1);
	struct batch_counts before, after;
	struct object_record o;
	const uint32_t which = 3;
	char seen[256] = "";
	int64_t id;
	uint32_t n;

	for (int i = 0; i < 5; i++)
		b->objects[i].state = i == 3 ? OBJECT_FAILED : OBJECT_COPIED;
	b->objects[3].fail = FAIL_OTHER;
	b->state = BATCH_DONE;
	WELL(journal_plan(j, &b, 1, &err));
	WELL(journal_counts(j, 0, &before, &err));
	WELL(journal_drop_done(j, b, &err));
	WELL(journal_counts(j, 0, &after, &err));
	ck_assert(!memcmp(&before, &after, sizeof(after)));
	WELL(journal_each_failed(j, FAIL_NONE, see_object, seen, &err));
	ck_assert_str_eq(seen, "1/3=k00000003 ");
	ck_assert_int_eq(journal_find_key(j, BYTES("k00000003"), &a, &o, &id, &n, &err), 1);
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(journal_find_key(j, BYTES("k00000001"), &a, &o, &id, &n, &err), 0);

	r = journal_load(j, b->id, &err);
	ck_assert_msg(r != NULL, "%s", err.text);
	ck_assert_uint_eq(r->n, 5);
	WELL(journal_move(j, r, &which, to, &err));
	WELL(journal_counts(j, 0, &after, &err));
	ck_assert_uint_eq(after.objects, 5);
	ck_assert_uint_eq(after.copied, 4);
	ck_assert_uint_eq(after.failed, 0);
	ck_assert_int_eq(journal_find_key(j, BYTES("k00000003"), &a, &o, &id, &n, &err), 1);
	ck_assert(id == to->id && n == 0);
	batch_free(r);
	batch_free(to);
	batch_free(b);
	journal_close(j);
}
END_TEST

static int see_row(void *arg, int64_t batch, const struct chunk *c, const struct row_record *r)
{
	char *seen = arg;

	snprintf(seen + strlen(seen), 256 - strlen(seen), "%lld/%lld/%s:%s ", (long long)batch,
		 (long long)c->id, r->text, r->message ? r->message : "-");
	return 0;
}

START_TEST(an_intent_stays_open_until_its_outcome)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct journal *j = open_run();
	struct batch *b = make_batch(1, BATCH_SORTED, 0, 1, 4), *r;
	struct chunk one, two, *open;
	char seen[256] = "";
	size_t n;

	b->state = BATCH_COPIED;
	WELL(journal_plan(j, &b, 1, &err));
	make_chunk(b, &one);
	make_chunk(b, &two);
	two.database = 1;
	two.rows[2].extra = BYTES("x\0y");
	WELL(journal_intent(j, b, &one, &err));
	ck_assert_int_eq(b->state, BATCH_REWRITING);
	WELL(journal_intent(j, b, &two, &err));
	one.rows[1].outcome = MIGRATE_ROW_CONFLICT;
	one.rows[1].message = "holds 'other'";
	one.rows[2].outcome = MIGRATE_ROW_ALREADY;
	b->counts.rows_changed = 2;
	b->counts.rows_conflict = 1;
	WELL(journal_outcome(j, b, &one, &err));
	ck_assert(one.settled);
	journal_close(j);

	j = open_run();
	r = journal_load(j, b->id, &err);
	ck_assert_int_eq(r->state, BATCH_REWRITING);
	ck_assert_uint_eq(r->counts.rows_changed, 2);
	batch_free(r);
	WELL(journal_open_chunks(j, b->id, &a, &open, &n, &err));
	ck_assert_uint_eq(n, 1);
	ck_assert(open[0].id == two.id && open[0].database == 1 && open[0].n == 4);
	ck_assert_int_eq(open[0].rows[3].outcome, MIGRATE_ROW_UNKNOWN);
	ck_assert(bytes_equal(open[0].rows[2].extra, BYTES("x\0y")));
	ck_assert(bytes_equal(open[0].rows[3].after, BYTES("new/3")));
	for (uint32_t i = 0; i < 4; i++)
		open[0].rows[i].outcome = MIGRATE_ROW_CHANGED;
	b->state = BATCH_DONE;
	WELL(journal_outcome(j, b, &open[0], &err));
	WELL(journal_open_chunks(j, b->id, &a, &open, &n, &err));
	ck_assert_uint_eq(n, 0);
	WELL(journal_chunks(j, b->id, &a, &open, &n, &err));
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(open[0].rows[0].outcome, MIGRATE_ROW_CHANGED);
	ck_assert_int_eq(open[0].rows[1].outcome, MIGRATE_ROW_CONFLICT);
	ck_assert_int_eq(open[0].rows[2].outcome, MIGRATE_ROW_ALREADY);
	ck_assert_str_eq(open[0].rows[1].message, "holds 'other'");
	ck_assert_int_eq(open[1].rows[3].outcome, MIGRATE_ROW_CHANGED);
	WELL(journal_each_bad_row(j, see_row, seen, &err));
	ck_assert_str_eq(seen, "1/1/id=1:holds 'other' ");
	batch_free(b);
	journal_close(j);
}
END_TEST

/* What an undo puts back is what was read under the lock, not what was found. */
START_TEST(an_outcome_may_replace_what_set_columns_held)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct journal *j = open_run();
	struct batch *b = make_batch(1, BATCH_SORTED, 0, 1, 2);
	struct row_record rows[2] = { { .identity = BYTES("1"), .extra = BYTES("found") },
				      { .identity = BYTES("2"), .extra = BYTES("found") } };
	struct chunk c = { .rows = rows, .n = 2 }, *chunks;
	size_t n;

	WELL(journal_plan(j, &b, 1, &err));
	b->state = BATCH_REWRITING;
	WELL(journal_intent(j, b, &c, &err));
	rows[0].outcome = rows[1].outcome = MIGRATE_ROW_CHANGED;
	rows[1].extra = BYTES("held");
	rows[1].extra_differs = true;
	WELL(journal_outcome(j, b, &c, &err));
	WELL(journal_chunks(j, b->id, &a, &chunks, &n, &err));
	ck_assert_uint_eq(n, 1);
	ck_assert(bytes_equal(chunks[0].rows[0].extra, BYTES("found")));
	ck_assert(bytes_equal(chunks[0].rows[1].extra, BYTES("held")));
	batch_free(b);
	journal_close(j);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, everything_planned_comes_back_as_it_was);
	tcase_add_test(t, keys_out_of_order_are_refused_before_anything_is_written);
	tcase_add_test(t, save_writes_the_dirty_objects_alone);
	tcase_add_test(t, a_hung_call_is_counted_even_when_memory_says_otherwise);
	tcase_add_test(t, open_batches_are_listed_page_by_page);
	tcase_add_test(t, planning_goes_on_behind_the_last_sorted_batch);
	tcase_add_test(t, totals_are_the_sums_of_all_batches_and_a_moved_object_counts_once);
	tcase_add_test(t, planning_a_key_again_takes_over_from_its_older_record);
	tcase_add_test(t, failures_are_found_by_class_and_objects_by_text);
	tcase_add_test(t, keep_failures_drops_the_rest_and_failures_can_still_be_retried);
	tcase_add_test(t, an_intent_stays_open_until_its_outcome);
	tcase_add_test(t, an_outcome_may_replace_what_set_columns_held);
}

int main(void)
{
	return run_suite_over_both("journal-batches", add, NULL);
}
