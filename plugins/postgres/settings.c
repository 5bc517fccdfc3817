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

enum migrate_status settings_make(struct self *self, struct link *link)
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
	parameter_text(&p, link->pooled ? "transaction" : "session");
	PQclear(query(self, link, settings, &p, SHAPE("s", 1, SETTINGS_MAX), QUICK,
		      link_option(link), &status));
	if (status)
		return status;
	strings = PQparameterStatus(link->conn, "standard_conforming_strings");
	if (!strings || strcmp(strings, "on") != 0)
		status = migrate_fail(self->session, MIGRATE_FATAL,
				      "%s: standard_conforming_strings cannot be switched on",
				      link_option(link));
	return status;
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
