/* SPDX-License-Identifier: MIT */
#include "libs3-impl.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static enum migrate_status find_place(struct migrate_open *r, struct libs3 *l)
{
	const struct libs3_config *c = &l->config;
	bool in_host = c->style == LIBS3_STYLE_HOST;
	S3UriStyle style = in_host ? S3UriStyleVirtualHost : S3UriStylePath;

	if (!s3_place_parse(c->endpoint, &l->place) || l->place.path[0])
		return migrate_fail(r->session, MIGRATE_INVALID,
				    "endpoint: it is not of the form http://host[:port]");
	if (S3_validate_bucket_name(c->bucket, style) != S3StatusOK)
		return migrate_fail(r->session, MIGRATE_INVALID,
				    "bucket: '%s' is no name that libs3 takes%s", c->bucket,
				    in_host ? " with path_style: no" : "");
	return MIGRATE_OK;
}

static enum migrate_status check_trust(struct migrate_open *r, const struct libs3 *l)
{
	if (!l->place.tls)
		return MIGRATE_OK;
#ifndef LIBS3_SIGV4
	if (l->config.verify_tls)
		return migrate_fail(r->session, MIGRATE_INVALID,
				    "verify_tls: libs3 2.0 cannot verify certificates; use the "
				    "plugin s3, or say verify_tls: no and trust the network");
#endif
	if (!l->config.verify_tls)
		migrate_note(r->session, "certificates are not verified (verify_tls: no)");
	return MIGRATE_OK;
}

/* libs3 2.0 cuts longer secrets, and longer names of keys, in silence. */
static enum migrate_status take_keys(struct migrate_open *r, struct libs3 *l)
{
	struct migrate_bytes secret = migrate_secret_reveal(l->config.secret_key);
	const char *p = l->config.access_key;
	size_t n = strlen(p);

	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] >= 0x7f)
			n = SIZE_MAX - 1;
	if (!n || n > 64)
		return migrate_fail(r->session, MIGRATE_INVALID,
				    "access_key: it is not 1 to 64 printable characters");
#ifndef LIBS3_SIGV4
	if (secret.n > 64)
		return migrate_fail(r->session, MIGRATE_INVALID,
				    "secret_key: libs3 2.0 signs wrongly with one of more than 64 "
				    "characters");
#endif
	if (!secret.n || secret.n >= sizeof(l->secret) || memchr(secret.p, '\0', secret.n))
		return migrate_fail(r->session, MIGRATE_INVALID,
				    "secret_key: it is empty, or too long");
	memcpy(l->secret, secret.p, secret.n);
	return MIGRATE_OK;
}

/* ---- Sessions ---- */

static void session_free(struct libs3_session *s)
{
	if (!s)
		return;
	if (s->context)
		S3_destroy_request_context(s->context);
	EVP_MD_CTX_free(s->md);
	free(s);
}

static struct libs3_session *session_new(struct libs3 *l, struct migrate_session *ms)
{
	struct libs3_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->libs3 = l;
	s->ms = ms;
	s->md = EVP_MD_CTX_new();
	if (s->md)
		return s;
	session_free(s);
	return NULL;
}

enum migrate_status libs3_begin(struct migrate_begin *r)
{
	r->self = session_new(r->instance, r->session);
	if (r->self)
		return MIGRATE_OK;
	return migrate_fail(r->session, MIGRATE_UNAVAILABLE, "out of memory for a session");
}

void libs3_end(void *self)
{
	session_free(self);
}

/* ---- Instances ---- */

static enum migrate_status meet(struct migrate_open *r, struct libs3 *l)
{
	struct libs3_session *s = session_new(l, r->session);
	enum migrate_status status;

	if (!s)
		return migrate_fail(r->session, MIGRATE_UNAVAILABLE, "out of memory");
	status = libs3_look_at_bucket(s);
#ifndef LIBS3_SIGV4
	if (status == MIGRATE_OK && r->writes && !r->dry)
		libs3_try_space(s);
#else
	atomic_store(&l->space, LIBS3_SPACE_WELL);
#endif
	session_free(s);
	if (status == MIGRATE_OK && !r->writes)
		migrate_note(r->session,
			     "libs3 does not show Cache-Control, Content-Encoding, "
			     "Content-Language, Content-Disposition and Expires of what it reads: "
			     "where bytes pass through, copies are without them");
	return status;
}

void libs3_close(void *instance)
{
	struct libs3 *l = instance;

	EVP_MD_free(l->md5);
	OPENSSL_cleanse(l->secret, sizeof(l->secret));
	free(l);
}

static enum migrate_status prepare(struct migrate_open *r, struct libs3 *l)
{
	enum migrate_status status = find_place(r, l);

	if (status == MIGRATE_OK)
		status = check_trust(r, l);
	if (status == MIGRATE_OK)
		status = take_keys(r, l);
	if (status != MIGRATE_OK)
		return status;
	l->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	if (!l->md5)
		return migrate_fail(r->session, MIGRATE_FATAL, "libcrypto has no MD5 here");
	return meet(r, l);
}

enum migrate_status libs3_open(struct migrate_open *r)
{
	struct libs3 *l = calloc(1, sizeof(*l));
	enum migrate_status status;

	if (!l)
		return migrate_fail(r->session, MIGRATE_UNAVAILABLE, "out of memory");
	memcpy(&l->config, r->config, sizeof(l->config));
	status = prepare(r, l);
	if (status != MIGRATE_OK) {
		libs3_close(l);
		return status;
	}
	r->instance = l;
	return MIGRATE_OK;
}
