/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <errmsg.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * No answer is read by anybody before it was held to the shape that its question
 * says: how many columns and rows, of which kinds. Rows are taken one by one, so
 * that one that does not fit, or is too many, is the last that is taken.
 */

#define ROW_BYTES 64   /* what a row costs beside its values */
#define FIELD_BYTES 24 /* and a field */
#define COLUMNS_MAX 4096

enum migrate_status wrong_answer(struct self *self, struct link *link, const char *what,
				 const char *format, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	/* who knows what comes next on it */
	link_close(link);
	return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
			    "%s: the server's answer is not what was asked for: %s", what, why);
}

enum migrate_status too_large(struct self *self, struct link *link, const char *what)
{
	unsigned long long bytes = link->bound.bytes;

	/* values may be large for once, and those of fewer rows are smaller */
	if (bytes <= answer_max(self->instance, false))
		return wrong_answer(self, link, what, "it has more than %llu bytes", bytes);
	link_close(link);
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "%s: the server's answer has more than %llu bytes", what, bytes);
}

/* ---- What a field must be ---- */

static bool is_integer(const char *text, bool is_signed)
{
	const char *digits = text + (is_signed && *text == '-');
	size_t n = strspn(digits, "0123456789");

	errno = 0;
	if (is_signed)
		(void)strtoll(text, NULL, 10);
	else
		(void)strtoull(text, NULL, 10);
	return n > 0 && !digits[n] && !errno;
}

static bool is_decimal(const char *text)
{
	size_t n = strspn(text, "0123456789.-");

	return n > 0 && !text[n];
}

/* NULL, or what is wrong with a field; text ends with a NUL. */
static const char *fault_of(char letter, const char *text, size_t n)
{
	static const char not_a_number[] = "is not such a number";

	if (letter == 'v')
		return NULL;
	if (memchr(text, 0, n))
		return "holds a NUL";
	switch (letter) {
	case 'i':
		return is_integer(text, true) ? NULL : not_a_number;
	case 'u':
		return is_integer(text, false) ? NULL : not_a_number;
	case 'd':
		return is_decimal(text) ? NULL : not_a_number;
	default:
		return NULL;
	}
}

/* ---- Taking rows ---- */

struct taking {
	struct self *self;
	struct link *link;
	const char *what;
	const struct shape *shape; /* NULL: nobody reads rows */
	struct answer *a;
	uint64_t bytes;
};

static bool is_any(const struct shape *shape)
{
	return *shape->columns == '*';
}

static enum migrate_status check_columns(struct taking *t, MYSQL_RES *res)
{
	size_t columns = mysql_num_fields(res);
	size_t wanted = t->shape && !is_any(t->shape) ? strlen(t->shape->columns) : columns;

	if (columns != wanted || columns > COLUMNS_MAX || !columns)
		return wrong_answer(t->self, t->link, t->what, "%zu columns instead of %zu",
				    columns, wanted);
	t->a->columns = columns;
	return MIGRATE_OK;
}

/* Names are only of interest where columns are known by them. */
static enum migrate_status take_names(struct taking *t, MYSQL_RES *res)
{
	const MYSQL_FIELD *fields = mysql_fetch_fields(res);

	if (!t->shape || !is_any(t->shape))
		return MIGRATE_OK;
	t->a->names = calloc(t->a->columns, sizeof(*t->a->names));
	for (size_t i = 0; t->a->names && i < t->a->columns; i++) {
		t->a->names[i] = strdup(fields[i].name ? fields[i].name : "");
		if (!t->a->names[i])
			return out_of_memory(t->self);
	}
	return t->a->names ? MIGRATE_OK : out_of_memory(t->self);
}

static bool grow(void *array, size_t size, size_t *cap, size_t n)
{
	size_t wanted = *cap ? *cap : 64;
	void **p = array, *grown;

	while (wanted < n)
		wanted *= 2;
	if (wanted == *cap)
		return true;
	grown = reallocarray(*p, wanted, size);
	if (!grown)
		return false;
	*p = grown;
	*cap = wanted;
	return true;
}

/* A field ends with a NUL here, whatever the library does. */
static bool append(struct answer *a, const char *p, size_t n)
{
	struct field *f;

	if (!grow(&a->fields, sizeof(*a->fields), &a->field_cap, a->field_count + 1) ||
	    !grow(&a->text, 1, &a->text_cap, a->n + n + 1))
		return false;
	f = &a->fields[a->field_count++];
	*f = (struct field){ .at = p ? a->n : SIZE_MAX, .n = n };
	if (n)
		memcpy(a->text + a->n, p, n);
	a->text[a->n + n] = '\0';
	a->n += n + 1;
	return true;
}

static enum migrate_status check_field(struct taking *t, size_t column, const struct field *f)
{
	char letter = is_any(t->shape) ? 'V' : t->shape->columns[column];
	bool nullable = letter >= 'A' && letter <= 'Z';
	const char *fault = nullable ? NULL : "is NULL";

