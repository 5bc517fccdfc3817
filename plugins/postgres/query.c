/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT 20           /* ms that locks are waited for while rows are locked */
#define SHORT_ALONE 500    /* if it is but one */
#define NOTICES_MAX 100000 /* in one answer */

void parameter(struct parameters *p, const void *value, size_t n)
{
	p->values[p->n] = value ? value : "";
	p->lengths[p->n] = (int)n;
	p->formats[p->n++] = 1;
}

void parameter_text(struct parameters *p, const char *value)
{
	p->values[p->n] = value;
	p->lengths[p->n] = value ? (int)strlen(value) : 0;
	p->formats[p->n++] = 1;
}

void parameter_array(struct parameters *p, const struct array *a)
{
	parameter(p, a->p, a->n);
}

/* OK, or why nothing came; the connection is of no use then. */
static enum migrate_status wait_or_fail(struct self *self, struct link *link, short events,
					enum pace pace, const char *what)
{
	int ready = wait_for_event(self->session, PQsocket(link->conn), events, pace,
				   self->instance->statement_timeout);

	if (ready > 0)
		return MIGRATE_OK;
	link_close(link); /* the server gives the statement up when it notices */
	return not_in_time(self->session, ready, what);
}

static enum migrate_status keep_bound(struct self *self, struct link *link, const char *what)
{
	enum bounded exceeded = bound_look(&link->bound, PQsocket(link->conn));

	if (exceeded == BOUND_KEPT && link->notices > NOTICES_MAX)
		exceeded = BOUND_BYTES;
	if (exceeded == BOUND_BYTES)
		return too_large(self, link, what);
	return exceeded ? wrong_answer(self, link, what, "%s", bound_words(exceeded)) : MIGRATE_OK;
}

/* Notifications are of no use, and libpq would keep them. */
static enum migrate_status read_some(struct self *self, struct link *link, const char *what)
{
	PGnotify *notify;

	if (!PQconsumeInput(link->conn))
		return fail_lost(self, link, MIGRATE_UNAVAILABLE, what);
	while ((notify = PQnotifies(link->conn)))
		PQfreemem(notify);
	return keep_bound(self, link, what);
}

static enum migrate_status flush(struct self *self, struct link *link, enum pace pace,
				 const char *what)
{
	enum migrate_status status = MIGRATE_OK;
	int left;

	while (!status && (left = PQflush(link->conn))) {
		if (left < 0)
			return fail_lost(self, link, MIGRATE_UNAVAILABLE, what);
		status = wait_or_fail(self, link, POLLIN | POLLOUT, pace, what);
		/* it may have to be read from before it takes more */
		if (!status)
			status = read_some(self, link, what);
	}
	return status;
}

static enum migrate_status read_one(struct self *self, struct link *link, enum pace pace,
				    const char *what, PGresult **res)
{
	enum migrate_status status = MIGRATE_OK;

	*res = NULL;
	while (!status && PQisBusy(link->conn)) {
		status = wait_or_fail(self, link, POLLIN, pace, what);
		if (!status)
			status = read_some(self, link, what);
	}
	if (!status)
		*res = PQgetResult(link->conn);
	return status;
}

/* The answer to what was sent, held to its shape. */
static enum migrate_status read_all(struct answer *a, enum pace pace)
{
	enum migrate_status status;
	PGresult *res;

	while (!(status = read_one(a->self, a->link, pace, a->what, &res)) && res) {
		status = answer_take(a, res);
		if (res != a->error)
			PQclear(res);
		if (status)
			return status;
	}
	return status;
}

/* What it says; a broken connection is closed. */
static enum migrate_status judge(struct answer *a)
{
	struct link *link = a->link;
	enum migrate_status status;

	if (!a->error)
		return answer_end(a);
	if (!PQresultErrorField(a->error, PG_DIAG_SQLSTATE))
		return fail_lost(a->self, link, MIGRATE_UNAVAILABLE, a->what);
	status = fail_result(a->self, a->error, a->what);
	/* a connection that is only good for reading is no good after a failover */
	if (PQstatus(link->conn) != CONNECTION_OK || status == MIGRATE_UNAVAILABLE)
		link_close(link);
	return status;
}

/*
 * Before a question: nothing may have been said that was not asked for, or it would be
 * taken for the answer. libpq drops it while nothing is under way, and notes that.
 */
static enum migrate_status is_silent(struct self *self, struct link *link,
				     const struct shape *shape, const char *what)
{
	const struct instance *inst = self->instance;

	link->notices = 0;
	link->values = shape && shape->values;
	bound_begin(&link->bound, PQsocket(link->conn),
		    answer_bytes(link->values, inst->value_max, inst->set_count != 0),
		    answer_time(self->session, inst->statement_timeout));
	if (!PQconsumeInput(link->conn))
		return fail_lost(self, link, MIGRATE_UNAVAILABLE, what);
	if (PQisBusy(link->conn) || link->odd)
		return wrong_answer(self, link, what, "nothing had been asked");
	return MIGRATE_OK;
}

