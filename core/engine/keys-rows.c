/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "engine/keys-impl.h"
#include "engine/scan.h"

/* keys: {from: database}: the keys that rows name, through the value pattern. */

static int add_rows(struct key_stream *k, const struct row_page *page,
		    const struct value_pattern *v, struct error *err)
{
	BUF_AUTO struct buf key = BUF_INIT(MIGRATE_KEY_MAX);

	for (size_t i = 0; i < page->n; i++) {
		buf_reset(&key);
		/* a value of another shape is not ours: left alone */
		if (!value_pattern_decode(v, page->items[i].row.value, &key) || !key.len)
			continue;
		if (key_stream_sort(k, bytes_of(key.p, key.len), bytes_of(NULL, 0), err))
			return -1;
	}
	return 0;
}

static int scan(struct key_stream *k, size_t database, struct error *err)
{
	const struct value_pattern *v = k->engine->job->databases[database].value;
	struct row_scan s;
	int rc;

	row_scan_init(&s, k->engine, k->engine->ends.databases[database].session);
	while ((rc = row_scan_next(&s, err)) == 1 && !(rc = add_rows(k, &s.page, v, err)))
		;
	row_scan_release(&s);
	return rc;
}

int keys_from_databases(struct key_stream *k, struct error *err)
{
	for (size_t d = 0; d < k->engine->ends.database_count; d++)
		if (scan(k, d, err))
			return -1;
	return 0;
}
