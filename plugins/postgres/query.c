/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define TICK 1000  /* ms between two signs of life while a slow statement runs */
#define GRACE 5000 /* ms that an answer may take beyond statement_timeout */

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

struct migrate_bytes field(const PGresult *res, int row, int column)
{
	if (PQgetisnull(res, row, column))
		return (struct migrate_bytes){ .p = NULL, .n = 0 };
	return (struct migrate_bytes){ .p = PQgetvalue(res, row, column),
				       .n = (size_t)PQgetlength(res, row, column) };
}

const char *field_text(const PGresult *res, int row, int column)
{
	return PQgetisnull(res, row, column) ? NULL : PQgetvalue(res, row, column);
}

bool field_true(const PGresult *res, int row, int column)
{
	return *PQgetvalue(res, row, column) == 't';
}

int64_t field_number(const PGresult *res, int row, int column)
{
	return strtoll(PQgetvalue(res, row, column), NULL, 10);
}

/* Wait for one event. A slow statement lives as long as the server lets it. */
static int wait_for(struct self *self, struct link *link, short events, enum pace pace)
{
	const struct instance *inst = self->instance;
	int64_t limit = inst->statement_timeout ? inst->statement_timeout + GRACE : INT64_MAX;
	int ready;

	if (pace == QUICK)
		return migrate_wait(self->session, PQsocket(link->conn), events, -1);
	for (int64_t waited = 0; waited < limit; waited += TICK) {
		ready = migrate_wait(self->session, PQsocket(link->conn), events, TICK);
		if (ready)
			return ready;
		/* the server is there: keepalives would have told us */
		migrate_progress(self->session);
	}
	return 0;
}

/* OK, or why nothing came; the connection is of no use then. */
static enum migrate_status wait_or_fail(struct self *self, struct link *link, short events,
					enum pace pace, const char *what)
{
	int ready = wait_for(self, link, events, pace);

	if (ready > 0)
		return MIGRATE_OK;
	link_close(link); /* the server gives the statement up when it notices */
	if (ready < 0 && migrate_cancelled(self->session))
		return migrate_fail(self->session, MIGRATE_CANCELLED, "%s: cancelled", what);
	return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
			    "%s: the server has not answered in time", what);
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
		if (!status && !PQconsumeInput(link->conn))
			return fail_lost(self, link, MIGRATE_UNAVAILABLE, what);
	}
	return status;
}

static enum migrate_status read_one(struct self *self, struct link *link, enum pace pace,
				    const char *what, PGresult **res)
{
	enum migrate_status status = MIGRATE_OK;

	while (!status && PQisBusy(link->conn)) {
		status = wait_or_fail(self, link, POLLIN, pace, what);
		if (!status && !PQconsumeInput(link->conn) && PQstatus(link->conn) != CONNECTION_OK)
			return fail_lost(self, link, MIGRATE_UNAVAILABLE, what);
	}
	if (!status)
		*res = PQgetResult(link->conn);
	return status;
}

/* The last result of a statement that was sent; a failed one counts more. */
static enum migrate_status read_all(struct self *self, struct link *link, enum pace pace,
				    const char *what, PGresult **out)
{
	enum migrate_status status;
	PGresult *res = NULL;

	*out = NULL;
	while (!(status = read_one(self, link, pace, what, &res)) && res) {
		if (*out && PQresultStatus(*out) == PGRES_FATAL_ERROR) {
			PQclear(res);
			continue;
		}
		PQclear(*out);
		*out = res;
	}
	if (status) {
		PQclear(*out);
		*out = NULL;
	}
	return status;
}

/* What a result says; a broken connection is closed. */
static enum migrate_status judge(struct self *self, struct link *link, const PGresult *res,
				 const char *what)
{
	ExecStatusType type = PQresultStatus(res);
	enum migrate_status status;

	if (res && (type == PGRES_COMMAND_OK || type == PGRES_TUPLES_OK))
		return MIGRATE_OK;
	if (!res || type != PGRES_FATAL_ERROR || !PQresultErrorField(res, PG_DIAG_SQLSTATE))
		return fail_lost(self, link, MIGRATE_UNAVAILABLE, what);
	status = fail_result(self, res, what);
	/* a connection that is only good for reading is no good after a failover */
	if (PQstatus(link->conn) != CONNECTION_OK || status == MIGRATE_UNAVAILABLE)
		link_close(link);
	return status;
}

static bool send(struct link *link, const char *sql, const struct parameters *p, bool binary)
{
	static const struct parameters none = { .n = 0 };

	if (!p)
		p = &none;
	return PQsendQueryParams(link->conn, sql, p->n, NULL, p->values, p->lengths, p->formats,
				 binary);
}

static PGresult *finish(struct self *self, struct link *link, enum pace pace, const char *what,
			enum migrate_status *status)
{
	PGresult *res = NULL;

	*status = flush(self, link, pace, what);
	if (!*status)
		*status = read_all(self, link, pace, what, &res);
	if (!*status)
		*status = judge(self, link, res, what);
	if (!*status)
		return res;
	PQclear(res);
	return NULL;
}

static PGresult *ask(struct self *self, struct link *link, const char *sql,
		     const struct parameters *p, bool binary, enum pace pace, const char *what,
		     enum migrate_status *status)
{
	if (!send(link, sql, p, binary)) {
		*status = fail_lost(self, link, MIGRATE_UNAVAILABLE, what);
		return NULL;
	}
	return finish(self, link, pace, what, status);
}

