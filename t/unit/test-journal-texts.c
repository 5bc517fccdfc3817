/* SPDX-License-Identifier: MIT */
#include "journal-both.h"

#include "base/edits.h"
#include "journal/sqlite/sql.h"
#include "journal/sum.h"

#include <sqlite3.h>

/* Texts come out of the journal as they went in, whole, and small inside. */

/* Texts of the sizes that matter: none, one, and more than any page. */
static struct migrate_bytes make_text(struct arena *a, size_t n, unsigned salt)
{
	char *p = arena_alloc(a, n + 1);

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)("lorem ipsum dolor sit amet "[i % 27] + (i % 997 == salt % 997));
	return bytes_of(p, n);
}

static void fill_row(struct arena *a, struct row_record *r, size_t n, uint32_t object)
{
	BUF_AUTO struct buf packed = BUF_INIT(4096), after = BUF_INIT(1u << 26);
	struct edits edits = { .items = NULL };
	struct edit length = { .at = n / 3, .n = 1, .with = BYTES("12"), .object = EDIT_OF_NONE };
	struct edit place = { .at = n / 2, .n = 3, .with = BYTES("new\0"), .object = object };

	r->object = object;
	r->before = make_text(a, n, object);
	r->text = "id=1";
	r->identity = BYTES("id");
	ck_assert(n < 8 || (edits_add(&edits, &length) && edits_add(&edits, &place)));
	ck_assert(edits_pack(&edits, &packed) && edits_apply(&edits, r->before, &after));
	ck_assert(arena_bytes(a, bytes_of(packed.p, packed.len), &r->edits));
	ck_assert(arena_bytes(a, bytes_of(after.p, after.len), &r->after));
	edits_release(&edits);
}

static const size_t sizes[] = { 100, 0, 5, 3000000, 4096, 0 };
#define ROWS (sizeof(sizes) / sizeof(sizes[0]))

static int64_t write_texts(struct arena *a, struct chunk *c)
{
	struct journal *j = open_run();
	struct batch *b = make_batch(1, BATCH_TEXTS, 0, 1, ROWS);
	int64_t id;

	b->state = BATCH_COPIED;
	WELL(journal_plan(j, &b, 1, &err));
	*c = (struct chunk){ .database = 2, .texts = true, .n = ROWS };
	c->rows = arena_alloc(a, ROWS * sizeof(*c->rows));
	for (uint32_t i = 0; i < ROWS; i++)
		fill_row(a, &c->rows[i], sizes[i], i);
	WELL(journal_intent(j, b, c, &err));
	journal_close(j);
	id = b->id;
	batch_free(b);
	return id;
}

START_TEST(texts_are_what_they_were)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct chunk c, *open;
	int64_t id = write_texts(&a, &c);
	struct journal *j = open_run();
	struct stat st;
	size_t n;

	WELL(journal_open_chunks(j, id, &a, &open, &n, &err));
	ck_assert(n == 1 && open[0].texts && open[0].n == ROWS && open[0].database == 2);
	for (uint32_t i = 0; i < ROWS; i++) {
		ck_assert(bytes_equal(open[0].rows[i].before, c.rows[i].before));
		ck_assert(bytes_equal(open[0].rows[i].after, c.rows[i].after));
		ck_assert(bytes_equal(open[0].rows[i].edits, c.rows[i].edits));
		ck_assert_uint_eq(open[0].rows[i].object, i);
	}
	journal_close(j);
	if (!is_in_memory())
		ck_assert(!stat(path, &st) && st.st_size < 400000);
}
END_TEST

/* The sum of its arguments, to give to what is spoiled on purpose. */
static void sum_of(sqlite3_context *context, int n, sqlite3_value **values)
{
	uint64_t sum = 0;

	for (int i = 0; i < n; i++) {
		int type = sqlite3_value_type(values[i]);
		const void *p = sqlite3_value_blob(values[i]);
		struct migrate_bytes b = bytes_of(p, (size_t)sqlite3_value_bytes(values[i]));

		if (type == SQLITE_INTEGER)
			sum = sum_add_integer(sum, sqlite3_value_int64(values[i]));
		else
			sum = type == SQLITE_NULL ? sum_add_none(sum)
						  : sum_add_bytes(sum, (enum sum_kind)type, b);
	}
	sqlite3_result_int64(context, sum_end(sum));
}

static void spoil(const char *how)
{
	sqlite3 *db;

	ck_assert(!sqlite3_open(path, &db));
	ck_assert(
	    !sqlite3_create_function(db, "sum_of", -1, SQLITE_UTF8, NULL, sum_of, NULL, NULL));
	ck_assert_msg(!sqlite3_exec(db, how, NULL, NULL, NULL), "%s", sqlite3_errmsg(db));
	ck_assert(
	    !sqlite3_exec(db, "UPDATE row SET sum = sum_of(" ROW_COLUMNS ")", NULL, NULL, NULL));
	sqlite3_close(db);
}

/* A record of texts that is sound by its sum and still no such thing: said, never believed. */
START_TEST(what_is_no_text_is_damage)
{
	static const char *const ways[] = {
		"UPDATE row SET before = x'00' WHERE n = 0",
		"UPDATE row SET before = x'ffffffffffffffff00' WHERE n = 0",
		"UPDATE row SET before = substr(before, 1, length(before) - 9) WHERE n = 0",
		"UPDATE row SET after = x'808080808080808080' WHERE n = 3",
		"UPDATE row SET after = x'ff7f010100' WHERE n = 1",
	};
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct chunk c, *open;
	int64_t id = write_texts(&a, &c);

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct journal *j;
		size_t n;

		spoil(ways[i]);
		error_clear(&err);
		j = open_as(JOURNAL_READ, &err);
		ck_assert_msg(j != NULL, "%s: %s", ways[i], err.text);
		ck_assert_msg(journal_open_chunks(j, id, &a, &open, &n, &err), "%s", ways[i]);
		ck_assert_msg(err.exit == EXIT_DAMAGED && strstr(err.text, "texts"), "%s: %s",
			      ways[i], err.text);
		journal_close(j);
		teardown();
		setup();
		id = write_texts(&a, &c);
	}
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, texts_are_what_they_were);
}

static void add_rest(TCase *t)
{
	tcase_add_test(t, what_is_no_text_is_damage);
}

int main(void)
{
	return run_suite_over_both("journal-texts", add, add_rest);
}
