/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

/*
 * One run at a time holds the lock of the file: what is open is its own, and it is alive as
 * long as the lock is. A run that began later has that lock by now.
 */

enum result file_claim(struct connection *c, int64_t after, int64_t *ids, size_t max, size_t *n,
		       struct error *err)
{
	return file_batches(c, BATCHES_OPEN, after, ids, max, n, err);
}

enum result file_renew(struct connection *c, struct error *err)
{
	(void)c;
	(void)err;
	return RESULT_OK;
}

enum result file_release(struct connection *c, const int64_t *ids, size_t n, struct error *err)
{
	(void)c;
	(void)ids;
	(void)n;
	(void)err;
	return RESULT_OK;
}

enum result file_fenced(struct connection *c, int64_t run, bool *fenced, struct error *err)
{
	struct journal_run last = { .id = 0 };
	enum result r = file_run_last(c, &last, err);

	*fenced = !r && last.id > run;
	return r == RESULT_NONE ? RESULT_OK : r;
}
