/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGINS_PATIENCE_H
#define MIGRATE_PLUGINS_PATIENCE_H

#include <migrate/plugin.h>

/* How long, and for how much, a database's server is waited for. Milliseconds. */

enum pace {
	QUICK, /* an answer is due within the deadline */
	SLOW   /* may take as long as statement_timeout allows; 0: for ever */
};

/* One event on the server's socket: those that are ready; 0: none in time; < 0: cancelled. */
int wait_for_event(struct migrate_session *session, int fd, short events, enum pace pace,
		   int64_t statement_timeout);
/* What to say where that was not > 0. */
enum migrate_status not_in_time(struct migrate_session *session, int ready, const char *what);

/* At most between two signs of life: well before somebody takes us for dead. */
int64_t wait_tick(struct migrate_session *session);

/* In which all of an answer must have come: what trickles in has an end. 0: any time. */
int64_t answer_time(struct migrate_session *session, int64_t statement_timeout);
/* Bytes in the longest answer that is borne: with values of rows and `set:` columns, or without. */
uint64_t answer_bytes(bool values, uint64_t value_max, bool sets);

#endif
