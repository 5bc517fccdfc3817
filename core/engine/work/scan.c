/* SPDX-License-Identifier: MIT */
#include "engine/work/scan.h"

#include "engine/work/again.h"

void row_scan_init(struct row_scan *s, struct gate *gate, struct migrate_session *session)
{
	*s = (struct row_scan){
		.gate = gate, .session = session, .page = ROW_PAGE_INIT, .arena = ARENA_INIT
	};
}

void row_scan_release(struct row_scan *s)
{
	row_page_release(&s->page);
	arena_release(&s->arena);
}

static int fetch_page(struct row_scan *s, struct error *err)
{
	struct migrate_scan q = { .cursor = s->cursor, .limit = SCAN_ROWS, .bytes = s->bytes };
	struct again a = again_new(s->gate, true);
	enum migrate_status status;

	if (!gate_pass(s->gate))
		return -1;
	do
		status = database_scan(s->session, &q, &s->page);
	while (again(&a, s->session, status));
	if (status != MIGRATE_OK)
		return again_error(&a, s->session, status, err);
	s->too_long += q.too_long;
	return 1;
}

int row_scan_next(struct row_scan *s, struct error *err)
{
	if (s->started && s->page.done)
		return 0;
	/* the page's own memory goes with the next one */
	arena_reset(&s->arena);
	if (s->started && !arena_bytes(&s->arena, s->page.cursor, &s->cursor))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	s->started = true;
	return fetch_page(s, err);
}
