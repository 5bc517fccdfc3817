/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Keys that something on the network gives: a container's agent, the machine's own, STS. */

#define REMOTE_MAX 65536
#define IMDS "http://169.254.169.254"

struct fetch {
	const char *method, *url;
	const char *header; /* NULL: none */
	const char *post;   /* NULL: none */
	const struct s3_session *s;
	bool local; /* never by way of a proxy, and at once or not at all */
	struct text *answer;
};

static size_t on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
	struct text *t = arg;

	n *= size;
	return t->n + n <= REMOTE_MAX && text_add(t, bytes, n) ? n : 0;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct s3_session *s = arg;

	(void)a, (void)b, (void)c, (void)d;
	return migrate_cancelled(s->ms);
}

static CURLcode on_tls(CURL *curl, void *context, void *arg)
{
	const struct s3_session *s = arg;

	(void)curl;
	SSL_CTX_set1_cert_store(context, s->s3->trust);
	return CURLE_OK;
}

static void set_options(CURL *c, const struct fetch *f)
{
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_URL, f->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, f->local ? 1000L : 10000L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, f->local ? 5000L : 30000L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, f->answer);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, f->s);
	if (f->local)
		curl_easy_setopt(c, CURLOPT_PROXY, "");
	if (f->post)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, f->post);
	else if (strcmp(f->method, "GET") != 0)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, f->method);
	if (f->s->s3->trust) {
		curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_tls);
		curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, (void *)f->s);
	}
}

/* The status, 0: no answer. */
static long fetch(const struct fetch *f)
{
	struct curl_slist *list = NULL;
	CURL *c = curl_easy_init();
	long status = 0;

	text_reset(f->answer);
	if (!c)
		return 0;
	set_options(c, f);
	if (f->header)
		list = curl_slist_append(NULL, f->header);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
	if (curl_easy_perform(c) == CURLE_OK && !f->answer->bad)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(list);
	curl_easy_cleanup(c);
	return status;
}

static void wipe(struct text *t)
{
	if (t->p)
		OPENSSL_cleanse(t->p, t->cap);
	text_release(t);
}

/* ---- Containers ---- */

/* Over http a token may only go to this machine or the agent's own addresses. */
static bool may_ask(const char *url)
{
	static const char *const hosts[] = { "127.",          "localhost",      "[::1]",
					     "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]" };

	if (!strncasecmp(url, "https://", 8))
		return true;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		size_t n = strlen(hosts[i]);

		if (!strncasecmp(url, "http://", 7) && !strncasecmp(url + 7, hosts[i], n) &&
		    (!i ? strspn(url + 7, "0123456789.") >= 7 : strchr(":/", url[7 + n]) != NULL))
			return true;
	}
	return false;
}

static bool read_file(const char *path, struct text *t)
{
	FILE *f = fopen(path, "re");
	char buffer[4096];
	size_t n;

	while (f && (n = fread(buffer, 1, sizeof(buffer), f)) > 0 && t->n < REMOTE_MAX)
		text_add(t, buffer, n);
	if (f)
		fclose(f);
	while (t->n && strchr("\r\n \t", t->p[t->n - 1]))
		t->p[--t->n] = '\0';
	explicit_bzero(buffer, sizeof(buffer));
	return f && t->n && !t->bad;
}

static enum migrate_status from_container(struct s3_session *s, const char *url, struct s3_keys *k)
{
	struct text answer = { .p = NULL }, header = { .p = NULL };
	const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	const char *file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	struct fetch f = { .method = "GET", .url = url, .s = s, .local = true, .answer = &answer };
	bool ok;

