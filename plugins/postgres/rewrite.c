/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * One transaction per call. Rows are locked by their keys and read under the
 * lock; every outcome is decided from that. Those that hold what was expected
 * are changed by one statement, which compares once more and answers with what they
 * hold afterwards. Where there are triggers, what they made of it is read at the end.
 */

/* Columns of what S_LOCK gives. */
enum { LOCKED_N, LOCKED_THERE, LOCKED_VALUE, LOCKED_SET };

enum todo { NOTHING, VALUE, SET_ALONE };

struct work {
	struct self *self;
	struct migrate_rewrite *r;
	PGresult *locked;
	bool *free;          /* by change: it could be locked */
	int *row;            /* of `locked`, by change; -1: none */
	int *there;          /* the same of a read that locks none */
	unsigned char *todo; /* enum todo, by change */
	size_t *members;     /* the change behind each row that is updated */
	size_t member_count;
};

static bool same_held(struct migrate_bytes held, struct migrate_bytes wanted)
{
	return held.p && same_bytes(held, wanted);
}

static enum migrate_status not_ours(struct self *self)
{
	return not_an_identity(self->session, self->instance->table);
}

static Oid element_of(const struct column *c)
{
	return c->base;
}

static void keys_begin(struct self *self)
{
	for (size_t k = 0; k < self->instance->key_count; k++)
		array_begin(&self->arrays[k], element_of(self->instance->key[k].column));
}

static bool keys_add(struct self *self, struct migrate_bytes identity)
{
	const struct instance *inst = self->instance;
	struct migrate_bytes part;

	for (size_t k = 0; k < inst->key_count; k++) {
		if (!identity_part(inst, k, &identity, self->scratch, &part))
			return false;
		array_add(&self->arrays[k], part);
	}
	return !identity.n;
}

static bool bind(struct self *self, struct parameters *p, size_t arrays)
{
	for (size_t i = 0; i < arrays; i++) {
		if (!array_end(&self->arrays[i]))
			return false;
		parameter_array(p, &self->arrays[i]);
	}
	return true;
}

/* ---- Locking ---- */

static const char locking[] = "cannot lock the rows";

/* All of the rows, whatever they hold: w->locked, w->row. */
static enum migrate_status read_rows(struct work *w, enum statement how, const char *what)
{
	struct self *self = w->self;
	const struct instance *inst = self->instance;
	const struct shape shape = { .columns = inst->locked_columns,
				     .most = (uint32_t)w->r->count,
				     .values = true };
	struct parameters p = { .n = 0 };
	enum migrate_status status;

	keys_begin(self);
	for (size_t i = 0; i < w->r->count; i++)
		if (!keys_add(self, w->r->changes[i]->identity))
			return not_ours(self);
	if (!bind(self, &p, inst->key_count))
		return out_of_memory(self);
	PQclear(w->locked);
	w->locked = query(self, &self->main, inst->sql[how], &p, &shape, QUICK, what, &status);
	for (size_t i = 0; i < w->r->count; i++)
		w->row[i] = -1;
	for (int i = 0; !status && i < PQntuples(w->locked); i++) {
		uint64_t n = field_count(w->locked, i, LOCKED_N);

		if (!n || n > w->r->count || w->row[n - 1] >= 0)
			return wrong_answer(self, &self->main, what,
					    "a row came back that was not asked for");
		w->row[n - 1] = i;
	}
	return status;
}

static void note_free(struct work *w)
{
	for (size_t i = 0; i < w->r->count; i++)
		w->free[i] = w->row[i] >= 0;
}

/* Rows that were passed over, or are gone: a plain read tells which. They count as gone so far. */
static enum migrate_status look_for_others(struct work *w)
{
	enum migrate_status status = MIGRATE_OK;
	PGresult *locked = w->locked;
	int *row = w->row;
	bool all = true;

	for (size_t i = 0; i < w->r->count; i++)
		all &= w->free[i];
	if (all)
		return MIGRATE_OK;
	w->locked = NULL;
	w->row = w->there;
	status = read_rows(w, S_READ, locking);
	PQclear(w->locked);
	w->locked = locked;
	w->row = row;
	return status;
}

/* `where` may ask of other rows, too: as they are once ours are locked, and not before. */
static enum migrate_status lock(struct work *w)
{
	bool pass_over = w->r->pass_over;
	enum migrate_status status = read_rows(w, pass_over ? S_LOCK_FREE : S_LOCK, locking);