static bool send(struct link *link, const char *sql, const struct parameters *p, bool binary)
{
	static const struct parameters none = { .n = 0 };

	if (!p)
		p = &none;
	return PQsendQueryParams(link->conn, sql, p->n, NULL, p->values, p->lengths, p->formats,
				 binary);
}

static enum migrate_status finish(struct answer *a, enum pace pace)
{
	enum migrate_status status;

	if (!PQsetSingleRowMode(a->link->conn))
		return fail_lost(a->self, a->link, MIGRATE_UNAVAILABLE, a->what);
	status = flush(a->self, a->link, pace, a->what);
	return status ? status : read_all(a, pace);
}

static PGresult *ask(struct self *self, struct link *link, const char *sql,
		     const struct parameters *p, const struct shape *shape, enum pace pace,
		     const char *what, enum migrate_status *status)
{
	struct answer a = { .self = self, .link = link, .what = what, .shape = shape };
	PGresult *rows = NULL;

	*status = is_silent(self, link, shape, what);
	if (!*status && !send(link, sql, p, shape && shape_is_binary(shape)))
		*status = fail_lost(self, link, MIGRATE_UNAVAILABLE, what);
	if (!*status)
		*status = finish(&a, pace);
	if (!*status)
		*status = judge(&a);
	if (!*status) {
		rows = a.rows;
		a.rows = NULL;
	}
	answer_release(&a);
	return rows;
}

enum migrate_status reading_end(struct self *self, struct link *link, enum migrate_status status,
				const char *what)
{
	if (!status)
		status = command(self, link, "COMMIT", what);
	link->in_transaction = false;
	if (status && link->conn && PQtransactionStatus(link->conn) != PQTRANS_IDLE)
		link_close(link);
	return status;
}

/* Behind a pooler: a transaction for this statement alone, for the sake of the settings. */
static PGresult *ask_alone(struct self *self, struct link *link, const char *sql,
			   const struct parameters *p, const struct shape *shape, enum pace pace,
			   const char *what, enum migrate_status *status)
{
	PGresult *res = NULL;

	*status = begin(self, link, "BEGIN");
	if (!*status)
		res = ask(self, link, sql, p, shape, pace, what, status);
	*status = reading_end(self, link, *status, what);
	if (!*status)
		return res;
	PQclear(res);
	return NULL;
}

PGresult *query(struct self *self, struct link *link, const char *sql, const struct parameters *p,
		const struct shape *shape, enum pace pace, const char *what,
		enum migrate_status *status)
{
	bool alone;

	*status = link_ready(self, link);
	if (*status)
		return NULL;
	alone = link->pooled && PQtransactionStatus(link->conn) == PQTRANS_IDLE;
	return alone ? ask_alone(self, link, sql, p, shape, pace, what, status)
		     : ask(self, link, sql, p, shape, pace, what, status);
}

PGresult *catalog(struct self *self, const char *sql, const struct parameters *p,
		  const struct shape *shape, enum migrate_status *status)
{
	return query(self, &self->main, sql, p, shape, SLOW, "cannot read the catalog", status);
}

enum migrate_status command(struct self *self, struct link *link, const char *sql, const char *what)
{
	struct answer a = { .self = self, .link = link, .what = what };
	enum migrate_status status = link_ready(self, link);

	if (!status)
		status = is_silent(self, link, NULL, what);
	if (!status && !PQsendQuery(link->conn, sql))
		status = fail_lost(self, link, MIGRATE_UNAVAILABLE, what);
	if (!status)
		status = finish(&a, QUICK);
	if (!status)
		status = judge(&a);
	answer_release(&a);
	return status;
}

enum migrate_status begin(struct self *self, struct link *link, const char *sql)
{
	static const char what[] = "cannot begin a transaction";
	enum migrate_status status = command(self, link, sql, what);

	if (!status && PQtransactionStatus(link->conn) != PQTRANS_INTRANS)
		status = wrong_answer(self, link, what, "none has begun");
	link->in_transaction = !status;
	return !status && link->pooled ? settings_make(self, link) : status;
}

/*
 * While rows are locked nothing is waited for so long that the server would look for deadlocks:
 * the victim of one is the session that looks, and that shall be no application's.
 */
static int64_t short_timeout(const struct instance *inst, int64_t most)
{
	int64_t ms = inst->deadlock_timeout / 2;

	if (ms > most)
		ms = most;
	if (inst->lock_timeout && ms > inst->lock_timeout)
		ms = inst->lock_timeout;
	return ms > 0 ? ms : 1;
}

/* What the server has that is stricter than `on` stays. */
enum migrate_status transaction_begin(struct self *self, bool pass_over)
{
	const struct instance *inst = self->instance;
	struct text s = { .n = 0 };
	enum migrate_status status;
	char *text;

