/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

#include <string.h>

/*
 * One transaction per call. BEGIN IMMEDIATE locks the whole database, so that
 * everything read afterwards is read under the lock. Each row is swapped by one
 * UPDATE that compares; only a row that it did not find is read, to say why.
 */

/* Does TEXT of a UTF-16 database hold these bytes unchanged? SQLite replaces what is not UTF-8. */
static bool is_utf8(struct migrate_bytes bytes)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = bytes.p, *end = p + bytes.n;

	while (p < end) {
		uint32_t c = *p++;
		int more = c < 0x80       ? 0
			   : c >> 5 == 6  ? 1
			   : c >> 4 == 14 ? 2
			   : c >> 3 == 30 ? 3
					  : -1;

		if (more < 0 || end - p < more)
			return false;
		c &= more ? 0x3fu >> more : 0x7f;
		for (int i = 0; i < more; i++, p++) {
			if ((*p & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*p & 0x3f);
		}
		if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ||
		    (c & 0xfffffffe) == 0xfffe)
			return false;
	}
	return true;
}

static bool same(struct migrate_bytes a, struct migrate_bytes b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

static bool is_blob(const struct migrate_change *c)
{
	return c->place.n == 1 && *(const char *)c->place.p == 'b';
}

static enum migrate_status check_after(struct self *self, const struct migrate_change *c, bool blob)
{
	if (!blob && self->instance->utf16 && !is_utf8(c->after))
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "the new value is not UTF-8, which text of a UTF-16 database "
				    "cannot hold");
	return MIGRATE_OK;
}

/* before -> after of the row that has the identity and holds before, stored in this way. */
static enum migrate_status swap(struct self *self, const struct migrate_change *c, bool blob,
				bool *changed)
{
	enum migrate_status status = check_after(self, c, blob);
	bool alone = same(c->before, c->after); /* the `set:` columns alone */
	sqlite3_stmt *stmt;
	int rc;

	if (status)
		return status;
	stmt = statement(self, alone ? S_UPDATE_SET : S_UPDATE, &status);
	if (!stmt)
		return status;
	status = identity_bind(self, stmt, c->identity);
	if (!status)
		status = set_bind(self, stmt, c->extra);
	if (status)
		return status;
	if ((!alone && bind_bytes(stmt, P_VALUE, c->after, blob)) ||
	    bind_bytes(stmt, P_BEFORE, c->before, blob))
		return migrate_fail(self->session, MIGRATE_TRANSIENT, "out of memory");
	rc = sqlite3_step(stmt);
	*changed = rc == SQLITE_DONE && sqlite3_changes(self->db) > 0;
	if (rc != SQLITE_DONE)
		status = fail_sql(self, rc, "cannot change a row");
	sqlite3_reset(stmt);
	return status;
}

/* What one row holds, read under the lock. */
struct look {
	bool there, usable, blob, before, after, settled;
};

static enum migrate_status look_at(struct self *self, const struct migrate_change *c,
				   struct look *look)
{
	enum migrate_status status = MIGRATE_OK;
	struct migrate_bytes value = { .p = NULL, .n = 0 };
	sqlite3_stmt *stmt = statement(self, S_ROW, &status);
	int rc;

	*look = (struct look){ .there = false };
	if (!stmt)
		return status;
	status = identity_bind(self, stmt, c->identity);
	if (!status)
		status = set_bind(self, stmt, c->extra);
	if (status)
		return status;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		look->there = true;
		look->usable = row_value(self->instance, stmt, &value, &look->blob);
		look->before = look->usable && same(value, c->before);
		look->after = look->usable && same(value, c->after);
		look->settled = row_settled(self->instance, stmt);
	} else if (rc != SQLITE_DONE) {
		status = fail_sql(self, rc, "cannot read a row");
	}
	sqlite3_reset(stmt);
	return status;
}

/* A trigger, or a column that makes numbers of text, may have stored something else. */
static enum migrate_status look_again(struct self *self, const struct migrate_change *c, bool blob)
{
	const struct instance *inst = self->instance;
	enum migrate_status status;
	struct look look;

	if (!inst->triggers && inst->affinity != AFFINITY_NUMERIC)
		return MIGRATE_OK;
	status = look_at(self, c, &look);
	if (status || (look.after && look.blob == blob))
		return status;
	return migrate_fail(self->session, MIGRATE_INVALID,
			    inst->triggers ? "a trigger of '%s' changed the value that was written"
					   : "the column of '%s' stores the new value as a number",
			    inst->table);
}

static enum migrate_status refused(struct self *self)
{
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "a trigger of '%s' keeps the row from being changed",
			    self->instance->table);
}

/* The UPDATE found nothing: say why, or change the row if its value is stored in the other way. */
static enum migrate_status classify(struct self *self, struct migrate_change *c, bool blob)
{
	enum migrate_status status;
	struct look look;
	bool changed;

	status = look_at(self, c, &look);
	if (status)
		return status;
	if (!look.there) {
		c->outcome = MIGRATE_ROW_GONE;
	} else if (look.after) {
		c->outcome = MIGRATE_ROW_ALREADY;
	} else if (!look.before) {
		c->outcome = MIGRATE_ROW_CONFLICT;
	} else if (look.blob == blob) {
		return refused(self);
	} else {
		status = swap(self, c, look.blob, &changed);
		if (status || !changed)
			return status ? status : refused(self);
		c->outcome = MIGRATE_ROW_CHANGED;
		status = look_again(self, c, look.blob);
	}
	return status;
}

/* before = after: the `set:` columns alone, looked at first so that nothing is written twice. */
static enum migrate_status settle(struct self *self, struct migrate_change *c)
{
	enum migrate_status status;
	struct look look;
	bool changed;

	status = look_at(self, c, &look);
	if (status)
		return status;
	if (!look.there) {
		c->outcome = MIGRATE_ROW_GONE;
	} else if (!look.before) {
		c->outcome = MIGRATE_ROW_CONFLICT;
	} else if (look.settled) {
		c->outcome = MIGRATE_ROW_ALREADY;
	} else {
		status = swap(self, c, look.blob, &changed);
		if (status || !changed)
			return status ? status : refused(self);
		c->outcome = MIGRATE_ROW_CHANGED;
	}
	return status;
}

static enum migrate_status change_row(struct self *self, struct migrate_change *c)
{
	bool blob = is_blob(c), changed;
	enum migrate_status status;

	if (same(c->before, c->after))
		return settle(self, c);
	status = swap(self, c, blob, &changed);
	if (status)
		return status;
	if (!changed)
		return classify(self, c, blob);
	c->outcome = MIGRATE_ROW_CHANGED;
	return look_again(self, c, blob);
}

/* Pointers of the caller must not stay in statements that outlive the call. */
static void forget(struct self *self)
{
	static const enum statement used[] = { S_ROW, S_UPDATE, S_UPDATE_SET };

	for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if (self->statements[used[i]])
			statement_done(self->statements[used[i]]);
}

enum migrate_status sqlite_rewrite(void *handle, struct migrate_rewrite *r)
{
	struct self *self = handle;
	enum migrate_status status;

	self->session = r->session;
	status = transaction_begin(self);
	if (status)
		return status;
	for (size_t i = 0; !status && i < r->count; i++) {
		status = change_row(self, r->changes[i]);
		if (!(i % 256))
			migrate_progress(r->session);
	}
	forget(self);
	if (status)
		return transaction_rollback(self, status);
	return transaction_commit(self);
}
