/* SPDX-License-Identifier: MIT */
#include "plugin/end-impl.h"

#include <stdlib.h>
#include <string.h>

/* What a plugin finds out about its place on scratch objects. */

#define FINDINGS_MAX 256

static const char *keep_text(struct findings *f, const char *text)
{
	return arena_copy(&f->arena, text, strnlen(text, MESSAGE_MAX));
}

bool findings_add(struct findings *f, const char *name, enum migrate_verdict verdict,
		  const char *said, const char *follows)
{
	struct finding *items, *one;

	if (f->n == FINDINGS_MAX)
		return false;
	if (f->n == f->cap) {
		items = reallocarray(f->items, f->cap * 2 + 16, sizeof(*items));
		if (!items)
			return false;
		f->items = items;
		f->cap = f->cap * 2 + 16;
	}
	one = &f->items[f->n];
	*one = (struct finding){ .name = keep_text(f, name), .verdict = verdict };
	if (said)
		one->said = keep_text(f, said);
	if (follows)
		one->follows = keep_text(f, follows);
	if (!one->name || (said && !one->said) || (follows && !one->follows))
		return false;
	f->n++;
	return true;
}

void findings_release(struct findings *f)
{
	free(f->items);
	arena_release(&f->arena);
	*f = (struct findings)FINDINGS_INIT;
}

bool migrate_emit_finding(struct migrate_measure *r, const char *name, enum migrate_verdict verdict,
			  const char *said, const char *follows)
{
	struct migrate_session *s = r ? r->session : NULL;

	if (!call_expects(s, EXPECTS_FINDINGS))
		return false;
	migrate_progress(s);
	if (!name || !*name || (unsigned int)verdict > MIGRATE_FINDS_UNKNOWN)
		return call_nonsense(s, "it found something without a name or a verdict");
	return !migrate_cancelled(s) && findings_add(s->out.findings, name, verdict, said, follows);
}

enum migrate_status store_measure(struct migrate_session *s, struct migrate_measure *r,
				  struct findings *out)
{
	if (!s->store || !s->store->measure)
		return call_absent(s);
	r->session = s;
	call_begin(s, "measure");
	s->expects = EXPECTS_FINDINGS;
	s->out.findings = out;
	return call_end(s, "measure", (int)s->store->measure(s->self, r));
}
