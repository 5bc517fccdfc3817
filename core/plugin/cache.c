/* SPDX-License-Identifier: MIT */
#include "plugin/end-impl.h"

#include "base/escape.h"

enum migrate_status cache_invalidate(struct migrate_session *s, struct migrate_invalidate *r)
{
	r->session = s;
	return CALL(s, cache, invalidate, r);
}

/* One line each, as a person may read it. */
bool migrate_emit_preview(struct migrate_preview *r, const void *line, size_t n)
{
	struct buf *out;
	size_t at;

	if (!r || !call_expects(r->session, EXPECTS_PREVIEW))
		return false;
	out = r->session->out.preview;
	at = out->len;
	if (escape_add(out, line, n) && buf_add_text(out, "\n"))
		return true;
	out->len = at;
	return false;
}

enum migrate_status cache_preview(struct migrate_session *s, const struct migrate_changed_row *row,
				  struct buf *lines)
{
	struct migrate_preview r = { .session = s, .row = row };

	s->expects = EXPECTS_PREVIEW;
	s->out.preview = lines;
	return CALL(s, cache, preview, &r);
}
