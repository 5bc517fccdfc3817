/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define TICK 1000  /* ms between two signs of life while a slow statement runs */
#define GRACE 5000 /* ms that an answer may take beyond statement_timeout */

/* Wait for one event. A slow statement lives as long as the server lets it. */
static int wait_events(struct self *self, struct link *link, short events, enum pace pace)
{
	const struct instance *inst = self->instance;
	int64_t limit = inst->statement_timeout ? inst->statement_timeout + GRACE : INT64_MAX;
	int fd = (int)mysql_get_socket(link->conn), ready;

	if (pace == QUICK)
		return migrate_wait(self->session, fd, events, -1);
	for (int64_t waited = 0; waited < limit; waited += TICK) {
		ready = migrate_wait(self->session, fd, events, TICK);
		if (ready)
			return ready;
		/* the server is there: keepalives would have told us */
		migrate_progress(self->session);
	}
	return 0;
}

enum migrate_status wait_for(struct self *self, struct link *link, int *wanted, enum pace pace,
			     const char *what)
{
	short events = 0;
	int ready;

	if (*wanted & MYSQL_WAIT_READ)
		events |= POLLIN;
	if (*wanted & MYSQL_WAIT_WRITE)
		events |= POLLOUT;
	if (*wanted & MYSQL_WAIT_EXCEPT)
		events |= POLLPRI;
	ready = wait_events(self, link, events, pace);
	if (ready > 0) {
		/* trouble is told by the next read or write */
		*wanted = ready & (POLLERR | POLLHUP | POLLNVAL)
			      ? *wanted & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE)
			      : (ready & POLLIN ? MYSQL_WAIT_READ : 0) |
				    (ready & POLLOUT ? MYSQL_WAIT_WRITE : 0) |
				    (ready & POLLPRI ? MYSQL_WAIT_EXCEPT : 0);
		return MIGRATE_OK;
	}
	link_close(link); /* the server ends the statement by its own limits */
	if (ready < 0 && migrate_cancelled(self->session))
		return migrate_fail(self->session, MIGRATE_CANCELLED, "%s: cancelled", what);
	return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
			    "%s: the server has not answered in time", what);
}

static enum migrate_status send(struct self *self, struct link *link, const char *sql, size_t n,
				enum pace pace, const char *what)
{
	enum migrate_status status = MIGRATE_OK;
	int failed = 0;
	int wanted = mysql_real_query_start(&failed, link->conn, sql, (unsigned long)n);

	while (wanted) {
		status = wait_for(self, link, &wanted, pace, what);
		if (status)
			return status;
		wanted = mysql_real_query_cont(&failed, link->conn, wanted);
	}
	return failed ? MIGRATE_FATAL : MIGRATE_OK; /* the caller says of what kind */
}

static enum migrate_status receive(struct self *self, struct link *link, enum pace pace,
				   const char *what, MYSQL_RES **res)
{
	enum migrate_status status = MIGRATE_OK;
	int wanted = mysql_store_result_start(res, link->conn);

	while (wanted) {
		status = wait_for(self, link, &wanted, pace, what);
		if (status)
			return status;
		wanted = mysql_store_result_cont(res, link->conn, wanted);
	}
	link_used(link);
	if (!*res && mysql_errno(link->conn))
		return fail_server(self, link, what);
	return MIGRATE_OK;
}

static enum migrate_status run(struct self *self, struct link *link, const char *sql, size_t n,
			       enum pace pace, const char *what, MYSQL_RES **res)
{
	enum migrate_status status = link_ready(self, link);

	*res = NULL;
	if (status)
		return status;
	if (self->instance->packet && n >= self->instance->packet)
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "%s: a statement of %zu bytes is longer than the server's "
				    "max_allowed_packet",
				    what, n);
	status = send(self, link, sql, n, pace, what);
	if (status)
		return link->conn ? fail_server(self, link, what) : status;
	return receive(self, link, pace, what, res);
}

MYSQL_RES *query(struct self *self, struct link *link, const char *sql, size_t n, enum pace pace,
		 const char *what, enum migrate_status *status)
{
	MYSQL_RES *res;

	*status = run(self, link, sql, n, pace, what, &res);
	if (!*status && !res)
		*status =
		    migrate_fail(self->session, MIGRATE_FATAL, "%s: no rows were answered", what);
	return res;
}

MYSQL_RES *catalog(struct self *self, const char *sql, enum migrate_status *status)
{
	return query(self, &self->main, sql, strlen(sql), SLOW, "cannot read the catalog", status);
}

