/* SPDX-License-Identifier: MIT */
#include "engine/copy/uploads.h"

#include "base/bytes.h"
#include "base/escape.h"
#include "base/log.h"
#include "engine/copy/parts.h"

bool upload_find(struct copier *c, const struct item *it, struct upload_record *u)
{
	struct error err = ERROR_INIT;
	int found =
	    journal_get_upload(c->run->task->journal, it->record.new_key, &c->arena, u, &err);

	if (found < 0)
		halt_fail(&c->run->halt, &err);
	return found == 1;
}

void upload_abort(struct copier *c, const struct item *it, struct migrate_bytes id)
{
	struct migrate_abort r = { .key = it->record.new_key, .id = id };
	struct error err = ERROR_INIT;

	if (store_abort(c->destination, &r) == MIGRATE_OK &&
	    journal_upload_gone(c->run->task->journal, r.key, &err))
		halt_fail(&c->run->halt, &err);
}

/* Was something tried with it before, whose end nobody knows? */
static bool has_a_past(const struct item *it)
{
	return it->work->resumed || it->record.attempts || it->record.in_doubt;
}

void uploads_abort_lost(struct copier *c, const struct item *it, struct migrate_bytes kept)
{
	struct migrate_uploads r = { .prefix = it->record.new_key,
				     .since = it->work->batch->began };
	struct upload_list list = { .arena = ARENA_INIT };

	if (!r.since || !has_a_past(it))
		return;
	if (store_uploads(c->destination, &r, &list) == MIGRATE_OK)
		for (size_t i = 0; i < list.n; i++) {
			struct migrate_abort a = { .key = list.items[i].key,
						   .id = list.items[i].id };

			if (bytes_equal(a.key, r.prefix) && !bytes_equal(a.id, kept))
				store_abort(c->destination, &a);
		}
	upload_list_release(&list);
}

static bool goes_in_parts(const struct run *run, uint64_t size)
{
	return size > parts_size(run, size);
}

void uploads_leave(struct copier *c, const struct item *it)
{
	const struct object_record *o = &it->record;
	enum migrate_status status;
	struct upload_record u;

	if (!has_a_past(it))
		return;
	status = store_sweep(c->destination, o->new_key);
	if (status != MIGRATE_OK && status != MIGRATE_CANCELLED)
		log_warn("what was left beside '%s' could not be removed: %s",
			 shown_key(&c->arena, o->new_key), session_message(c->destination));
	if (o->state == OBJECT_COPIED && goes_in_parts(c->run, o->size))
		return;
	if (upload_find(c, it, &u))
		upload_abort(c, it, u.id);
	if (goes_in_parts(c->run, it->planned.size))
		uploads_abort_lost(c, it, bytes_of(NULL, 0));
}

int uploads_sweep(struct run *run, struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct upload_record u = { .new_key = { .p = NULL, .n = 0 } };
	struct migrate_session *s = run->task->ends.destination.session;
	int found;

	while ((found = journal_next_upload(run->task->journal, u.new_key, &a, &u, err)) == 1) {
		struct migrate_abort r = { .key = u.new_key, .id = u.id };
		enum migrate_status status = store_abort(s, &r);

		if (status != MIGRATE_OK)
			log_warn("an upload to '%s' could not be ended: %s",
				 shown_key(&a, u.new_key), session_message(s));
		else if (journal_upload_gone(run->task->journal, u.new_key, err))
			return -1;
	}
	return found;
}
