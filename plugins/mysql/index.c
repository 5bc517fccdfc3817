/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * The indexes of the table: which one identifies a row, in whose order rows are
 * read and locked, and which one finds a value.
 */
#define INDEX_MAX 128

struct index {
	char *name;
	const struct column *columns[KEY_MAX];
	size_t n;
	bool unique, ordered, whole; /* whole: no part of it is cut or an expression */
	bool cut;                    /* the first column is */
	uint64_t cardinality;
};

struct indexes {
	struct index all[INDEX_MAX];
	size_t n;
};

/* Columns of SHOW INDEX by name: servers add some. */
enum { I_NAME, I_OTHER, I_PLACE, I_COLUMN, I_CARDINALITY, I_CUT, I_TYPE, I_VISIBLE, I_IGNORED };

static bool find_columns(const struct answer *res, int *at)
{
	static const char *const names[] = { "Key_name",    "Non_unique",  "Seq_in_index",
					     "Column_name", "Cardinality", "Sub_part",
					     "Index_type",  "Visible",     "Ignored" };
	bool found = true;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		at[i] = -1;
		for (size_t f = 0; f < res->columns; f++)
			if (!strcasecmp(res->names[f], names[i]))
				at[i] = (int)f;
		found &= at[i] >= 0 || i >= I_VISIBLE;
	}
	return found;
}

static const char *text_at(const struct row *row, const int *at, int what)
{
	return at[what] < 0 ? "" : field_text(row, (size_t)at[what]);
}

static struct index *index_named(struct indexes *all, const char *name)
{
	if (all->n && !strcmp(all->all[all->n - 1].name, name))
		return &all->all[all->n - 1];
	if (all->n == INDEX_MAX)
		return NULL;
	all->all[all->n] = (struct index){ .name = strdup(name), .whole = true };
	return all->all[all->n].name ? &all->all[all->n++] : NULL;
}

static bool take_row(struct indexes *all, const struct instance *inst, const struct row *row,
		     const int *at)
{
	const struct column *c = column_named(inst, text_at(row, at, I_COLUMN));
	bool cut = *text_at(row, at, I_CUT), first = !strcmp(text_at(row, at, I_PLACE), "1");
	struct index *index;

	if (!strcasecmp(text_at(row, at, I_VISIBLE), "NO") ||
	    !strcasecmp(text_at(row, at, I_IGNORED), "YES"))
		return true;
	index = index_named(all, text_at(row, at, I_NAME));
	if (!index)
		return false;
	index->unique = *text_at(row, at, I_OTHER) == '0';
	index->ordered = !strcasecmp(text_at(row, at, I_TYPE), "BTREE");
	if (first)
		index->cut = cut;
	if (first)
		index->cardinality = strtoull(text_at(row, at, I_CARDINALITY), NULL, 10);
	if (!c || cut || index->n == KEY_MAX)
		index->whole = false;
	if (c && index->n < KEY_MAX)
		index->columns[index->n++] = c;
	else if (first) /* an expression comes first */
		index->ordered = false;
	return true;
}

static enum migrate_status read_all(struct self *self, struct indexes *all)
{
	enum migrate_status status;
	struct text s = { .n = 0 };
	struct answer *res;
	struct row row;
	int at[I_IGNORED + 1];

	text_printf(&s, "SHOW INDEX FROM %s", self->instance->table_sql);
	res = catalog_built(self, &s, SHAPE("*", 0, ANY_ROWS), &status);
	if (!res)
		return status;
	if (!find_columns(res, at))
		status = wrong_answer(self, &self->main, "cannot read the catalog",
				      "columns of SHOW INDEX are missing");
	while (!status && row_next(res, &row))
		if (!take_row(all, self->instance, &row, at))
			status = out_of_memory(self);
	answer_free(res);
	return status;
}

/* ---- What identifies a row ---- */

static bool may_identify(const struct instance *inst, const struct index *index)
{
	if (!index->unique || !index->ordered || !index->whole || !index->n)
		return false;
	for (size_t k = 0; k < index->n; k++)
		if (is_changed(inst, index->columns[k]) || !index->columns[k]->not_null ||
		    form_of(index->columns[k]) == FORM_NONE)
			return false;
	return true;
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
		if (form_of(c) == FORM_NONE)
			return migrate_fail(self->session, MIGRATE_INVALID,
					    "key: '%s' is %s, which cannot identify a row here; "
					    "name other unique columns",
					    c->name, c->shown);
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
			    "that are NOT NULL and of a type that can be compared exactly; give "
			    "it one, as its rows cannot be told apart",
			    inst->table);
}

