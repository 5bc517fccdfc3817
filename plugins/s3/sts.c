/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * The keys of a role. For a token of somebody else's (web identity) the service asks
 * for no signature; for other keys the request is signed with these.
 */
#define TOKEN_MAX 65536

struct sts {
	const struct s3_role *role;
	char region[64], url[512], host[256];
	char what[700]; /* to be said of it */
	struct text post;
};

static enum migrate_status find_service(struct s3_session *s, struct sts *t)
{
	static const char *const names[] = { "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL" };
	const char *set = NULL;
	int n;

	pthread_mutex_lock(&s->s3->lock);
	text_copy(t->region, sizeof(t->region), t->role->region ? t->role->region : s->s3->region);
	pthread_mutex_unlock(&s->s3->lock);
	if (!s3_is_aws_region(t->region))
		text_copy(t->region, sizeof(t->region), "us-east-1");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && (!set || !*set); i++)
		set = getenv(names[i]);
	if (set && *set)
		n = snprintf(t->url, sizeof(t->url), "%s%s", set,
			     set[strlen(set) - 1] == '/' ? "" : "/");
	else
		n = snprintf(t->url, sizeof(t->url), "https://sts.%s.%s/", t->region,
			     s3_aws_suffix(t->region));
	if ((size_t)n >= sizeof(t->url) || !s3_may_ask(t->url))
		return migrate_fail(s->ms, MIGRATE_INVALID,
				    "AWS_ENDPOINT_URL_STS: it must be https, or http to this "
				    "machine or a link-local address");
	s3_host_of(t->url, t->host, sizeof(t->host));
	snprintf(t->what, sizeof(t->what), "taking the role '%s' at %s", t->role->arn, t->host);
	return MIGRATE_OK;
}

static void add_field(struct text *t, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	if (t->n)
		text_char(t, '&');
	text_str(t, name);
	text_char(t, '=');
	s3_encode(t, value, strlen(value), false);
}

static void compose(struct sts *t, const char *action)
{
	const struct s3_role *r = t->role;

	add_field(&t->post, "Action", action);
	add_field(&t->post, "Version", "2011-06-15");
	add_field(&t->post, "RoleArn", r->arn);
	add_field(&t->post, "RoleSessionName", r->session && *r->session ? r->session : "migrate");
	add_field(&t->post, "ExternalId", r->external_id);
	add_field(&t->post, "DurationSeconds", r->seconds);
}

/* ---- The answer ---- */

struct result {
	const struct s3_session *s;
	const struct s3_fetch *f;
	struct s3_keys keys;
	char code[64], message[256];
	bool bad; /* a time that is none, or a key that is too long */
};

static void take_key(struct result *r, char *to, size_t size, const char *text, size_t n)
{
	r->bad |= n >= size || strlen(text) != n;
	text_copy(to, size, text);
}

static bool take_result(void *arg, const char *path, char *text, size_t n)
{
	const char *at = strstr(path, "Credentials/");
	struct result *r = arg;
	int64_t ns;

	if (!at) {
		s3_fetch_blank(r->s, r->f, text);
		if (!strcmp(path, "Error/Code") || !strcmp(path, "Code"))
			text_copy(r->code, sizeof(r->code), text);
		else if (!strcmp(path, "Error/Message") || !strcmp(path, "Message"))
			text_copy(r->message, sizeof(r->message), text);
		return true;
	}
	at += sizeof("Credentials/") - 1;
	if (!strcmp(at, "AccessKeyId")) {
		take_key(r, r->keys.access, sizeof(r->keys.access), text, n);
	} else if (!strcmp(at, "SecretAccessKey")) {
		take_key(r, r->keys.secret, sizeof(r->keys.secret), text, n);
	} else if (!strcmp(at, "SessionToken")) {
		take_key(r, r->keys.token, sizeof(r->keys.token), text, n);
	} else if (!strcmp(at, "Expiration")) {
		r->bad |= !time_parse(text, &ns);
		r->keys.expires = r->bad ? 0 : ns / 1000000000;
	}
	return true;
}

static enum migrate_status judge(struct s3_session *s, const struct s3_fetch *f, const char *what,
				 struct result *r, struct s3_keys *k)
{
	const char *trouble;
	char root[64];
	bool parsed;

	if (!f->status)
		return s3_fetch_refused(s, f, what);
	parsed = s3_xml_parse(text_get(&f->answer), f->answer.n, take_result, r, root, &trouble);
	if (f->status != 200 && parsed && r->code[0])
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "%s: %s: %s (%ld)", what, r->code,
				    r->message, f->status);
	if (f->status != 200)
		return s3_fetch_refused(s, f, what);
	if (!parsed || r->bad)
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "%s: the answer is not that of STS",
				    what);
	if (!s3_keys_set(s, k, what, r->keys.access, r->keys.secret, r->keys.token))
		return MIGRATE_UNAVAILABLE;
	k->expires = r->keys.expires;
	return MIGRATE_OK;
}

enum migrate_status s3_sts_keys(struct s3_session *s, const struct s3_fetch *f, const char *what,
				struct s3_keys *k)
{
	struct result *r = calloc(1, sizeof(*r));
	enum migrate_status status;

	if (!r)
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "out of memory");
	r->s = s;
	r->f = f;
	status = judge(s, f, what, r, k);
	OPENSSL_cleanse(r, sizeof(*r));
	free(r);
	return status;
}

