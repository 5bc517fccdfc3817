/* SPDX-License-Identifier: MIT */
#include "engine/work/running.h"

bool object_record_copy(struct arena *a, const struct object_record *from, struct object_record *to)
{
	*to = *from;
	if (from->message && !(to->message = arena_text(a, from->message)))
		return false;
	return arena_bytes(a, from->key, &to->key) && arena_bytes(a, from->new_key, &to->new_key) &&
	       arena_bytes(a, from->etag, &to->etag) && arena_bytes(a, from->stored, &to->stored) &&
	       arena_bytes(a, from->replaces, &to->replaces);
}
