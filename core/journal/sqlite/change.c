/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/statement.h"

/* A record that is there is written again with other values in some of its columns. */

int record_read(struct connection *c, struct statement *get, int columns, const char *what,
		int64_t id)
{
	int rc = statement_step(get);

	if (rc != SQLITE_ROW || sum_fits(get->s, columns))
		return rc;
	statement_end(get);
	return connection_damaged(c, "%s %lld differs from its sum", what, (long long)id);
}

static void bind_change(struct statement *s, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_INTEGER:
		bind_integer(s, change->integer);
		break;
	case CHANGE_NULL:
		bind_null(s);
		break;
	case CHANGE_BYTES:
		bind_bytes(s, change->bytes);
		break;
	case CHANGE_TEXT:
		bind_text(s, change->text);
		break;
	}
}

int record_write(struct connection *c, struct statement *get, enum statement_id set, int columns,
		 const struct change *changes, size_t n)
{
	struct statement s = statement(c, set);

	for (int i = 0; i < columns; i++) {
		if (n && changes->column == i) {
			bind_change(&s, changes++);
			n--;
		} else {
			bind_column(&s, get, i);
		}
	}
	bind_sum(&s);
	statement_end(get);
	return statement_run(&s);
}

int record_change(struct connection *c, struct statement *get, enum statement_id set, int columns,
		  const char *what, int64_t id, const struct change *changes, size_t n)
{
	int rc = record_read(c, get, columns, what, id);

	if (rc == SQLITE_DONE)
		return connection_damaged(c, "%s %lld is missing", what, (long long)id);
	return rc == SQLITE_ROW ? record_write(c, get, set, columns, changes, n) : rc;
}
