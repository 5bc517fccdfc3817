/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One small request to somebody who gives keys: a container's agent, the machine's own, STS. */

#define ANSWER_MAX 65536
#define TRIES 3

/* ---- Whom to ask ---- */

static bool begins(const unsigned char *bytes, const unsigned char *with, size_t n)
{
	return !memcmp(bytes, with, n);
}

/* This machine, or what answers on its link alone. */
static bool is_near(const char *host)
{
	static const unsigned char loopback4[] = { 127 }, link4[] = { 169, 254 };
	static const unsigned char link6[] = { 0xfe, 0x80 };
	static const unsigned char machine6[] = { 0xfd, 0x00, 0x0e, 0xc2, 0, 0 };
	static const unsigned char loopback6[16] = { [15] = 1 };
	unsigned char a[16];
	char bare[64];
	size_t n = strlen(host);

	if (!strcasecmp(host, "localhost"))
		return true;
	if (inet_pton(AF_INET, host, a) == 1)
		return begins(a, loopback4, 1) || begins(a, link4, 2);
	if (n < 3 || n >= sizeof(bare) || host[0] != '[' || host[n - 1] != ']')
		return false;
	memcpy(bare, host + 1, n - 2);
	bare[n - 2] = '\0';
	return inet_pton(AF_INET6, bare, a) == 1 &&
	       (begins(a, loopback6, 16) || begins(a, link6, 2) || begins(a, machine6, 6));
}

/* One part of an address as libcurl reads it, which is who will go there. */
static bool part_of(const char *url, CURLUPart what, char *part, size_t n)
{
	CURLU *u = curl_url();
	char *text = NULL;
	bool ok;

	ok = u && !curl_url_set(u, CURLUPART_URL, url, 0) && !curl_url_get(u, what, &text, 0) &&
	     strlen(text) < n;
	text_copy(part, n, ok ? text : "");
	curl_free(text);
	curl_url_cleanup(u);
	return ok;
}

bool s3_may_ask(const char *url)
{
	char scheme[16], host[256], user[8];

	if (!part_of(url, CURLUPART_SCHEME, scheme, sizeof(scheme)) ||
	    !part_of(url, CURLUPART_HOST, host, sizeof(host)) ||
	    part_of(url, CURLUPART_USER, user, sizeof(user)))
		return false;
	return !strcasecmp(scheme, "https") || (!strcasecmp(scheme, "http") && is_near(host));
}

void s3_host_of(const char *url, char *host, size_t n)
{
	if (!part_of(url, CURLUPART_HOST, host, n))
		text_copy(host, n, "an address that is none");
}

/* ---- Asking ---- */

static size_t on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
	struct s3_fetch *f = arg;

	n *= size;
	if (n <= ANSWER_MAX - f->answer.n && text_add(&f->answer, bytes, n))
		return n;
	f->too_much = true;
	return 0;
}

/* The library has no end for what comes before the body. */
static size_t on_head(char *line, size_t size, size_t n, void *arg)
{
	struct s3_fetch *f = arg;

	(void)line;
	n *= size;
	f->heads += n;
	f->too_much |= f->heads > ANSWER_MAX;
	return f->too_much ? 0 : n;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct s3_session *s = arg;

	(void)a, (void)b, (void)c, (void)d;
	return migrate_cancelled(s->ms);
}

/* A number of the environment between 1 and max; else the usual one. */
static long setting(const char *name, long usual, long max)
{
	const char *text = getenv(name);
	uint64_t v;

	return text && text_number(text, &v) && v && v <= (uint64_t)max ? (long)v : usual;
}

