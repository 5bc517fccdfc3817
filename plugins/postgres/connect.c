/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 16

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
	struct self *self = arg;
	const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	migrate_debug(self->session, "the server notes: %s", message ? message : "something");
}

static const char *option_of(const struct link *link)
{
	return link->is_scan ? "scan_connection" : "connection";
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
	return migrate_fail(self->session, MIGRATE_UNAVAILABLE, "%s: %s%s", option_of(link),
			    *message ? message : "cannot connect", advice(message));
}

static enum migrate_status connect_loop(struct self *self, struct link *link)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;

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
						    "%s: cancelled", option_of(link));
			return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
					    "%s: the server has not answered in time",
					    option_of(link));
		}
		next = PQconnectPoll(link->conn);
	}
	return MIGRATE_OK;
}

/*
 * Values come and go as the bytes that the database holds; texts of dates and
 * numbers have one form. Compiling a statement would cost more than running it.
 * A server that lost us ends the statement of ours that it is at.
 */
static const char settings[] =
    "SELECT pg_catalog.set_config(name, CASE name WHEN 'client_encoding' THEN "
    "pg_catalog.current_setting('server_encoding') WHEN 'search_path' THEN COALESCE($1::text, "
    "setting) WHEN 'statement_timeout' THEN $2::text WHEN 'lock_timeout' THEN $3::text WHEN "
    "'DateStyle' THEN 'ISO' WHEN 'IntervalStyle' THEN 'postgres' WHEN 'bytea_output' THEN 'hex' "
    "WHEN 'extra_float_digits' THEN '1' WHEN 'jit' THEN 'off' WHEN "
    "'standard_conforming_strings' THEN 'on' WHEN 'client_connection_check_interval' THEN "
    "CASE WHEN pg_catalog.version() LIKE '%linux%' THEN '2000' ELSE setting END WHEN "
    "'default_transaction_isolation' THEN 'read committed' END, false) FROM "
    "pg_catalog.pg_settings WHERE name IN ('client_encoding', 'search_path', "
    "'statement_timeout', 'lock_timeout', 'DateStyle', 'IntervalStyle', 'bytea_output', "
    "'extra_float_digits', 'jit', 'standard_conforming_strings', "
    "'client_connection_check_interval', 'default_transaction_isolation')";

static enum migrate_status set_up(struct self *self, struct link *link)
{
	const struct instance *inst = self->instance;
	struct parameters p = { .n = 0 };
	enum migrate_status status;
	char statement[24], lock[24];
	const char *strings;

	snprintf(statement, sizeof(statement), "%lld", (long long)inst->statement_timeout);
	snprintf(lock, sizeof(lock), "%lld", (long long)inst->lock_timeout);
	parameter_text(&p, inst->search_path);
	parameter_text(&p, statement);
	parameter_text(&p, lock);
	PQclear(query(self, link, settings, &p, false, QUICK, option_of(link), &status));
	if (status)
		return status;
	strings = PQparameterStatus(link->conn, "standard_conforming_strings");
	if (!strings || strcmp(strings, "on") != 0)
		status = migrate_fail(self->session, MIGRATE_FATAL,
				      "%s: standard_conforming_strings cannot be switched on",
				      option_of(link));
	if (!status && PQserverVersion(link->conn) < 120000)
		status =
		    migrate_fail(self->session, MIGRATE_INVALID,
				 "%s: the server is older than PostgreSQL 12", option_of(link));
	return status;
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
	PQsetNoticeReceiver(link->conn, on_notice, self);
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
	return connect_link(self, link);
}

void link_close(struct link *link)
{
	PQfinish(link->conn);
	link->conn = NULL;
}

struct link *scan_link(struct self *self)
{
	return self->instance->scan_conninfo ? &self->scan : &self->main;
}
