/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * What identifies a row: columns that a unique index keeps apart and that are
 * never NULL.
 */

/* Unique indexes over plain columns; the primary key first, then those of few columns. */
static const char indexes_sql[] =
    "SELECT i.indisprimary, pg_catalog.array_to_string((i.indkey::pg_catalog.int2[])"
    "[0:i.indnkeyatts - 1], ' ') FROM pg_catalog.pg_index i WHERE i.indrelid = $1::oid AND "
    "i.indisunique AND i.indisvalid AND i.indpred IS NULL AND 0 <> ALL "
    "((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]) ORDER BY i.indisprimary DESC, "
    "i.indnkeyatts, i.indexrelid";

struct index {
	const struct column *columns[KEY_MAX];
	size_t n;
};

/* "1 2 5"; false: more columns than a key may have. */
static bool parse_index(const struct instance *inst, const char *text, struct index *index)
{
	char *end;

	index->n = 0;
	for (; *text; text = end) {
		int number = (int)strtol(text, &end, 10);

		if (end == text || index->n == KEY_MAX)
			return false;
		index->columns[index->n] = column_numbered(inst, number);
		if (!index->columns[index->n++])
			return false;
		while (*end == ' ')
			end++;
	}
	return index->n > 0;
}

static bool is_wanted(const struct instance *inst, const struct index *index,
		      const struct migrate_strings *wanted)
{
	if (wanted->n != index->n)
		return false;
	for (size_t i = 0; i < wanted->n; i++) {
		const struct column *c = column_named(inst, wanted->items[i]);
		bool there = false;

		for (size_t k = 0; k < index->n; k++)
			there |= index->columns[k] == c;
		if (!there)
			return false;
	}
	return true;
}

static bool may_serve(const struct instance *inst, const struct index *index)
{
	for (size_t k = 0; k < index->n; k++)
		if (is_changed(inst, index->columns[k]) || !index->columns[k]->not_null)
			return false;
	return true;
}

static enum form form_of(const struct column *c)
{
	switch (c->base) {
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
		return FORM_INTEGER;
	case OID_UUID:
		return FORM_UUID;
	case OID_TEXT:
		return FORM_TEXT;
	default:
		return FORM_OTHER;
	}
}

static enum migrate_status take_index(struct self *self, const struct index *index)
{
	struct instance *inst = self->instance;

	for (size_t k = 0; k < index->n; k++) {
		const struct column *c = index->columns[k];
		struct key_part *part = &inst->key[k];
		struct text s = { .n = 0 };

		if (!c->array)
			return migrate_fail(self->session, MIGRATE_INVALID,
					    "key: '%s' is %s, which cannot identify a row here; "
					    "name other unique columns with the option key",
					    c->name, c->shown);
		part->column = c;
		part->form = form_of(c);
		text_printf(&s, "%s.", inst->alias);
		sql_name(&s, c->name);
		if (c->is_domain || c->base != c->plain)
			text_printf(&s, "::%s", c->type);
		part->sql = text_finish(&s);
		inst->key_count++;
		inst->shown_count += part->form == FORM_OTHER;
		if (!part->sql)
			return out_of_memory(self);
	}
	return MIGRATE_OK;
}

static enum migrate_status check_named(struct self *self, const struct migrate_strings *key)
{
	const struct instance *inst = self->instance;

	for (size_t i = 0; i < key->n; i++) {
		const struct column *c = column_named(inst, key->items[i]);

		if (!c)
			return no_such_column(self->session, "key", key->items[i], inst->table,
					      inst->columns, sizeof(*inst->columns),
					      inst->column_count);
		if (is_changed(inst, c))
			return key_is_changed(self->session, c->name);
		if (!c->not_null)
			return key_may_be_null(self->session, c->name);
	}
	return MIGRATE_OK;
}

static enum migrate_status no_key(struct self *self, const struct migrate_strings *key)
{
	const struct instance *inst = self->instance;

	if (key->n)
		return key_is_not_unique(self->session, inst->table);
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "key: '%s' has no primary key and no unique index over other columns "
			    "that are NOT NULL; give it one, as its rows cannot be told apart",
			    inst->table);
}

enum migrate_status key_read(struct self *self, const struct postgres_config *config)
{
	const struct instance *inst = self->instance;
	enum migrate_status status = check_named(self, &config->key);
	struct parameters p = { .n = 0 };
	unsigned char oid[4];
	struct index index;
	PGresult *res;
	bool found = false;

	if (status)
		return status;
	put32(oid, inst->oid);
	parameter(&p, oid, sizeof(oid));
	res = catalog(self, indexes_sql, &p, SHAPE("bs", 0, ANY_ROWS), &status);
	for (int i = 0; res && !found && i < PQntuples(res); i++) {
		if (!parse_index(inst, PQgetvalue(res, i, 1), &index))
			continue;
		found =
		    config->key.n ? is_wanted(inst, &index, &config->key) : may_serve(inst, &index);
	}
	PQclear(res);
	if (status)
		return status;
	return found ? take_index(self, &index) : no_key(self, &config->key);
}
