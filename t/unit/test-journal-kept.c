/* SPDX-License-Identifier: MIT */
#include "journal-help.h"

#include "base/edits.h"

#include <sqlite3.h>

/*
 * A journal that an older build wrote and was not done with, kept as text in kept.sql. It is
 * opened, holds what the calls below write today, sums included, and is gone on with. To keep
 * another one, after a change of the format:
 *
 *	KEEP=FILE t/unit/test-journal-kept && sqlite3 FILE .dump (behind the first lines there)
 */
#define TEXT_SIZE 900

static struct batch *plan(struct journal *j, int pass, enum batch_kind kind, unsigned first,
			  uint32_t n)
{
	struct batch *b = make_batch(pass, kind, first, 1, n);

	b->state = BATCH_COPYING;
	b->began = 17;
	b->position = BYTES("cur\0sor");
	b->counts.skips[SKIP_SYMLINK] = 4;
	WELL(journal_plan(j, &b, 1, &err));
	return b;
}

/* One of each oddity that an object can have. */
static void spoil_objects(struct object_record *o)
{
	o[0].state = OBJECT_COPIED;
	o[0].created = CREATED_OURS;
	o[0].level = 2;
	o[0].stored = BYTES("\"s\0t\"");
	o[0].replaces = BYTES("older");
	o[0].digest = (struct migrate_digest){ .algorithm = MIGRATE_SHA256, .n = 32 };
	memset(o[0].digest.bytes, 0xa5, 32);
	o[0].native = o[0].lost = true;
	o[1].state = OBJECT_FAILED;
	o[1].fail = FAIL_DENIED;
	o[1].attempts = 5;
	o[1].message = "access 'denied' \303\244";
	o[1].in_doubt = o[1].remade = true;
	o[2].state = OBJECT_SKIPPED;
	o[2].mtime = INT64_MIN;
	o[2].size = INT64_MAX;
	o[3].unchanged = true;
	for (uint32_t i = 0; i < 4; i++)
		o[i].dirty = true;
}

static void write_head(struct journal *j)
{
	struct journal_job job = { .fingerprint = "f00", .created = 5 };
	char lines[] = "one\ntwo";
	struct journal_pass pass = { .number = 1, .state = PASS_SCANNING, .started = 7 };
	struct journal_sample sample = { 1, 2, 3, 4, 5, 6, 7, AUTO_IDLE };
	struct upload_record upload = { BYTES("new/9"), BYTES("up"), 5, BYTES("e"), 99, INT64_MIN };

	memcpy(job.id, "0123456789abcdef", 17);
	job.canonical = job.source = job.destination = job.databases = job.caches = lines;
	pass.cursor = BYTES("\1\0\2");
	pass.orphaned = 3;
	WELL(journal_set_job(j, &job, NULL, &err));
	WELL(journal_begin_run(j, "run", &err));
	WELL(journal_end_run(j, EXIT_INTERRUPTED, "signal", &err));
	WELL(journal_begin_run(j, "run again", &err));
	WELL(journal_set_pass(j, &pass, &err));
	WELL(journal_upload(j, &upload, &err));
	journal_event(j, 1, "an event");
	journal_sample(j, &sample);
}

/* Rows: one chunk with each outcome, one that is open. */
static void write_rows(struct journal *j, struct batch *b)
{
	static const char *const messages[] = { NULL, NULL, NULL, "holds 'other'", NULL, "no" };
	struct chunk settled, open;

	make_chunk(b, &settled);
	make_chunk(b, &open);
	WELL(journal_intent(j, b, &settled, &err));
	for (uint32_t i = 0; i < 6; i++) {
		settled.rows[i].outcome = (uint8_t)(i + 1);
		settled.rows[i].message = messages[i];
	}
	settled.rows[0].extra = BYTES("read\0late");
	settled.rows[0].extra_differs = true;
	b->counts.rows_changed = 1;
	b->counts.rows_conflict = 1;
	b->counts.rows_missing = 9;
	WELL(journal_outcome(j, b, &settled, &err));
	open.database = 1;
	open.rows[1].extra = BYTES("x\0y");
	WELL(journal_intent(j, b, &open, &err));
}

static void write_texts(struct journal *j)
{
	BUF_AUTO struct buf packed = BUF_INIT(4096), after = BUF_INIT(4096);
	struct edits edits = { .items = NULL };
	struct edit one = { .at = 8, .n = 3, .with = BYTES("new"), .object = 0 };
	struct batch *b = plan(j, 1, BATCH_TEXTS, 90, 1);
	char text[TEXT_SIZE];
	struct chunk c;

	for (size_t i = 0; i < TEXT_SIZE; i++)
		text[i] = "lorem ipsum "[i % 12];
	make_chunk(b, &c);
	c.texts = true;
	c.rows[0].before = bytes_of(text, TEXT_SIZE);
	ck_assert(edits_add(&edits, &one) && edits_pack(&edits, &packed));
	ck_assert(edits_apply(&edits, c.rows[0].before, &after));
	c.rows[0].edits = bytes_of(packed.p, packed.len);
	c.rows[0].after = bytes_of(after.p, after.len);
	WELL(journal_intent(j, b, &c, &err));
	edits_release(&edits);
	batch_free(b);
}

