/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

/* The replica that scans go to: whether it is one, and how far it has come. */

#define REPLICA_LIMIT 60000 /* ms until one that is behind counts as away */
#define REPLICA_TICK 200    /* ms that one question may wait */

static const char place_sql[] = "SELECT CONCAT_WS(':', @@hostname, @@port, @@server_id, @@datadir)";

/* The first column of the first row, the caller's to free. */
static char *one_text(struct self *self, struct link *link, const char *sql,
		      enum migrate_status *status)
{
	struct answer *res = query(self, link, sql, strlen(sql), SHAPE("S", 1, 1), QUICK,
				   "cannot compare the replica", status);
	struct row row;
	char *text = NULL;

	if (!res)
		return NULL;
	text = strdup(row_next(res, &row) ? field_text(&row, 0) : "");
	answer_free(res);
	if (!text)
		*status = out_of_memory(self);
	return text;
}

/* *seconds: -1 no replica, -2 one that stands still. */
static enum migrate_status read_status(struct self *self, struct link *link, int64_t *seconds)
{
	enum migrate_status status = link_ready(self, link);
	const char *sql = "SHOW SLAVE STATUS";
	struct answer *res;
	struct row row;

	if (status)
		return status;
	if (!self->instance->is_mariadb && mysql_get_server_version(link->conn) >= 80022)
		sql = "SHOW REPLICA STATUS";
	res = query(self, link, sql, strlen(sql), SHAPE("*", 0, ANY_ROWS), QUICK,
		    "cannot ask the replica", &status);
	*seconds = -1;
	while (res && row_next(res, &row))
		for (size_t i = 0; i < res->columns; i++) {
			const char *name = res->names[i];
			const char *digits = field_text(&row, i);
			bool known = *digits && !digits[strspn(digits, "0123456789")];
			int64_t value = known ? (int64_t)(field_number(&row, i) & INT32_MAX) : -2;

			/* of several sources the slowest */
			if (!strncasecmp(name, "Seconds_Behind_", 15) &&
			    (value == -2 || (*seconds != -2 && value > *seconds)))
				*seconds = value;
		}
	answer_free(res);
	return status;
}

enum migrate_status replica_check(struct self *self)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;
	char *here, *there = NULL;
	int64_t seconds = 0;

	if (!inst->has_scan)
		return MIGRATE_OK;
	here = one_text(self, &self->main, place_sql, &status);
	if (!status)
		there = one_text(self, &self->scan, place_sql, &status);
	if (!status && !strcmp(here, there)) { /* the same server needs no waiting */
		inst->has_scan = false;
	} else if (!status) {
		status = read_status(self, &self->scan, &seconds);
		if (!status && seconds == -1)
			status = migrate_fail(self->session, MIGRATE_INVALID,
					      "scan_connection: this is not a replica of the "
					      "server that connection leads to");
		if (status == MIGRATE_DENIED)
			status = migrate_fail(self->session, MIGRATE_DENIED,
					      "scan_connection: the user may not ask whether this "
					      "is a replica; GRANT REPLICATION CLIENT (in MariaDB "
					      "REPLICA MONITOR) ON *.* TO it");
	}
	free(here);
	free(there);
	return status;
}

/* ---- Catching up ---- */

static enum migrate_status no_position(struct self *self)
{
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "scan_connection: the server numbers no transactions (gtid), so it "
			    "cannot be known how far a replica has come");
}

/* The question whether the replica has what the server has now; NULL: failed. */
static char *build_wait(struct self *self, enum migrate_status *status)
{
	bool is_mariadb = self->instance->is_mariadb;
	char *position = one_text(self, &self->main,
				  is_mariadb ? "SELECT @@global.gtid_binlog_pos"
					     : "SELECT @@global.gtid_executed",
				  status);
	struct text s = { .n = 0 };
	char *text;

	if (!position)
		return NULL;
	if (!*position) {
		free(position);
		*status = no_position(self);
		return NULL;
	}
	text_printf(&s,
		    is_mariadb ? "SELECT MASTER_GTID_WAIT(" : "SELECT WAIT_FOR_EXECUTED_GTID_SET(");
	sql_string(&s, position);
	text_printf(&s, ", %d.%d)", REPLICA_TICK / 1000, REPLICA_TICK % 1000 / 100);
	free(position);
	text = text_finish(&s);
	if (!text)
		*status = out_of_memory(self);
	return text;
}

/* A scan must not miss rows that were there when it began: the replica catches up first. */
enum migrate_status replica_catch_up(struct self *self)
{
	enum migrate_status status = MIGRATE_OK;
	char *sql = build_wait(self, &status), *answer = NULL;
	bool reached = false;

	for (int64_t waited = 0; sql && !status && !reached; waited += REPLICA_TICK) {
		answer = one_text(self, &self->scan, sql, &status);
		reached = answer && !strcmp(answer, "0");
		free(answer);
		if (status || reached)
			break;
		if (waited >= REPLICA_LIMIT)
			status = migrate_fail(self->session, MIGRATE_UNAVAILABLE,
					      "scan_connection: the replica has not reached the "
					      "state that the scan needs within %d s",
					      REPLICA_LIMIT / 1000);
		/* the question itself waits, but not where replication stands still */
		if (!status && migrate_wait(self->session, -1, 0, REPLICA_TICK) < 0)
			status = MIGRATE_CANCELLED;
		migrate_progress(self->session);
	}
	free(sql);
	return status;
}

/* Of the replica that the job knows; servers do not tell how far others are behind. */
enum migrate_status mysql_lag(void *handle, struct migrate_lag *r)
{
	struct self *self = handle;
	enum migrate_status status;
	int64_t seconds;

	self->session = r->session;
	if (!self->instance->has_scan)
		return MIGRATE_OK;
	status = read_status(self, &self->scan, &seconds);
	if (!status && seconds == -2)
		status = migrate_fail(r->session, MIGRATE_UNAVAILABLE,
				      "scan_connection: replication stands still");
	if (!status)
		r->milliseconds = seconds > 0 ? seconds * 1000 : 0;
	return status;
}
