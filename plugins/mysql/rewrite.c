/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * One transaction per call. Rows are locked by their keys in the order of the
 * key's index and read under the lock; every outcome is decided from that. Those
 * that hold what was expected are changed by one statement, which compares once more:
 * a lock that was lost without a word costs a repetition, never a row.
 */

struct work {
	struct self *self;
	struct migrate_rewrite *r;
	struct migrate_bytes *identities; /* by change */
	struct lookup lookup;             /* of these */
	bool *locked;                     /* by change */
	/* Rows to change, in the server's order: those whose value changes, then `set:` alone. */
	const struct migrate_change **members, **alone;
	struct migrate_bytes *member_keys, *alone_keys;
	size_t member_count, alone_count;
};

/* ---- Locking and deciding ---- */

static bool holds(struct migrate_bytes held, struct migrate_bytes wanted)
{
	return held.p && same_bytes(held, wanted);
}

static enum migrate_status check_after(struct self *self, const struct migrate_change *c)
{
	const char *why = value_obstacle(self->instance, c->after);

	if (!why)
		return MIGRATE_OK;
	return migrate_fail(self->session, MIGRATE_INVALID, "the new value %s '%s' (%s)", why,
			    self->instance->column->name, self->instance->column->shown);
}

static void add_member(struct work *w, size_t i, bool alone)
{
	if (alone) {
		w->alone[w->alone_count] = w->r->changes[i];
		w->alone_keys[w->alone_count++] = w->identities[i];
	} else {
		w->members[w->member_count] = w->r->changes[i];
		w->member_keys[w->member_count++] = w->identities[i];
	}
}

static void tell_conflict(struct work *w, size_t i, const struct row *row, bool left_out)
{
	const struct instance *inst = w->self->instance;
	struct held held = HELD_INIT;

	held_column(&held, inst->column->name, field(row, value_column(inst)));
	for (size_t k = 0; k < inst->set_count; k++)
		held_column(&held, inst->set[k].column->name, field(row, set_column_at(inst) + k));
	if (left_out)
		held_left_out(&held);
	migrate_set_conflict(w->r, i, "it was changed meanwhile: %s", held.text);
}

/* The change is made: what it is, and what an undo will put back. */
static enum migrate_status take_change(struct work *w, size_t i, const struct row *row)
{
	struct self *self = w->self;
	struct migrate_change *c = w->r->changes[i];
	enum migrate_status status = check_after(self, c);
	struct migrate_bytes extra;

	if (!status && !row_is_exact(self->instance, row))
		status = migrate_fail(self->session, MIGRATE_INVALID,
				      "the row holds bytes that mean nothing in the character set "
				      "of '%s', or that are not the ones it would be given back",
				      self->instance->column->name);
	if (!status && c->found.n) {
		status = row_extra(self, row, &extra);
		if (!status && !same_bytes(extra, c->found) && !migrate_set_extra(w->r, i, extra))
			status = out_of_memory(self);
	}
	if (status)
		return status;
	c->outcome = MIGRATE_ROW_CHANGED;
	add_member(w, i, same_bytes(c->before, c->after));
	return MIGRATE_OK;
}

/* The row of change i, as it is under the lock. */
static enum migrate_status decide(struct work *w, size_t i, const struct row *row)
{
	const struct instance *inst = w->self->instance;
	struct migrate_change *c = w->r->changes[i];
	struct migrate_bytes held = field(row, value_column(inst));
	const struct evidence seen = { .there = true,
				       .before = holds(held, c->before),
				       .after = holds(held, c->after),
				       .meant = row_is_meant(inst, row),
				       .sets = row_sets(inst, row, c) };
	enum migrate_outcome outcome = row_decide(c, &seen);

	if (outcome == MIGRATE_ROW_CHANGED)
		return take_change(w, i, row);
	if (outcome == MIGRATE_ROW_CONFLICT)
		tell_conflict(w, i, row, row_is_left_out(c, &seen));
	c->outcome = outcome;
	return MIGRATE_OK;
}

static enum migrate_status take_rows(struct work *w, struct answer *res)
{
	enum migrate_status status = MIGRATE_OK;
	struct migrate_bytes identity;
	struct row row;

