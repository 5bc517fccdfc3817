/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "plugin/end-impl.h"

#include <stdlib.h>
#include <string.h>

/* read(): what rows hold now, kept for the caller. */

static bool is_sound(struct migrate_session *s, enum migrate_holding holding, const void *value,
		     size_t n)
{
	if (holding < MIGRATE_HOLDS_VALUE || holding > MIGRATE_HOLDS_OTHER)
		return call_nonsense(s, "a row holds something of kind %d", (int)holding);
	if (holding == MIGRATE_HOLDS_VALUE && (n > s->end->value_max || (n && !value)))
		return call_nonsense(s, "a row has a value of %zu bytes", n);
	return true;
}

bool migrate_emit_held(struct migrate_read *r, size_t row, enum migrate_holding holding,
		       const void *value, size_t n)
{
	struct migrate_session *s;
	struct held_rows *held;

	if (!r || !call_expects(r->session, EXPECTS_HELD))
		return false;
	s = r->session;
	held = s->out.held;
	migrate_progress(s);
	if (held->failed || migrate_cancelled(s) || !is_sound(s, holding, value, n))
		return false;
	if (row >= r->count || held->items[row].holding)
		return call_nonsense(s, "it told of a row that was not asked for, or twice");
	held->items[row].holding = holding;
	held->failed = holding == MIGRATE_HOLDS_VALUE &&
		       !arena_bytes(&held->arena, bytes_of(value, n), &held->items[row].value);
	return !held->failed;
}

static bool make_held_room(struct held_rows *held, size_t n)
{
	struct held_row *items = held->items;

	arena_reset(&held->arena);
	held->failed = false;
	if (n > held->cap) {
		items = reallocarray(held->items, n, sizeof(*items));
		if (!items)
			return false;
		held->items = items;
		held->cap = n;
	}
	if (n)
		memset(held->items, 0, n * sizeof(*held->items));
	return true;
}

enum migrate_status database_read(struct migrate_session *s, struct migrate_read *r,
				  struct held_rows *held)
{
	int status;

	if (!database_reads(s))
		return call_absent(s);
	r->session = s;
	call_begin(s, "read");
	if (!make_held_room(held, r->count)) {
		status = (int)migrate_fail(s, MIGRATE_UNAVAILABLE, "out of memory for rows");
		return call_end(s, "read", status);
	}
	s->expects = EXPECTS_HELD;
	s->out.held = held;
	status = !r->count ? MIGRATE_OK : (int)s->database->read(s->self, r);
	if (held->failed)
		status = (int)migrate_fail(s, MIGRATE_UNAVAILABLE, "out of memory for rows");
	return call_end(s, "read", status);
}

bool database_reads(const struct migrate_session *s)
{
	return s->database && s->database->read;
}

void held_rows_release(struct held_rows *held)
{
	arena_release(&held->arena);
	free(held->items);
	*held = (struct held_rows)HELD_ROWS_INIT;
}
