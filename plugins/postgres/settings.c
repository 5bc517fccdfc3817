/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdio.h>
#include <string.h>

/*
 * Values come and go as the bytes that the database holds; texts of dates and
 * numbers have one form. Compiling a statement would cost more than running it.
 * A server that lost us ends the statement of ours that it is at.
 *
 * Made once in a session. A pooler lends its servers for one transaction, and what
 * is left on them is the next client's: there they are made in each transaction,
 * and end with it.
 */
static const char settings[] =
    "SELECT pg_catalog.set_config(name, CASE name WHEN 'client_encoding' THEN "
    "pg_catalog.current_setting('server_encoding') WHEN 'search_path' THEN COALESCE($1::text, "
    "setting) WHEN 'statement_timeout' THEN $2::text WHEN 'lock_timeout' THEN $3::text WHEN "
    "'DateStyle' THEN 'ISO' WHEN 'IntervalStyle' THEN 'postgres' WHEN 'bytea_output' THEN 'hex' "
    "WHEN 'extra_float_digits' THEN '1' WHEN 'jit' THEN 'off' WHEN "
    "'standard_conforming_strings' THEN 'on' WHEN 'client_connection_check_interval' THEN "
    "CASE WHEN pg_catalog.version() LIKE '%linux%' THEN '2000' ELSE setting END WHEN "
    "'default_transaction_isolation' THEN 'read committed' END, $4::text = 'transaction') FROM "
    "pg_catalog.pg_settings WHERE name IN ('client_encoding', 'search_path', "
    "'statement_timeout', 'lock_timeout', 'DateStyle', 'IntervalStyle', 'bytea_output', "
    "'extra_float_digits', 'jit', 'standard_conforming_strings', "
    "'client_connection_check_interval', 'default_transaction_isolation')";

#define SETTINGS_MAX 32

static bool parameter_is(const struct link *link, const char *name, const char *wanted)
{
	const char *value = PQparameterStatus(link->conn, name);

	return value && wanted && !strcmp(value, wanted);
}

static enum migrate_status texts_differ(struct self *self, struct link *link)
{
	const char *encoding = PQparameterStatus(link->conn, "client_encoding");

	return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
			    "%s: texts do not come back as they were sent, so they would be "
			    "damaged: client_encoding is %s and cannot be set to the database's; "
			    "look at poolers and proxies in between",
			    link_option(link), encoding ? encoding : "unknown");
}

/* What was set is not what counts, but what comes of it: a text goes there and back. */
static enum migrate_status prove_texts(struct self *self, struct link *link)
{
#define PROBE_TEXT "\303\244 \346\227\245 \360\237\230\200"
	static const char *const wanted[] = { PROBE_TEXT, PROBE_TEXT, "c3a420e697a520f09f9880" };
	struct parameters p = { .n = 0 };
	enum migrate_status status;
	PGresult *res;

	if (!parameter_is(link, "server_encoding", "UTF8"))
		return MIGRATE_OK;
	parameter_text(&p, PROBE_TEXT);
	res = query(self, link,
		    "SELECT $1::pg_catalog.text, '" PROBE_TEXT
		    "', pg_catalog.encode(pg_catalog.convert_to($1::pg_catalog.text, 'UTF8'), "
		    "'hex')",
		    &p, SHAPE("sss", 1, 1), QUICK, link_option(link), &status);
	for (int i = 0; !status && i < 3; i++)
		if (strcmp(PQgetvalue(res, 0, i), wanted[i]) != 0)
			status = texts_differ(self, link);
	PQclear(res);
	return status;
}

static enum migrate_status check_texts(struct self *self, struct link *link)
{
	enum migrate_status status;

	if (!parameter_is(link, "client_encoding",
			  PQparameterStatus(link->conn, "server_encoding")))
		return texts_differ(self, link);
	if (link->proved)
		return MIGRATE_OK;
	status = prove_texts(self, link);
	link->proved = !status;
	return status;
}

enum migrate_status settings_make(struct self *self, struct link *link)
{
	const struct instance *inst = self->instance;
	struct parameters p = { .n = 0 };
	enum migrate_status status;
	char statement[24], lock[24];

	snprintf(statement, sizeof(statement), "%lld", (long long)inst->statement_timeout);
	snprintf(lock, sizeof(lock), "%lld", (long long)self->lock_timeout);
	parameter_text(&p, inst->search_path);
	parameter_text(&p, statement);
	parameter_text(&p, lock);
	parameter_text(&p, link->pooled ? "transaction" : "session");
	PQclear(query(self, link, settings, &p, SHAPE("s", 1, SETTINGS_MAX), QUICK,
		      link_option(link), &status));
	if (status)
		return status;
	if (!parameter_is(link, "standard_conforming_strings", "on"))
		return migrate_fail(self->session, MIGRATE_FATAL,
				    "%s: standard_conforming_strings cannot be switched on",
				    link_option(link));
	return check_texts(self, link);
}

/* A pooler makes up the number of the server process that it names when it lets us in. */
enum migrate_status pooler_find(struct self *self, struct link *link)
{
	enum migrate_status status;
	PGresult *res = query(self, link, "SELECT pg_catalog.pg_backend_pid()", NULL,
			      SHAPE("i", 1, 1), QUICK, link_option(link), &status);

	if (!res)
		return status;
	link->pooled = field_number(res, 0, 0) != PQbackendPID(link->conn);
	if (link->pooled)
		migrate_note(self->session,
			     "%s leads to a pooler: settings are made in each transaction",
			     link_option(link));
	PQclear(res);
	return MIGRATE_OK;
}
