/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* From the options to an instance that is known to work. */

static void find_region(struct s3 *s3)
{
	const struct s3_config *c = &s3->config;
	const char *set = c->region ? c->region : getenv("AWS_REGION");
	struct s3_profile p;

	if (!set || !*set)
		set = getenv("AWS_DEFAULT_REGION");
	s3_profile_load(&p, s3_profile_name(c));
	if ((!set || !*set) && !c->access_key)
		set = s3_profile_value(&p, "region");
	text_copy(s3->region, sizeof(s3->region), set && *set ? set : "us-east-1");
	s3_profile_release(&p);
}

static enum migrate_status find_place(struct migrate_open *r, struct s3 *s3)
{
	const struct s3_config *c = &s3->config;
	size_t n = strlen(c->bucket);

	if (n < 1 || n > 255 || strpbrk(c->bucket, "/?#\\ \r\n"))
		return migrate_fail(r->session, MIGRATE_INVALID,
				    "bucket: '%s' cannot be the name of one", c->bucket);
	find_region(s3);
	if (!c->endpoint)
		s3_place_aws(&s3->place, s3->region);
	else if (!s3_place_parse(c->endpoint, &s3->place))
		return migrate_fail(r->session, MIGRATE_INVALID,
				    "endpoint: it is not of the form https://host[:port][/path]");
	s3->dialect = s3_dialect_of(c->dialect, s3->place.host);
	s3->quirks = s3->dialect->quirks;
	if (!(s3->quirks & S3_KNOWN))
		s3->quirks |= S3_NO_COPY_MATCH;
	if (c->path_style == S3_STYLE_AUTO)
		s3->place.host_style = (s3->place.aws || s3->quirks & S3_KNOWN) &&
				       c->dialect <= 0 &&
				       s3_bucket_is_label(c->bucket, s3->place.tls);
	else
		s3->place.host_style = c->path_style == S3_STYLE_HOST;
	return MIGRATE_OK;
}

/* 32 bytes, as they are or in base64. */
static enum migrate_status find_customer_key(struct migrate_open *r, struct s3 *s3)
{
	struct migrate_bytes b = { .p = NULL };
	struct text word = { .p = NULL }, key = { .p = NULL }, out = { .p = NULL };
	unsigned char md5[16];
	bool ok;

	if (!s3->config.sse_c_key)
		return MIGRATE_OK;
	if (!s3->place.tls)
		return migrate_fail(r->session, MIGRATE_INVALID,
				    "sse_c_key: it is sent with each request, so the endpoint must "
				    "be https");
	b = migrate_secret_reveal(s3->config.sse_c_key);
	text_str(&word, "=?UTF-8?B?");
	text_add(&word, b.p, b.n);
	text_str(&word, "?=");
	if (b.n == 32)
		text_add(&key, b.p, b.n);
	else if (b.n == 44)
		s3_decode_word(&key, text_get(&word));
	ok = key.n == 32 && EVP_Digest(key.p, key.n, md5, NULL, s3->md5, NULL);
	if (ok) {
		text_base64(&out, (const unsigned char *)key.p, key.n);
		text_copy(s3->sse_c_key, sizeof(s3->sse_c_key), text_get(&out));
		text_reset(&out);
		text_base64(&out, md5, sizeof(md5));
		text_copy(s3->sse_c_md5, sizeof(s3->sse_c_md5), text_get(&out));
	}
	if (word.p)
		OPENSSL_cleanse(word.p, word.cap);
	if (key.p)
		OPENSSL_cleanse(key.p, key.cap);
	text_release(&word);
	text_release(&key);
	text_release(&out);
	return ok ? MIGRATE_OK
		  : migrate_fail(r->session, MIGRATE_INVALID,
				 "sse_c_key: it is not 32 bytes, nor these in base64");
}

