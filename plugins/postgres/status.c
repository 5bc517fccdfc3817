/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdio.h>
#include <string.h>

/* What an answer of the server means: by its SQLSTATE, the longest match first. */
static const struct {
	const char *state;
	enum migrate_status status;
} states[] = {
	{ "08", MIGRATE_UNAVAILABLE },
	{ "09", MIGRATE_INVALID }, /* a trigger's action */
	{ "21", MIGRATE_INVALID },
	{ "22", MIGRATE_INVALID },        /* too long, not of this encoding, ... */
	{ "23", MIGRATE_INVALID },        /* a constraint */
	{ "25006", MIGRATE_UNAVAILABLE }, /* read-only: a failover */
	{ "25P02", MIGRATE_TRANSIENT },
	{ "25P03", MIGRATE_UNAVAILABLE },
	{ "27", MIGRATE_INVALID },
	{ "28", MIGRATE_UNAVAILABLE }, /* while the job runs: a password is being changed */
	{ "2F", MIGRATE_INVALID },
	{ "38", MIGRATE_INVALID },
	{ "39", MIGRATE_INVALID },
	{ "3D", MIGRATE_UNAVAILABLE },
	{ "40", MIGRATE_TRANSIENT }, /* serialization, deadlock */
	{ "42501", MIGRATE_DENIED },
	{ "44", MIGRATE_INVALID },
	{ "53", MIGRATE_UNAVAILABLE },
	{ "53100", MIGRATE_NO_SPACE },
	{ "54", MIGRATE_INVALID }, /* a row of an index that is too large */
	{ "55", MIGRATE_TRANSIENT },
	{ "55P03", MIGRATE_TRANSIENT }, /* lock_timeout */
	{ "57", MIGRATE_UNAVAILABLE },
	{ "57014", MIGRATE_TRANSIENT }, /* statement_timeout */
	{ "58", MIGRATE_UNAVAILABLE },
	{ "P0", MIGRATE_INVALID }, /* RAISE EXCEPTION */
};

static enum migrate_status status_of(const char *state)
{
	enum migrate_status status = MIGRATE_FATAL;
	size_t longest = 0;

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		size_t n = strlen(states[i].state);

		if (n > longest && !strncmp(state, states[i].state, n)) {
			status = states[i].status;
			longest = n;
		}
	}
	return status;
}

enum migrate_status out_of_memory(struct self *self)
{
	return migrate_fail(self->session, MIGRATE_UNAVAILABLE, "out of memory");
}

static const char *text_or(const char *text, const char *otherwise)
{
	return text && *text ? text : otherwise;
}

static const char *advice(const char *state)
{
	static const struct {
		const char *state, *text;
	} all[] = {
		{ "55P03", " (another session holds a lock longer than lock_timeout)" },
		{ "57014", " (see the option statement_timeout)" },
		{ "25006", " (the server has become read-only)" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i].state, state))
			return all[i].text;
	return "";
}

static bool same_text(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

/*
 * A function of the schema stumbled over this row: it raised an error, of whatever SQLSTATE, or
 * met one that is its own affair. Locks, shutdown and lack of room are what they are everywhere.
 */
static bool is_of_row(const PGresult *res, const char *state, enum migrate_status status)
{
	const char *inside = text_or(PQresultErrorField(res, PG_DIAG_CONTEXT), "");
	const char *raised = PQresultErrorField(res, PG_DIAG_SOURCE_FUNCTION);

	if (same_text(raised, "exec_stmt_raise") || same_text(raised, "exec_stmt_assert"))
		return true;
	if (!*inside || !strncmp(state, "XX", 2))
		return false;
	return status == MIGRATE_FATAL ||
	       (strstr(inside, "PL/") && (status == MIGRATE_DENIED || !strncmp(state, "08", 2)));
}

enum migrate_status fail_result(struct self *self, const PGresult *res, const char *what)
{
	const char *state = text_or(PQresultErrorField(res, PG_DIAG_SQLSTATE), "");
	const char *message =
	    text_or(PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY), "no answer");
	const char *detail = text_or(PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL), "");
	enum migrate_status status = *state ? status_of(state) : MIGRATE_UNAVAILABLE;

	if (is_of_row(res, state, status))
		status = MIGRATE_INVALID;
	return migrate_fail(self->session, status, "%s: %s%s%s%s", what, message,
			    *detail ? ": " : "", detail, advice(state));
}

/* One line: what libpq says ends with a newline, and may hold some. */
void libpq_message(struct self *self, struct link *link, char *out, size_t max)
{
	const struct instance *inst = self->instance;
	const char *in = link->conn ? PQerrorMessage(link->conn) : "";
	size_t n = 0;

	for (; *in && n + 2 < max; in++) {
		if (*in != '\n') {
			char c = *in == '\t' ? ' ' : *in;

			if (c != ' ' || !n || out[n - 1] != ' ')
				out[n++] = c;
		} else if (in[1]) {
			out[n++] = ';';
			out[n++] = ' ';
		}
	}
	out[n] = '\0';
	conninfo_mask(link->is_scan ? inst->scan_conninfo : inst->conninfo, out);
}

enum migrate_status fail_lost(struct self *self, struct link *link, enum migrate_status status,
			      const char *what)
{
	char message[1024];

	libpq_message(self, link, message, sizeof(message));
	link_close(link);
	return migrate_fail(self->session, status, "%s: %s", what,
			    *message ? message : "the connection was lost");
}