MYSQL_RES *catalog_built(struct self *self, struct sql *s, enum migrate_status *status)
{
	char *text = sql_finish(s);
	MYSQL_RES *res;

	if (!text) {
		*status = out_of_memory(self);
		return NULL;
	}
	res = catalog(self, text, status);
	free(text);
	return res;
}

MYSQL_RES *query_text(struct self *self, struct link *link, enum pace pace, const char *what,
		      enum migrate_status *status)
{
	if (self->text.failed) {
		*status = out_of_memory(self);
		return NULL;
	}
	return query(self, link, self->text.p, self->text.n, pace, what, status);
}

enum migrate_status command(struct self *self, struct link *link, const char *sql, const char *what)
{
	MYSQL_RES *res;
	enum migrate_status status = run(self, link, sql, strlen(sql), QUICK, what, &res);

	mysql_free_result(res);
	return status;
}

enum migrate_status command_text(struct self *self, enum pace pace, const char *what,
				 uint64_t *matched)
{
	enum migrate_status status;
	MYSQL_RES *res;

	if (self->text.failed)
		return out_of_memory(self);
	status = run(self, &self->main, self->text.p, self->text.n, pace, what, &res);
	mysql_free_result(res);
	if (!status && matched)
		*matched = mysql_affected_rows(self->main.conn);
	return status;
}

/* ---- Rows ---- */

bool row_next(MYSQL_RES *res, struct row *row)
{
	row->columns = mysql_fetch_row(res);
	row->lengths = row->columns ? mysql_fetch_lengths(res) : NULL;
	return row->columns != NULL;
}

struct migrate_bytes field(const struct row *row, size_t column)
{
	if (!row->columns[column])
		return (struct migrate_bytes){ .p = NULL, .n = 0 };
	return (struct migrate_bytes){ .p = row->columns[column], .n = row->lengths[column] };
}

const char *field_text(const struct row *row, size_t column)
{
	return row->columns[column] ? row->columns[column] : "";
}

uint64_t field_number(const struct row *row, size_t column)
{
	return strtoull(field_text(row, column), NULL, 10);
}

/* ---- Transactions ---- */

static bool in_transaction(const struct link *link)
{
	unsigned flags = 0;

	return link->conn &&
	       !mariadb_get_info(link->conn, MARIADB_CONNECTION_SERVER_STATUS, &flags) &&
	       flags & SERVER_STATUS_IN_TRANS;
}

/* A server that has become read-only says so here already. */
enum migrate_status transaction_begin(struct self *self)
{
	return command(self, &self->main, "START TRANSACTION READ WRITE",
		       "cannot begin a transaction");
}

/*
 * By hand: the message of the call is not to be replaced by one of this. A lock
 * timeout undoes a statement alone, so all of it is taken back here.
 */
enum migrate_status transaction_rollback(struct self *self, enum migrate_status status)
{
	static const char sql[] = "ROLLBACK";
	struct link *link = &self->main;
	int failed = 1, wanted;

	if (!link->conn)
		return status;
	wanted = mysql_real_query_start(&failed, link->conn, sql, sizeof(sql) - 1);
	while (wanted) {
		int ready = migrate_wait(self->session, (int)mysql_get_socket(link->conn),
					 wanted & MYSQL_WAIT_WRITE ? POLLOUT : POLLIN, TICK);

		if (ready <= 0) {
			failed = 1;
			break;
		}
		wanted = mysql_real_query_cont(&failed, link->conn,
					       wanted & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE));
	}
	if (failed || in_transaction(link))
		link_close(link);
	return status;
}

/* Nothing but an answer that says so means that it was committed. */
enum migrate_status transaction_commit(struct self *self)
{
	static const char sql[] = "COMMIT";
	struct link *link = &self->main;
	enum migrate_status status;

	/* something ended it behind our back: what of it stands is for the next look to find */
	if (!in_transaction(link)) {
		link_close(link);
		return migrate_fail(self->session, MIGRATE_UNKNOWN_OUTCOME,
				    "the transaction ended before its COMMIT");
	}
	status = send(self, link, sql, sizeof(sql) - 1, QUICK, "cannot commit");
	if (!status && !in_transaction(link))
		return MIGRATE_OK;
	if (!link->conn) /* it was sent, or part of it: who knows */
		return migrate_fail(self->session, MIGRATE_UNKNOWN_OUTCOME,
				    "the answer to COMMIT was lost");
	if (!status)
		status = migrate_fail(self->session, MIGRATE_TRANSIENT,
				      "cannot commit: the transaction is still open");
	else
		status = fail_commit(self);
	return transaction_rollback(self, status);
}