/* The first requests: is the bucket there, who serves it, and what does it do? */
static enum migrate_status meet(struct migrate_open *r, struct s3_session *s)
{
	struct s3 *s3 = s->s3;
	const struct s3_dialect *seen;
	enum migrate_status status = s3_look_at_bucket(s);

	if (status == MIGRATE_DENIED && !strcmp(s->answer.code, "AccessDenied")) {
		migrate_note(r->session, "the bucket may not be listed with these credentials");
		s3->no_list = true;
		status = MIGRATE_OK;
	}
	if (!strcmp(s->answer.code, "NoSuchBucket"))
		return migrate_fail(r->session, MIGRATE_NOT_FOUND, "bucket: there is no '%s' at %s",
				    s3->config.bucket, s3->place.host);
	if (status != MIGRATE_OK)
		return status;
	s3->met = true;
	atomic_store(&s3->looked, true);
	seen = s3_dialect_of_server(s3_answer_header(s, "server"));
	if (!s3->config.dialect && seen && !(s3->quirks & S3_KNOWN)) {
		s3->dialect = seen;
		s3->quirks = seen->quirks | S3_NO_COPY_MATCH;
	}
	if (s3_lists_v1(s))
		s3->quirks |= S3_LIST_V1;
	if (!r->writes || r->dry || s3->quirks & S3_KNOWN || s3->config.conditions)
		return MIGRATE_OK;
	return s3_measure(s);
}

/* Said by the job file: not to be measured. */
static void take_conditions(struct s3 *s3)
{
	const uint32_t all = S3_PUT_ABSENT | S3_COPY_ABSENT | S3_COMPLETE_ABSENT | S3_PUT_MATCH |
			     S3_COPY_MATCH_TO | S3_REMOVE_MATCH;

	if (s3->config.conditions == 1)
		s3->quirks = (s3->quirks | all) & ~(uint32_t)S3_NO_COPY_MATCH;
	else if (s3->config.conditions == 2)
		s3->quirks = (s3->quirks & ~all) | S3_NO_COPY_MATCH;
}

void s3_close(void *instance)
{
	struct s3 *s3 = instance;

	s3_mine_free(s3);
	s3_tls_release(s3);
	EVP_MD_free(s3->sha256);
	EVP_MD_free(s3->md5);
	pthread_cond_destroy(&s3->renewed);
	pthread_mutex_destroy(&s3->lock);
	OPENSSL_cleanse(s3, sizeof(*s3));
	free(s3);
}

static enum migrate_status prepare(struct migrate_open *r, struct s3 *s3)
{
	enum migrate_status status = find_place(r, s3);
	struct s3_session *s;

	if (status == MIGRATE_OK)
		status = s3_tls_init(s3, r->session);
	if (status == MIGRATE_OK)
		status = find_customer_key(r, s3);
	if (status != MIGRATE_OK)
		return status;
	s = s3_session_new(s3, r->session);
	if (!s)
		return migrate_fail(r->session, MIGRATE_UNAVAILABLE, "out of memory");
	status = meet(r, s);
	take_conditions(s3);
	s3_end_session(s);
	return status;
}

enum migrate_status s3_open(struct migrate_open *r)
{
	struct s3 *s3 = calloc(1, sizeof(*s3));
	enum migrate_status status;

	if (!s3)
		return migrate_fail(r->session, MIGRATE_UNAVAILABLE, "out of memory");
	pthread_mutex_init(&s3->lock, NULL);
	pthread_cond_init(&s3->renewed, NULL);
	memcpy(&s3->config, r->config, sizeof(s3->config));
	s3->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	s3->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	if (!s3->sha256 || !s3->md5)
		status = migrate_fail(r->session, MIGRATE_FATAL,
				      "libcrypto has no SHA-256 or no MD5 here");
	else
		status = prepare(r, s3);
	if (status != MIGRATE_OK) {
		s3_close(s3);
		return status;
	}
	r->instance = s3;
	return MIGRATE_OK;
}