	while (!status && row_next(res, &row)) {
		size_t i;

		status = identity_encode(w->self, &row, &identity);
		if (status)
			break;
		i = lookup_find(&w->lookup, identity);
		/* a key that only its collation takes for ours; or the same row twice */
		if (i == SIZE_MAX || w->locked[i])
			continue;
		w->locked[i] = true;
		status = decide(w, i, &row);
	}
	for (size_t i = 0; !status && i < w->r->count; i++)
		if (!w->locked[i])
			w->r->changes[i]->outcome = MIGRATE_ROW_GONE;
	return status;
}

static enum migrate_status not_ours(struct self *self)
{
	return not_an_identity(self->session, self->instance->table);
}

/* A wait for locks may be longer than an answer is waited for otherwise. */
static enum pace pace_of(const struct self *self)
{
	int64_t lock = self->instance->lock_timeout;

	return !lock || lock >= migrate_deadline(self->session) / 2 ? SLOW : QUICK;
}

static const char locking[] = "cannot lock the rows";

static struct answer *read_rows(struct work *w, const struct migrate_bytes *keys, size_t n,
				const char *end, const char *what, enum migrate_status *status)
{
	struct self *self = w->self;
	const struct instance *inst = self->instance;
	/* a key that only its collation takes for ours comes as well */
	const struct shape shape = { .columns = inst->look_columns,
				     .most = ANY_ROWS,
				     .values = true };
	struct text *s = &self->text;

	text_select(s, inst, inst->look_sql, inst->key_index);
	if (!text_keys(s, inst, keys, n)) {
		*status = not_ours(self);
		return NULL;
	}
	text_printf(s, " ORDER BY %s%s", inst->order_sql, end);
	return query_text(self, &self->main, &shape, pace_of(self), what, status);
}

/* How rows are locked. `where` that asks of others needs all of them or none. */
static const char *how_to_lock(const struct work *w)
{
	const struct instance *inst = w->self->instance;

	if (!w->r->pass_over || !inst->has_nowait)
		return " FOR UPDATE";
	return inst->has_skip && !inst->where_asks ? " FOR UPDATE SKIP LOCKED"
						   : " FOR UPDATE NOWAIT";
}

/* `where` may ask of other rows, too: as they are once ours are locked, and not before. */
static enum migrate_status lock_alone(struct work *w)
{
	struct self *self = w->self;
	const struct instance *inst = self->instance;
	enum migrate_status status;

	text_select(&self->text, inst, "1", inst->key_index);
	if (!text_keys(&self->text, inst, w->identities, w->r->count))
		return not_ours(self);
	text_printf(&self->text, " ORDER BY %s%s", inst->order_sql, how_to_lock(w));
	answer_free(query_text(self, &self->main, SHAPE("i", 0, ANY_ROWS), pace_of(self), locking,
			       &status));
	return status;
}

/* Rows that were passed over, or are gone: a plain read tells which. They count as gone so far. */
static enum migrate_status look_for_others(struct work *w)
{
	enum migrate_status status;
	struct migrate_bytes *keys = w->alone_keys + w->alone_count, identity;
	struct answer *res;
	struct row row;
	size_t n = 0;

	for (size_t i = 0; i < w->r->count; i++)
		if (!w->locked[i])
			keys[n++] = w->identities[i];
	if (!n)
		return MIGRATE_OK;
	res = read_rows(w, keys, n, "", locking, &status);
	while (res && !status && row_next(res, &row)) {
		size_t i;

		status = identity_encode(w->self, &row, &identity);
		i = status ? SIZE_MAX : lookup_find(&w->lookup, identity);
		if (i != SIZE_MAX && !w->locked[i])
			w->r->changes[i]->outcome = MIGRATE_ROW_HELD;
	}
	answer_free(res);
	return status;
}

static enum migrate_status lock(struct work *w)
{
	enum migrate_status status = MIGRATE_OK;
	struct answer *res = NULL;

	if (w->self->instance->where_asks)
		status = lock_alone(w);
	if (!status)
		res = read_rows(w, w->identities, w->r->count, how_to_lock(w), locking, &status);
	if (!status)
		status = take_rows(w, res);
	answer_free(res);
	if (!status && w->r->pass_over && w->self->instance->has_skip)
		status = look_for_others(w);
	return status;
}

/* ---- Changing ---- */

/*
 * A trigger, or a function that it calls, stumbled over one of the rows; or it may be that,
 * and as well the server itself that is in trouble.
 */
