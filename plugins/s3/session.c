/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static void s3_session_free(struct s3_session *s)
{
	struct text *const texts[] = { &s->path,  &s->query, &s->headers,     &s->url,
				       &s->lines, &s->body,  &s->answer.head, &s->answer.body };

	if (!s)
		return;
	if (s->curl)
		curl_easy_cleanup(s->curl);
	s3_signer_release(&s->signer);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		text_release(texts[i]);
	OPENSSL_cleanse(&s->keys, sizeof(s->keys));
	free(s);
}

struct s3_session *s3_session_new(struct s3 *s3, struct migrate_session *ms)
{
	struct s3_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->s3 = s3;
	s->ms = ms;
	s->place = s3->place;
	text_copy(s->job, sizeof(s->job), migrate_job_id(ms));
	text_copy(s->region, sizeof(s->region), s3->region);
	s->region_generation = s3->region_generation;
	if (s3_signer_init(&s->signer, s3->sha256) && (s->curl = s3_http_new(s)))
		return s;
	s3_session_free(s);
	return NULL;
}

enum migrate_status s3_begin_session(struct migrate_begin *r)
{
	r->self = s3_session_new(r->instance, r->session);
	if (r->self)
		return MIGRATE_OK;
	return migrate_fail(r->session, MIGRATE_UNAVAILABLE, "out of memory for a session");
}

void s3_end_session(void *self)
{
	s3_session_free(self);
}
