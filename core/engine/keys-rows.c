/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/clock.h"
#include "engine/gate.h"
#include "engine/keys-impl.h"

/* keys: {from: database}: the keys that rows name, through the value pattern. */

static int add_rows(struct key_stream *k, const struct value_pattern *v, struct error *err)
{
	BUF_AUTO struct buf key = BUF_INIT(MIGRATE_KEY_MAX);

	for (size_t i = 0; i < k->rows.n; i++) {
		buf_reset(&key);
		/* a value of another shape is not ours: left alone */
		if (!value_pattern_decode(v, k->rows.items[i].row.value, &key) || !key.len)
			continue;
		if (key_stream_sort(k, bytes_of(key.p, key.len), bytes_of(NULL, 0), err))
			return -1;
	}
	return 0;
}

static int scan_page(struct key_stream *k, struct migrate_session *s, struct migrate_scan *q,
		     struct error *err)
{
	struct engine *e = k->engine;
	enum migrate_status status;
	enum gate_verdict verdict;

	for (unsigned attempt = 1;; attempt++) {
		status = database_scan(s, q, &k->rows);
		if (status == MIGRATE_OK)
			return 0;
		verdict = gate_trouble(e->gate, s, true, status);
		if (verdict == GATE_LEAVE)
			return -1;
		if (verdict == GATE_OBJECT && attempt >= (unsigned)e->job->attempts)
			return session_error(err, EXIT_OUTAGE, s, status);
		if (verdict == GATE_OBJECT && !engine_sleep(e, engine_backoff(attempt)))
			return -1;
	}
}

static int scan(struct key_stream *k, size_t database, struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct migrate_session *s = k->engine->ends.databases[database].session;
	struct migrate_scan q = { .limit = CHUNK_ROWS };

	do {
		if (scan_page(k, s, &q, err) ||
		    add_rows(k, k->engine->job->databases[database].value, err))
			return -1;
		arena_reset(&a);
		if (!arena_bytes(&a, k->rows.cursor, &q.cursor))
			return error_set(err, EXIT_INTERNAL, "out of memory");
		if (engine_leaving(k->engine))
			return -1;
	} while (!k->rows.done);
	return 0;
}

int keys_from_databases(struct key_stream *k, struct error *err)
{
	for (size_t d = 0; d < k->engine->ends.database_count; d++)
		if (scan(k, d, err))
			return -1;
	return 0;
}
