/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

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
#define PARTS_MAX 16   /* of the answer to several commands at once */

static const struct kind_of_column {
	char letter;
	bool binary;
	Oid type;  /* 0: any */
	int bytes; /* 0: any */
} letters[] = {
	{ 's', false, 0, 0 },       { 'b', false, 0, 1 },        { 'i', false, 0, 0 },
	{ 'o', false, 0, 0 },       { '1', true, OID_BOOL, 1 },  { '2', true, OID_INT2, 2 },
	{ '4', true, OID_INT4, 4 }, { '8', true, OID_INT8, 8 },  { 'u', true, OID_UUID, 16 },
	{ 't', true, OID_TEXT, 0 }, { 'y', true, OID_BYTEA, 0 }, { 'a', true, OID_TEXT_ARRAY, 0 },
	{ 'x', true, 0, 0 },
};

static bool may_be_null(char letter)
{
	return letter >= 'A' && letter <= 'Z';
}

static const struct kind_of_column *kind_of(char letter)
{
	char small = may_be_null(letter) ? (char)(letter - 'A' + 'a') : letter;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (letters[i].letter == small)
			return &letters[i];
	return &letters[0];
}

bool shape_is_binary(const struct shape *shape)
{
	return kind_of(shape->columns[0])->binary;
}

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
	if (!link->values)
		return wrong_answer(self, link, what, "it has more than %llu bytes", bytes);
	link_close(link);
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "%s: the server's answer has more than %llu bytes", what, bytes);
}

/* ---- Columns ---- */

static enum migrate_status check_columns(struct answer *a, const PGresult *res)
{
	const char *columns = a->shape->columns;
	int n = (int)strlen(columns);

	if (PQnfields(res) != n)
		return wrong_answer(a->self, a->link, a->what, "%d columns instead of %d",
				    PQnfields(res), n);
	for (int i = 0; i < n; i++) {
		const struct kind_of_column *k = kind_of(columns[i]);

		if (PQfformat(res, i) != k->binary)
			return wrong_answer(a->self, a->link, a->what,
					    "column %d is in another format", i + 1);
		if (k->type && PQftype(res, i) != k->type)
			return wrong_answer(a->self, a->link, a->what,
					    "column %d is of type %u instead of %u", i + 1,
					    PQftype(res, i), k->type);
	}
	a->described = true;
	return MIGRATE_OK;
}

/* ---- Rows ---- */

static bool is_number(const char *text, int64_t min, int64_t max)
{
	const char *digits = text + (*text == '-');
	size_t n = strspn(digits, "0123456789");
	long long v;

	errno = 0;
	v = strtoll(text, NULL, 10);
	return n > 0 && !digits[n] && !errno && v >= min && v <= max;
}

/* NULL, or what is wrong with it. */
static const char *fault_of(const struct kind_of_column *k, const char *p, int n)
{
	if (k->bytes && n != k->bytes)
		return "has another length than its type";
	if (!k->binary && memchr(p, 0, (size_t)n))
		return "holds a NUL";
	if (k->letter == 'a' && !array_is_sound((struct migrate_bytes){ .p = p, .n = (size_t)n }))
		return "is not such an array";
	if (k->letter == 'b' && *p != 't' && *p != 'f')
		return "is neither true nor false";
	if ((k->letter == 'i' && !is_number(p, INT32_MIN, INT32_MAX)) ||
	    (k->letter == 'o' && !is_number(p, 0, UINT32_MAX)))
		return "is not such a number";
	return NULL;
}

static enum migrate_status check_row(struct answer *a, const PGresult *res)
{
	const char *columns = a->shape->columns;

	for (int i = 0; columns[i]; i++) {
		const char *fault = PQgetisnull(res, 0, i)
					? (may_be_null(columns[i]) ? NULL : "is NULL")
					: fault_of(kind_of(columns[i]), PQgetvalue(res, 0, i),
						   PQgetlength(res, 0, i));

		if (fault)
			return wrong_answer(a->self, a->link, a->what, "column %d %s", i + 1,
					    fault);
	}
	return MIGRATE_OK;
}

static uint64_t size_of_row(const PGresult *res)
{
	uint64_t n = ROW_BYTES + FIELD_BYTES * (uint64_t)PQnfields(res);

	for (int i = 0; i < PQnfields(res); i++)
		n += (uint64_t)PQgetlength(res, 0, i);
	return n;
}

static enum migrate_status append_row(struct answer *a, const PGresult *res)
{
	int row;

