/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

#include <string.h>

/*
 * What identifies a row: columns that the schema keeps unique, each compared
 * under the collation of the index that does so, or else the rowid.
 */

/* A key may not hold a column that we change: its rows could not be found again. */
static bool is_changed(const struct instance *inst, const char *name)
{
	char *sql;
	bool hit = false;

	if (same_name(name, inst->column))
		return true;
	sql = sqlite3_mprintf("\"%w\"", name);
	for (size_t i = 0; sql && i < inst->set_count; i++)
		hit |= same_name(sql, inst->set[i].sql);
	sqlite3_free(sql);
	return hit;
}

static enum migrate_status out_of_memory(struct self *self)
{
	return migrate_fail(self->session, MIGRATE_TRANSIENT, "out of memory");
}

/* The name under which the rowid can be reached; NULL: columns hide all of them. */
static const char *rowid_name(const struct instance *inst)
{
	static const char *const names[] = { "rowid", "_rowid_", "oid" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!catalog_column(inst, names[i]))
			return names[i];
	return NULL;
}

static bool is_rowid_name(const char *name)
{
	return same_name(name, "rowid") || same_name(name, "_rowid_") || same_name(name, "oid");
}

static enum migrate_status use_integer(struct self *self, const char *name)
{
	struct instance *inst = self->instance;
	struct key_part *part = &inst->key[0];

	part->name = sqlite3_mprintf("%s", name);
	part->sql = sqlite3_mprintf("\"%w\"", name);
	inst->key_count = 1;
	inst->integer_key = true;
	return part->name && part->sql ? MIGRATE_OK : out_of_memory(self);
}

static enum migrate_status use_rowid(struct self *self)
{
	const char *name = rowid_name(self->instance);

	if (!name)
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "key: columns of '%s' hide the rowid; name unique columns with "
				    "the option key",
				    self->instance->table);
	self->instance->rowid_key = true;
	return use_integer(self, name);
}

/* The table's indexes that may serve as a key; step it, then read name and origin. */
static sqlite3_stmt *unique_indexes(struct self *self, enum migrate_status *status)
{
	sqlite3_stmt *stmt = statement_text(self,
					    "SELECT name, origin FROM pragma_index_list(?1) WHERE "
					    "\"unique\" AND NOT partial",
					    status);

	if (stmt)
		sqlite3_bind_text(stmt, 1, self->instance->table, -1, SQLITE_STATIC);
	return stmt;
}

static sqlite3_stmt *index_columns(struct self *self, const char *index,
				   enum migrate_status *status)
{
	sqlite3_stmt *stmt = statement_text(self,
					    "SELECT name, coll FROM pragma_index_xinfo(?1) WHERE "
					    "key ORDER BY seqno",
					    status);

	if (stmt)
		sqlite3_bind_text(stmt, 1, index, -1, SQLITE_TRANSIENT);
	return stmt;
}

static bool add_part(struct instance *inst, const char *name, const char *collation)
{
	struct key_part *part = &inst->key[inst->key_count];

	if (inst->key_count == KEY_MAX)
		return false;
	part->name = sqlite3_mprintf("%s", name);
	part->sql = sqlite3_mprintf("\"%w\" COLLATE \"%w\"", name, collation);
	inst->key_count++;
	return part->name && part->sql;
}

static void forget_parts(struct instance *inst)
{
	while (inst->key_count) {
		struct key_part *part = &inst->key[--inst->key_count];

		sqlite3_free(part->name);
		sqlite3_free(part->sql);
		*part = (struct key_part){ .name = NULL };
	}
}

/* Does the index consist of exactly the wanted columns (NULL: any)? */
static bool fits(sqlite3_stmt *columns, const struct migrate_strings *wanted, size_t *n)
{
	const char *name = (const char *)sqlite3_column_text(columns, 0);

	++*n;
	if (!name) /* an expression */
		return false;
	for (size_t i = 0; wanted && i < wanted->n; i++)
		if (same_name(wanted->items[i], name))
			return true;
	return !wanted;
}

