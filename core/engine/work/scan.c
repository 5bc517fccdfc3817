/* SPDX-License-Identifier: MIT */
#include "engine/work/scan.h"

#include "engine/work/engine.h"
#include "engine/work/gate.h"

void row_scan_init(struct row_scan *s, struct engine *e, struct migrate_session *session)
{
	*s = (struct row_scan){
		.engine = e, .session = session, .page = ROW_PAGE_INIT, .arena = ARENA_INIT
	};
}

void row_scan_release(struct row_scan *s)
{
	row_page_release(&s->page);
	arena_release(&s->arena);
}

/* 0: repeat the call; -1: the run ends, or the scan does. */
static int look_at_trouble(struct row_scan *s, enum migrate_status status, unsigned *attempt,
			   struct error *err)
{
	struct engine *e = s->engine;

	switch (gate_trouble(e->gate, s->session, true, status)) {
	case GATE_AGAIN:
		return 0;
	case GATE_LEAVE:
		return -1;
	default:
		if ((status_may_retry(status) || status_is_systemic(status)) &&
		    ++*attempt < (unsigned)e->job->attempts)
			return engine_sleep(e, engine_backoff(*attempt)) ? 0 : -1;
		return session_error(err, EXIT_OUTAGE, s->session, status);
	}
}

static int fetch(struct row_scan *s, struct error *err)
{
	struct migrate_scan q = { .cursor = s->cursor, .limit = CHUNK_ROWS, .bytes = s->bytes };
	enum migrate_status status;
	unsigned attempt = 0;

	for (;;) {
		if (!gate_pass(s->engine->gate))
			return -1;
		status = database_scan(s->session, &q, &s->page);
		s->too_long += status == MIGRATE_OK ? q.too_long : 0;
		if (status == MIGRATE_OK) {
			gate_well(s->engine->gate);
			return 1;
		}
		if (look_at_trouble(s, status, &attempt, err))
			return -1;
	}
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
	return fetch(s, err);
}
