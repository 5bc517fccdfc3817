/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 16
#define GREETING_BYTES ((uint64_t)4 << 20) /* until we are let in */
#define GREETINGS 10                       /* deadlines until then */

struct options {
	const char *keywords[OPTIONS_MAX + 1], *values[OPTIONS_MAX + 1];
	int n;
};

static void add(struct options *o, const char *keyword, const char *value)
{
	o->keywords[o->n] = keyword;
	o->values[o->n++] = value;
}

/* What stands before dbname is a default: the text of the job file goes over it. */
static void choose(struct options *o, const struct instance *inst, bool is_scan, const char *name)
{
	add(o, "fallback_application_name", name);
	add(o, "keepalives", "1");
	add(o, "keepalives_idle", "20");
	add(o, "keepalives_interval", "5");
	add(o, "keepalives_count", "4");
	add(o, "tcp_user_timeout", "40000");
	if (is_scan ? inst->scan_verify_tls : inst->verify_tls)
		add(o, "sslmode", "verify-full");
	if (inst->writes && !is_scan && !getenv("PGTARGETSESSIONATTRS"))
		add(o, "target_session_attrs", "read-write");
	add(o, "dbname", is_scan ? inst->scan_conninfo : inst->conninfo);
}

static void on_notice(void *arg, const PGresult *res)
{
	struct link *link = arg;
	const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	/* what libpq itself notes is that the server spoke out of turn */
	link->odd |= !PQresultErrorField(res, PG_DIAG_SQLSTATE);
	link->notices++;
	migrate_debug(link->self->session, "the server notes: %s", message ? message : "something");
}

/* What to do about it, when libpq or the server says it in these words. */
static const char *advice(const char *message)
{
	static const struct {
		const char *says, *text;
	} all[] = {
		{ "password authentication failed", "; check user and password" },
		{ "no password supplied", "; give a password in it, or in ~/.pgpass" },
		{ "root certificate file",
		  "; the server's certificate is verified as the job file says nothing of "
		  "sslmode: name the authority's certificate with sslrootcert, or choose an "
		  "sslmode" },
		{ "does not support SSL", "; add sslmode=disable if the network may be trusted" },
		{ "certificate verify failed", "; name the right authority with sslrootcert" },
		{ "does not match host name",
		  "; name the server as its certificate does, and its address with hostaddr" },
		{ "session is read-only", "; it must name the server that can be written to" },
		{ "database \"", "; check the name of the database" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strstr(message, all[i].says))
			return all[i].text;
	return "";
}

/* In the middle of a job a server that lets nobody in is away, whatever it says. */
static enum migrate_status refused(struct self *self, struct link *link)
{
	char message[1024];

	libpq_message(self, link, message, sizeof(message));
	link_close(link);
	return migrate_fail(self->session, MIGRATE_UNAVAILABLE, "%s: %s%s", link_option(link),
			    *message ? message : "cannot connect", advice(message));
}

static enum migrate_status connect_loop(struct self *self, struct link *link)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;
	enum bounded exceeded;

	/* of several servers each begins with none */
	bound_begin(&link->bound, -1, GREETING_BYTES, GREETINGS * migrate_deadline(self->session));
	while (next != PGRES_POLLING_OK) {
		int ready;

		if (next == PGRES_POLLING_FAILED || PQstatus(link->conn) == CONNECTION_BAD)
			return refused(self, link);
		ready = migrate_wait(self->session, PQsocket(link->conn),
				     next == PGRES_POLLING_READING ? POLLIN : POLLOUT, -1);
		if (ready <= 0) {
			link_close(link);
			if (ready < 0 && migrate_cancelled(self->session))
				return migrate_fail(self->session, MIGRATE_CANCELLED,
						    "%s: cancelled", link_option(link));
			return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
					    "%s: the server has not answered in time",
					    link_option(link));
		}
		next = PQconnectPoll(link->conn);
		exceeded = bound_look(&link->bound, PQsocket(link->conn));
		if (exceeded)
			return wrong_answer(self, link, link_option(link), "%s",
					    bound_words(exceeded));
	}
	return MIGRATE_OK;
}

static enum migrate_status set_up(struct self *self, struct link *link)
{
	enum migrate_status status = pooler_find(self, link);

	if (!status && PQserverVersion(link->conn) < 120000)
		status =
		    migrate_fail(self->session, MIGRATE_INVALID,
				 "%s: the server is older than PostgreSQL 12", link_option(link));
	return status || link->pooled ? status : settings_make(self, link);
}

static enum migrate_status connect_link(struct self *self, struct link *link)
{
	struct options o = { .n = 0 };
	enum migrate_status status;
	char name[64];

	snprintf(name, sizeof(name), "migrate %s", migrate_job_id(self->session));
	choose(&o, self->instance, link->is_scan, name);
	link->conn = PQconnectStartParams(o.keywords, o.values, 1);
	if (!link->conn)
		return out_of_memory(self);
	link->self = self;
	PQsetNoticeReceiver(link->conn, on_notice, link);
	status = connect_loop(self, link);
	if (status)
		return status;
	if (PQsetnonblocking(link->conn, 1) < 0)
		return refused(self, link);
	status = set_up(self, link);
	if (status)
		link_close(link);
	else
		link->was_up = true;
	return status;
}

enum migrate_status link_ready(struct self *self, struct link *link)
{
	if (link->conn && PQstatus(link->conn) == CONNECTION_OK)
		return MIGRATE_OK;
	link_close(link);
	/* a new one holds no locks, and what was read under those of the old one is of no use */
	if (link->in_transaction)
		return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
				    "%s: the connection was lost in a transaction",
				    link_option(link));
	return connect_link(self, link);
}

void link_close(struct link *link)
{
	PQfinish(link->conn);
	link->conn = NULL;
	link->pooled = link->odd = link->proved = false;
	link->notices = 0;
}

const char *link_option(const struct link *link)
{
	return link->is_scan ? "scan_connection" : "connection";
}

struct link *scan_link(struct self *self)
{
	return self->instance->scan_conninfo ? &self->scan : &self->main;
}