	if (!status)
		note_free(w);
	if (!status && pass_over)
		status = look_for_others(w);
	else if (!status)
		status = transaction_hurry(w->self);
	if (!status && w->self->instance->where_asks)
		status = read_rows(w, S_READ, locking);
	return status;
}

/* ---- Deciding ---- */

/* What the place holds under the lock; p NULL: nothing that can be a key. False: no such place. */
static bool held_at(const struct work *w, size_t i, struct migrate_bytes *held)
{
	struct migrate_bytes value = field(w->locked, w->row[i], LOCKED_VALUE);

	*held = value;
	if (w->self->instance->kind == KIND_LIST)
		return list_element(value, w->r->changes[i]->place, held);
	return *PQgetvalue(w->locked, w->row[i], LOCKED_THERE) != 0; /* a byte, by its shape */
}

static enum migrate_status check_after(struct self *self, const struct migrate_change *c)
{
	if (value_is_possible(self->instance, c->after))
		return MIGRATE_OK;
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "the new value is not valid text, which a column of %s must hold",
			    self->instance->column->shown);
}

static bool is_meant(const struct work *w, size_t i)
{
	const struct instance *inst = w->self->instance;

	return !inst->where ||
	       *PQgetvalue(w->locked, w->row[i], LOCKED_SET + (int)inst->set_count) != 0;
}

static void tell_conflict(struct work *w, size_t i, struct migrate_bytes value, bool left_out)
{
	const struct instance *inst = w->self->instance;
	struct held held = HELD_INIT;

	held_column(&held, inst->column->name, value);
	for (size_t k = 0; k < inst->set_count; k++)
		held_column(&held, inst->set[k].column->name,
			    field(w->locked, w->row[i], LOCKED_SET + (int)k));
	if (left_out)
		held_left_out(&held);
	migrate_set_conflict(w->r, i, "it was changed meanwhile: %s", held.text);
}

/* The change is made: what it is, and what an undo will put back. */
static enum migrate_status take_change(struct work *w, size_t i)
{
	struct self *self = w->self;
	struct migrate_change *c = w->r->changes[i];
	enum migrate_status status = check_after(self, c);
	struct migrate_bytes extra;

	if (!status && c->found.n) {
		status = row_extra(self, w->locked, w->row[i], LOCKED_SET, &extra);
		if (!status && !same_bytes(extra, c->found) && !migrate_set_extra(w->r, i, extra))
			status = out_of_memory(self);
	}
	if (status)
		return status;
	c->outcome = MIGRATE_ROW_CHANGED;
	w->todo[i] = same_bytes(c->before, c->after) ? SET_ALONE : VALUE;
	return MIGRATE_OK;
}

static enum migrate_status decide(struct work *w, size_t i)
{
	struct migrate_change *c = w->r->changes[i];
	struct migrate_bytes held = { .p = NULL, .n = 0 };
	struct evidence seen = { .there = w->free[i] && w->row[i] >= 0 && held_at(w, i, &held) };
	enum migrate_outcome outcome;

	w->todo[i] = NOTHING;
	if (!w->free[i] && w->r->pass_over && w->there[i] >= 0) {
		c->outcome = MIGRATE_ROW_HELD;
		return MIGRATE_OK;
	}
	if (seen.there) {
		seen.before = same_held(held, c->before);
		seen.after = same_held(held, c->after);
		seen.meant = is_meant(w, i);
		seen.sets = row_sets(w->self->instance, w->locked, w->row[i], LOCKED_SET, c);
	}
	outcome = row_decide(c, &seen);
	if (outcome == MIGRATE_ROW_CHANGED)
		return take_change(w, i);
	if (outcome == MIGRATE_ROW_CONFLICT)
		tell_conflict(w, i, held, row_is_left_out(c, &seen));
	c->outcome = outcome;
	return MIGRATE_OK;
}

/* ---- Changing ---- */

/* Several elements of one list are one change of its row; they come one after the other. */
static bool joins(const struct work *w, size_t i, enum todo what)
{
	return w->self->instance->kind == KIND_LIST && w->member_count && i &&
	       w->todo[i - 1] == (unsigned char)what &&
	       same_bytes(w->r->changes[i]->identity, w->r->changes[i - 1]->identity);
}

static void add_quoted(struct text *s, struct migrate_bytes element)
{
	const char *p = element.p;

	if (!p) {
		text_printf(s, "NULL");
		return;
	}
	text_printf(s, "\"");
	for (size_t i = 0; i < element.n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			text_printf(s, "\\");
		text_add(s, p + i, 1);
	}
	text_printf(s, "\"");
}

