/* SPDX-License-Identifier: MIT */
#include "plugin/end-impl.h"

#include <stdio.h>

/* rewrite() of a database: what it answers, and what it says of single changes. */

static struct row_note *note_of(struct migrate_rewrite *r, size_t change)
{
	struct row_notes *notes;

	if (!r || !call_expects(r->session, EXPECTS_OUTCOMES))
		return NULL;
	notes = &r->session->notes;
	if (change >= notes->n) {
		call_nonsense(r->session, "it speaks of change %zu of %zu", change, notes->n);
		return NULL;
	}
	if (!notes->items)
		notes->items = arena_alloc(&notes->arena, notes->n * sizeof(*notes->items));
	return notes->items ? &notes->items[change] : NULL;
}

/* Without memory the conflict is told without it. */
void migrate_set_conflict(struct migrate_rewrite *r, size_t change, const char *format, ...)
{
	struct row_note *note = note_of(r, change);
	char raw[MESSAGE_MAX], clean[MESSAGE_MAX];
	va_list ap;

	if (!note)
		return;
	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	host_clean(raw, clean);
	note->conflict = arena_text(&r->session->notes.arena, clean);
}

bool migrate_set_extra(struct migrate_rewrite *r, size_t change, struct migrate_bytes extra)
{
	struct row_note *note = note_of(r, change);

	if (note && (extra.n > ROW_EXTRA_MAX || !extra.p))
		return call_nonsense(r->session, "change %zu has %zu bytes of `set:` columns",
				     change, extra.n);
	return note && arena_bytes(&r->session->notes.arena, extra, &note->extra);
}

const char *rewrite_conflict(const struct migrate_session *s, size_t change)
{
	return s->notes.items && change < s->notes.n ? s->notes.items[change].conflict : NULL;
}

struct migrate_bytes rewrite_extra(const struct migrate_session *s, size_t change)
{
	static const struct migrate_bytes none = { .p = NULL, .n = 0 };

	return s->notes.items && change < s->notes.n ? s->notes.items[change].extra : none;
}

/* Each change needs an outcome, and one row alone may only fail where rows are on their own. */
static void outcomes_are_sound(struct migrate_session *s, const struct migrate_rewrite *r)
{
	bool atomic =
	    atomic_load_explicit(&s->end->flags, memory_order_relaxed) & MIGRATE_ATOMIC_CALL;

	for (size_t i = 0; i < r->count; i++) {
		const struct migrate_change *c = r->changes[i];

		if (c->outcome == MIGRATE_ROW_HELD && r->pass_over)
			continue;
		if (c->outcome <= MIGRATE_ROW_UNKNOWN || c->outcome > MIGRATE_ROW_FAILED)
			call_nonsense(s, "change %zu has no outcome", i);
		else if (c->outcome == MIGRATE_ROW_FAILED && atomic)
			call_nonsense(s, "change %zu failed alone in a call that is atomic", i);
		else if (c->outcome == MIGRATE_ROW_FAILED &&
			 (c->status <= MIGRATE_OK || c->status >= MIGRATE_STATUS_COUNT))
			call_nonsense(s, "change %zu failed without a status", i);
	}
}

enum migrate_status database_rewrite(struct migrate_session *s, struct migrate_rewrite *r)
{
	int status;

	if (!s->database || !s->database->rewrite)
		return call_absent(s);
	for (size_t i = 0; i < r->count; i++) {
		r->changes[i]->outcome = MIGRATE_ROW_UNKNOWN;
		r->changes[i]->status = MIGRATE_OK;
	}
	r->session = s;
	arena_reset(&s->notes.arena);
	s->notes.items = NULL;
	s->notes.n = r->count;
	call_begin(s, "rewrite");
	s->expects = EXPECTS_OUTCOMES;
	status = (int)s->database->rewrite(s->self, r);
	if (status == MIGRATE_OK)
		outcomes_are_sound(s, r);
	return call_end(s, "rewrite", status);
}
