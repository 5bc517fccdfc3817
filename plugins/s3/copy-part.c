/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdio.h>
#include <string.h>

/* Parts of an upload that the server copies from a range of another object. */

static enum migrate_status send_copy(struct s3_session *s, struct migrate_part *r,
				     struct s3_copied *result)
{
	struct s3_session *from = r->source;
	enum migrate_status status;
	char range[64];

	s3_begin(s, "PUT", r->key);
	s3_query_number(s, "partNumber", r->number);
	s3_query(s, "uploadId", r->id.p, r->id.n);
	s3_give_copy_source(s, from->s3, r->source_key, r->source_if_match);
	snprintf(range, sizeof(range), "bytes=%llu-%llu", (unsigned long long)r->offset,
		 (unsigned long long)(r->offset + r->size - 1));
	s3_header_text(s, "x-amz-copy-source-range", range);
	s3_give_customer_key(s);
	s3_with_body(s);
	status = s3_send(s, "copying a part");
	if (status == MIGRATE_OK)
		status = s3_document(s, "CopyPartResult", s3_take_copied, result, "copying a part");
	if (status == MIGRATE_OK && !result->etag[0])
		return migrate_fail(s->ms, MIGRATE_TRANSIENT, "copying a part: no etag came");
	return status;
}

/* Is it still the object that was meant? If not, that is why what was asked for cannot be. */
static enum migrate_status source_after(struct s3_session *s, const struct migrate_part *r,
					enum migrate_status status)
{
	struct s3_session *from = r->source;
	enum migrate_status now;

	if (status != MIGRATE_CHANGED && (!(s->s3->quirks & S3_NO_COPY_MATCH) ||
					  (status != MIGRATE_OK && status != MIGRATE_INVALID)))
		return status;
	from->ms = r->session;
	now = s3_still_same(from, r->source_key, r->source_if_match);
	if (now != MIGRATE_OK)
		return now;
	/* Swift compares what was uploaded in parts with another etag than the one it shows */
	return status == MIGRATE_CHANGED ? MIGRATE_UNSUPPORTED : status;
}

/* Where the condition is ignored, a look behind each part says that all of them are of one object. */
enum migrate_status s3_copy_part(void *self, struct migrate_part *r)
{
	struct s3_session *s = self;
	struct s3_copied result = { .time = INT64_MIN };
	enum migrate_status status;

	s->ms = r->session;
	if (s->s3->quirks & S3_NO_PART_COPY)
		return MIGRATE_UNSUPPORTED;
	status = source_after(s, r, send_copy(s, r, &result));
	if (status != MIGRATE_OK)
		return status;
	return migrate_set_part(r, result.etag, strlen(result.etag)) ? MIGRATE_OK : MIGRATE_FATAL;
}