/* Batch 1 has rows, 2 is done and dropped, 3 what moved out of 1, 4 texts, 5 another pass's. */
static void write_all(struct journal *j)
{
	struct batch *b, *done, *to, *late;
	const uint32_t six = 6, seven = 7;

	write_head(j);
	b = plan(j, 1, BATCH_SORTED, 0, 8);
	done = plan(j, 1, BATCH_SORTED, 50, 4);
	spoil_objects(b->objects);
	b->durable = true;
	WELL(journal_save(j, &b, 1, &err));
	WELL(journal_hung(j, &b->id, &six, 1, &err));
	spoil_objects(done->objects);
	done->state = BATCH_DONE;
	WELL(journal_save(j, &done, 1, &err));
	WELL(journal_drop_done(j, done, &err));
	to = make_batch(1, BATCH_MOVED, 7, 1, 1);
	WELL(journal_move(j, b, &seven, to, &err));
	b->state = BATCH_COPIED;
	write_rows(j, b);
	write_texts(j);
	late = make_batch(2, BATCH_SORTED, 6, 1, 2);
	late->objects[0].moved_batch = b->id;
	late->objects[0].moved_n = 6;
	WELL(journal_plan(j, &late, 1, &err));
	batch_free(b);
	batch_free(done);
	batch_free(to);
	batch_free(late);
}