/* Take the columns of one index as the key; *taken: whether they are the wanted ones. */
static enum migrate_status try_index(struct self *self, const char *index,
				     const struct migrate_strings *wanted, bool *taken)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt = index_columns(self, index, &status);
	bool good = true;
	size_t n = 0;

	if (!stmt)
		return status;
	while (good && sqlite3_step(stmt) == SQLITE_ROW)
		good = fits(stmt, wanted, &n) &&
		       add_part(inst, column_text(stmt, 0), column_text(stmt, 1));
	sqlite3_finalize(stmt);
	*taken = good && n && (!wanted || n == wanted->n);
	if (!*taken)
		forget_parts(inst);
	return MIGRATE_OK;
}

/* The first unique index with the wanted columns, or (wanted NULL) that of the primary key. */
static enum migrate_status find_index(struct self *self, const struct migrate_strings *wanted,
				      bool *taken)
{
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt = unique_indexes(self, &status);

	*taken = false;
	if (!stmt)
		return status;
	while (!status && !*taken && sqlite3_step(stmt) == SQLITE_ROW) {
		if (!wanted && strcmp(column_text(stmt, 1), "pk"))
			continue;
		status = try_index(self, column_text(stmt, 0), wanted, taken);
	}
	sqlite3_finalize(stmt);
	return status;
}

/* The column that is the rowid under its own name: INTEGER PRIMARY KEY; or NULL. */
static enum migrate_status find_alias(struct self *self, const char **name)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;
	struct column *found = NULL;
	bool indexed = false;
	size_t n = 0;

	*name = NULL;
	for (size_t i = 0; i < inst->column_count; i++)
		if (inst->columns[i].pk) {
			found = &inst->columns[i];
			n++;
		}
	if (n != 1 || inst->without_rowid || sqlite3_stricmp(found->type, "INTEGER"))
		return MIGRATE_OK;
	status = find_index(self, NULL, &indexed); /* INTEGER PRIMARY KEY DESC has one */
	forget_parts(inst);
	if (!indexed)
		*name = found->name;
	return status;
}

static enum migrate_status check_named(struct self *self, const struct migrate_strings *key)
{
	struct instance *inst = self->instance;

	for (size_t i = 0; i < key->n; i++) {
		if (catalog_column(inst, key->items[i])) {
			if (is_changed(inst, key->items[i]))
				return key_is_changed(self->session, key->items[i]);
			continue;
		}
		if (key->n == 1 && is_rowid_name(key->items[i]) && !inst->without_rowid)
			continue;
		return no_such_column(self->session, "key", key->items[i], inst->table,
				      inst->columns, sizeof(*inst->columns), inst->column_count);
	}
	return MIGRATE_OK;
}

static enum migrate_status use_named(struct self *self, const struct migrate_strings *key,
				     const char *alias)
{
	enum migrate_status status = check_named(self, key);
	bool taken;

	if (status)
		return status;
	if (key->n == 1 && !catalog_column(self->instance, key->items[0]))
		return alias ? use_integer(self, alias) : use_rowid(self);
	if (key->n == 1 && alias && same_name(key->items[0], alias))
		return use_integer(self, alias);
	status = find_index(self, key, &taken);
	if (!status && !taken)
		status = key_is_not_unique(self->session, self->instance->table);
	return status;
}

static enum migrate_status use_primary(struct self *self)
{
	struct instance *inst = self->instance;
	bool taken, changed = false;
	enum migrate_status status = find_index(self, NULL, &taken);

	if (status)
		return status;
	for (size_t k = 0; k < inst->key_count; k++)
		changed |= is_changed(inst, inst->key[k].name);
	if (taken && !changed)
		return MIGRATE_OK;
	forget_parts(inst);
	if (inst->without_rowid)
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "key: the primary key of '%s' is changed by the job; name "
				    "other unique columns with the option key",
				    inst->table);
	return use_rowid(self);
}

enum migrate_status catalog_key(struct self *self, const struct sqlite_config *config)
{
	const char *alias;
	enum migrate_status status = find_alias(self, &alias);

	if (status)
		return status;
	if (alias && is_changed(self->instance, alias))
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "'%s' is the rowid of '%s' and cannot be changed", alias,
				    self->instance->table);
	if (config->key.n)
		return use_named(self, &config->key, alias);
	return alias ? use_integer(self, alias) : use_primary(self);
}