static void set_options(CURL *c, const struct s3_session *s, struct s3_fetch *f)
{
	long seconds = setting("AWS_METADATA_SERVICE_TIMEOUT", 1, 60);

	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_URL, f->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, f->local ? seconds * 1000 : 10000L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS,
			 f->patient ? seconds * 5000
			 : f->local ? seconds * 2000
				    : 30000L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "migrate/" MIGRATE_VERSION);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, f->why);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, f);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, (void *)s);
	if (f->local)
		curl_easy_setopt(c, CURLOPT_PROXY, "");
	if (f->post || strcmp(f->method, "GET") != 0)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, f->post ? f->post : "");
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, f->method);
	s3_tls_give(s->s3, c);
}

static void ask(struct s3_session *s, struct s3_fetch *f)
{
	struct curl_slist *list = NULL, *more;
	CURL *c = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;
	curl_off_t connected = 0;

	f->status = 0;
	f->heads = 0;
	f->too_much = false;
	f->why[0] = '\0';
	text_reset(&f->answer);
	for (size_t i = 0; i < S3_FETCH_HEADERS && f->headers[i]; i++, list = more)
		if (!(more = curl_slist_append(list, f->headers[i])))
			break;
	if (c) {
		set_options(c, s, f);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
		code = curl_easy_perform(c);
		if (code == CURLE_OK && !f->answer.bad)
			curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &f->status);
		curl_easy_getinfo(c, CURLINFO_CONNECT_TIME_T, &connected);
		curl_easy_cleanup(c);
	}
	f->connected = connected > 0;
	if (f->too_much)
		snprintf(f->why, sizeof(f->why), "it answers with more than %d bytes", ANSWER_MAX);
	else if (!f->why[0])
		text_copy(f->why, sizeof(f->why), curl_easy_strerror(code));
	for (more = list; more; more = more->next)
		OPENSSL_cleanse(more->data, strlen(more->data));
	curl_slist_free_all(list);
}

void s3_fetch(struct s3_session *s, struct s3_fetch *f)
{
	long tries = setting("AWS_METADATA_SERVICE_NUM_ATTEMPTS", TRIES, 10);

	for (long i = 0; i < tries; i++) {
		if (i)
			migrate_wait(s->ms, -1, POLLIN, 200 << (i - 1));
		ask(s, f);
		if (migrate_cancelled(s->ms) || (!f->status && !f->patient) ||
		    (f->status && f->status < 500 && f->status != 429))
			break;
	}
}

void s3_fetch_blank(const struct s3_session *s, const struct s3_fetch *f, char *text)
{
	s3_blank_ours(s, text);
	for (size_t i = 0; i < S3_FETCH_SECRETS; i++)
		if (f->secrets[i])
			s3_blank(text, f->secrets[i]);
}

/* JSON of agents and machines has them as code and message, or as Code and Message. */
static bool error_of(const struct text *json, char code[64], char message[256])
{
	code[0] = message[0] = '\0';
	if (!json->n)
		return false;
	if (!s3_json_string(json->p, json->n, "Code", code, 64))
		s3_json_string(json->p, json->n, "code", code, 64);
	if (!s3_json_string(json->p, json->n, "Message", message, 256))
		s3_json_string(json->p, json->n, "message", message, 256);
	return *code && strcmp(code, "Success") != 0;
}

enum migrate_status s3_fetch_refused(struct s3_session *s, const struct s3_fetch *f,
				     const char *what)
{
	char code[64], message[256];

	if (!f->status)
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "%s: %s", what, f->why);
	if (error_of(&f->answer, code, message)) {
		s3_fetch_blank(s, f, code);
		s3_fetch_blank(s, f, message);
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "%s: %s: %s (%ld)", what, code,
				    message, f->status);
	}
	return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "%s: it answered %ld", what, f->status);
}

enum migrate_status s3_fetch_keys(struct s3_session *s, const struct s3_fetch *f, const char *what,
				  struct s3_keys *k)
{
	char code[64], message[256];

	if (f->status != 200 || error_of(&f->answer, code, message))
		return s3_fetch_refused(s, f, what);
	return s3_json_keys(s, k, &f->answer, what);
}
