/* SPDX-License-Identifier: MIT */
#include "patience.h"

#include "extra.h"

#define TICK 1000  /* between two signs of life while a slow statement runs */
#define GRACE 5000 /* that an answer may take beyond statement_timeout */
#define SLOWEST 10 /* deadlines in which all of it must have come, beyond that too */

#define ANSWER_BYTES ((uint64_t)16 << 20)
#define VALUES_BYTES ((uint64_t)80 << 20) /* a thousand rows of the longest keys, and more */

int64_t wait_tick(struct migrate_session *session)
{
	int64_t half = migrate_deadline(session) / 2;

	return half < TICK ? half : TICK;
}

int wait_for_event(struct migrate_session *session, int fd, short events, enum pace pace,
		   int64_t statement_timeout)
{
	int64_t limit = statement_timeout ? statement_timeout + GRACE : INT64_MAX;

	if (pace == QUICK)
		return migrate_wait(session, fd, events, -1);
	for (int64_t waited = 0; waited < limit; waited += wait_tick(session)) {
		int ready = migrate_wait(session, fd, events, wait_tick(session));

		if (ready)
			return ready;
		/* the server is there: keepalives would have told us */
		migrate_progress(session);
	}
	return 0;
}

enum migrate_status not_in_time(struct migrate_session *session, int ready, const char *what)
{
	if (ready < 0 && migrate_cancelled(session))
		return migrate_fail(session, MIGRATE_CANCELLED, "%s: cancelled", what);
	return migrate_fail(session, MIGRATE_UNAVAILABLE, "%s: the server has not answered in time",
			    what);
}

int64_t answer_time(struct migrate_session *session, int64_t statement_timeout)
{
	int64_t deadline = migrate_deadline(session);

	if (!statement_timeout || deadline > INT64_MAX / SLOWEST - statement_timeout)
		return 0;
	return statement_timeout + SLOWEST * deadline;
}

/* Values of a page, and twice the longest text: as it was found, and as it is now. */
uint64_t answer_bytes(bool values, uint64_t value_max, bool sets)
{
	if (!values)
		return ANSWER_BYTES;
	return VALUES_BYTES + (sets ? (uint64_t)EXTRA_MAX << 10 : 0) + 2 * value_max;
}