/* Behind a pooler: a transaction for this statement alone, for the sake of the settings. */
static PGresult *ask_alone(struct self *self, struct link *link, const char *sql,
			   const struct parameters *p, bool binary, enum pace pace,
			   const char *what, enum migrate_status *status)
{
	PGresult *res = NULL;

	*status = begin(self, link, "BEGIN");
	if (!*status)
		res = ask(self, link, sql, p, binary, pace, what, status);
	if (!*status)
		*status = command(self, link, "COMMIT", what);
	if (!*status)
		return res;
	PQclear(res);
	link_close(link);
	return NULL;
}

PGresult *query(struct self *self, struct link *link, const char *sql, const struct parameters *p,
		bool binary, enum pace pace, const char *what, enum migrate_status *status)
{
	bool alone;

	*status = link_ready(self, link);
	if (*status)
		return NULL;
	alone = link->pooled && PQtransactionStatus(link->conn) == PQTRANS_IDLE;
	return alone ? ask_alone(self, link, sql, p, binary, pace, what, status)
		     : ask(self, link, sql, p, binary, pace, what, status);
}

PGresult *catalog(struct self *self, const char *sql, const struct parameters *p,
		  enum migrate_status *status)
{
	return query(self, &self->main, sql, p, false, SLOW, "cannot read the catalog", status);
}

enum migrate_status command(struct self *self, struct link *link, const char *sql, const char *what)
{
	enum migrate_status status = link_ready(self, link);

	if (status)
		return status;
	if (!PQsendQuery(link->conn, sql))
		return fail_lost(self, link, MIGRATE_UNAVAILABLE, what);
	PQclear(finish(self, link, QUICK, what, &status));
	return status;
}

enum migrate_status begin(struct self *self, struct link *link, const char *sql)
{
	enum migrate_status status = command(self, link, sql, "cannot begin a transaction");

	return !status && link->pooled ? settings_make(self, link) : status;
}

/* What the server has that is stricter than `on` stays. */
enum migrate_status transaction_begin(struct self *self)
{
	const struct instance *inst = self->instance;
	struct sql s = { .n = 0 };
	enum migrate_status status;
	char *text;

	sql_add(&s,
		"BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = %lld; "
		"SET LOCAL statement_timeout = %lld; SELECT pg_catalog.set_config("
		"'synchronous_commit', 'on', true) WHERE pg_catalog.current_setting("
		"'synchronous_commit') IN ('off', 'local')",
		(long long)inst->lock_timeout, (long long)inst->statement_timeout);
	text = sql_finish(&s);
	status = text ? begin(self, &self->main, text) : out_of_memory(self);
	free(text);
	return status ? transaction_rollback(self, status) : MIGRATE_OK;
}

enum migrate_status transaction_rollback(struct self *self, enum migrate_status status)
{
	PGresult *res = NULL;
	bool good;

	if (!self->main.conn || PQtransactionStatus(self->main.conn) == PQTRANS_IDLE)
		return status;
	/* by hand: the message of the call is not to be replaced by one of this */
	good = PQsendQuery(self->main.conn, "ROLLBACK") && PQflush(self->main.conn) == 0;
	while (good && PQisBusy(self->main.conn))
		good = migrate_wait(self->session, PQsocket(self->main.conn), POLLIN, TICK) > 0 &&
		       PQconsumeInput(self->main.conn);
	while (good && (res = PQgetResult(self->main.conn)))
		PQclear(res);
	if (!good || PQtransactionStatus(self->main.conn) != PQTRANS_IDLE)
		link_close(&self->main);
	return status;
}

/* The server's answer to COMMIT: only an ERROR says for certain that nothing was changed. */
static enum migrate_status judge_commit(struct self *self, const PGresult *res)
{
	const char *severity = res ? PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED) : NULL;

	if (res && PQresultStatus(res) == PGRES_COMMAND_OK)
		return strcmp(PQcmdStatus((PGresult *)(uintptr_t)res), "COMMIT") == 0
			   ? MIGRATE_OK
			   : migrate_fail(self->session, MIGRATE_TRANSIENT,
					  "cannot commit: the server rolled the transaction back");
	if (severity && !strcmp(severity, "ERROR"))
		return fail_result(self, res, "cannot commit");
	return fail_lost(self, &self->main, MIGRATE_UNKNOWN_OUTCOME,
			 "the answer to COMMIT was lost");
}

enum migrate_status transaction_commit(struct self *self)
{
	enum migrate_status status;
	PGresult *res = NULL;

	if (!PQsendQuery(self->main.conn, "COMMIT"))
		return fail_lost(self, &self->main, MIGRATE_UNKNOWN_OUTCOME, "cannot commit");
	status = flush(self, &self->main, QUICK, "cannot commit");
	if (!status)
		status = read_all(self, &self->main, QUICK, "cannot commit", &res);
	if (!status)
		status = judge_commit(self, res);
	else /* it was sent, or part of it: who knows */
		status = migrate_fail(self->session, MIGRATE_UNKNOWN_OUTCOME,
				      "the answer to COMMIT was lost");
	PQclear(res);
	if (status)
		transaction_rollback(self, status);
	return status;
}
