/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include "journal/sqlite/sql.h"

/* SQLite's own check: structure, order, indexes. Its first complaint, or "ok". */
static int check_integrity(struct sqlite *q, const char *sql)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(q->db, sql, -1, &s, NULL);

	if (!rc)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(s, 0);

		rc = text && !sqlite3_stricmp(text, "ok")
			 ? SQLITE_OK
			 : connection_damaged(&q->base, "%s",
					      text ? text : "integrity check failed");
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? connection_damaged(&q->base, "integrity check said nothing")
				 : rc;
}

/* Each query counts what is wrong. */
struct query {
	const char *what, *sql;
};

static int check_queries(struct sqlite *q, const struct query *queries, size_t n)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < n; i++) {
		int64_t wrong = 0;

		rc = connection_integer(q, queries[i].sql, &wrong);
		if (!rc && wrong)
			rc = connection_damaged(&q->base, "%lld %s", (long long)wrong,
						queries[i].what);
	}
	return rc;
}

/* Every record of a table. */
static int check_sums(struct sqlite *q, const char *table, const char *sql)
{
	sqlite3_stmt *s = NULL;
	long long wrong = 0;
	int rc = sqlite3_prepare_v2(q->db, sql, -1, &s, NULL), n;

	n = rc ? 0 : sqlite3_column_count(s) - 1;
	while (!rc && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		wrong += !sum_fits(s, n);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	if (rc != SQLITE_DONE)
		return rc;
	return wrong ? connection_damaged(&q->base, "%lld records of %s differ from their sums",
					  wrong, table)
		     : SQLITE_OK;
}

#define SUMS(table_, columns_)                                                                     \
	{                                                                                          \
		table_, "SELECT " columns_ ", sum FROM " table_                                    \
	}
/* The large ones are the last. */
static const struct query sums[] = {
	SUMS("job", JOB_COLUMNS),     SUMS("run", RUN_COLUMNS),     SUMS("pass", PASS_COLUMNS),
	SUMS("batch", BATCH_COLUMNS), SUMS("chunk", CHUNK_COLUMNS), SUMS("object", OBJECT_COLUMNS),
	SUMS("row", ROW_COLUMNS),
};
#define SUMS_ALL (sizeof(sums) / sizeof(sums[0]))
#define SUMS_SMALL (SUMS_ALL - 2)

/*
 * What would make us pass over open work without a word: batches and chunks, with
 * the indexes that lead to them. A thousandth of the file; objects and rows carry
 * sums and are counted when they are read.
 */
static int check_quick(struct sqlite *q)
{
	static const char *const structure[] = {
		"PRAGMA integrity_check(job)",   "PRAGMA integrity_check(run)",
		"PRAGMA integrity_check(pass)",  "PRAGMA integrity_check(batch)",
		"PRAGMA integrity_check(chunk)", "PRAGMA integrity_check(upload)",
	};
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < sizeof(structure) / sizeof(structure[0]); i++)
		rc = check_integrity(q, structure[i]);
	for (size_t i = 0; !rc && i < SUMS_SMALL; i++)
		rc = check_sums(q, sums[i].what, sums[i].sql);
	return rc;
}

static const struct query full_checks[] = {
	{ "objects have no batch",
	  "SELECT count(*) FROM object WHERE batch NOT IN (SELECT id FROM batch)" },
	{ "batches do not have all their objects",
	  "SELECT count(*) FROM batch b WHERE NOT dropped AND "
	  "n <> (SELECT count(*) FROM object o WHERE o.batch = b.id)" },
	{ "counters of batches do not fit their objects",
	  "SELECT count(*) FROM batch b WHERE NOT dropped AND bytes < 1 << 52 AND "
	  "(objects, bytes, copied, copied_bytes, same, skipped, gone, failed) IS NOT "
	  "(SELECT count(*), CAST(total(size) AS INTEGER), coalesce(sum(state = 1), 0), "
	  "CAST(total(size) FILTER (WHERE state = 1) AS INTEGER), coalesce(sum(state = 2), 0), "
	  "coalesce(sum(state = 3), 0), coalesce(sum(state = 4), 0), coalesce(sum(state = 5), 0) "
	  "FROM object o WHERE o.batch = b.id AND state <> 6)" },
	{ "objects moved to where they are not",
	  "SELECT count(*) FROM object o WHERE state = 6 AND NOT EXISTS (SELECT 1 FROM object t "
	  "WHERE t.batch = o.moved_batch AND t.n = o.moved_n AND t.key IS o.key) AND NOT EXISTS "
	  "(SELECT 1 FROM batch b WHERE b.id = o.moved_batch AND dropped)" },
	{ "chunks have no batch",
	  "SELECT count(*) FROM chunk WHERE batch NOT IN (SELECT id FROM batch)" },
	{ "rows have no chunk",
	  "SELECT count(*) FROM row WHERE chunk NOT IN (SELECT id FROM chunk)" },
	{ "chunks do not have all their rows",
	  "SELECT count(*) FROM chunk c JOIN batch b ON b.id = c.batch WHERE NOT b.dropped AND "
	  "c.n <> (SELECT count(*) FROM row r WHERE r.chunk = c.id)" },
	{ "chunks of done batches are not settled",
	  "SELECT count(*) FROM chunk c JOIN batch b ON b.id = c.batch WHERE settled IS NULL AND "
	  "b.state = 4" },
};

static int check_full(struct sqlite *q)
{
	int rc = check_integrity(q, "PRAGMA integrity_check(1)");

	for (size_t i = 0; !rc && i < SUMS_ALL; i++)
		rc = check_sums(q, sums[i].what, sums[i].sql);
	if (!rc)
		rc = check_queries(q, full_checks, sizeof(full_checks) / sizeof(full_checks[0]));
	return rc;
}

enum result file_check(struct sqlite *q, bool full, struct error *err)
{
	enum result r = file_begin_read(&q->base, err);

	if (r)
		return r;
	r = connection_result(&q->base, full ? check_full(q) : check_quick(q), err);
	file_end_read(&q->base);
	return r;
}
