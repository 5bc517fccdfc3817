/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include <stdlib.h>

static int trust_journal_of(const struct journal_options *o, struct error *err)
{
	char *path = journal_file_resolve(o->path, err);
	int result = path ? journal_file_trust(o, path, err) : -1;

	free(path);
	return result;
}

const struct backend journal_file_backend = {
	.trust = trust_journal_of,
	.open = file_open,
	.disconnect = file_disconnect,
	.discard = file_discard,
	.set_aside = file_set_aside,
	.close = file_close,
	.begin_write = file_begin_write,
	.commit = file_commit,
	.roll_back = file_roll_back,
	.tidy = file_tidy,
	.begin_read = file_begin_read,
	.end_read = file_end_read,
	.job_get = file_job_get,
	.job_set = file_job_set,
	.run_last = file_run_last,
	.run_begin = file_run_begin,
	.run_end = file_run_end,
	.pass_last = file_pass_last,
	.pass_set = file_pass_set,
	.event_add = file_event_add,
	.events = file_events,
	.sample_add = file_sample_add,
	.samples = file_samples,
	.batch_insert = file_batch_insert,
	.batch_set = file_batch_set,
	.batch_get = file_batch_get,
	.batch_drop = file_batch_drop,
	.batches = file_batches,
	.batch_before = file_batch_before,
	.counts = file_counts,
	.objects_set = file_objects_set,
	.object_hung = file_object_hung,
	.objects_get = file_objects_get,
	.last_pass = file_last_pass,
	.batch_of_key = file_batch_of_key,
	.batch_behind = file_batch_behind,
	.position = file_position,
	.key_range = file_key_range,
	.next_of_key = file_next_of_key,
	.chunk_insert = file_chunk_insert,
	.chunk_settle = file_chunk_settle,
	.chunks = file_chunks,
	.rows = file_rows,
	.upload_set = file_upload_set,
	.upload_drop = file_upload_drop,
	.upload_get = file_upload_get,
};
