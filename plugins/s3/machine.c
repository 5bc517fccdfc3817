/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Keys that the machine's own metadata service gives. It is asked for a token first
 * (IMDSv2), so that nobody can be made to ask in our name; never without.
 */
#define SERVICE "http://169.254.169.254"
#define SERVICE6 "http://[fd00:ec2::254]"
#define TOKEN "X-aws-ec2-metadata-token: "
#define ROLES "/latest/meta-data/iam/security-credentials/"

static const char *base(void)
{
	const char *set = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");

	if (set && *set)
		return set;
	return mode && !strcasecmp(mode, "IPv6") ? SERVICE6 : SERVICE;
}

static void compose(struct text *url, const char *path, const char *role, size_t n)
{
	const char *of = base();
	size_t len = strlen(of);

	while (len && of[len - 1] == '/')
		len--;
	text_reset(url);
	text_add(url, of, len);
	text_str(url, path);
	s3_encode(url, role, n, false);
}

/*
 * The token. Nobody there at all: this is no such machine, and there are no keys from it. Where
 * somebody takes the connection and then says nothing, the answer died on its way: it may take
 * one hop only, and a container is one hop further.
 */
static enum migrate_status ask_token(struct s3_session *s, struct s3_fetch *f, const char *what,
				     struct text *header, bool *found)
{
	f->method = "PUT";
	f->headers[0] = "X-aws-ec2-metadata-token-ttl-seconds: 21600";
	s3_fetch(s, f);
	if (f->status == 200 && f->answer.n && !strpbrk(f->answer.p, "\r\n")) {
		text_str(header, TOKEN);
		text_add(header, f->answer.p, f->answer.n);
		return MIGRATE_OK;
	}
	*found = f->status || f->connected;
	if (!f->status && f->connected)
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE,
				    "%s: no token came; from within a container raise the "
				    "machine's hop limit to 2, or give keys",
				    what);
	return s3_fetch_refused(s, f, what);
}

static enum migrate_status ask_keys(struct s3_session *s, struct s3_fetch *f, const char *what,
				    struct text *url, struct s3_keys *k)
{
	enum migrate_status status = MIGRATE_UNAVAILABLE;
	struct text role = { .p = NULL };

	compose(url, ROLES, "", 0);
	f->url = text_get(url);
	s3_fetch(s, f);
	if (f->status == 200 && f->answer.n) /* its first line names the role */
		text_add(&role, f->answer.p, strcspn(f->answer.p, "\r\n"));
	if (f->status == 404) {
		migrate_fail(s->ms, status, "%s: this machine has no role attached", what);
	} else if (!role.n) {
		status = s3_fetch_refused(s, f, what);
	} else {
		compose(url, ROLES, role.p, role.n);
		f->url = text_get(url);
		s3_fetch(s, f);
		status = s3_fetch_keys(s, f, what, k);
	}
	text_release(&role);
	return status;
}

static enum migrate_status ask_machine(struct s3_session *s, struct s3_keys *k, bool *found)
{
	struct text url = { .p = NULL }, header = { .p = NULL };
	struct s3_fetch f = { .local = true };
	char host[256], what[320];
	enum migrate_status status;

	compose(&url, "/latest/api/token", "", 0);
	s3_host_of(text_get(&url), host, sizeof(host));
	snprintf(what, sizeof(what), "the metadata service of this machine, %s", host);
	f.url = text_get(&url);
	status = ask_token(s, &f, what, &header, found);
	if (status == MIGRATE_OK) {
		f.method = "GET";
		f.headers[0] = text_get(&header);
		f.secrets[0] = text_get(&header) + strlen(TOKEN);
		status = ask_keys(s, &f, what, &url, k);
	}
	text_wipe(&f.answer);
	text_wipe(&header);
	text_release(&url);
	return *found ? status : MIGRATE_OK;
}

enum migrate_status s3_keys_machine(struct s3_session *s, struct s3_keys *k, bool *found)
{
	const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");

	*found = !disabled || strcasecmp(disabled, "true") != 0;
	if (!*found)
		return MIGRATE_OK;
	if (s3_may_ask(base()))
		return ask_machine(s, k, found);
	return migrate_fail(s->ms, MIGRATE_INVALID,
			    "AWS_EC2_METADATA_SERVICE_ENDPOINT: it must be https, or http to this "
			    "machine or a link-local address");
}
