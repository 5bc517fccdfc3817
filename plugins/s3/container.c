/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys that the agent of a container gives: of ECS, of EKS (pod identity), of a job runner. */

#define AGENT "http://169.254.170.2"
#define TOKEN_MAX 16384

/* "Authorization: TOKEN"; the file is read each time, for its token is replaced while we run. */
static enum migrate_status read_token(struct s3_session *s, struct text *header)
{
	const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	const char *file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	struct text read = { .p = NULL };
	enum migrate_status status = MIGRATE_OK;

	if (file && *file) {
		if (s3_read_file(file, TOKEN_MAX, &read) && read.n)
			token = read.p;
		else
			status = migrate_fail(
			    s->ms, MIGRATE_UNAVAILABLE,
			    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '%s' cannot be read or is "
			    "empty, or is longer than %d bytes",
			    file, TOKEN_MAX);
	}
	if (status == MIGRATE_OK && token && *token) {
		text_str(header, "Authorization: ");
		text_str(header, token);
		if (strpbrk(token, "\r\n") || strlen(token) > TOKEN_MAX)
			status = migrate_fail(
			    s->ms, MIGRATE_INVALID,
			    "AWS_CONTAINER_AUTHORIZATION_TOKEN: it is too long, or of many lines");
	}
	text_wipe(&read);
	return status;
}

static enum migrate_status ask_agent(struct s3_session *s, const char *url, struct s3_keys *k)
{
	struct text header = { .p = NULL };
	struct s3_fetch f = { .method = "GET", .url = url, .local = true, .patient = true };
	char host[256], what[300];
	enum migrate_status status = read_token(s, &header);

	s3_host_of(url, host, sizeof(host));
	snprintf(what, sizeof(what), "the container's credentials, of %s", host);
	if (status == MIGRATE_OK) {
		f.headers[0] = header.n ? text_get(&header) : NULL;
		f.secrets[0] = header.n ? text_get(&header) + strlen("Authorization: ") : NULL;
		s3_fetch(s, &f);
		status = s3_fetch_keys(s, &f, what, k);
	}
	text_wipe(&f.answer);
	text_wipe(&header);
	return status;
}

enum migrate_status s3_keys_container(struct s3_session *s, struct s3_keys *k, bool *found)
{
	const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	char url[2048];
	int n = 0;

	*found = (relative && *relative) || (full && *full);
	if (!*found)
		return MIGRATE_OK;
	if (relative && *relative)
		n = snprintf(url, sizeof(url), AGENT "%s%s", *relative == '/' ? "" : "/", relative);
	else
		n = snprintf(url, sizeof(url), "%s", full);
	if ((size_t)n < sizeof(url) && s3_may_ask(url))
		return ask_agent(s, url, k);
	return migrate_fail(s->ms, MIGRATE_INVALID,
			    "AWS_CONTAINER_CREDENTIALS_FULL_URI: it must be https, or http to "
			    "this machine or a link-local address");
}
