/* SPDX-License-Identifier: MIT */
#include "libs3-impl.h"

/* The library has neither conditions nor removal of many at once: a look, and a request each. */

static enum migrate_status remove_one(struct libs3_session *s, const struct migrate_removal *o)
{
	char key[LIBS3_KEY_MAX + 1];
	struct libs3_head head;
	struct libs3_call c;
	enum migrate_status status;

	status = libs3_read_key(s, o->key, key);
	if (status != MIGRATE_OK)
		return status;
	status = libs3_look(s, key, NULL, &head);
	if (status != MIGRATE_OK)
		return status;
	if (o->if_match.n && !libs3_same_etag(&head, o->if_match))
		return migrate_fail(s->ms, MIGRATE_CHANGED, "it is another object now");
	libs3_call_init(&c, s);
	status = libs3_call_remove(&c, key);
	if (status != MIGRATE_OK)
		return status;
	if (c.status == S3StatusConnectionFailed || c.status == S3StatusInternalError)
		return migrate_fail(s->ms, MIGRATE_UNKNOWN_OUTCOME,
				    "removing the object: the answer was lost");
	return libs3_result(&c, "removing the object");
}

static bool is_systemic(enum migrate_status status)
{
	return status == MIGRATE_CANCELLED || status == MIGRATE_UNAVAILABLE ||
	       status == MIGRATE_THROTTLED || status == MIGRATE_FATAL;
}

enum migrate_status libs3_remove(void *self, struct migrate_remove *r)
{
	struct libs3_session *s = self;

	s->ms = r->session;
	for (size_t i = 0; i < r->count; i++) {
		enum migrate_status status = remove_one(s, r->objects[i]);

		r->objects[i]->status = (int32_t)status;
		if (is_systemic(status))
			return status;
	}
	return MIGRATE_OK;
}