static enum migrate_status blame_rows(struct work *w, enum migrate_status status)
{
	if (status == MIGRATE_DENIED || status == MIGRATE_UNAVAILABLE)
		w->r->doubtful = w->self->server_said && w->self->instance->verify;
	return status == MIGRATE_FATAL ? MIGRATE_INVALID : status;
}

/* Rows that are locked are as they were read, unless they are not locked by us any more. */
static enum migrate_status check_matched(struct self *self, uint64_t matched, size_t n)
{
	if (matched == n)
		return MIGRATE_OK;
	return migrate_fail(self->session, matched < n ? MIGRATE_TRANSIENT : MIGRATE_INVALID,
			    "%llu rows of '%s' were changed instead of %zu%s",
			    (unsigned long long)matched, self->instance->table, n,
			    matched < n ? ": the others are not as they were locked" : "");
}

static enum migrate_status change(struct work *w, bool value)
{
	struct self *self = w->self;
	const struct migrate_change *const *members = value ? w->members : w->alone;
	const struct migrate_bytes *keys = value ? w->member_keys : w->alone_keys;
	size_t n = value ? w->member_count : w->alone_count;
	enum migrate_status status;
	uint64_t matched = 0;

	if (!n)
		return MIGRATE_OK;
	status = change_build(self, members, keys, n, value);
	self->server_said = false;
	if (!status)
		status = blame_rows(
		    w, command_text(self, pace_of(self), "cannot change the rows", &matched));
	return status ? status : check_matched(self, matched, n);
}

/* Where triggers may be, what the rows hold now is looked at before it is committed. */
static enum migrate_status verify(struct work *w, const struct migrate_change *const *members,
				  const struct migrate_bytes *keys, size_t n)
{
	const struct instance *inst = w->self->instance;
	enum migrate_status status;
	struct answer *res;
	struct row row;
	size_t i = 0;

	if (!inst->verify || !n)
		return MIGRATE_OK;
	res = read_rows(w, keys, n, "", "cannot read the rows", &status);
	while (res && i < n && row_next(res, &row)) {
		if (!holds(field(&row, value_column(inst)), members[i]->after) ||
		    row_sets(inst, &row, members[i]) != SETS_DONE)
			break;
		i++;
	}
	answer_free(res);
	if (!status && i != n)
		status =
		    migrate_fail(w->self->session, MIGRATE_INVALID,
				 "a trigger or the type of a column of '%s' made another value "
				 "of one that was written",
				 inst->table);
	return status;
}

/* ---- The call ---- */

static enum migrate_status transact(struct work *w)
{
	struct self *self = w->self;
	enum migrate_status status = transaction_begin(self);

	if (status)
		return status;
	status = lock(w);
	if (!status)
		status = change(w, true);
	if (!status)
		status = change(w, false);
	if (!status)
		status = verify(w, w->members, w->member_keys, w->member_count);
	if (!status)
		status = verify(w, w->alone, w->alone_keys, w->alone_count);
	return status ? transaction_rollback(self, status) : transaction_commit(self);
}

static bool work_init(struct work *w)
{
	size_t n = w->r->count;

	w->identities = calloc(n, sizeof(*w->identities));
	w->locked = calloc(n, sizeof(*w->locked));
	w->members = calloc(2 * n, sizeof(*w->members));
	w->member_keys = calloc(2 * n, sizeof(*w->member_keys));
	if (!w->identities || !w->locked || !w->members || !w->member_keys)
		return false;
	w->alone = w->members + n;
	w->alone_keys = w->member_keys + n;
	for (size_t i = 0; i < n; i++)
		w->identities[i] = w->r->changes[i]->identity;
	return lookup_make(&w->lookup, w->identities, n);
}

static void work_release(struct work *w)
{
	lookup_release(&w->lookup);
	free(w->identities);
	free(w->locked);
	free(w->members);
	free(w->member_keys);
}

enum migrate_status mysql_rewrite(void *handle, struct migrate_rewrite *r)
{
	struct work w = { .self = handle, .r = r };
	enum migrate_status status;

	w.self->session = r->session;
	if (!r->count)
		return MIGRATE_OK;
	status = work_init(&w) ? transact(&w) : out_of_memory(w.self);
	work_release(&w);
	return status;
}