	self->lock_timeout = pass_over ? short_timeout(inst, SHORT) : inst->lock_timeout;
	text_printf(&s,
		    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = %lld; "
		    "SET LOCAL statement_timeout = %lld; SELECT pg_catalog.set_config("
		    "'synchronous_commit', 'on', true) WHERE pg_catalog.current_setting("
		    "'synchronous_commit') IN ('off', 'local')",
		    (long long)self->lock_timeout, (long long)inst->statement_timeout);
	text = text_finish(&s);
	status = text ? begin(self, &self->main, text) : out_of_memory(self);
	free(text);
	self->lock_timeout = inst->lock_timeout;
	return status ? transaction_rollback(self, status) : MIGRATE_OK;
}

enum migrate_status transaction_hurry(struct self *self)
{
	char text[64];

	snprintf(text, sizeof(text), "SET LOCAL lock_timeout = %lld",
		 (long long)short_timeout(self->instance, SHORT_ALONE));
	return command(self, &self->main, text, "cannot lock the rows");
}

enum migrate_status transaction_rollback(struct self *self, enum migrate_status status)
{
	PGresult *res = NULL;
	bool good;

	self->main.in_transaction = false;
	if (!self->main.conn || PQtransactionStatus(self->main.conn) == PQTRANS_IDLE)
		return status;
	/* by hand: the message of the call is not to be replaced by one of this */
	bound_begin(&self->main.bound, PQsocket(self->main.conn), answer_bytes(false, 0, false),
		    answer_time(self->session, self->instance->statement_timeout));
	good = PQsendQuery(self->main.conn, "ROLLBACK") && PQflush(self->main.conn) == 0;
	for (int parts = 0; good; parts++) {
		while (good && PQisBusy(self->main.conn))
			good = migrate_wait(self->session, PQsocket(self->main.conn), POLLIN,
					    wait_tick(self->session)) > 0 &&
			       PQconsumeInput(self->main.conn) &&
			       !bound_look(&self->main.bound, PQsocket(self->main.conn));
		res = good ? PQgetResult(self->main.conn) : NULL;
		if (!res)
			break;
		/* an answer that never ends, such as one to a COPY, is none */
		good = !parts && PQresultStatus(res) == PGRES_COMMAND_OK;
		PQclear(res);
	}
	if (!good || PQtransactionStatus(self->main.conn) != PQTRANS_IDLE)
		link_close(&self->main);
	return status;
}

/*
 * The server's answer to COMMIT: that it rolled back, or an ERROR, say for certain that
 * nothing was changed; and nothing but COMMIT, with no transaction open, that all was.
 */
static enum migrate_status judge_commit(struct self *self, const struct answer *a)
{
	const char *severity =
	    a->error ? PQresultErrorField(a->error, PG_DIAG_SEVERITY_NONLOCALIZED) : NULL;
	bool ended = PQtransactionStatus(self->main.conn) == PQTRANS_IDLE;

	if (severity && !strcmp(severity, "ERROR"))
		return fail_result(self, a->error, "cannot commit");
	if (a->error || !a->complete)
		return fail_lost(self, &self->main, MIGRATE_UNKNOWN_OUTCOME,
				 "the answer to COMMIT was lost");
	if (!strcmp(a->tag, "COMMIT") && ended)
		return MIGRATE_OK;
	if (!strcmp(a->tag, "ROLLBACK") && ended)
		return migrate_fail(self->session, MIGRATE_TRANSIENT,
				    "cannot commit: the server rolled the transaction back");
	return migrate_fail(self->session, MIGRATE_UNKNOWN_OUTCOME,
			    "the answer to COMMIT is not what was asked for");
}

enum migrate_status transaction_commit(struct self *self)
{
	static const char what[] = "cannot commit";
	struct answer a = { .self = self, .link = &self->main, .what = what };
	enum migrate_status status = is_silent(self, &self->main, NULL, what);

	self->main.in_transaction = false;
	if (status)
		return status;
	/* something ended it behind our back: what of it stands is for the next look to find */
	if (PQtransactionStatus(self->main.conn) != PQTRANS_INTRANS) {
		link_close(&self->main);
		return migrate_fail(self->session, MIGRATE_UNKNOWN_OUTCOME,
				    "the transaction ended before its COMMIT");
	}
	if (!PQsendQuery(self->main.conn, "COMMIT"))
		return fail_lost(self, &self->main, MIGRATE_UNKNOWN_OUTCOME, what);
	status = finish(&a, QUICK);
	if (!status)
		status = judge_commit(self, &a);
	else /* it was sent, or part of it: who knows */
		status = migrate_fail(self->session, MIGRATE_UNKNOWN_OUTCOME,
				      "the answer to COMMIT was lost");
	answer_release(&a);
	if (status == MIGRATE_UNKNOWN_OUTCOME)
		link_close(&self->main);
	else if (status)
		transaction_rollback(self, status);
	return status;
}
