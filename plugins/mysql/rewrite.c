/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * One transaction per call. Rows are locked by their keys in the order of the
 * key's index and read under the lock; every outcome is decided from that. Those
 * that hold what was expected are changed by one statement.
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

/* The row of change i, as it is under the lock. */
static enum migrate_status decide(struct work *w, size_t i, const struct row *row)
{
	const struct instance *inst = w->self->instance;
	struct migrate_change *c = w->r->changes[i];
	struct migrate_bytes held = field(row, value_column(inst));
	bool alone = same_bytes(c->before, c->after);

	if (!alone && holds(held, c->after)) {
		c->outcome = MIGRATE_ROW_ALREADY;
	} else if (!holds(held, c->before)) {
		c->outcome = MIGRATE_ROW_CONFLICT;
	} else if (alone && row_settled(inst, row, c->extra)) {
		c->outcome = MIGRATE_ROW_ALREADY;
	} else {
		c->outcome = MIGRATE_ROW_CHANGED;
		add_member(w, i, alone);
		return check_after(w->self, c);
	}
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
	return migrate_fail(self->session, MIGRATE_INVALID, "not an identity of a row of '%s'",
			    self->instance->table);
}

/* A wait for locks may be longer than an answer is waited for otherwise. */
static enum pace pace_of(const struct self *self)
{
	int64_t lock = self->instance->lock_timeout;

	return !lock || lock >= migrate_deadline(self->session) / 2 ? SLOW : QUICK;
}

static struct answer *read_rows(struct work *w, const struct migrate_bytes *keys, size_t n,
				bool lock, const char *what, enum migrate_status *status)
{
	struct self *self = w->self;
	const struct instance *inst = self->instance;
	/* a key that only its collation takes for ours comes as well */
	const struct shape shape = { .columns = inst->locked_columns,
				     .most = ANY_ROWS,
				     .values = true };
	struct sql *s = &self->text;

	text_select(s, inst, inst->row_sql, inst->key_index);
	if (!text_keys(s, inst, keys, n)) {
		*status = not_ours(self);
		return NULL;
	}
	sql_add(s, " ORDER BY %s%s", inst->order_sql, lock ? " FOR UPDATE" : "");
	return query_text(self, &self->main, &shape, pace_of(self), what, status);
}

static enum migrate_status lock(struct work *w)
{
	enum migrate_status status;
	struct answer *res =
	    read_rows(w, w->identities, w->r->count, true, "cannot lock the rows", &status);

	if (!status)
		status = take_rows(w, res);
	answer_free(res);
	return status;
}

/* ---- Changing ---- */

/* A trigger, or a function that it calls, stumbled over one of the rows. */
static enum migrate_status blame_rows(enum migrate_status status)
{
	return status == MIGRATE_FATAL ? MIGRATE_INVALID : status;
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
	if (!status)
		status = blame_rows(
		    command_text(self, pace_of(self), "cannot change the rows", &matched));
	if (!status && matched != n)
		status = migrate_fail(self->session, MIGRATE_INVALID,
				      "%llu rows of '%s' were changed instead of %zu",
				      (unsigned long long)matched, self->instance->table, n);
	return status;
}

/* Where triggers may be, what the rows hold now is looked at before it is committed. */
static enum migrate_status verify(struct work *w)
{
	struct self *self = w->self;
	const size_t value = value_column(self->instance);
	enum migrate_status status;
	struct row row;
	struct answer *res;
	size_t i = 0;

	if (!self->instance->verify || !w->member_count)
		return MIGRATE_OK;
	res = read_rows(w, w->member_keys, w->member_count, false, "cannot read the rows", &status);
	while (res && i < w->member_count && row_next(res, &row)) {
		if (!holds(field(&row, value), w->members[i]->after))
			break;
		i++;
	}
	answer_free(res);
	if (!status && i != w->member_count)
		status = migrate_fail(self->session, MIGRATE_INVALID,
				      "a trigger or the type of column '%s' made another value of "
				      "the one that was written",
				      self->instance->column->name);
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
		status = verify(w);
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
