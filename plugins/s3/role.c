/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <stdio.h>
#include <string.h>

/*
 * What a profile leads to: a role, taken with the keys of another profile, of the
 * surroundings or with a web identity; keys that it holds; a program that prints some.
 */
#define DEPTH_MAX 8 /* profiles that lead to each other */

static enum migrate_status follow(struct s3_session *s, const char *name, struct s3_keys *k,
				  bool *found, unsigned int depth);

static enum migrate_status own_keys(struct s3_session *s, const struct s3_profile *p,
				    struct s3_keys *k, bool *found)
{
	char where[300];

	snprintf(where, sizeof(where), "profile '%s'", p->name);
	for (enum s3_profile_file i = 0; i < S3_PROFILE_FILES; i++) {
		const char *access = s3_profile_value_in(p, i, "aws_access_key_id");
		const char *secret = s3_profile_value_in(p, i, "aws_secret_access_key");

		*found = access || secret;
		if (*found)
			return s3_keys_set(s, k, where, access, secret,
					   s3_profile_value_in(p, i, "aws_session_token"))
				   ? MIGRATE_OK
				   : MIGRATE_INVALID;
	}
	return MIGRATE_OK;
}

/* The keys that may take the role. */
static enum migrate_status source_keys(struct s3_session *s, const struct s3_profile *p,
				       struct s3_keys *k, bool *found, unsigned int depth)
{
	const char *source = s3_profile_value(p, "source_profile");
	const char *place = s3_profile_value(p, "credential_source");

	if (source && !strcmp(source, p->name))
		return own_keys(s, p, k, found);
	if (source)
		return follow(s, source, k, found, depth + 1);
	if (!place)
		return migrate_fail(s->ms, MIGRATE_INVALID,
				    "profile '%s' has a role_arn, but no source_profile, "
				    "credential_source or web_identity_token_file to take it with",
				    p->name);
	if (!strcmp(place, "Environment"))
		return s3_keys_environment(s, k, found);
	if (!strcmp(place, "EcsContainer"))
		return s3_keys_container(s, k, found);
	if (!strcmp(place, "Ec2InstanceMetadata"))
		return s3_keys_machine(s, k, found);
	return migrate_fail(s->ms, MIGRATE_INVALID,
			    "profile '%s': credential_source is none of Environment, EcsContainer "
			    "and Ec2InstanceMetadata",
			    p->name);
}

static enum migrate_status take_role(struct s3_session *s, const struct s3_profile *p,
				     const struct s3_role *role, struct s3_keys *k,
				     unsigned int depth)
{
	const char *file = s3_profile_value(p, "web_identity_token_file");
	enum migrate_status status;
	bool found = false;

	if (file)
		return s3_keys_web_identity(s, role, file, k);
	if (s3_profile_value(p, "mfa_serial"))
		return migrate_fail(s->ms, MIGRATE_INVALID,
				    "profile '%s' wants a code from a person (mfa_serial), whom "
				    "nobody asks here: let a credential_process do it",
				    p->name);
	status = source_keys(s, p, k, &found, depth);
	if (status != MIGRATE_OK)
		return status;
	if (!found)
		return migrate_fail(s->ms, MIGRATE_INVALID,
				    "profile '%s': where its role is taken from there are no keys",
				    p->name);
	return s3_keys_role(s, role, k);
}

static enum migrate_status check_files(struct s3_session *s, const struct s3_profile *p)
{
	char path[4096];

	for (enum s3_profile_file i = 0; i < S3_PROFILE_FILES; i++) {
		if (!p->odd[i])
			continue;
		s3_profile_path(i, path, sizeof(path));
		return migrate_fail(s->ms, MIGRATE_INVALID,
				    "'%s' is no file of profiles: it is longer than 1 MiB, or "
				    "holds a NUL",
				    path);
	}
	return MIGRATE_OK;
}

static enum migrate_status use(struct s3_session *s, const struct s3_profile *p, struct s3_keys *k,
			       bool *found, unsigned int depth)
{
	const struct s3_role role = { .arn = s3_profile_value(p, "role_arn"),
				      .session = s3_profile_value(p, "role_session_name"),
				      .external_id = s3_profile_value(p, "external_id"),
				      .seconds = s3_profile_value(p, "duration_seconds"),
				      .region = s3_profile_value(p, "region") };
	const char *command = s3_profile_value(p, "credential_process");
	enum migrate_status status;

	*found = true;
	if (role.arn)
		return take_role(s, p, &role, k, depth);
	status = own_keys(s, p, k, found);
	if (*found || status != MIGRATE_OK)
		return status;
	*found = true;
	if (command)
		return s3_keys_process(s, command, p->name, k);
	if (s3_profile_value(p, "sso_session") || s3_profile_value(p, "sso_start_url"))
		return migrate_fail(s->ms, MIGRATE_INVALID,
				    "profile '%s' is one of single sign-on: give another one with "
				    "'credential_process = aws configure export-credentials "
				    "--profile %s'",
				    p->name, p->name);
	*found = false;
	return MIGRATE_OK;
}

static enum migrate_status follow(struct s3_session *s, const char *name, struct s3_keys *k,
				  bool *found, unsigned int depth)
{
	struct s3_profile p;
	enum migrate_status status;

	if (depth >= DEPTH_MAX)
		return migrate_fail(s->ms, MIGRATE_INVALID,
				    "profile '%s': its source_profile leads round in a circle",
				    name);
	s3_profile_load(&p, name);
	status = check_files(s, &p);
	if (status == MIGRATE_OK)
		status = use(s, &p, k, found, depth);
	else
		*found = true;
	s3_profile_release(&p);
	return status;
}

enum migrate_status s3_keys_profile(struct s3_session *s, const char *name, struct s3_keys *k,
				    bool *found)
{
	return follow(s, name, k, found, 0);
}