static void sql_in(const char *name, const char *text)
{
	sqlite3 *db;

	ck_assert(!sqlite3_open(name, &db));
	ck_assert_msg(!sqlite3_exec(db, text, NULL, NULL, NULL), "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* The kept one, at path. */
static void restore(void)
{
	const char *srcdir = getenv("srcdir");
	char name[4096], *text;
	struct stat st;
	FILE *f;

	snprintf(name, sizeof(name), "%s/t/unit/kept.sql", srcdir ? srcdir : ".");
	f = fopen(name, "r");
	ck_assert_msg(f && !fstat(fileno(f), &st), "cannot read %s", name);
	text = calloc(1, (size_t)st.st_size + 1);
	ck_assert_uint_eq(fread(text, 1, (size_t)st.st_size, f), (size_t)st.st_size);
	fclose(f);
	sql_in(path, text);
	free(text);
}

/* Everything is looked at. */
static struct journal *open_kept(enum journal_mode mode)
{
	struct journal_options o = {
		.place.path = path, .mode = mode, .place.allow_volatile = true, .full_check = true
	};
	struct journal *j = journal_open(&o, &err);

	ck_assert_msg(j != NULL, "%s", err.text);
	return j;
}

/* But for times; chunk 3 holds texts as that build's zlib packed them. */
START_TEST(what_was_kept_is_what_is_written_today)
{
	static const char compare[] =
	    "ATTACH '%s' AS today;"
	    "CREATE TEMP VIEW unlike AS"
	    " SELECT 'job' AS what, count(*) AS n FROM (SELECT * FROM job EXCEPT"
	    " SELECT * FROM today.job) UNION ALL"
	    " SELECT 'pass', count(*) FROM (SELECT * FROM pass EXCEPT"
	    " SELECT * FROM today.pass) UNION ALL"
	    " SELECT 'object', count(*) FROM (SELECT * FROM object EXCEPT"
	    " SELECT * FROM today.object) UNION ALL"
	    " SELECT 'row', count(*) FROM (SELECT * FROM row WHERE chunk <> 3 EXCEPT"
	    " SELECT * FROM today.row) UNION ALL"
	    " SELECT 'upload', count(*) FROM (SELECT * FROM upload EXCEPT"
	    " SELECT * FROM today.upload) UNION ALL"
	    " SELECT 'sample', count(*) FROM (SELECT * FROM sample EXCEPT"
	    " SELECT * FROM today.sample) UNION ALL"
	    " SELECT 'open batch', count(*) FROM (SELECT * FROM batch WHERE done IS NULL EXCEPT"
	    " SELECT * FROM today.batch) UNION ALL"
	    " SELECT 'batch', (SELECT count(*) FROM batch) <>"
	    " (SELECT count(*) FROM today.batch) UNION ALL"
	    " SELECT 'chunk', count(*) FROM (SELECT id, batch, database, n, settled IS NULL, form"
	    " FROM chunk EXCEPT SELECT id, batch, database, n, settled IS NULL, form"
	    " FROM today.chunk) UNION ALL"
	    " SELECT 'run', count(*) FROM (SELECT id, ended IS NULL, exit, command, reason FROM run"
	    " EXCEPT SELECT id, ended IS NULL, exit, command, reason FROM today.run);"
	    "CREATE TEMP TABLE t (what, n CHECK (n = 0)); INSERT INTO t SELECT * FROM unlike";
	char *query, *kept = strdup(path);
	struct journal *j;

	restore();
	snprintf(path, sizeof(path), "%s/today.journal", folder);
	j = open_run();
	write_all(j);
	journal_close(j);
	ck_assert(asprintf(&query, compare, path) > 0);
	sql_in(kept, query);
	free(query);
	ck_assert(asprintf(&query, compare, kept) > 0);
	sql_in(path, query);
	free(query);
	free(kept);
}
END_TEST

START_TEST(what_was_kept_reads_as_what_is_written_today)
{
	struct journal *j;
	char *kept, *today;

	restore();
	j = open_kept(JOURNAL_READ);
	kept = dump(j, &err);
	ck_assert_msg(kept != NULL, "%s", err.text);
	journal_close(j);
	snprintf(path, sizeof(path), "%s/today.journal", folder);
	j = open_run();
	write_all(j);
	today = dump(j, &err);
	ck_assert_msg(today != NULL, "%s", err.text);
	journal_close(j);
	ck_assert_str_eq(kept, today);
	free(kept);
	free(today);
}
END_TEST

/* A batch that is open: its rows are settled, what is not copied fails, and it is done. */
static void finish(struct journal *j, int64_t id)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct batch *b = journal_load(j, id, &err);
	struct chunk *open;
	size_t n;

	ck_assert_msg(b != NULL, "%s", err.text);
	WELL(journal_open_chunks(j, id, &a, &open, &n, &err));
	for (size_t i = 0; i < n; i++) {
		for (uint32_t r = 0; r < open[i].n; r++)
			open[i].rows[r].outcome = MIGRATE_ROW_ALREADY;
		b->counts.rows_already += open[i].n;
		WELL(journal_outcome(j, b, &open[i], &err));
	}
	for (uint32_t i = 0; i < b->n; i++) {
		if (b->objects[i].state != OBJECT_PLANNED)
			continue;
		b->objects[i].state = OBJECT_FAILED;
		b->objects[i].fail = FAIL_TRANSIENT;
		b->objects[i].dirty = true;
	}
	b->state = BATCH_DONE;
	WELL(journal_save(j, &b, 1, &err));
	batch_free(b);
}

START_TEST(what_was_kept_is_gone_on_with)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct batch_counts counts;
	struct journal_run run;
	struct upload_record u;
	struct journal *j;
	int64_t ids[8];
	size_t n;

	restore();
	j = open_kept(JOURNAL_RUN);
	WELL(journal_last_run(j, &run, &err));
	ck_assert(run.id == 2 && !run.ended);
	WELL(journal_begin_run(j, "go on", &err));
	WELL(journal_open_batches(j, 0, ids, 8, &n, &err));
	ck_assert_uint_eq(n, 4);
	for (size_t i = 0; i < n; i++)
		finish(j, ids[i]);
	ck_assert_int_eq(journal_next_upload(j, BYTES(""), &a, &u, &err), 1);
	WELL(journal_upload_gone(j, u.new_key, &err));
	WELL(journal_end_run(j, EXIT_SOME_FAILED, "done", &err));
	journal_close(j);

	j = open_kept(JOURNAL_READ);
	ck_assert_int_eq(journal_has_open(j, &err), 0);
	WELL(journal_counts(j, 0, &counts, &err));
	ck_assert_uint_eq(counts.objects, 8 + 4 + 1 + 1);
	ck_assert_uint_eq(counts.copied, 2);
	ck_assert_uint_eq(counts.rows_already, 8 + 1);
	WELL(journal_last_run(j, &run, &err));
	ck_assert(run.id == 3 && run.ended && run.exit == EXIT_SOME_FAILED);
	journal_close(j);
}
END_TEST

START_TEST(another_one_is_kept)
{
	struct journal *j;

	snprintf(path, sizeof(path), "%s", getenv("KEEP"));
	j = open_run();
	write_all(j);
	journal_close(j);
}
END_TEST

static void add(TCase *t)
{
	if (getenv("KEEP")) {
		tcase_add_test(t, another_one_is_kept);
		return;
	}
	tcase_add_test(t, what_was_kept_is_what_is_written_today);
	tcase_add_test(t, what_was_kept_reads_as_what_is_written_today);
	tcase_add_test(t, what_was_kept_is_gone_on_with);
}

int main(void)
{
	return run_suite("journal-kept", add);
}
