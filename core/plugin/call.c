/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "plugin/end-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void call_begin(struct migrate_session *s, const char *operation)
{
	s->message[0] = '\0';
	s->nonsense[0] = '\0';
	s->retry_after = 0;
	s->objects = 0;
	buf_reset(&s->lost);
	atomic_store_explicit(&s->progress, clock_monotonic(), memory_order_relaxed);
	atomic_store_explicit(&s->operation, operation, memory_order_release);
}

enum migrate_status call_end(struct migrate_session *s, const char *operation, int status)
{
	atomic_store_explicit(&s->operation, NULL, memory_order_release);
	s->expects = EXPECTS_NOTHING;
	if (status < 0 || status >= MIGRATE_STATUS_COUNT)
		call_nonsense(s, "it answered %d, which is no status", status);
	if (!s->nonsense[0])
		return (enum migrate_status)status;
	return migrate_fail(s, MIGRATE_FATAL, "plugin '%s' is broken: in %s(), %s",
			    s->end->plugin->name, operation, s->nonsense);
}

enum migrate_status call_absent(struct migrate_session *s)
{
	s->message[0] = '\0';
	s->retry_after = 0;
	buf_reset(&s->lost);
	s->expects = EXPECTS_NOTHING;
	return MIGRATE_UNSUPPORTED;
}

bool call_nonsense(struct migrate_session *s, const char *format, ...)
{
	va_list ap;

	if (s->nonsense[0])
		return false;
	va_start(ap, format);
	vsnprintf(s->nonsense, sizeof(s->nonsense), format, ap);
	va_end(ap);
	return false;
}

bool migrate_set_identity(struct migrate_identity *r, const char *text)
{
	struct migrate_session *s = r ? r->session : NULL;
	size_t n = text ? strlen(text) : 0;
	char *copy;

	if (!call_expects(s, EXPECTS_IDENTITY))
		return false;
	if (!n || n > IDENTITY_TEXT_MAX || strpbrk(text, "\r\n"))
		return call_nonsense(s, "the identity is empty, too long or more than one line");
	copy = strdup(text);
	if (!copy)
		return false;
	free(*s->out.identity);
	*s->out.identity = copy;
	return true;
}

enum migrate_status end_identity(struct migrate_session *s, char **identity)
{
	struct migrate_identity r = { .session = s };
	enum migrate_status status;

	*identity = NULL;
	s->expects = EXPECTS_IDENTITY;
	s->out.identity = identity;
	if (s->store)
		status = CALL(s, store, identity, &r);
	else if (s->database)
		status = CALL(s, database, identity, &r);
	else
		status = CALL(s, cache, identity, &r);
	if (status == MIGRATE_OK && !*identity)
		return migrate_fail(s, MIGRATE_FATAL, "plugin '%s' is broken: it set no identity",
				    s->end->plugin->name);
	if (status != MIGRATE_OK) {
		free(*identity);
		*identity = NULL;
	}
	return status;
}

enum migrate_status end_probe(struct migrate_session *s, bool write)
{
	struct migrate_probe r = { .session = s, .write = write };

	if (s->store)
		return CALL(s, store, probe, &r);
	if (s->database)
		return CALL(s, database, probe, &r);
	return CALL(s, cache, probe, &r);
}

enum migrate_status end_probe_again(struct migrate_session *s, bool write)
{
	char kept[MESSAGE_MAX];
	enum migrate_status status;

	memcpy(kept, s->message, sizeof(kept));
	status = end_probe(s, write);
	if (status == MIGRATE_OK)
		memcpy(s->message, kept, sizeof(kept));
	return status;
}

/* "a, b" with a NUL behind it; a list that grows past its ceiling is cut at a name. */
void migrate_lost_attribute(struct migrate_session *s, const char *name)
{
	size_t n = name ? strlen(name) : 0;

	if (!n || n + 3 > s->lost.max - s->lost.len)
		return;
	if (s->lost.len) {
		s->lost.len--;
		buf_add_text(&s->lost, ", ");
	}
	if (!buf_add(&s->lost, name, n + 1))
		buf_reset(&s->lost);
}
