/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <string.h>

/* What an answer of the server means, by its number: both MariaDB's and MySQL's. */
static const struct {
	unsigned number;
	enum migrate_status status;
	const char *advice;
} answers[] = {
	{ 1020, MIGRATE_TRANSIENT, "" },   /* changed since last read */
	{ 1021, MIGRATE_NO_SPACE, "" },    /* disk full */
	{ 1028, MIGRATE_NO_SPACE, "" },    /* filesort aborted */
	{ 1037, MIGRATE_UNAVAILABLE, "" }, /* memory */
	{ 1038, MIGRATE_UNAVAILABLE, "" },
	{ 1040, MIGRATE_UNAVAILABLE, "" }, /* too many connections */
	{ 1041, MIGRATE_UNAVAILABLE, "" },
	{ 1044, MIGRATE_UNAVAILABLE,
	  "; check the name of the database, and what is granted on it" },
	{ 1045, MIGRATE_UNAVAILABLE, "; check user and password" },
	{ 1047, MIGRATE_UNAVAILABLE, "" }, /* the node is not part of its cluster */
	{ 1049, MIGRATE_UNAVAILABLE, "; check the name of the database" },
	{ 1053, MIGRATE_UNAVAILABLE, "" }, /* shutdown */
	{ 1054, MIGRATE_FATAL, "" },       /* no such column */
	{ 1064, MIGRATE_FATAL, "" },       /* syntax */
	{ 1077, MIGRATE_UNAVAILABLE, "" },
	{ 1079, MIGRATE_UNAVAILABLE, "" },
	{ 1080, MIGRATE_UNAVAILABLE, "" },
	{ 1114, MIGRATE_NO_SPACE, "" }, /* table full */
	{ 1129, MIGRATE_UNAVAILABLE, "" },
	{ 1130, MIGRATE_UNAVAILABLE, "; the server lets nobody in from this machine" },
	{ 1142, MIGRATE_DENIED, "; GRANT it to the user" },
	{ 1143, MIGRATE_DENIED, "; GRANT it to the user" },
	{ 1146, MIGRATE_FATAL, "" }, /* no such table */
	{ 1152, MIGRATE_UNAVAILABLE, "" },
	{ 1153, MIGRATE_INVALID, " (see the server's max_allowed_packet)" },
	{ 1158, MIGRATE_UNAVAILABLE, "" }, /* the network */
	{ 1159, MIGRATE_UNAVAILABLE, "" },
	{ 1160, MIGRATE_UNAVAILABLE, "" },
	{ 1161, MIGRATE_UNAVAILABLE, "" },
	{ 1180, MIGRATE_TRANSIENT, "" },
	{ 1184, MIGRATE_UNAVAILABLE, "" },
	{ 1203, MIGRATE_UNAVAILABLE, "" }, /* too many of this user */
	{ 1205, MIGRATE_TRANSIENT, " (another session holds a lock longer than lock_timeout)" },
	{ 1213, MIGRATE_TRANSIENT, "" }, /* deadlock */
	{ 1226, MIGRATE_UNAVAILABLE, "" },
	{ 1227, MIGRATE_DENIED, "; GRANT it to the user" },
	{ 1290, MIGRATE_UNAVAILABLE, " (the server can only be read from)" },
	{ 1317, MIGRATE_TRANSIENT, "" }, /* somebody killed the statement */
	{ 1370, MIGRATE_DENIED, "" },
	{ 1412, MIGRATE_TRANSIENT, "" }, /* the table was altered */
	{ 1615, MIGRATE_TRANSIENT, "" },
	{ 1644, MIGRATE_INVALID, "" }, /* SIGNAL of a trigger, of whatever SQLSTATE */
	{ 1698, MIGRATE_UNAVAILABLE, "; this user is let in from a socket only" },
	{ 1792, MIGRATE_UNAVAILABLE, " (the server can only be read from)" },
	{ 1836, MIGRATE_UNAVAILABLE, " (the server can only be read from)" },
	{ 1927, MIGRATE_UNAVAILABLE, "" }, /* our session was killed */
	{ 1969, MIGRATE_TRANSIENT, " (see the option statement_timeout)" },
	{ 3024, MIGRATE_TRANSIENT, " (see the option statement_timeout)" },
	{ 3169, MIGRATE_UNAVAILABLE, "" },
	{ 3572, MIGRATE_TRANSIENT, "" },
	{ 4031, MIGRATE_UNAVAILABLE, "" }, /* we were idle for too long */
};