	if (!a->rows)
		a->rows = PQcopyResult(res, PG_COPYRES_ATTRS);
	row = a->rows ? PQntuples(a->rows) : -1;
	for (int i = 0; row >= 0 && i < PQnfields(res); i++) {
		bool null = PQgetisnull(res, 0, i);

		if (!PQsetvalue(a->rows, row, i, null ? NULL : PQgetvalue(res, 0, i),
				null ? -1 : PQgetlength(res, 0, i)))
			row = -1;
	}
	return row < 0 ? out_of_memory(a->self) : MIGRATE_OK;
}

static enum migrate_status take_row(struct answer *a, const PGresult *res)
{
	enum migrate_status status = MIGRATE_OK;

	if (a->shape && a->complete)
		return wrong_answer(a->self, a->link, a->what, "there are rows behind its end");
	if (PQntuples(res) != 1)
		return wrong_answer(a->self, a->link, a->what, "%d rows at once", PQntuples(res));
	if (a->shape && !a->described)
		status = check_columns(a, res);
	if (status)
		return status;
	a->bytes += size_of_row(res);
	if (a->bytes > a->link->bound.bytes)
		return too_large(a->self, a->link, a->what);
	if (!a->shape) /* nobody reads them */
		return MIGRATE_OK;
	if (a->rows && (uint32_t)PQntuples(a->rows) >= a->shape->most)
		return wrong_answer(a->self, a->link, a->what, "more than %u rows", a->shape->most);
	status = check_row(a, res);
	return status ? status : append_row(a, res);
}

/* ---- All of it ---- */

/* The end of the rows, which has none but says of which kinds they would be. */
static enum migrate_status take_end(struct answer *a, PGresult *res)
{
	enum migrate_status status = MIGRATE_OK;

	if (a->shape && a->complete)
		return wrong_answer(a->self, a->link, a->what, "it ends twice");
	if (PQntuples(res))
		return wrong_answer(a->self, a->link, a->what, "it ends with rows");
	if (a->shape && !a->described)
		status = check_columns(a, res);
	if (!status && a->shape && !a->rows)
		a->rows = PQcopyResult(res, PG_COPYRES_ATTRS);
	if (!status && a->shape && !a->rows)
		status = out_of_memory(a->self);
	a->complete = true;
	return status;
}

enum migrate_status answer_take(struct answer *a, PGresult *res)
{
	if (PQresultStatus(res) == PGRES_SINGLE_TUPLE && !a->error)
		return take_row(a, res);
	/* one that never ends, such as to a COPY, is none, whatever came before it */
	if (++a->parts > PARTS_MAX)
		return wrong_answer(a->self, a->link, a->what, "it has too many parts");
	if (a->error) /* what was wrong first is what counts */
		return MIGRATE_OK;
	switch (PQresultStatus(res)) {
	case PGRES_TUPLES_OK:
		return take_end(a, res);
	case PGRES_COMMAND_OK:
		if (a->shape)
			return wrong_answer(a->self, a->link, a->what, "there are no rows in it");
		snprintf(a->tag, sizeof(a->tag), "%s", PQcmdStatus(res));
		a->complete = true;
		return MIGRATE_OK;
	case PGRES_FATAL_ERROR:
		a->error = res;
		return MIGRATE_OK;
	default:
		return wrong_answer(a->self, a->link, a->what, "it is of the kind %s",
				    PQresStatus(PQresultStatus(res)));
	}
}

enum migrate_status answer_end(struct answer *a)
{
	uint32_t rows = a->rows ? (uint32_t)PQntuples(a->rows) : 0;

	if (!a->complete)
		return wrong_answer(a->self, a->link, a->what, "there is nothing in it");
	if (a->shape && rows < a->shape->least)
		return wrong_answer(a->self, a->link, a->what, "%u rows instead of %u", rows,
				    a->shape->least);
	return MIGRATE_OK;
}

void answer_release(struct answer *a)
{
	PQclear(a->error);
	PQclear(a->rows);
	a->error = a->rows = NULL;
}

/* ---- Fields of an answer that has its shape ---- */

struct migrate_bytes field(const PGresult *res, int row, int column)
{
	if (PQgetisnull(res, row, column))
		return (struct migrate_bytes){ .p = NULL, .n = 0 };
	return (struct migrate_bytes){ .p = PQgetvalue(res, row, column),
				       .n = (size_t)PQgetlength(res, row, column) };
}

bool field_true(const PGresult *res, int row, int column)
{
	return *PQgetvalue(res, row, column) == 't';
}

int64_t field_number(const PGresult *res, int row, int column)
{
	return strtoll(PQgetvalue(res, row, column), NULL, 10);
}

uint64_t field_count(const PGresult *res, int row, int column)
{
	return get64(PQgetvalue(res, row, column));
}
