/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Where keys come from, in this order: the options; the profile that was asked for;
 * the environment; a web identity; the default profile; the container's or the
 * machine's own endpoint. They are renewed before they expire, by whoever comes
 * first, behind the instance's lock.
 */
#define EARLY 300 /* seconds before keys expire */

static bool take(struct s3_keys *k, const char *access, const char *secret, const char *token)
{
	if (!access || !*access || !secret || !*secret)
		return false;
	text_copy(k->access, sizeof(k->access), access);
	text_copy(k->secret, sizeof(k->secret), secret);
	text_copy(k->token, sizeof(k->token), token ? token : "");
	return true;
}

static void reveal(const struct migrate_secret *secret, char *text, size_t size)
{
	struct migrate_bytes b = { .p = NULL };

	if (secret)
		b = migrate_secret_reveal(secret);
	if (b.n >= size)
		b.n = 0;
	if (b.n)
		memcpy(text, b.p, b.n);
	text[b.n] = '\0';
}

static enum migrate_status from_options(struct s3_session *s, struct s3_keys *k)
{
	const struct s3_config *c = &s->s3->config;

	text_copy(k->access, sizeof(k->access), c->access_key);
	reveal(c->secret_key, k->secret, sizeof(k->secret));
	reveal(c->session_token, k->token, sizeof(k->token));
	if (k->secret[0])
		return MIGRATE_OK;
	return migrate_fail(s->ms, MIGRATE_INVALID, "access_key: there is no secret_key with it");
}

const char *s3_profile_name(const struct s3_config *c)
{
	const char *name = c->profile ? c->profile : getenv("AWS_PROFILE");

	return name && *name ? name : "default";
}

/* A profile in either file: its keys, a program that prints some, or a role by web identity. */
static enum migrate_status from_profile(struct s3_session *s, struct s3_keys *k, bool *found)
{
	const char *name = s3_profile_name(&s->s3->config);
	char shared[4096], config[4096], command[4096], role[512], file[4096], session[128];

	s3_profile_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", shared, sizeof(shared));
	s3_profile_file("AWS_CONFIG_FILE", "config", config, sizeof(config));
	*found = true;
	if (s3_profile_read(k, shared, name))
		return MIGRATE_OK;
	if (s3_profile_get(shared, name, "credential_process", false, command, sizeof(command)) ||
	    s3_profile_get(config, name, "credential_process", true, command, sizeof(command)))
		return s3_keys_process(s, command, k);
	if (s3_profile_get(config, name, "role_arn", true, role, sizeof(role)) &&
	    s3_profile_get(config, name, "web_identity_token_file", true, file, sizeof(file))) {
		if (!s3_profile_get(config, name, "role_session_name", true, session,
				    sizeof(session)))
			text_copy(session, sizeof(session), "migrate");
		return s3_keys_web_identity(s, role, file, session, k);
	}
	if (s3_profile_get(config, name, "aws_access_key_id", true, k->access, sizeof(k->access)) &&
	    s3_profile_get(config, name, "aws_secret_access_key", true, k->secret,
			   sizeof(k->secret))) {
		if (!s3_profile_get(config, name, "aws_session_token", true, k->token,
				    sizeof(k->token)))
			k->token[0] = '\0';
		return MIGRATE_OK;
	}
	*found = false;
	return MIGRATE_OK;
}

static enum migrate_status from_environment(struct s3_session *s, struct s3_keys *k, bool *found)
{
	const char *role = getenv("AWS_ROLE_ARN"), *file = getenv("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *name = getenv("AWS_ROLE_SESSION_NAME");

	*found = take(k, getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"),
		      getenv("AWS_SESSION_TOKEN"));
	if (*found || !role || !file)
		return MIGRATE_OK;
	*found = true;
	return s3_keys_web_identity(s, role, file, name ? name : "migrate", k);
}

static enum migrate_status find_keys(struct s3_session *s, struct s3_keys *k)
{
	const struct s3_config *c = &s->s3->config;
	enum migrate_status status = MIGRATE_OK;
	bool found = false;

	*k = (struct s3_keys){ .expires = 0 };
	if (c->access_key)
		return from_options(s, k);
	if (!c->profile)
		status = from_environment(s, k, &found);
	if (!found)
		status = from_profile(s, k, &found);
	if (!found && c->profile)
		return migrate_fail(s->ms, MIGRATE_INVALID, "profile: there are no keys for '%s'",
				    c->profile);
	if (!found)
		status = s3_keys_remote(s, k, &found);
	if (status != MIGRATE_OK || found)
		return status;
	return migrate_fail(
	    s->ms, MIGRATE_INVALID,
	    "there are no credentials: set access_key and secret_key, a profile, or "
	    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}

static bool same_keys(const struct s3_keys *a, const struct s3_keys *b)
{
	return !strcmp(a->access, b->access) && !strcmp(a->secret, b->secret) &&
	       !strcmp(a->token, b->token);
}

/* With the lock held. Keys that are good still are kept when new ones cannot be had. */
static enum migrate_status renew(struct s3_session *s, int64_t now)
{
	struct s3 *s3 = s->s3;
	struct s3_keys *fresh = malloc(sizeof(*fresh));
	enum migrate_status status;

	if (!fresh)
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "out of memory");
	status = find_keys(s, fresh);
	if (status == MIGRATE_OK) {
		fresh->generation = s3->keys.generation + !same_keys(fresh, &s3->keys);
		s3->keys = *fresh;
	} else if (s3->keys.generation && s3->keys.expires > now) {
		status = MIGRATE_OK;
	}
	OPENSSL_cleanse(fresh, sizeof(*fresh));
	free(fresh);
	return status;
}

enum migrate_status s3_refresh_keys(struct s3_session *s, bool stale)
{
	struct s3 *s3 = s->s3;
	int64_t now = (int64_t)time(NULL);
	enum migrate_status status = MIGRATE_OK;

	if (!stale && s->keys.generation && (!s->keys.expires || now + EARLY < s->keys.expires))
		return MIGRATE_OK;
	pthread_mutex_lock(&s3->lock);
	/* somebody else may have renewed them already */
	if (!s3->keys.generation || (stale && s3->keys.generation == s->keys.generation) ||
	    (s3->keys.expires && now + EARLY >= s3->keys.expires))
		status = renew(s, now);
	if (status == MIGRATE_OK && s->keys.generation != s3->keys.generation)
		s->keys = s3->keys;
	pthread_mutex_unlock(&s3->lock);
	return status;
}
