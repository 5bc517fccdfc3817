/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The files that programs for AWS share: sections of "name = value". */

void s3_profile_file(const char *variable, const char *name, char *path, size_t n)
{
	const char *set = getenv(variable), *home = getenv("HOME");

	if (set && *set)
		snprintf(path, n, "%s", set);
	else
		snprintf(path, n, "%s/.aws/%s", home ? home : "", name);
}

static char *trim(char *text)
{
	size_t n;

	text += strspn(text, " \t");
	n = strlen(text);
	while (n && strchr(" \t\r\n", text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

/* "[default]" in both files; "[profile NAME]" in one, "[NAME]" in the other. */
static bool is_section(char *line, const char *profile, bool config)
{
	char *end = strchr(line, ']');

	if (!end)
		return false;
	*end = '\0';
	line = trim(line + 1);
	if (config && !strncmp(line, "profile", 7) && (line[7] == ' ' || line[7] == '\t'))
		return !strcmp(trim(line + 7), profile);
	return !strcmp(line, profile) && (!config || !strcmp(profile, "default"));
}

bool s3_profile_get(const char *file, const char *profile, const char *name, bool config,
		    char *value, size_t n)
{
	FILE *f = fopen(file, "re");
	bool inside = false, found = false;
	char *line = NULL;
	size_t cap = 0;

	while (f && getline(&line, &cap, f) >= 0) {
		bool nested = line[0] == ' ' || line[0] == '\t';
		char *p = trim(line), *equals;

		if (*p == '[') {
			inside = is_section(p, profile, config);
			continue;
		}
		if (!inside || nested || *p == '#' || *p == ';' || !(equals = strchr(p, '=')))
			continue;
		*equals = '\0';
		if (strcmp(trim(p), name) != 0)
			continue;
		p = trim(equals + 1);
		found = strlen(p) < n && *p; /* the last one counts */
		if (found)
			text_copy(value, n, p);
	}
	if (line)
		explicit_bzero(line, cap);
	free(line);
	if (f)
		fclose(f);
	return found;
}

bool s3_profile_read(struct s3_keys *k, const char *file, const char *profile)
{
	if (!s3_profile_get(file, profile, "aws_access_key_id", false, k->access,
			    sizeof(k->access)) ||
	    !s3_profile_get(file, profile, "aws_secret_access_key", false, k->secret,
			    sizeof(k->secret)))
		return false;
	if (!s3_profile_get(file, profile, "aws_session_token", false, k->token, sizeof(k->token)))
		k->token[0] = '\0';
	return true;
}
