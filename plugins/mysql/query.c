/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum migrate_status wait_for(struct self *self, struct link *link, int *wanted, enum pace pace,
			     const char *what)
{
	enum bounded exceeded;
	short events = 0;
	int ready;

	if (*wanted & MYSQL_WAIT_READ)
		events |= POLLIN;
	if (*wanted & MYSQL_WAIT_WRITE)
		events |= POLLOUT;
	if (*wanted & MYSQL_WAIT_EXCEPT)
		events |= POLLPRI;
	ready = wait_for_event(self->session, (int)mysql_get_socket(link->conn), events, pace,
			       self->instance->statement_timeout);
	exceeded = bound_look(&link->bound, (int)mysql_get_socket(link->conn));
	if (ready > 0 && exceeded == BOUND_BYTES)
		return too_large(self, link, what);
	if (ready > 0 && exceeded)
		return wrong_answer(self, link, what, "%s", bound_words(exceeded));
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
	return not_in_time(self->session, ready, what);
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

/* Before a question: nothing may have been said that was not asked for. */
static enum migrate_status begin_question(struct self *self, struct link *link, bool values,
					  const char *what)
{
	struct pollfd p = { .fd = (int)mysql_get_socket(link->conn), .events = POLLIN };

	flood_begin(link, answer_max(self->instance, values),
		    answer_time(self->session, self->instance->statement_timeout));
	return poll(&p, 1, 0) > 0 ? wrong_answer(self, link, what, "nothing had been asked")
				  : MIGRATE_OK;
}

/* shape NULL: no rows, or some that nobody reads. */
static enum migrate_status run(struct self *self, struct link *link, const char *sql, size_t n,
			       const struct shape *shape, enum pace pace, const char *what,
			       struct answer **out)
{
	enum migrate_status status = link_ready(self, link);

	*out = NULL;
	if (status)
		return status;
	if (self->instance->packet && n >= self->instance->packet)
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "%s: a statement of %zu bytes is longer than the server's "
				    "max_allowed_packet",
				    what, n);
	status = begin_question(self, link, shape && shape->values, what);
	if (status)
		return status;
	status = send(self, link, sql, n, pace, what);
	if (status)
		return link->conn ? fail_server(self, link, what) : status;
	status = answer_take(self, link, shape, pace, what, out);
	if (!status)
		link_used(link);
	return status;
}

struct answer *query(struct self *self, struct link *link, const char *sql, size_t n,
		     const struct shape *shape, enum pace pace, const char *what,
		     enum migrate_status *status)
{
	struct answer *a;

	*status = run(self, link, sql, n, shape, pace, what, &a);
	return a;
}

struct answer *catalog(struct self *self, const char *sql, const struct shape *shape,
		       enum migrate_status *status)
{
	return query(self, &self->main, sql, strlen(sql), shape, SLOW, "cannot read the catalog",
		     status);
}

struct answer *catalog_built(struct self *self, struct text *s, const struct shape *shape,
			     enum migrate_status *status)
{
	char *text = text_finish(s);
	struct answer *a;

	if (!text) {
		*status = out_of_memory(self);
		return NULL;
	}
	a = catalog(self, text, shape, status);
	free(text);
	return a;
}

struct answer *query_text(struct self *self, struct link *link, const struct shape *shape,
			  enum pace pace, const char *what, enum migrate_status *status)
{
	if (self->text.bad) {
		*status = out_of_memory(self);
		return NULL;
	}
	return query(self, link, self->text.p, self->text.n, shape, pace, what, status);
}

enum migrate_status command(struct self *self, struct link *link, const char *sql, const char *what)
{
	struct answer *a;
	enum migrate_status status = run(self, link, sql, strlen(sql), NULL, QUICK, what, &a);

	answer_free(a);
	return status;
}

enum migrate_status command_text(struct self *self, enum pace pace, const char *what,
				 uint64_t *matched)
{
	enum migrate_status status;
	struct answer *a;

	if (self->text.bad)
		return out_of_memory(self);
	status = run(self, &self->main, self->text.p, self->text.n, NULL, pace, what, &a);
	if (!status && !a->is_command)
		status = wrong_answer(self, &self->main, what, "there are rows in it");
	answer_free(a);
	if (!status && matched)
		*matched = mysql_affected_rows(self->main.conn);
	return status;
}

/* ---- Transactions ---- */

static bool is_open(const struct link *link)
{
	unsigned flags = 0;

	return link->conn &&
	       !mariadb_get_info(link->conn, MARIADB_CONNECTION_SERVER_STATUS, &flags) &&
	       flags & SERVER_STATUS_IN_TRANS;
}

/* It answered to a statement that gives no rows with none, and with nothing else. */
static bool is_plain(const struct link *link)
{
	return !mysql_field_count(link->conn) && !mysql_more_results(link->conn);
}

/* A server that has become read-only says so here already. */
enum migrate_status transaction_begin(struct self *self)
{
	static const char what[] = "cannot begin a transaction";
	enum migrate_status status =
	    command(self, &self->main, "START TRANSACTION READ WRITE", what);

	if (!status && !is_open(&self->main))
		status = wrong_answer(self, &self->main, what, "none has begun");
	self->main.in_transaction = !status;
	return status;
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

	link->in_transaction = false;
	if (!link->conn)
		return status;
	flood_begin(link, answer_max(self->instance, false),
		    answer_time(self->session, self->instance->statement_timeout));
	wanted = mysql_real_query_start(&failed, link->conn, sql, sizeof(sql) - 1);
	while (wanted) {
		int ready = migrate_wait(self->session, (int)mysql_get_socket(link->conn),
					 wanted & MYSQL_WAIT_WRITE ? POLLOUT : POLLIN,
					 wait_tick(self->session));

		if (ready <= 0 || bound_look(&link->bound, (int)mysql_get_socket(link->conn))) {
			failed = 1;
			break;
		}
		wanted = mysql_real_query_cont(&failed, link->conn,
					       wanted & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE));
	}
	if (failed || is_open(link) || !is_plain(link))
		link_close(link);
	return status;
}

/* Nothing but an answer that says so means that it was committed. */
enum migrate_status transaction_commit(struct self *self)
{
	static const char sql[] = "COMMIT";
	struct link *link = &self->main;
	enum migrate_status status;

	link->in_transaction = false;
	/* something ended it behind our back: what of it stands is for the next look to find */
	if (!is_open(link)) {
		link_close(link);
		return migrate_fail(self->session, MIGRATE_UNKNOWN_OUTCOME,
				    "the transaction ended before its COMMIT");
	}
	flood_begin(link, answer_max(self->instance, false),
		    answer_time(self->session, self->instance->statement_timeout));
	status = send(self, link, sql, sizeof(sql) - 1, QUICK, "cannot commit");
	if (!status && !is_plain(link))
		link_close(link);
	if (!status && link->conn && !is_open(link))
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
