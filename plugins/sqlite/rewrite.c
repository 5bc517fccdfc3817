/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * One transaction per call. BEGIN IMMEDIATE locks the whole database, so that
 * everything read afterwards is read under the lock. Each row is swapped by one
 * UPDATE that compares; only a row that it did not find is read, to say why. Where
 * there are triggers, what they made of it is read at the end.
 */

struct work {
	struct self *self;
	struct migrate_rewrite *r;
	unsigned char *blobs; /* by change: how its value is stored, if it was changed */
};

/*
 * Does TEXT of a UTF-16 database hold these bytes unchanged? SQLite replaces what is not UTF-8,
 * and, on the way through UTF-16, U+FFFE and U+FFFF.
 */
static bool is_kept(struct migrate_bytes bytes)
{
	return !bytes.n ||
	       (migrate_is_utf8(bytes.p, bytes.n) && !memmem(bytes.p, bytes.n, "\xef\xbf\xbe", 3) &&
		!memmem(bytes.p, bytes.n, "\xef\xbf\xbf", 3));
}

static bool is_blob(const struct migrate_change *c)
{
	return c->place.n == 1 && *(const char *)c->place.p == 'b';
}

static enum migrate_status check_after(struct self *self, const struct migrate_change *c, bool blob)
{
	if (!blob && self->instance->utf16 && !is_kept(c->after))
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "the new value is not UTF-8, which text of a UTF-16 database "
				    "cannot hold");
	return MIGRATE_OK;
}

/* What all statements of one row want: its key, what it shall hold, what it is to hold. */
static enum migrate_status bind_row(struct self *self, sqlite3_stmt *stmt,
				    const struct migrate_change *c)
{
	enum migrate_status status = identity_bind(self, stmt, c->identity);

	if (!status)
		status = set_bind(self, stmt, c->extra);
	return status ? status : found_bind(self, stmt, c);
}

/* before -> after of the row that has the identity and holds before, stored in this way. */
static enum migrate_status swap(struct self *self, const struct migrate_change *c, bool blob,
				bool *changed)
{
	enum migrate_status status = check_after(self, c, blob);
	bool alone = same_bytes(c->before, c->after); /* the `set:` columns alone */
	sqlite3_stmt *stmt;
	int rc;

	if (status)
		return status;
	stmt = statement(self, alone ? S_UPDATE_SET : S_UPDATE, &status);
	if (stmt)
		status = bind_row(self, stmt, c);
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
	bool blob;
	struct evidence seen;
	struct migrate_bytes extra; /* of its `set:` columns */
	struct held held;           /* where it is not what was expected */
};

static void show_column(struct held *held, const char *name, sqlite3_stmt *stmt, int column)
{
	struct migrate_bytes value = { .p = NULL, .n = 0 };

	if (sqlite3_column_type(stmt, column) != SQLITE_NULL) {
		value.p = sqlite3_column_text(stmt, column);
		value.n = value.p ? (size_t)sqlite3_column_bytes(stmt, column) : 0;
	}
	held_column(held, name, value);
}

/* The last to be read: showing a number turns the column into text. */
static void show(const struct instance *inst, sqlite3_stmt *stmt, const struct migrate_change *c,
		 struct look *look)
{
	if (row_decide(c, &look->seen) != MIGRATE_ROW_CONFLICT)
		return;
	show_column(&look->held, inst->column, stmt, value_column(inst));
	for (size_t i = 0; i < inst->set_count; i++)
		show_column(&look->held, inst->set[i].name, stmt, value_column(inst) + 1 + (int)i);
	if (row_is_left_out(c, &look->seen))
		held_left_out(&look->held);
}

static enum migrate_status read_look(struct self *self, const struct migrate_change *c,
				     sqlite3_stmt *stmt, struct look *look)
{
	const struct instance *inst = self->instance;
	struct migrate_bytes value = { .p = NULL, .n = 0 };
	enum migrate_status status = MIGRATE_OK;
	bool usable;

	usable = row_value(inst, stmt, &value, &look->blob);
	look->seen = (struct evidence){ .there = true,
					.before = usable && same_bytes(value, c->before),
					.after = usable && same_bytes(value, c->after),
					.meant = row_meant(inst, stmt),
					.sets = row_settled(inst, stmt) ? SETS_DONE
						: row_ready(inst, stmt) ? SETS_READY
									: SETS_OTHER };
	if (inst->set_count)
		status = row_extra(self, stmt, &look->extra);
	show(inst, stmt, c, look);
	return status;
}

static enum migrate_status look_at(struct self *self, const struct migrate_change *c,
				   struct look *look)
{
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt = statement(self, S_ROW, &status);
	int rc;

	*look = (struct look){ .held = HELD_INIT };
	if (stmt)
		status = bind_row(self, stmt, c);
	if (status)
		return status;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		status = read_look(self, c, stmt, look);
	else if (rc != SQLITE_DONE)
		status = fail_sql(self, rc, "cannot read a row");
	sqlite3_reset(stmt);
	return status;
}

