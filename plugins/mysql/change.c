/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define GUARD_MAX 256 /* bytes of a value that is compared as it is */

/*
 * One UPDATE for many rows: UPDATE t SET path = IF(id < 3, IF(id < 2, 'a', 'b'),
 * IF(id < 4, 'c', 'd')) WHERE id IN (1, 2, 3, 4) AND (id, path) IN (...). The choice is a balanced tree
 * over the key in the server's own order, so that a row costs ten comparisons and
 * no table has to be made; every version of either server can do it.
 */

struct tree {
	struct text *s;
	const struct instance *inst;
	const struct migrate_bytes *identities;
	void (*leaf)(struct tree *t, size_t i);
	const struct migrate_change *const *members;
	const struct migrate_bytes *values; /* of a `set:` column, by member */
	const struct column *column;
	bool good;
};

static void grow(struct tree *t, size_t from, size_t to)
{
	size_t middle = from + (to - from) / 2;

	if (to - from == 1) {
		t->leaf(t, from);
		return;
	}
	text_add(t->s, "IF(", 3);
	t->good &= text_before(t->s, t->inst, t->identities[middle]);
	text_add(t->s, ",", 1);
	grow(t, from, middle);
	text_add(t->s, ",", 1);
	grow(t, middle, to);
	text_add(t->s, ")", 1);
}

static void value_leaf(struct tree *t, size_t i)
{
	struct migrate_bytes after = t->members[i]->after;

	if (!after.p)
		after.p = "";
	text_stored(t->s, t->column, after);
}

static void set_leaf(struct tree *t, size_t i)
{
	text_stored(t->s, t->column, t->values[i]);
}

static void add_value(struct tree *t, size_t n)
{
	const struct instance *inst = t->inst;

	t->column = inst->column;
	t->leaf = value_leaf;
	text_printf(t->s, "%s = ", inst->column->sql);
	if (inst->kind == KIND_JSON) {
		text_printf(t->s, "JSON_REPLACE(%s, ", inst->column->sql);
		sql_string(t->s, inst->json_path);
		text_add(t->s, ", ", 2);
	}
	grow(t, 0, n);
	if (inst->kind == KIND_JSON)
		text_add(t->s, ")", 1);
}

/* What each member keeps for the next of its `set:` columns; the job's if it keeps nothing. */
static bool next_values(const struct set_column *set, const struct migrate_change *const *members,
			struct migrate_bytes *left, struct migrate_bytes *values, size_t n,
			bool *differ)
{
	struct migrate_bytes own = { .p = set->value, .n = set->value ? strlen(set->value) : 0 };

	*differ = false;
	for (size_t i = 0; i < n; i++) {
		values[i] = own;
		if (members[i]->extra.n && !extra_next(&left[i], &values[i]))
			return false;
		*differ |= members[i]->extra.n != 0;
	}
	return true;
}

/* Two arrays, as long as there are members: what is left of extra, and a column's values. */
static bool fill_sets(struct tree *t, struct migrate_bytes *left, struct migrate_bytes *values,
		      size_t n, bool comma)
{
	const struct instance *inst = t->inst;
	bool differ;

	for (size_t i = 0; i < n; i++)
		left[i] = t->members[i]->extra;
	t->values = values;
	t->leaf = set_leaf;
	for (size_t k = 0; k < inst->set_count; k++) {
		t->column = inst->set[k].column;
		if (!next_values(&inst->set[k], t->members, left, values, n, &differ))
			return false;
		text_printf(t->s, "%s%s = ", k || comma ? ", " : "", t->column->sql);
		if (differ)
			grow(t, 0, n);
		else
			set_leaf(t, 0);
	}
	for (size_t i = 0; i < n; i++)
		if (left[i].n)
			return false;
	return true;
}

static enum migrate_status add_sets(struct self *self, struct tree *t, size_t n, bool comma)
{
	struct migrate_bytes *arrays = calloc(2 * n, sizeof(*arrays));
	enum migrate_status status = MIGRATE_OK;

	if (!arrays)
		return out_of_memory(self);
	if (!fill_sets(t, arrays, arrays + n, n, comma))
		status = migrate_fail(self->session, MIGRATE_INVALID,
				      "set: what was kept of these columns is not theirs");
	free(arrays);
	return status;
}

/*
 * AND (id, path) IN ((1, 'a'), ...), by bytes whatever the collation. Of long values a
 * digest does, so that a statement is not twice as long for them.
 */
static bool add_guard(struct text *s, const struct instance *inst,
		      const struct migrate_change *const *members,
		      const struct migrate_bytes *identities, size_t n)
{
	bool digests = false;

	for (size_t i = 0; i < n; i++)
		digests |= members[i]->before.n > GUARD_MAX;
	text_printf(s, " AND (");
	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(s, "%s, ", inst->key[k].column->sql);
	if (digests)
		text_printf(s, "IF(OCTET_LENGTH(%s) > %d, UNHEX(SHA2(%s, 256)), %s)",
			    inst->bytes_sql, GUARD_MAX, inst->bytes_sql, inst->bytes_sql);
	else
		text_printf(s, "%s", inst->bytes_sql);
	text_printf(s, ") IN (");
	for (size_t i = 0; i < n; i++) {
		unsigned char digest[SHA256_DIGEST_LENGTH];
		struct migrate_bytes value = members[i]->before;

		if (value.n > GUARD_MAX) {
			if (!SHA256(value.p, value.n, digest))
				return false;
			value = (struct migrate_bytes){ .p = digest, .n = sizeof(digest) };
		}
		text_add(s, i ? ",(" : "(", i ? 2 : 1);
		if (!text_key_values(s, inst, identities[i]))
			return false;
		text_add(s, ",", 1);
		sql_binary(s, value);
		text_add(s, ")", 1);
	}
	text_add(s, ")", 1);
	return true;
}

enum migrate_status change_build(struct self *self, const struct migrate_change *const *members,
				 const struct migrate_bytes *identities, size_t n, bool value)
{
	const struct instance *inst = self->instance;
	struct text *s = &self->text;
	struct tree t = {
		.s = s, .inst = inst, .identities = identities, .members = members, .good = true
	};
	enum migrate_status status = MIGRATE_OK;

	text_reset(s);
	/* nothing is waited for while rows are locked; who does not wait is in no deadlock */
	if (inst->is_mariadb)
		text_printf(s, "SET STATEMENT innodb_lock_wait_timeout = 0 FOR ");
	text_printf(s, "UPDATE %s FORCE INDEX (%s) SET ", inst->table_sql, inst->key_index);
	if (value)
		add_value(&t, n);
	if (inst->set_count)
		status = add_sets(self, &t, n, value);
	if (status)
		return status;
	text_printf(s, " WHERE ");
	if (!text_keys(s, inst, identities, n) || !t.good ||
	    !add_guard(s, inst, members, identities, n))
		return not_an_identity(self->session, inst->table);
	return s->bad ? out_of_memory(self) : MIGRATE_OK;
}
