/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdio.h>
#include <string.h>

/* The end of an upload: the object appears, and is proved to be that of the parts. */

static void give_parts(struct s3_session *s, const struct migrate_complete *r)
{
	text_str(&s->body, "<CompleteMultipartUpload "
			   "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; i < r->count; i++) {
		const struct migrate_done_part *p = r->parts[i];

		text_printf(&s->body, "<Part><PartNumber>%u</PartNumber><ETag>", p->number);
		s3_xml_escape(&s->body, p->token.p, p->token.n);
		text_str(&s->body, "</ETag></Part>");
	}
	text_str(&s->body, "</CompleteMultipartUpload>");
}

/* The etag that most servers make of parts' MD5s: "MD5 of them all, dash, how many". */
static bool expected_etag(struct s3_session *s, const struct migrate_complete *r, struct text *etag)
{
	struct text all = { .p = NULL };
	unsigned char digest[16];
	bool ok = true;

	for (size_t i = 0; ok && i < r->count; i++) {
		const char *p = r->parts[i]->token.p;
		size_t n = r->parts[i]->token.n;

		if (n == 34 && p[0] == '"')
			p++, n -= 2;
		ok = n == 32 && hex_bytes(p, 32, digest) && text_add(&all, digest, sizeof(digest));
	}
	ok = ok && s3_md5(s, text_get(&all), all.n, digest);
	text_release(&all);
	if (!ok)
		return false;
	text_hex(etag, digest, sizeof(digest));
	return text_printf(etag, "-%zu", r->count);
}

struct completed {
	char etag[MIGRATE_ETAG_MAX + 3];
};

static bool take_completed(void *arg, const char *path, char *text, size_t n)
{
	struct completed *c = arg;

	if (strcmp(path, "ETag") != 0)
		return true;
	if (n >= sizeof(c->etag))
		return false;
	memcpy(c->etag, text, n + 1);
	return true;
}

static enum migrate_status tell(struct s3_session *s, struct migrate_complete *r,
				const struct completed *c)
{
	struct text expected = { .p = NULL };
	enum migrate_status status;
	bool proven;

	if (c->etag[0])
		s3_set_etag(NULL, r->object, c->etag, strlen(c->etag));
	proven = expected_etag(s, r, &expected) &&
		 s3_same_etag(s3_bytes(expected.p, expected.n), r->object->etag);
	text_release(&expected);
	if (proven) {
		r->object->size = r->size;
		return MIGRATE_OK;
	}
	status = s3_head(s, r->key, r->object);
	if (status == MIGRATE_NOT_FOUND || status == MIGRATE_TRANSIENT)
		return migrate_fail(s->ms, MIGRATE_UNKNOWN_OUTCOME,
				    "the upload was completed, but cannot be looked at");
	return status;
}

/* No such upload: it may be that an earlier answer to this was lost. */
static enum migrate_status complete_failed(struct s3_session *s, const struct migrate_complete *r,
					   enum migrate_status status)
{
	if (!strcmp(s->answer.code, "NoSuchUpload") ||
	    (s->answer.status == 404 && !s->answer.code[0]))
		return migrate_fail(s->ms, MIGRATE_UNKNOWN_OUTCOME,
				    "the upload is gone: it was completed before, or ended");
	if (!strcmp(s->answer.code, "PreconditionFailed"))
		s->answer.status = 412;
	return s3_precondition_failed(s, r->precondition, status);
}

enum migrate_status s3_complete(void *self, struct migrate_complete *r)
{
	struct s3_session *s = self;
	struct completed c = { .etag = "" };
	enum migrate_status status;

	s->ms = r->session;
	s3_begin(s, "POST", r->key);
	s3_query(s, "uploadId", r->id.p, r->id.n);
	s3_header_text(s, "content-type", "application/xml");
	s3_give_precondition(s, r->precondition, r->if_match);
	s3_give_customer_key(s);
	give_parts(s, r);
	s3_with_body(s);
	status = s3_send_change(s, "completing an upload");
	if (status == MIGRATE_OK) {
		status = s3_document(s, "CompleteMultipartUploadResult", take_completed, &c,
				     "completing an upload");
		if (status == MIGRATE_TRANSIENT && !s->answer.code[0])
			status = MIGRATE_UNKNOWN_OUTCOME;
	}
	if (status != MIGRATE_OK)
		return complete_failed(s, r, status);
	s3_forget_upload(s->s3, r->id);
	return tell(s, r, &c);
}
