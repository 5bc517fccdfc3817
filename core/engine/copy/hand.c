/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

#include <stdlib.h>

/* What a copier does again and again, whatever the object. */

#define SMALL_BUFFER (256 * 1024) /* every copier has one; larger ones count against memory: */

enum migrate_status blame(struct copier *c, struct migrate_session *s, enum migrate_status status)
{
	c->culprit = s;
	return status;
}

const char *copier_message(struct copier *c, enum migrate_status status)
{
	const char *said = c->culprit ? session_message(c->culprit) : "";
	const char *label = c->culprit ? end_label(session_end(c->culprit)) : "";
	char *text = *said ? arena_printf(&c->arena, "%s: %s", label, said)
			   : arena_printf(&c->arena, "%s: %s", label, status_name(status));

	return text ? text : status_name(status);
}

bool copier_keep(struct copier *c, struct migrate_bytes from, struct migrate_bytes *to)
{
	return arena_bytes(&c->arena, from, to);
}

void fail_item(struct item *it, enum fail_class why, const char *message)
{
	it->record.state = OBJECT_FAILED;
	it->record.fail = (uint8_t)why;
	it->record.message = message;
}

void copier_unreserve(struct copier *c)
{
	if (!c->reserved)
		return;
	budget_give(&c->run->budget, c->reserved);
	c->reserved = 0;
	free(c->buffer);
	c->buffer = NULL;
	c->buffer_size = 0;
}

bool copier_reserve(struct copier *c, size_t n)
{
	size_t size = n > SMALL_BUFFER ? n : SMALL_BUFFER;

	if (n <= c->buffer_size)
		return true;
	copier_unreserve(c);
	free(c->buffer);
	c->buffer_size = 0;
	if (size > SMALL_BUFFER) {
		if (!budget_take(&c->run->budget, size))
			c->buffer = NULL;
		c->reserved = size;
	}
	c->buffer = malloc(size);
	c->buffer_size = c->buffer ? size : 0;
	return c->buffer != NULL && !atomic_load(&c->run->halt.failed);
}