static enum migrate_status ask(struct s3_session *s, struct sts *t, struct s3_fetch *f,
			       struct s3_keys *k)
{
	enum migrate_status status;

	if (t->post.bad) {
		status = migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "out of memory");
	} else {
		f->method = "POST";
		f->url = t->url;
		f->post = text_get(&t->post);
		f->local = strncmp(t->url, "https", 5) != 0;
		s3_fetch(s, f);
		status = s3_sts_keys(s, f, t->what, k);
	}
	text_wipe(&f->answer);
	text_wipe(&t->post);
	return status;
}

enum migrate_status s3_keys_web_identity(struct s3_session *s, const struct s3_role *role,
					 const char *token_file, struct s3_keys *k)
{
	struct sts t = { .role = role };
	struct s3_fetch f = { .status = 0 };
	struct text token = { .p = NULL };
	enum migrate_status status = find_service(s, &t);

	if (status != MIGRATE_OK)
		return status;
	if (!s3_read_file(token_file, TOKEN_MAX, &token) || !token.n) {
		text_wipe(&token);
		return migrate_fail(
		    s->ms, MIGRATE_UNAVAILABLE,
		    "%s: its token, '%s', cannot be read or is empty, or is longer than "
		    "%d bytes",
		    t.what, token_file, TOKEN_MAX);
	}
	compose(&t, "AssumeRoleWithWebIdentity");
	add_field(&t.post, "WebIdentityToken", token.p);
	f.secrets[0] = token.p;
	status = ask(s, &t, &f, k);
	text_wipe(&token);
	return status;
}

/* ---- Signed ---- */

struct signing {
	struct text bytes; /* names and values of headers */
	struct s3_header headers[4];
	size_t count;
	char time[17], payload[65];
};

/* In ascending order of names. */
static void add_header(struct signing *g, const char *name, const char *value)
{
	struct s3_header *h = &g->headers[g->count];

	*h = (struct s3_header){ .name = g->bytes.n,
				 .nname = strlen(name),
				 .nvalue = strlen(value) };
	text_str(&g->bytes, name);
	h->value = g->bytes.n;
	text_str(&g->bytes, value);
	g->count++;
}

/* The host as it will be sent: with the port, unless that is the scheme's own. */
static void host_and_path(const char *url, char *host, size_t n, const char **path)
{
	struct s3_place place;

	*path = strchr(strstr(url, "://") + 3, '/');
	s3_place_parse(url, &place);
	text_copy(host, n, place.host);
}

static bool sign(struct s3_session *s, const struct sts *t, const struct s3_keys *k,
		 struct signing *g, struct text *authorization)
{
	struct s3_signing in = { .method = "POST",
				 .query = "",
				 .region = t->region,
				 .service = "sts",
				 .payload = g->payload,
				 .time = g->time,
				 .access = k->access,
				 .secret = k->secret,
				 .generation = 1,
				 .headers = g->headers,
				 .header_bytes = text_get(&g->bytes) };
	struct text hex = { .p = NULL };
	struct s3_signer signer;
	unsigned char digest[32];
	char host[256];
	bool ok = s3_signer_init(&signer, s->s3->sha256) &&
		  s3_sha256(&signer, text_get(&t->post), t->post.n, digest);

	host_and_path(t->url, host, sizeof(host), &in.path);
	add_header(g, "content-type", "application/x-www-form-urlencoded");
	add_header(g, "host", host);
	add_header(g, "x-amz-date", g->time);
	if (k->token[0])
		add_header(g, "x-amz-security-token", k->token);
	in.header_bytes = text_get(&g->bytes);
	in.header_count = g->count;
	text_hex(&hex, digest, sizeof(digest));
	text_copy(g->payload, sizeof(g->payload), text_get(&hex));
	text_release(&hex);
	text_str(authorization, "Authorization: ");
	ok = ok && !g->bytes.bad && s3_sign(&signer, &in, authorization);
	s3_signer_release(&signer);
	return ok;
}

enum migrate_status s3_keys_role(struct s3_session *s, const struct s3_role *role,
				 struct s3_keys *k)
{
	struct sts t = { .role = role };
	struct signing g = { .count = 0 };
	struct s3_fetch f = { .status = 0 };
	struct text authorization = { .p = NULL }, token = { .p = NULL }, date = { .p = NULL };
	enum migrate_status status = find_service(s, &t);

	if (status != MIGRATE_OK)
		return status;
	compose(&t, "AssumeRole");
	pthread_mutex_lock(&s->s3->lock);
	time_compact((int64_t)time(NULL) + s->s3->clock_offset, g.time);
	pthread_mutex_unlock(&s->s3->lock);
	text_printf(&date, "X-Amz-Date: %s", g.time);
	text_str(&token, "X-Amz-Security-Token: ");
	text_str(&token, k->token);
	if (sign(s, &t, k, &g, &authorization)) {
		f.headers[0] = text_get(&authorization);
		f.headers[1] = text_get(&date);
		f.headers[2] = k->token[0] ? text_get(&token) : NULL;
		f.secrets[0] = k->secret;
		f.secrets[1] = k->token;
		status = ask(s, &t, &f, k);
	} else {
		status =
		    migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "%s: it cannot be signed", t.what);
		text_wipe(&t.post);
	}
	text_wipe(&g.bytes);
	text_wipe(&authorization);
	text_wipe(&token);
	text_release(&date);
	return status;
}
