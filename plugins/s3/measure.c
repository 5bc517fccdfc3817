/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/*
 * What the endpoint does with conditions is tried on two scratch objects: one that
 * ignores If-None-Match answers 200 and overwrites, and no name tells that.
 */
struct scratch {
	struct s3_session *s;
	const char *prefix;
	char one[64], two[64];
	char etag[MIGRATE_ETAG_MAX + 3];
	enum migrate_status broken; /* something that is no question of conditions */
	enum migrate_status left;   /* why one may still be there */
	bool doubtful;              /* an upload may have begun whose id is not known */
};

static struct migrate_bytes key_of(const char *name)
{
	return s3_bytes(name, strlen(name));
}

/* The answer to a request that must be refused: true if it was, by its condition. */
static bool was_refused(struct scratch *t, enum migrate_status status)
{
	long http = t->s->answer.status;

	if (status == MIGRATE_OK || http == 501 || http == 400)
		return false;
	if (http == 412 || http == 409)
		return true;
	if (status != MIGRATE_CHANGED && status != MIGRATE_UNSUPPORTED && status != MIGRATE_INVALID)
		t->broken = status;
	return false;
}

static enum migrate_status put(struct scratch *t, const char *header, const char *value)
{
	struct s3_session *s = t->s;
	const char *etag;
	enum migrate_status status;

	s3_begin(s, "PUT", key_of(t->one));
	if (header)
		s3_header_text(s, header, value);
	s3_give_encryption(s);
	text_str(&s->body, "scratch");
	s3_with_body(s);
	status = s3_send(s, "writing a scratch object");
	etag = status == MIGRATE_OK ? s3_answer_header(s, "etag") : NULL;
	if (etag)
		text_copy(t->etag, sizeof(t->etag), etag);
	return status;
}

static enum migrate_status copy(struct scratch *t, const char *header, const char *value)
{
	struct s3_session *s = t->s;
	struct text source = { .p = NULL };

	s3_begin(s, "PUT", key_of(t->two));
	text_printf(&source, "/%s/%s", s->s3->config.bucket, t->one);
	s3_header(s, "x-amz-copy-source", text_get(&source), source.n);
	text_release(&source);
	if (header)
		s3_header_text(s, header, value);
	s3_give_encryption(s);
	s3_with_body(s);
	return s3_send(s, "copying a scratch object");
}

#define OTHER "\"00000000000000000000000000000000\""

/* Of what was put just now. */
static uint32_t measure_etag(struct scratch *t)
{
	struct text hex = { .p = NULL };
	unsigned char md5[16];
	uint32_t quirks = 0;

	if (!s3_md5(t->s, "scratch", 7, md5))
		return 0;
	text_hex(&hex, md5, sizeof(md5));
	if (!strstr(t->etag, text_get(&hex)))
		quirks = S3_ETAG_NOT_MD5;
	text_release(&hex);
	return quirks;
}

static uint32_t measure_puts(struct scratch *t)
{
	uint32_t quirks = 0;
	char bare[MIGRATE_ETAG_MAX + 3];
	size_t n;

	if (was_refused(t, put(t, "if-none-match", "*")))
		quirks |= S3_PUT_ABSENT;
	if (!was_refused(t, put(t, "if-match", OTHER)))
		return quirks;
	if (put(t, "if-match", t->etag) == MIGRATE_OK)
		return quirks | S3_PUT_MATCH;
	n = strlen(t->etag);
	if (n < 3 || t->etag[0] != '"')
		return quirks;
	memcpy(bare, t->etag + 1, n - 2);
	bare[n - 2] = '\0';
	if (put(t, "if-match", bare) == MIGRATE_OK)
		quirks |= S3_PUT_MATCH | S3_BARE_IF_MATCH;
	return quirks;
}

static uint32_t measure_copies(struct scratch *t)
{
	uint32_t quirks = 0;

	if (!was_refused(t, copy(t, "x-amz-copy-source-if-match", OTHER)))
		quirks |= S3_NO_COPY_MATCH;
	if (copy(t, NULL, NULL) != MIGRATE_OK)
		return quirks;
	if (was_refused(t, copy(t, "if-none-match", "*")))
		quirks |= S3_COPY_ABSENT;
	if (was_refused(t, copy(t, "if-match", OTHER)))
		quirks |= S3_COPY_MATCH_TO;
	return quirks;
}

static bool take_id(void *arg, const char *path, char *text, size_t n)
{
	if (!strcmp(path, "UploadId") && n <= MIGRATE_ETAG_MAX)
		text_copy(arg, MIGRATE_ETAG_MAX + 1, text);
	return true;
}

static enum migrate_status complete(struct scratch *t, const char *id, const char *header,
				    const char *value)
{
	struct s3_session *s = t->s;

	s3_begin(s, "POST", key_of(t->two));
	s3_query_text(s, "uploadId", id);
	s3_header_text(s, header, value);
	text_str(&s->body, "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>");
	s3_xml_escape(&s->body, t->etag, strlen(t->etag));
	text_str(&s->body, "</ETag></Part></CompleteMultipartUpload>");
	s3_with_body(s);
	return s3_send(s, "completing a scratch upload");
}

/* How the removal of something went. */
static void is_gone(struct scratch *t, enum migrate_status status)
{
	if (status != MIGRATE_OK && status != MIGRATE_NOT_FOUND && t->left == MIGRATE_OK)
		t->left = status;
}

