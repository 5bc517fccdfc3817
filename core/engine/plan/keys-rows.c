/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/log.h"
#include "engine/plan/keys-impl.h"
#include "engine/work/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * keys: {from: database}: the keys that rows name, through the value pattern. In
 * later passes rows name new keys by now: those of this job lead back to their old
 * ones, so that an object whose source changed since is found.
 */
#define SORT_MEMORY (8 * 1024 * 1024)

/* One sorter, by new key: rows that name it ("a"), and the key it was made of ("b...") . */
struct back {
	struct sorter *sorter; /* NULL: the first pass */
	struct buf payload, name;
};

struct reading {
	struct key_stream *keys;
	const struct job_database *database;
	struct back *back;
	uint64_t other; /* rows whose values have another form */
	struct error *err;
};

/* 1: the value is of that form; 0; -1. */
static int add_named(struct reading *r, struct migrate_bytes value)
{
	BUF_AUTO struct buf key = BUF_INIT(MIGRATE_KEY_MAX);

	/* a value of another shape is not ours: left alone */
	if (!value_pattern_decode(r->database->value, value, &key) || !key.len)
		return 0;
	return key_stream_sort(r->keys, bytes_of(key.p, key.len), bytes_of(NULL, 0), r->err) ? -1
											     : 1;
}

static int add_new(struct reading *r, struct migrate_bytes value)
{
	BUF_AUTO struct buf key = BUF_INIT(MIGRATE_KEY_MAX);

	if (!r->back->sorter || !value_pattern_decode(r->database->new_value, value, &key) ||
	    !key.len)
		return 0;
	return sorter_add(r->back->sorter, bytes_of(key.p, key.len), BYTES("a"), r->err) ? -1 : 1;
}

static int add_rows(struct reading *r, const struct row_page *page)
{
	for (size_t i = 0; i < page->n; i++) {
		struct migrate_bytes value = page->items[i].row.value;
		int old = add_named(r, value), new = add_new(r, value);

		if (old < 0 || new < 0)
			return -1;
		r->other += !old && !new;
	}
	return 0;
}

static void tell_other_values(const struct reading *r)
{
	char text[256];

	if (!r->other)
		return;
	snprintf(text, sizeof(text),
		 "%.100s: %" PRIu64 " rows hold values of another form than `value`: left alone",
		 r->database->end.label, r->other);
	log_info("%s", text);
	if (!r->keys->task->read_only)
		journal_event(r->keys->task->journal, LOG_INFO, text);
}

static int scan_keys(struct key_stream *k, size_t database, struct back *back, struct error *err)
{
	struct reading r = {
		.keys = k, .database = &k->task->job->databases[database], .back = back, .err = err
	};
	struct row_scan s;
	int rc;

	row_scan_init(&s, k->gate, k->task->ends.databases[database].session);
	while ((rc = row_scan_next(&s, err)) == 1 && !(rc = add_rows(&r, &s.page)))
		;
	row_scan_release(&s);
	if (!rc && k->task->journal)
		tell_other_values(&r);
	return rc;
}

/* What earlier passes made of which key. */
static int add_made(struct key_stream *k, struct back *back, struct error *err)
{
	struct journal_merge *m = journal_merge_open(k->task->journal, k->task->pass.number, err);
	struct object_record o;
	int64_t batch;
	uint32_t n;
	int rc = m ? 1 : -1;

	while (rc == 1 && (rc = journal_merge_next(m, &o, &batch, &n, err)) == 1) {
		if (!object_is_there(&o))
			continue;
		buf_reset(&back->payload);
		if (!buf_add(&back->payload, "b", 1) || !buf_add(&back->payload, o.key.p, o.key.n))
			rc = error_set(err, EXIT_INTERNAL, "out of memory");
		else if (sorter_add(back->sorter, o.new_key,
				    bytes_of(back->payload.p, back->payload.len), err))
			rc = -1;
	}
	journal_merge_close(m);
	return rc;
}

static int lead_back(struct key_stream *k, struct back *back, struct error *err)
{
	struct migrate_bytes name, payload;
	int rc = add_made(k, back, err) || sorter_finish(back->sorter, err) ? -1 : 1;

	while (rc == 1 && (rc = sorter_next(back->sorter, &name, &payload, err)) == 1) {
		const char *p = payload.p;

		if (*p == 'a') {
			buf_reset(&back->name);
			if (!buf_add(&back->name, name.p, name.n))
				rc = error_set(err, EXIT_INTERNAL, "out of memory");
		} else if (bytes_equal(name, bytes_of(back->name.p, back->name.len)) &&
			   key_stream_sort(k, bytes_of(p + 1, payload.n - 1), bytes_of(NULL, 0),
					   err)) {
			rc = -1;
		}
	}
	return rc;
}

int keys_from_databases(struct key_stream *k, struct error *err)
{
	const struct task *task = k->task;
	struct back back = { .sorter = NULL };
	int rc = 0;

	back.payload = (struct buf)BUF_INIT(MIGRATE_KEY_MAX + 1);
	back.name = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	if (task->journal && task->pass.number > 1) {
		back.sorter = sorter_new(SORT_MEMORY, task->job->folder);
		if (!back.sorter)
			rc = error_set(err, EXIT_INTERNAL, "out of memory");
	}
	for (size_t d = 0; !rc && d < task->ends.database_count; d++)
		if (task->job->databases[d].match == MATCH_EXACT)
			rc = scan_keys(k, d, &back, err);
	if (!rc && back.sorter)
		rc = lead_back(k, &back, err);
	sorter_free(back.sorter);
	buf_release(&back.payload);
	buf_release(&back.name);
	return rc;
}