/* The element as it shall be: one of the changes of this row, or as it is. */
static struct migrate_bytes changed_element(const struct work *w, size_t first, uint32_t place,
					    struct migrate_bytes element)
{
	const struct migrate_change *one = w->r->changes[first];

	for (size_t i = first; i < w->r->count; i++) {
		const struct migrate_change *c = w->r->changes[i];

		if (!same_bytes(c->identity, one->identity))
			break;
		if (w->todo[i] == VALUE && get32(c->place.p) == place)
			return c->after.p ? c->after : (struct migrate_bytes){ .p = "", .n = 0 };
	}
	return element;
}

/* {"a","b",NULL}: as it shall be, or as it is */
static bool add_list(struct work *w, size_t first, bool changed, struct array *out)
{
	struct migrate_bytes list = field(w->locked, w->row[first], LOCKED_VALUE), element;
	struct text s = { .n = 0 };
	uint32_t place = 0;
	size_t at = 0;
	bool good;

	text_printf(&s, "{");
	while (array_next(list, &at, &element)) {
		text_printf(&s, "%s", place++ ? "," : "");
		add_quoted(&s, changed ? changed_element(w, first, place, element) : element);
	}
	text_printf(&s, "}");
	good = !s.bad;
	if (good)
		array_add(out, (struct migrate_bytes){ .p = s.p, .n = s.n });
	text_release(&s);
	return good;
}

/* What the row shall hold, unless its value stays; then what it holds. */
static bool add_values(struct work *w, size_t i, enum todo what, struct array *arrays)
{
	const struct migrate_change *c = w->r->changes[i];

	if (w->self->instance->kind == KIND_LIST)
		return (what != VALUE || add_list(w, i, true, arrays++)) &&
		       add_list(w, i, false, arrays);
	if (what == VALUE)
		array_add(arrays++, c->after);
	array_add(arrays, c->before);
	return true;
}

static bool add_sets(struct work *w, struct migrate_bytes extra, struct array *arrays)
{
	const struct instance *inst = w->self->instance;
	bool of_job = !extra.n;

	for (size_t i = 0; i < inst->set_count; i++) {
		const char *text = inst->set[i].value;
		struct migrate_bytes value = { .p = text, .n = text ? strlen(text) : 0 };

		if (!of_job && !extra_next(&extra, &value))
			return false;
		if (value.p)
			array_add(&arrays[i], value);
		else
			array_null(&arrays[i]);
	}
	return !extra.n;
}

static enum migrate_status add_member(struct work *w, size_t i, enum todo what)
{
	struct self *self = w->self;
	struct migrate_change *c = w->r->changes[i];
	struct array *values = &self->arrays[self->instance->key_count];

	if (!keys_add(self, c->identity))
		return not_ours(self);
	if (!add_values(w, i, what, values))
		return out_of_memory(self);
	if (!add_sets(w, c->extra, values + 1 + (what == VALUE)))
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "set: what was kept of these columns is not theirs");
	w->members[w->member_count++] = i;
	return MIGRATE_OK;
}

static enum migrate_status gather(struct work *w, enum todo what, size_t *arrays)
{
	struct self *self = w->self;
	const struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;
	size_t n = inst->key_count;

	keys_begin(self);
	for (int i = 0; i < 1 + (what == VALUE); i++)
		array_begin(&self->arrays[n++], inst->kind == KIND_BYTES ? OID_BYTEA : OID_TEXT);
	for (size_t i = 0; i < inst->set_count; i++)
		array_begin(&self->arrays[n++], OID_TEXT);
	*arrays = n;
	w->member_count = 0;
	for (size_t i = 0; !status && i < w->r->count; i++)
		if (w->todo[i] == (unsigned char)what && !joins(w, i, what))
			status = add_member(w, i, what);
	return status;
}

static enum migrate_status differs(struct self *self)
{
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "a trigger or the type of a column of '%s' made another value of one "
			    "that was written",
			    self->instance->table);
}

/* One row came back: it, and in a list each of its elements, must hold what was written. */
static enum migrate_status check_row(struct work *w, size_t first, struct migrate_bytes held,
				     enum todo what)
{
	const struct instance *inst = w->self->instance;
	struct migrate_change *const *changes = w->r->changes;
	struct migrate_bytes element = held;

