/* SPDX-License-Identifier: MIT */
#include "engine/rows/rewriter.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/work/pace.h"

#include <inttypes.h>

/*
 * Rows wait while a replica of their database is further behind than limits.lag
 * allows. Each rewriter looks for itself, once a second at most: a look costs a
 * round trip, and a replica does not fall behind in an instant.
 */
#define LOOK (NS_PER_S)
#define WAIT (200 * NS_PER_MS)

static enum migrate_status look_at_replicas(struct rewriter *r, size_t database, int64_t *lag,
					    struct error *err)
{
	struct migrate_session *s = r->databases[database];
	struct again a = rows_again(r);
	enum migrate_status status;

	*lag = 0;
	do
		status = database_lag(s, lag);
	while (again(&a, s, status));
	if (status != MIGRATE_OK && status != MIGRATE_UNSUPPORTED)
		again_error(&a, s, status, err);
	return status;
}

int rows_await_replicas(struct rewriter *r, size_t database, struct error *err)
{
	struct run *run = r->run;
	const char *label = run->task->ends.databases[database].job->label;
	int64_t limit = run->task->job->limits.lag, lag;
	enum migrate_status status;
	bool said = false;

	if (!limit || clock_monotonic() - r->lag_seen[database] < LOOK)
		return 0;
	while ((status = look_at_replicas(r, database, &lag, err)) == MIGRATE_OK && lag > limit) {
		if (!said)
			log_info("%s: rows wait: a replica is %.1f s behind (limits.lag)", label,
				 (double)lag / 1000);
		said = true;
		if (!halt_sleep(&run->halt, WAIT))
			return -1;
	}
	r->lag_seen[database] = clock_monotonic();
	return status == MIGRATE_OK || status == MIGRATE_UNSUPPORTED ? 0 : -1;
}