/* The primary key if it will do, else the index of the fewest columns. */
static enum migrate_status choose_key(struct self *self, const struct indexes *all,
				      const struct migrate_strings *key)
{
	struct instance *inst = self->instance;
	const struct index *best = NULL;
	enum migrate_status status = check_named(self, key);

	for (size_t i = 0; !status && i < all->n; i++) {
		const struct index *index = &all->all[i];
		bool primary = !strcmp(index->name, "PRIMARY");

		if (!may_identify(inst, index) || (key->n && !is_wanted(inst, index, key)))
			continue;
		if (!best || primary || (strcmp(best->name, "PRIMARY") && index->n < best->n))
			best = index;
	}
	if (status || !best)
		return status ? status : no_key(self, key);
	for (size_t k = 0; k < best->n; k++) {
		inst->key[k] = (struct key_part){ .column = best->columns[k],
						  .form = form_of(best->columns[k]) };
		inst->has_moment |= !strcasecmp(best->columns[k]->type, "timestamp");
	}
	inst->key_count = best->n;
	inst->key_index = quoted_name(best->name);
	return inst->key_index ? MIGRATE_OK : out_of_memory(self);
}

/* ---- What finds a value ---- */

/* Letters that mean something: without quotes of names, blanks, escapes and character sets. */
static void squeeze(const char *in, char *out, size_t size)
{
	size_t n = 0;

	for (; *in && n + 1 < size; in++) {
		if (!strncmp(in, "_utf8mb4", 8) || !strncmp(in, "_utf8mb3", 8)) {
			in += 7;
			continue;
		}
		if (!strchr("`\\ \"", *in))
			out[n++] = *in;
	}
	out[n] = '\0';
}

static bool is_written(const struct column *c, struct text *form)
{
	char has[1024], wanted[1024];
	char *text = text_finish(form);

	if (!text)
		return false;
	squeeze(c->expression, has, sizeof(has));
	squeeze(text, wanted, sizeof(wanted));
	free(text);
	return !strcasecmp(has, wanted);
}

/* Is a generated column the text at our place of the document? */
static bool is_place(const struct instance *inst, const struct column *c)
{
	const char *name = inst->column->name, *path = inst->json_path;
	struct text unquote = { .n = 0 }, value = { .n = 0 };
	bool unquotes, values;

	if (!c->expression || form_of(c) != FORM_TEXT)
		return false;
	text_printf(&unquote, "json_unquote(json_extract(%s,'%s'))", name, path);
	text_printf(&value, "json_value(%s,'%s')", name, path);
	/* each look frees what it looked for */
	unquotes = is_written(c, &unquote);
	values = is_written(c, &value);
	return unquotes || values;
}

/* A cut index of few different beginnings would be as good as none. */
static bool is_sharp(struct self *self, const struct index *index, uint64_t rows)
{
	if (!index->cut || index->cardinality * 10 >= rows)
		return true;
	migrate_note(self->session,
		     "index '%s' holds the beginnings of the values alone, and many are the same: "
		     "it is not used",
		     index->name);
	return false;
}

static bool finds(const struct instance *inst, const struct index *index)
{
	const struct column *c = index->n ? index->columns[0] : NULL;

	if (!index->ordered || !c)
		return false;
	return inst->kind == KIND_JSON ? is_place(inst, c) : c == inst->column;
}

/* As many rows as the best index of the table knows of. */
static uint64_t rows_of(const struct indexes *all)
{
	uint64_t most = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->all[i].cardinality > most)
			most = all->all[i].cardinality;
	return most;
}

static enum migrate_status choose_find(struct self *self, const struct indexes *all)
{
	struct instance *inst = self->instance;

	inst->find_column = inst->column;
	for (size_t i = 0; i < all->n; i++) {
		const struct index *index = &all->all[i];
		bool whole = index->n == 1 && index->columns[0] == inst->column;

		inst->unique |= index->unique && whole && inst->kind != KIND_JSON;
		if (inst->indexed || !finds(inst, index) || !is_sharp(self, index, rows_of(all)))
			continue;
		inst->find_index = quoted_name(index->name);
		if (!inst->find_index)
			return out_of_memory(self);
		inst->find_column = index->columns[0];
		inst->indexed = true;
	}
	return MIGRATE_OK;
}

enum migrate_status indexes_read(struct self *self, const struct mysql_config *config)
{
	struct indexes *all = calloc(1, sizeof(*all));
	enum migrate_status status = all ? read_all(self, all) : out_of_memory(self);

	if (!status)
		status = choose_key(self, all, &config->key);
	if (!status)
		status = choose_find(self, all);
	for (size_t i = 0; all && i < all->n; i++)
		free(all->all[i].name);
	free(all);
	return status;
}