/* The UPDATE did not find the row, though it holds what it should. */
static enum migrate_status refused(struct self *self)
{
	const struct instance *inst = self->instance;

	if (inst->utf16 && !inst->triggers)
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "the row holds text that is not valid UTF-16, so it would not "
				    "come back as it is");
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "a trigger of '%s' keeps the row from being changed", inst->table);
}

/*
 * It holds what it should, but its value is stored in the other way, or `set:` columns hold
 * already what they shall: what an undo puts back is what they hold now.
 */
static enum migrate_status swap_as_seen(struct work *w, size_t i, const struct look *look)
{
	struct migrate_change *c = w->r->changes[i];
	struct migrate_change seen = *c;
	enum migrate_status status;
	bool changed;

	seen.found = look->extra;
	status = swap(w->self, &seen, look->blob, &changed);
	if (status || !changed)
		return status ? status : refused(w->self);
	if (c->found.n && !same_bytes(look->extra, c->found) &&
	    !migrate_set_extra(w->r, i, look->extra))
		return migrate_fail(w->self->session, MIGRATE_TRANSIENT, "out of memory");
	c->outcome = MIGRATE_ROW_CHANGED;
	w->blobs[i] = look->blob;
	return MIGRATE_OK;
}

/* The row is read before it is changed, or because an UPDATE did not find it. */
static enum migrate_status change_seen(struct work *w, size_t i)
{
	struct migrate_change *c = w->r->changes[i];
	struct look look;
	enum migrate_status status = look_at(w->self, c, &look);
	enum migrate_outcome outcome;

	if (status)
		return status;
	outcome = row_decide(c, &look.seen);
	if (outcome == MIGRATE_ROW_CHANGED)
		return swap_as_seen(w, i, &look);
	if (outcome == MIGRATE_ROW_CONFLICT)
		migrate_set_conflict(w->r, i, "it was changed meanwhile: %s", look.held.text);
	c->outcome = outcome;
	return MIGRATE_OK;
}

static enum migrate_status change_row(struct work *w, size_t i)
{
	struct migrate_change *c = w->r->changes[i];
	bool blob = is_blob(c), changed;
	enum migrate_status status;

	/* the `set:` columns alone: nothing is written twice */
	if (same_bytes(c->before, c->after))
		return change_seen(w, i);
	status = swap(w->self, c, blob, &changed);
	if (status)
		return status;
	if (!changed)
		return change_seen(w, i);
	c->outcome = MIGRATE_ROW_CHANGED;
	w->blobs[i] = blob;
	return MIGRATE_OK;
}

/* A trigger, or a column that makes numbers of text, may have stored something else. */
static enum migrate_status verify(struct work *w)
{
	const struct instance *inst = w->self->instance;
	enum migrate_status status = MIGRATE_OK;

	if (!inst->triggers && inst->affinity != AFFINITY_NUMERIC)
		return MIGRATE_OK;
	for (size_t i = 0; !status && i < w->r->count; i++) {
		struct look look;

		if (w->r->changes[i]->outcome != MIGRATE_ROW_CHANGED)
			continue;
		status = look_at(w->self, w->r->changes[i], &look);
		if (status ||
		    (look.seen.after && look.seen.sets == SETS_DONE && look.blob == w->blobs[i]))
			continue;
		return migrate_fail(w->self->session, MIGRATE_INVALID,
				    inst->triggers
					? "a trigger of '%s' changed the value that was written"
					: "the column of '%s' stores the new value as a number",
				    inst->table);
	}
	return status;
}

/* Pointers of the caller must not stay in statements that outlive the call. */
static void forget(struct self *self)
{
	static const enum statement used[] = { S_ROW, S_UPDATE, S_UPDATE_SET };

	for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if (self->statements[used[i]])
			statement_done(self->statements[used[i]]);
}

static enum migrate_status transact(struct work *w)
{
	enum migrate_status status = transaction_begin(w->self);

	if (status)
		return status;
	w->r->contended = others_wrote(w->self);
	for (size_t i = 0; !status && i < w->r->count; i++) {
		status = change_row(w, i);
		if (!(i % 256))
			migrate_progress(w->r->session);
	}
	if (!status)
		status = verify(w);
	forget(w->self);
	if (status)
		return transaction_rollback(w->self, status);
	status = transaction_commit(w->self);
	if (!status)
		others_mark(w->self);
	return status;
}

enum migrate_status sqlite_rewrite(void *handle, struct migrate_rewrite *r)
{
	struct work w = { .self = handle, .r = r };
	enum migrate_status status;

	w.self->session = r->session;
	w.blobs = calloc(r->count + 1, 1);
	if (!w.blobs)
		return migrate_fail(r->session, MIGRATE_TRANSIENT, "out of memory");
	status = transact(&w);
	free(w.blobs);
	return status;
}