static bool begin_upload(struct scratch *t, char id[MIGRATE_ETAG_MAX + 1])
{
	struct s3_session *s = t->s;
	enum migrate_status status;

	s3_begin(s, "POST", key_of(t->two));
	s3_query_text(s, "uploads", "");
	s3_give_encryption(s);
	s3_with_body(s);
	status = s3_send(s, "beginning a scratch upload");
	if (status == MIGRATE_OK)
		status = s3_document(s, "InitiateMultipartUploadResult", take_id, id,
				     "beginning a scratch upload");
	t->doubtful = !id[0] && status != MIGRATE_UNSUPPORTED && status != MIGRATE_DENIED;
	return status == MIGRATE_OK && id[0];
}

static uint32_t measure_completes(struct scratch *t, uint32_t quirks)
{
	struct s3_session *s = t->s;
	char id[MIGRATE_ETAG_MAX + 1] = "";

	if (!begin_upload(t, id))
		return quirks & ~(uint32_t)S3_COPY_MATCH_TO;
	s3_begin(s, "PUT", key_of(t->two));
	s3_query_text(s, "partNumber", "1");
	s3_query_text(s, "uploadId", id);
	text_str(&s->body, "scratch");
	s3_with_body(s);
	if (s3_send(s, "writing a scratch part") == MIGRATE_OK && s3_answer_header(s, "etag"))
		text_copy(t->etag, sizeof(t->etag), s3_answer_header(s, "etag"));
	if (was_refused(t, complete(t, id, "if-none-match", "*")))
		quirks |= S3_COMPLETE_ABSENT;
	if (!(quirks & S3_COMPLETE_ABSENT) || !was_refused(t, complete(t, id, "if-match", OTHER)))
		quirks &= ~(uint32_t)S3_COPY_MATCH_TO;
	s3_begin(s, "DELETE", key_of(t->two));
	s3_query_text(s, "uploadId", id);
	is_gone(t, s3_send(s, "ending a scratch upload"));
	return quirks;
}

static enum migrate_status remove_scratch(struct scratch *t, const char *name, const char *if_match)
{
	s3_begin(t->s, "DELETE", key_of(name));
	if (if_match)
		s3_header_text(t->s, "if-match", if_match);
	return s3_send(t->s, "removing a scratch object");
}

/* Nothing of ours stays; or the next run removes it. */
static enum migrate_status clean_up(struct scratch *t)
{
	struct s3_session *s = t->s;

	is_gone(t, remove_scratch(t, t->one, NULL));
	is_gone(t, remove_scratch(t, t->two, NULL));
	if (migrate_cancelled(s->ms))
		return MIGRATE_CANCELLED;
	if (t->left != MIGRATE_OK || t->doubtful)
		s3_sweep_scratch(s);
	if (t->left != MIGRATE_OK)
		migrate_note(s->ms, "scratch objects %s-* could not be removed at once", t->prefix);
	return MIGRATE_OK;
}

enum migrate_status s3_try_conditions(struct s3_session *s, const char *scratch, uint32_t *quirks)
{
	struct scratch t = { .s = s, .prefix = scratch };
	enum migrate_status status;

	*quirks = S3_NO_COPY_MATCH;
	snprintf(t.one, sizeof(t.one), "%s-1", scratch);
	snprintf(t.two, sizeof(t.two), "%s-2", scratch);
	status = put(&t, NULL, NULL);
	if (status != MIGRATE_OK)
		return status;
	*quirks = measure_etag(&t);
	*quirks |= measure_puts(&t);
	*quirks |= measure_copies(&t);
	*quirks = measure_completes(&t, *quirks);
	if (was_refused(&t, remove_scratch(&t, t.one, OTHER)))
		*quirks |= S3_REMOVE_MATCH;
	if (t.broken != MIGRATE_OK)
		*quirks = (*quirks & S3_ETAG_NOT_MD5) |
			  S3_NO_COPY_MATCH; /* what could not be told is not relied on */
	return clean_up(&t);
}

static void adopt(struct s3_session *s, uint32_t quirks)
{
	struct s3 *s3 = s->s3;

	s3->quirks = (s3->quirks & ~S3_MEASURED) | quirks;
	migrate_debug(s->ms,
		      "conditions: put absent %d match %d, copy absent %d source %d, "
		      "complete absent %d, remove match %d",
		      !!(quirks & S3_PUT_ABSENT), !!(quirks & S3_PUT_MATCH),
		      !!(quirks & S3_COPY_ABSENT), !(quirks & S3_NO_COPY_MATCH),
		      !!(quirks & S3_COMPLETE_ABSENT), !!(quirks & S3_REMOVE_MATCH));
}

enum migrate_status s3_measure(struct s3_session *s)
{
	enum migrate_status status;
	unsigned int random = 0;
	uint32_t quirks;
	char scratch[48];

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		random = (unsigned int)s3_monotonic();
	snprintf(scratch, sizeof(scratch), ".migrate-%s-scratch-%08x", s->job, random);
	adopt(s, S3_NO_COPY_MATCH);
	if (s->job[0])
		s3_sweep_scratch(s);
	status = s3_try_conditions(s, scratch, &quirks);
	if (status == MIGRATE_OK)
		adopt(s, quirks);
	if (status != MIGRATE_DENIED || strcmp(s->answer.code, "AccessDenied") != 0)
		return status;
	migrate_note(s->ms, "no scratch object may be written, so conditions are taken to be "
			    "ignored: each object is looked at before it is written");
	return MIGRATE_OK;
}