	if (!may_ask(url))
		return migrate_fail(
		    s->ms, MIGRATE_INVALID,
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor local");
	text_str(&header, "Authorization: ");
	if ((file && read_file(file, &header)) || (token && text_str(&header, token)))
		f.header = text_get(&header);
	ok = (!f.header || !strpbrk(f.header, "\r\n")) && fetch(&f) == 200 &&
	     s3_json_keys(k, text_get(&answer), answer.n);
	wipe(&answer);
	wipe(&header);
	return ok ? MIGRATE_OK
		  : migrate_fail(s->ms, MIGRATE_UNAVAILABLE,
				 "the container's endpoint gives no credentials");
}

/* ---- The machine itself: a token first, so that nobody can be made to ask in our name ---- */

static bool imds(struct s3_session *s, struct s3_keys *k)
{
	const char *base = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	struct text answer = { .p = NULL }, url = { .p = NULL }, header = { .p = NULL };
	struct fetch f = { .method = "PUT", .s = s, .local = true, .answer = &answer };
	static const char path[] = "/latest/meta-data/iam/security-credentials/";
	bool ok;

	base = base && *base ? base : IMDS;
	text_str(&url, base);
	text_str(&url, "/latest/api/token");
	f.url = text_get(&url);
	f.header = "X-aws-ec2-metadata-token-ttl-seconds: 21600";
	ok = fetch(&f) == 200 && answer.n && !strpbrk(answer.p, "\r\n");
	if (ok) {
		text_str(&header, "X-aws-ec2-metadata-token: ");
		text_str(&header, answer.p);
		f.header = text_get(&header);
		f.method = "GET";
		text_reset(&url);
		text_str(&url, base);
		text_str(&url, path);
		f.url = text_get(&url);
		ok = fetch(&f) == 200 && answer.n;
	}
	if (ok) { /* the first line names the role */
		text_add(&url, answer.p, strcspn(answer.p, "\r\n"));
		f.url = text_get(&url);
		ok = fetch(&f) == 200 && s3_json_keys(k, text_get(&answer), answer.n);
	}
	wipe(&answer);
	wipe(&header);
	text_release(&url);
	return ok;
}

enum migrate_status s3_keys_remote(struct s3_session *s, struct s3_keys *k, bool *found)
{
	const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
	char url[1024];

	*found = true;
	if (relative && *relative) {
		snprintf(url, sizeof(url), "http://169.254.170.2%s%s", *relative == '/' ? "" : "/",
			 relative);
		return from_container(s, url, k);
	}
	if (full && *full)
		return from_container(s, full, k);
	*found = (!disabled || strcasecmp(disabled, "true") != 0) && imds(s, k);
	return MIGRATE_OK;
}

/* ---- A role for a token of somebody else's: STS asks for no signature here ---- */

static bool take_role(void *arg, const char *path, char *text, size_t n)
{
	static const char base[] = "AssumeRoleWithWebIdentityResult/Credentials/";
	struct s3_keys *k = arg;
	int64_t ns;

	(void)n;
	if (strncmp(path, base, sizeof(base) - 1) != 0)
		return true;
	path += sizeof(base) - 1;
	if (!strcmp(path, "AccessKeyId"))
		text_copy(k->access, sizeof(k->access), text);
	else if (!strcmp(path, "SecretAccessKey"))
		text_copy(k->secret, sizeof(k->secret), text);
	else if (!strcmp(path, "SessionToken"))
		text_copy(k->token, sizeof(k->token), text);
	else if (!strcmp(path, "Expiration") && time_parse(text, &ns))
		k->expires = ns / 1000000000;
	return true;
}

static void add_field(struct text *t, const char *name, const char *value, size_t n)
{
	if (t->n)
		text_char(t, '&');
	text_str(t, name);
	text_char(t, '=');
	s3_encode(t, value, n, false);
}

enum migrate_status s3_keys_web_identity(struct s3_session *s, const char *role,
					 const char *token_file, const char *name,
					 struct s3_keys *k)
{
	const char *endpoint = getenv("AWS_ENDPOINT_URL_STS"), *trouble;
	struct text token = { .p = NULL }, post = { .p = NULL }, answer = { .p = NULL };
	char url[512], root[64];
	struct fetch f = { .method = "POST", .url = url, .s = s, .answer = &answer };
	bool ok;

	if (endpoint && *endpoint)
		snprintf(url, sizeof(url), "%s/", endpoint);
	else
		snprintf(url, sizeof(url), "https://sts.%s.amazonaws.com/", s->s3->region);
	add_field(&post, "Action", "AssumeRoleWithWebIdentity", 25);
	add_field(&post, "Version", "2011-06-15", 10);
	add_field(&post, "RoleArn", role, strlen(role));
	add_field(&post, "RoleSessionName", name, strlen(name));
	ok = may_ask(url) && read_file(token_file, &token);
	add_field(&post, "WebIdentityToken", text_get(&token), token.n);
	f.post = text_get(&post);
	ok = ok && !post.bad && fetch(&f) == 200 &&
	     s3_xml_parse(s->xml, text_get(&answer), answer.n, take_role, k, root, &trouble) &&
	     k->access[0] && k->secret[0];
	wipe(&token);
	wipe(&post);
	wipe(&answer);
	return ok ? MIGRATE_OK
		  : migrate_fail(s->ms, MIGRATE_UNAVAILABLE,
				 "no credentials for the role '%s' and the token in '%s'", role,
				 token_file);
}