	for (size_t i = first; i < w->r->count; i++) {
		if (i > first && (inst->kind != KIND_LIST ||
				  !same_bytes(changes[i]->identity, changes[first]->identity)))
			break;
		if (w->todo[i] != (unsigned char)what)
			continue;
		if (inst->kind == KIND_LIST && !list_element(held, changes[i]->place, &element))
			return differs(w->self);
		if (!same_held(element, changes[i]->after))
			return differs(w->self);
	}
	return MIGRATE_OK;
}

static const char changing[] = "cannot change the rows";

static enum migrate_status check_rows(struct work *w, const PGresult *res, enum todo what)
{
	enum migrate_status status = MIGRATE_OK;
	int rows = PQntuples(res);

	if ((size_t)rows != w->member_count)
		return migrate_fail(w->self->session, MIGRATE_INVALID,
				    "a trigger of '%s' keeps the row from being changed",
				    w->self->instance->table);
	for (int i = 0; !status && i < rows; i++) {
		uint64_t n = field_count(res, i, 0);

		if (!n || n > w->member_count || w->members[n - 1] == SIZE_MAX)
			return wrong_answer(w->self, &w->self->main, changing,
					    "a row came back that was not changed");
		status = check_row(w, w->members[n - 1], field(res, i, 1), what);
		w->members[n - 1] = SIZE_MAX; /* once */
	}
	return status;
}

static enum migrate_status change(struct work *w, enum todo what)
{
	struct self *self = w->self;
	const struct instance *inst = self->instance;
	struct shape shape = { .columns = inst->changed_columns, .values = true };
	struct parameters p = { .n = 0 };
	enum migrate_status status;
	size_t arrays = 0;
	PGresult *res;

	status = gather(w, what, &arrays);
	if (status || !w->member_count)
		return status;
	if (!bind(self, &p, arrays))
		return out_of_memory(self);
	shape.most = (uint32_t)w->member_count;
	res = query(self, &self->main, inst->sql[what == VALUE ? S_UPDATE : S_UPDATE_SET], &p,
		    &shape, QUICK, changing, &status);
	if (!status)
		status = check_rows(w, res, what);
	PQclear(res);
	return status;
}

/*
 * What triggers made of it, those that wait for the end of the transaction, too: nothing of
 * ours follows any more.
 */
static enum migrate_status verify(struct work *w)
{
	enum migrate_status status =
	    command(w->self, &w->self->main, "SET CONSTRAINTS ALL IMMEDIATE", changing);

	if (!status)
		status = read_rows(w, S_READ, "cannot read the rows");
	for (size_t i = 0; !status && i < w->r->count; i++) {
		const struct migrate_change *c = w->r->changes[i];
		struct migrate_bytes held;

		if (w->todo[i] == NOTHING)
			continue;
		if (w->row[i] < 0 || !held_at(w, i, &held) || !same_held(held, c->after) ||
		    row_sets(w->self->instance, w->locked, w->row[i], LOCKED_SET, c) != SETS_DONE)
			status = differs(w->self);
	}
	return status;
}

/* ---- The call ---- */

static enum migrate_status transact(struct work *w)
{
	struct self *self = w->self;
	enum migrate_status status = transaction_begin(self, w->r->pass_over);

	if (status)
		return status;
	status = lock(w);
	for (size_t i = 0; !status && i < w->r->count; i++)
		status = decide(w, i);
	if (!status)
		status = change(w, VALUE);
	if (!status && self->instance->set_count)
		status = change(w, SET_ALONE);
	if (!status && self->instance->verify)
		status = verify(w);
	return status ? transaction_rollback(self, status) : transaction_commit(self);
}

enum migrate_status postgres_rewrite(void *handle, struct migrate_rewrite *r)
{
	struct work w = { .self = handle, .r = r };
	enum migrate_status status;

	w.self->session = r->session;
	w.free = calloc(r->count + 1, sizeof(*w.free));
	w.row = calloc(r->count + 1, sizeof(*w.row));
	w.there = calloc(r->count + 1, sizeof(*w.there));
	w.todo = calloc(r->count + 1, sizeof(*w.todo));
	w.members = calloc(r->count + 1, sizeof(*w.members));
	if (w.free && w.row && w.there && w.todo && w.members)
		status = transact(&w);
	else
		status = out_of_memory(w.self);
	PQclear(w.locked);
	free(w.free);
	free(w.row);
	free(w.there);
	free(w.todo);
	free(w.members);
	return status;
}