/* Else by the class of its SQLSTATE. */
static enum migrate_status status_of_class(const char *state)
{
	static const struct {
		const char *class;
		enum migrate_status status;
	} classes[] = {
		{ "08", MIGRATE_UNAVAILABLE }, { "21", MIGRATE_INVALID },
		{ "22", MIGRATE_INVALID },     { "23", MIGRATE_INVALID },
		{ "40", MIGRATE_TRANSIENT },   { "44", MIGRATE_INVALID },
		{ "45", MIGRATE_INVALID }, /* SIGNAL */
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (!strncmp(state, classes[i].class, 2))
			return classes[i].status;
	return MIGRATE_FATAL;
}

/* Numbers of data that a column, a check or a partition does not take, of no class. */
static bool is_of_data(unsigned number)
{
	static const unsigned numbers[] = {
		ER_TOO_LONG_KEY, 1264, 1265, 1364, 1366, 1411, 1526, 1690, 3140, 3819, 4025
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i] == number)
			return true;
	return false;
}

static enum migrate_status judge(unsigned number, const char *state, const char **advice)
{
	*advice = "";
	if (number >= CR_MIN_ERROR && number <= CR_MAX_ERROR)
		return MIGRATE_UNAVAILABLE;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].number == number) {
			*advice = answers[i].advice;
			return answers[i].status;
		}
	return is_of_data(number) ? MIGRATE_INVALID : status_of_class(state);
}

enum migrate_status out_of_memory(struct self *self)
{
	return migrate_fail(self->session, MIGRATE_UNAVAILABLE, "out of memory");
}

static enum migrate_status fail_as(struct self *self, struct link *link, enum migrate_status status,
				   const char *what, const char *advice)
{
	const char *message = mysql_error(link->conn);

	status = migrate_fail(self->session, status, "%s: %s%s", what,
			      *message ? message : "the connection was lost", advice);
	/* a connection that is only good for reading is no good after a failover */
	if (status == MIGRATE_UNAVAILABLE || status == MIGRATE_UNKNOWN_OUTCOME)
		link_close(link);
	return status;
}

enum migrate_status fail_server(struct self *self, struct link *link, const char *what)
{
	unsigned number = mysql_errno(link->conn);
	const char *advice;
	enum migrate_status status = judge(number, mysql_sqlstate(link->conn), &advice);

	self->server_said = number && (number < CR_MIN_ERROR || number > CR_MAX_ERROR);
	if (link->came > link->bound.bytes || number == CR_NET_PACKET_TOO_LARGE)
		return too_large(self, link, what);
	/* the library has no words for it */
	if (!number || number == CR_UNKNOWN_ERROR)
		return wrong_answer(self, link, what, "it cannot be read");
	return fail_as(self, link, status, what, advice);
}

/*
 * An answer to COMMIT: of these errors it is known that nothing was changed, of
 * all others it is not, and who looks again under the lock will see.
 */
enum migrate_status fail_commit(struct self *self)
{
	static const unsigned known[] = { 1047, 1205, 1213, 1290, 1792, 1836 };
	unsigned number = mysql_errno(self->main.conn);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] == number)
			return fail_server(self, &self->main, "cannot commit");
	return fail_as(self, &self->main, MIGRATE_UNKNOWN_OUTCOME, "the answer to COMMIT was lost",
		       "");
}
