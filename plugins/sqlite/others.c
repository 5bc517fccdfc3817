/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

/*
 * Are there other writers? SQLite tells a connection whether another one has committed since
 * it looked last, and no more. So one connection does nothing but look: when a change of ours
 * is committed, and when the next one has the lock. What is new in between is others'. Only
 * one session rewrites at a time, whatever their number; a look that fails says nothing.
 */
static bool look(struct self *self, int64_t *version)
{
	struct instance *i = self->instance;
	bool seen = false;

	if (!i->observer &&
	    (sqlite3_open_v2(i->path, &i->observer,
			     SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_READONLY,
			     NULL) ||
	     sqlite3_prepare_v3(i->observer, "PRAGMA data_version", -1, SQLITE_PREPARE_PERSISTENT,
				&i->version, NULL)))
		return false;
	if (i->version && sqlite3_step(i->version) == SQLITE_ROW) {
		*version = sqlite3_column_int64(i->version, 0);
		seen = true;
	}
	sqlite3_reset(i->version);
	return seen;
}

bool others_wrote(struct self *self)
{
	const struct instance *i = self->instance;
	int64_t version;

	return self->waited || (i->seen && look(self, &version) && version != i->seen);
}

void others_mark(struct self *self)
{
	int64_t version;

	self->instance->seen = look(self, &version) ? version : 0;
}

void others_release(struct instance *i)
{
	sqlite3_finalize(i->version);
	sqlite3_close(i->observer);
}