	if (f->at != SIZE_MAX)
		fault = fault_of(nullable ? (char)(letter - 'A' + 'a') : letter, t->a->text + f->at,
				 f->n);
	if (!fault)
		return MIGRATE_OK;
	return wrong_answer(t->self, t->link, t->what, "column %zu %s", column + 1, fault);
}

static enum migrate_status take_row(struct taking *t, MYSQL_ROW row, const unsigned long *lengths)
{
	struct answer *a = t->a;
	enum migrate_status status = MIGRATE_OK;

	t->bytes += ROW_BYTES;
	for (size_t i = 0; i < a->columns; i++)
		t->bytes += FIELD_BYTES + (row[i] ? lengths[i] : 0);
	if (t->bytes > t->link->bound.bytes)
		return too_large(t->self, t->link, t->what);
	if (!t->shape)
		return MIGRATE_OK;
	if (a->rows == t->shape->most)
		return wrong_answer(t->self, t->link, t->what, "more than %llu rows",
				    (unsigned long long)t->shape->most);
	for (size_t i = 0; !status && i < a->columns; i++) {
		if (!append(a, row[i], row[i] ? lengths[i] : 0))
			return out_of_memory(t->self);
		status = check_field(t, i, &a->fields[a->field_count - 1]);
	}
	a->rows++;
	return status;
}

/* One row; *row NULL: there are no more. */
static enum migrate_status fetch(struct taking *t, enum pace pace, MYSQL_ROW *row)
{
	enum migrate_status status = MIGRATE_OK;
	int wanted = mysql_fetch_row_start(row, t->link->result);

	while (wanted) {
		status = wait_for(t->self, t->link, &wanted, pace, t->what);
		if (status)
			return status;
		wanted = mysql_fetch_row_cont(row, t->link->result, wanted);
	}
	if (*row || !mysql_errno(t->link->conn))
		return MIGRATE_OK;
	return fail_server(t->self, t->link, t->what);
}

static enum migrate_status take_rows(struct taking *t, enum pace pace)
{
	enum migrate_status status = check_columns(t, t->link->result);
	MYSQL_ROW row = NULL;

	if (!status)
		status = take_names(t, t->link->result);
	do {
		if (!status)
			status = fetch(t, pace, &row);
		if (!status && row)
			status = take_row(t, row, mysql_fetch_lengths(t->link->result));
	} while (!status && row);
	return status;
}

static enum migrate_status take(struct taking *t, enum pace pace)
{
	struct link *link = t->link;
	enum migrate_status status;

	if (!mysql_field_count(link->conn)) {
		t->a->is_command = true;
		return t->shape ? wrong_answer(t->self, link, t->what, "there are no rows in it")
				: MIGRATE_OK;
	}
	link->result = mysql_use_result(link->conn);
	if (!link->result)
		return fail_server(t->self, link, t->what);
	status = take_rows(t, pace);
	/* what was not read to its end is dropped with the line that it came on */
	if (status)
		link_close(link);
	mysql_free_result(link->result);
	link->result = NULL;
	return status;
}

enum migrate_status answer_take(struct self *self, struct link *link, const struct shape *shape,
				enum pace pace, const char *what, struct answer **out)
{
	struct taking t = { .self = self, .link = link, .what = what, .shape = shape };
	enum migrate_status status;

	t.a = *out = calloc(1, sizeof(**out));
	if (!t.a) { /* it waits on the line */
		link_close(link);
		return out_of_memory(self);
	}
	status = take(&t, pace);
	if (!status && mysql_more_results(link->conn))
		status = wrong_answer(self, link, what, "it has more than one part");
	if (!status && shape && t.a->rows < shape->least)
		status =
		    wrong_answer(self, link, what, "%llu rows instead of %llu",
				 (unsigned long long)t.a->rows, (unsigned long long)shape->least);
	if (!status)
		return MIGRATE_OK;
	answer_free(t.a);
	*out = NULL;
	return status;
}

void answer_free(struct answer *a)
{
	if (!a)
		return;
	for (size_t i = 0; a->names && i < a->columns; i++)
		free(a->names[i]);
	free(a->names);
	free(a->fields);
	free(a->text);
	free(a);
}

/* ---- Reading them ---- */

bool row_next(struct answer *a, struct row *row)
{
	if (a->next == a->rows)
		return false;
	*row = (struct row){ .answer = a, .first = a->next++ * a->columns };
	return true;
}

struct migrate_bytes field(const struct row *row, size_t column)
{
	const struct answer *a = row->answer;
	const struct field *f = column < a->columns ? &a->fields[row->first + column] : NULL;

	if (!f || f->at == SIZE_MAX)
		return (struct migrate_bytes){ .p = NULL, .n = 0 };
	return (struct migrate_bytes){ .p = a->text + f->at, .n = f->n };
}

const char *field_text(const struct row *row, size_t column)
{
	struct migrate_bytes b = field(row, column);

	return b.p ? b.p : "";
}

uint64_t field_number(const struct row *row, size_t column)
{
	return strtoull(field_text(row, column), NULL, 10);
}
